"""Sentences on what customers will be worth, and whether to believe it."""

from __future__ import annotations

import pandas as pd

from segkit.features.lifetime import VALUE_COLUMNS
from segkit.features.missing import explain_empty
from segkit.report.findings import format_number
from segkit.report.sentences import write_sentences

_HEADINGS = (
    "Customers", "Number", "Expected purchases each", "Mean value", "From", "To",
    "Value of all", "From (all)", "To (all)",
)  # fmt: skip
VALUE_HEADINGS = dict(zip(VALUE_COLUMNS, _HEADINGS, strict=True))
VALUE_FORMATS = {"expected_order_count": "number"}
VALUE_FORMATS |= dict.fromkeys(VALUE_COLUMNS[3:], "money")
CHECK_HEADINGS = {
    "check": "Check",
    "value": "Value",
    "limit": "Wanted",
    "passes": "Holds",
    "note": "What that means",
}


def state_lifetime(values: pd.DataFrame, *, currency: str) -> list[str]:
    """Say what a year will bring, with its interval; why not, where nothing could be fitted."""
    groups = values.iloc[1:].dropna(subset=["mean_lifetime_value"])
    best = groups.sort_values("total_lifetime_value", ascending=False, kind="stable").head(1)
    return write_sentences(
        "lifetime",
        "worth",
        everybody=values.head(1).to_dict("records"),
        best=best.to_dict("records") if len(groups) > 1 else [],
        sums=groups[["total_lifetime_value", "customer_count"]].sum(),
        reason=explain_empty(values),
        currency=currency,
    )


def write_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """Write values and limits of `check_lifetime` as text, each with the decimals that it needs."""
    if checks.empty:
        return checks

    written = checks[["value", "limit"]].map(lambda n: format_number(n, 0 if n % 1 == 0 else 2))
    return checks.assign(value=written["value"], limit=checks["bound"] + " " + written["limit"])


def state_lifetime_checks(checks: pd.DataFrame, holdout: pd.DataFrame) -> list[str]:
    """Say whether the models fit, and how far they were off in the time held out."""
    if checks.empty:
        return []
    failed = checks[checks["passes"].eq(False)]
    return write_sentences(
        "lifetime",
        "checks",
        made=int(checks["passes"].notna().sum()),
        names=[f"'{name}'" for name in failed["check"]],
        failed=failed["note"].tolist(),
        holdout=holdout.to_dict("records"),
    )
