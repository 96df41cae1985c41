"""Which shares of messages were opened, clicked and the like: by segment, campaign and month.

Several messages of one customer are not independent, so intervals are of customers, see
`segkit.core.statistics.bound_clustered_share`. Rows stay in the engine: it sums up each customer's
messages, and then these sums and their squares.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table
from segkit.core.measures import LARGEST, SECOND, bound_contributions
from segkit.core.statistics import bound_clustered_share
from segkit.evidence.experience.messages import COUNTS, NO_MESSAGES, RATIOS, Messages
from segkit.evidence.segment_summaries import bound_ratios, divide, list_bounds
from segkit.features.expressions import count_true, fetch

PARTS = ("share", "low", "high")
DOMINANCE = [f"delivered_count{end}" for end in (LARGEST, SECOND)]


def summarise_messages(
    messages: Messages | None,
    segments: pd.DataFrame | None = None,
    *,
    by: Sequence[str] = (),
    names: Sequence[str] = tuple(RATIOS),
    smallest_cell: int = 1,
) -> pd.DataFrame:
    """Summarise how messages are answered, by segment, campaign or month.

    Unique and total are kept apart: a share counts each delivered message once, however often it
    was opened; ``opens_per_opened`` says how often that was on average.

    Parameters
    ----------
    messages : Messages or None
        See `read_messages`.
    segments : DataFrame, optional
        ``customer_id`` and ``segment_name``; with them each segment has its rows, and messages of
        others are left out.
    by : sequence of str, optional
        Further columns: ``campaign_id``, ``month`` (its first day).
    names : sequence of str, optional
        Which shares, without ``_share``; all, if not given.
    smallest_cell : int, optional
        A share that fewer customers, but some, make is missing, and where it is the only one the
        next smallest as well: the sum of all would tell it.

    Returns
    -------
    DataFrame
        The groups, customer_count (with a delivered message), sent_count, delivered_count and the
        shares bounce_share (of those sent), open_share, human_open_share (without opens that are
        known to be a machine's), click_share, click_to_open_share (of those opened),
        unsubscribe_share and spam_share (of those delivered), each with a 95 % interval of
        customers in ``_low`` and ``_high``, missing where no column tells; opens_per_opened and
        clicks_per_clicked; rests_on_count, and the largest contributions for the gate.
    """
    groups = [*(["segment_name"] if segments is not None else []), *by]
    columns = [*groups, "customer_count", "sent_count", "delivered_count"]
    columns += [f"{name}_{part}" for name in names for part in PARTS]
    columns += ["opens_per_opened", "clicks_per_clicked", "rests_on_count", *DOMINANCE]
    if messages is None:
        return empty_table(columns, NO_MESSAGES)
    lacking = {"month": "sent_at"}
    if missing := [name for name in by if lacking.get(name, name) not in messages.known]:
        return empty_table(columns, f"The messages have no column for the {' and '.join(missing)}.")
    if by:
        rows = _group_rows(messages.table, segments, by)
        sums = {name: _[name].sum() for name in COUNTS}
        found = _sum_squares(rows.group_by([*groups, "customer_id"]).agg(**sums), groups, names)
    else:
        found = _sum_known(messages.each, segments, names)
    if found.empty:
        return empty_table(columns, NO_MESSAGES)
    table = _describe_shares(found, messages.known, groups, names)
    for name in names:
        is_few = find_few(found[f"{name}_people"], smallest_cell)
        parts = [f"{name}_{part}" for part in PARTS]
        table.loc[is_few.to_numpy(), parts] = np.nan
    return table.reindex(columns=columns)


def _group_rows(table: Table, segments: pd.DataFrame | None, by: Sequence[str]) -> Table:
    if "month" in by:
        table = table.filter(_.sent_at.notnull()).mutate(month=_.sent_at.cast("date").truncate("M"))
    if "campaign_id" in by:
        table = table.filter(_.campaign_id.notnull())
    if segments is None:
        return table
    members = ibis.memtable(segments[["customer_id", "segment_name"]].astype(str))
    return table.inner_join(members, "customer_id")


def _list_products(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return by name which counts of a customer are multiplied."""
    products = {f"{RATIOS[name][1]}squares": (RATIOS[name][1],) * 2 for name in names}
    for name in names:
        hit, trial, _needs = RATIOS[name]
        products |= {f"{name}_hit_squares": (hit, hit), f"{name}_products": (hit, trial)}
    return products


def _list_people(names: Sequence[str]) -> dict[str, str]:
    """Return by name of which count customers have any."""
    people = {f"{RATIOS[name][1]}people": RATIOS[name][1] for name in names}
    people |= {f"{name}_people": RATIOS[name][0] for name in names}
    return people | {"customer_count": "delivered_", "reached_count": "sent_"}


def _sum_squares(each: Table, groups: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Sum customers' counts in the engine, their squares and products by share."""
    measures = {name: _[name].sum() for name in COUNTS}
    for name, (one, other) in _list_products(names).items():
        measures[name] = (_[one] * _[other]).sum()
    for name, mark in _list_people(names).items():
        measures[name] = count_true(_[mark] > 0)
    measures["most_"] = _.delivered_.max()
    found = fetch(each.group_by(groups).agg(**measures))
    found = found[found["sent_"].fillna(0) > 0]
    return found.sort_values(list(groups), ignore_index=True)


def _sum_known(
    each: pd.DataFrame, segments: pd.DataFrame | None, names: Sequence[str]
) -> pd.DataFrame:
    """Sum the same of customers who are at hand, by segment or of all."""
    group = pd.Series(0, index=each.index, name="all")
    if segments is not None:
        each = each.merge(segments[["customer_id", "segment_name"]], on="customer_id")
        group = each["segment_name"]
    sums = each[list(COUNTS)].astype("int64")
    for name, (one, other) in _list_products(names).items():
        sums[name] = each[one] * each[other]
    for name, mark in _list_people(names).items():
        sums[name] = (each[mark] > 0).astype("int64")
    found = sums.groupby(group).sum()
    found["most_"] = each["delivered_"].groupby(group).max()
    found = found[found["sent_"] > 0]
    return found.reset_index(drop=segments is None)


def _describe_shares(
    found: pd.DataFrame, known: frozenset[str], groups: Sequence[str], names: Sequence[str]
) -> pd.DataFrame:
    table = found[[*groups, "customer_count"]].copy()
    for name in ("sent", "delivered"):
        table[f"{name}_count"] = found[f"{name}_"].astype("int64")
    for name in names:
        hit, trial, needs = RATIOS[name]
        if not set(needs) <= known:
            table[[f"{name}_{part}" for part in PARTS]] = np.nan
            continue
        hits, trials = found[hit].astype(float), found[trial].astype(float)
        table[f"{name}_share"] = divide(hits, trials)
        table[f"{name}_low"], table[f"{name}_high"] = bound_clustered_share(
            hits,
            trials,
            hit_squares=found[f"{name}_hit_squares"],
            products=found[f"{name}_products"],
            trial_squares=found[f"{trial}squares"],
            clusters=found[f"{trial}people"],
        )
    for name, total, unique, count in (
        ("opens_per_opened", "opens_", "opened_", "open_count"),
        ("clicks_per_clicked", "clicks_", "clicked_", "click_count"),
    ):
        mean = divide(found[total].astype(float), found[unique].astype(float))
        table[name] = mean if count in known else np.nan
    table[DOMINANCE] = bound_contributions(table["delivered_count"], found["most_"])
    rests_on = found["customer_count"].where(found["customer_count"] > 0, found["reached_count"])
    return table.assign(rests_on_count=rests_on.astype("int64"))


def find_few(people: pd.Series, smallest_cell: int) -> pd.Series:
    """Return which counts of customers may not be told: the small ones, and what would tell one.

    >>> find_few(pd.Series([0, 2, 9, 40]), 5).tolist()
    [False, True, True, False]
    """
    is_few = (people > 0) & (people < smallest_cell)
    if int(people[is_few].sum()) in range(1, smallest_cell) and is_few.sum() < len(people):
        rest = people[~is_few & (people >= smallest_cell)]
        if rest.empty:
            return is_few | True
        is_few[rest.idxmin()] = True
    return is_few


def bound_message_shares(messages: Messages, segments: pd.DataFrame) -> pd.DataFrame:
    """Return what each segment's shares are without two customers, for sentences on extremes."""
    each = messages.each.merge(segments[["customer_id", "segment_name"]], on="customer_id")
    ratios = {f"{name}_share": RATIOS[name][:2] for name in RATIOS}
    return bound_ratios(each, ratios, with_interval=False)


def list_share_bounds() -> list[str]:
    """Return the columns of `bound_message_shares` besides segment_name."""
    ratios = {f"{name}_share": RATIOS[name][:2] for name in RATIOS}
    return list_bounds(ratios, with_interval=False)
