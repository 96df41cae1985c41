"""What customers do: visits, carts, messages, tickets, answers (bases B4, B5, B11, B14 to B16).

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
    cut,
    days_until,
    is_delivered,
    keep_known,
    keep_until,
    round_ratio,
    share_of,
)
from segkit.plan.bases import BaseSettings

# Steps towards an order by what a customer did, in their order; any event at all is a visit.
STEPS = {"visit": (), "view": ("view",), "lead": ("wish", "form", "signup"), "cart": ("cart",)}
STEPS |= {"checkout": ("checkout",)}
FUNNEL = ("known", *STEPS, "order", "second order")
TIMES = {"messages": "sent_at", "tickets": "opened_at", "responses": "answered_at"}
CALLS = ("phone", "call")
USED, TOUCHES = ("device", "operating_system", "browser"), ("source", "medium", "campaign")
# Days since the last sign of life of each kind; the fewest of them tell how active somebody is.
CONTACTS = ("days_since_visit", "days_since_open", "days_since_ticket", "days_since_answer")


def summarise_engagement(
    tables: Mapping[str, ir.Table], *, as_of: datetime.date, settings: BaseSettings | None = None
) -> ir.Table | None:
    """Summarise those that are there of events, messages, tickets and responses, by customer.

    Returns
    -------
    ibis.Table or None
        One row for each customer that any of the tables names; None if none of them is there.
        Counts are 0 for a customer whom a table does not name; days and shares are null then.
        ``engagement_level`` is ``active``, ``quiet`` or ``passive`` by the days since the last
        visit, opened message, ticket or answer, with the cut points of the settings.
    """
    settings = settings or BaseSettings()
    summaries = {
        "events": functools.partial(_summarise_events, moments=settings.key_moments),
        "messages": _summarise_messages,
        "tickets": _summarise_tickets,
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
    table = table.mutate(days_inactive=ibis.ifelse(last < never, last, ibis.null("int64")))
    ends = settings.engagement_days
    active, quiet = learn_thirds(table.days_inactive) if ends == "learned" else ends
    level = cut(table.days_inactive, {active: "active", quiet: "quiet"}).fill_null("passive")
    return table.mutate(engagement_level=level)


def learn_thirds(column: ir.IntegerColumn) -> tuple[int, int]:
    """Return the least values within which a third and two thirds of the known ones lie."""
    known = column.name("value").as_table().filter(_.value.notnull())
    counts = known.group_by("value").aggregate(count=_.count()).to_pandas()
    counts = counts.sort_values("value", ignore_index=True)
    if counts.empty:
        return BaseSettings().engagement_days
    share = counts["count"].cumsum() / counts["count"].sum()
    first, second = (counts["value"][(share >= part - 1e-9).idxmax()] for part in (1 / 3, 2 / 3))
    return int(first), int(second)


def _join_all(left: ir.Table, right: ir.Table) -> ir.Table:
    """Join two tables of one row a customer, keeping the customers of both."""
    joined = left.outer_join(right, "customer_id")
    both = ibis.coalesce(joined.customer_id, joined.customer_id_right)
    return joined.mutate(customer_id=both).drop("customer_id_right")


def _summarise_events(
    events: ir.Table, as_of: datetime.date, *, moments: tuple[str, ...]
) -> ir.Table:
    """Count visits (sessions, else events called visit), views, carts, wishes; last moment."""
    events = keep_until(events, "occurred_at", as_of)
    kind, at = events.event_type, events.occurred_at
    measures = {
        "visit_count": count_true(kind == "visit"),
        "view_count": count_true(kind == "view"),
        "cart_count": count_true(kind == "cart"),
        "wish_count": count_true(kind == "wish"),
        "signup_count": count_true(kind == "signup"),
        "days_since_first_visit": days_until(at.min(), as_of),
        "days_since_visit": days_until(at.max(), as_of),
        "days_since_cart": days_until(at.max(where=kind == "cart"), as_of),
        "cart_": at.max(where=kind == "cart"),
        "checkout_": at.max(where=kind == "checkout"),
        "step_": find_funnel_step(kind).max(),
    }
    if "session_id" in events.columns:
        measures["visit_count"] = events.session_id.nunique().cast("int64")
    if "channel" in events.columns:
        app, web = (count_true(events.channel.lower() == name) for name in ("app", "web"))
        measures["app_share"] = share_of(app, app + web)
    table = events.group_by("customer_id").aggregate(**measures)
    left = (table.checkout_ < table.cart_) | table.checkout_.isnull()
    table = table.mutate(
        has_left_cart=ibis.ifelse(table.cart_.notnull(), left, ibis.null("boolean")),
        furthest_step=table.step_.cases(*enumerate(STEPS, start=1)),
    ).drop("cart_", "checkout_", "step_")
    return add_columns(table, _choose_values(events, as_of, moments))


def _choose_values(events: ir.Table, as_of: datetime.date, moments: tuple[str, ...]) -> ir.Table:
    """Choose the most used device and the like, first and last source, and the last moment.

    Events are first summed by customer and value, once for all three; ties go to the alphabet.
    """
    columns = [name for name in (*USED, *TOUCHES) if name in events.columns]
    rows = {name: (events, name) for name in columns}
    rows["last_moment"] = events.filter(events.event_type.isin(moments)), "event_type"
    parts = []
    for name, (table, column) in rows.items():
        known = table.filter(table[column].notnull())
        parts.append(
            known.group_by(_.customer_id, value=known[column], name=ibis.literal(name)).aggregate(
                count=_.count(), first=_.occurred_at.min(), last=_.occurred_at.max()
            )
        )
    sums = ibis.union(*parts) if len(parts) > 1 else parts[0]
    orders = {"most": ibis.desc("count"), "first": ibis.asc("first"), "last": ibis.desc("last")}
    places = {
        f"{name}_": ibis.row_number().over(
            group_by=["customer_id", "name"], order_by=[order, ibis.asc("value")]
        )
        for name, order in orders.items()
    }
    sums = sums.mutate(**places)
    wanted = {name: (name, "most_") for name in columns if name in USED}
    wanted |= {name: (name, "first_") for name in columns if name in TOUCHES}
    wanted |= {f"last_{name}": (name, "last_") for name in columns if name in TOUCHES}
    wanted["last_moment"] = ("last_moment", "last_")
    chosen = {
        feature: sums["value"].max(where=(sums["name"] == name) & (sums[place] == 0))
        for feature, (name, place) in wanted.items()
    }
    moment = sums["last"].max(where=sums["name"] == "last_moment")
    chosen["days_since_moment"] = days_until(moment, as_of)
    return sums.group_by("customer_id").aggregate(**chosen)


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


def _summarise_tickets(tickets: ir.Table, as_of: datetime.date) -> ir.Table:
    tickets = keep_until(tickets, "opened_at", as_of)
    last = days_until(tickets.opened_at.max(), as_of)
    measures = {"ticket_count": tickets.count(), "days_since_ticket": last}
    if "satisfaction" in tickets.columns:
        measures["mean_satisfaction"] = round_ratio(tickets.satisfaction.mean())
    return tickets.group_by("customer_id").aggregate(**measures)


def _summarise_responses(responses: ir.Table, as_of: datetime.date) -> ir.Table:
    """Questions answered; an answer without a time is counted, for surveys often carry none."""
    responses = keep_known(responses, "answered_at", as_of)
    answered = responses.answer.notnull() if "answer" in responses.columns else ibis.literal(True)
    measures = {"answer_count": count_true(answered)}
    if "answered_at" in responses.columns:
        last = responses.answered_at.max(where=answered)
        measures["days_since_answer"] = days_until(last, as_of)
    return responses.group_by("customer_id").aggregate(**measures)


def find_funnel_step(event_type: ir.StringValue) -> ir.IntegerValue:
    """Return the place of an event in the funnel."""
    kinds = [(event_type.isin(types), FUNNEL.index(step)) for step, types in STEPS.items() if types]
    return ibis.cases(*kinds, else_=FUNNEL.index("visit")).cast("int64")
