"""What customers do: visits, carts, messages, tickets, answers (bases B4, B5, B11, B15, B16).

Nothing after the day ``as_of`` is read. Rows without a customer belong to nobody.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping

import ibis
from ibis import _, ir

from segkit.features.expressions import (
    add_columns,
    count_true,
    days_until,
    find_favourite,
    keep_until,
    share_of,
    take_first,
)

KEY_MOMENTS = ("cart", "wish", "checkout", "signup", "form")
ENGAGED_DAYS = 30
QUIET_DAYS = 180


def summarise_engagement(
    tables: Mapping[str, ir.Table], *, as_of: datetime.date
) -> ir.Table | None:
    """Summarise those that are there of events, messages, tickets and responses, by customer.

    Returns
    -------
    ibis.Table or None
        One row for each customer that any of the tables names; None if none of them is there.
        Counts are 0 for a customer whom a table does not name; days and shares are null then.
        ``engagement_level`` is ``active`` (a visit or an opened message in the last 30 days),
        ``quiet`` (in the last 180) or ``passive``.
    """
    summaries = {
        "events": _summarise_events,
        "messages": _summarise_messages,
        "tickets": _summarise_tickets,
        "responses": _summarise_responses,
    }
    parts = [
        summarise(tables[name].filter(_.customer_id.notnull()), as_of)
        for name, summarise in summaries.items()
        if name in tables
    ]
    if not parts:
        return None
    table = functools.reduce(_join_all, parts)
    counts = {c: table[c].fill_null(0) for c in table.columns if c.endswith("_count")}
    table = table.mutate(**counts)
    contacts = [table[c] for c in ("days_since_visit", "days_since_open") if c in table.columns]
    if not contacts:
        return table
    last = ibis.least(*[days.fill_null(QUIET_DAYS + 1) for days in contacts], QUIET_DAYS + 1)
    level = ibis.cases(
        (last <= ENGAGED_DAYS, "active"), (last <= QUIET_DAYS, "quiet"), else_="passive"
    )
    return table.mutate(engagement_level=level)


def _join_all(left: ir.Table, right: ir.Table) -> ir.Table:
    """Join two tables of one row a customer, keeping the customers of both."""
    joined = left.outer_join(right, "customer_id")
    both = ibis.coalesce(joined.customer_id, joined.customer_id_right)
    return joined.mutate(customer_id=both).drop("customer_id_right")


def _summarise_events(events: ir.Table, as_of: datetime.date) -> ir.Table:
    """Count visits (sessions, else events called visit), views, carts, wishes; last moment."""
    events = keep_until(events, "occurred_at", as_of)
    kind = events.event_type
    visits = count_true(kind == "visit")
    if "session_id" in events.columns:
        visits = events.session_id.nunique().cast("int64")
    table = events.group_by("customer_id").aggregate(
        visit_count=visits,
        view_count=count_true(kind == "view"),
        cart_count=count_true(kind == "cart"),
        wish_count=count_true(kind == "wish"),
        days_since_visit=days_until(events.occurred_at.max(), as_of),
        days_since_cart=days_until(events.occurred_at.max(where=kind == "cart"), as_of),
    )
    moments = events.filter(kind.isin(KEY_MOMENTS))
    last = take_first(moments, [ibis.desc("occurred_at"), ibis.asc("event_type")])
    days = days_until(last.occurred_at, as_of)
    moments = last.select("customer_id", last_moment=last.event_type, days_since_moment=days)
    table = add_columns(table, moments)
    for column in ("device", "operating_system", "browser"):
        if column in events.columns:
            used = find_favourite(events, column, ibis.literal(1.0), name=column)
            table = add_columns(table, used.select("customer_id", column))
    for column in ("source", "medium", "campaign"):
        if column in events.columns:
            known = events.filter(events[column].notnull())
            first = take_first(known, [ibis.asc("occurred_at"), ibis.asc(column)])
            table = add_columns(table, first.select("customer_id", column))
    return table


def _summarise_messages(messages: ir.Table, as_of: datetime.date) -> ir.Table:
    """Shares of messages that were delivered: sent (not to a control group) and not bounced."""
    messages = keep_until(messages, "sent_at", as_of)
    delivered = ibis.literal(True)
    if "arm" in messages.columns:
        delivered = delivered & (messages.arm.fill_null("") != "control")
    if "bounced" in messages.columns:
        delivered = delivered & ~messages.bounced.fill_null(False)
    messages = messages.mutate(delivered_=delivered)
    measures = {"message_count": count_true(messages.delivered_)}
    shares = {"opened": "open_share", "clicked": "click_share", "converted": "conversion_share"}
    for column, name in shares.items():
        if column in messages.columns:
            hits = count_true(messages.delivered_ & messages[column])
            measures[name] = share_of(hits, count_true(messages.delivered_))
    if "opened" in messages.columns:
        opened = messages.delivered_ & messages.opened.fill_null(False)
        measures["days_since_open"] = days_until(messages.sent_at.max(where=opened), as_of)
    if "unsubscribed" in messages.columns:
        measures["has_unsubscribed"] = messages.unsubscribed.fill_null(False).any()
    return messages.group_by("customer_id").aggregate(**measures)


def _summarise_tickets(tickets: ir.Table, as_of: datetime.date) -> ir.Table:
    tickets = keep_until(tickets, "opened_at", as_of)
    measures = {"ticket_count": tickets.count()}
    if "satisfaction" in tickets.columns:
        measures["mean_satisfaction"] = tickets.satisfaction.mean().round(4)
    return tickets.group_by("customer_id").aggregate(**measures)


def _summarise_responses(responses: ir.Table, as_of: datetime.date) -> ir.Table:
    """Questions answered; an answer without a time is counted, for surveys often carry none."""
    answered = responses.answer.notnull() if "answer" in responses.columns else ibis.literal(True)
    if "answered_at" in responses.columns:
        answered = answered & (days_until(responses.answered_at, as_of) >= 0).fill_null(True)
    return responses.group_by("customer_id").aggregate(answer_count=count_true(answered))
