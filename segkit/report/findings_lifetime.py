"""Sentences on what customers will be worth, and whether to believe it."""

from __future__ import annotations

import pandas as pd

from segkit.core.absence import explain_empty
from segkit.report.old_sentences import write_sentences
from segkit.report.shared.numbers import format_number


def state_lifetime(values: pd.DataFrame, *, currency: str) -> list[str]:
    """Say what a year will bring, with its interval; why not, where nothing could be fitted."""
    if values.empty:
        return [f"There is no lifetime value. {explain_empty(values)}"]
    everybody = values.iloc[0]
    if pd.isna(everybody["mean_lifetime_value"]):
        return ["Purchases can be expected, but not their value; the checks say why."]
    groups = values.iloc[1:].dropna(subset=["mean_lifetime_value"])
    best, shares = None, {"share": None, "size": None}
    if len(groups) > 1:
        best = groups.loc[groups["total_lifetime_value"].idxmax()].to_dict()
        names = {"share": "total_lifetime_value", "size": "customer_count"}
        shares = {name: best[column] / groups[column].sum() for name, column in names.items()}
    values = {"everybody": everybody, "best": best, "currency": currency, **shares}
    return write_sentences("lifetime.lifetime", **values)


def write_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """Write values and limits of `check_lifetime` as text, each with the decimals that it needs."""
    if checks.empty:
        return checks

    def write(number: float) -> str:
        return format_number(number, 0 if number % 1 == 0 else 2)

    wanted = checks["bound"] + " " + checks["limit"].map(write)
    return checks.assign(value=checks["value"].map(write), limit=wanted)


def state_lifetime_checks(checks: pd.DataFrame, holdout: pd.DataFrame) -> list[str]:
    """Say whether the models fit, and how far they were off in the time held out."""
    if checks.empty:
        return []
    failed = checks[checks["passes"].eq(False)]
    return write_sentences(
        "lifetime.checks",
        made=int(checks["passes"].notna().sum()),
        failed=failed.assign(quoted="'" + failed["check"] + "'").to_dict("records"),
        weeks=len(holdout),
        last=holdout.iloc[-1].to_dict() if len(holdout) else None,
    )
