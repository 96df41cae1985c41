"""What it is worth to let the segment decide who is sent what, told out of sample.

A policy says which arm a segment gets. It is made on four fifths of the customers and valued on the
last, five times over: a policy that is made and valued on the same customers looks better than it
is. Only where arms were drawn by lot does this say what would follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.statistics import bound_estimate
from segkit.evidence.campaigns.assigned import (
    AMOUNTS,
    CONTROL,
    FOLDS,
    NO_SEGMENT,
    SENT_OUTCOMES,
    Assigned,
)
from segkit.evidence.campaigns.contrasts import settle, sum_influences

BY_SEGMENT = "the best arm for each segment"
NOBODY = "nothing to anybody"
ONE_ARM = "{} to everybody"
STEP = "the first {} segments"
NOT_RANDOM = (
    "Whether the segment should decide who is sent what cannot be told: the plan does not say that "
    'lots were drawn. Where they were, write assigned = "random" under [campaigns].'
)
NOT_ENOUGH = "No campaign has all arms, and segments are two at least, as a policy by segment asks."
POLICY_COLUMNS = [
    "outcome", "policy", "value", "value_low", "value_high", "gain", "gain_low", "gain_high",
    "rests_on_count",
]  # fmt: skip
CURVE_COLUMNS = [
    "place", "targeted_share", "gain", "gain_low", "gain_high", "straight_gain", "qini",
    "rests_on_count",
]  # fmt: skip


@dataclass(frozen=True)
class _Trial:
    """The campaigns that have all arms, as arrays, and the chance of each arm in each.

    ``sums`` and ``sizes`` are of (arms, segments, campaigns, folds).
    """

    arms: list[str]
    segments: list[str]
    campaigns: list[str]
    sizes: np.ndarray
    sums: np.ndarray
    chances: np.ndarray

    def weigh(self, values: np.ndarray) -> np.ndarray:
        """Return values over the chance of their arm: (arms, segments, folds)."""
        return (values / self.chances[:, None, :, None]).sum(axis=2)

    def learn_means(self) -> np.ndarray:
        """Return each arm's mean in each segment without one fold: (folds, arms, segments)."""
        sums, sizes = self.weigh(self.sums), self.weigh(self.sizes)
        totals = [part.sum(axis=2, keepdims=True) - part for part in (sums, sizes)]
        with np.errstate(divide="ignore", invalid="ignore"):
            means = np.where(totals[1] > 0, totals[0] / totals[1], -np.inf)
        return np.moveaxis(means, 2, 0)


def value_policies(assigned: Assigned) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Value the policy that gives each segment its best arm, against everybody and nobody.

    The value is the mean outcome of a customer in a campaign, by the estimator of Hájek (1971):
    those who by lot got what the policy gives them, each over the chance of that arm in their
    campaign. The best arm is that of the highest mean in the four other folds; intervals count
    customers as they repeat. What a message costs is not taken off.

    Returns
    -------
    tuple of DataFrame
        One row an outcome (the primary one, and spend) and policy: value, and gain, how much more
        the best arm by segment brings, each with its 95 % interval. And the uplift curve of the
        primary outcome (Radcliffe 2007): place (how many segments are sent to), targeted_share,
        gain with its interval, straight_gain (by chance) and qini, in the last row.
    """
    reason = assigned.reason or ("" if assigned.plan.is_random else NOT_RANDOM)
    outcomes = [assigned.primary, *(name for name in AMOUNTS if name in assigned.outcomes)]
    trials = {}
    for outcome in dict.fromkeys(outcomes):
        trial = None if reason else _set_up(assigned, outcome)
        if trial is not None:
            trials[outcome] = trial
    if not trials:
        why = reason or NOT_ENOUGH
        return empty_table(POLICY_COLUMNS, why), empty_table(CURVE_COLUMNS, why)
    tables = []
    curve = empty_table(CURVE_COLUMNS, NOT_ENOUGH)
    for outcome, trial in trials.items():
        policies = _list_policies(trial)
        steps = _list_steps(assigned, trial) if not tables else {}
        found = _value_each(assigned, outcome, trial, policies | steps)
        tables.append(_describe_policies(found.loc[list(policies)], outcome))
        if steps:
            curve = _draw_uplift(found.loc[list(steps)], trial, steps)
    return pd.concat(tables, ignore_index=True), curve


def _set_up(assigned: Assigned, outcome: str) -> _Trial | None:
    """Return the campaigns that have all arms of whom an outcome is known; None without any."""
    cells = assigned.cells[assigned.cells[f"known_{outcome}"] > 0]
    cells = cells[cells["segment_name"] != NO_SEGMENT]
    named = {arm for pair in assigned.comparisons for arm in pair}
    arms = [arm for arm in assigned.plan.arms if arm in named and arm in set(cells["arm"])]
    arms.sort(key=lambda arm: arm != CONTROL)  # of two arms that do alike, nothing is sent
    if outcome in SENT_OUTCOMES:
        arms = [arm for arm in arms if arm != CONTROL]
    cells = cells[cells["arm"].isin(arms)]
    there = cells.groupby("campaign")["arm"].nunique()
    campaigns = sorted(there.index[there == len(arms)])
    segments = sorted(cells["segment_name"].unique())
    is_compared = any(set(pair) <= set(arms) for pair in assigned.comparisons)
    if not is_compared or len(segments) < 2 or not campaigns:
        return None
    axes = [arms, segments, campaigns, range(FOLDS)]
    index = pd.MultiIndex.from_product(axes, names=["arm", "segment_name", "campaign", "fold"])
    names = [f"known_{outcome}", f"sum_{outcome}"]
    found = cells.groupby(index.names)[names].sum().reindex(index, fill_value=0.0)
    sizes, sums = (found[name].to_numpy(float).reshape(*map(len, axes)) for name in names)
    by_arm = sizes.sum(axis=(1, 3))
    return _Trial(arms, segments, campaigns, sizes, sums, by_arm / by_arm.sum(axis=0))


@dataclass(frozen=True)
class _Policy:
    """Which arm, by its place, a segment gets: (folds, segments); and what it is compared with."""

    arms: np.ndarray
    against: str


def _list_policies(trial: _Trial) -> dict[str, _Policy]:
    """Return the policy by segment, and that of each arm for everybody."""
    best = trial.learn_means().argmax(axis=1)
    policies = {BY_SEGMENT: _Policy(best, BY_SEGMENT)}
    for place, arm in enumerate(trial.arms):
        name = NOBODY if arm == CONTROL else ONE_ARM.format(arm)
        policies[name] = _Policy(np.full_like(best, place), BY_SEGMENT)
    return policies


def _list_steps(assigned: Assigned, trial: _Trial) -> dict[str, _Policy]:
    """Return the policies of sending to the first segments only, none of them first."""
    pairs = [pair for pair in assigned.comparisons if set(pair) <= set(trial.arms)]
    sent, base = (trial.arms.index(arm) for arm in pairs[0])
    means = trial.learn_means()
    with np.errstate(invalid="ignore"):
        uplift = np.nan_to_num(means[:, sent] - means[:, base], nan=-np.inf)
    rank = np.argsort(np.argsort(-uplift, axis=1, kind="stable"), axis=1, kind="stable")
    places = range(len(trial.segments) + 1)
    return {
        STEP.format(place): _Policy(np.where(rank < place, sent, base), STEP.format(0))
        for place in places
    }


def _describe_policies(found: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return the table of policies: what that by segment brings more than each other."""
    table = found.reset_index()
    table["gain"] = -table["difference"]
    table["gain_low"], table["gain_high"] = -table["difference_high"], -table["difference_low"]
    gains = ["gain", "gain_low", "gain_high"]
    table[gains] = table[gains].mask(table["policy"] == BY_SEGMENT)
    return table.assign(outcome=outcome)[POLICY_COLUMNS]


def _draw_uplift(found: pd.DataFrame, trial: _Trial, steps: dict[str, _Policy]) -> pd.DataFrame:
    """Return the uplift curve: what is gained by sending to the first segments only.

    Segments are put in the order of what the arm of the first comparison brings more than the one
    it is compared with, as the other four folds have it. The gain at a share of the customers is
    what sending to the segments up to there brings more than to nobody, a customer of all: the
    cumulative uplift of Radcliffe (2007), *Direct Marketing Analytics Journal*, in which Qini is
    the area between the curve and ``straight_gain``, the line to its end.
    """
    table = found.reset_index(drop=True).rename(
        columns={f"difference{end}": f"gain{end}" for end in ("", "_low", "_high")}
    )
    table.loc[0, ["gain", "gain_low", "gain_high"]] = 0.0
    size = trial.sizes.sum(axis=(0, 2)).T  # folds by segments
    policies = [step.arms for step in steps.values()]
    sent = [policy != policies[0] for policy in policies]
    table["targeted_share"] = [float((size * chosen).sum() / size.sum()) for chosen in sent]
    table["straight_gain"] = settle(table["targeted_share"] * table["gain"].iloc[-1])
    table = table.assign(place=range(len(table)), qini=np.nan)
    table.loc[table.index[-1], "qini"] = float(settle(find_qini(table)))
    return table[CURVE_COLUMNS]


def find_qini(curve: pd.DataFrame) -> float:
    """Return the area between an uplift curve and the straight line to its end.

    Examples
    --------
    >>> curve = pd.DataFrame({"targeted_share": [0, 0.5, 1], "gain": [0, 0.04, 0.05]})
    >>> round(find_qini(curve.assign(straight_gain=[0, 0.025, 0.05])), 6)
    0.0075
    """
    above = (curve["gain"] - curve["straight_gain"]).to_numpy(float)
    width = np.diff(curve["targeted_share"].to_numpy(float))
    return float((width * (above[1:] + above[:-1]) / 2).sum())


def _value_each(
    assigned: Assigned, outcome: str, trial: _Trial, policies: Mapping[str, _Policy]
) -> pd.DataFrame:
    """Return each policy's value, and how it differs from that of the one it is compared with."""
    index = pd.MultiIndex.from_product(
        [trial.arms, trial.segments, trial.campaigns, range(FOLDS)],
        names=["arm", "segment_name", "campaign", "fold"],
    )
    names = list(policies)
    values = {}
    columns = {}
    for number, (name, policy) in enumerate(policies.items()):
        gets = policy.arms.T[None] == np.arange(len(trial.arms))[:, None, None]
        weight = gets[:, :, None, :] / trial.chances[:, None, :, None]
        whole = (weight * trial.sizes).sum()
        values[name] = float((weight * trial.sums).sum() / whole) if whole else np.nan
        slope = weight / whole if whole else 0.0 * weight
        columns[f"slope_{number}"] = slope.ravel()
        columns[f"shift_{number}"] = (-slope * np.nan_to_num(values[name])).ravel()
    coefficients = pd.DataFrame(columns, index=index).reset_index()
    parts = [
        (str(number), str(names.index(policy.against)), outcome)
        for number, policy in enumerate(policies.values())
    ]
    products = sum_influences(assigned, coefficients, parts).drop(columns="segment_name").sum()
    rows = [
        _describe_value(name, products, str(number), values[name] - values[policy.against])
        for number, (name, policy) in enumerate(policies.items())
    ]
    count = int(min(products[f"customers_{arm}"] for arm in trial.arms))
    table = pd.DataFrame(rows).assign(rests_on_count=count).set_index("policy")
    table["value"] = settle([values[name] for name in names])
    low, high = bound_estimate(table["value"], np.sqrt(table["variance"]))
    return table.assign(value_low=settle(low), value_high=settle(high))


def _describe_value(name: str, products: pd.Series, key: str, difference: float) -> dict:
    """Return how a policy's value differs from the base's, with its interval."""
    variance = products[f"one:{key}"] + products[f"other:{key}"] - 2 * products[f"both:{key}"]
    low, high = bound_estimate(difference, float(np.sqrt(max(settle(variance), 0))))
    return {
        "policy": name,
        "variance": float(settle(products[f"one:{key}"])),
        "difference": float(settle(difference)),
        "difference_low": float(settle(low)),
        "difference_high": float(settle(high)),
    }
