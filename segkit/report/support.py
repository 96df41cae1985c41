"""What segments ask support for, how long they wait, and where the time goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd
from ibis import Table
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.measures import FIGURE
from segkit.core.privacy import NOTE, Published, Shape
from segkit.evidence.experience.support import (
    count_fates,
    estimate_resolution,
    estimate_waits_by_segment,
)
from segkit.evidence.experience.ticket_events import (
    UNKNOWN_TICKET,
    count_events,
    summarise_handovers,
    summarise_states,
)
from segkit.evidence.experience.waiting import compare_all_waits
from segkit.plan.support import Support
from segkit.report.by_segment import MEASURES, RESTS_ON, SEGMENT, state_measures, view_shares
from segkit.report.shared import charts
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import Column, View

INTEGER = Column(kind="integer")
HOURS = Column("Median hours", "number")
TICKETS = View(
    # Tickets are no customers: one of them may have many.
    Shape(
        "tickets",
        by=SEGMENT,
        count=RESTS_ON,
        measures={"ticket_count": FIGURE, "unresolved_count": FIGURE},
    ),
    {
        "segment_name": Column(),
        "customer_count": INTEGER,
        "ticket_count": INTEGER,
        "tickets_per_100_customers": MEASURES["tickets_per_100_customers"],
        "unresolved_count": Column("Not resolved", "integer"),
        "median_hours_to_resolve": MEASURES["median_hours_to_resolve"],
        "hours_interval": Column(
            kind="number", interval=("median_hours_to_resolve_low", "median_hours_to_resolve_high")
        ),
        "rated_share": MEASURES["rated_share"],
        "mean_satisfaction": MEASURES["mean_satisfaction"],
        "satisfaction_interval": Column(
            kind="number", interval=("mean_satisfaction_low", "mean_satisfaction_high")
        ),
        NOTE: Column(),
    },
)
TOPICS = view_shares("topics", "topic")
FATES = View(
    Shape("ticket_fates", population="rows", by=("fate",)),
    {
        "fate": Column("What became of it"),
        "ticket_count": Column("Tickets", "integer"),
        "counts_as": Column("Counts as"),
    },
)
EVENTS = View(
    Shape("ticket_event_counts", population="rows", by=("belongs_to",)),
    {"belongs_to": Column("Belongs to"), "event_count": Column("Events", "integer")},
)
WAITS = View(Shape("waits", by=("segment_name", "hours"), count=RESTS_ON, repeats=True))
COMPARISONS = View(
    Shape("waits_compared", by=("subject", "wait"), adds_up=False),
    {
        "subject": Column("Compared"),
        "wait": Column("Wait for"),
        "group_count": Column("Groups", "integer"),
        "left_out_count": Column("Groups left out", "integer"),
        "ticket_count": Column("Tickets", "integer"),
        "statistic": Column("Chi-square", "number"),
        "freedom": Column("Degrees of freedom", "integer"),
        "corrected_p_value": Column("p, corrected", "number"),
        NOTE: Column(),
    },
)
HANDOVERS = View(
    Shape(
        "handovers",
        by=SEGMENT,
        count=RESTS_ON,
        measures={"ticket_count": FIGURE, "resolved_count": FIGURE},
    ),
    {
        "segment_name": Column("Tickets of"),
        "customer_count": INTEGER,
        "ticket_count": Column("Tickets", "integer"),
        "handed_share": MEASURES["handed_share"],
        "handed_interval": Column(kind="share", interval=("handed_low", "handed_high")),
        "mean_handovers": Column("Hand-overs a ticket", "number"),
        "reopened_share": MEASURES["reopened_share"],
        "reopened_interval": Column(kind="share", interval=("reopened_low", "reopened_high")),
        NOTE: Column(),
    },
)
MOST_TOLD = 3
CAPTIONS = {
    "waits_compared": ("Do they wait equally long? The log-rank test", True),
    "hours_by_topic": ("Hours until half of the tickets are resolved, by topic", False),
    "hours_after_event": ("Where the time goes until a resolution", False),
    "handovers": ("Tickets that change hands or come back, by segment", False),
}
SURE_P_VALUE = 0.05
SMALL_P_VALUE = 0.001


def view_groups(column: str, heading: str) -> View:
    """Return the view of the hours by a column of groups, such as ``topic``."""
    shape = Shape(
        f"hours_by_{column}",
        by=(column,),
        count=RESTS_ON,
        repeats=True,
        measures={"ticket_count": FIGURE, "ended_count": FIGURE},
    )
    columns = {
        column: Column(heading),
        "ticket_count": Column("Tickets", "integer"),
        "ended_count": Column("Resolved", "integer"),
        "median_hours": HOURS,
        "hours_interval": Column(kind="number", interval=("low", "high")),
        NOTE: Column(),
    }
    return View(shape, columns)


def view_states(column: str, heading: str) -> View:
    """Return the view of the hours that tickets stood in each state, by ``event`` or ``queue``."""
    shape = Shape(
        f"hours_after_{column}",
        by=(column,),
        count=RESTS_ON,
        repeats=True,
        measures={"ticket_count": FIGURE},
    )
    columns = {
        column: Column(heading),
        "ticket_count": Column("Tickets", "integer"),
        "hours": Column("Hours in all", "integer"),
        "hour_share": Column("Share of the hours", "share", bar=True),
        "hours_per_ticket": Column("Hours a ticket", "number"),
        NOTE: Column(),
    }
    return View(shape, columns)


TOPIC_HOURS = view_groups("topic", "Topic")
CHANNEL_HOURS = view_groups("channel", "Channel")
STATES = view_states("event", "After the event")
QUEUES = view_states("queue", "Role or queue")


def list_tables(
    tickets: Table | None,
    tables: Mapping[str, Table],
    segments: pd.DataFrame,
    *,
    support: Support | None = None,
) -> list[tuple[pd.DataFrame, View]]:
    """Return the tables on how long tickets wait and where the time goes, each with its view.

    Parameters
    ----------
    tickets : ibis.Table or None
        Of `segkit.evidence.experience.support.open_tickets`.
    tables : mapping of str to ibis.Table
        Of which ``ticket_events`` is read.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    support : Support, optional
        What the plan says that events mean.
    """
    found = [(count_fates(tickets), FATES)]
    if tickets is None:
        return found
    found += [
        (estimate_waits_by_segment(tickets, segments), WAITS),
        (compare_all_waits(tickets, segments), COMPARISONS),
        (estimate_resolution(tickets, by="topic"), TOPIC_HOURS),
    ]
    events = tables.get("ticket_events")
    if events is not None:
        handovers = summarise_handovers(events, tickets, segments, support=support)
        found += [
            (count_events(events, tickets), EVENTS),
            (summarise_states(events, tickets), STATES),
            (handovers, HANDOVERS),
        ]
    return found


def lay_out_waits(shown: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of the tables of `list_tables`; of those without rows one line each."""
    by_name = {table.shape.name.rpartition("/")[2]: table for table in shown}
    tell = {
        "ticket_fates": state_fates,
        "waits_compared": state_comparisons,
        "hours_by_topic": lambda table: state_groups(table, "topic", of="topic"),
        "ticket_event_counts": state_events,
        "hours_after_event": lambda table: state_states(table, "event"),
        "handovers": state_handovers,
    }
    told = [finding for name, state in tell.items() for finding in _tell(by_name, name, state)]
    exhibits = [Exhibit(thing=told, title="How long do they wait?")]
    if "waits" in by_name and not by_name["waits"].empty:
        chart = plot_waits(by_name["waits"])
        caption = "Share of each segment's tickets that still waits for a resolution, by hours."
        exhibits.append(Exhibit(thing=chart, caption=caption))
    exhibits += [
        Exhibit(thing=by_name[name], caption=caption, folded=is_folded)
        for name, (caption, is_folded) in CAPTIONS.items()
        if name in by_name and not by_name[name].empty
    ]
    return exhibits


def _tell(
    by_name: Mapping[str, Published], name: str, state: Callable[[Published], list[Finding]]
) -> list[Finding]:
    """Return the findings on a table that is there."""
    return state(by_name[name]) if name in by_name else []


def plot_waits(waits, *, title: str = "Tickets that still wait") -> Axes:
    """Draw which share of each segment's tickets still waits for a resolution, after some hours.

    How to read it: the lower a line, the sooner its segment is helped; what is still open counts.
    Where a line ends, fewer than ten tickets still waited.
    The table has a row a segment and hour: ``segment_name``, ``hours`` and ``waiting_share``.
    """
    return charts.plot_trend(
        waits,
        x="hours",
        y="waiting_share",
        group="segment_name",
        kind="share",
        value_name="share of the tickets that still waits, by hours since it was opened",
        title=title,
    )


def plot_states(states, *, title: str = "Where the time goes") -> Axes:
    """Draw which share of the hours until a resolution passes after each event.

    How to read it: a bar is all tickets' hours together; a long one may be many short waits.
    The table has a row an event: ``event`` and ``hour_share``.
    """
    return charts.plot_bars(
        states,
        label="event",
        value="hour_share",
        kind="share",
        value_name="share of all hours until the resolution",
        title=title,
    )


def state_fates(fates: Published) -> list[Finding]:
    """Say how many tickets were resolved, still wait, or say nothing of waiting, and why."""
    if fates.empty:
        return [explain_absence(fates)]
    whole = fates.read_figure("ticket_count", how="sum", kind="count", unit="ticket")
    ended = _count_fates(fates, "event", name="resolved_count")
    waiting = _count_fates(fates, "waiting", name="waiting_count")
    left_out = _count_fates(fates, "left out", name="left_out_count", unit="ticket")
    told = [write_finding("support.fates.account", [whole, ended, waiting])]
    reasons = fates.frame.loc[fates.frame["counts_as"] == "left out", "fate"]
    if len(reasons):
        words = {"reasons": join_words(list(reasons))}
        told.append(write_finding("support.fates.left_out", [left_out], words=words))
    return told


def _count_fates(fates: Published, kind: str, *, name: str, unit: str = "") -> Figure:
    """Read how many tickets count as something; none where there is no such row."""
    where = [Condition("counts_as", "==", kind)]
    how = "sum" if (fates.frame["counts_as"] == kind).any() else "rows"
    return fates.read_figure(
        "ticket_count", where=where, how=how, kind="count", unit=unit, name=name
    )


def state_events(events: Published) -> list[Finding]:
    """Say how many events belong to no ticket that is known; nothing where all do."""
    where = {"belongs_to": UNKNOWN_TICKET}
    if events.empty or not events.read_figure("event_count", where=where).value:
        return []
    lost = events.read_figure("event_count", where=where, kind="count", unit="event")
    whole = events.read_figure("event_count", how="sum", kind="count", name="whole_count")
    return [write_finding("support.events.lost", [lost, whole])]


def state_comparisons(compared: Published) -> list[Finding]:
    """Say which groups of tickets wait differently long, and of which that cannot be told."""
    if compared.empty:
        return [explain_absence(compared)]
    rows = compared.frame.dropna(subset=["corrected_p_value"])
    if rows.empty:
        hidden = explain_silence(compared)
        return [hidden] if hidden else []
    return [_state_comparison(compared, row) for row in rows.to_dict("records")]


def _state_comparison(compared: Published, row: dict) -> Finding:
    place = {"subject": row["subject"], "wait": row["wait"]}
    figures = [
        compared.read_figure("statistic", where=place, decimals=1),
        compared.read_figure("freedom", where=place, kind="count"),
        compared.read_figure("corrected_p_value", where=place, decimals=3),
        compared.read_figure("ticket_count", where=place, kind="count", unit="ticket"),
    ]
    p_value = float(row["corrected_p_value"])
    kind = "differ_clearly" if p_value < SMALL_P_VALUE else "differ"
    if p_value >= SURE_P_VALUE:
        kind = "alike"
    count = compared.read_figure("customer_count", where=place, kind="count")
    return write_finding(f"support.comparison.{kind}", [*figures, count], count=count, words=place)


def state_groups(groups: Published, column: str, *, of: str) -> list[Finding]:
    """Say how long the tickets of each group wait, the longest first.

    ``of`` names what the groups are, such as "topic".
    """
    if groups.empty:
        return [explain_absence(groups)]
    rows = groups.frame.dropna(subset=["median_hours"])
    rows = rows.sort_values("median_hours", ascending=False, kind="stable")
    if rows.empty:
        hidden = explain_silence(groups)
        return [hidden] if hidden else []
    return [_state_group(groups, column, row, of) for row in rows.to_dict("records")[:MOST_TOLD]]


def _state_group(groups: Published, column: str, row: dict, of: str) -> Finding:
    place = {column: row[column]}
    hours = groups.read_figure(
        "median_hours", where=place, interval=("low", "high"), decimals=1, name="hours"
    )
    count = groups.read_figure("ticket_count", where=place, kind="count", unit="ticket")
    is_known = row["low"] == row["low"] and row["high"] == row["high"]
    kind = "median" if is_known else "median_interval_unknown"
    words = {"of": of, "group": row[column]}
    return write_finding(f"support.groups.{kind}", [hours, count], words=words)


def state_states(states: Published, column: str) -> list[Finding]:
    """Say after which events, or in which queues, the hours until a resolution pass."""
    if states.empty:
        return [explain_absence(states)]
    rows = states.frame.dropna(subset=["hour_share"]).head(MOST_TOLD)
    if rows.empty:
        hidden = explain_silence(states)
        return [hidden] if hidden else []
    parts = [_state_part(states, column, state) for state in rows[column]]
    shares = [
        replace(figure, name=f"share_{number}")
        for number, part in enumerate(parts)
        for figure in part.figures
    ]
    words = {"parts": join_words([part.text for part in parts])}
    return [write_finding("support.states.told", shares, words=words)]


def _state_part(states: Published, column: str, state: str) -> Finding:
    share = states.read_figure("hour_share", where={column: state}, kind="share", name="share")
    return write_finding(f"support.states.{column}", [share], words={"state": state})


def state_handovers(handovers: Published) -> list[Finding]:
    """Say in which segments tickets change hands and come back; of all tickets, how many do."""
    if handovers.empty:
        return [explain_absence(handovers)]
    if len(handovers.frame) > 1:
        return state_measures(handovers)
    counts = {"handed": "ticket_count", "reopened": "resolved_count"}
    known = [stem for stem in counts if handovers.frame[f"{stem}_share"].notna().all()]
    return [_state_handover(handovers, stem, counts[stem]) for stem in known]


def _state_handover(handovers: Published, stem: str, counted: str) -> Finding:
    ends = (f"{stem}_low", f"{stem}_high")
    share = handovers.read_figure(f"{stem}_share", kind="share", name="share", interval=ends)
    count = handovers.read_figure(counted, kind="count", unit="ticket")
    return write_finding(f"support.handovers.{stem}", [share, count])
