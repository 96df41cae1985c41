"""Who was a lead on which day, what was known of them then, and what they became.

All of it is worked out in the engine, for several days at once; one row a lead and day comes back.
Nothing after the day is read, but for what the lead became.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import ibis
import pandas as pd
from ibis import _, ir

from segkit.core.absence import is_missing
from segkit.features.expressions import (
    count_true,
    fetch,
    find_column,
    is_delivered,
    keep_known,
    keep_until,
    sum_money,
)
from segkit.features.sales import is_sale
from segkit.plan.leads import DEAL_WON, FIRST_ORDER

CONTACTS = (
    ("events", "occurred_at"),
    ("messages", "sent_at"),
    ("tickets", "opened_at"),
    ("deals", "opened_on"),
)
# What a customer says at sign-up; beside each the kind of the column.
ATTRIBUTES = {
    "source": "string",
    "customer_type": "string",
    "industry": "string",
    "country": "string",
    "employee_count": "float64",
}
# Whether a message was opened or clicked is known some days after it was sent.
DAYS_TO_ANSWER = 7
LEAD_ACTIONS = ("wish", "form", "signup")
MOST_LEARNED = 20_000  # leads of one day that a model learns from, drawn by a hash of the id
KEYS = ("customer_id", "cut_on")


def fetch_lead_rows(
    tables: Mapping[str, ir.Table],
    cuts: Sequence[datetime.date],
    *,
    kind: str,
    horizon_days: int,
    as_of: datetime.date,
    attended: Sequence[str] = (),
) -> pd.DataFrame:
    """Fetch who was a lead at the end of each day, what was known, and what they became.

    A lead without an order is whoever was known by then (signed up, or first met in events,
    messages, tickets or deals) and had no sale; one with a deal has a deal that was opened and not
    closed by then, and is one row however many deals are open.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
    cuts : sequence of date
        The days; ``as_of`` may be among them.
    kind : str
        "first_order" or "deal_won".
    horizon_days : int
        Success counts in so many days after the day.
    as_of : date
        Nothing after it is read.
    attended : sequence of str
        Kinds of events that are attendance, in small letters.

    Returns
    -------
    pandas.DataFrame
        Sorted by ``cut_on`` and ``customer_id``: these, ``known_on``, ``is_won``, ``later_value``
        (net sales, or the amounts of the deals won, within the horizon), and what was known.
        No rows where the tables do not tell who is a lead.
    """
    people = _list_people(tables, as_of)
    if people is None or (kind == DEAL_WON and not has_deals(tables)):
        return pd.DataFrame(columns=[*KEYS, "known_on", "known_days", "is_won", "later_value"])
    days = ibis.memtable(pd.DataFrame({"cut_on": pd.to_datetime(list(cuts))}))
    days = days.mutate(cut_on=days.cut_on.date())
    if kind == FIRST_ORDER:
        rows = _list_without_order(people, days, horizon_days)
    else:
        rows = _list_with_deal(people, tables["deals"], days, horizon_days)
    rows = _draw_rows(rows, as_of).cache()
    if kind == FIRST_ORDER:
        rows = _add_later_sales(rows, tables["order_lines"], horizon_days, as_of)
    for part in _list_contacts(rows, tables, as_of=as_of, attended=attended):
        rows = _join_rows(rows, part)
    found = fetch(rows).sort_values(["cut_on", "customer_id"], ignore_index=True)
    found["is_won"] = found["is_won"].fillna(False).astype(bool)
    return found


def has_deals(tables: Mapping[str, ir.Table]) -> bool:
    """Return whether the deals say who has one open, and which were won."""
    return not is_missing(tables.get("deals"), "customer_id", "opened_on", "closed_on", "outcome")


def find_first_day(tables: Mapping[str, ir.Table], kind: str) -> datetime.date | None:
    """Return the first day that the outcome could be seen on: of the orders, or of the deals."""
    if kind == DEAL_WON:
        first = tables["deals"].opened_on.min().execute() if has_deals(tables) else None
    else:
        lines = tables.get("order_lines")
        first = None if lines is None else lines.ordered_at.min().execute()
    return None if first is None or pd.isna(first) else pd.Timestamp(first).date()


def _list_people(tables: Mapping[str, ir.Table], as_of: datetime.date) -> ir.Table | None:
    """Return ``customer_id``, ``known_on``, ``first_sale_`` and the attributes of all who exist."""
    if is_missing(tables.get("order_lines"), "customer_id", "ordered_at", "line_type"):
        sales = None
    else:
        lines = keep_until(tables["order_lines"], "ordered_at", as_of)
        sales = lines.filter(lines.customer_id.notnull() & is_sale(lines))
        sales = sales.group_by("customer_id").agg(first_sale_=_.ordered_at.date().min())
    met = []
    if "customers" in tables:
        known = keep_known(tables["customers"], "signed_up_on", as_of)
        day = find_column(known, "signed_up_on", "date").cast("date")
        met.append(known.select("customer_id", day_=day))
    for name, column in CONTACTS:
        if not is_missing(tables.get(name), "customer_id", column):
            rows = keep_until(tables[name], column, as_of)
            met.append(rows.select("customer_id", day_=rows[column].cast("date")))
    if not met:
        return None
    every = ibis.union(*met) if len(met) > 1 else met[0]
    people = every.filter(every.customer_id.notnull())
    people = people.group_by("customer_id").agg(known_on=_.day_.min())
    if sales is not None:
        people = people.left_join(sales, "customer_id").drop("customer_id_right")
    else:
        people = people.mutate(first_sale_=ibis.null("date"))
    if "customers" not in tables:
        return people
    customers = tables["customers"]
    there = {n: customers[n].cast(k) for n, k in ATTRIBUTES.items() if n in customers.columns}
    told = customers.select("customer_id", **there)
    return people.left_join(told, "customer_id").drop("customer_id_right")


def _list_without_order(people: ir.Table, days: ir.Table, horizon_days: int) -> ir.Table:
    """Return a row a day and customer who was known and had no sale by then."""
    rows = people.cross_join(days)
    is_lead = (rows.known_on <= rows.cut_on) & (
        rows.first_sale_.isnull() | (rows.first_sale_ > rows.cut_on)
    )
    rows = rows.filter(is_lead)
    waited = rows.first_sale_.delta(rows.cut_on, unit="day")
    known_days = rows.cut_on.delta(rows.known_on, unit="day")
    won = (waited <= horizon_days).fill_null(False)
    return rows.mutate(known_days=known_days, is_won=won).drop("first_sale_")


def _list_with_deal(
    people: ir.Table, deals: ir.Table, days: ir.Table, horizon_days: int
) -> ir.Table:
    """Return a row a day and customer with a deal that was open at its end."""
    deals = deals.filter(deals.customer_id.notnull() & deals.opened_on.notnull())
    # A deal that ended on a day that nobody wrote down was open until nobody knows when.
    deals = deals.filter(deals.closed_on.notnull() | ~deals.outcome.isin(["won", "lost"]))
    deals = deals.mutate(
        opened_on=deals.opened_on.cast("date"),
        closed_on=deals.closed_on.cast("date"),
        amount=find_column(deals, "amount", "float64"),
    )
    both = deals.cross_join(days)
    both = both.filter(both.opened_on <= both.cut_on)
    waited = both.closed_on.delta(both.cut_on, unit="day")
    is_open = both.closed_on.isnull() | (both.closed_on > both.cut_on)
    is_won = is_open & (both.outcome == "won") & (waited <= horizon_days)
    told = {
        "open_deal_count": count_true(is_open),
        "deal_days": both.cut_on.delta(both.opened_on, unit="day").min(where=is_open),
        "deal_amount": both.amount.sum(where=is_open),
        "won_before_count": count_true(~is_open & (both.outcome == "won")),
        "lost_before_count": count_true(~is_open & (both.outcome == "lost")),
        "is_won": is_won.fill_null(False).any(),
        "later_value": sum_money(both.amount, where=is_won.fill_null(False)),
    }
    for name, column in {"source": "deal_source", "owner_role": "deal_owner"}.items():
        if name in both.columns:
            # Of several open deals the latest tells; ties by alphabet.
            latest = both.opened_on.cast("string") + " " + both[name]
            told[column] = latest.max(where=is_open).substr(11)
    rows = both.group_by("customer_id", "cut_on").agg(**told)
    rows = rows.filter(rows.open_deal_count > 0)
    people = people.drop("first_sale_")
    rows = rows.left_join(people, "customer_id").drop("customer_id_right")
    return rows.mutate(known_days=rows.cut_on.delta(rows.known_on, unit="day"))


def _draw_rows(rows: ir.Table, as_of: datetime.date) -> ir.Table:
    """Keep at most `MOST_LEARNED` leads of each day but the last, by a hash of their id."""
    order = [rows.customer_id.cast("string").hexdigest("md5"), rows.customer_id]
    place = ibis.row_number().over(group_by="cut_on", order_by=order)
    rows = rows.mutate(place_=place)
    is_kept = (rows.place_ < MOST_LEARNED) | (rows.cut_on == ibis.literal(as_of))
    return rows.filter(is_kept).drop("place_")


def _add_later_sales(
    rows: ir.Table, lines: ir.Table, horizon_days: int, as_of: datetime.date
) -> ir.Table:
    """Add what each lead spent, net, within the horizon after the day."""
    lines = keep_until(lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    lines = lines.select("customer_id", day_=_.ordered_at.date(), amount_=_.line_amount)
    both = rows.select(*KEYS).inner_join(lines, "customer_id")
    later = both.day_.delta(both.cut_on, unit="day")
    both = both.filter((later > 0) & (later <= horizon_days))
    sums = both.group_by(*KEYS).agg(later_value=sum_money(_.amount_))
    joined = _join_rows(rows, sums)
    return joined.mutate(later_value=joined.later_value.fill_null(0.0))


def _join_rows(rows: ir.Table, part: ir.Table) -> ir.Table:
    joined = rows.left_join(part, list(KEYS))
    return joined.drop(*(f"{key}_right" for key in KEYS))


def _list_contacts(
    rows: ir.Table, tables: Mapping[str, ir.Table], *, as_of: datetime.date, attended: Sequence[str]
) -> list[ir.Table]:
    """Return what events and messages tell of each row by the end of its day."""
    ids = rows.select("customer_id").distinct()
    parts = []
    if not is_missing(tables.get("events"), "customer_id", "occurred_at", "event_type"):
        events = keep_until(tables["events"], "occurred_at", as_of)
        parts.append(
            _sum_until(rows, _sum_event_days(events.semi_join(ids, "customer_id"), attended))
        )
    if not is_missing(tables.get("messages"), "customer_id", "sent_at", "opened"):
        messages = keep_until(tables["messages"], "sent_at", as_of)
        parts.append(_sum_until(rows, _sum_message_days(messages.semi_join(ids, "customer_id"))))
    return parts


def _sum_event_days(events: ir.Table, attended: Sequence[str]) -> ir.Table:
    """Count a customer's events of each kind by day."""
    kind = events.event_type.lower()
    return events.group_by("customer_id", day_=events.occurred_at.date()).agg(
        visit_day_count=ibis.least(events.occurred_at.count(), 1),
        view_count=count_true(kind == "view"),
        cart_count=count_true(kind == "cart"),
        lead_action_count=count_true(kind.isin(LEAD_ACTIONS)),
        attended_count=count_true(kind.isin(list(attended) or [""])),
    )


def _sum_message_days(messages: ir.Table) -> ir.Table:
    """Count a customer's messages that were opened and clicked by the day on which it was known."""
    messages = messages.filter(is_delivered(messages))
    answered = messages.sent_at.cast("date") + ibis.interval(days=DAYS_TO_ANSWER)
    if "opened_at" in messages.columns:
        answered = ibis.coalesce(messages.opened_at.cast("date"), answered)
    told = {"opened_count": count_true(messages.opened)}
    if "clicked" in messages.columns:
        told["clicked_count"] = count_true(messages.clicked)
    return messages.group_by("customer_id", day_=answered.cast("date")).agg(**told)


def _sum_until(rows: ir.Table, by_day: ir.Table) -> ir.Table:
    """Sum up what is counted by day until each row's day, 0 where there is nothing."""
    both = rows.select(*KEYS).left_join(by_day, "customer_id").drop("customer_id_right")
    is_known = (both.day_ <= both.cut_on).fill_null(False)
    counts = [name for name in by_day.columns if name.endswith("_count")]
    told = {n: ibis.ifelse(is_known, both[n], 0).sum().fill_null(0) for n in counts}
    if "visit_day_count" in counts:
        last = both.day_.max(where=is_known)
        told["quiet_days"] = both.cut_on.max().delta(last, unit="day")
    return both.group_by(*KEYS).agg(**told)
