"""Sentences on the plan: what the data can carry, and what to mend first."""

from __future__ import annotations

import datetime

import pandas as pd

from segkit.core.absence import NO_PURCHASES
from segkit.report.old_sentences import write_sentences
from segkit.report.shared.numbers import format_number, format_share

WEAK_SCORE, STALE_DAYS = 0.5, 31


def state_inventory(
    inventory: pd.DataFrame, consent: dict[str, int], *, as_of: datetime.date
) -> list[str]:
    """Say which tables there are, how fresh they are, and who may be contacted."""
    given = inventory[inventory["row_count"] > 0]
    dated = given.dropna(subset=["last_on"])
    return write_sentences(
        "plan.inventory",
        table_count=len(inventory),
        given=given,
        orders=dated[dated["table"] == "order_lines"].to_dict("records"),
        stale=dated.loc[dated["days_since_last"] > STALE_DAYS, "table"].tolist(),
        consent=consent,
        as_of=as_of,
        no_purchases=NO_PURCHASES,
    )


def state_quality(quality: pd.DataFrame, counts: pd.DataFrame) -> list[str]:
    """Say how many rows were kept and which rules rejected most."""
    found = quality[quality["row_count"] > 0]
    rejects = found[found["severity"] == "reject"]
    top = rejects.sort_values(["row_count", "rule"], ascending=[False, True]).head(1)
    return write_sentences(
        "plan.quality",
        read=int(counts["read"].sum()),
        accepted=int(counts["accepted"].sum()),
        rejecting=top.to_dict("records"),
        warning_count=int((found["severity"] == "warning").sum()),
    )


def state_readiness(readiness: pd.DataFrame, gaps: pd.DataFrame, overreach: list[str]) -> list[str]:
    """Say how ready the business is, what to improve first, and what the plan overreaches."""
    return write_sentences(
        "plan.readiness",
        scores=readiness,
        weak=readiness[readiness["score"] < WEAK_SCORE].to_dict("records"),
        ready=[base.replace("_", " ") for base in gaps.loc[gaps["ready"], "base"]],
        base_count=len(gaps),
        overreach=overreach,
    )


def headline_plan(
    counts: pd.DataFrame, readiness: pd.DataFrame, gaps: pd.DataFrame
) -> dict[str, str]:
    """Return the figures of this step for the index page, as text by label."""
    accepted, read = int(counts["accepted"].sum()), int(counts["read"].sum())
    return {
        "Rows accepted": f"{format_number(accepted)} of {format_number(read)}",
        "Readiness": format_share(readiness["score"].mean(), 0),
        "Bases that can be used": f"{int(gaps['ready'].sum())} of {len(gaps)}",
    }
