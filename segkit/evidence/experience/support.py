"""What each segment asks support for, how long it waits, and how it is served.

Tickets are those of `segkit.features.tickets.prepare_tickets`. What is still open counts as
waiting; it is not left out, for what is resolved by now is what was quick.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.carried import FEW
from segkit.core.measures import CEILING, FLOOR
from segkit.core.survival import estimate_survival, find_survival_median, read_survival
from segkit.evidence.experience.waiting import (
    add_segments,
    count_waits,
    estimate_waits,
    round_waits,
)
from segkit.evidence.segment_summaries import (
    bound_ratios,
    list_bounds,
    sum_by_customer,
    summarise_by_segment,
)
from segkit.features.expressions import count_true
from segkit.features.tickets import FATES, WAITED, prepare_tickets
from segkit.plan.support import Support

NO_TICKETS = "There is no table of tickets, or of what happened to them."
NO_CUSTOMERS = "There is no table of tickets with customers."
RATIOS = {
    "tickets_per_100_customers": ("ticket_count", "hundredths"),
    "mean_satisfaction": ("satisfaction_sum", "satisfaction_count"),
    "rated_share": ("satisfaction_count", "ticket_count"),
}
MEDIAN = "median_hours_to_resolve"
# After so many hours it is told how many still wait; a day, three days and a week among them.
MOMENTS = (0, 2, 4, 8, 12, 16, 20, 24, 36, 48, 60, 72, 96, 120, 144, 168, 240, 336, 480, 720)
LATER_MOMENTS = (1000, 1500, 2000, 3000, 4000, 6000, 8000)
# Where fewer tickets still wait, the curve is led by single ones.
LEAST_AT_RISK = 10
NEARLY_NONE = 0.05


def open_tickets(
    tables: Mapping[str, Table], *, as_of: datetime.date, support: Support | None = None
) -> Table | None:
    """Return the tickets of `prepare_tickets`, worked out once in the engine; None without any."""
    tickets = prepare_tickets(tables, as_of=as_of, support=support)
    return None if tickets is None else tickets.cache()


def count_fates(tickets: Table | None) -> pd.DataFrame:
    """Count what became of the tickets, and which of them say something of waiting.

    The columns are fate, ticket_count and counts_as (``event``, ``waiting`` or ``left out``); one
    row for each fate that there is.
    """
    columns = ["fate", "ticket_count", "counts_as"]
    if tickets is None:
        return empty_table(columns, NO_TICKETS)
    counted = tickets.group_by("fate").agg(ticket_count=_.count()).to_pandas()
    counted = counted.set_index("fate").reindex(FATES).dropna().astype("int64").reset_index()
    if counted.empty:
        return empty_table(columns, "No ticket was opened until the last day.")
    kinds = dict.fromkeys(FATES, "left out") | dict.fromkeys(WAITED, "waiting")
    kinds[WAITED[0]] = "event"
    return counted.assign(counts_as=counted["fate"].map(kinds))


def estimate_resolution(
    tickets: Table | None, *, by: str | None = None, wait: str = "resolve"
) -> pd.DataFrame:
    """Estimate the median hours to resolve tickets, of which some are still open.

    See `estimate_waits` for the method; for the segments give `add_segments` the tickets first.

    Parameters
    ----------
    tickets : ibis.Table or None
        Of `segkit.features.tickets.prepare_tickets`.
    by : str, optional
        A column of groups, such as ``topic``; without it there is one row.
    wait : str, optional
        ``resolve`` or ``answer``.

    Returns
    -------
    DataFrame
        The group (where there is one), ticket_count, ended_count, median_hours, low and high (95 %;
        missing where it was not reached), median_hours_floor and median_hours_ceiling (without the
        two customers with the most tickets, for the gate) and rests_on_count (customers, see
        `add_clusters`).
    """
    groups = [] if by is None else [by]
    columns = [*groups, "ticket_count", "ended_count", "median_hours", "low", "high"]
    columns += [f"median_hours{FLOOR}", f"median_hours{CEILING}", "rests_on_count"]
    if tickets is None:
        return empty_table(columns, NO_TICKETS)
    if is_missing(tickets, *groups):
        return empty_table(columns, f"The tickets do not tell their {by}.")
    curve = estimate_waits(tickets, wait, by=by)
    if curve.empty:
        return empty_table(columns, "Nothing tells how long a ticket waited.")
    counted = curve.groupby("group").agg(
        ended_count=("event_count", "sum"),
        censored_count=("censored_count", "sum"),
        rests_on_count=("rests_on_count", "first"),
    )
    counted["ticket_count"] = counted["ended_count"] + counted["censored_count"]
    counted = counted.astype("int64").reset_index()
    medians = find_survival_median(curve, by="group").rename(columns={"median": "median_hours"})
    table = counted.merge(medians, on="group", how="left")
    rows = round_waits(tickets, wait, by=by)
    table = table.merge(_leave_out_two(rows), on="group", how="left")
    ends = table[["median_hours", "without"]].astype(float)
    table[f"median_hours{FLOOR}"] = ends.min(axis=1, skipna=False)
    table[f"median_hours{CEILING}"] = ends.max(axis=1, skipna=False)
    table = table.sort_values("group", ignore_index=True)
    return table.rename(columns={"group": by} if by else {})[columns]


def summarise_tickets_by_segment(tickets: Table | None, segments: pd.DataFrame) -> pd.DataFrame:
    """Summarise how much support each segment needs, and how it is served.

    The columns are segment_name, customer_count (with a ticket), ticket_count,
    tickets_per_100_customers (of the whole segment), open_count (still open or withdrawn),
    median_hours_to_resolve (see `estimate_resolution`), mean_satisfaction (1 to 5), rated_share (of
    the tickets; both missing where there is no column) and rests_on_count; the tickets, the hours,
    the satisfaction and the share have 95 % intervals in ``_low`` and ``_high``. The largest
    contributions to the tickets, and what is left of figures without two customers, are the gate's.
    """
    columns = ["segment_name", "customer_count", "ticket_count", "tickets_per_100_customers"]
    columns += ["unresolved_count", MEDIAN, "mean_satisfaction", "rated_share"]
    columns += ["rests_on_count", "ticket_count_largest", "ticket_count_second"]
    columns += list_bounds({**RATIOS, MEDIAN: ("", "")})
    if is_missing(tickets, "customer_id"):
        return empty_table(columns, NO_CUSTOMERS)
    measures = {"ticket_count": _.count()}
    sums = dict(measures)
    measures["unresolved_count"] = count_true(~_.is_resolved)
    if "satisfaction" in tickets.columns:
        measures["mean_satisfaction"] = _.satisfaction.mean()
        sums["satisfaction_sum"] = _.satisfaction.sum()
        sums["satisfaction_count"] = _.satisfaction.count()
    table = summarise_by_segment(tickets, segments, measures, sums=["ticket_count"])
    table["tickets_per_100_customers"] = 100 * table["ticket_count"] / table["segment_size"]
    by_customer = sum_by_customer(tickets, segments, sums).assign(hundredths=0.01)
    known = {name: parts for name, parts in RATIOS.items() if set(parts) <= set(by_customer)}
    if "rated_share" in known:
        rated = by_customer.groupby("segment_name")["satisfaction_count"].sum()
        table["rated_share"] = table["segment_name"].map(rated) / table["ticket_count"]
    table = table.merge(bound_ratios(by_customer, known), on="segment_name", how="left")
    hours = _estimate_by_segment(tickets, segments)
    table = table.merge(hours, on="segment_name", how="left")
    return table.reindex(columns=columns)


def estimate_waits_by_segment(
    tickets: Table | None, segments: pd.DataFrame, *, wait: str = "resolve"
) -> pd.DataFrame:
    """Estimate which share of each segment's tickets still waits, after some hours.

    The columns are segment_name, hours, waiting_share, low and high (95 %, customers as clusters)
    and rests_on_count; missing where fewer than ten tickets still waited. The hours end where
    fewer than a twentieth of all wait.
    """
    columns = ["segment_name", "hours", "waiting_share", "low", "high", "rests_on_count"]
    if is_missing(tickets, "customer_id"):
        return empty_table(columns, NO_CUSTOMERS)
    members = add_segments(tickets, segments)
    curve = estimate_waits(members, wait, by="segment_name")
    if curve.empty:
        return empty_table(columns, "Nothing tells how long a ticket waited.")
    whole = estimate_survival(curve[["duration", "event_count", "censored_count"]])
    read = read_survival(curve, choose_moments(whole), by="group")
    read.loc[read["at_risk"] < LEAST_AT_RISK, ["survival", "low", "high"]] = np.nan
    people = curve.groupby("group")["rests_on_count"].first()
    read["rests_on_count"] = read["group"].map(people)
    names = {"survival": "waiting_share", "duration": "hours", "group": "segment_name"}
    return read.rename(columns=names)[columns]


def choose_moments(curve: pd.DataFrame) -> list[float]:
    """Return the hours after which it is told how many still wait, until nearly nobody does."""
    moments = [*MOMENTS, *LATER_MOMENTS]
    read = read_survival(curve, moments)
    is_told = (read["survival"] > NEARLY_NONE).fillna(False).astype(bool)
    told = int(is_told.sum())
    return moments[: max(told + 1, 2)]


def _estimate_by_segment(tickets: Table, segments: pd.DataFrame) -> pd.DataFrame:
    """Return each segment's median hours under the names of the summary."""
    found = estimate_resolution(add_segments(tickets, segments), by="segment_name")
    names = {
        "median_hours": MEDIAN,
        "low": f"{MEDIAN}_low",
        "high": f"{MEDIAN}_high",
        f"median_hours{FLOOR}": f"{MEDIAN}{FLOOR}",
        f"median_hours{CEILING}": f"{MEDIAN}{CEILING}",
    }
    return found.rename(columns=names)[["segment_name", *names.values()]]


def _leave_out_two(rows: Table) -> pd.DataFrame:
    """Return each group's median without the two customers with the most tickets that ended."""
    each = rows.group_by("group", "cluster").agg(ticket_count=count_true(_.is_event))
    order = ibis.window(group_by="group", order_by=[ibis.desc("ticket_count"), "cluster"])
    most = each.mutate(place=ibis.row_number().over(order)).filter(_.place < FEW)
    left = rows.anti_join(most, ["group", "cluster"])
    curve = estimate_survival(count_waits(left), by="group")
    medians = find_survival_median(curve, by="group")
    return medians[["group", "median"]].rename(columns={"median": "without"})
