"""Are there enough customers, days and repeat buyers for a scheme? What is refused, and missing."""

from __future__ import annotations

from collections.abc import Iterable

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
    for scheme in schemes:
        for requirement, amount in _measure_data(customers, scheme).items():
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


def _measure_data(customers: pd.DataFrame, scheme: Scheme) -> dict[str, float]:
    """Return what a scheme's data hold of each thing that is asked of it."""
    columns = list_wanted(scheme)
    found = {}
    if scheme.method in LEARNING_METHODS:
        found[CUSTOMERS_BY_COLUMN] = len(customers) / len(columns)
    bought = [c for c in columns if c in FEATURES and _reads_orders(c)]
    if bought and _is_known(customers, "tenure_days"):
        found[HISTORY] = customers["tenure_days"].max() + 1
    if REPEAT_FEATURES.intersection(bought) and _is_known(customers, "order_count"):
        found[REPEAT_BUYERS] = (customers["order_count"] >= 2).sum()
    return found


def _is_known(customers: pd.DataFrame, column: str) -> bool:
    return column in customers and customers[column].notna().any()


def describe_refusals(gates: pd.DataFrame) -> dict[str, str]:
    """Return, by scheme, what refuses it: found, needed and missing in words."""
    refused = gates[gates["status"] == "refused"]
    words = [
        f"it has {row.found:,.0f} {row.requirement} and needs {row.needed}"
        for row in refused.itertuples()
    ]
    return refused.assign(words=words).groupby("scheme")["words"].agg("; ".join).to_dict()


def refuse_all(refused: pd.DataFrame) -> None:
    """Raise the error that no scheme can be fitted, with why."""
    why = [
        f"{row.scheme.replace('_', ' ')} cannot be fitted: {row.why}"
        for row in refused.itertuples()
    ]
    raise SegkitError(
        "no scheme can be fitted to these customers",
        found=" ".join(why).rstrip("."),
        fix="Bring more customers.",
    )


def _reads_orders(feature: str) -> bool:
    needs = FEATURES[feature].needs
    return any(name.startswith("order_lines.") for group in needs for name in group)
