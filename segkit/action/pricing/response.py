"""How purchases go with prices, by product group and segment: an association, and no more.

Prices are not drawn by lot. What is told is how units moved when a product's regular price moved
for long, beside products whose price did not. It is told only of groups where enough products had
such a change.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import ibis
import numpy as np
import pandas as pd
from ibis import _

from segkit.action.pricing.changes import Panel, count_changes, make_panel
from segkit.action.pricing.fixed_effects import Slope, fit_slope
from segkit.action.pricing.lines import NO_GROUP, Priced
from segkit.action.pricing.paid import EVERYBODY
from segkit.core.absence import empty_table
from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND
from segkit.core.shrinking import shrink_estimates
from segkit.core.statistics import ALPHA, correct_p_values
from segkit.features.expressions import find_contributions

EVERYTHING = "all products"
AHEAD = 2  # periods before a change in which sales should not have moved
COLUMNS = [
    "product_group", "segment_name", "changed_count", "rests_on_count", "elasticity",
    "elasticity_low", "elasticity_high", "drawn_elasticity", "drawn_low", "drawn_high",
    "p_value", "adjusted_p_value", "is_shown",
]  # fmt: skip
TEST_COLUMNS = [
    "product_group", "changed_count", "segment_count", "f", "p_value", "adjusted_p_value",
    "differs", "before_slope", "before_p_value", "moved_before", "rests_on_count",
]  # fmt: skip
CHANGE_COLUMNS = [
    "product_group", "product_count", "changed_count", "offers_only_count", "needed_count",
    "is_enough",
]  # fmt: skip


@dataclass(frozen=True)
class Response:
    """How purchases go with prices.

    Attributes
    ----------
    changes : DataFrame
        One row a product group, see `count_changes`.
    elasticities : DataFrame
        One row a group and segment, see `measure_response`.
    tests : DataFrame
        One row a group: whether segments differ, and whether sales moved before prices did.
    """

    changes: pd.DataFrame
    elasticities: pd.DataFrame
    tests: pd.DataFrame


@dataclass(frozen=True)
class _Fits:
    """The slopes of one product group: of everybody, of each segment, and ahead of changes."""

    group: str
    whole: Slope
    ahead: Slope
    segments: dict[str, Slope] = field(default_factory=dict)


def measure_response(priced: Priced) -> Response:
    """Measure how units go with a product's own regular price, by group and by segment.

    Of each group that has ``plan.fewest_products`` products with a change of price that was no
    offer, Poisson regressions of units on the logarithm of the price, see `fit_slope`: over all
    customers, and in each segment. ``elasticity`` is the coefficient: by how many percent units
    were higher where the price was higher by one, with its 95 % interval. ``drawn_elasticity`` is
    that of a segment drawn towards those of all segments, the more so the less is known of it, see
    `shrink_estimates`.

    Whether segments differ is Hotelling's (1931) test of equal coefficients over products,
    corrected by Holm over groups. ``moved_before`` says that units had moved in the two periods
    before the price did: then neither is likely to follow the other, and the group's elasticities
    are not told. ``is_shown`` says of a group's elasticity over all customers whether it is another
    than 0, after Holm's correction over groups; that over all products is tested alone.
    """
    if priced.reason:
        reason = priced.reason
        return Response(
            empty_table(CHANGE_COLUMNS, reason),
            empty_table(COLUMNS, reason),
            empty_table(TEST_COLUMNS, reason),
        )
    panel = make_panel(priced)
    changes = count_changes(panel, plan=priced.plan, whole=EVERYTHING)
    if not priced.has_groups:
        changes = changes[changes["product_group"] != NO_GROUP].reset_index(drop=True)
    enough = list(changes.loc[changes["is_enough"], "product_group"])
    lacks = (
        "No group has enough products whose own price changed for long outside of offers: with "
        "offers alone it cannot be told how purchases go with prices. Change the regular prices of "
        "some products for two months, drawn by lot, and keep the discount of each line."
    )
    if not enough:
        return Response(changes, empty_table(COLUMNS, lacks), empty_table(TEST_COLUMNS, lacks))
    fits = [fit_group(panel, group) for group in enough]
    counts = _count_buyers(panel)
    tests = _test_groups(fits, changes, counts)
    table = _list_elasticities(fits, tests, changes, counts)
    if table.empty:
        return Response(changes, empty_table(COLUMNS, lacks), empty_table(TEST_COLUMNS, lacks))
    return Response(changes, table, tests)


def fit_group(panel: Panel, group: str) -> _Fits:
    """Fit one product group: everybody, ahead of changes, and each segment."""
    cells = panel.cells
    if group != EVERYTHING:
        cells = cells[cells["product_group"] == group]
    cells = cells.sort_values(["product_id", "period"])
    products, names = pd.factorize(cells["product_id"])
    periods = (cells["period"] - cells["period"].min()).to_numpy(int)
    price = np.log(cells["price"].to_numpy(float))
    place = {"products": products, "periods": periods, "product_count": len(names)}
    every = cells[list(panel.segments)].sum(axis=1).to_numpy(float)
    whole = fit_slope(every, price[:, None], **place)
    later = _look_ahead(products, periods, price)
    ahead = fit_slope(every, np.column_stack([price, later]), **place)
    segments = {}
    if len(panel.segments) > 1:
        for name in panel.segments:
            segments[name] = fit_slope(cells[name].to_numpy(float), price[:, None], **place)
    return _Fits(group, whole, ahead, segments)


def _look_ahead(products: np.ndarray, periods: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Return by how much the price will have changed in the next `AHEAD` periods, in logarithms."""
    known = dict(zip(zip(products, periods, strict=True), price, strict=True))
    found = np.zeros(len(price))
    for place, (product, period) in enumerate(zip(products, periods, strict=True)):
        for step in range(1, AHEAD + 1):
            later = known.get((product, period + step))
            if later is not None and later != price[place]:
                found[place] = later - price[place]
                break
    return found


def _count_buyers(panel: Panel) -> pd.DataFrame:
    """Return who bought the products looked at, by group and segment, and the largest buyers.

    The engine counts; product_group, segment_name, rests_on_count, and the units with their two
    largest contributions under the names that the gate knows.
    """
    rows = panel.rows
    each = rows.mutate(product_group=ibis.literal(EVERYTHING))
    parts = []
    for own in (rows, each):
        for part in (own, own.mutate(segment_name=ibis.literal(EVERYBODY))):
            by = ["product_group", "segment_name"]
            found = part.group_by(*by).agg(
                rests_on_count=_.customer_id.nunique(), units=_.quantity.sum()
            )
            tops = find_contributions(part, _.quantity.sum(), name="units", by=by)
            parts.append(found.to_pandas().merge(tops, on=by, how="left"))
    return pd.concat(parts, ignore_index=True)


def _test_groups(fits: list[_Fits], changes: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Test of each group whether segments differ, and whether sales moved before prices."""
    changed = changes.set_index("product_group")["changed_count"]
    whole = counts[counts["segment_name"] == EVERYBODY].set_index("product_group")
    tests = []
    for fit in fits:
        f, p_value, count = compare_slopes(list(fit.segments.values()))
        tests.append(
            {
                "product_group": fit.group,
                "changed_count": int(changed[fit.group]),
                "segment_count": count,
                "f": f,
                "p_value": p_value,
                "before_slope": fit.ahead.value,
                "before_p_value": _find_p_value(fit.ahead),
                "rests_on_count": int(whole["rests_on_count"].get(fit.group, 0)),
            }
        )
    table = pd.DataFrame(tests)
    table["adjusted_p_value"] = correct_p_values(table["p_value"].to_numpy(float))
    table["differs"] = table["adjusted_p_value"] < ALPHA
    table["moved_before"] = table["before_p_value"] < ALPHA
    return table[TEST_COLUMNS]


def _find_p_value(slope: Slope) -> float:
    """Return the p-value of a slope, by Student's t."""
    from scipy.special import stdtr

    if not slope.is_known:
        return np.nan
    return float(2 * stdtr(slope.freedom, -abs(slope.value) / slope.error))


def compare_slopes(slopes: list[Slope]) -> tuple[float, float, int]:
    """Test whether slopes that were told from the same products differ: Hotelling's T squared.

    The covariance is that of the jackknife over products, so that a product which sells well in all
    segments is not taken for several.

    Returns
    -------
    tuple
        F, its p-value, and of how many slopes it is; NaN where products are too few for a test.
    """
    from scipy.special import fdtrc

    known = [slope for slope in slopes if slope.is_known]
    count = len(known)
    if count < 2:
        return np.nan, np.nan, count
    freedom = min(slope.freedom for slope in known)
    left = freedom - (count - 1) + 1
    if left < 1:
        return np.nan, np.nan, count
    covariance = join_covariance(known)
    contrasts = np.column_stack([-np.ones(count - 1), np.eye(count - 1)])
    apart = contrasts @ np.array([slope.value for slope in known])
    spread = contrasts @ covariance @ contrasts.T
    squared = float(apart @ np.linalg.lstsq(spread, apart, rcond=1e-12)[0])
    f = squared * left / (freedom * (count - 1))
    return f, float(fdtrc(count - 1, left, f)), count


def _correct_wholes(table: pd.DataFrame) -> pd.DataFrame:
    """Say of which groups an elasticity of all customers is shown.

    That over all products is tested alone, those of groups are corrected together by Holm. Of
    segments nothing is said alone; they have the test of whether they differ.
    """
    p_values = table["p_value"].to_numpy(float)
    is_group = (table["segment_name"] == EVERYBODY) & (table["product_group"] != EVERYTHING)
    is_first = (table["segment_name"] == EVERYBODY) & ~is_group
    adjusted = np.full(len(table), np.nan)
    adjusted[is_first] = p_values[is_first]
    adjusted[is_group] = correct_p_values(p_values[is_group.to_numpy()])
    return table.assign(adjusted_p_value=adjusted, is_shown=adjusted < ALPHA)


def join_covariance(slopes: list[Slope]) -> np.ndarray:
    """Return the covariance of slopes of the same products, by the jackknife of `fit_slope`."""
    shifts = np.array([slope.shifts for slope in slopes])
    errors = np.array([slope.error for slope in slopes])
    joint = shifts @ shifts.T
    scale = errors / np.sqrt(np.diag(joint))
    return joint * np.outer(scale, scale)


def _list_elasticities(
    fits: list[_Fits], tests: pd.DataFrame, changes: pd.DataFrame, counts: pd.DataFrame
) -> pd.DataFrame:
    """Return the elasticities of groups whose sales did not move before their prices."""
    moved = set(tests.loc[tests["moved_before"], "product_group"])
    rows = []
    for fit in fits:
        if fit.group in moved:
            continue
        names = [name for name, slope in fit.segments.items() if slope.is_known]
        drawn = _draw_together([fit.segments[name] for name in names])
        for name, own in zip(names, drawn, strict=True):
            rows.append(_describe_slope(fit.group, name, fit.segments[name], drawn=own))
        if fit.whole.is_known:
            rows.append(_describe_slope(fit.group, EVERYBODY, fit.whole))
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "rests_on_count"])
    table = _correct_wholes(table.drop(columns="changed_count"))
    table = table.merge(changes[["product_group", "changed_count"]], on="product_group", how="left")
    names = {
        "units": f"elasticity{OF_A_MEAN}",
        f"units{LARGEST}": f"elasticity{LARGEST}",
        f"units{SECOND}": f"elasticity{SECOND}",
    }
    by = ["product_group", "segment_name"]
    table = table.merge(counts.rename(columns=names), on=by, how="left")
    return table[[*COLUMNS, *names.values()]]


def _draw_together(slopes: list[Slope]) -> list[tuple[float, float, float]]:
    """Return each segment's slope drawn towards all, with its interval; NaN of a single one."""
    if len(slopes) < 2:
        return [(np.nan, np.nan, np.nan)] * len(slopes)
    values = np.array([slope.value for slope in slopes])
    freedom = min(slope.freedom for slope in slopes)
    found = shrink_estimates(values, join_covariance(slopes), freedom=freedom)
    return list(zip(*found, strict=True))


def _describe_slope(
    group: str,
    segment: str,
    slope: Slope,
    *,
    drawn: tuple[float, float, float] = (np.nan, np.nan, np.nan),
) -> dict:
    low, high = slope.bound()
    return {
        "product_group": group,
        "segment_name": segment,
        "elasticity": slope.value,
        "elasticity_low": low,
        "elasticity_high": high,
        "p_value": _find_p_value(slope),
        "drawn_elasticity": drawn[0],
        "drawn_low": drawn[1],
        "drawn_high": drawn[2],
    }
