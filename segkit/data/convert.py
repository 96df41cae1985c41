"""Convert columns from how they were found to what the contract says, without losing a row.

A value that cannot be converted becomes null and is marked as faulty; the checks reject its row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import duckdb

from segkit.contract.definitions import Column
from segkit.data.columns import OWN, Source, quote, text_literal

NO_TEXT = ("", "\\N")
NO_CATEGORY = (*NO_TEXT, "NA", "N/A", "NULL", "NaN", "nan")
NO_ID = (*NO_CATEGORY, "null", "None", "none", "<NA>", "#N/A")
NO_NUMBER = (*NO_ID, "-", "?", "inf", "-inf", "Infinity", "-Infinity", "NaT", "n/a", "na")
NOTHING = {"text": NO_TEXT, "category": NO_CATEGORY, "id": NO_ID}
KEEPS_NA = ("country", "region")  # NA is Namibia
TRUE_TEXTS = ("true", "t", "yes", "y", "1", "1.0", "on")
FALSE_TEXTS = ("false", "f", "no", "n", "0", "0.0", "off")
NUMBERS = ("integer", "number", "money")
TIMES = ("date", "datetime")
SANE = "BETWEEN '1000-01-01' AND '3000-12-31'"  # other years are another format misread

_CLOCK = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_DAY_FIRST = [f"%d{sep}%m{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_MONTH_FIRST = [f"%m{sep}%d{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_NAMED = ["%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y"]
DATE_FORMATS = (*_DAY_FIRST, *_MONTH_FIRST, *_NAMED, "%Y.%m.%d")
SAMPLE_VALUES = 2_000
LARGEST_OWN = "1e30"  # of the numbers of one's own; their squares are numbers too
COLUMNS_AT_ONCE = 100  # are counted in one query
MOSTLY_NUMBERS = 0.9  # of the values; then those that are none deserve a look


class Guess(NamedTuple):
    """What had to be guessed about a column, as an entry of the quality table."""

    rule: str
    severity: str
    row_count: int
    reason: str
    treatment: str


def convert_source(source: Source) -> tuple[str, list[Guess]]:
    """Return the query that converts a source's columns, and what had to be guessed for it.

    The query gives ``source_row``, ``row_hash``, the converted columns, and ``faulty_<column>``
    where a conversion may fail.
    """
    guesses = _settle_own(source)
    columns = [column for column in source.table.columns if column.name in source.columns]
    _create_texts(source, columns)
    values = ["source_row", "row_hash"]
    kept = ["source_row", "row_hash"]
    # Every column is named: a star that replaces takes DuckDB the square of the columns' number.
    for column in columns:
        own = quote(column.name)
        text = f"text_{column.name}"
        value, guess = _convert_column(source, column)
        values.append(f"{value} AS {own}")
        if guess is not None:
            guesses.append(guess)
        is_bound = column.kind in NUMBERS or column.kind in TIMES
        bound = f"{_bound_column(column)} AS {own}" if is_bound else own
        kept.append(bound)
        if column.kind not in NOTHING:
            values.append(text)
            is_null = f"({_bound_column(column)}) IS NULL" if is_bound else f"{own} IS NULL"
            kept.append(f"{text} IS NOT NULL AND {is_null} AS faulty_{column.name}")
    # One level a step, so that no expression is computed twice.
    query = f"SELECT {', '.join(values)} FROM texts_{source.name}"
    return f"SELECT {', '.join(kept)} FROM ({query})", guesses


def _create_texts(source: Source, columns: Sequence[Column]) -> None:
    """Create the view ``texts_<table>`` of trimmed texts, null where a text says that it is none.

    A number or time that is stored as one stays what it is, see `_trim`.
    """
    trimmed = ["source_row", "row_hash"]
    emptied = ["source_row", "row_hash"]
    for column in columns:
        name = column.name
        text = f"text_{name}"
        trimmed.append(f"{_trim(column, source.types[name])} AS {text}")
        if _is_typed(column, source.types[name]):
            emptied.append(text)
            continue
        nothing = NO_TEXT if name in KEEPS_NA else NOTHING.get(column.kind, NO_NUMBER)
        longest = max(map(len, nothing))  # a length is compared faster than a list
        is_some = f"(strlen({text}) > {longest} OR {text} NOT IN ({_list(nothing)}))"
        emptied.append(f"CASE WHEN {is_some} THEN {text} END AS {text}")
    query = f"SELECT {', '.join(trimmed)} FROM {source.raw}"
    query = f"SELECT {', '.join(emptied)} FROM ({query})"
    source.con.execute(f"CREATE OR REPLACE VIEW texts_{source.name} AS {query}")


def _convert_column(source: Source, column: Column) -> tuple[str, Guess | None]:
    """Return the expression that reads a column's text, and what was guessed for it."""
    text = f"text_{column.name}"
    found = source.types[column.name]
    if column.kind == "id" and found == "VARCHAR":
        return _convert_id(source, column.name)
    if column.kind in NUMBERS:
        if _is_typed(column, found):
            return f"{text}::DOUBLE", None
        return _convert_number(text, source.spec.decimal), None
    if column.kind in TIMES:
        if _is_typed(column, found):
            return f"{text}::TIMESTAMP", None
        return _convert_date(source, column.name)
    if column.kind == "boolean":
        return _convert_boolean(text), None
    return text, None


def _bound_column(column: Column) -> str:
    """Return a number or time, null where it is infinite or its year is none."""
    own = quote(column.name)
    if column.kind in NUMBERS:
        return f"CASE WHEN isfinite({own}) THEN {own} END"
    value = f"{own}::DATE" if column.kind == "date" else own
    return f"CASE WHEN {own} {SANE} THEN {value} END"


def _settle_own(source: Source) -> list[Guess]:
    """Let the values of each feature of one's own decide its kind, so that none is refused.

    It is a number, or a boolean, if all values are; else a category. Where most are numbers, the
    others are told as a guess; a number past ``LARGEST_OWN`` is none.
    """
    columns = []
    guesses = []
    own = [column for column in source.table.columns if column.kind == OWN]
    counts = _count_kinds(source, own)
    for column in source.table.columns:
        if column.kind != OWN:
            columns.append(column)
            continue
        count, number_count, boolean_count = counts[column.name]
        kind = "category"
        if count and boolean_count == count:
            kind = "boolean"
        if count and number_count == count:
            kind = "number"
        columns.append(dataclasses.replace(column, kind=kind))
        if MOSTLY_NUMBERS * count <= number_count < count:
            guesses.append(
                Guess(
                    f"mixed_{column.name}",
                    severity="warning",
                    row_count=count - number_count,
                    reason=f"Most values of {column.name} are numbers, but not these.",
                    treatment="Kept: the whole column is read as categories.",
                )
            )
    source.table = dataclasses.replace(source.table, columns=tuple(columns))
    return guesses


def _count_kinds(source: Source, columns: Sequence[Column]) -> dict[str, tuple[int, int, int]]:
    """Return how many values columns of one's own have, and how many are numbers, and booleans."""
    found = {}
    for first in range(0, len(columns), COLUMNS_AT_ONCE):
        part = columns[first : first + COLUMNS_AT_ONCE]
        texts = []
        values = []
        counts = []
        for number, column in enumerate(part):
            kind = source.types[column.name]
            text = f"t{number}"
            is_typed = _is_typed(dataclasses.replace(column, kind="number"), kind)
            read = f"{text}::DOUBLE" if is_typed else _convert_number(text, source.spec.decimal)
            texts.append(f"{_trim(column, kind)} AS {text}")
            values.append(f"CASE WHEN {text} NOT IN ({_list(NO_NUMBER)}) THEN {text} END AS {text}")
            counts.append(f"count({text})")
            counts.append(f"count(*) FILTER (abs({read}) <= {LARGEST_OWN})")
            counts.append(f"count({_convert_boolean(text)})")
        query = f"SELECT {', '.join(texts)} FROM {source.raw}"
        query = f"SELECT {', '.join(values)} FROM ({query})"
        (row,) = source.con.execute(f"SELECT {', '.join(counts)} FROM ({query})").fetchall()
        for number, column in enumerate(part):
            found[column.name] = row[3 * number : 3 * number + 3]
    return found


def _convert_boolean(text: str) -> str:
    return f"""CASE WHEN lower({text}) IN {TRUE_TEXTS} THEN true
        WHEN lower({text}) IN {FALSE_TEXTS} THEN false END"""


def _is_typed(column: Column, found: str) -> bool:
    """Say whether a column needs no reading: a number or a time that is stored as one."""
    if column.kind in TIMES:
        return found.startswith(("TIMESTAMP", "DATE"))
    is_number = (
        found.endswith("INT")
        or found == "UINTEGER"
        or found.startswith(("INT", "DEC", "FLOAT", "DOUBLE"))
    )
    return column.kind in NUMBERS and is_number


def _trim(column: Column, found: str) -> str:
    """Return a column as trimmed text; a number or time in its place stays what it is."""
    name = quote(column.name)
    is_typed = _is_typed(column, found)
    if found in ("FLOAT", "DOUBLE"):
        text = name if is_typed else _write_number(name)
        return f"CASE WHEN isfinite({name}) THEN {text} END"
    if is_typed:
        return name
    text = f"{name}::VARCHAR"
    is_padded = f"{text} < '!' OR ({text})[-1] <= ' '"  # trimming all takes longer
    return f"CASE WHEN {is_padded} THEN trim({text}, E' \\t\\n\\r\\x0b\\f') ELSE {text} END"


def _write_number(name: str) -> str:
    """Return a floating-point number as text; a whole one as 17850, not 17850.0."""
    is_whole = f"{name} = round({name}) AND abs({name}) < 1e38"
    whole = f"{name}::DECIMAL(38, 0)::VARCHAR"
    return f"CASE WHEN {is_whole} THEN {whole} ELSE {name}::VARCHAR END"


def _list(texts: Sequence[str]) -> str:
    return ", ".join(map(text_literal, texts))


def _convert_id(source: Source, name: str) -> tuple[str, Guess | None]:
    """See whether a program has turned whole numbers into 17850.0, all of them."""
    text = f"text_{name}"
    known = f"FROM texts_{source.name} WHERE {text} IS NOT NULL"
    other = f"SELECT 1 {known} AND NOT regexp_full_match({text}, '[0-9]+[.]0') LIMIT 1"
    if source.con.execute(other).fetchall():
        return text, None
    count = source.con.execute(f"SELECT count(*) {known}").fetchall()[0][0]
    if not count:
        return text, None
    guess = Guess(
        f"decimal_id_{name}",
        severity="note",
        row_count=count,
        reason=f"Every {name.replace('_', ' ')} ends in .0.",
        treatment="Read without the .0, as the whole number that it was.",
    )
    return f"replace({text}, '.0', '')", guess


def _convert_number(text: str, mark: str) -> str:
    """Read numbers with the plan's decimal mark, also with thousands apart."""
    other = "." if mark == "," else ","
    separators = rf"[ ''\x{{A0}}\x{{202F}}{other}]"
    grouped = rf"[+-]?[0-9]{{1,3}}({separators}[0-9]{{3}})+([{mark}][0-9]*)?"
    return f"""TRY_CAST(replace(CASE
        WHEN NOT regexp_matches({text}, '[^-+.,0-9eE]|[{other}]') THEN {text}
        WHEN regexp_full_match({text}, '{grouped}')
        THEN regexp_replace({text}, '{separators}', '', 'g') END, '{mark}', '.') AS DOUBLE)"""


def _convert_date(source: Source, name: str) -> tuple[str, Guess | None]:
    """Read dates: by the plan's format, as ISO 8601, or by the format that fits most."""
    dates = _DateTexts(source, name)
    total, iso_count = dates.count("true", f"{dates.iso} {SANE}")
    declared = source.spec.date_format
    if declared and total:
        parsed = _read_declared(source, name, dates, declared)
        if parsed:
            return parsed, None
    if iso_count == total:
        return dates.iso, None
    dates.drop_iso()
    fitting = dates.count_formats()
    if not fitting:
        return dates.iso, None
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
        return f"try_strptime({self.text}, [{_list(formats)}])"

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


def _doubt_date(dates: _DateTexts, name: str, best: str, fitting: dict[str, int]) -> Guess | None:
    """Return a warning where day and month could as well be the other way round."""
    swapped = best.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    if fitting.get(swapped, 0) < 0.95 * fitting[best]:
        return None
    as_best = dates.parse(best)
    as_swapped = dates.parse(swapped)
    (unsure,) = dates.count(f"{as_swapped} {SANE} AND {as_best} <> {as_swapped}")
    if not unsure:
        return None
    first = "day" if best.startswith("%d") else "month"
    return Guess(
        f"ambiguous_date_{name}",
        severity="warning",
        row_count=unsure,
        reason=f"The {name.replace('_', ' ')} may be day first or month first.",
        treatment=f"Read with the {first} first; declare date_format in the plan to be sure.",
    )
