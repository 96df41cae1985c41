"""Convert columns from how they were found to what the contract says, without losing a row.

A value that cannot be converted becomes null and is marked as faulty; the checks reject its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segkit.contract.definitions import Column
from segkit.contract.tables import TABLES
from segkit.data.amount_names import tell_amount_names
from segkit.data.arms import ARM, name_arms
from segkit.data.booleans import convert_boolean, convert_count, is_count
from segkit.data.columns import Source, quote
from segkit.data.dates import SANE, DateReading, convert_dates
from segkit.data.id_looks import look_at_ids
from segkit.data.identifiers import convert_ids
from segkit.data.levels import check_joined, find_twins
from segkit.data.notices import Notice
from segkit.data.read_numbers import Converter, read_numbers
from segkit.data.running_numbers import find_running_quantity
from segkit.data.texts import NOTHING, NUMBERS, TIMES, create_texts, has_cells, is_typed, name_cells
from segkit.data.unknown_words import empty_unknown_words
from segkit.data.unread import HEADER_ROW, find_header_rows


def convert_source(source: Source, carried: Sequence[str] = ()) -> tuple[str, list[Notice]]:
    """Return the query that converts a source's columns, and what had to be guessed for it.

    The query gives ``source_row``, ``row_hash``, the converted columns, and ``faulty_<column>``
    where a conversion may fail; ``counted_<column>`` where a count of two or more is read as yes.
    Columns of the source that are ``carried`` stay as they are.
    """
    empty_unknown_words(source)
    header_rows = find_header_rows(source)
    numbers, notices = read_numbers(source)
    check_joined(source)
    columns = [column for column in source.table.columns if column.name in source.columns]
    looks = look_at_ids(source, columns)
    source.plain_ids = frozenset(name for name, look in looks.items() if look.is_plain)
    source.plus_ids = frozenset(name for name, look in looks.items() if look.has_plus)
    create_texts(source, columns, carried)
    ids = convert_ids(source, [column for column in columns if column.kind == "id"], looks)
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
            value, noticed = _convert_column(source, column, numbers)
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
        if _may_count(source, column):
            kept.append(f"{is_count(text)} AS counted_{column.name}")
    if header_rows:
        values.append(f"{header_rows} AS {HEADER_ROW}")
        kept.append(HEADER_ROW)
    # One level a step, so that no expression is computed twice.
    notices += [*source.notices, *find_twins(source)]
    query = f"SELECT {', '.join(values)} FROM texts_{source.name}"
    query = f"SELECT {', '.join(kept)} FROM ({query})"
    notices += [*tell_amount_names(source), *find_running_quantity(source, query)]
    return query, notices


def _convert_column(
    source: Source, column: Column, numbers: Mapping[str, Converter]
) -> tuple[str, list[Notice]]:
    """Return the expression that reads a column's text, and what was guessed for it."""
    text = f"text_{column.name}"
    found = source.types[column.name]
    if column.kind in NUMBERS:
        if is_typed(column, found):
            return f"{text}::DOUBLE", []
        value = numbers[column.name](text)
        if has_cells(source, column.name):
            value = f"coalesce({name_cells(column.name)}, {value})"
        return value, []
    if column.kind == "boolean":
        if _may_count(source, column):
            return convert_count(text), []
        return convert_boolean(text), []
    if column.name == ARM:
        return name_arms(source), []
    return text, []


def _may_count(source: Source, column: Column) -> bool:
    """Say whether a column of yes and no may hold counts: one of the contract's, not stored so.

    A feature of one's own is yes or no only where all its values are.
    """
    is_ours = column.name in TABLES[source.name].column_names
    return column.kind == "boolean" and is_ours and source.types[column.name] != "BOOLEAN"


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
