"""Whether one or two customers make what is said of a figure.

A figure is *carried* where it says another thing without two of its customers: its sign or a fifth
of it changes, or its place among the others. A sum, a mean or a ratio has a floor and a ceiling:
the lowest and the highest that it is without two of its customers. Nobody may see these: beside
the figure they would tell what the two have. So they stay with the gate, which only answers
whether a figure is carried.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.core.measures import CEILING, FLOOR, LARGEST, OF_A_MEAN, SECOND

A_FIFTH = 0.2  # a change of so much of a figure makes it another
FEW = 2  # so many customers are left out
SHARE = "customer_share"
# Shares of a total, sums beside the mean one, and means of groups that have customers in common.
SUMS = ("spend_share", "index_percent", "index", "value_index")
COUNTED_AS = "customer_count"  # the customers that it is a share of all


@dataclass(frozen=True, repr=False)
class Bounds:
    """What the figures of a table are without two of their customers.

    Attributes
    ----------
    floors, ceilings : DataFrame of float
        The rows of the table, and a column for each measure of which it is known. Missing where
        nothing is left without the two.
    sums : frozenset of str
        Which measures are sums, or of groups that may have customers in common.
    """

    floors: pd.DataFrame
    ceilings: pd.DataFrame
    sums: frozenset[str] = frozenset()

    def know(self, column: str, row: Hashable) -> bool:
        """Return whether a figure was worked out without two customers."""
        return column in self.floors and row in self.floors.index

    def is_made_by_few(self, column: str, row: Hashable, value: float) -> bool:
        """Return whether the sign or a fifth of a figure changes without two customers."""
        return is_changed(value, self.floors.at[row, column]) or is_changed(
            value, self.ceilings.at[row, column]
        )

    def stays_beyond(self, column: str, row: Hashable, limit: float, *, is_above: bool) -> bool:
        """Return whether a figure is above, or below, a limit without two of its customers."""
        if is_above:
            return bool(self.floors.at[row, column] > limit)
        return bool(self.ceilings.at[row, column] < limit)

    def keeps_place(
        self, column: str, row: Hashable, others: Iterable[Hashable], *, is_top: bool
    ) -> bool:
        """Return whether a figure stays above, or below, all others without two customers.

        Two are left out of its own customers, and two of those of each of the others. A ratio must
        hold whichever these are. A sum is less by any two of its own, so that the largest of alike
        ones would never hold, and groups in common have the same two: the two largest are left out
        of all, or the two least.
        """
        others = [other for other in others if other != row]
        if not others:
            return True
        floor, ceiling = self.floors.at[row, column], self.ceilings.at[row, column]
        floors, ceilings = self.floors.loc[others, column], self.ceilings.loc[others, column]
        if column in self.sums:
            pairs = [(floor, floors), (ceiling, ceilings)]
        else:
            pairs = [(floor, ceilings)] if is_top else [(ceiling, floors)]
        if is_top:
            return all(own > rest.max(skipna=False) for own, rest in pairs)
        return all(own < rest.min(skipna=False) for own, rest in pairs)


def is_changed(value: float, without: float) -> bool:
    """Return whether a figure is another without two customers: by its sign, or a fifth of it.

    Where nothing is left without them it is.

    >>> is_changed(10, 8.5), is_changed(10, 7.9), is_changed(-1, 0.1), is_changed(10, float("nan"))
    (False, True, True, True)
    """
    if not np.isfinite(without):
        return True
    return bool(np.sign(value) != np.sign(without) or abs(value - without) > A_FIFTH * abs(value))


def bound_without_two(part: np.ndarray, whole: np.ndarray | None = None) -> tuple[float, float]:
    """Return the lowest and the highest that a ratio is without two of its customers.

    Left out are, once, the two who raise it most and, once, the two who lower it most. How much
    one does is taken to first order: the own part less the ratio times the own whole. Of a mean,
    whose ``whole`` is 1 of each, this is exact.

    Parameters
    ----------
    part, whole : ndarray of float, (n,)
        What each customer adds to the numerator and to the denominator; without ``whole`` the
        figure is the mean. For a sum see `bound_sum_without_two`.

    Returns
    -------
    tuple of float
        The floor and the ceiling; NaN where nothing is left to divide by.

    Examples
    --------
    >>> spend = np.array([1.0, 1, 1, 1, 1, 95])
    >>> bound_without_two(spend)  # the mean is 16.7
    (1.0, 24.5)
    """
    part = np.asarray(part, dtype=float)
    whole = np.ones(len(part)) if whole is None else np.asarray(whole, dtype=float)
    if len(part) <= FEW or not whole.sum() > 0:
        return np.nan, np.nan
    ratio = part.sum() / whole.sum()
    order = np.argsort(part - ratio * whole, kind="stable")
    ends = []
    for left in (order[:-FEW], order[FEW:]):
        rest = whole[left].sum()
        ends.append(float(part[left].sum() / rest) if rest > 0 else np.nan)
    if np.isnan(ends).any():
        return np.nan, np.nan
    return min(*ends, ratio), max(*ends, ratio)


def bound_share_without_two(part: np.ndarray, total: float) -> tuple[float, float]:
    """Return the lowest and the highest that a group's share of a total is without two of it.

    The two are left out of the group and of the total: once the two largest parts, once the two
    smallest.

    >>> bound_share_without_two(np.array([1.0, 2, 7]), 20.0)
    (0.09090909090909091, 0.5)
    """
    ordered = np.sort(np.asarray(part, dtype=float))
    own = ordered.sum()
    ends = [own / total if total > 0 else np.nan]
    for two in (ordered[-FEW:].sum(), ordered[:FEW].sum()):
        rest = total - two
        ends.append(float((own - two) / rest) if rest > 0 else np.nan)
    if np.isnan(ends).any():
        return np.nan, np.nan
    return float(min(ends)), float(max(ends))


def bound_counted_without_two(
    hits: np.ndarray | pd.Series, trials: np.ndarray | pd.Series
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest that shares of customers are without two of them.

    >>> bound_counted_without_two(np.array([5, 1]), np.array([10, 10]))
    (array([0.375, 0.   ]), array([0.625, 0.125]))
    """
    hits = np.asarray(hits, dtype=float)
    trials = np.asarray(trials, dtype=float)
    left = np.where(trials > FEW, trials - FEW, np.nan)
    return np.clip(hits - FEW, 0, None) / left, np.minimum(hits, left) / left


def collect_bounds(table: pd.DataFrame, *, count: str) -> Bounds | None:
    """Return what the figures of a finished table are without two customers; None of none.

    Columns ``<name>_floor`` and ``<name>_ceiling`` say it; else the two largest contributions do,
    ``<name>_largest`` and ``<name>_second``: of a sum as they are, of a mean, which has its sum in
    ``<name>_sum``, with the customers of the row, whose number is in ``count``. A count of
    customers, and ``customer_share``, are less by the two.
    """
    floors = {}
    ceilings = {}
    sums = set(SUMS)
    for name in map(str, table.columns):
        if {f"{name}{FLOOR}", f"{name}{CEILING}"} <= set(table.columns):
            floors[name] = table[f"{name}{FLOOR}"].astype(float)
            ceilings[name] = table[f"{name}{CEILING}"].astype(float)
        elif {f"{name}{LARGEST}", f"{name}{SECOND}"} <= set(table.columns):
            floors[name], ceilings[name] = _bound_by_contributions(table, name, count)
            if f"{name}{OF_A_MEAN}" not in table:
                sums.add(name)
    if count in table and pd.api.types.is_numeric_dtype(table[count]):
        people = table[count].astype(float)
        sums |= {count, SHARE}
        floors[count] = (people - FEW).clip(lower=0)
        ceilings[count] = people
        if SHARE in table and count == COUNTED_AS:
            share = table[SHARE].astype(float)
            every = people / share.where(share > 0)
            floors[SHARE] = ((people - FEW) / (every - FEW).where(every > FEW)).clip(lower=0)
            ceilings[SHARE] = share
    if not floors:
        return None
    index = table.index
    return Bounds(
        pd.DataFrame(floors, index=index), pd.DataFrame(ceilings, index=index), sums=frozenset(sums)
    )


def _bound_by_contributions(
    table: pd.DataFrame, name: str, count: str
) -> tuple[pd.Series, pd.Series]:
    """Return the floors and the ceilings of a column whose two largest contributions are known."""
    value, first, second = (
        table[f"{name}{end}"].to_numpy(float, na_value=np.nan) for end in ("", LARGEST, SECOND)
    )
    largest = np.nan_to_num(np.column_stack([first, second]), posinf=np.inf, neginf=-np.inf)
    is_mean = f"{name}{OF_A_MEAN}" in table
    total = table[f"{name}{OF_A_MEAN}"].to_numpy(float, na_value=np.nan) if is_mean else value
    ends = [value]
    for two in (largest.clip(min=0).sum(axis=1), largest.clip(max=0).sum(axis=1)):
        rest = total - two
        if is_mean:
            people = table[count].to_numpy(float, na_value=np.nan)
            left = np.where(people > FEW, people - FEW, np.nan)
            whole = np.where(total != 0, total, np.nan)
            with np.errstate(over="ignore", invalid="ignore"):
                rest = np.where(two != 0, value * rest / whole * people / left, value)
        ends.append(rest)
    low, high = (pd.Series(end, index=table.index) for end in (np.min(ends, 0), np.max(ends, 0)))
    return low, high
