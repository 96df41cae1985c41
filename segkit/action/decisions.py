"""The one matrix that decides: segments by what makes them worth acting on, and able to be.

Each measure is worked out from tables that passed the gate. What is not known stays empty and
counts: a score is given as what it is at least, with every unknown measure as nothing, and at most,
with every one as the best; segments stand in the order of the least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.action.channel_answers import HITS
from segkit.action.targeting import scale_measures, weigh_parts
from segkit.core.contrasts import find_control_size, find_detectable
from segkit.plan.campaigns import AMOUNTS, CONTROL, Campaigns
from segkit.plan.models import Criteria, Plan
from segkit.plan.targeting import Targeting

CONTROL_SHARE = 0.2  # kept back where the plan names no share of a control group
VARIED = (0.5, 1.0, 1.5)  # each weight by half, as it is, and by half more
WORTH = ["value_share", "mean_value", "mean_lifetime_value", "mean_order_value", "margin"]
CHANNEL = ["channel", "contact_count", "contact_share"]
TEST = ["answer", "answer_share", "control_count", "detectable_effect", "control_needed"]
PAY = ["break_even_spend", "break_even_share", "shows_pay"]
COLUMNS = [
    "segment_name",
    "customer_count",
    "customer_share",
    *WORTH,
    "stability",
    "reach",
    "consent_share",
    *CHANNEL,
    *TEST,
    *PAY,
]


@dataclass(frozen=True)
class Known:
    """What is known of segments besides their measures, as it passed the gate.

    Attributes
    ----------
    sizes, profile : DataFrame
        Of `size_segments` and `profile_segments`.
    channels : DataFrame
        Of `choose_channels`.
    """

    sizes: pd.DataFrame
    profile: pd.DataFrame
    channels: pd.DataFrame


def decide(measures: pd.DataFrame, known: Known, plan: Plan) -> pd.DataFrame:
    """Collect what decides on each segment and rank them by it, as the plan has it.

    See `collect_decisions` and `rank_segments`.
    """
    collected = collect_decisions(
        measures,
        known,
        targeting=plan.targeting,
        campaigns=plan.campaigns,
        margin_share=plan.margin_share,
    )
    return rank_segments(collected, plan.criteria, plan.targeting)


def collect_decisions(
    measures: pd.DataFrame,
    known: Known,
    *,
    targeting: Targeting,
    campaigns: Campaigns,
    margin_share: float | None = None,
) -> pd.DataFrame:
    """Collect what decides on each segment; what is not known is missing.

    Parameters
    ----------
    measures : DataFrame
        Of `collect_measures`.
    known : Known
    targeting, campaigns : Targeting, Campaigns
        What the plan says: the cost of a contact, the smallest effect worth acting on and the share
        of the control group.
    margin_share : float, optional
        The plan's part of net spend that is left after the costs of goods.

    Returns
    -------
    DataFrame
        A row a segment, :data:`COLUMNS`: its size and worth (``margin``: the plan's, else profit
        over net spend); stability, reach by rules and consent; the best ``channel`` of those by
        which messages are sent, with the customers who may be contacted there; ``answer_share`` (of
        messages there, of the answer nearest to an order), ``control_count`` (kept back of
        those contacted), ``detectable_effect`` (the smallest difference of that share which such a
        test sees in four cases of five, Bloom 1995) and ``control_needed`` (kept back to see the
        plan's smallest effect; missing where not even half of them would do);
        ``break_even_spend`` (net spend that each contact has to bring), ``break_even_share``
        (contacts that have to bring one more order of mean value) and ``shows_pay`` (whether the
        test would see so small a share).
    """
    table = measures.copy()
    by_name = known.sizes.set_index("segment_name")
    names = table["segment_name"]
    table["mean_order_value"] = names.map(_read_column(by_name, "mean_order_value"))
    table["mean_lifetime_value"] = names.map(_read_lifetime_value(known.profile))
    profit = _read_column(by_name, "total_profit") / _read_column(by_name, "total_spend")
    told = profit.where(profit.between(0, 1, inclusive="right"))
    margin = names.map(told).astype(float)
    table["margin"] = margin if margin_share is None else margin_share
    first = known.channels.drop_duplicates("segment_name")
    table = table.merge(first, on="segment_name", how="left")
    table = _add_test(table, campaigns)
    table = _add_pay(table, targeting.contact_cost)
    return table.reindex(columns=COLUMNS)


def _read_column(by_name: pd.DataFrame, column: str) -> pd.Series:
    if column not in by_name:
        return pd.Series(np.nan, index=by_name.index)
    return by_name[column].astype(float)


def _read_lifetime_value(profile: pd.DataFrame) -> pd.Series:
    if not {"feature", "mean"} <= set(profile.columns):
        return pd.Series(dtype=float)
    own = profile[profile["feature"] == "lifetime_value"]
    return own.set_index("segment_name")["mean"].astype(float)


def choose_channels(contacts: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Put the channels by which messages are sent to a segment in their order, the best first.

    The best has most answers to be had: the customers who may be contacted there times the lower
    end of the share that answers, of the last answer in :data:`HITS` that is known in all channels
    of the segment. Where there is none it has most customers who may be contacted.

    Returns
    -------
    DataFrame
        segment_name, channel, contact_count, contact_share, answer (its name) and answer_share.
    """
    sent = contacts[contacts["is_sent"].fillna(False).astype(bool)].copy()
    sent[["answer", "answer_share", "answer_low"]] = None
    parts = [sent.iloc[:0]]
    for name, own in sent.groupby("segment_name"):
        own = own.copy()
        for answer in reversed(HITS):
            if len(answers) and _fill_answers(own, answers, segment=name, answer=answer):
                break
        worth = own["contact_count"].astype(float) * own["answer_low"].astype(float).fillna(1.0)
        order = worth.sort_values(ascending=False, kind="stable").index
        parts.append(own.loc[order])
    columns = ["segment_name", *CHANNEL, "answer", "answer_share"]
    found = pd.concat(parts, ignore_index=True)[columns]
    return found.astype({"contact_share": float, "answer_share": float})


def _fill_answers(own: pd.DataFrame, answers: pd.DataFrame, *, segment: str, answer: str) -> bool:
    """Write the shares of one answer beside a segment's channels, if they are known in all."""
    is_own = (answers["segment_name"] == segment) & (answers["answer"] == answer)
    known = answers[is_own].dropna(subset=["share", "share_low"]).set_index("channel")
    if not set(own["channel"]) <= set(known.index):
        return False
    own["answer"] = answer
    own["answer_share"] = own["channel"].map(known["share"])
    own["answer_low"] = own["channel"].map(known["share_low"])
    return True


def _add_test(table: pd.DataFrame, campaigns: Campaigns) -> pd.DataFrame:
    """Add what a test of those who may be contacted can see; one message each."""
    count = table["contact_count"].astype(float)
    kept_share = campaigns.shares.get(CONTROL, CONTROL_SHARE)
    kept = (kept_share * count).round()
    # With one hit and one miss more, so that none counts as never answering.
    share = (table["answer_share"].astype(float) * count + 1) / (count + 2)
    spread = share * (1 - share)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(spread * (1 / kept + 1 / (count - kept)))
    is_known = (kept > 0) & (count > kept)
    needed = np.nan
    if campaigns.smallest_effect is not None and campaigns.primary not in AMOUNTS:
        needed = find_control_size(spread, count, effect=campaigns.smallest_effect)
    return table.assign(
        control_count=kept.astype("Int64"),
        detectable_effect=np.where(is_known, find_detectable(error), np.nan),
        control_needed=needed,
    )


def _add_pay(table: pd.DataFrame, contact_cost: float | None) -> pd.DataFrame:
    """Add what each contact has to bring, so that its cost is covered."""
    cost = np.nan if contact_cost is None else contact_cost
    spend = cost / table["margin"].astype(float)
    value = table["mean_order_value"].astype(float)
    share = spend / value.where(value > 0)
    effect = table["detectable_effect"]
    is_known = share.notna() & effect.notna()
    shows = (effect <= share).astype("boolean").mask(~is_known)
    return table.assign(break_even_spend=spend, break_even_share=share, shows_pay=shows)


def rank_segments(
    decisions: pd.DataFrame, criteria: Criteria, targeting: Targeting
) -> pd.DataFrame:
    """Score segments by all that decides, and try how the order hangs on the weights.

    The score is the weighted mean, by ``[targeting.weights]``, of five parts from 0 to 1: the two
    scores of `rate_targets`; the share that may be contacted in the best channel; the smallest
    effect of all segments over the segment's own; and the smallest break-even share of all over its
    own. Each weight of all three tables is then halved, kept, and raised by half, in all
    combinations.

    Parameters
    ----------
    decisions : DataFrame
        Of `collect_decisions`.
    criteria, targeting : Criteria, Targeting
        The plan's weights.

    Returns
    -------
    DataFrame
        The table with ``score_low`` and ``score_high`` (unknown parts as nothing, and as the best),
        ``place`` by the former (ties share one), ``first_share`` (of all combinations of weights in
        which the segment comes first, by the lower score; a tie counts for each as its part), and
        ``unknown`` (the names of what is not known); the first place first.
    """
    if decisions.empty:
        added = ["score_low", "score_high", "place", "first_share", "unknown"]
        return decisions.assign(**{name: pd.Series(dtype=object) for name in added})
    attractive = scale_measures(decisions, criteria.attractiveness)
    fit = scale_measures(decisions, criteria.fit)
    others = pd.DataFrame(
        {
            "channel": scale_measures(decisions, {"contact_share": 1})["contact_share"],
            "test": _scale_needs(decisions["detectable_effect"]),
            "pay": _scale_needs(decisions["break_even_share"]),
        }
    )
    ends = []
    for end in (0, 1):
        parts = others.fillna(float(end)).assign(
            attractiveness=weigh_parts(attractive, criteria.attractiveness)[end],
            fit=weigh_parts(fit, criteria.fit)[end],
        )
        ends.append(weigh_parts(parts, targeting.weights)[0])
    firsts = _vary_weights(
        [(attractive, criteria.attractiveness), (fit, criteria.fit)], others, targeting.weights
    )
    lacking = pd.concat([attractive, fit, others], axis=1).isna()
    weighed = [
        name
        for weights in (criteria.attractiveness, criteria.fit, targeting.weights)
        for name, weight in weights.items()
        if weight > 0 and name in lacking
    ]
    unknown = [", ".join(n for n in weighed if row[n]) for row in lacking.to_dict("records")]
    table = decisions.assign(
        score_low=ends[0],
        score_high=ends[1],
        place=ends[0].round(9).rank(ascending=False, method="min").astype("int64"),
        first_share=firsts,
        unknown=unknown,
    )
    return table.sort_values(["place", "segment_name"], ignore_index=True)


def _scale_needs(needs: pd.Series) -> pd.Series:
    """Return the smallest need of all over each: 1 for the best; all have 1 that need nothing."""
    known = needs.astype(float)
    least = known.min()
    with np.errstate(divide="ignore", invalid="ignore"):
        return (least / known).where(known > 0, known.where(known.isna(), 1.0))


def _vary_weights(
    inner: list[tuple[pd.DataFrame, Mapping[str, float]]],
    others: pd.DataFrame,
    weights: Mapping[str, float],
) -> np.ndarray:
    """Return in which share of all combinations of weights each segment comes first, (segments,).

    The scores of the inner weights are worked out first; the outer ones are tried with each.
    """
    names = ["attractiveness", "fit", *others.columns]
    outer = _list_weights([weights.get(name, 0.0) for name in names])
    known = others.fillna(0.0).to_numpy(float)
    rest = outer[:, 2:] @ known.T
    attractive, fit = (_score_each(parts, given) for parts, given in inner)
    firsts = np.zeros(len(others))
    for one in attractive:
        for other in fit:
            scores = rest + outer[:, :1] * one + outer[:, 1:2] * other
            is_first = scores >= scores.max(axis=1, keepdims=True) - 1e-9
            firsts += (is_first / is_first.sum(axis=1, keepdims=True)).sum(axis=0)
    return firsts / firsts.sum()


def _score_each(parts: pd.DataFrame, weights: Mapping[str, float]) -> np.ndarray:
    """Return the lower scores for each combination of weights, (combinations, segments)."""
    tried = _list_weights([weights[name] for name in parts.columns])
    return tried @ parts.fillna(0.0).to_numpy(float).T / tried.sum(axis=1, keepdims=True)


def _list_weights(given: list[float]) -> np.ndarray:
    """Return all combinations of the varied weights, (combinations, weights).

    >>> _list_weights([2.0]).ravel().tolist()
    [1.0, 2.0, 3.0]
    """
    grids = np.meshgrid(*[np.multiply(VARIED, weight) for weight in given], indexing="ij")
    combined = np.stack([grid.ravel() for grid in grids], axis=1)
    return np.unique(combined, axis=0)
