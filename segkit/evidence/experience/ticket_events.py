"""Where the time of a request goes: its states, its hand-overs, and whether it came back.

What happened to a ticket is read until its first resolution, and its coming back after that. Events
stay in the engine.
"""

from __future__ import annotations

import ibis
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.measures import LARGEST, SECOND
from segkit.evidence.experience.waiting import add_clusters
from segkit.evidence.segment_summaries import bound_ratios, list_bounds
from segkit.features.expressions import count_true, find_contributions
from segkit.features.tickets import WAITED, is_one_of
from segkit.plan.support import Support

NO_EVENTS = "There is no table of what happened to tickets (ticket_events)."
NO_QUEUES = "The events of tickets do not say who did them (queue)."
HOUR_SECONDS = 3600
MOST_STATES = 15
HANDED = {
    "handed_share": ("handed_count", "ticket_count"),
    "mean_handovers": ("handover_count", "ticket_count"),
    "reopened_share": ("reopened_count", "resolved_count"),
}
ALL_TICKETS = "all tickets"
UNKNOWN_TICKET = "no ticket that is known"


def count_events(events: Table | None, tickets: Table | None) -> pd.DataFrame:
    """Count the events of tickets that are known, and those that belong to no ticket.

    The columns are belongs_to and event_count. Tickets that say nothing of waiting are known ones.
    """
    columns = ["belongs_to", "event_count"]
    if events is None or tickets is None:
        return empty_table(columns, NO_EVENTS)
    is_known = events.ticket_id.isin(tickets.ticket_id)
    counted = events.agg(known=count_true(is_known), unknown=count_true(~is_known)).to_pandas()
    names = ["a ticket", UNKNOWN_TICKET]
    return pd.DataFrame({"belongs_to": names, "event_count": counted.iloc[0].astype("int64")})


def summarise_states(
    events: Table | None, tickets: Table | None, *, column: str = "event"
) -> pd.DataFrame:
    """Sum up the hours that tickets stood in each state, until they were resolved.

    A state begins with an event and ends with the ticket's next one, with its first resolution, or,
    where it is open, at the end of the last day; so the hours of what still runs are counted as far
    as they are known. Tickets that say nothing of waiting are left out.

    Parameters
    ----------
    events : ibis.Table or None
        The table ``ticket_events``.
    tickets : ibis.Table or None
        Of `segkit.features.tickets.prepare_tickets`.
    column : str, optional
        ``event``, or ``queue`` for where the tickets lay.

    Returns
    -------
    DataFrame
        The column, ticket_count, hours, hour_share (of all hours), hours_per_ticket (of those that
        came there), rests_on_count (customers) and the largest contributions to the hours; the
        largest first, at most 15.
    """
    columns = [column, "ticket_count", "hours", "hour_share", "hours_per_ticket"]
    columns += ["rests_on_count", f"hours{LARGEST}", f"hours{SECOND}"]
    if is_missing(events, column) or tickets is None:
        return empty_table(columns, NO_EVENTS if events is None else NO_QUEUES)
    spells = list_spells(events, tickets)
    spells = spells.filter(spells[column].notnull()).mutate(state=spells[column].cast("string"))
    found = spells.group_by("state").agg(
        ticket_count=_.ticket_id.nunique(), hours=_.hours.sum(), rests_on_count=_.person.nunique()
    )
    table = found.to_pandas()
    if table.empty:
        return empty_table(columns, "No event stands before the resolution of a ticket.")
    tops = find_contributions(spells, _.hours.sum(), name="hours", by=["state"])
    table = table.merge(tops, on="state", how="left")
    whole = table["hours"].sum()
    table["hour_share"] = table["hours"] / whole if whole > 0 else float("nan")
    table["hours_per_ticket"] = table["hours"] / table["ticket_count"]
    table = table.sort_values(["hours", "state"], ascending=[False, True], ignore_index=True)
    return table.rename(columns={"state": column})[columns].head(MOST_STATES)


def summarise_handovers(
    events: Table | None,
    tickets: Table | None,
    segments: pd.DataFrame | None = None,
    *,
    support: Support | None = None,
) -> pd.DataFrame:
    """Count how often tickets change hands before they are resolved, and how many come back.

    A hand-over is an event of another queue than the ticket's event before it. A ticket came back
    where, after its first resolution, an event stands that the plan calls reopened, or that it
    calls resolved again.

    Returns
    -------
    DataFrame
        segment_name (or "all tickets", without segments), customer_count, ticket_count,
        handed_share (of the tickets), mean_handovers, resolved_count, reopened_share (of those that
        were resolved) and rests_on_count; the shares and the mean with 95 % intervals, customers as
        clusters, and what is left without two of them. What nothing tells of is missing.
    """
    columns = ["segment_name", "customer_count", "ticket_count", "handed_share", "mean_handovers"]
    columns += ["resolved_count", "reopened_share", "rests_on_count", *list_bounds(HANDED)]
    if events is None or tickets is None:
        return empty_table(columns, NO_EVENTS)
    each = _sum_by_cluster(events, tickets, support or Support(), segments)
    if each.empty:
        return empty_table(columns, "No event belongs to a ticket of these customers.")
    sums = each.groupby("segment_name").sum(numeric_only=True)
    table = sums[["ticket_count", "resolved_count"]].astype("int64")
    for name, (part, whole) in HANDED.items():
        table[name] = sums[part] / sums[whole].where(sums[whole] > 0)
    table["customer_count"] = each.groupby("segment_name")["person"].nunique()
    table["rests_on_count"] = table["customer_count"]
    table = table.reset_index().merge(bound_ratios(each, HANDED), on="segment_name", how="left")
    missing = [] if "queue" in events.columns else ["handed_share", "mean_handovers"]
    if support is None or not (support.reopened or support.resolved):
        missing.append("reopened_share")
    unknown = [c for name in missing for c in table if c.startswith(name.removesuffix("_share"))]
    table[unknown] = float("nan")
    return table.reindex(columns=columns)


def list_spells(events: Table, tickets: Table) -> Table:
    """Express one row an event before the resolution: what began with it, and for how many hours.

    The columns are those of the events, customer_id (the ticket itself where nobody knows it),
    person, since and until (hours from the opening), hours, and before_ (the queue before).
    """
    told = events.drop(*[name for name in ("customer_id",) if name in events.columns])
    known = add_clusters(tickets.filter(tickets.fate.isin(WAITED)))
    known = known.select("ticket_id", "opened_at", "resolve_hours", "person", customer_id=_.cluster)
    joined = told.inner_join(known, "ticket_id")
    opened = joined.opened_at.epoch_seconds()
    since = (joined.occurred_at.epoch_seconds() - opened) / HOUR_SECONDS
    joined = joined.mutate(since=since)
    before = joined.filter(joined.since < joined.resolve_hours)
    order = ibis.window(group_by="ticket_id", order_by=["occurred_at", "event"])
    following = before.since.lead().over(order)
    before = before.mutate(until=following.fill_null(before.resolve_hours), before_=_lag(before))
    return before.mutate(hours=before.until - before.since)


def _lag(events: Table) -> ibis.Value:
    """Return the queue of the ticket's event before."""
    if "queue" not in events.columns:
        return ibis.null("string")
    order = ibis.window(group_by="ticket_id", order_by=["occurred_at", "event"])
    return events.queue.lag().over(order)


def _sum_by_cluster(
    events: Table, tickets: Table, support: Support, segments: pd.DataFrame | None
) -> pd.DataFrame:
    """Sum up each customer's tickets, hand-overs, resolutions and those that came back."""
    spells = list_spells(events, tickets)
    is_handed = ibis.literal(False)
    if "queue" in events.columns:
        is_handed = (spells.queue != spells.before_).fill_null(False)
    moved = spells.mutate(is_handed=is_handed).group_by("ticket_id")
    moved = moved.agg(handovers=count_true(_.is_handed))
    known = add_clusters(tickets.filter(tickets.fate.isin(WAITED)))
    known = known.left_join(moved, "ticket_id").drop("ticket_id_right")
    back = _list_reopened(events, tickets, support)
    known = known.left_join(back, "ticket_id").drop("ticket_id_right")
    known = known.filter(known.ticket_id.isin(events.ticket_id))
    handed = known.handovers.fill_null(0)
    known = known.mutate(
        handovers=handed, is_handed=handed > 0, is_back=known.returns.fill_null(0) > 0
    )
    if segments is not None and "customer_id" in tickets.columns:
        members = ibis.memtable(segments[["customer_id", "segment_name"]])
        known = known.inner_join(members, "customer_id")
    else:
        known = known.mutate(segment_name=ibis.literal(ALL_TICKETS))
    each = known.group_by("segment_name", "cluster").agg(
        person=_.person.first(),
        ticket_count=_.count(),
        handover_count=_.handovers.sum(),
        handed_count=count_true(_.is_handed),
        resolved_count=count_true(_.is_resolved),
        reopened_count=count_true(_.is_back & _.is_resolved),
    )
    table = each.order_by("segment_name", "cluster").drop("cluster").to_pandas()
    counts = table.columns.difference(["segment_name", "person"])
    table[counts] = table[counts].astype(float)
    return table


def _list_reopened(events: Table, tickets: Table, support: Support) -> Table:
    """Express how many events after a ticket's resolution say that it came back."""
    words = (*support.reopened, *support.resolved)
    resolved = tickets.filter(tickets.is_resolved).select("ticket_id", "opened_at", "resolve_hours")
    joined = events.inner_join(resolved, "ticket_id")
    opened = joined.opened_at.epoch_seconds()
    since = (joined.occurred_at.epoch_seconds() - opened) / HOUR_SECONDS
    is_later = since > joined.resolve_hours
    back = joined.filter(is_later & is_one_of(joined.event, words))
    return back.group_by("ticket_id").agg(returns=_.count())
