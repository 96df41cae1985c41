"""What each segment asks support for, and how it is served."""

from __future__ import annotations

import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.evidence.segment_summaries import summarise_by_segment


def summarise_tickets_by_segment(tickets: Table | None, segments: pd.DataFrame) -> pd.DataFrame:
    """Summarise how much support each segment needs, and how it is served.

    The columns are segment_name, customer_count (with a ticket), ticket_count,
    tickets_per_100_customers (of the whole segment), resolved_share, median_hours_to_resolve (of
    resolved tickets), mean_satisfaction (1 to 5; these three missing where the column is), and
    rests_on_count, with the largest contributions to the tickets for the gate.
    """
    columns = ["segment_name", "customer_count", "ticket_count", "tickets_per_100_customers"]
    columns += ["resolved_share", "median_hours_to_resolve", "mean_satisfaction"]
    columns += ["rests_on_count", "ticket_count_largest", "ticket_count_second"]
    if is_missing(tickets, "customer_id"):
        return empty_table(columns, "There is no table of tickets with customers.")
    measures = {"ticket_count": _.count()}
    if "resolved_at" in tickets.columns:
        seconds = _.resolved_at.epoch_seconds() - _.opened_at.epoch_seconds()
        measures["resolved_share"] = _.resolved_at.notnull().mean()
        measures["median_hours_to_resolve"] = (seconds / 3600).median()
    if "satisfaction" in tickets.columns:
        measures["mean_satisfaction"] = _.satisfaction.mean()
    table = summarise_by_segment(tickets, segments, measures, sums=["ticket_count"])
    table["tickets_per_100_customers"] = 100 * table["ticket_count"] / table["segment_size"]
    return table.reindex(columns=columns)
