"""Are there enough customers, days and repeat buyers for a scheme? What is refused, and missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from segkit.contract.features import FEATURES
from segkit.core.errors import SegkitError
from segkit.plan.models import LEARNING_METHODS, Scheme
from segkit.segmentation.schemes import list_wanted

# What is asked for, below which a scheme is refused, and below which its data are thin.
# Customers for each column: Dolnicar, Grün, Leisch and Schmidt (2014), Required sample sizes for
# data-driven market segmentation analyses in tourism, *Journal of Travel Research* 53.
CUSTOMERS_BY_COLUMN = "customers for each column"
HISTORY = "days of history"
REPEAT_BUYERS = "buyers with repeat purchases"
GATES = {CUSTOMERS_BY_COLUMN: (10, 100), HISTORY: (28, 365), REPEAT_BUYERS: (10, 100)}
COLUMNS = (
    "scheme",
    "requirement",
    "found",
    "needed",
    "wanted",
    "missing_count",
    "customer_count",
    "status",
)
REPEAT_FEATURES = {"order_count", "mean_days_between_orders", "active_days"}
CUSTOMERS_PER_SEGMENT = 10  # of which a segment's middle can be told


class DataCounts(NamedTuple):
    """What the gates ask for: customers, days of history, buyers with repeat purchases.

    Days and buyers are None where nothing is known of purchases.
    """

    customers: int
    days: float | None = None
    repeat_buyers: int | None = None


def check_data(customers: pd.DataFrame, schemes: Iterable[Scheme]) -> pd.DataFrame:
    """Check what each scheme's data hold against the least that it needs.

    Columns are counted of schemes that find segments; history and repeat buyers where a scheme
    reads features of purchases and the customer table has ``tenure_days`` or ``order_count``.

    Returns
    -------
    pandas.DataFrame
        One row a scheme and requirement: ``scheme``, ``requirement``, ``found``, ``needed`` (less
        is refused), ``wanted`` (less is thin), ``missing_count`` (what ``found`` lacks to
        ``wanted``), ``customer_count`` (the customers whom ``found`` speaks of), ``status``:
        enough, thin or refused.
    """
    rows = []
    counts = _count_data(customers)
    for scheme in schemes:
        for requirement, amount in _measure_data(counts, scheme).items():
            needed, wanted = GATES[requirement]
            status = "enough"
            if amount < needed:
                status = "refused"
            elif amount < wanted:
                status = "thin"
            counted = amount if requirement == REPEAT_BUYERS else len(customers)
            rows.append(
                {
                    "scheme": scheme.name,
                    "requirement": requirement,
                    "found": int(amount),
                    "needed": needed,
                    "wanted": wanted,
                    "missing_count": int(np.ceil(max(0.0, wanted - amount))),
                    "customer_count": int(counted),
                    "status": status,
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _count_data(customers: pd.DataFrame) -> DataCounts:
    """Return what a customer table holds of what the gates ask for."""
    days = None
    repeat_buyers = None
    if _is_known(customers, "tenure_days"):
        days = customers["tenure_days"].max() + 1
    if _is_known(customers, "order_count"):
        repeat_buyers = (customers["order_count"] >= 2).sum()
    return DataCounts(len(customers), days, repeat_buyers)


def _measure_data(counts: DataCounts, scheme: Scheme) -> dict[str, float]:
    """Return what a scheme's data hold of each thing that is asked of it."""
    columns = list_wanted(scheme)
    found = {}
    if scheme.method in LEARNING_METHODS:
        found[CUSTOMERS_BY_COLUMN] = counts.customers / len(columns)
    bought = [c for c in columns if c in FEATURES and _reads_orders(c)]
    if bought and counts.days is not None:
        found[HISTORY] = counts.days
    if REPEAT_FEATURES.intersection(bought) and counts.repeat_buyers is not None:
        found[REPEAT_BUYERS] = counts.repeat_buyers
    return found


class Refusal(NamedTuple):
    """Why a scheme cannot be fitted, what to do about it, and whether there are just too few."""

    why: str
    advice: str
    has_too_few: bool


def find_refusals(counts: DataCounts, schemes: Iterable[Scheme]) -> dict[str, Refusal]:
    """Return, by scheme, what refuses it and what to do about it, before any customer is described.

    Examples
    --------
    >>> scheme = Scheme(name="rfm", goal="keep", base="behavioural", method="rfm")
    >>> refusal = find_refusals(DataCounts(300, 365, 0), [scheme])["rfm"]
    >>> refusal.why
    'it has 0 buyers with repeat purchases and needs 10'
    >>> refusal.advice
    'Leave order_count out: recency and spend can be cut, with method = "kmeans" and columns = \
["recency_days", "total_spend"].'
    """
    found = {}
    for scheme in schemes:
        why = []
        advice = []
        fewest = _find_fewest(scheme)
        needed = CUSTOMERS_PER_SEGMENT * fewest
        has_too_few = counts.customers < needed
        if has_too_few:
            why.append(f"{fewest} segments need {needed} customers, there are {counts.customers}")
            advice.append("Ask for fewer segments, or bring more customers.")
        for requirement, amount in _measure_data(counts, scheme).items():
            least = GATES[requirement][0]
            if amount < least:
                why.append(_write_refusal(requirement, amount, least))
                advice.append(advise_refusal(scheme, requirement))
        if why:
            told = " ".join(dict.fromkeys(advice))
            found[scheme.name] = Refusal("; ".join(why), told, has_too_few)
    return found


def _find_fewest(scheme: Scheme) -> int:
    """Return the fewest segments that a scheme may end with; RFM merges neighbours."""
    fewest = scheme.segments[0] if scheme.method != "rules" else 1
    return min(fewest, 3) if scheme.method == "rfm" else fewest


def advise_refusal(scheme: Scheme, requirement: str) -> str:
    """Return what to do about a scheme that lacks what is required of its data."""
    columns = list_wanted(scheme)
    if requirement == CUSTOMERS_BY_COLUMN:
        return "Take fewer columns, or bring more customers."
    if requirement == HISTORY:
        return "Wait for more days of orders, or segment by what else is known of the customers."
    repeats = [column for column in columns if column in REPEAT_FEATURES]
    left = [column for column in columns if column not in REPEAT_FEATURES]
    words = f"Leave {' and '.join(repeats)} out"
    if scheme.method == "rfm":
        names = ", ".join(f'"{column}"' for column in left)
        how = f'with method = "kmeans" and columns = [{names}]'
        return f"{words}: recency and spend can be cut, {how}."
    if {"recency_days", "total_spend"} & set(left):
        return f"{words}: recency and spend can be cut."
    return f"{words}." if left else f"{words}: cut recency_days and total_spend in its place."


def advise_refusals(gates: pd.DataFrame, schemes: Sequence[Scheme]) -> list[str]:
    """Return what to do about the schemes that are refused, each advice once."""
    by_name = {scheme.name: scheme for scheme in schemes}
    refused = gates[gates["status"] == "refused"]
    found = [advise_refusal(by_name[row.scheme], row.requirement) for row in refused.itertuples()]
    return list(dict.fromkeys(found))


def _write_refusal(requirement: str, amount: float, needed: int) -> str:
    return f"it has {amount:,.0f} {requirement} and needs {needed}"


def _is_known(customers: pd.DataFrame, column: str) -> bool:
    return column in customers and customers[column].notna().any()


def describe_refusals(gates: pd.DataFrame) -> dict[str, str]:
    """Return, by scheme, what refuses it: found, needed and missing in words."""
    refused = gates[gates["status"] == "refused"]
    words = [_write_refusal(row.requirement, row.found, row.needed) for row in refused.itertuples()]
    return refused.assign(words=words).groupby("scheme")["words"].agg("; ".join).to_dict()


def refuse_all(refused: pd.DataFrame, gates: pd.DataFrame, schemes: Sequence[Scheme]) -> None:
    """Raise the error that no scheme can be fitted, with why and what to do."""
    why = [
        f"{row.scheme.replace('_', ' ')} cannot be fitted: {row.why}"
        for row in refused.itertuples()
    ]
    raise SegkitError(
        "no scheme can be fitted to these customers",
        found=" ".join(why).rstrip("."),
        fix=" ".join(advise_refusals(gates, schemes)) or "Bring more customers.",
    )


def _reads_orders(feature: str) -> bool:
    needs = FEATURES[feature].needs
    return any(name.startswith("order_lines.") for group in needs for name in group)
