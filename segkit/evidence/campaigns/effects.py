"""What followed in one arm and in another: differences and ratios, whole and by segment.

One comparison of one outcome decides, the primary one among everybody, and is tested alone at 5 %.
The others of everybody are corrected together by Holm, over outcomes and comparisons, and so are
those of segments, over segments as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.contrasts import (
    Means,
    bound_amount_contrast,
    bound_mean_ratio,
    bound_share_contrast,
    find_amount_p_value,
    find_control_size,
    find_detectable,
    find_log_ratio_error,
    find_normal_p_value,
    find_total_needed,
    measure_heterogeneity,
)
from segkit.core.statistics import ALPHA, correct_p_values
from segkit.evidence.campaigns.assigned import (
    CONTROL,
    NOTHING_COMPARED,
    SENT_OUTCOMES,
    Assigned,
    is_amount,
)
from segkit.evidence.campaigns.contrasts import (
    EVERYBODY,
    Estimates,
    Grid,
    estimate_arms,
    settle,
    weigh_campaigns,
)

COLUMNS = [
    "treated", "baseline", "outcome", "segment_name", "campaign_count", "treated_count",
    "baseline_count", "rests_on_count", "treated_value", "baseline_value", "difference",
    "difference_low", "difference_high", "ratio", "ratio_low", "ratio_high", "p_value",
    "adjusted_p_value", "is_primary", "differs", "detectable", "control_size", "total_needed",
    "wanted_effect",
]  # fmt: skip
HETEROGENEITY_COLUMNS = [
    "treated", "baseline", "outcome", "scale", "segment_count", "q", "p_value",
    "adjusted_p_value", "i_squared", "is_primary", "differs", "rests_on_count",
]  # fmt: skip
BY_CAMPAIGN_COLUMNS = [
    "campaign", "first_on", "treated_count", "baseline_count", "rests_on_count", "treated_value",
    "baseline_value", "difference", "difference_low", "difference_high",
]  # fmt: skip
DIFFERENCE = "difference"
RATIO = "ratio"


@dataclass(frozen=True)
class Compared:
    """What was found by comparing arms.

    Attributes
    ----------
    effects : DataFrame
        One row a comparison, outcome and segment (`EVERYBODY` of all), see `COLUMNS`.
    heterogeneity : DataFrame
        One row a comparison, outcome and scale, ``difference`` or ``ratio``.
    estimates : dict of pair to Estimates
        What it was worked out from, with what was known before.
    """

    effects: pd.DataFrame
    heterogeneity: pd.DataFrame
    estimates: dict[tuple[str, str], Estimates]


def compare_arms(assigned: Assigned) -> Compared:
    """Compare the arms of campaigns, whole and by segment, for each outcome.

    Everybody who was assigned counts, whether reached or not. Of an arm against the control group
    only outcomes are told that are seen of anybody, such as orders. Differences of shares have
    Newcombe's interval, those of amounts Welch's, ratios Katz's; see
    `segkit.core.contrasts` and `estimate_arms`. ``detectable`` is the difference that would have
    been seen in four cases of five, ``control_size`` how many of all must be kept back to see the
    plan's ``smallest_effect`` of the primary outcome. ``differs`` says whether the p-value, after
    the correction of its family, is below 5 %.
    """
    if assigned.reason:
        empty = empty_table(COLUMNS, assigned.reason)
        return Compared(empty, empty_table(HETEROGENEITY_COLUMNS, assigned.reason), {})
    grid = Grid(assigned.cells)
    estimates = {}
    tables = []
    tests = []
    for pair in assigned.comparisons:
        found = estimate_arms(assigned, pair, _list_measures(assigned, pair), grid=grid)
        estimates[pair] = found
        compared = measure_effects(found, smallest_effect=assigned.plan.smallest_effect)
        named = compared.assign(treated=pair[0], baseline=pair[1])
        is_outcome = named["outcome"].isin(assigned.outcomes)
        tables.append(named[is_outcome])
        named_pair = {"treated": pair[0], "baseline": pair[1]}
        tests += [named_pair | test for test in _test_segments(found, assigned.outcomes)]
    effects = pd.concat(tables, ignore_index=True)
    effects = _mark_primary(effects, assigned, effects["segment_name"] == EVERYBODY)
    is_first = effects["outcome"] == assigned.primary
    planned = ["control_size", "total_needed", "wanted_effect"]
    effects["wanted_effect"] = assigned.plan.smallest_effect or np.nan
    effects[planned] = effects[planned].where(is_first)
    heterogeneity = empty_table(HETEROGENEITY_COLUMNS, "There are no segments to compare.")
    if tests:
        found = pd.DataFrame(tests)
        marked = _mark_primary(found, assigned, found["scale"] == DIFFERENCE)
        heterogeneity = correct_families(marked)[HETEROGENEITY_COLUMNS]
    corrected = correct_families(effects, effects["segment_name"] == EVERYBODY)
    return Compared(corrected[COLUMNS], heterogeneity, estimates)


def _list_measures(assigned: Assigned, pair: tuple[str, str]) -> list[str]:
    """Return what can be compared: against nobody's messages, what is seen of anybody."""
    measures = assigned.list_measures()
    if CONTROL in pair:
        measures = [name for name in measures if name not in SENT_OUTCOMES]
    return measures


def measure_effects(found: Estimates, *, smallest_effect: float | None = None) -> pd.DataFrame:
    """Return differences and ratios of two arms' means with intervals and p-values.

    Parameters
    ----------
    found : Estimates
    smallest_effect : float, optional
        The difference that the control group's proposed size is for.

    Returns
    -------
    DataFrame
        Those of `COLUMNS` that rest on one comparison alone, one row an estimate.
    """
    is_money = found.rows["measure"].map(is_amount).astype(bool)
    parts = []
    for rows, bound in (
        (found.rows[~is_money], _bound_shares),
        (found.rows[is_money], _bound_amounts),
    ):
        if len(rows):
            own = Estimates(rows)
            parts.append(_describe_effects(own, bound(own), smallest_effect))
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(parts).sort_index()


def _describe_effects(
    found: Estimates, bounds: dict[str, np.ndarray], smallest_effect: float | None
) -> pd.DataFrame:
    """Return the table of effects of one kind, shares or amounts."""
    rows, one, other = found.rows, found.one, found.other
    ratio, ratio_low, ratio_high = bound_mean_ratio(one, other, covariance=found.covariance)
    total = one.count + other.count
    spread = (rows["spread_one"] * one.count + rows["spread_other"] * other.count) / total
    spread = spread * found.find_design_effect()
    wanted = smallest_effect or np.nan
    values = {
        "difference": one.mean - other.mean,
        **bounds,
        "ratio": ratio,
        "ratio_low": ratio_low,
        "ratio_high": ratio_high,
    }
    table = pd.DataFrame(
        {
            "outcome": rows["measure"],
            "segment_name": rows["segment_name"],
            "campaign_count": rows["campaign_count"],
            "treated_count": rows["count_one"],
            "baseline_count": rows["count_other"],
            "rests_on_count": rows[["customers_one", "customers_other"]].min(axis=1),
            "treated_value": one.mean,
            "baseline_value": other.mean,
            "control_size": find_control_size(spread, total, effect=wanted),
            "total_needed": np.ceil(find_total_needed(spread, effect=wanted)),
        },
        index=rows.index,
    )
    return table.assign(**{name: settle(value) for name, value in values.items()})


def _bound_shares(found: Estimates) -> dict[str, np.ndarray]:
    """Return interval, p-value and detectable difference of shares."""
    low, high = bound_share_contrast(found.one, found.other, covariance=found.covariance)
    error = np.sqrt(found.rows["pooled"].to_numpy(float) * found.find_design_effect())
    seen = np.where(error > 0, error, np.sqrt(_soften(found)))
    return {
        "difference_low": low,
        "difference_high": high,
        "p_value": find_normal_p_value(found.one.mean - found.other.mean, error),
        "detectable": find_detectable(seen),
    }


def _soften(found: Estimates) -> np.ndarray:
    """Return variances of differences of shares of which none is 0, though nobody was a hit."""
    softened = found.one.soften_variance() + found.other.soften_variance()
    return np.maximum(softened - 2 * found.covariance, 0)


def _bound_amounts(found: Estimates) -> dict[str, np.ndarray]:
    """Return interval, p-value and detectable difference of amounts."""
    difference = found.one.mean - found.other.mean
    error = found.find_error()
    freedom = _find_freedom(found)
    low, high = bound_amount_contrast(difference, error, freedom=freedom)
    return {
        "difference_low": low,
        "difference_high": high,
        "p_value": find_amount_p_value(difference, error, freedom=freedom),
        "detectable": find_detectable(error),
    }


def compare_campaigns(assigned: Assigned, effects: pd.DataFrame) -> pd.DataFrame:
    """Return the primary difference in each campaign by itself, with its 95 % interval.

    The columns are campaign, first_on, treated_count, baseline_count, rests_on_count,
    treated_value, baseline_value, difference, difference_low and difference_high. Within a campaign
    customers are different ones.
    """
    primary = effects[effects["is_primary"].astype(bool)] if len(effects) else effects
    if not len(primary):
        return empty_table(BY_CAMPAIGN_COLUMNS, assigned.reason or NOTHING_COMPARED)
    row = primary.iloc[0]
    grid = Grid(assigned.cells)
    outcome = str(row["outcome"])
    arms = {"one": row["treated"], "other": row["baseline"]}
    sums = {side: grid.sum_up(outcome, str(arm)) for side, arm in arms.items()}
    found = weigh_campaigns(sums, amount=is_amount(outcome))
    used = found.weight[0] > 0
    one, other = (
        Means(
            found.mean[side][0][used],
            found.spread[side][0][used] / found.count[side][0][used],
            found.count[side][0][used],
        )
        for side in arms
    )
    difference = one.mean - other.mean
    if is_amount(outcome):
        error = np.sqrt(one.variance + other.variance)
        freedom = np.minimum(one.count, other.count) - 1
        low, high = bound_amount_contrast(difference, error, freedom=freedom)
    else:
        low, high = bound_share_contrast(one, other, covariance=np.zeros(int(used.sum())))
    table = pd.DataFrame(
        {
            "campaign": np.array(grid.campaigns)[used],
            "treated_count": one.count.astype(int),
            "baseline_count": other.count.astype(int),
            "rests_on_count": np.minimum(one.count, other.count).astype(int),
            "treated_value": one.mean,
            "baseline_value": other.mean,
            "difference": settle(difference),
            "difference_low": settle(low),
            "difference_high": settle(high),
        }
    )
    dates = assigned.campaigns[["campaign", "first_on"]]
    table = table.merge(dates, on="campaign").sort_values(["first_on", "campaign"])
    return table.reset_index(drop=True)[BY_CAMPAIGN_COLUMNS]


def _find_freedom(found: Estimates) -> np.ndarray:
    """Return the degrees of freedom of each difference (Welch 1947), customers counted once."""
    rows = found.rows
    parts = [
        rows[f"variance_{side}"] ** 2 / np.maximum(rows[f"customers_{side}"] - 1, 1)
        for side in ("one", "other")
    ]
    both = (rows["variance_one"] + rows["variance_other"]) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(both > 0, both / (parts[0] + parts[1]), 1.0)
    return np.maximum(freedom, 1.0)


def _test_segments(found: Estimates, outcomes: tuple[str, ...]) -> list[dict]:
    """Test of each outcome whether segments differ in their differences, and in their ratios."""
    tests = []
    for outcome in outcomes:
        own = found.rows[found.rows["measure"] == outcome]
        own = own[own["segment_name"] != EVERYBODY]
        if len(own) < 2:
            continue
        part = Estimates(own)
        estimates = {DIFFERENCE: part.one.mean - part.other.mean}
        # By chance nobody of a segment may be a hit: it is not known for sure for all that.
        variance = part.find_error() ** 2 if is_amount(outcome) else _soften(part)
        variances = {DIFFERENCE: variance}
        with np.errstate(divide="ignore", invalid="ignore"):
            estimates[RATIO] = np.log(part.one.mean / part.other.mean)
        log_error = find_log_ratio_error(part.one, part.other, covariance=part.covariance)
        variances[RATIO] = log_error**2
        for scale, values in estimates.items():
            q, count, p_value, i_squared = measure_heterogeneity(values, variances[scale])
            test = {
                "outcome": outcome,
                "scale": scale,
                "segment_count": int(count),
                "q": float(settle(q)),
                "p_value": float(settle(p_value)),
                "i_squared": float(settle(i_squared)),
                "rests_on_count": int(own[["customers_one", "customers_other"]].min(axis=1).sum()),
            }
            tests.append(test)
    return tests


def _mark_primary(table: pd.DataFrame, assigned: Assigned, is_whole: pd.Series) -> pd.DataFrame:
    """Mark the one row that decides: the first comparison that tells the primary outcome."""
    is_primary = is_whole & (table["outcome"] == assigned.primary)
    return table.assign(is_primary=is_primary & (is_primary.cumsum() == 1))


def correct_families(table: pd.DataFrame, is_whole: pd.Series | None = None) -> pd.DataFrame:
    """Add ``adjusted_p_value`` and ``differs``: the primary row stands alone, Holm for the others.

    The others are one family; with ``is_whole``, those of everybody one, those of segments another.

    Examples
    --------
    >>> table = pd.DataFrame({"p_value": [0.04, 0.03, 0.5], "is_primary": [True, False, False]})
    >>> correct_families(table)["adjusted_p_value"].tolist()
    [0.04, 0.06, 0.5]
    """
    p_values = table["p_value"].to_numpy(float)
    is_primary = table["is_primary"].to_numpy(bool)
    whole = np.ones(len(table), dtype=bool) if is_whole is None else is_whole.to_numpy(bool)
    adjusted = p_values.copy()
    for family in (whole & ~is_primary, ~whole & ~is_primary):
        adjusted[family] = correct_p_values(p_values[family])
    return table.assign(adjusted_p_value=adjusted, differs=adjusted < ALPHA)
