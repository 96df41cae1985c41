"""Sentences on the plan: what the data can carry, and what to mend first."""

from __future__ import annotations

import datetime

import pandas as pd

from segkit.features.missing import NO_PURCHASES
from segkit.report.findings import format_number, format_share, join_words, plural

WEAK_SCORE = 0.5


def state_inventory(
    inventory: pd.DataFrame, consent: dict[str, int], *, as_of: datetime.date
) -> list[str]:
    """Say which tables there are, how fresh they are, and who may be contacted."""
    given = inventory[inventory["row_count"] > 0]
    sentences = [
        f"{len(given)} of the {len(inventory)} tables that segkit understands are there, with "
        f"{plural(int(given['row_count'].sum()), 'accepted row')}."
    ]
    dated = given.dropna(subset=["last_on"])
    for row in dated[dated["table"] == "order_lines"].itertuples():
        sentences.append(
            f"Orders run from {row.first_on} to {row.last_on}; the last one is "
            f"{plural(int(row.days_since_last), 'day')} before {as_of}, the last day counted."
        )
    if "order_lines" not in list(given["table"]):
        sentences.append(f"{NO_PURCHASES} They are known as far as features of customers tell.")
    stale = dated[dated["days_since_last"] > 31]["table"].tolist()
    if stale:
        sentences.append(f"Older than a month: {join_words(stale)}.")
    if consent["customer_count"]:
        sentences.append(
            f"{format_share(consent['yes_count'] / consent['customer_count'])} of "
            f"{plural(consent['customer_count'], 'customer')} may be contacted; of "
            f"{format_number(consent['unknown_count'])} it is not known."
        )
    else:
        sentences.append("No consent is recorded, so no list of customers can be exported.")
    return sentences


def state_quality(quality: pd.DataFrame, counts: pd.DataFrame) -> list[str]:
    """Say how many rows were kept and which rules rejected most."""
    read, accepted = int(counts["read"].sum()), int(counts["accepted"].sum())
    sentences = [
        f"Of {plural(read, 'row')} read, {format_number(accepted)} were accepted "
        f"({format_share(accepted / read if read else None)}) and "
        f"{format_number(read - accepted)} rejected, each with its reason."
    ]
    rejects = quality[(quality["severity"] == "reject") & (quality["row_count"] > 0)]
    if len(rejects):
        top = rejects.sort_values(["row_count", "rule"], ascending=[False, True]).iloc[0]
        sentences.append(
            f"The rule that rejects most is {top['rule']} in {top['table']}: "
            f"{plural(int(top['row_count']), 'row')}."
        )
    warnings = quality[(quality["severity"] == "warning") & (quality["row_count"] > 0)]
    if len(warnings):
        sentences.append(
            f"{plural(len(warnings), 'rule')} found rows that were kept but deserve a look."
        )
    return sentences


def state_readiness(readiness: pd.DataFrame, gaps: pd.DataFrame, overreach: list[str]) -> list[str]:
    """Say how ready the business is, what to improve first, and what the plan overreaches."""
    weak = readiness[readiness["score"] < WEAK_SCORE]
    sentences = [
        f"{len(readiness) - len(weak)} of {len(readiness)} practices score half or more; the "
        f"mean score is {format_share(readiness['score'].mean(), 0)}."
    ]
    if len(weak):
        first = weak.iloc[0]
        sentences.append(
            f"To improve first: {first['improve'][0].lower()}{first['improve'][1:]} "
            f"({first['practice'].lower()}: {first['evidence']})."
        )
    ready = gaps[gaps["ready"]]
    sentences.append(
        f"{len(ready)} of {len(gaps)} bases can be used: "
        f"{join_words([base.replace('_', ' ') for base in ready['base']])}."
    )
    if overreach:
        sentences += overreach
    else:
        sentences.append("The plan asks nothing that the data cannot carry.")
    return sentences


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
