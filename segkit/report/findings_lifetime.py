"""Sentences on what customers will be worth, and whether to believe it."""

from __future__ import annotations

import pandas as pd

from segkit.features.missing import explain_empty
from segkit.report.findings import format_money, format_number, format_share, join_words, plural

VALUE_HEADINGS = {
    "group": "Customers",
    "customer_count": "Number",
    "expected_order_count": "Expected purchases each",
    "mean_lifetime_value": "Mean value",
    "mean_low": "From",
    "mean_high": "To",
    "total_lifetime_value": "Value of all",
    "total_low": "From (all)",
    "total_high": "To (all)",
}
VALUE_FORMATS = {"expected_order_count": "number"}
VALUE_FORMATS |= dict.fromkeys(list(VALUE_HEADINGS)[3:], "money")
CHECK_HEADINGS = {
    "check": "Check",
    "value": "Value",
    "limit": "Wanted",
    "passes": "Holds",
    "note": "What that means",
}


def state_lifetime(values: pd.DataFrame, *, currency: str) -> list[str]:
    """Say what a year will bring, with its interval; why not, where nothing could be fitted."""
    if values.empty:
        return [f"There is no lifetime value. {explain_empty(values)}"]
    everybody = values.iloc[0]
    if pd.isna(everybody["mean_lifetime_value"]):
        return ["Purchases can be expected, but not their value; the checks say why."]
    mean, low, high, total, least, most = (
        format_money(everybody[name], currency) for name in list(VALUE_HEADINGS)[3:]
    )
    count = plural(everybody["customer_count"], "customer")
    sentences = [
        f"In the next year a customer is expected to bring {mean} of gross sales (95 % interval "
        f"{low} to {high}), all {count} together {total} ({least} to {most}), discounted."
    ]
    groups = values.iloc[1:].dropna(subset=["mean_lifetime_value"])
    if len(groups) > 1:
        best = groups.loc[groups["total_lifetime_value"].idxmax()]
        share = format_share(best["total_lifetime_value"] / groups["total_lifetime_value"].sum())
        size = format_share(best["customer_count"] / groups["customer_count"].sum())
        sentences.append(
            f"The largest part of it, {share}, is expected of the group '{best['group']}', "
            f"which is {size} of the customers."
        )
    return sentences


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
    unknown = int(checks["passes"].isna().sum())
    sentences = [f"All of the {plural(len(checks) - unknown, 'check')} that were made hold."]
    if len(failed):
        names = join_words([f"'{name}'" for name in failed["check"]])
        verb = "does" if len(failed) == 1 else "do"
        sentences = [f"Take the values with care: {names} {verb} not hold.", *failed["note"]]
    if len(holdout):
        last = holdout.iloc[-1]
        sentences.append(
            f"In {plural(len(holdout), 'week')} that the fit had not seen, "
            f"{format_number(last['expected_running'])} purchases were expected and "
            f"{format_number(last['actual_running'])} came."
        )
    return sentences
