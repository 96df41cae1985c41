"""Means of two arms over the same campaigns, with what is needed to say how surely they differ.

Within a campaign customers are independent of each other; over campaigns the same customer counts
again and again. So the variance is that of what each customer adds to a mean over all campaigns
(a sum by customer, Liang and Zeger 1986, *Biometrika* 73), which the engine works out: only sums
of squares come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.core.contrasts import Means
from segkit.evidence.campaigns.assigned import NO_SEGMENT, PRIORS, Assigned, is_amount

EVERYBODY = ""
"""The segment's name in rows that are of all customers, those without a segment included."""
DIGITS = 9  # a parallel sum differs in its last bits from run to run
KEY = ["campaign", "arm", "segment_name"]
SIDES = ("one", "other")  # the arm, and the one that it is compared with


@dataclass(frozen=True)
class Weighed:
    """Both arms of one measure, by level and campaign; a level is everybody, or a segment.

    Attributes
    ----------
    count, mean, spread : dict of str to ndarray, (levels, campaigns)
        By side, ``one`` or ``other``: customers of whom the measure is known, their mean and the
        variance of a value.
    weight : ndarray, (levels, campaigns)
        1 together in each level; 0 of a campaign without customers of both arms.
    """

    count: dict[str, np.ndarray]
    mean: dict[str, np.ndarray]
    spread: dict[str, np.ndarray]
    weight: np.ndarray

    def average(self, values: np.ndarray) -> np.ndarray:
        """Return the weighted mean over campaigns, by level."""
        return (self.weight * np.nan_to_num(values)).sum(axis=1)

    def sum_errors(self) -> np.ndarray:
        """Return the variances of the differences as if all rows were independent, by level."""
        squares = [self.spread[side] / np.maximum(self.count[side], 1) for side in SIDES]
        return (self.weight**2 * np.nan_to_num(squares[0] + squares[1])).sum(axis=1)

    def sum_null_errors(self) -> np.ndarray:
        """Return the same of shares if both arms had one share in each campaign.

        The variance of Mantel and Haenszel (1959), but for n in place of n - 1.
        """
        counts = [self.count[side] for side in SIDES]
        hits = sum(self.count[side] * np.nan_to_num(self.mean[side]) for side in SIDES)
        share = hits / np.maximum(counts[0] + counts[1], 1)
        turned = 1 / np.maximum(counts[0], 1) + 1 / np.maximum(counts[1], 1)
        return (self.weight**2 * share * (1 - share) * turned).sum(axis=1)


def weigh_campaigns(sums: dict[str, np.ndarray], *, amount: bool) -> Weighed:
    """Weigh campaigns by how surely each tells a difference of two arms.

    The weight is that of Mantel and Haenszel (1959): n m / (n + m) of the customers of both arms,
    one over the variance of a difference of means of equal spread.

    Parameters
    ----------
    sums : dict of str to ndarray, (3, levels, campaigns)
        By side how many values, their sum and the sum of their squares.
    amount : bool
        Whether values are amounts: one of them has no spread, so that two are needed.

    Examples
    --------
    >>> one = np.array([[[100.0, 50]], [[30.0, 10]], [[30.0, 10]]])
    >>> other = np.array([[[100.0, 150]], [[20.0, 15]], [[20.0, 15]]])
    >>> weighed = weigh_campaigns({"one": one, "other": other}, amount=False)
    >>> weighed.weight.round(3).tolist()  # of 50 and 37.5
    [[0.571, 0.429]]
    >>> weighed.average(weighed.mean["one"]).round(4).tolist()
    [0.2571]
    """
    least = 2 if amount else 1
    count, mean, spread = {}, {}, {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for side, (size, total, squares) in sums.items():
            count[side] = size
            mean[side] = np.where(size > 0, total / size, np.nan)
            spread[side] = np.maximum(squares / size - mean[side] ** 2, 0)
            if amount:
                spread[side] = spread[side] * size / (size - 1)
        n, m = (count[side] for side in SIDES)
        weight = np.where((n >= least) & (m >= least), n * m / (n + m), 0.0)
        whole = weight.sum(axis=1, keepdims=True)
        weight = np.where(whole > 0, weight / whole, 0.0)
    return Weighed(count, mean, spread, weight)


class Grid:
    """The sums of cells as arrays, so that all levels are worked out at once.

    ``levels`` are everybody and then the segments, ``campaigns`` and ``arms`` are sorted.
    """

    def __init__(self, cells: pd.DataFrame):
        self.campaigns = sorted(cells["campaign"].unique())
        self.arms = sorted(cells["arm"].unique())
        segments = sorted(set(cells["segment_name"]) - {NO_SEGMENT})
        self.levels = [EVERYBODY, *segments]
        axes = [[NO_SEGMENT, *segments], self.campaigns, self.arms]
        index = pd.MultiIndex.from_product(axes, names=["segment_name", "campaign", "arm"])
        columns = [c for c in cells if c.startswith(("known_", "sum_", "square_"))]
        summed = cells.groupby(index.names)[columns].sum().reindex(index, fill_value=0.0)
        self._shape = tuple(map(len, axes))
        self._sums = {name: summed[name].to_numpy(float).reshape(self._shape) for name in columns}

    def sum_up(self, measure: str, arm: str) -> np.ndarray:
        """Return values, sum and squares of an arm's measure: (3, levels, campaigns)."""
        place = self.arms.index(arm)
        parts = [
            self._sums[f"{kind}_{measure}"][:, :, place] for kind in ("known", "sum", "square")
        ]
        sums = np.stack(parts)
        sums[:, 0] = sums.sum(axis=1)  # those without a segment count among everybody
        is_known = sums[0] > 0
        return np.where(is_known, sums, 0.0)


@dataclass(frozen=True)
class Estimates:
    """Both arms' means of measures, over all campaigns that have both.

    Attributes
    ----------
    rows : DataFrame
        One row a measure and level: measure, segment_name (`EVERYBODY` of all), campaign_count,
        count_one and count_other (customers in a campaign), customers_one and customers_other
        (different customers), mean_one and mean_other, spread_one and spread_other (variances of
        one value), unclustered and pooled (the variance of the difference if all rows were
        independent, and if both arms had one share, too), and variance_one, variance_other and
        covariance: sums over customers.
    """

    rows: pd.DataFrame

    @property
    def one(self) -> Means:
        """The arm's means."""
        return self._make_means("one")

    @property
    def other(self) -> Means:
        """The means of the arm that it is compared with."""
        return self._make_means("other")

    def _make_means(self, side: str) -> Means:
        columns = (f"mean_{side}", f"variance_{side}", f"count_{side}")
        return Means(*(self.rows[name].to_numpy(float) for name in columns))

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of both means, from customers who were in either arm."""
        return self.rows["covariance"].to_numpy(float)

    def find_error(self) -> np.ndarray:
        """Return the standard errors of the differences, customers counted as they repeat."""
        both = self.rows["variance_one"] + self.rows["variance_other"]
        return np.sqrt(np.maximum(both - 2 * self.rows["covariance"], 0)).to_numpy(float)

    def find_design_effect(self) -> np.ndarray:
        """Return how much larger the variances are since customers repeat; 1 at least."""
        unclustered = self.rows["unclustered"].to_numpy(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            effect = np.where(unclustered > 0, self.find_error() ** 2 / unclustered, 1.0)
        return np.maximum(effect, 1.0)


def estimate_arms(
    assigned: Assigned, pair: tuple[str, str], measures: Sequence[str], *, grid: Grid | None = None
) -> Estimates:
    """Estimate both arms' means of each measure, among everybody and in each segment.

    The mean of an arm is that of its campaigns' means by the weights of `weigh_campaigns`, so that
    both arms are taken over the same campaigns: the difference is that of Mantel and Haenszel
    (Greenland and Robins 1985, *Biometrics* 41), and so is the ratio. What was known before is
    told of everybody only. ``grid`` has the sums of the cells, where they are at hand.
    """
    grid = grid or Grid(assigned.cells)
    weighed = {}
    for measure in measures:
        sums = {side: grid.sum_up(measure, arm) for side, arm in zip(SIDES, pair, strict=True)}
        found = weigh_campaigns(sums, amount=is_amount(measure))
        if found.weight.any():
            weighed[measure] = found
    if not weighed:
        return Estimates(pd.DataFrame(columns=["measure", "segment_name"]))
    coefficients, parts = _list_coefficients(grid, pair, weighed)
    products = sum_influences(assigned, coefficients, parts).set_index("segment_name")
    rows = []
    for measure, found in weighed.items():
        rows += _list_estimates(grid, measure, found)
    read = [row | _read_products(row, products, pair) for row in rows]
    return Estimates(pd.DataFrame(read))


def _list_levels(measure: str) -> tuple[str, ...]:
    """Return what a measure is told of: all, and its segments unless it was known before."""
    return ("all",) if measure in PRIORS else ("all", "own")


def _list_coefficients(
    grid: Grid, pair: tuple[str, str], weighed: dict[str, Weighed]
) -> tuple[pd.DataFrame, list[tuple[str, str, str]]]:
    """Return what each cell's values are multiplied by, and what is added, for each side."""
    levels = [NO_SEGMENT, *grid.levels[1:]]
    used = np.any([found.weight[0] > 0 for found in weighed.values()], axis=0)
    campaigns = [name for name, is_used in zip(grid.campaigns, used, strict=True) if is_used]
    index = pd.MultiIndex.from_product(
        [pair, levels, campaigns], names=["arm", "segment_name", "campaign"]
    )
    shape = (len(pair), len(levels), len(campaigns))
    columns = {}
    parts = []
    for measure, found in weighed.items():
        for level in _list_levels(measure):
            names = [f"{measure}:{level}:{side}" for side in SIDES]
            parts.append((*names, measure))
            for place, (name, side) in enumerate(zip(names, SIDES, strict=True)):
                slope, shift = _find_coefficients(found, side, amount=is_amount(measure))
                for kind, values in (("slope", slope[:, used]), ("shift", shift[:, used])):
                    table = np.zeros(shape)
                    # Everybody's are the same in all segments; those without one have no own.
                    table[place] = (
                        values[:1] if level == "all" else np.r_[0 * values[:1], values[1:]]
                    )
                    columns[f"{kind}_{name}"] = table.ravel()
    return pd.DataFrame(columns, index=index).reset_index(), parts


def _find_coefficients(found: Weighed, side: str, *, amount: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return by level and campaign what a value is multiplied by, and what is added.

    A value adds its distance from the campaign's mean, over how many there are, by the weight.
    """
    count = found.count[side]
    slope = found.weight / np.maximum(count, 1)
    if amount:  # as a variance divides by one less
        slope = slope * np.sqrt(count / np.maximum(count - 1, 1))
    return slope, -slope * np.nan_to_num(found.mean[side])


def _list_estimates(grid: Grid, measure: str, found: Weighed) -> list[dict]:
    """Return what is known of a measure at each level without looking at customers."""
    is_used = found.weight > 0
    values = {"campaign_count": is_used.sum(axis=1)}
    for side in SIDES:
        values[f"count_{side}"] = np.where(is_used, found.count[side], 0).sum(axis=1).astype(int)
        values[f"mean_{side}"] = settle(found.average(found.mean[side]))
        values[f"spread_{side}"] = settle(found.average(found.spread[side]))
    values["unclustered"] = settle(found.sum_errors())
    values["pooled"] = settle(found.sum_null_errors())
    table = pd.DataFrame(values).assign(measure=measure, segment_name=grid.levels)
    if len(_list_levels(measure)) == 1:
        table = table.head(1)
    return table[table["campaign_count"] > 0].to_dict("records")


def _read_products(row: dict, products: pd.DataFrame, pair: tuple[str, str]) -> dict:
    """Return the variances of a row of estimates: a segment's, or those of all added up."""
    is_whole = row["segment_name"] == EVERYBODY
    name = f"{row['measure']}:{'all' if is_whole else 'own'}:one"
    own = products if is_whole else products.loc[[row["segment_name"]]]
    kinds = {"one": "variance_one", "other": "variance_other", "both": "covariance"}
    found: dict[str, float] = {
        column: float(settle(own[f"{kind}:{name}"].sum())) for kind, column in kinds.items()
    }
    for arm, side in zip(pair, SIDES, strict=True):
        found[f"customers_{side}"] = int(own[f"customers_{arm}"].sum())
    return found


def sum_influences(
    assigned: Assigned, coefficients: pd.DataFrame, parts: Sequence[tuple[str, str, str]]
) -> pd.DataFrame:
    """Sum up, by customer in the engine, what each adds to some estimates; return their products.

    What a customer adds to an estimate is a sum over rows of ``slope_<estimate>`` times a measure,
    plus ``shift_<estimate>``, both looked up by campaign, arm, segment (and fold, if named).

    Parameters
    ----------
    assigned : Assigned
    coefficients : DataFrame
        One row a cell.
    parts : sequence of (str, str, str)
        The two estimates that are compared, and the measure.

    Returns
    -------
    DataFrame
        One row a segment: of each pair, by the name of the first estimate, ``one:``, ``other:``
        and ``both:``, the sums over customers of the squares and of the product; and
        ``customers_<arm>``, how many were in each arm.
    """
    key = [name for name in (*KEY, "fold") if name in coefficients]
    rows = assigned.rows.inner_join(ibis.memtable(coefficients), key)
    sums: dict[str, ir.Value] = {}
    for one, other, measure in parts:
        value = rows[measure].cast("float64")
        if measure != "prior_recency":
            value = value.fill_null(0.0)
        for name in (one, other):
            added = value * rows[f"slope_{name}"] + rows[f"shift_{name}"]
            sums[name] = added.sum().fill_null(0.0)
    arms = sorted(coefficients["arm"].unique())
    for number, arm in enumerate(arms):
        sums[f"rows_{number}"] = (rows.arm == arm).sum()
    each = rows.group_by("customer_id", "segment_name").agg(**sums)
    products: dict[str, ir.Value] = {}
    for one, other, _measure in parts:
        products[f"one:{one}"] = (each[one] * each[one]).sum()
        products[f"other:{one}"] = (each[other] * each[other]).sum()
        products[f"both:{one}"] = (each[one] * each[other]).sum()
    for number, arm in enumerate(arms):
        products[f"customers_{arm}"] = (each[f"rows_{number}"] > 0).sum()
    found = each.group_by("segment_name").agg(**products).to_pandas()
    return found.sort_values("segment_name", ignore_index=True)


def settle(values: np.ndarray | float) -> np.ndarray:
    """Round to nine digits that count, so that the order of a parallel sum does not show.

    >>> settle(np.array([0.1 + 0.2, 0.0, 123456.7890123])).tolist()
    [0.3, 0.0, 123456.789]
    """
    values = np.asarray(values, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(values != 0, np.floor(np.log10(np.abs(values))), 0.0)
        scale = 10.0 ** (DIGITS - 1 - size)
        rounded = np.round(values * scale) / scale
    return np.where(np.isfinite(rounded), rounded, values)
