"""One row a ticket: how long it waited, and whether that was its end. It stays in the engine.

A ticket that is open has waited until the end of ``as_of``, and may go on: it is *censored*. What
was resolved after ``as_of`` was open then. Nothing is left out in silence: ``fate`` says what
became of each ticket, those that say nothing of waiting as well.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping

import ibis
from ibis import _, ir

from segkit.core.errors import SegkitError
from segkit.features.expressions import find_column, keep_until, round_ratio
from segkit.plan.support import Support

RESOLVED = "resolved"
OPEN = "still open"
WITHDRAWN = "withdrawn"
UNTIMED = "ended at an unknown time"
BACKWARDS = "ended before it was opened"
LEFT_OUT = "no request of its own"
# What says something of waiting; the others are counted and left out.
WAITED = (RESOLVED, OPEN, WITHDRAWN)
FATES = (*WAITED, UNTIMED, BACKWARDS, LEFT_OUT)
# A status that says so, of a ticket without a time of resolution.
ENDED = ("resolved", "solved", "closed", "done", "complete", "completed")
HOUR_SECONDS = 3600
WEEK_DAYS = 7
WEEK_HOURS = 24 * WEEK_DAYS
MOST_NAMED = 8
KEPT = ("customer_id", "topic", "channel", "satisfaction")


def prepare_tickets(
    tables: Mapping[str, ir.Table], *, as_of: datetime.date, support: Support | None = None
) -> ir.Table | None:
    """Express one row a ticket with how long it waited; None without tickets and their events.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Accepted tables, of which ``tickets`` and ``ticket_events`` are read. Without tickets each
        ticket that an event names is one, opened at its first event.
    as_of : datetime.date
        The last day counted.
    support : Support, optional
        What the plan says that events and statuses mean. An event that it calls resolved goes
        before the tickets' own time.

    Returns
    -------
    ibis.Table or None
        ticket_id, opened_at, fate (one of `FATES`), answer_hours and resolve_hours (until it
        happened, or until the end of ``as_of`` or the withdrawal; null where the fate says nothing
        of waiting, or nothing tells of it), is_answered, is_resolved, and of the tickets' own
        columns customer_id, topic, channel and satisfaction. A ticket that was resolved counts as
        answered by then. Of several resolutions the first counts.

    Raises
    ------
    SegkitError
        If none of the events is one that the plan calls resolved.
    """
    support = support or Support()
    events = tables.get("ticket_events")
    tickets = tables.get("tickets")
    if events is not None:
        require_events(events, support.resolved)
    if tickets is None:
        if events is None:
            return None
        tickets = events.group_by("ticket_id").agg(opened_at=_.occurred_at.min())
    tickets = keep_until(tickets, "opened_at", as_of)
    ends = ibis.literal(as_of + datetime.timedelta(days=1)).cast("timestamp")
    tells_answers = "answered_at" in tickets.columns
    tells_answers |= events is not None and bool(support.answered)
    moments = {"answered_at": support.answered, "resolved_at": support.resolved}
    for name, words in moments.items():
        tickets = tickets.mutate(**{name: find_column(tickets, name, "timestamp")})
        if events is not None and words:
            tickets = _add_moment(tickets, events, name, words)
    # What the tables tell of later days is not known on the last one.
    tickets = tickets.mutate(ends_later=(tickets.resolved_at >= ends).fill_null(False))
    for name in moments:
        moment = ibis.ifelse(tickets[name] < ends, tickets[name], ibis.null("timestamp"))
        tickets = tickets.mutate(**{name: moment})
    tickets = tickets.mutate(fate=_tell_fate(tickets, support))
    return _measure_waits(tickets, ends, tells_answers=tells_answers)


def average_hours(tickets: ir.Table, *, as_of: datetime.date) -> ir.Table:
    """Express ``hours_to_resolve`` by customer: the mean over tickets, a week at most each.

    Only tickets that were opened a week before the end of ``as_of`` count, so that each could be
    watched for a week, and an open one counts with the week: the mean is that of the time waited
    within a week, and what is still open does not make it smaller. Withdrawn tickets are left out.
    """
    old = keep_until(tickets, "opened_at", as_of - datetime.timedelta(days=WEEK_DAYS))
    old = old.filter(old.resolve_hours.notnull() & (old.fate != WITHDRAWN))
    hours = ibis.least(old.resolve_hours, ibis.literal(float(WEEK_HOURS)))
    return old.group_by("customer_id").aggregate(hours_to_resolve=round_ratio(hours.mean()))


def require_events(events: ir.Table, resolved: Collection[str]) -> None:
    """Raise an error if no event is one that the plan calls resolved, but there are events.

    Raises
    ------
    SegkitError
        With the events that there are.
    """
    if not resolved:
        return
    words = fold_text(events.event)
    found = events.group_by(word=words).agg(row_count=_.count())
    found = found.order_by([ibis.desc("row_count"), "word"]).to_pandas()
    wanted = {fold_word(word) for word in resolved}
    if found.empty or wanted & set(found["word"]):
        return
    raise SegkitError(
        "no event is called what the plan calls resolved, so that every ticket would be open",
        where="plan, [support] resolved",
        found=f"{', '.join(resolved)}; events are {', '.join(found['word'].head(MOST_NAMED))}",
        fix='Name the event with which a request is done: resolved = ["Resolve ticket"].',
    )


def fold_word(word: str) -> str:
    """Return a word as `fold_text` writes it.

    >>> fold_word(" Resolve_Ticket ")
    'resolve ticket'
    """
    return " ".join(word.lower().replace("-", " ").replace("_", " ").split())


def is_one_of(column: ir.StringValue, words: Collection[str]) -> ir.BooleanValue:
    """Tell where a column is one of some words, however they are written; a missing one is none."""
    wanted = sorted({fold_word(word) for word in words})
    if not wanted:
        return ibis.literal(False)
    return fold_text(column).isin(wanted).fill_null(False)


def fold_text(text: ir.StringValue) -> ir.StringValue:
    """Return texts in small letters; blanks, hyphens and underscores are one blank."""
    return text.lower().re_replace(r"[\s_-]+", " ").strip()


def _add_moment(tickets: ir.Table, events: ir.Table, name: str, words: Collection[str]) -> ir.Table:
    """Take the time when something happened first from the events of the tickets that have any."""
    told = events.mutate(is_told_=is_one_of(events.event, words)).group_by("ticket_id")
    told = told.agg(first_=_.occurred_at.min(where=_.is_told_), event_count_=_.count())
    joined = tickets.left_join(told, "ticket_id").drop("ticket_id_right")
    own = ibis.ifelse(joined.event_count_.isnull(), joined[name], joined.first_)
    return joined.mutate(**{name: own}).drop("first_", "event_count_")


def _tell_fate(tickets: ir.Table, support: Support) -> ir.StringValue:
    """Tell what became of each ticket by the end of the last day."""
    status = find_column(tickets, "status", "string")
    ended = tickets.resolved_at
    is_withdrawn = is_one_of(status, support.withdrawn)
    return ibis.cases(
        (is_one_of(status, support.left_out), LEFT_OUT),
        (ended < tickets.opened_at, BACKWARDS),
        (tickets.ends_later, OPEN),
        (is_withdrawn & ended.notnull(), WITHDRAWN),
        (ended.notnull(), RESOLVED),
        (is_withdrawn | is_one_of(status, ENDED), UNTIMED),
        else_=OPEN,
    )


def _measure_waits(tickets: ir.Table, ends: ir.TimestampValue, *, tells_answers: bool) -> ir.Table:
    """Add how long each ticket waited for an answer and for a resolution."""
    is_resolved = tickets.fate == RESOLVED
    is_known = tickets.fate.isin(WAITED)
    until = tickets.resolved_at.fill_null(ends)
    # A resolution answers, where nothing did before.
    by_then = ibis.ifelse(is_resolved, until, ibis.null("timestamp"))
    answered = ibis.least(tickets.answered_at.fill_null(by_then), by_then.fill_null(until))
    answered = ibis.ifelse(
        tickets.answered_at.isnull() & ~is_resolved, ibis.null("timestamp"), answered
    )
    is_backwards = (answered < tickets.opened_at).fill_null(False)
    waits = {
        "answer_hours": (answered.fill_null(until), is_known & ~is_backwards & tells_answers),
        "resolve_hours": (until, is_known),
    }
    hours = {
        name: ibis.ifelse(told, _count_hours(tickets.opened_at, end), ibis.null("float64"))
        for name, (end, told) in waits.items()
    }
    kept = [name for name in KEPT if name in tickets.columns]
    return tickets.select(
        "ticket_id",
        "opened_at",
        "fate",
        *kept,
        **hours,
        is_answered=answered.notnull(),
        is_resolved=is_resolved,
    )


def _count_hours(start: ir.TimestampValue, end: ir.TimestampValue) -> ir.FloatingValue:
    return (end.epoch_seconds() - start.epoch_seconds()) / HOUR_SECONDS
