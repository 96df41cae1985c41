"""Are there enough customers, days and repeat buyers for a scheme? What is refused, and missing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from segkit.contract.features import FEATURES
from segkit.plan.models import LEARNING_METHODS, Scheme
from segkit.segmentation.schemes import list_wanted

# What is asked for, below which a scheme is refused, and below which its data are thin.
# Customers for each column: Dolnicar, Grün, Leisch and Schmidt (2014), Required sample sizes for
# data-driven market segmentation analyses in tourism, *Journal of Travel Research* 53.
GATES = {
    "customers for each column": (10, 100),
    "days of history": (28, 365),
    "buyers with repeat purchases": (10, 100),
}
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
        ``wanted``), ``status``: enough, thin or refused.
    """
    rows = []
    for scheme in schemes:
        columns = list_wanted(scheme)
        found = {}
        if scheme.method in LEARNING_METHODS:
            found["customers for each column"] = len(customers) / len(columns)
        bought = [c for c in columns if c in FEATURES and _reads_orders(c)]
        if bought and customers.get("tenure_days", pd.Series(dtype=float)).notna().any():
            found["days of history"] = customers["tenure_days"].max() + 1
        counted = customers.get("order_count", pd.Series(dtype=float)).notna().any()
        if REPEAT_FEATURES.intersection(bought) and counted:
            found["buyers with repeat purchases"] = (customers["order_count"] >= 2).sum()
        for requirement, amount in found.items():
            needed, wanted = GATES[requirement]
            if amount < needed:
                status = "refused"
            else:
                status = "thin" if amount < wanted else "enough"
            missing_count = int(np.ceil(max(0.0, wanted - amount)))
            row = (scheme.name, requirement, int(amount), needed, wanted, missing_count, status)
            rows.append(row)
    columns = ["scheme", "requirement", "found", "needed", "wanted", "missing_count", "status"]
    return pd.DataFrame(rows, columns=columns)


def describe_refusals(gates: pd.DataFrame) -> dict[str, str]:
    """Return, by scheme, what refuses it: found, needed and missing in words."""
    refused = gates[gates["status"] == "refused"]
    words = [
        f"it has {row.found:,.0f} {row.requirement} and needs {row.needed}"
        for row in refused.itertuples()
    ]
    return refused.assign(words=words).groupby("scheme")["words"].agg("; ".join).to_dict()


def _reads_orders(feature: str) -> bool:
    needs = FEATURES[feature].needs
    return any(name.startswith("order_lines.") for group in needs for name in group)
