"""Features of one's own that are identifiers: nearly every customer has another value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from segkit.contract.definitions import Column
from segkit.data.columns import Source
from segkit.data.decimal_marks import Evidence
from segkit.data.notices import Notice
from segkit.data.texts import (
    NO_CATEGORY,
    NO_NUMBER,
    count_rows,
    empty_text,
    has_cells,
    is_typed,
    name_cells,
    trim_column,
)

NEARLY_EACH = 0.95  # of the values are different: an identifier
FEWEST_VALUES = 30  # tell an identifier from a column of few customers
ROUGHLY = 0.85  # of an estimate of the different values; then they are counted


def find_identifiers(
    source: Source,
    columns: Sequence[Column],
    evidence: Mapping[str, Evidence],
    *,
    numbers: Mapping[str, Callable[[str], str]],
) -> list[Notice]:
    """Return a warning for each column in which nearly every customer has another value.

    Numbers are identifiers only if they are whole and run: half of all numbers in their range are
    there. ``numbers`` has how each column of numbers is read from text.
    """
    notices = []
    for column in columns:
        name = column.name
        found = evidence[name]
        if found.values < FEWEST_VALUES or found.different < ROUGHLY * found.values:
            continue
        if name in numbers:
            count = _count_running(source, column, numbers[name])
        else:
            count = _count_different(source, column)
        if count >= NEARLY_EACH * found.values:
            notices.append(
                Notice(
                    f"looks_like_identifier_{name}",
                    severity="warning",
                    row_count=count,
                    reason=f"Nearly every customer has another value of {name}: an identifier?",
                    treatment="Kept as a feature; leave it out of features if it is none.",
                )
            )
    return notices


def _count_different(source: Source, column: Column) -> int:
    """Return how many different values a category has."""
    text = empty_text("text", NO_CATEGORY)
    trimmed = trim_column(column, source.types[column.name])
    query = f"SELECT count(DISTINCT {text}) FROM (SELECT {trimmed} AS text FROM {source.rows})"
    return source.con.execute(query).fetchall()[0][0]


def _count_running(source: Source, column: Column, convert: Callable[[str], str]) -> int:
    """Return how many different numbers a column has if they are running numbers, else 0."""
    name = column.name
    as_number = Column(name, "number", "")
    if is_typed(as_number, source.types[name]):
        value = "text::DOUBLE"
    else:
        value = convert(f"({empty_text('text', NO_NUMBER)})")
    cell = name_cells(name) if has_cells(source, name) else "NULL"
    trimmed = trim_column(as_number, source.types[name])
    query = f"""SELECT coalesce(cell, {value}) AS number
        FROM (SELECT {trimmed} AS text, {cell} AS cell FROM {source.rows})"""
    broken = count_rows("number <> round(number)")
    ((count, different, span, broken_count),) = source.con.execute(
        f"""SELECT count(number), count(DISTINCT number), max(number) - min(number), {broken}
        FROM ({query})"""
    ).fetchall()
    is_running = not broken_count and span is not None and span < 2 * count
    return different if is_running else 0
