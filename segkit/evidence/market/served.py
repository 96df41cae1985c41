"""Whether a cell is over- or under-served: what we have there beside our average share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.core.exact_shares import bound_part
from segkit.core.measures import CEILING, FLOOR
from segkit.core.statistics import bound_count, find_skewed_reach
from segkit.evidence.market.own import CONTRIBUTIONS, CUBES, SQUARES

INDEX_BOUNDS = ("index_low", "index_high", f"index{FLOOR}", f"index{CEILING}")
OVER = "over-served"
UNDER = "under-served"
LIKE_AVERAGE = "like our average"
UNKNOWN = "not known"


def bound_index(
    table: pd.DataFrame, ours: str, *, average: float
) -> dict[str, pd.Series | np.ndarray]:
    """Bound the index of our share by intervals that hold together, and without two customers.

    The index is the cell's part of all that we have in cells of known size, over the cell's part of
    the market. Who comes is taken as chance. Our buyers' part has the exact interval of Clopper and
    Pearson (1934). Of spend, a compound Poisson sum, each customer of the cell adds (1 - p) times
    what they spend to the part p, and each of the other cells takes p times that off, to first
    order; the sums of squares and cubes give the variance and the skewness, which Hall's (1992)
    interval takes in. It is never narrower than that of the number of buyers. Cells are taken as
    apart from each other: who buys in several makes the interval a little too wide.
    """
    is_sized = table["size"].notna()
    count = int(is_sized.sum())
    amount = table[ours].astype(float)
    total = float(amount[is_sized].sum())
    scale = 100 / (table["size"] * (average if average > 0 else np.nan))
    if ours == "customer_count":
        low, high = bound_part(amount.clip(upper=total), total, comparison_count=count)
        two = amount.clip(upper=2)
        ends = (low * total, high * total, amount - two, amount)
    else:
        low, high = _bound_spend(table, is_sized, total=total)
        largest = table[list(CONTRIBUTIONS)].astype(float).fillna(0)
        without = [largest.clip(lower=0).sum(axis=1), largest.clip(upper=0).sum(axis=1)]
        ends = (low, high, *(amount - two for two in without))
    return {name: end * scale for name, end in zip(INDEX_BOUNDS, ends, strict=True)}


def _bound_spend(
    table: pd.DataFrame, is_sized: pd.Series, *, total: float
) -> tuple[pd.Series, pd.Series]:
    """Bound our spend in each cell, given what we have in all; missing where we have nothing."""
    count = int(is_sized.sum())
    amount = table["spend"].astype(float)
    buyers = table["customer_count"].astype(float)
    usual = total / max(float(buyers[is_sized].sum()), 1.0)
    each = (amount / buyers.where(buyers > 0)).clip(lower=0).fillna(usual)
    squares, cubes = (
        _pool_powers(table[name], buyers, each, is_sized=is_sized, power=power)
        for name, power in ((SQUARES, 2), (CUBES, 3))
    )
    part = amount / total if total > 0 else amount * np.nan
    all_squares, all_cubes = squares[is_sized].sum(), cubes[is_sized].sum()
    variance = (1 - part) ** 2 * squares + part**2 * (all_squares - squares)
    third = (1 - part) ** 3 * cubes - part**3 * (all_cubes - cubes)
    error = np.sqrt(variance.clip(lower=0))
    skew = (third / error.where(error > 0) ** 3).fillna(0)
    down, up = find_skewed_reach(skew, comparison_count=count)
    fewest, most = bound_count(buyers, comparison_count=count)
    low = np.minimum(amount - down * error, (each * fewest).clip(upper=amount))
    high = np.maximum(amount + up * error, each * most)
    return low.clip(lower=0), high


def _pool_powers(
    sums: pd.Series, buyers: pd.Series, each: pd.Series, *, is_sized: pd.Series, power: int
) -> pd.Series:
    """Return each cell's sum of squares, or cubes, of what its customers spend, at the least usual.

    A cell with few customers does not show how uneven their spend is: the large spenders are not
    among them yet. So it is taken to be as uneven, around its own mean, as in all cells together.
    """
    own = sums.astype(float).fillna(0)
    around = (buyers * each**power)[is_sized].sum()
    unevenness = own[is_sized].sum() / around if around > 0 else 1.0
    return np.maximum(own, buyers * each**power * unevenness)


def judge_served(table: pd.DataFrame) -> pd.Series:
    """Say of each cell whether our share is surely above or below our average.

    The interval of its index leaves 100 out, and so does the index without two customers.
    """
    is_over = (table["index_low"] > 100) & (table[f"index{FLOOR}"] > 100)
    is_under = (table["index_high"] < 100) & (table[f"index{CEILING}"] < 100)
    served = pd.Series(LIKE_AVERAGE, index=table.index, dtype=object)
    served = served.mask(is_over, OVER).mask(is_under, UNDER)
    return served.mask(table["index_low"].isna() | table["index_high"].isna(), UNKNOWN)


def name_own_measure(measure: str) -> str:
    """Return the column of ours that is set beside a measure of the market."""
    return "spend" if measure == "market_value" else "customer_count"
