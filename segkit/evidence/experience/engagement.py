"""How each segment answers messages, and what it does on the site and in the app."""

from __future__ import annotations

import datetime

import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND
from segkit.evidence.experience.message_shares import (
    PARTS,
    bound_message_shares,
    list_share_bounds,
    summarise_messages,
)
from segkit.evidence.experience.messages import NO_MESSAGES, RATIOS, Messages, read_messages
from segkit.evidence.segment_summaries import (
    bound_ratios,
    count_customers,
    list_bounds,
    sum_by_customer,
    summarise_by_segment,
)
from segkit.features.expressions import count_true, keep_until

# For the gate: whether a segment's events are nearly all of one or two customers.
RECORDS = [f"visits_per_customer{end}" for end in (OF_A_MEAN, LARGEST, SECOND)]
EVENT_RATIOS = {f"{name}_per_customer": (name, "") for name in ("visits", "carts")}
EVENT_TYPES = {
    "visits": "visit",
    "views": "view",
    "carts": "cart",
    "checkouts": "checkout",
    "wishes": "wish",
    "signups": "signup",
    "ad_clicks": "ad_click",
}
NO_EVENTS = "There is no table of events with customers."


def summarise_messages_by_segment(
    messages: Table | Messages | None,
    segments: pd.DataFrame,
    *,
    as_of: datetime.date | None = None,
    smallest_cell: int = 1,
) -> pd.DataFrame:
    """Summarise how each segment answers its messages, with 95 % intervals of customers.

    Several messages of a customer are not independent: the intervals are as wide as the customers
    differ, see `segkit.evidence.experience.message_shares.summarise_messages`, whose columns these
    are. A segment without messages keeps its row. Of a customer's repeated rows one counts.

    Parameters
    ----------
    messages : ibis.Table, Messages or None
        The table of messages, or what `read_messages` made of it.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    as_of : date, optional
        The last day counted.
    smallest_cell : int, optional
        A share that fewer customers, but some, make is missing.
    """
    columns = ["segment_name", "customer_count", "sent_count", "delivered_count"]
    columns += [f"{name}_{part}" for name in RATIOS for part in PARTS]
    columns += ["opens_per_opened", "clicks_per_clicked", "rests_on_count"]
    columns += ["delivered_count_largest", "delivered_count_second", *list_share_bounds()]
    is_read = isinstance(messages, Messages)
    read = messages if is_read else read_messages(messages, as_of=as_of)
    if read is None:
        return empty_table(columns, NO_MESSAGES)
    found = summarise_messages(read, segments, smallest_cell=smallest_cell)
    sizes = count_customers(segments).rename(columns={"customer_count": "segment_size"})
    table = sizes.merge(found, on="segment_name", how="left")
    counts = ["customer_count", "sent_count", "delivered_count"]
    table[counts] = table[counts].fillna(0).astype("int64")
    rests_on = table["rests_on_count"].where(table["sent_count"] > 0, table["segment_size"])
    table["rests_on_count"] = rests_on.astype("int64")
    bounds = bound_message_shares(read, segments)
    if len(bounds):
        table = table.merge(bounds, on="segment_name", how="left")
    return table.reindex(columns=columns)


def summarise_events_by_segment(
    events: Table | None, segments: pd.DataFrame, *, as_of: datetime.date | None = None
) -> pd.DataFrame:
    """Summarise what each segment does on the site and in the app, an average over all customers.

    A visit is a session, or an event called ``visit`` where there are no sessions. The columns are
    segment_name, customer_count (with an event), reached_share (of the segment's customers),
    visits_, views_, carts_, checkouts_, wishes_, signups_ and ad_clicks_per_customer, and
    rests_on_count; visits and carts have 95 % intervals in ``_low`` and ``_high``, and what is left
    without two customers for the gate. What no event of anybody names is missing: that nobody
    recorded it does not mean that nobody did it.
    """
    columns = ["segment_name", "customer_count", "reached_share"]
    columns += [f"{name}_per_customer" for name in EVENT_TYPES]
    columns += ["rests_on_count", *RECORDS, *list_bounds(EVENT_RATIOS)]
    if is_missing(events, "customer_id", "event_type"):
        return empty_table(columns, NO_EVENTS)
    if as_of is not None and "occurred_at" in events.columns:
        events = keep_until(events, "occurred_at", as_of)
    measures = {name: count_true(_.event_type == kind) for name, kind in EVENT_TYPES.items()}
    if "session_id" in events.columns:
        measures["visits"] = _.session_id.nunique()
    everybody = events.agg(**measures).to_pandas().iloc[0]
    recorded = [name for name in EVENT_TYPES if everybody[name] > 0]
    measures["events"] = _.count()
    table = summarise_by_segment(events, segments, measures, sums=["events"])
    table[RECORDS] = table[["events", f"events{LARGEST}", f"events{SECOND}"]]
    table["reached_share"] = table["customer_count"] / table["segment_size"]
    for name in recorded:
        table[f"{name}_per_customer"] = table[name].fillna(0) / table["segment_size"]
    ratios = {name: ends for name, ends in EVENT_RATIOS.items() if ends[0] in recorded}
    bounds = bound_ratios(sum_by_customer(events, segments, measures), ratios)
    table = table.merge(bounds, on="segment_name", how="left")
    return table.reindex(columns=columns)
