"""How messages are answered: by segment, by campaign and by month, each message counted once.

Several messages of one customer are not independent, so intervals are of customers, see
`segkit.core.statistics.bound_clustered_share`. Rows stay in the engine: it sums up each customer's
messages, and then these sums and their squares.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _, ir

from segkit.core.absence import empty_table, is_missing
from segkit.core.measures import LARGEST, SECOND
from segkit.core.statistics import bound_clustered_share
from segkit.evidence.segment_summaries import bound_ratios, divide, list_bounds
from segkit.features.expressions import (
    count_true,
    fetch,
    find_column,
    is_control,
    is_delivered,
    keep_until,
)

NO_MESSAGES = "There is no table of messages."
MACHINE_SECONDS = 10  # nobody opens a message sooner; scanners of mail programs do
# What tells one message from another where it has no number of its own.
KEYS = ("customer_id", "campaign_id", "channel", "arm", "sent_at")
FLAGS = ("opened", "clicked", "bounced", "unsubscribed", "reported_spam", "converted")
# Each share: what is counted, of what, and the columns without which it is not known.
RATIOS = {
    "bounce": ("bounced_", "sent_", ("bounced",)),
    "open": ("opened_", "delivered_", ("opened",)),
    "human_open": ("by_hand_", "delivered_", ("opened", "machine_")),
    "click": ("clicked_", "delivered_", ("clicked",)),
    "click_to_open": ("both_", "opened_", ("opened", "clicked")),
    "unsubscribe": ("unsubscribed_", "delivered_", ("unsubscribed",)),
    "spam": ("reported_spam_", "delivered_", ("reported_spam",)),
}
PARTS = ("share", "low", "high")
COUNTS = ("sent_", "delivered_", "bounced_", "opened_", "by_hand_", "clicked_", "both_",
          "unsubscribed_", "reported_spam_", "opens_", "clicks_")  # fmt: skip
DOMINANCE = [f"delivered_count{end}" for end in (LARGEST, SECOND)]


class Messages(NamedTuple):
    """Messages, each once.

    Attributes
    ----------
    table : ibis.Table
        One row a message: the columns of the table of messages, and those ending in ``_`` that say,
        as 0 or 1, what is counted of it.
    known : frozenset of str
        Which of its columns there are; ``machine_`` where it can be told whether a machine opened.
    repeat_count : int
        How many rows repeated a message, and were put together with it.
    """

    table: Table
    known: frozenset[str]
    repeat_count: int = 0


def read_messages(messages: Table | None, *, as_of: datetime.date | None = None) -> Messages | None:
    """Put the rows of each message together, and say what is counted of it.

    A message was opened if one of its rows says so. A machine opened it if the column
    ``machine_open`` says so, or if it was opened within ten seconds after it was sent, and not
    clicked: such an open is nobody's. None without messages.

    Parameters
    ----------
    messages : ibis.Table or None
        The table of messages.
    as_of : date, optional
        The last day counted.
    """
    if is_missing(messages, "customer_id"):
        return None
    if as_of is not None and "sent_at" in messages.columns:
        messages = keep_until(messages, "sent_at", as_of)
    messages = messages.filter(_.customer_id.notnull())
    repeat_count = count_repeats(messages)
    if repeat_count:
        messages = _join_rows(messages)
    known = set(messages.columns)
    machine = _find_machine_opens(messages)
    if machine is not None:
        known.add("machine_")
    return Messages(_mark(messages, machine), frozenset(known), repeat_count)


def keep_whole_months(messages: Messages | None, *, as_of: datetime.date) -> Messages | None:
    """Return the messages of months that have ended by the day ``as_of``."""
    if messages is None or "sent_at" not in messages.known:
        return messages
    next_day = as_of + datetime.timedelta(days=1)
    last_day = next_day.replace(day=1) - datetime.timedelta(days=1)
    return messages._replace(table=keep_until(messages.table, "sent_at", last_day))


def count_repeats(messages: Table) -> int:
    """Count the rows that repeat a message.

    Numbers of the keys are compared; should two keys share one, which of some millions is unlikely,
    the rows are put together by the keys themselves, so nothing is lost.
    """
    keys = _list_keys(messages)
    if not {"message_id", "sent_at"} & set(keys):
        return 0  # nothing tells two messages of a customer apart
    number = messages[keys[0]].cast("string").fill_null("")
    for key in keys[1:]:
        number = number + "\x1f" + messages[key].cast("string").fill_null("")
    if "message_id" in messages.columns:
        number = ibis.coalesce(messages.message_id, number)
    counted = messages.agg(rows=_.count(), distinct=number.hash().nunique()).to_pandas()
    return int(counted["rows"].iloc[0] - counted["distinct"].iloc[0])


def _list_keys(messages: Table) -> list[str]:
    return [key for key in ("message_id", *KEYS) if key in messages.columns]


def _join_rows(messages: Table) -> Table:
    """Return one row a message, of those that have a number by it, of others by their keys."""
    keys = [key for key in KEYS if key in messages.columns]
    measures = {flag: _[flag].any() for flag in FLAGS if flag in messages.columns}
    if "machine_open" in messages.columns:
        # It is a machine's only if no row says otherwise.
        measures["machine_open"] = _.machine_open.all()
    measures |= {c: _[c].max() for c in ("open_count", "click_count") if c in messages.columns}
    if "opened_at" in messages.columns:
        measures["opened_at"] = _.opened_at.min()
    if "message_id" not in messages.columns:
        return messages.group_by(keys).agg(**measures)
    numbered = messages.filter(_.message_id.notnull()).group_by("message_id")
    numbered = numbered.agg(**{key: _[key].min() for key in keys}, **measures)
    others = messages.filter(_.message_id.isnull()).group_by(keys).agg(**measures)
    return numbered.drop("message_id").union(others.select(numbered.drop("message_id").columns))


def _find_machine_opens(messages: Table) -> ir.BooleanValue | None:
    """Tell which messages a machine opened; None where no column tells."""
    tests = []
    if "machine_open" in messages.columns:
        tests.append(messages.machine_open.fill_null(False))
    if {"opened_at", "sent_at"} <= set(messages.columns):
        seconds = messages.opened_at.cast("timestamp").delta(
            messages.sent_at.cast("timestamp"), unit="second"
        )
        tests.append(seconds.between(0, MACHINE_SECONDS).fill_null(False))
    if not tests:
        return None
    flag = tests[0]
    for test in tests[1:]:
        flag |= test
    return flag & ~find_column(messages, "clicked", "boolean").fill_null(False)


def _mark(messages: Table, machine: ir.BooleanValue | None) -> Table:
    delivered = is_delivered(messages)
    bounced = find_column(messages, "bounced", "boolean").fill_null(False)
    sent = ~is_control(messages)
    flags = {f: delivered & find_column(messages, f, "boolean").fill_null(False) for f in FLAGS}
    opened, clicked = flags["opened"], flags["clicked"]
    by_hand = opened if machine is None else opened & ~machine
    marks = {
        "sent_": sent,
        "delivered_": delivered,
        "bounced_": sent & bounced,
        "opened_": opened,
        "by_hand_": by_hand,
        "clicked_": clicked,
        "both_": opened & clicked,
        "unsubscribed_": flags["unsubscribed"],
        "reported_spam_": flags["reported_spam"],
    }
    marks = {name: mark.cast("int64") for name, mark in marks.items()}
    for name, count, flag in (
        ("opens_", "open_count", opened),
        ("clicks_", "click_count", clicked),
    ):
        number = find_column(messages, count, "int64").fill_null(1).cast("int64")
        # What was opened was opened once at least.
        marks[name] = ibis.ifelse(flag, ibis.greatest(number, 1), 0)
    kept = [c for c in ("customer_id", "campaign_id", "sent_at") if c in messages.columns]
    return messages.select(*kept, **marks)


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
    rows = _group_rows(messages.table, segments, by)
    each = rows.group_by([*groups, "customer_id"]).agg(**{name: _[name].sum() for name in COUNTS})
    found = _sum_squares(each, groups, names)
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


def _sum_squares(each: Table, groups: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Sum customers' counts in the engine, their squares and products by share."""
    measures = {name: _[name].sum() for name in COUNTS}
    for trial in {RATIOS[name][1] for name in names}:
        measures[f"{trial}squares"] = (_[trial] * _[trial]).sum()
        measures[f"{trial}people"] = count_true(_[trial] > 0)
    for name in names:
        hit, trial, _needs = RATIOS[name]
        measures[f"{name}_hit_squares"] = (_[hit] * _[hit]).sum()
        measures[f"{name}_products"] = (_[hit] * _[trial]).sum()
        measures[f"{name}_people"] = count_true(_[hit] > 0)
    measures["most_"] = _.delivered_.max()
    measures["customer_count"] = count_true(_.delivered_ > 0)
    measures["reached_count"] = count_true(_.sent_ > 0)
    summed = each.group_by(groups).agg(**measures) if groups else each.agg(**measures)
    found = fetch(summed)
    found = found[found["sent_"].fillna(0) > 0]
    return found.sort_values(list(groups), ignore_index=True) if groups else found


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
    # Nobody has more than the one who has most: taken for the second, too, none is told who should
    # not be.
    table[DOMINANCE] = found[["most_", "most_"]].to_numpy(float)
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
    rows = _group_rows(messages.table, segments, ())
    sums = {name: _[name].sum() for name in COUNTS}
    each = fetch(rows.group_by(["segment_name", "customer_id"]).agg(**sums))
    each = each.sort_values(["segment_name", "customer_id"], ignore_index=True)
    ratios = {f"{name}_share": RATIOS[name][:2] for name in RATIOS}
    return bound_ratios(each, ratios, with_interval=False)


def list_share_bounds() -> list[str]:
    """Return the columns of `bound_message_shares` besides segment_name."""
    ratios = {f"{name}_share": RATIOS[name][:2] for name in RATIOS}
    return list_bounds(ratios, with_interval=False)


STAGES = {
    "sent": "sent_",
    "bounced": "bounced_",
    "delivered": "delivered_",
    "opened": "opened_",
    "opened, not by a machine as far as is known": "by_hand_",
    "clicked": "clicked_",
    "unsubscribed from": "unsubscribed_",
    "reported as spam": "reported_spam_",
}


def count_message_stages(messages: Messages | None) -> pd.DataFrame:
    """Count messages, and the customers behind them, by what became of them.

    Returns
    -------
    DataFrame
        stage (in words), message_count (each message once), total_count (opens and clicks as often
        as they happened; missing where no column tells) and customer_count; a row for each stage
        that a column tells of.
    """
    columns = ["stage", "message_count", "total_count", "customer_count"]
    if messages is None:
        return empty_table(columns, NO_MESSAGES)
    sums = {name: _[name].sum() for name in COUNTS}
    each = messages.table.group_by("customer_id").agg(**sums)
    measures = {name: _[name].sum() for name in COUNTS}
    measures |= {f"{mark}people": count_true(_[mark] > 0) for mark in STAGES.values()}
    found = fetch(each.agg(**measures)).iloc[0]
    needs = {hit: need for hit, _trial, need in RATIOS.values()}
    totals = {"opened_": ("opens_", "open_count"), "clicked_": ("clicks_", "click_count")}
    rows = []
    for stage, mark in STAGES.items():
        if not set(needs.get(mark, ())) <= messages.known or pd.isna(found[mark]):
            continue
        total, column = totals.get(mark, ("", ""))
        total_count = int(found[total]) if column in messages.known else None
        rows.append((stage, int(found[mark]), total_count, int(found[f"{mark}people"])))
    if not rows:
        return empty_table(columns, NO_MESSAGES)
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"total_count": "Int64"})
