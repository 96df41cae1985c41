"""Which mark stands before the decimals of a table's numbers: told from whole columns, or refused.

Every value of a column is read with one mark. A text such as 1,234 may be either 1234 or 1.234; it
is read as the rest of its column has it, or as the other columns of its table have it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from segkit.contract.definitions import Column
from segkit.core.errors import SegkitError
from segkit.data.booleans import convert_boolean
from segkit.data.columns import OWN, Source, quote
from segkit.data.notices import Notice
from segkit.data.numbers import MARKS, UNSURE, convert_number, swap_mark
from segkit.data.texts import (
    NO_NUMBER,
    NUMBERS,
    count_rows,
    empty_text,
    has_cells,
    is_error,
    is_typed,
    name_cells,
    trim_column,
)
from segkit.data.units import drop_unit

LARGEST_OWN = "1e30"  # of the numbers of one's own; their squares are numbers too
COLUMNS_AT_ONCE = 50  # are counted in one query
MOSTLY_NUMBERS = 0.9  # of the values; then those that are none deserve a look
FEW = 3  # values are shown


class Evidence(NamedTuple):
    """What the values of one column tell; all are counts of values.

    ``values`` are there, ``booleans`` are yes or no, ``typed`` are stored as numbers, ``points``
    and ``commas`` are numbers if that mark stands before decimals, ``either`` with one of both.
    ``only_points`` and ``only_commas`` are numbers with that mark alone, ``unsure`` other numbers
    with each, of which ``unsure_commas`` have a comma. ``whole`` have digits alone,
    ``long`` four digits or more in a row before any mark, ``zeros`` a zero before other digits,
    and ``errors`` are failed formulas, which are no values. ``different`` estimates the number of
    different values of a feature of one's own.
    """

    values: int
    booleans: int
    typed: int
    points: int
    commas: int
    either: int
    only_points: int
    only_commas: int
    unsure: int
    unsure_commas: int
    whole: int
    long: int
    zeros: int
    errors: int
    different: int

    def count_numbers(self, mark: str) -> int:
        """Return how many values are numbers with a mark."""
        return self.typed + (self.points if mark == "." else self.commas)

    def count_only(self, mark: str) -> int:
        """Return how many values are numbers with this mark alone."""
        return self.only_points if mark == "." else self.only_commas

    def count_unsure(self, mark: str) -> int:
        """Return how many unsure values have this mark."""
        return self.unsure_commas if mark == "," else self.unsure - self.unsure_commas

    @property
    def marks(self) -> list[str]:
        """The marks that stand before decimals for certain."""
        return [mark for mark in MARKS if self.count_only(mark)]

    @property
    def is_all_numbers(self) -> bool:
        """Whether every value is a number, with one mark or the other."""
        return self.typed + self.either == self.values

    @property
    def is_number(self) -> bool:
        """Whether hardly a value is none, with one mark or the other."""
        return self.values > 0 and self.typed + self.either >= MOSTLY_NUMBERS * self.values


class Reading(NamedTuple):
    """How a column's numbers are read: with which mark, and whether an unsure one is none."""

    mark: str = "."
    is_sure: bool = False

    def convert(self, text: str) -> str:
        """Return the expression that reads a text."""
        return convert_number(text, self.mark, is_sure=self.is_sure)


def gather_evidence(
    source: Source, columns: Sequence[Column], *, texts: Mapping[str, str] | None = None
) -> dict[str, Evidence]:
    """Return what the values of columns tell, those of columns that hold texts.

    ``texts`` gives, by column, the expression of the text to look at, of ``text``.
    """
    found = {}
    for first in range(0, len(columns), COLUMNS_AT_ONCE):
        part = columns[first : first + COLUMNS_AT_ONCE]
        steps: list[list[str]] = [[], [], [], []]
        for number, column in enumerate(part):
            body = (texts or {}).get(column.name, "text")
            for step, parts in zip(steps, _count_column(source, column, number, body), strict=True):
                step += parts
        query = source.rows
        for step in steps:
            query = f"(SELECT {', '.join(step)} FROM {query})"
        (row,) = source.con.execute(f"FROM {query}").fetchall()
        size = len(Evidence._fields)
        for number, column in enumerate(part):
            found[column.name] = Evidence(*row[size * number : size * (number + 1)])
    return found


def _count_column(
    source: Source, column: Column, number: int, body: str
) -> tuple[list[str], list[str], list[str], list[str]]:
    """Return four steps of a query that counts what `Evidence` has, for one column."""
    text, cell = f"t{number}", f"c{number}"
    point, comma = f"p{number}", f"k{number}"
    kind = source.types[column.name]
    if column.kind == OWN and is_typed(Column("", "number", ""), kind):
        name = quote(column.name)
        zero = "0::BIGINT"
        is_number = count_rows(f"abs({cell}) <= {LARGEST_OWN}")
        booleans = f"count({convert_boolean(f'{text}::VARCHAR')})"
        different = f"approx_count_distinct({text})"
        counts = [f"count({text})", booleans, is_number, *[zero] * 11, different]
        trimmed = trim_column(Column(column.name, "number", ""), kind)
        kept = [text, cell]
        return [f"{trimmed} AS {text}", f"{name}::DOUBLE AS {cell}"], kept, kept, counts
    trimmed = f"{trim_column(column, kind)} AS {text}"
    typed = f"{name_cells(column.name) if has_cells(source, column.name) else 'NULL'} AS {cell}"
    emptied = empty_text(text, NO_NUMBER)
    if body != "text":
        emptied = body.replace("text", f"({emptied})")
    emptied = f"CASE WHEN {cell} IS NULL THEN {emptied} END AS {text}"
    failed = f"{is_error(text)} AS e{number}"
    has_mark = f"contains({text}, '.') OR contains({text}, ',')"
    read = [
        *(text, cell, f"e{number}"),
        f"{convert_number(text, '.')} AS {point}",
        f"CASE WHEN {has_mark} THEN {convert_number(text, ',')} END AS {comma}",
        f"{has_mark} AS m{number}",
    ]
    return [trimmed, typed], [emptied, cell, failed], read, _list_counts(column, number)


def _list_counts(column: Column, number: int) -> list[str]:
    """Return the counts of `Evidence` for a column of texts."""
    text, cell, point, mark = f"t{number}", f"c{number}", f"p{number}", f"m{number}"
    comma = f"k{number}"
    is_own = column.kind == OWN
    limit = LARGEST_OWN if is_own else "'inf'::DOUBLE"
    is_point = f"abs({point}) <= {limit}"
    is_comma = f"(CASE WHEN {mark} THEN abs({comma}) <= {limit} ELSE {is_point} END)"
    is_unsure = f"{mark} AND {point} <> {comma}"
    is_digits = f"NOT {mark} AND {point} IS NOT NULL"
    return [
        f"count({text}) + count({cell})",
        f"count({convert_boolean(text)})",
        f"count({cell})",
        count_rows(f"{is_point}"),
        count_rows(f"{is_comma}"),
        count_rows(f"{is_point} OR {is_comma}"),
        count_rows(f"{mark} AND {point} IS NOT NULL AND {comma} IS NULL"),
        count_rows(f"{mark} AND {point} IS NULL AND {comma} IS NOT NULL"),
        count_rows(f"{is_unsure}"),
        count_rows(f"{is_unsure} AND contains({text}, ',')"),
        count_rows(f"{is_digits}"),
        count_rows(f"{point} IS NOT NULL AND regexp_matches({text}, '^[+-]?[0-9]{{4}}')"),
        count_rows(f"{text} >= '00' AND {text} < '0:' AND regexp_full_match({text}, '0[0-9]+')"),
        count_rows(f"e{number}"),
        f"approx_count_distinct(coalesce({text}, {cell}::VARCHAR))" if is_own else "0::BIGINT",
    ]


def list_unread(source: Source) -> list[Column]:
    """Return the columns that may hold numbers as texts: the contract's, and one's own."""
    return [
        column
        for column in source.table.columns
        if column.name in source.columns
        and (column.kind == OWN or _is_text_number(column, source.types[column.name]))
    ]


def _is_text_number(column: Column, kind: str) -> bool:
    return column.kind in NUMBERS and not is_typed(column, kind)


def list_marks(columns: Sequence[Column], evidence: Mapping[str, Evidence]) -> set[str]:
    """Return the marks that stand before decimals for certain in one of the columns."""
    return {mark for column in columns for mark in _find_marks(column, evidence)}


def _find_marks(column: Column, evidence: Mapping[str, Evidence]) -> list[str]:
    """Return the marks of a column, if its values are numbers at all."""
    found = evidence[column.name]
    return found.marks if column.kind != OWN or found.is_number else []


def choose_marks(
    source: Source,
    columns: Sequence[Column],
    evidence: Mapping[str, Evidence],
    *,
    told: Collection[str] | None = None,
) -> tuple[dict[str, Reading], list[Notice]]:
    """Return how each column's numbers are read, and what is to say of it.

    ``told`` are the marks that the table's columns tell, by default these columns.

    Raises
    ------
    SegkitError
        If the mark of a column cannot be told, or its values contradict each other or the plan.
    """
    read = [column for column in columns if column.kind != OWN or evidence[column.name].is_number]
    told = list_marks(columns, evidence) if told is None else told
    readings = {column.name: Reading(source.spec.decimal or ".") for column in columns}
    notices = []
    for column in read:
        found = evidence[column.name]
        readings[column.name] = _choose_mark(source, column, found, told)
        notices += _doubt_mark(source, column.name, found, readings[column.name])
    if len(told) > 1 and source.spec.decimal is None:
        sure = {column.name: evidence[column.name] for column in read}
        notices.append(_tell_two_marks(source, sure))
    return readings, notices


def _choose_mark(source: Source, column: Column, found: Evidence, told: Collection[str]) -> Reading:
    """Return how one column is read, or raise why it cannot be."""
    declared = source.spec.decimal
    if len(found.marks) > 1:
        if declared is None:
            raise _explain_contradiction(source, column, found)
        return Reading(declared, is_sure=True)
    if found.marks:
        (mark,) = found.marks
        if declared in (None, mark):
            return Reading(mark)
        if column.kind == OWN:
            return Reading(declared, is_sure=True)
        raise _explain_other_mark(source, column, mark)
    if declared is not None:
        return Reading(declared)
    if found.unsure and len(told) != 1:
        raise _explain_unsure(source, column)
    return Reading(next(iter(told)) if len(told) == 1 else ".")


def _show_values(source: Source, column: Column, condition: str) -> list[str]:
    """Return the first values of a column that meet a condition on ``number``, without a unit."""
    value = empty_text("text", NO_NUMBER)
    number = drop_unit("text") if column.kind == OWN else "text"
    trimmed = trim_column(column, source.types[column.name])
    rows = source.con.execute(
        f"""SELECT text FROM (SELECT *, {number} AS number FROM (
            SELECT source_row, {trimmed} AS text FROM {source.rows}))
        WHERE {value} IS NOT NULL AND ({condition}) ORDER BY source_row LIMIT {FEW}"""
    ).fetchall()
    return [text for (text,) in rows]


def _quote_values(values: Sequence[str]) -> str:
    return ", ".join(f"'{value[:30]}'" for value in values)


def _only(mark: str) -> str:
    """Return the condition that ``number`` is one with this mark alone."""
    other = convert_number("number", swap_mark(mark))
    return f"({convert_number('number', mark)}) IS NOT NULL AND ({other}) IS NULL"


def _fail(source: Source, column: Column, message: str, found: str, fix: str) -> SegkitError:
    return SegkitError(message, where=source.locate(column.name), found=found, fix=fix)


def _explain_unsure(source: Source, column: Column) -> SegkitError:
    values = _show_values(source, column, f"regexp_full_match(number, '{UNSURE}')")
    first = re.findall(UNSURE, values[0])[0]
    mark = "," if "," in first else "."
    digits = first.replace(mark, "")
    point = first.replace(mark, ".")
    return _fail(
        source,
        column,
        "nothing tells whether the mark stands before decimals or between thousands: each value "
        "that has one has three digits after it",
        _quote_values(values),
        f'Write decimal = "{mark}" under [tables.{source.name}] if {first} is {point}, or '
        f'decimal = "{swap_mark(mark)}" if it is {digits}.',
    )


def _explain_contradiction(source: Source, column: Column, found: Evidence) -> SegkitError:
    told = []
    for mark in MARKS:
        values = _show_values(source, column, _only(mark))
        told.append(f"{_quote_values(values)} ({found.count_only(mark):,} with '{mark}')")
    return _fail(
        source,
        column,
        "its numbers have two different marks before their decimals",
        " but ".join(told),
        f'Correct the file, or write decimal = "." or decimal = "," under '
        f"[tables.{source.name}]; what has the other mark is then set aside.",
    )


def _explain_other_mark(source: Source, column: Column, mark: str) -> SegkitError:
    return _fail(
        source,
        column,
        f"the plan says decimal = \"{source.spec.decimal}\", but its numbers have '{mark}' before "
        "their decimals",
        _quote_values(_show_values(source, column, _only(mark))),
        f'Write decimal = "{mark}" under [tables.{source.name}], or leave it out: each column '
        "then tells its own.",
    )


def _doubt_mark(source: Source, name: str, found: Evidence, reading: Reading) -> list[Notice]:
    """Return what is to say of numbers that could be others with the other mark."""
    other = swap_mark(reading.mark)
    grouped = found.count_unsure(other)
    words = name.replace("_", " ")
    is_declared = source.spec.decimal is not None
    if reading.is_sure or (is_declared and not found.marks):
        return []
    if found.unsure and not found.marks:
        return [
            Notice(
                f"decimal_told_{name}",
                severity="note",
                row_count=found.unsure,
                reason=f"The {words} alone does not tell which mark stands before its decimals.",
                treatment=f"Read with '{reading.mark}' before decimals, as the other columns have.",
            )
        ]
    # Where thousands stand apart they do so throughout, and hardly ever in whole numbers alone.
    is_odd = found.long > 0 or found.whole == 0
    if not grouped or not is_odd:
        return []
    return [
        Notice(
            f"doubtful_thousands_{name}",
            severity="warning",
            row_count=grouped,
            reason=(
                f"The {words} has '{other}' before three digits here, and '{reading.mark}' before "
                "decimals elsewhere, but thousands do not stand apart throughout."
            ),
            treatment=f"Read with '{other}' between thousands; look whether they are decimals.",
        )
    ]


def _tell_two_marks(source: Source, evidence: Mapping[str, Evidence]) -> Notice:
    """Return the warning of columns that are each sure of another mark."""
    told = []
    for mark in MARKS:
        names = [source.columns[name] for name, found in evidence.items() if found.marks == [mark]]
        told.append(f"'{mark}' in {', '.join(names[:FEW])}")
    return Notice(
        "two_decimal_marks",
        severity="warning",
        row_count=max(found.values for found in evidence.values()),
        reason=f"The columns have different marks before decimals: {' and '.join(told)}.",
        treatment="Each column is read with its own mark; look whether it is right.",
    )
