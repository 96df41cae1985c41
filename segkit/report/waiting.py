"""How long tickets wait and where the time goes, in tables and sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd
from ibis import Table

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import Published
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
from segkit.report.by_segment import state_measures
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import View
from segkit.report.support import (
    COMPARISONS,
    EVENTS,
    FATES,
    HANDOVERS,
    STATES,
    TOPIC_HOURS,
    WAITS,
    plot_waits,
)

CAPTIONS = {
    "waits_compared": ("Do they wait equally long? The log-rank test", True),
    "hours_by_topic": ("Hours until half of the tickets are resolved, by topic", False),
    "hours_after_event": ("Where the time goes until a resolution", False),
    "handovers": ("Tickets that change hands or come back, by segment", False),
}
MOST_TOLD = 3
SURE_P_VALUE = 0.05
SMALL_P_VALUE = 0.001


def list_wait_tables(
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
    fates = count_fates(tickets)
    found = [(fates, FATES)]
    if tickets is None or fates.empty:
        return found
    found += [
        (estimate_waits_by_segment(tickets, segments), WAITS),
        (compare_all_waits(tickets, segments), COMPARISONS),
        (estimate_resolution(tickets, by="topic"), TOPIC_HOURS),
    ]
    events = tables.get("ticket_events")
    if events is not None:
        handovers = summarise_handovers(events, tickets, segments, support=support)
        found += [(summarise_states(events, tickets), STATES), (handovers, HANDOVERS)]
        counted = count_events(events, tickets)
        found += [(counted, EVENTS)] if counted["event_count"].all() else []
    return found


def lay_out_waits(shown: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of the tables of `list_wait_tables`; one line where nothing is."""
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
    is_known = handovers.frame[list(ends)].notna().all(axis=None)
    kind = stem if is_known else f"{stem}_interval_unknown"
    return write_finding(f"support.handovers.{kind}", [share, count])
