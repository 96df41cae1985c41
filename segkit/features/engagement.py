"""How customers respond: messages, tickets, answers, and how active they are (B4, B15, B16).

Nothing after the day ``as_of`` is read. Rows without a customer belong to nobody.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping

import ibis
from ibis import _, ir

from segkit.features.behavioural import summarise_events
from segkit.features.expressions import (
    add_columns,
    count_true,
    cut,
    days_until,
    is_delivered,
    keep_known,
    keep_until,
    round_ratio,
    share_of,
)
from segkit.features.tickets import average_hours, prepare_tickets
from segkit.plan.bases import BaseSettings
from segkit.plan.support import Support

TIMES = {"messages": "sent_at", "tickets": "opened_at", "responses": "answered_at"}
CALLS = ("phone", "call")
# Days since the last sign of life of each kind; the fewest of them tell how active somebody is.
CONTACTS = ("days_since_visit", "days_since_open", "days_since_ticket", "days_since_answer")


def summarise_engagement(
    tables: Mapping[str, ir.Table],
    *,
    as_of: datetime.date,
    settings: BaseSettings | None = None,
    learned_days: tuple[int, int] | None = None,
) -> ir.Table | None:
    """Summarise those that are there of events, messages, tickets and responses, by customer.

    ``learned_days`` are those of `learn_engagement_days`, for settings that want them learned.

    Returns
    -------
    ibis.Table or None
        One row for each customer that any of the tables names; None if none of them is there.
        Counts are 0 for a customer whom a table does not name; days and shares are null then.
        ``engagement_level`` is ``active``, ``quiet`` or ``passive`` by the days since the last
        visit, opened message, ticket or answer, with the cut points of the settings.
    """
    settings = settings or BaseSettings()
    table = _join_summaries(tables, as_of, settings)
    if table is None or "days_inactive" not in table.columns:
        return table
    cut_days = settings.engagement_days
    if cut_days == "learned":
        cut_days = learned_days or BaseSettings().engagement_days
    active, quiet = cut_days
    level = cut(table.days_inactive, {active: "active", quiet: "quiet"}).fill_null("passive")
    return table.mutate(engagement_level=level)


def learn_engagement_days(
    tables: Mapping[str, ir.Table], *, as_of: datetime.date, settings: BaseSettings
) -> tuple[int, int] | None:
    """Return the days within which a third and two thirds of the customers were last active.

    None unless the settings want them learned, or where nobody was.
    """
    if settings.engagement_days != "learned":
        return None
    table = _join_summaries(tables, as_of, settings)
    if table is None or "days_inactive" not in table.columns:
        return None
    return learn_thirds(table.days_inactive)


def _join_summaries(
    tables: Mapping[str, ir.Table], as_of: datetime.date, settings: BaseSettings
) -> ir.Table | None:
    """Join what each table tells of a customer, and add ``days_inactive`` where it can be told."""
    summaries = {
        "events": functools.partial(summarise_events, moments=settings.key_moments),
        "messages": _summarise_messages,
        "tickets": functools.partial(
            _summarise_tickets, events=tables.get("ticket_events"), support=settings.support
        ),
        "responses": _summarise_responses,
    }
    parts = [
        summarise(tables[name].filter(_.customer_id.notnull()), as_of)
        for name, summarise in summaries.items()
        if name in tables and "customer_id" in tables[name].columns
    ]
    if not parts:
        return None
    table = functools.reduce(_join_all, parts)
    counts = {c: table[c].fill_null(0) for c in table.columns if c.endswith("_count")}
    table = table.mutate(**counts)
    contacts = [table[c] for c in CONTACTS if c in table.columns]
    if not contacts:
        return table
    # A plain least() of columns is null in some engines where one of them is.
    never = 10**6
    last = ibis.least(*[days.fill_null(never) for days in contacts], ibis.literal(never))
    return table.mutate(days_inactive=ibis.ifelse(last < never, last, ibis.null("int64")))


def learn_thirds(column: ir.IntegerColumn) -> tuple[int, int] | None:
    """Return the least values within which a third and two thirds of the known ones lie.

    None without any.
    """
    known = column.name("value").as_table().filter(_.value.notnull())
    counts = known.group_by("value").aggregate(count=_.count()).to_pandas()
    counts = counts.sort_values("value", ignore_index=True)
    if counts.empty:
        return None
    share = counts["count"].cumsum() / counts["count"].sum()
    first_row = (share >= 1 / 3 - 1e-9).idxmax()
    second_row = (share >= 2 / 3 - 1e-9).idxmax()
    return int(counts["value"][first_row]), int(counts["value"][second_row])


def _join_all(left: ir.Table, right: ir.Table) -> ir.Table:
    """Join two tables of one row a customer, keeping the customers of both."""
    joined = left.outer_join(right, "customer_id")
    both = ibis.coalesce(joined.customer_id, joined.customer_id_right)
    return joined.mutate(customer_id=both).drop("customer_id_right")


def _summarise_messages(messages: ir.Table, as_of: datetime.date) -> ir.Table:
    """Count and share messages that were delivered."""
    messages = keep_until(messages, "sent_at", as_of)
    messages = messages.mutate(delivered_=is_delivered(messages))
    whole = count_true(messages.delivered_)
    measures = {"message_count": whole}
    for column, name in {"opened": "open", "clicked": "click", "converted": "conversion"}.items():
        if column in messages.columns:
            measures[f"{name}_count"] = count_true(messages.delivered_ & messages[column])
            measures[f"{name}_share"] = share_of(measures[f"{name}_count"], whole)
    if "channel" in messages.columns:
        calls = messages.delivered_ & messages.channel.lower().isin(CALLS)
        measures["call_count"] = count_true(calls)
        if "opened" in messages.columns:
            measures["answered_call_count"] = count_true(calls & messages.opened)
    if "opened" in messages.columns:
        opened = messages.delivered_ & messages.opened.fill_null(False)
        measures["days_since_open"] = days_until(messages.sent_at.max(where=opened), as_of)
    if "unsubscribed" in messages.columns:
        measures["has_unsubscribed"] = messages.unsubscribed.fill_null(False).any()
    return messages.group_by("customer_id").aggregate(**measures)


def _summarise_tickets(
    tickets: ir.Table, as_of: datetime.date, *, events: ir.Table | None, support: Support
) -> ir.Table:
    told = {"tickets": tickets} if events is None else {"tickets": tickets, "ticket_events": events}
    tickets = keep_until(tickets, "opened_at", as_of)
    last = days_until(tickets.opened_at.max(), as_of)
    measures = {"ticket_count": tickets.count(), "days_since_ticket": last}
    if "satisfaction" in tickets.columns:
        measures["mean_satisfaction"] = round_ratio(tickets.satisfaction.mean())
    table = tickets.group_by("customer_id").aggregate(**measures)
    if "resolved_at" not in tickets.columns:
        return table
    hours = average_hours(prepare_tickets(told, as_of=as_of, support=support), as_of=as_of)
    return add_columns(table, hours)


def _summarise_responses(responses: ir.Table, as_of: datetime.date) -> ir.Table:
    """Questions answered; an answer without a time is counted, for surveys often carry none."""
    responses = keep_known(responses, "answered_at", as_of)
    answered = responses.answer.notnull() if "answer" in responses.columns else ibis.literal(True)
    measures = {"answer_count": count_true(answered)}
    if "answered_at" in responses.columns:
        last = responses.answered_at.max(where=answered)
        measures["days_since_answer"] = days_until(last, as_of)
    return responses.group_by("customer_id").aggregate(**measures)
