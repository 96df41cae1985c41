"""Whether the arms of campaigns can be compared: their sizes, and what was known before.

A test that lots were drawn as planned comes before any effect: where more or fewer customers are in
an arm than chance explains, somebody is missing, and nobody knows how those would have done.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.contrasts import Means, bound_share_contrast
from segkit.core.statistics import bound_estimate, correct_p_values
from segkit.evidence.campaigns.assigned import NO_SEGMENT, PRIORS, Assigned
from segkit.evidence.campaigns.contrasts import (
    EVERYBODY,
    SIDES,
    Estimates,
    Weighed,
    settle,
    weigh_campaigns,
)

MISMATCH = 0.001  # the risk of the test of sizes, which is done for each campaign
UNBALANCED = 0.1  # standardised difference of Austin (2009), see `check_balance`
ARM_COLUMNS = ["arm", "assigned_count", "customer_count", "assigned_share", "planned_share"]
CAMPAIGN_COLUMNS = [
    "campaign", "first_on", "last_on", "customer_count", "arm_count", "p_value",
    "adjusted_p_value", "is_mismatch", "is_running",
]  # fmt: skip
BALANCE_COLUMNS = [
    "treated", "baseline", "known_before", "treated_value", "baseline_value",
    "standardised_difference", "standardised_low", "standardised_high", "is_unbalanced",
    "rests_on_count",
]  # fmt: skip
SEGMENT_SHARES = "segment_shares"


def count_arms(assigned: Assigned) -> pd.DataFrame:
    """Count each arm over all campaigns: customers in a campaign, and different ones.

    The columns are arm, assigned_count, customer_count, assigned_share and planned_share (missing
    where the plan does not say).
    """
    if assigned.reason:
        return empty_table(ARM_COLUMNS, assigned.reason)
    rows = assigned.rows
    found = rows.group_by("arm").agg(
        assigned_count=rows.count(), customer_count=rows.customer_id.nunique()
    )
    table = found.to_pandas()
    order = {arm: place for place, arm in enumerate(assigned.plan.arms)}
    table = table.sort_values("arm", key=lambda arms: arms.map(order), ignore_index=True)
    table["assigned_share"] = table["assigned_count"] / table["assigned_count"].sum()
    table["planned_share"] = table["arm"].map(assigned.plan.shares).astype(float)
    return table[ARM_COLUMNS]


def check_sizes(assigned: Assigned) -> pd.DataFrame:
    """Test of each campaign whether its arms are as large as the plan's shares have them.

    Pearson's (1900) chi-square of the arms that a campaign has, corrected by Holm over campaigns;
    below .001 the sizes do not agree (a sample ratio mismatch: Fabijan et al. 2019, KDD). Missing
    where the plan does not say which shares were meant.
    """
    if assigned.reason:
        return empty_table(CAMPAIGN_COLUMNS, assigned.reason)
    sizes = assigned.cells.groupby(["campaign", "arm"])["size"].sum()
    table = assigned.campaigns.rename(columns={"size": "customer_count"})
    shares = assigned.plan.shares
    found = [find_size_p_value(sizes[name], shares) for name in table["campaign"]]
    table["p_value"] = np.array(found, dtype=float)
    table["adjusted_p_value"] = correct_p_values(table["p_value"].to_numpy(float))
    table["is_mismatch"] = table["adjusted_p_value"] < MISMATCH
    return table[CAMPAIGN_COLUMNS]


def find_size_p_value(sizes: pd.Series, shares: Mapping[str, float]) -> float:
    """Return the p-value of arms' sizes, given the shares that were planned; NaN without two.

    Examples
    --------
    >>> sizes = pd.Series({"a": 520, "b": 480})
    >>> round(find_size_p_value(sizes, {"a": 0.5, "b": 0.5}), 4)  # chi-square 1.6
    0.2059
    """
    from scipy.special import chdtrc

    planned = np.array([shares.get(arm, np.nan) for arm in sizes.index], dtype=float)
    counts = sizes.to_numpy(float)
    if len(counts) < 2 or not np.isfinite(planned).all():
        return np.nan
    expected = counts.sum() * planned / planned.sum()
    return float(chdtrc(len(counts) - 1, ((counts - expected) ** 2 / expected).sum()))


def check_balance(
    assigned: Assigned, estimates: Mapping[tuple[str, str], Estimates]
) -> pd.DataFrame:
    """Compare what was known of both arms before the message: they should not differ.

    Spend, orders and days since the last order in the year before, and the shares of the segments
    (the one that differs most). A difference is told in standard deviations, those of both arms
    taken together; from 0.1 on, if its interval leaves out 0, arms are called unbalanced (Austin
    2009, *Statistics in Medicine* 28). Nothing that came after the message is looked at, but for
    segments, which may have been made later.

    Parameters
    ----------
    assigned : Assigned
    estimates : mapping of pair to Estimates
        Of `compare_arms`.
    """
    if assigned.reason:
        return empty_table(BALANCE_COLUMNS, assigned.reason)
    tables = []
    for pair, found in estimates.items():
        own = found.rows[found.rows["measure"].isin(PRIORS)]
        parts = [_standardise(Estimates(own))] if len(own) else []
        shares = _compare_segments(assigned, pair)
        if shares is not None and len(found.rows):
            whole = found.rows[found.rows["segment_name"] == EVERYBODY].iloc[0]
            shares["rests_on_count"] = int(min(whole["customers_one"], whole["customers_other"]))
            parts.append(pd.DataFrame([shares]))
        tables += [part.assign(treated=pair[0], baseline=pair[1]) for part in parts]
    if not tables:
        reason = "Nothing is known of the customers before the messages: there are no orders."
        return empty_table(BALANCE_COLUMNS, reason)
    table = pd.concat(tables, ignore_index=True)
    ends = table["standardised_low"] * table["standardised_high"]
    is_large = table["standardised_difference"].abs() >= UNBALANCED
    return table.assign(is_unbalanced=is_large & (ends > 0))[BALANCE_COLUMNS]


def _standardise(found: Estimates) -> pd.DataFrame:
    """Return differences of means in standard deviations, with intervals."""
    rows = found.rows
    deviation = np.sqrt((rows["spread_one"] + rows["spread_other"]) / 2).to_numpy(float)
    deviation = np.where(deviation > 0, deviation, np.nan)
    difference = (found.one.mean - found.other.mean) / deviation
    low, high = bound_estimate(difference, found.find_error() / deviation)
    return pd.DataFrame(
        {
            "known_before": rows["measure"],
            "treated_value": found.one.mean,
            "baseline_value": found.other.mean,
            "standardised_difference": settle(difference),
            "standardised_low": settle(low),
            "standardised_high": settle(high),
            "rests_on_count": rows[["customers_one", "customers_other"]].min(axis=1),
        }
    )


def _compare_segments(assigned: Assigned, pair: tuple[str, str]) -> dict | None:
    """Return how the arms' shares of a segment differ, of that which differs most.

    Which segment it is is not told. Its interval takes customers in several campaigns as different
    ones; None where there are less than two segments.
    """
    cells = assigned.cells[assigned.cells["segment_name"] != NO_SEGMENT]
    sizes = cells.pivot_table(
        index="segment_name", columns=["arm", "campaign"], values="size", aggfunc="sum"
    ).fillna(0)
    if len(sizes) < 2 or not set(pair) <= set(cells["arm"]):
        return None
    campaigns = sizes[pair[0]].columns.intersection(sizes[pair[1]].columns)
    sums = {}
    for side, arm in zip(SIDES, pair, strict=True):
        own = sizes[arm][campaigns].to_numpy(float)
        everybody = np.broadcast_to(own.sum(axis=0), own.shape)
        sums[side] = np.stack([everybody, own, own])  # a yes or no is its own square
    weighed = weigh_campaigns(sums, amount=False)
    if not weighed.weight.any():
        return None
    return _describe_shares(weighed)


def _describe_shares(weighed: Weighed) -> dict:
    """Return the largest difference of both arms' shares in standard deviations."""
    one, other = (
        Means(
            weighed.average(weighed.mean[side]),
            (weighed.weight**2 * weighed.spread[side] / np.maximum(weighed.count[side], 1)).sum(1),
            np.where(weighed.weight > 0, weighed.count[side], 0).sum(axis=1),
        )
        for side in SIDES
    )
    spread = (one.mean * (1 - one.mean) + other.mean * (1 - other.mean)) / 2
    deviation = np.sqrt(np.where(spread > 0, spread, np.nan))
    difference = np.nan_to_num((one.mean - other.mean) / deviation)
    low, high = bound_share_contrast(one, other, covariance=np.zeros(len(difference)))
    place = int(np.abs(difference).argmax())
    return {
        "known_before": SEGMENT_SHARES,
        "treated_value": np.nan,
        "baseline_value": np.nan,
        "standardised_difference": float(settle(difference[place])),
        "standardised_low": float(settle(low[place] / deviation[place])),
        "standardised_high": float(settle(high[place] / deviation[place])),
    }
