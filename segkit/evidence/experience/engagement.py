"""How each segment answers messages, and what it does on the site and in the app."""

from __future__ import annotations

import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND
from segkit.evidence.segment_summaries import (
    add_interval,
    bound_ratios,
    keep_delivered,
    list_bounds,
    sum_by_customer,
    summarise_by_segment,
)
from segkit.features.expressions import count_true

ANSWERS = {"open": "opened", "click": "clicked", "unsubscribe": "unsubscribed"}
# For the gate: whether a segment's events are nearly all of one or two customers.
RECORDS = [f"visits_per_customer{end}" for end in (OF_A_MEAN, LARGEST, SECOND)]
RATIOS = {f"{name}_share": (f"{name}_hits", "delivered_count") for name in ANSWERS}
EVENT_RATIOS = {f"{name}_per_customer": (name, "") for name in ("visits", "carts")}
EVENT_TYPES = {"visits": "visit", "views": "view", "carts": "cart", "wishes": "wish"}


def summarise_messages_by_segment(messages: Table | None, segments: pd.DataFrame) -> pd.DataFrame:
    """Summarise how each segment answers delivered messages, with 95 % Wilson intervals.

    The columns are segment_name, customer_count (with a message), delivered_count, open_share,
    click_share and unsubscribe_share, each with _low and _high (missing where the column is), and
    rests_on_count, with what is left without two customers for the gate. Messages are taken as
    independent, so intervals are too narrow where few get many.
    """
    columns = ["segment_name", "customer_count", "delivered_count"]
    columns += [f"{name}_{part}" for name in ANSWERS for part in ("share", "low", "high")]
    columns += ["rests_on_count", "delivered_count_largest", "delivered_count_second"]
    columns += list_bounds(RATIOS, with_interval=False)
    if is_missing(messages, "customer_id"):
        return empty_table(columns, "There is no table of messages.")
    known = {name: column for name, column in ANSWERS.items() if column in messages.columns}
    measures = {f"{name}_hits": count_true(_[column]) for name, column in known.items()}
    measures["delivered_count"] = _.count()
    delivered = keep_delivered(messages)
    table = summarise_by_segment(delivered, segments, measures, sums=["delivered_count"])
    for name in known:
        table = add_interval(table, f"{name}_", hits=f"{name}_hits", trials="delivered_count")
    by_customer = sum_by_customer(delivered, segments, measures)
    ratios = {f"{name}_share": RATIOS[f"{name}_share"] for name in known}
    bounds = bound_ratios(by_customer, ratios, with_interval=False)
    table = table.merge(bounds, on="segment_name", how="left")
    return table.reindex(columns=columns)


def summarise_events_by_segment(events: Table | None, segments: pd.DataFrame) -> pd.DataFrame:
    """Summarise what each segment does on the site and in the app, an average over all customers.

    A visit is a session, or an event called ``visit`` where there are no sessions. The columns are
    segment_name, customer_count (with an event), reached_share (of the segment's customers),
    visits_, views_, carts_ and wishes_per_customer, and rests_on_count; visits and carts have 95 %
    intervals in ``_low`` and ``_high``, and what is left without two customers for the gate.
    """
    columns = ["segment_name", "customer_count", "reached_share"]
    columns += [f"{name}_per_customer" for name in EVENT_TYPES]
    columns += ["rests_on_count", *RECORDS, *list_bounds(EVENT_RATIOS)]
    if is_missing(events, "customer_id", "event_type"):
        return empty_table(columns, "There is no table of events with customers.")
    measures = {name: count_true(_.event_type == kind) for name, kind in EVENT_TYPES.items()}
    if "session_id" in events.columns:
        measures["visits"] = _.session_id.nunique()
    measures["events"] = _.count()
    table = summarise_by_segment(events, segments, measures, sums=["events"])
    table[RECORDS] = table[["events", f"events{LARGEST}", f"events{SECOND}"]]
    table["reached_share"] = table["customer_count"] / table["segment_size"]
    for name in EVENT_TYPES:
        table[f"{name}_per_customer"] = table[name].fillna(0) / table["segment_size"]
    bounds = bound_ratios(sum_by_customer(events, segments, measures), EVENT_RATIOS)
    table = table.merge(bounds, on="segment_name", how="left")
    return table[columns]
