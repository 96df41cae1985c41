"""Convert columns from how they were found to what the contract says, without losing a row.

A value that cannot be converted becomes null and is marked as faulty; the checks reject its row.
"""

from __future__ import annotations

from collections.abc import Sequence

from segkit.contract.definitions import Column
from segkit.data.booleans import convert_boolean
from segkit.data.columns import Source, quote
from segkit.data.dates import SANE, DateReading, convert_dates
from segkit.data.identifiers import convert_ids
from segkit.data.notices import Notice
from segkit.data.numbers import convert_number
from segkit.data.own_columns import settle_own
from segkit.data.texts import NOTHING, NUMBERS, TIMES, create_texts, is_typed


def convert_source(source: Source, carried: Sequence[str] = ()) -> tuple[str, list[Notice]]:
    """Return the query that converts a source's columns, and what had to be guessed for it.

    The query gives ``source_row``, ``row_hash``, the converted columns, and ``faulty_<column>``
    where a conversion may fail. Columns of the source that are ``carried`` stay as they are.
    """
    notices = settle_own(source)
    columns = [column for column in source.table.columns if column.name in source.columns]
    create_texts(source, columns, carried)
    ids = convert_ids(source, [column for column in columns if column.kind == "id"])
    dates = convert_dates(source, [column for column in columns if column.kind in TIMES])
    values = ["source_row", "row_hash", *carried]
    kept = ["source_row", "row_hash", *carried]
    # Every column is named: a star that replaces takes DuckDB the square of the columns' number.
    for column in columns:
        own = quote(column.name)
        text = f"text_{column.name}"
        if column.name in ids:
            value, noticed = ids[column.name]
        elif column.name in dates:
            value = dates[column.name].value
            noticed = dates[column.name].notices
        else:
            value, noticed = _convert_column(source, column)
        values.append(f"{value} AS {own}")
        notices += noticed
        is_bound = column.kind in NUMBERS or column.kind in TIMES
        bound = f"{_bound_column(column)} AS {own}" if is_bound else own
        kept.append(bound)
        if column.name in dates and dates[column.name].placeholders.count:
            values.append(text)
            kept[-1:] = _set_aside(column, dates[column.name])
        elif column.kind not in NOTHING:
            values.append(text)
            is_null = f"({_bound_column(column)}) IS NULL" if is_bound else f"{own} IS NULL"
            kept.append(f"{text} IS NOT NULL AND {is_null} AS faulty_{column.name}")
    # One level a step, so that no expression is computed twice.
    query = f"SELECT {', '.join(values)} FROM texts_{source.name}"
    return f"SELECT {', '.join(kept)} FROM ({query})", notices


def _convert_column(source: Source, column: Column) -> tuple[str, list[Notice]]:
    """Return the expression that reads a column's text, and what was guessed for it."""
    text = f"text_{column.name}"
    found = source.types[column.name]
    if column.kind in NUMBERS:
        if is_typed(column, found):
            return f"{text}::DOUBLE", []
        return convert_number(text, source.spec.decimal), []
    if column.kind == "boolean":
        return convert_boolean(text), []
    return text, []


def _set_aside(column: Column, reading: DateReading) -> list[str]:
    """Return a date, null where it stands for nothing, and the tests for that and for faults."""
    own = quote(column.name)
    text = f"text_{column.name}"
    is_nothing = reading.placeholders.test(own, text)
    bound = _bound_column(column)
    return [
        f"CASE WHEN NOT {is_nothing} THEN {bound} END AS {own}",
        f"{text} IS NOT NULL AND NOT {is_nothing} AND ({bound}) IS NULL AS faulty_{column.name}",
        f"{is_nothing} AS placeholder_{column.name}",
    ]


def _bound_column(column: Column) -> str:
    """Return a number or time, null where it is infinite or its year is none."""
    own = quote(column.name)
    if column.kind in NUMBERS:
        return f"CASE WHEN isfinite({own}) THEN {own} END"
    value = f"{own}::DATE" if column.kind == "date" else own
    return f"CASE WHEN {own} {SANE} THEN {value} END"
