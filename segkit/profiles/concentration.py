"""How much of the value few customers bring: Pareto, Lorenz, Gini, tenths."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.core.errors import SegkitError, suggest_name
from segkit.models.kinds import find_kind


def measure_concentration(
    customers: pd.DataFrame, column: str
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Measure how unequally a column of amounts is spread over customers.

    A negative or missing value counts as 0, and is counted; shares of a total need it. Without
    ``total_spend``, as in a plan without purchases, there are no rows and no figures of it.

    Returns
    -------
    lorenz : pandas.DataFrame
        ``customer_share`` and ``value_share``, smallest customers first, from (0, 0) to (1, 1), at
        most 201 points.
    figures : dict
        ``gini`` (0: all alike; 1: one has all), ``top_20_share`` and ``top_1_share`` (value share
        of the top 20 % and 1 % of customers), ``customer_share_for_80`` (smallest share of
        customers with 80 % of the value), ``customer_count``, ``negative_count``,
        ``missing_count``.

    References
    ----------
    Gini (1912); the mean-difference form over sorted values as in Cowell (2011), *Measuring
    Inequality*, equation 2.22.
    """
    if _has_no_spend(customers, column):
        return empty_table(["customer_share", "value_share"], NO_SPEND), {}
    values = _take_values(customers, column)
    amounts = np.sort(np.nan_to_num(values, nan=0.0).clip(min=0))
    count, total = len(amounts), amounts.sum()
    if total <= 0:
        message = f"'{column}' has no positive values, so its concentration is not defined"
        fix = "Choose another column, or look at the quality table for what was rejected."
        raise SegkitError(message, fix=fix)
    ranks = np.arange(1, count + 1)
    running = np.concatenate([[0.0], np.cumsum(amounts)]) / total
    running[-1] = 1.0
    points = np.unique(np.linspace(0, count, min(count, 200) + 1).round().astype(int))
    lorenz = pd.DataFrame({"customer_share": points / count, "value_share": running[points]})
    needed = int(np.searchsorted(np.cumsum(amounts[::-1]) / total, PARETO_SHARE - 1e-12)) + 1
    top = {share: 1 - running[count - max(1, round(share * count))] for share in (0.2, 0.01)}
    figures = {
        "gini": float((2 * ranks - count - 1) @ amounts / (count * total)),
        "top_20_share": float(top[0.2]),
        "top_1_share": float(top[0.01]),
        "customer_share_for_80": needed / count,
        "customer_count": count,
        "negative_count": int((values < 0).sum()),
        "missing_count": int(np.isnan(values).sum()),
    }
    return lorenz, figures


def rank_customers(customers: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rank customers by a value, largest first, and sum it by tenths.

    Ties are settled by ``customer_id``; missing values count as 0. Returns ``tenth`` (1 is the
    top), ``customer_count``, ``smallest``, ``total``, ``value_share`` and ``running_share``. No
    identifiers, so that it may be published. Without ``total_spend`` there are no rows of it.
    """
    if _has_no_spend(customers, column):
        columns = ["tenth", "customer_count", "smallest", "total", "value_share", "running_share"]
        return empty_table(columns, NO_SPEND)
    ranked = customers[["customer_id"]].assign(value=np.nan_to_num(_take_values(customers, column)))
    ranked = ranked.sort_values(["value", "customer_id"], ascending=[False, True])
    ranked["tenth"] = np.arange(len(ranked)) * 10 // len(ranked) + 1
    table = ranked.groupby("tenth", as_index=False).agg(
        customer_count=("value", "size"), smallest=("value", "min"), total=("value", "sum")
    )
    whole = table["total"].sum()
    table["value_share"] = table["total"] / whole if whole > 0 else np.nan
    table["running_share"] = table["value_share"].cumsum()
    return table


def _has_no_spend(customers: pd.DataFrame, column: str) -> bool:
    """Say whether value is unknown, as without purchases; with them there is always spend."""
    return column == "total_spend" and column not in customers


def _take_values(customers: pd.DataFrame, column: str) -> np.ndarray:
    if column not in customers.columns:
        numbers = [name for name in customers if find_kind(customers[name]) == "number"]
        fix = suggest_name(column, numbers)
        raise SegkitError(f"the customer table has no column '{column}'", fix=fix)
    if customers.empty:
        raise SegkitError("the customer table is empty", fix="Look at the rejected rows.")
    return pd.to_numeric(customers[column], errors="coerce").to_numpy(float, na_value=np.nan)


PARETO_SHARE = 0.8


NO_SPEND = f"{NO_PURCHASES[:-1]}, and no total_spend of its own."
