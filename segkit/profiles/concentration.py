"""How much of the value few customers bring: Pareto, Lorenz, Gini, tenths."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.core.errors import SegkitError, suggest_name
from segkit.core.measures import add_contributions, count_needed, find_dominated
from segkit.models.kinds import find_kind

ALL = "all customers"
TOP_FIFTH = "top fifth"
TOP_HUNDREDTH = "top hundredth"
MOST = "four fifths of the value"
LOSSES = "a loss"
UNKNOWN = "value not known"
PARETO_SHARE = 0.8
MOST_STEPS = 200
LORENZ_COLUMNS = ("customer_share", "value_share", "customer_count")
PART_COLUMNS = (
    "part", "customer_count", "customer_share", "value_share", "gini", "value_share_largest",
    "value_share_second",
)  # fmt: skip
TENTH_COLUMNS = (
    "tenth", "customer_count", "total", "value_share", "running_share", "total_largest",
    "total_second",
)  # fmt: skip
NO_SPEND = f"{NO_PURCHASES[:-1]}, and no “total_spend” of its own."


def measure_concentration(
    customers: pd.DataFrame, column: str, *, smallest_cell: int = 5
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure how unequally a column of amounts is spread over customers.

    A negative or missing value counts as 0, and is counted; shares of a total need it. Without
    ``total_spend``, as in a plan without purchases, there are no rows of it.

    Returns
    -------
    lorenz : pandas.DataFrame
        ``customer_share`` and ``value_share``, smallest customers first, from (0, 0) to (1, 1), at
        most 201 points; ``customer_count`` has those from the point before, twice ``smallest_cell``
        of them at least, of whom no one or two bring nearly all. No rows where there are fewer
        customers altogether.
    parts : pandas.DataFrame
        ``part``, ``customer_count``, ``customer_share`` (of all), ``value_share`` and ``gini``: a
        row for all customers (with ``gini``: 0, all alike; 1, one has all), the top 20 % and 1 % of
        them, the fewest who bring 80 % of the value, those with a negative value, and those
        without one. ``value_share_largest`` and ``value_share_second`` are the gate's.

    References
    ----------
    Gini (1912); the mean-difference form over sorted values as in Cowell (2011), *Measuring
    Inequality*, equation 2.22.
    """
    if _has_no_spend(customers, column):
        return empty_table(LORENZ_COLUMNS, NO_SPEND), empty_table(PART_COLUMNS, NO_SPEND)
    values = _take_values(customers, column)
    amounts = np.sort(np.nan_to_num(values, nan=0.0).clip(min=0))
    count = len(amounts)
    total = amounts.sum()
    if total <= 0:
        message = f"'{column}' has no positive values, so its concentration is not defined"
        fix = "Choose another column, or look at the quality table for what was rejected."
        raise SegkitError(message, fix=fix)
    running = np.concatenate([[0.0], np.cumsum(amounts)]) / total
    running[-1] = 1.0
    needed_count = int(np.searchsorted(np.cumsum(amounts[::-1]) / total, PARETO_SHARE - 1e-12)) + 1
    counts = {
        ALL: count,
        TOP_FIFTH: max(1, round(0.2 * count)),
        TOP_HUNDREDTH: max(1, round(0.01 * count)),
        MOST: needed_count,
        LOSSES: int((values < 0).sum()),
        UNKNOWN: int(np.isnan(values).sum()),
    }
    parts = pd.DataFrame({"part": list(counts), "customer_count": list(counts.values())})
    parts["customer_share"] = parts["customer_count"] / count
    brings = [1 - running[count - counts[part]] for part in (ALL, TOP_FIFTH, TOP_HUNDREDTH, MOST)]
    parts["value_share"] = [*brings, 0.0, 0.0]
    ranks = np.arange(1, count + 1)
    gini = float((2 * ranks - count - 1) @ amounts / (count * total))
    parts["gini"] = [gini, *[np.nan] * (len(parts) - 1)]
    parts = parts.assign(value_share_largest=np.nan, value_share_second=np.nan)
    largest = [*amounts[::-1][:2] / total, 0.0][:2]
    brought = parts["part"].isin([ALL, TOP_FIFTH, TOP_HUNDREDTH, MOST])
    parts.loc[brought, ["value_share_largest", "value_share_second"]] = largest
    return _draw_lorenz(running, smallest_cell), parts


def _draw_lorenz(running: np.ndarray, smallest_cell: int) -> pd.DataFrame:
    """Return points of the Lorenz curve, each with enough customers since the one before."""
    count = len(running) - 1
    fewest = count_needed(smallest_cell)
    if count < fewest:
        reason = f"There are fewer than {fewest} customers."
        return empty_table(LORENZ_COLUMNS, reason)
    step_count = min(MOST_STEPS, count // fewest)
    points = np.unique(np.linspace(0, count, step_count + 1).round().astype(int))
    if smallest_cell > 1:
        points = _drop_told(points, running)
    if len(points) < 2:
        return empty_table(LORENZ_COLUMNS, "One or two customers bring nearly all.")
    return pd.DataFrame(
        {
            "customer_share": points / count,
            "value_share": running[points],
            "customer_count": np.diff(points, prepend=0),
        }
    )


def _drop_told(points: np.ndarray, running: np.ndarray) -> np.ndarray:
    """Return the points without those between which one or two customers bring nearly all."""
    shares = np.diff(running)  # of each customer, the smallest first
    kept = [points[-1]]
    for point in points[-2::-1]:
        largest = shares[kept[-1] - 1]
        second = shares[kept[-1] - 2]
        if not find_dominated([running[kept[-1]] - running[point]], [largest], [second])[0]:
            kept.append(point)
    if kept[-1] != 0:  # the rest is too few to stand alone
        kept = [*kept[:-1], 0] if len(kept) > 1 else []
    return np.array(kept[::-1])


def rank_customers(customers: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rank customers by a value, largest first, and sum it by tenths.

    Ties are settled by ``customer_id``; missing values count as 0. Returns ``tenth`` (1 is the
    top), ``customer_count``, ``total``, ``value_share`` and ``running_share``, with the largest
    contributions to the total for the gate; no identifiers. Without ``total_spend`` there are no
    rows of it.
    """
    if _has_no_spend(customers, column):
        return empty_table(TENTH_COLUMNS, NO_SPEND)
    ranked = customers[["customer_id"]].assign(value=np.nan_to_num(_take_values(customers, column)))
    ranked = ranked.sort_values(["value", "customer_id"], ascending=[False, True])
    ranked["tenth"] = np.arange(len(ranked)) * 10 // len(ranked) + 1
    table = ranked.groupby("tenth", as_index=False).agg(
        customer_count=("value", "size"), total=("value", "sum")
    )
    whole = table["total"].sum()
    table["value_share"] = table["total"] / whole if whole > 0 else np.nan
    table["running_share"] = table["value_share"].cumsum()
    return add_contributions(table, ranked["value"], ranked["tenth"], key="tenth", name="total")


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
