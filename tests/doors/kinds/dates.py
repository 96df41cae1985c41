"""Faults of dates: zones, dates that stand for nothing, formats, the last day counted."""

from __future__ import annotations

import datetime
import random

import pandas as pd

from tests.doors.case import Case, draw_good
from tests.doors.kinds.registry import draw_lines, draw_people, kind, pick, put, set_truth, texts_of
from tests.doors.styles import DATES, write_format, write_time

ZONE = (r"\bzone", "offset", r"\butc\b", "clock")
WHEN = ("ordered_at",)
PLACEHOLDER = ("stand for nothing", "placeholder", "no date", "stands for", "1900", "1970", "9999")
NO_DATE = ("not a date",)


def draw_offsets(rng: random.Random) -> Case:
    """Draw lines whose times have offsets, a third of them soon after midnight."""
    case = draw_lines(rng, {"date": "iso offset"})
    case.naive_clock = "utc"
    lines = case.tables["order_lines"]
    times = lines["ordered_at"].tolist()
    moved = {order: rng.random() < 0.33 for order in sorted(set(lines["order_id"]))}
    early = [
        t.replace(hour=t.minute % 2) if moved[o] else t
        for t, o in zip(times, lines["order_id"], strict=True)
    ]
    lines["ordered_at"] = early
    set_truth(case, case.tables)
    return case


@kind("times with an offset, at night", ZONE, WHEN, core=True)
def offsets(rng: random.Random) -> Case:
    """The shop's own clock is what counts, also after midnight."""
    return draw_offsets(rng)


@kind("zone dropped in some rows", ZONE, WHEN, core=True)
def zone_dropped(rng: random.Random) -> Case:
    """Some rows have lost the offset that the others have."""
    case = draw_offsets(rng)
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.05, 0.6)
    texts = [write_time(time, case.style)[:-6] for time in texts_of(lines, "ordered_at", rows)]
    put(lines, "ordered_at", rows, texts)
    return case


@kind("offsets mixed", ZONE, WHEN, core=True)
def zones_mixed(rng: random.Random) -> Case:
    """Some rows were written in UTC, with Z, the others in the shop's clock."""
    case = draw_offsets(rng)
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.1, 0.6)
    texts = []
    for time in texts_of(lines, "ordered_at", rows):
        local = datetime.datetime.fromisoformat(write_time(time, case.style))
        texts.append(local.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    put(lines, "ordered_at", rows, texts)
    return case


def draw_placeholders(rng: random.Random, case: Case, table: str, column: str) -> Case:
    """Put dates that stand for nothing into a few rows."""
    rows = pick(rng, case.tables[table], 0.01, 0.08)
    nothing = pd.Timestamp(rng.choice(["1900-01-01", "1970-01-01", "1900-01-01", "9999-12-31"]))
    values = case.tables[table][column].tolist()
    for row in rows:
        values[row] = write_format(nothing.to_pydatetime(), DATES[case.style.date][0])
    case.tables[table][column] = pd.Series(values, dtype=object)
    return case


@kind(
    "orders on days that stand for nothing",
    PLACEHOLDER,
    WHEN,
    (*PLACEHOLDER, "after the last day", "not a date"),
    core=True,
)
def placeholder_orders(rng: random.Random) -> Case:
    """A few orders are of 1900-01-01, 1970-01-01 or 9999-12-31."""
    case = draw_lines(rng, {"date": rng.choice([d for d in DATES if "offset" not in d])})
    return draw_placeholders(rng, case, "order_lines", "ordered_at")


@kind(
    "other days that stand for nothing",
    PLACEHOLDER,
    ("signed_up_on", "sent_at", "answered_at"),
    core=True,
)
def placeholder_others(rng: random.Random) -> Case:
    """The day of signing up, of a message or an answer stands for nothing."""
    table, column = rng.choice(
        [("customers", "signed_up_on"), ("messages", "sent_at"), ("responses", "answered_at")]
    )
    names = tuple(dict.fromkeys(["customers", table]))
    dates = [d for d in DATES if "offset" not in d]
    case = draw_people(rng, {"date": rng.choice(dates)}, tables=names)
    good = {name: frame.copy() for name, frame in case.tables.items()}
    case = draw_placeholders(rng, case, table, column)
    is_nothing = [isinstance(value, str) for value in case.tables[table][column]]
    good[table][column] = good[table][column].mask(pd.Series(is_nothing))
    if column == "sent_at":  # a message without a time is none
        good[table] = good[table].dropna(subset=[column])
    set_truth(case, good)
    return case


@kind(
    "day and month in two orders",
    ("day first", "month first", "formats", "not a date"),
    WHEN,
    NO_DATE,
    core=True,
)
def two_orders(rng: random.Random) -> Case:
    """Two exports in one file: the earlier rows day first, the later ones month first."""
    first, second = rng.choice(
        [("day first, stroke", "month first, stroke"), ("month first, stroke", "day first, stroke")]
    )
    case = draw_lines(rng, {"date": first, "declared": ()})
    lines = case.tables["order_lines"]
    rows = list(range(round(len(lines) * rng.uniform(0.3, 0.9)), len(lines)))
    late = texts_of(lines, "ordered_at", rows)
    put(lines, "ordered_at", rows, [time.strftime(DATES[second][0]) for time in late])
    return case


@kind("day and month that may be swapped", ("day first", "month first"), WHEN, core=True)
def swapped(rng: random.Random) -> Case:
    """No day is above 12, so that nobody knows which of the two is the month."""
    case = draw_lines(rng, {"date": "month first, stroke", "declared": ()})
    lines = case.tables["order_lines"]
    lines["ordered_at"] = [time.replace(day=1 + time.day % 11) for time in lines["ordered_at"]]
    set_truth(case, case.tables)
    case.naive_date = "day first, stroke"
    return case


@kind("numbers among dates", ("not a date", "serial", "seconds", "day number"), WHEN, NO_DATE)
def serials(rng: random.Random) -> Case:
    """Some cells are a spreadsheet's day numbers, or seconds since 1970."""
    case = draw_lines(rng, {"date": rng.choice(["iso day", "day first, dot", "iso time"])})
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.03, 0.4)
    origin, unit = rng.choice([("1899-12-30", "D"), ("1970-01-01", "s")])
    passed = [time - pd.Timestamp(origin) for time in texts_of(lines, "ordered_at", rows)]
    size = pd.Timedelta(1, unit)
    put(lines, "ordered_at", rows, [str(one // size) for one in passed])
    return case


@kind("days that are none", ("not a date",), WHEN, NO_DATE)
def impossible(rng: random.Random) -> Case:
    """The thirtieth of February."""
    case = draw_lines(rng, {"date": rng.choice(["iso day", "iso time", "day first, dot"])})
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.02, 0.08)
    texts = []
    for time in texts_of(lines, "ordered_at", rows):
        true = time.to_pydatetime().replace(month=2, day=28)
        texts.append(write_time(true, case.style).replace("28", "30", 1))
    put(lines, "ordered_at", rows, texts)
    return case


@kind("a mistyped year", (r"\byear", "date", "time"), WHEN, ("after the last day", "not a date"))
def years(rng: random.Random) -> Case:
    """A few orders are of another century."""
    case = draw_lines(rng, {"date": rng.choice(["iso day", "iso time", "day first, dot"])})
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.01, 0.03)
    texts = []
    wrong = rng.choice(["2204", "1924", "0024", "1024", "2042"])
    for time in texts_of(lines, "ordered_at", rows):
        true = time.to_pydatetime()
        texts.append(write_time(true, case.style).replace(str(true.year), wrong, 1))
    put(lines, "ordered_at", rows, texts)
    return case


@kind(
    "the last day counted, long after the data",
    ("as_of", "last day", "before"),
    ("as_of", "ordered_at"),
    core=True,
)
def late_as_of(rng: random.Random) -> Case:
    """The plan's as_of is left as the template has it."""
    case = draw_lines(rng)
    case.as_of = datetime.date(rng.choice([2026, 2027, 2030]), rng.choice([3, 6, 12]), 28)
    return case


@kind("solved before it was opened", ("before",), ("resolved_at", "opened_at"))
def solved_before(rng: random.Random) -> Case:
    """The times of some tickets are swapped."""
    case = draw_good(rng, tables=("customers", "tickets"), fixed={"date": "iso time"})
    tickets = case.tables["tickets"]
    rows = pick(rng, tickets, 0.05, 0.3)
    opened = list(texts_of(tickets, "opened_at", rows))
    solved = list(texts_of(tickets, "resolved_at", rows))
    put(tickets, "opened_at", rows, solved)
    put(tickets, "resolved_at", rows, opened)
    return case
