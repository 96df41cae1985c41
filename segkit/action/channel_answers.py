"""How each segment answers messages by channel, against all other customers.

Several messages of a customer are not independent: variances are those of customers, see
`segkit.core.statistics.bound_clustered_share`. Sums by segment and channel come back, no rows.
"""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
from ibis import _

from segkit.action.channels import COMPARED, name_channel
from segkit.core.absence import empty_table
from segkit.core.contrasts import Means, bound_share_contrast, find_normal_p_value
from segkit.core.measures import LARGEST, SECOND, bound_contributions
from segkit.core.statistics import bound_clustered_share
from segkit.evidence.experience.message_shares import find_few
from segkit.evidence.experience.messages import NO_MESSAGES, Messages
from segkit.features.expressions import count_true, fetch
from segkit.profiles.differences import correct_comparisons

OPENED, CLICKED, CONVERTED = "opened", "clicked", "followed by an order"
HITS = {OPENED: "opened", CLICKED: "clicked", CONVERTED: "converted"}
NO_CHANNEL = "The messages have no column for the channel, or for what became of them."
SUMS = ("hits", "trials", "hit_squares", "products", "trial_squares", "clusters")
COLUMNS = (
    "answer",
    "channel",
    "segment_name",
    "customer_count",
    "delivered_count",
    *COMPARED,
    f"delivered_count{LARGEST}",
    f"delivered_count{SECOND}",
)


def compare_answers(
    messages: Messages | None, segments: pd.DataFrame, *, smallest_cell: int = 1
) -> pd.DataFrame:
    """Compare which share of its delivered messages each segment answers, by channel.

    Parameters
    ----------
    messages : Messages or None
        See `segkit.evidence.experience.messages.read_messages`.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    smallest_cell : int, optional
        A share that fewer customers, but some, make is missing, and so is the next smallest one.

    Returns
    -------
    DataFrame
        A row for each answer that a column tells of (:data:`HITS`), channel and segment with a
        delivered message: answer, channel, segment_name, customer_count, delivered_count, share
        with the ends of its 95 % interval, base_share (of all), index (100 is the base), difference
        from all other customers' share with its interval (Newcombe 1998, with the effective numbers
        of messages), adjusted_p_value (Holm 1979, over all rows), set_apart, and the largest
        contributions to the messages for the gate.
    """
    if messages is None or messages.each.empty:
        return empty_table(COLUMNS, NO_MESSAGES)
    known = {answer: flag for answer, flag in HITS.items() if flag in messages.known}
    if "channel" not in messages.known or not known:
        return empty_table(COLUMNS, NO_CHANNEL)
    sums = _sum_answers(messages, segments, list(known.values()))
    if sums.empty:
        return empty_table(COLUMNS, NO_MESSAGES)
    parts = []
    for answer, flag in known.items():
        for channel, own in sums.groupby("channel"):
            if own["clusters"].sum() < smallest_cell:
                continue  # its name may itself tell of somebody
            part = compare_sums(_choose_sums(own, flag), smallest_cell)
            parts.append(part.assign(answer=answer, channel=channel))
    if not parts:
        return empty_table(COLUMNS, NO_MESSAGES)
    judged = correct_comparisons(pd.concat(parts, ignore_index=True))
    return judged[list(COLUMNS)]


def _sum_answers(messages: Messages, segments: pd.DataFrame, flags: list[str]) -> pd.DataFrame:
    """Sum, by segment and channel, what each customer adds, with squares and products."""
    sent = messages.table.filter(_.delivered_ == 1).mutate(channel=name_channel(_.channel))
    sent = sent.filter(_.channel.notnull())
    counts = {flag: _[f"{flag}_"].sum() for flag in flags}
    each = sent.group_by("customer_id", "channel").agg(trials=_.count(), **counts)
    members = ibis.memtable(segments[["customer_id", "segment_name"]].astype(str))
    each = each.mutate(customer_id=each.customer_id.cast("string"))
    each = each.inner_join(members, "customer_id")
    measures = {"trials": _.trials.sum(), "trial_squares": (_.trials * _.trials).sum()}
    measures |= {"clusters": _.count(), "most": _.trials.max()}
    for flag in flags:
        measures |= {
            f"{flag}_hits": _[flag].sum(),
            f"{flag}_hit_squares": (_[flag] * _[flag]).sum(),
            f"{flag}_products": (_[flag] * _.trials).sum(),
            f"{flag}_people": count_true(_[flag] > 0),
        }
    found = fetch(each.group_by("segment_name", "channel").agg(**measures))
    return found.sort_values(["segment_name", "channel"], ignore_index=True)


def _choose_sums(sums: pd.DataFrame, flag: str) -> pd.DataFrame:
    """Return the sums of one answer, under the names of :data:`SUMS`."""
    renamed = sums.rename(columns=lambda name: name.removeprefix(f"{flag}_"))
    kept = renamed[["segment_name", *SUMS, "people", "most"]]
    return kept.astype(dict.fromkeys(SUMS, float)).reset_index(drop=True)


def compare_sums(sums: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Compare the share of each segment with that of all others, from sums over its customers.

    Parameters
    ----------
    sums : DataFrame
        A row a segment: ``segment_name``, :data:`SUMS` of float, ``people`` (customers with a hit)
        and ``most`` (the most trials of a customer).
    smallest_cell : int
        See `compare_answers`.

    Returns
    -------
    DataFrame
        The columns of `compare_answers`, with ``p_value`` before correction.
    """
    whole = sums[list(SUMS)].sum()
    table = sums[["segment_name"]].assign(
        customer_count=sums["clusters"].astype("int64"),
        delivered_count=sums["trials"].astype("int64"),
        share=sums["hits"] / sums["trials"],
        base_share=whole["hits"] / whole["trials"],
    )
    table["share_low"], table["share_high"] = bound_clustered_share(
        sums["hits"],
        sums["trials"],
        hit_squares=sums["hit_squares"],
        products=sums["products"],
        trial_squares=sums["trial_squares"],
        clusters=sums["clusters"],
    )
    base = table["base_share"]
    table["index"] = (100 * table["share"] / base.where(base > 0)).astype(float)
    one, other = _estimate(sums), _estimate(whole - sums[list(SUMS)])
    table["difference"] = one.mean - other.mean
    nothing = np.zeros(len(table))
    low, high = bound_share_contrast(one, other, covariance=nothing)
    table["difference_low"], table["difference_high"] = low, high
    error = np.sqrt(one.soften_variance() + other.soften_variance())
    p_value = find_normal_p_value(table["difference"].to_numpy(), error)
    is_few = find_few(sums["people"], smallest_cell).to_numpy()
    told = ["share", "share_low", "share_high", "index"]
    told += ["difference", "difference_low", "difference_high"]
    table.loc[is_few, told] = np.nan
    table["p_value"] = np.where(is_few, np.nan, p_value)
    ends = [f"delivered_count{LARGEST}", f"delivered_count{SECOND}"]
    table[ends] = bound_contributions(table["delivered_count"], sums["most"])
    return table


def _estimate(sums: pd.DataFrame) -> Means:
    """Estimate the share of each row with the variance of a ratio of two sums over customers.

    Cochran (1977), *Sampling Techniques*, section 2.11.
    """
    hits, trials, count = (sums[name].to_numpy(float) for name in ("hits", "trials", "clusters"))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = hits / trials
        squares = sums["hit_squares"] - 2 * share * sums["products"]
        squares = np.maximum(squares + share**2 * sums["trial_squares"], 0)
        variance = count / (count - 1) * squares.to_numpy(float) / trials**2
    return Means(share, variance, trials)
