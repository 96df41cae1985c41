"""Convert a column from how it was found to what the contract says, without losing a row.

A value that cannot be converted becomes null and is marked as faulty; the checks reject its row.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from segkit.data.columns import text_literal
from segkit.data.contract import TABLES, Column
from segkit.data.sources import Source
from segkit.errors import SegkitError
from segkit.plan import TableSpec

NO_TEXT = ("", "\\N")
NO_CATEGORY = (*NO_TEXT, "NA", "N/A", "NULL", "NaN", "nan")
NO_ID = (*NO_CATEGORY, "null", "None", "none", "<NA>", "#N/A")
NO_NUMBER = (*NO_ID, "-", "?", "inf", "-inf", "Infinity", "-Infinity", "NaT", "n/a", "na")
KEEPS_NA = ("country", "region")  # NA is Namibia
TRUE_TEXTS = ("true", "t", "yes", "y", "1", "1.0", "on")
FALSE_TEXTS = ("false", "f", "no", "n", "0", "0.0", "off")
EARLIEST_YEAR, LATEST_YEAR = 1000, 3000  # other years are another format misread

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_DAY_FIRST = [f"%d{sep}%m{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_MONTH_FIRST = [f"%m{sep}%d{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_NAMED = ["%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y"]
DATE_FORMATS = (*_DAY_FIRST, *_MONTH_FIRST, *_NAMED, "%Y.%m.%d")
SAMPLE_VALUES = 2_000


@dataclass(frozen=True)
class Reading:
    """How the values of one column are to be read.

    ``decimal`` is the decimal mark, ``date_format`` the date's format without its time (empty:
    ISO 8601), ``declared`` whether the plan gave it. ``ambiguous_count`` counts the values that
    mean another day with day and month changed over, ``comma_count`` those with a decimal comma
    that the plan does not declare, ``padded_count`` the identifiers where all end in ``.0``.
    """

    decimal: str = "."
    date_format: str = ""
    declared: bool = False
    ambiguous_count: int = 0
    comma_count: int = 0
    padded_count: int = 0


@ibis.udf.scalar.builtin
def try_strptime(text: str, formats: dt.Array(dt.string)) -> dt.Timestamp():
    """Parse a date and time by the first format that fits, or give null."""


def inspect_columns(
    con: duckdb.DuckDBPyConnection, source: Source, spec: TableSpec
) -> dict[str, Reading]:
    """Find out how each of a source's columns is written.

    Returns
    -------
    dict
        A reading for each column of the contract that the source has.

    Raises
    ------
    SegkitError
        If the plan's date format is none.
    """
    types = {row[0]: row[1] for row in con.execute(f"DESCRIBE {source.raw}").fetchall()}
    readings = {}
    for name in source.columns:
        column = TABLES[source.name].find_column(name)
        reading = Reading(decimal=spec.decimal)
        if types[name] == "VARCHAR" or column.kind in ("date", "datetime"):
            if column.kind in ("number", "money", "integer"):
                reading = _inspect_number(con, source, name, spec)
            elif column.kind in ("date", "datetime") and not types[name].startswith(
                ("TIMESTAMP", "DATE")
            ):
                reading = _inspect_date(con, source, name, spec)
            elif column.kind == "id":
                reading = _inspect_id(con, source, name)
        readings[name] = reading
    return readings


def _inspect_number(
    con: duckdb.DuckDBPyConnection, source: Source, name: str, spec: TableSpec
) -> Reading:
    """See whether commas can only be decimal marks: 3,5 and never 3.5."""
    if spec.decimal == ",":
        return Reading(decimal=",")
    commas, decimals, points = con.execute(
        f"""SELECT count(*) FILTER (contains({name}, ',')),
        count(*) FILTER (contains({name}, ',') AND regexp_full_match(trim({name}),
            '[+-]?[0-9]+([ .][0-9]{{3}})*,([0-9]{{1,2}}|[0-9]{{4,}})')),
        count(*) FILTER (regexp_full_match(trim({name}), '[+-]?[0-9]*[.][0-9]+'))
        FROM {source.raw}"""
    ).fetchall()[0]
    return Reading(",", comma_count=commas) if decimals and not points else Reading()


def _inspect_id(con: duckdb.DuckDBPyConnection, source: Source, name: str) -> Reading:
    """See whether a program has turned whole numbers into 17850.0, all of them."""
    nothing = ", ".join(map(text_literal, NO_ID))
    padded, count = con.execute(
        f"""SELECT count(*) FILTER (regexp_full_match(trim({name}), '[0-9]+[.]0')), count(*)
        FROM {source.raw} WHERE {name} IS NOT NULL AND trim({name}) NOT IN ({nothing})"""
    ).fetchall()[0]
    return Reading(padded_count=padded if padded == count else 0)


def _inspect_date(
    con: duckdb.DuckDBPyConnection, source: Source, name: str, spec: TableSpec
) -> Reading:
    nothing = ", ".join(map(text_literal, NO_NUMBER))
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE dates AS SELECT trim({name}::VARCHAR) AS text,
        count(*) AS rows FROM {source.raw}
        WHERE {name} IS NOT NULL AND trim({name}::VARCHAR) NOT IN ({nothing}) GROUP BY ALL"""
    )

    def count(condition: str, table: str = "dates") -> int:
        query = f"SELECT coalesce(sum(rows), 0)::BIGINT FROM {table} WHERE {condition}"
        return con.execute(query).fetchall()[0][0]

    con.execute("DELETE FROM dates WHERE NOT regexp_matches(text, '[0-9]')")
    total = count("true")
    if spec.date_format and total:
        try:
            if "%" not in spec.date_format:
                raise duckdb.Error("no % sign")
            if count(_parses(spec.date_format, spec.date_format)):
                return Reading(date_format=spec.date_format, declared=True)
        except duckdb.Error as error:
            raise SegkitError(
                "the plan's date_format is none",
                where=source.locate(name),
                found=f"{spec.date_format!r} ({str(error).splitlines()[0][:100]})",
                fix="Write it like %d/%m/%Y, or leave it out to have it detected.",
            ) from None
    is_iso = (
        f"year(TRY_CAST(text AS TIMESTAMP)) BETWEEN {EARLIEST_YEAR} AND {LATEST_YEAR} "
        "OR TRY_CAST(text AS TIMESTAMPTZ) IS NOT NULL"
    )
    if count(is_iso) == total:
        return Reading()
    con.execute(f"DELETE FROM dates WHERE {is_iso}")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE some_dates AS SELECT * FROM dates ORDER BY hash(text) "
        f"LIMIT {SAMPLE_VALUES}"
    )
    some = {f: count(_parses(f, *_add_times(f)), "some_dates") for f in DATE_FORMATS}
    likely = [f for f in DATE_FORMATS if some[f] > 0 and some[f] >= 0.5 * max(some.values())]
    full = {f: count(_parses(f, *_add_times(f))) for f in likely}
    if not full:
        return Reading()
    best = max(full, key=lambda f: full[f])  # day first where they tie
    other = _swap(best)
    ambiguous = 0
    if full.get(other, 0) >= 0.95 * full[best]:
        ambiguous = count(
            f"{_parses(other, *_add_times(other))} AND "
            f"{_strptime(*_add_times(best))} <> {_strptime(*_add_times(other))}"
        )
    return Reading(date_format=best, ambiguous_count=ambiguous)


def _add_times(date_format: str) -> list[str]:
    return [date_format + time for time in _TIMES]


def _strptime(*formats: str) -> str:
    return f"try_strptime(text, [{', '.join(map(text_literal, formats))}])"


def _parses(date_format: str, *formats: str) -> str:
    return f"year({_strptime(*formats)}) BETWEEN {EARLIEST_YEAR} AND {LATEST_YEAR}"


def _swap(date_format: str) -> str:
    """Change day and month over."""
    return date_format.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")


def read_text(found: ir.Value, column: Column) -> ir.StringValue:
    """Return a column of any type as trimmed text, null where it says that nothing is there."""
    nothing = NO_NUMBER
    if column.kind == "text" or (column.kind == "category" and column.name in KEEPS_NA):
        nothing = NO_TEXT
    elif column.kind == "category":
        nothing = NO_CATEGORY
    elif column.kind == "id":
        nothing = NO_ID
    text = _as_text(found)
    return ibis.ifelse(text.isin(nothing), ibis.null(dt.string), text)


def convert_column(
    found: ir.Value, text: ir.StringValue, column: Column, reading: Reading
) -> ir.Value:
    """Return the expression that converts one column; null where it cannot be.

    Parameters
    ----------
    found : ibis.Value
        The column as it was found, of any type.
    text : ibis.StringValue
        The same as text; see ``read_text``.
    column : Column
        What the contract says of it.
    reading : Reading
        How its values are written.
    """
    kind = column.kind
    if kind == "id":
        return text.re_replace(r"\.0$", "") if reading.padded_count else text
    if kind in ("number", "money", "integer"):
        return _as_number(found, text, reading.decimal)
    if kind in ("date", "datetime"):
        moment = _as_timestamp(found, text, reading)
        return moment.date() if kind == "date" else moment
    if kind == "boolean":
        folded = text.lower()
        return ibis.cases(
            (folded.isin(TRUE_TEXTS), True),
            (folded.isin(FALSE_TEXTS), False),
            else_=ibis.null(dt.boolean),
        )
    return text


def _as_text(found: ir.Value) -> ir.StringValue:
    """Return any value as trimmed text; a whole double without point and exponent."""
    if found.type().is_floating():
        whole = found.try_cast(dt.Decimal(38, 0))
        return ibis.cases(
            (found.isnan() | found.isinf(), ibis.null(dt.string)),
            (whole.cast("float64") == found.cast("float64"), whole.cast("string")),
            else_=found.cast("string"),
        )
    text = found.cast("string")
    is_padded = (text.left(1) <= " ") | (text.right(1) <= " ")  # trimming all takes longer
    return ibis.ifelse(is_padded, text.strip(), text)


def _as_number(found: ir.Value, text: ir.StringValue, decimal: str) -> ir.FloatingValue:
    if found.type().is_numeric():
        number = found.cast("float64")
    elif found.type().is_string():
        separators = r"[ '\x{A0}\x{202F}" + ("," if decimal == "." else ".") + "]"
        mark = "[.]" if decimal == "." else ","
        grouped = rf"^[+-]?[0-9]{{1,3}}({separators}[0-9]{{3}})+({mark}[0-9]*)?$"
        plain = text if decimal == "." else text.replace(",", ".")
        is_plain = ~text.contains("_")
        if decimal == ",":
            is_plain &= ~text.contains(".")
        regrouped = text.re_replace(separators, "")
        if decimal == ",":
            regrouped = regrouped.replace(",", ".")
        number = ibis.coalesce(
            ibis.ifelse(is_plain, plain, ibis.null(dt.string)).try_cast("float64"),
            ibis.ifelse(text.re_search(grouped), regrouped, ibis.null(dt.string)).try_cast(
                "float64"
            ),
        )
    else:
        number = text.try_cast("float64")
    return ibis.ifelse(number.isnan() | number.isinf(), ibis.null(dt.float64), number)


def _as_timestamp(found: ir.Value, text: ir.StringValue, reading: Reading) -> ir.TimestampValue:
    kind = found.type()
    if kind.is_timestamp() or kind.is_date():
        moment = found.cast("timestamp")  # the session's zone is UTC
    else:
        text = ibis.ifelse(text.re_search("[0-9]"), text, ibis.null(dt.string))  # not "infinity"
        moment = text.try_cast("timestamp('UTC')").cast("timestamp")
        if reading.date_format:
            if reading.declared:
                moment = try_strptime(text, [reading.date_format])
            else:
                moment = ibis.coalesce(
                    _guard(moment), try_strptime(text, _add_times(reading.date_format))
                )
    return _guard(moment)


def _guard(moment: ir.TimestampValue) -> ir.TimestampValue:
    is_sane = moment.year().between(EARLIEST_YEAR, LATEST_YEAR)
    return ibis.ifelse(is_sane, moment, ibis.null(dt.timestamp))
