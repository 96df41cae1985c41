"""What each segment asks support for, and how it is served."""

from __future__ import annotations

import ibis
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.carried import FEW
from segkit.core.measures import CEILING, FLOOR
from segkit.core.statistics import find_reach
from segkit.evidence.segment_summaries import (
    bound_ratios,
    list_bounds,
    sum_by_customer,
    summarise_by_segment,
)

RATIOS = {
    "tickets_per_100_customers": ("ticket_count", "hundredths"),
    "mean_satisfaction": ("satisfaction_sum", "satisfaction_count"),
}
LEAST_FOR_AN_INTERVAL = 6
MEDIAN = "median_hours_to_resolve"


def summarise_tickets_by_segment(tickets: Table | None, segments: pd.DataFrame) -> pd.DataFrame:
    """Summarise how much support each segment needs, and how it is served.

    The columns are segment_name, customer_count (with a ticket), ticket_count,
    tickets_per_100_customers (of the whole segment), resolved_share, median_hours_to_resolve (of
    resolved tickets), mean_satisfaction (1 to 5; these three missing where the column is), and
    rests_on_count; the tickets, the hours and the satisfaction have 95 % intervals in ``_low`` and
    ``_high``. The largest contributions to the tickets, and what is left of figures without two
    customers, are the gate's.
    """
    columns = ["segment_name", "customer_count", "ticket_count", "tickets_per_100_customers"]
    columns += ["resolved_share", MEDIAN, "mean_satisfaction"]
    columns += ["rests_on_count", "ticket_count_largest", "ticket_count_second"]
    columns += list_bounds({**RATIOS, MEDIAN: ("", "")})
    if is_missing(tickets, "customer_id"):
        return empty_table(columns, "There is no table of tickets with customers.")
    measures = {"ticket_count": _.count()}
    sums = dict(measures)
    if "resolved_at" in tickets.columns:
        seconds = _.resolved_at.epoch_seconds() - _.opened_at.epoch_seconds()
        tickets = tickets.mutate(hours=seconds / 3600)
        measures["resolved_share"] = _.resolved_at.notnull().mean()
        measures[MEDIAN] = _.hours.median()
    if "satisfaction" in tickets.columns:
        measures["mean_satisfaction"] = _.satisfaction.mean()
        sums["satisfaction_sum"] = _.satisfaction.sum()
        sums["satisfaction_count"] = _.satisfaction.count()
    table = summarise_by_segment(tickets, segments, measures, sums=["ticket_count"])
    table["tickets_per_100_customers"] = 100 * table["ticket_count"] / table["segment_size"]
    by_customer = sum_by_customer(tickets, segments, sums).assign(hundredths=0.01)
    known = {name: parts for name, parts in RATIOS.items() if set(parts) <= set(by_customer)}
    table = table.merge(bound_ratios(by_customer, known), on="segment_name", how="left")
    if MEDIAN in table:
        table = table.merge(_bound_median(tickets, segments), on="segment_name", how="left")
    return table.reindex(columns=columns)


def _bound_median(tickets: Table, segments: pd.DataFrame) -> pd.DataFrame:
    """Bound each segment's median hours: without two customers, and by its 95 % interval.

    Left out are the two with the most resolved tickets. The interval is between two of the hours
    in their order (the sign test's, Conover 1999, section 3.2); of fewer than six there is none.
    """
    members = ibis.memtable(segments[["customer_id", "segment_name"]])
    rows = tickets.filter(_.hours.notnull()).inner_join(members, "customer_id")
    rows = rows.select("segment_name", "customer_id", "hours")
    each = rows.group_by("segment_name", "customer_id").agg(ticket_count=_.count())
    order = ibis.window(
        group_by="segment_name", order_by=[ibis.desc("ticket_count"), "customer_id"]
    )
    most = each.mutate(place=ibis.row_number().over(order)).filter(_.place < FEW)
    left = rows.anti_join(most, ["segment_name", "customer_id"])
    whole = rows.group_by("segment_name").agg(median=_.hours.median(), count=_.count())
    without = left.group_by("segment_name").agg(without=_.hours.median())
    table = whole.left_join(without, "segment_name").drop("segment_name_right").to_pandas()
    ends = table[["median", "without"]].astype(float)
    table[f"{MEDIAN}{FLOOR}"] = ends.min(axis=1, skipna=False)
    table[f"{MEDIAN}{CEILING}"] = ends.max(axis=1, skipna=False)
    bounds = [_find_ends(rows, row) for row in table.to_dict("records")]
    table[[f"{MEDIAN}_low", f"{MEDIAN}_high"]] = pd.DataFrame(bounds, index=table.index)
    return table.drop(columns=["median", "count", "without"])


def _find_ends(rows: Table, segment: dict) -> tuple[float, float]:
    """Return both ends of the interval of a segment's median hours."""
    reach = find_reach() / (2 * segment["count"] ** 0.5)
    if reach >= 0.5 or segment["count"] < LEAST_FOR_AN_INTERVAL:
        return float("nan"), float("nan")
    own = rows.filter(rows.segment_name == segment["segment_name"])
    found = own.agg(low=_.hours.quantile(0.5 - reach), high=_.hours.quantile(0.5 + reach))
    low, high = found.to_pandas().iloc[0]
    return float(low), float(high)
