"""What kind of figure a column holds, and whether one or two customers make it.

A count of customers may be seen from ``smallest_cell`` on. What is said of an amount (a sum, a
mean, a median, a quantile, an interval, an index) needs twice as many, and no sum that one or two
customers make is shown. An extreme, such as the smallest of a group, is one customer's own value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

COUNT = "count"
FIGURE = "figure"
EXTREME = "extreme"
LABEL = "label"
MEASURES = (COUNT, FIGURE, EXTREME, LABEL)
LARGEST = "_largest"
SECOND = "_second"  # what a column of sums is accompanied by
OF_A_MEAN = "_sum"  # and one of means: the sum that it is made of
FLOOR = "_floor"  # the lowest that a figure is without two of its customers
CEILING = "_ceiling"  # and the highest, see `segkit.core.carried`
TIMES_FOR_FIGURES = 2  # as many customers as a count needs
DOMINANCE_PERCENT = 10.0  # the p of the p% rule
EXTREME_NAMES = re.compile(r"(smallest|largest|lowest|highest|min|max|minimum|maximum)(_|$)")

MEAN_NAMES = re.compile(r"(mean|median|expected)_")


def find_measure(column: str, values: pd.Series) -> str:
    """Return what kind of figure a column holds, told from its name and values.

    Numbers are a ``figure`` unless the name says that they count (``..._count``, but for a mean of
    counts) or are a share of customers (``customer_share``), or are an ``extreme``; everything else
    is a ``label``.
    """
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if EXTREME_NAMES.match(column):
        return EXTREME
    if not is_number and not _holds_numbers(values):
        return LABEL
    if MEAN_NAMES.match(column):
        return FIGURE
    if column.endswith("_count") or column == "customer_share":
        return COUNT
    return FIGURE


def _holds_numbers(values: pd.Series) -> bool:
    """Return whether a column of objects has a number among its values."""
    if not pd.api.types.is_object_dtype(values):
        return False
    return any(
        isinstance(value, (int, float)) and not isinstance(value, bool) and not pd.isna(value)
        for value in values
    )


def count_needed(smallest_cell: int) -> int:
    """Return how many customers an amount needs; where one may be seen, all may."""
    return TIMES_FOR_FIGURES * smallest_cell if smallest_cell > 1 else 1


def list_measures(
    table: pd.DataFrame, *, named: Mapping[str, str], labels: set[str]
) -> dict[str, str]:
    """Return the kind of each column: as ``named``, a label, or as `find_measure` tells it."""
    kinds = {}
    for column in table.columns:
        if column in labels:
            kinds[column] = LABEL
        else:
            kinds[column] = named.get(column) or find_measure(column, table[column])
    return kinds


def list_contributions(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return, of each column of sums with its two largest contributions, these three.

    Those of ``spend`` are ``spend_largest`` and ``spend_second``; a mean also needs its sum, in
    ``<name>_sum``. Each frame has the columns ``total``, ``largest`` and ``second``.
    """
    found = []
    for name in table.columns:
        if not {f"{name}{LARGEST}", f"{name}{SECOND}"} <= set(table.columns):
            continue
        total = f"{name}{OF_A_MEAN}" if f"{name}{OF_A_MEAN}" in table else name
        parts = table[[total, f"{name}{LARGEST}", f"{name}{SECOND}"]].astype(float)
        found.append(parts.set_axis(["total", "largest", "second"], axis=1))
    return found


def drop_contributions(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table without what nobody may see: the largest contributions, and what is left.

    What is left without two customers goes with them.
    """
    means = {f"{name}{OF_A_MEAN}" for name in table.columns}
    ends = (LARGEST, SECOND, FLOOR, CEILING)
    return table.drop(columns=[c for c in table.columns if str(c).endswith(ends) or c in means])


def find_dominated(
    total: np.ndarray | pd.Series,
    largest: np.ndarray | pd.Series,
    second: np.ndarray | pd.Series,
    *,
    percent: float = DOMINANCE_PERCENT,
) -> np.ndarray:
    """Return which sums tell the largest contribution to within ``percent`` of it.

    The second largest contributor knows their own part: what is left beside the two is all that
    hides the largest (the p% rule of Hundepool et al. 2012, section 4.2.2). Contributions are taken
    by size, whatever their sign; the rest may be of returns, so its size is taken too. A sum of
    nothing is dominated by nobody.

    Parameters
    ----------
    total, largest, second : array of float
        Each sum and its two largest contributions, missing where there is none.
    percent : float, optional
        How near the largest contribution may be told.
    """
    first = np.nan_to_num(np.asarray(largest, dtype=float))
    other = np.nan_to_num(np.asarray(second, dtype=float))
    rest = np.nan_to_num(np.asarray(total, dtype=float)) - first - other
    return (np.abs(first) > 0) & (np.abs(rest) < percent / 100 * np.abs(first))


def bound_contributions(total: pd.Series, most: pd.Series) -> np.ndarray:
    """Return the largest contribution to each sum and the most that the second can be, (n, 2).

    Of sums of what is not below 0, where the second is not known: it has no more than the first,
    and no more than all the others. Taken for so much, none is told who should not be.

    >>> bound_contributions(pd.Series([2039.0, 40.0]), pd.Series([2000.0, 1.0])).tolist()
    [[2000.0, 39.0], [1.0, 1.0]]
    """
    first = most.to_numpy(float)
    return np.column_stack([first, np.minimum(first, total.to_numpy(float) - first)])


def find_largest(amounts: pd.Series) -> tuple[float, float]:
    """Return the two largest contributions to a sum, whatever their sign; NaN where none is."""
    known = amounts.astype(float).dropna()
    order = known.abs().sort_values(ascending=False, kind="stable").index[:2]
    found = [*known.loc[order].head(2), np.nan, np.nan]
    return found[0], found[1]


def add_contributions(
    table: pd.DataFrame, amounts: pd.Series, groups: pd.Series, *, key: str, name: str
) -> pd.DataFrame:
    """Add ``<name>_largest`` and ``<name>_second`` to a table with a row a group.

    Parameters
    ----------
    table : DataFrame
        One row a group, named in ``key``.
    amounts : Series
        Each customer's contribution.
    groups : Series
        Each customer's group, along the same index.
    key : str
        The column of ``table`` with the group.
    name : str
        The column of sums.
    """
    values = amounts.to_numpy(float, na_value=np.nan)
    own = groups if groups.index.equals(amounts.index) else groups.loc[amounts.index]
    codes, names = pd.factorize(own)
    is_known = ~np.isnan(values) & (codes >= 0)
    values, codes = values[is_known], codes[is_known]
    order = np.lexsort((-np.abs(values), codes))  # of alike ones that which comes first
    values, codes = values[order], codes[order]
    firsts = np.flatnonzero(np.diff(codes, prepend=-1))
    seconds = firsts + 1
    seconds = seconds[seconds < np.append(firsts[1:], len(codes))]
    found = {}
    for end, places in ((LARGEST, firsts), (SECOND, seconds)):
        by_group = dict(zip(names[codes[places]], values[places].tolist(), strict=True))
        found[f"{name}{end}"] = table[key].map(by_group).astype(float)
    return table.assign(**found)
