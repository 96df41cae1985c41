"""Where the time of a request goes, by hand."""

from __future__ import annotations

import datetime

import ibis
import pandas as pd
import pytest
from published import publish

from segkit.core.absence import explain_empty
from segkit.evidence.experience.support import open_tickets
from segkit.evidence.experience.ticket_events import (
    count_events,
    summarise_handovers,
    summarise_states,
)
from segkit.plan.support import Support
from segkit.report import support, waiting

AS_OF = datetime.date(2026, 6, 2)
OPENED = pd.Timestamp("2026-06-01 00:00")
WORDS = Support(resolved=["resolved"], reopened=["reopened"])
# One ticket that goes on, waits and is resolved, and comes back; one that is open for two days.
EVENTS = [
    ("t1", 0, "opened", "first line"),
    ("t1", 2, "taken over", "second line"),
    ("t1", 5, "waits", "second line"),
    ("t1", 11, "resolved", "second line"),
    ("t1", 20, "reopened", "first line"),
    ("t1", 30, "resolved", "first line"),
    ("t2", 0, "opened", "first line"),
    ("t2", 8, "waits", "first line"),
    ("t9", 1, "opened", "first line"),  # of a ticket that is not in the table
    ("t1", 90, "waits", "first line"),  # after the last day
]


def make_tables(*, with_tickets: bool = True) -> dict[str, ibis.Table]:
    events = pd.DataFrame(EVENTS, columns=["ticket_id", "hours", "event", "queue"])
    events["occurred_at"] = OPENED + pd.to_timedelta(events.pop("hours"), unit="h")
    tables = {"ticket_events": ibis.memtable(events)}
    tickets = {"ticket_id": ["t1", "t2"], "customer_id": ["a", "b"], "opened_at": [OPENED] * 2}
    if with_tickets:
        tables["tickets"] = ibis.memtable(pd.DataFrame(tickets))
    return tables


@pytest.fixture
def tables() -> dict[str, ibis.Table]:
    return make_tables()


@pytest.fixture
def tickets(tables) -> ibis.Table:
    return open_tickets(tables, as_of=AS_OF, support=WORDS)


def test_hours_belong_to_the_event_before_until_the_resolution_or_the_last_day(tables, tickets):
    table = summarise_states(tables["ticket_events"], tickets).set_index("event")
    assert table["hours"].to_dict() == {"waits": 6 + 40, "opened": 2 + 8, "taken over": 3}
    assert table["ticket_count"].to_dict() == {"waits": 2, "opened": 2, "taken over": 1}
    assert table.loc["waits", "hour_share"] == pytest.approx(46 / 59)
    assert table.loc["waits", ["hours_largest", "hours_second"]].tolist() == [40, 6]
    assert table["hours"].sum() == 11 + 48


def test_hours_by_queue_say_where_tickets_lay(tables, tickets):
    table = summarise_states(tables["ticket_events"], tickets, column="queue").set_index("queue")
    assert table["hours"].to_dict() == {"first line": 50, "second line": 9}


def test_a_hand_over_is_an_event_of_another_queue_before_the_resolution(tables, tickets):
    row = summarise_handovers(tables["ticket_events"], tickets, support=WORDS).iloc[0]
    assert row["segment_name"] == "all tickets"
    assert (row["ticket_count"], row["handed_share"], row["mean_handovers"]) == (2, 0.5, 0.5)
    assert (row["resolved_count"], row["reopened_share"]) == (1, 1.0)


def test_hand_overs_are_told_by_segment_of_those_who_have_one(tables, tickets):
    segments = pd.DataFrame({"customer_id": ["b"], "segment_name": ["Rare"]})
    table = summarise_handovers(tables["ticket_events"], tickets, segments, support=WORDS)
    assert table["segment_name"].tolist() == ["Rare"]
    assert table["handed_share"].tolist() == [0]


def test_what_nothing_tells_of_is_missing(tables, tickets):
    events = tables["ticket_events"].drop("queue")
    row = summarise_handovers(events, tickets).iloc[0]
    assert row[["handed_share", "handed_low", "mean_handovers", "reopened_share"]].isna().all()
    assert "do not say who did them" in explain_empty(
        summarise_states(events, tickets, column="queue")
    )


def test_events_without_a_ticket_are_counted(tables, tickets):
    assert count_events(tables["ticket_events"], tickets)["event_count"].tolist() == [9, 1]
    shown = publish(count_events(tables["ticket_events"], tickets), support.EVENTS)
    told = waiting.state_events(shown)
    assert told[0].text == "Left out for want of a ticket that is known: 1 event of 10."


def test_without_tickets_each_that_an_event_names_is_one():
    tables = make_tables(with_tickets=False)
    tickets = open_tickets(tables, as_of=AS_OF, support=WORDS)
    assert int(tickets.count().execute()) == 3
    shown = [
        publish(table, view, smallest_cell=1)
        for table, view in waiting.list_wait_tables(
            tickets,
            tables,
            pd.DataFrame({"customer_id": [], "segment_name": []}, dtype=str),
            support=WORDS,
        )
    ]
    told = [finding.text for finding in waiting.lay_out_waits(shown)[0].thing]
    assert any("change hands before they are resolved" in text for text in told)
    assert any("pass after “waits”" in text for text in told)


def test_without_events_a_line_says_so():
    assert "ticket_events" in explain_empty(summarise_states(None, None))
    assert "ticket_events" in explain_empty(summarise_handovers(None, None))
