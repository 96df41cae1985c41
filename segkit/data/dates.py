"""Dates and times as texts write them: by the plan's format, as ISO 8601, or as fits most."""

from __future__ import annotations

import duckdb

from segkit.data.columns import Source, text_literal
from segkit.data.notices import Notice
from segkit.data.texts import list_literals

SANE = "BETWEEN '1000-01-01' AND '3000-12-31'"  # other years are another format misread

_CLOCK = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_DAY_FIRST = [f"%d{sep}%m{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_MONTH_FIRST = [f"%m{sep}%d{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_NAMED = ["%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y"]
DATE_FORMATS = (*_DAY_FIRST, *_MONTH_FIRST, *_NAMED, "%Y.%m.%d")
SAMPLE_VALUES = 2_000


def convert_date(source: Source, name: str) -> tuple[str, list[Notice]]:
    """Read dates: by the plan's format, as ISO 8601, or by the format that fits most."""
    dates = _DateTexts(source, name)
    total, iso_count = dates.count("true", f"{dates.iso} {SANE}")
    declared = source.spec.date_format
    if declared and total:
        parsed = _read_declared(source, name, dates, declared)
        if parsed:
            return parsed, []
    if iso_count == total:
        return dates.iso, []
    dates.drop_iso()
    fitting = dates.count_formats()
    if not fitting:
        return dates.iso, []
    best = max(fitting, key=lambda date_format: fitting[date_format])  # day first where they tie
    value = f"coalesce({dates.parse(best)}, {dates.iso})"
    return value, _doubt_date(dates, name, best, fitting)


class _DateTexts:
    """The different texts of one column of dates, how often each is there, and ways to read them.

    They lie in a temporary table ``dates`` until the next column's take their place.
    """

    def __init__(self, source: Source, name: str):
        self.con = source.con
        self.text = f"text_{name}"
        self.iso = f"TRY_CAST({self.text} AS TIMESTAMPTZ)::TIMESTAMP"
        self.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE dates AS SELECT {self.text}, count(*) AS rows
            FROM texts_{source.name} GROUP BY ALL HAVING regexp_matches({self.text}, '[0-9]')"""
        )

    def count(self, *tests: str, table: str = "dates") -> tuple[int, ...]:
        """Return how many rows meet each test."""
        sums = [f"coalesce(sum(rows) FILTER ({test}), 0)::BIGINT" for test in tests]
        return self.con.execute(f"SELECT {', '.join(sums)} FROM {table}").fetchall()[0]

    def drop_iso(self) -> None:
        """Go on without the texts that are ISO 8601."""
        self.con.execute(f"DELETE FROM dates WHERE {self.iso} {SANE}")

    def parse(self, date_format: str) -> str:
        """Return the expression that reads a format, with any time of day after it."""
        formats = [date_format + clock for clock in _CLOCK]
        return f"try_strptime({self.text}, [{list_literals(formats)}])"

    def count_formats(self) -> dict[str, int]:
        """Return how many rows the likely formats read, those that do well on a part of them."""
        part = f"(FROM dates ORDER BY hash({self.text}) LIMIT {SAMPLE_VALUES})"
        tests = [f"{self.parse(date_format)} {SANE}" for date_format in DATE_FORMATS]
        hits = dict(zip(DATE_FORMATS, self.count(*tests, table=part), strict=True))
        most = max(hits.values())
        likely = [f for f in DATE_FORMATS if hits[f] > 0 and hits[f] >= 0.5 * most]
        if not likely:
            return {}
        counts = self.count(*(f"{self.parse(date_format)} {SANE}" for date_format in likely))
        return dict(zip(likely, counts, strict=True))


def _read_declared(source: Source, name: str, dates: _DateTexts, declared: str) -> str:
    """Return the expression that reads the plan's format; empty where it reads nothing.

    Raises
    ------
    SegkitError
        If it is no format of dates.
    """
    parsed = f"try_strptime({dates.text}, {text_literal(declared)})"
    try:
        if "%" not in declared:
            raise duckdb.Error("no % sign")
        (count,) = dates.count(f"{parsed} {SANE}")
    except duckdb.Error as error:
        source.label = source.locate(name)
        fix = "Write it like %d/%m/%Y, or leave it out to have it detected."
        reason = f"{declared!r} ({str(error).splitlines()[0][:100]})"
        raise source.fail("the plan's date_format is none", reason, fix) from None
    return parsed if count else ""


def _doubt_date(dates: _DateTexts, name: str, best: str, fitting: dict[str, int]) -> list[Notice]:
    """Return a warning where day and month could as well be the other way round."""
    swapped = best.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    if fitting.get(swapped, 0) < 0.95 * fitting[best]:
        return []
    as_best = dates.parse(best)
    as_swapped = dates.parse(swapped)
    (unsure,) = dates.count(f"{as_swapped} {SANE} AND {as_best} <> {as_swapped}")
    if not unsure:
        return []
    first = "day" if best.startswith("%d") else "month"
    return [
        Notice(
            f"ambiguous_date_{name}",
            severity="warning",
            row_count=unsure,
            reason=f"The {name.replace('_', ' ')} may be day first or month first.",
            treatment=f"Read with the {first} first; declare date_format in the plan to be sure.",
        )
    ]
