"""Dates and times as texts write them: by the plan's format, as ISO 8601, or as fits most.

A time that names its zone is read as the clock that it shows, see `segkit.data.zones`.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Sequence

import duckdb

from segkit.contract.definitions import Column
from segkit.data.columns import Source, text_literal
from segkit.data.notices import Notice, say_column
from segkit.data.placeholder_dates import (
    IS_FAR,
    NO_PLACEHOLDERS,
    ZEROS,
    Placeholders,
    find_placeholders,
    tell_placeholders,
)
from segkit.data.texts import is_typed, list_literals
from segkit.data.zones import (
    SUMMER_HOURS,
    ZoneCounts,
    check_zone,
    find_zone,
    is_utc,
    strip_zone,
    tell_typed_zone,
    tell_zones,
    turn_to_zone,
)

SANE = "BETWEEN '1000-01-01' AND '3000-12-31'"  # other years are another format misread

_CLOCK = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_DAY_FIRST = [f"%d{sep}%m{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_MONTH_FIRST = [f"%m{sep}%d{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_NAMED = ["%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y"]
DATE_FORMATS = (*_DAY_FIRST, *_MONTH_FIRST, *_NAMED, "%Y.%m.%d")
SAMPLE_VALUES = 2_000


@dataclasses.dataclass
class DateReading:
    """How a column of dates is read.

    ``value`` is the expression; ``day_first`` is None unless the format begins with day or month.
    ``other`` is the format in which ``unsure`` rows would be other days.
    """

    value: str
    notices: list[Notice] = dataclasses.field(default_factory=list)
    placeholders: Placeholders = NO_PLACEHOLDERS
    day_first: bool | None = None
    other: str = ""
    unsure: int = 0


def convert_dates(source: Source, columns: Sequence[Column]) -> dict[str, DateReading]:
    """Read each column of dates and times, and say what was guessed for it.

    Where day and month of one column can be told, others of the table follow it.

    Raises
    ------
    SegkitError
        If the plan's date format or time zone is none, or most of the dates that are needed
        stand for nothing.
    """
    check_zone(source)
    readings = {}
    texts = {}
    for column in columns:
        name = column.name
        if is_typed(column, source.types[name]):
            readings[name] = _read_typed(source, name)
        else:
            texts[name] = _DateTexts(source, name)
            readings[name] = _read_texts(source, name, texts[name])
    _settle_order(texts, readings)
    for column in columns:
        name = column.name
        reading = readings[name]
        if name in texts:
            texts[name].finish(source, reading)
        _find_placeholders(source, column, reading, texts.get(name))
    return readings


def _read_typed(source: Source, name: str) -> DateReading:
    """Read a column that is stored as dates or times."""
    text = f"text_{name}"
    if source.types[name] != "TIMESTAMP WITH TIME ZONE":
        return DateReading(f"{text}::TIMESTAMP")
    notices = tell_typed_zone(source, name)
    value = f"timezone({text_literal(source.time_zone or 'UTC')}, {text})"
    return DateReading(value, notices)


def _read_texts(source: Source, name: str, dates: _DateTexts) -> DateReading:
    """Read dates: by the plan's format, as ISO 8601, or by the format that fits most."""
    total, iso_count = dates.count("true", f"{dates.iso} {SANE}")
    declared = source.spec.date_format
    if declared and total:
        parsed = _read_declared(source, name, dates, declared)
        if parsed:
            return DateReading(parsed)
    if iso_count == total:
        return DateReading(dates.iso)
    dates.drop_iso()
    fitting = dates.count_formats()
    if not fitting:
        return DateReading(dates.iso)
    best = max(fitting, key=lambda date_format: fitting[date_format])  # day first where they tie
    reading = DateReading(f"coalesce({dates.parse(best)}, {dates.iso})")
    if best.startswith(("%d", "%m")) and "%b" not in best.lower():
        reading.day_first = best.startswith("%d")
        _doubt_order(dates, best, fitting, reading)
    return reading


class _DateTexts:
    """The different texts of one column of dates, how often each is there, and ways to read them.

    They lie in a temporary table ``dates_<column>``; those that are not ISO 8601, once these are
    known, in ``other_<column>``.
    """

    def __init__(self, source: Source, name: str):
        self.con = source.con
        self.name = name
        self.text = f"text_{name}"
        self.table = f"dates_{name}"
        self.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE {self.table} AS
            SELECT *, {find_zone(self.text)} AS zone
            FROM (SELECT {self.text}, count(*) AS rows FROM texts_{source.name} GROUP BY ALL
                HAVING regexp_matches({self.text}, '[0-9]'))"""
        )
        (zoned,) = self.count("zone <> ''")
        self.is_zoned = zoned > 0
        self.clock = strip_zone(self.text) if self.is_zoned else self.text
        self.iso = f"TRY_CAST({self.clock} AS TIMESTAMPTZ)::TIMESTAMP"

    def count(self, *tests: str, table: str = "") -> tuple[int, ...]:
        """Return how many rows meet each test."""
        sums = [f"coalesce(sum(rows) FILTER ({test}), 0)::BIGINT" for test in tests]
        query = f"SELECT {', '.join(sums)} FROM {table or self.table}"
        return self.con.execute(query).fetchall()[0]

    def drop_iso(self) -> None:
        """Go on without the texts that are ISO 8601."""
        other = f"other_{self.name}"
        self.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE {other} AS
            FROM {self.table} WHERE ({self.iso} {SANE}) IS NOT true"""
        )
        self.table = other

    def parse(self, date_format: str) -> str:
        """Return the expression that reads a format, with any time of day after it."""
        formats = [date_format + clock for clock in _CLOCK]
        return f"try_strptime({self.clock}, [{list_literals(formats)}])"

    def count_formats(self) -> dict[str, int]:
        """Return how many rows the likely formats read, those that do well on a part of them."""
        part = f"(FROM {self.table} ORDER BY hash({self.text}) LIMIT {SAMPLE_VALUES})"
        tests = [f"{self.parse(date_format)} {SANE}" for date_format in DATE_FORMATS]
        hits = dict(zip(DATE_FORMATS, self.count(*tests, table=part), strict=True))
        most = max(hits.values())
        likely = [f for f in DATE_FORMATS if hits[f] > 0 and hits[f] >= 0.5 * most]
        if not likely:
            return {}
        counts = self.count(*(f"{self.parse(date_format)} {SANE}" for date_format in likely))
        return dict(zip(likely, counts, strict=True))

    def finish(self, source: Source, reading: DateReading) -> None:
        """Say what was done with the zones that the texts name, and turn UTC to the plan's."""
        self.table = f"dates_{self.name}"
        if not self.is_zoned:
            return
        is_read = f"{reading.value} IS NOT NULL"
        is_there = f"zone <> '' AND {is_read}"
        is_timed = f"zone = '' AND contains({self.text}, ':') AND {is_read}"
        zoned, utc, local = self.count(is_there, f"{is_there} AND {is_utc('zone')}", is_timed)
        hours = "TRY_CAST(regexp_extract(zone, '[+-]([0-9]{1,2})', 1) AS INTEGER)"
        query = f"""SELECT count(DISTINCT zone), coalesce(max({hours}), 0) FROM {self.table}
            WHERE {is_there}"""
        zone_count, furthest = self.con.execute(query).fetchall()[0]
        counts = ZoneCounts(zoned, utc, local, zone_count, furthest > SUMMER_HOURS)
        reading.notices += tell_zones(source, self.name, counts)
        if source.time_zone and utc:
            turned = turn_to_zone(reading.value, source.time_zone)
            test = is_utc(find_zone(self.text))
            reading.value = f"CASE WHEN {test} THEN {turned} ELSE {reading.value} END"


def _read_declared(source: Source, name: str, dates: _DateTexts, declared: str) -> str:
    """Return the expression that reads the plan's format; empty where it reads nothing.

    Raises
    ------
    SegkitError
        If it is no format of dates.
    """
    local = re.sub(" ?%[zZ]", "", declared)
    parsed = f"try_strptime({dates.clock}, {text_literal(local)})"
    if local == declared and dates.is_zoned:  # the format may write the zone out
        parsed = f"coalesce(try_strptime({dates.text}, {text_literal(declared)}), {parsed})"
    try:
        if "%" not in local:
            raise duckdb.Error("no % sign")
        (count,) = dates.count(f"{parsed} {SANE}")
    except duckdb.Error as error:
        source.label = source.locate(name)
        fix = "Write it like %d/%m/%Y, or leave it out to have it detected."
        reason = f"{declared!r} ({str(error).splitlines()[0][:100]})"
        raise source.fail("the plan's date_format is none", reason, fix) from None
    return parsed if count else ""


def _doubt_order(
    dates: _DateTexts, best: str, fitting: dict[str, int], reading: DateReading
) -> None:
    """Say in the reading whether day and month could as well be the other way round.

    Where some dates can only be read so, the others were written by two hands.
    """
    swapped = best.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    as_best = dates.parse(best)
    as_swapped = dates.parse(swapped)
    if fitting.get(swapped, 0) < 0.95 * fitting[best]:
        reading.notices += _tell_two_orders(dates, best, as_swapped)
        return
    (unsure,) = dates.count(f"{as_swapped} {SANE} AND {as_best} <> {as_swapped}")
    if unsure:
        reading.unsure = unsure
        reading.other = f"coalesce({as_swapped}, {dates.iso})"


def _tell_two_orders(dates: _DateTexts, best: str, as_swapped: str) -> list[Notice]:
    """Warn where some dates have the day first and others the month."""
    (other,) = dates.count(f"{as_swapped} {SANE} AND {dates.parse(best)} IS NULL")
    if not other:
        return []
    first, second = ("day", "month") if best.startswith("%d") else ("month", "day")
    return [
        Notice(
            f"two_orders_{dates.name}",
            severity="warning",
            row_count=other,
            reason=f"Most of the {say_column(dates.name)} is {first} first, but these rows can "
            f"only be {second} first; so may be others that are read as they are not.",
            treatment="Set aside; write all dates in one way.",
        )
    ]


def _settle_order(texts: dict[str, _DateTexts], readings: dict[str, DateReading]) -> None:
    """Let columns that may be day or month first follow those that can be one of them only."""
    known = {r.day_first for r in readings.values() if r.day_first is not None and not r.unsure}
    for name in texts:
        reading = readings[name]
        if not reading.unsure:
            continue
        if len(known) == 1:
            (day_first,) = known
            if day_first != reading.day_first:
                reading.value = reading.other
                reading.day_first = day_first
        first = "day" if reading.day_first else "month"
        treatment = f"Read with the {first} first; declare date_format in the plan to be sure."
        if len(known) == 1:
            treatment = f"Read with the {first} first, as other dates of the table are."
        reading.notices.append(
            Notice(
                f"ambiguous_date_{name}",
                severity="note" if len(known) == 1 else "warning",
                row_count=reading.unsure,
                reason=f"The {say_column(name)} may be day first or month first.",
                treatment=treatment,
            )
        )


def _find_placeholders(
    source: Source, column: Column, reading: DateReading, texts: _DateTexts | None
) -> None:
    """Find the dates that stand for nothing, and say so in the reading."""
    text = f"text_{column.name}"
    table = f"texts_{source.name}"
    rows = "count(*)"
    zeros = 0
    is_far = IS_FAR.format(text)
    if texts is not None:
        table = texts.table
        rows = "sum(rows)::BIGINT"
        is_far = IS_FAR.format(f"({reading.value})")
        (zeros,) = texts.count(f"regexp_full_match({text}, {ZEROS})")
    query = f"SELECT ({reading.value})::DATE, {rows} FROM {table} WHERE {is_far} GROUP BY 1"
    counts = {
        day: count
        for day, count in source.con.execute(query).fetchall()
        if isinstance(day, datetime.date)  # not what is past the years that Python knows
    }
    found = find_placeholders(counts, zeros)
    if found.count:
        query = f"SELECT count({text}) FROM texts_{source.name}"
        value_count = source.con.execute(query).fetchall()[0][0]
        reading.placeholders = found
        reading.notices += tell_placeholders(source, column, found, value_count=value_count)
