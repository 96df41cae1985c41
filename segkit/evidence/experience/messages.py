"""The messages that were sent, each counted once, and what became of them.

Rows stay in the engine; the sums of each customer come here.
"""

from __future__ import annotations

import datetime
from typing import NamedTuple

import ibis
import pandas as pd
from ibis import Table, _, ir

from segkit.core.absence import empty_table, is_missing
from segkit.features.expressions import fetch, find_column, is_control, is_delivered, keep_until

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
COUNTS = ("sent_", "delivered_", "bounced_", "opened_", "by_hand_", "clicked_", "both_",
          "unsubscribed_", "reported_spam_", "opens_", "clicks_")  # fmt: skip


class Messages(NamedTuple):
    """Messages, each once.

    Attributes
    ----------
    table : ibis.Table
        One row a message: the columns of the table of messages, and those ending in ``_`` that say,
        as 0 or 1, what is counted of it.
    known : frozenset of str
        Which of its columns there are; ``machine_`` where it can be told whether a machine opened.
    each : DataFrame
        One row a customer: ``customer_id`` and the sums of what is counted.
    repeat_count : int
        How many rows repeated a message, and were put together with it.
    """

    table: Table
    known: frozenset[str]
    each: pd.DataFrame
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
    table = _mark(messages, machine)
    each = fetch(table.group_by("customer_id").agg(**{name: _[name].sum() for name in COUNTS}))
    each = each.astype({"customer_id": str}).sort_values("customer_id", ignore_index=True)
    return Messages(table, frozenset(known), each, repeat_count)


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
        "converted_": flags["converted"],
    }
    marks = {name: mark.cast("int64") for name, mark in marks.items()}
    for name, count, flag in (
        ("opens_", "open_count", opened),
        ("clicks_", "click_count", clicked),
    ):
        number = find_column(messages, count, "int64").fill_null(1).cast("int64")
        # What was opened was opened once at least.
        marks[name] = ibis.ifelse(flag, ibis.greatest(number, 1), 0)
    kept = [
        c for c in ("customer_id", "campaign_id", "channel", "sent_at") if c in messages.columns
    ]
    return messages.select(*kept, **marks)


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
    if messages is None or messages.each.empty:
        return empty_table(columns, NO_MESSAGES)
    found = messages.each[list(COUNTS)].sum()
    people = (messages.each[list(COUNTS)] > 0).sum()
    needs = {hit: need for hit, _trial, need in RATIOS.values()}
    totals = {"opened_": ("opens_", "open_count"), "clicked_": ("clicks_", "click_count")}
    rows = []
    for stage, mark in STAGES.items():
        if not set(needs.get(mark, ())) <= messages.known:
            continue
        total, column = totals.get(mark, ("", ""))
        total_count = int(found[total]) if column in messages.known else None
        rows.append((stage, int(found[mark]), total_count, int(people[mark])))
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"total_count": "Int64"})
