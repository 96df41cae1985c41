"""Features of one's own: their values decide whether they are numbers, booleans or categories."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from segkit.contract.definitions import Column
from segkit.data.booleans import convert_boolean
from segkit.data.columns import OWN, Source
from segkit.data.notices import Notice
from segkit.data.numbers import convert_number
from segkit.data.texts import NO_NUMBER, is_typed, list_literals, list_unknown, trim_column

LARGEST_OWN = "1e30"  # of the numbers of one's own; their squares are numbers too
COLUMNS_AT_ONCE = 100  # are counted in one query
MOSTLY_NUMBERS = 0.9  # of the values; then those that are none deserve a look


def settle_own(source: Source) -> list[Notice]:
    """Let the values of each feature of one's own decide its kind, so that none is refused.

    It is a number, or a boolean, if all values are; else a category. Where most are numbers, the
    others are told as a guess; a number past ``LARGEST_OWN`` is none.
    """
    columns = []
    notices = []
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
            notices.append(
                Notice(
                    f"mixed_{column.name}",
                    severity="warning",
                    row_count=count - number_count,
                    reason=f"Most values of {column.name} are numbers, but not these.",
                    treatment="Kept: the whole column is read as categories.",
                )
            )
    source.table = dataclasses.replace(source.table, columns=tuple(columns))
    return notices


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
            is_number = is_typed(dataclasses.replace(column, kind="number"), kind)
            read = f"{text}::DOUBLE" if is_number else convert_number(text, source.spec.decimal)
            texts.append(f"{trim_column(column, kind)} AS {text}")
            is_some = f"{text} NOT IN ({list_literals(NO_NUMBER)})"
            if source.spec.unknown:
                is_some += f" AND lower({text}::VARCHAR) NOT IN ({list_unknown(source)})"
            values.append(f"CASE WHEN {is_some} THEN {text} END AS {text}")
            counts.append(f"count({text})")
            counts.append(f"count(*) FILTER (abs({read}) <= {LARGEST_OWN})")
            counts.append(f"count({convert_boolean(text)})")
        query = f"SELECT {', '.join(texts)} FROM {source.raw}"
        query = f"SELECT {', '.join(values)} FROM ({query})"
        (row,) = source.con.execute(f"SELECT {', '.join(counts)} FROM ({query})").fetchall()
        for number, column in enumerate(part):
            found[column.name] = row[3 * number : 3 * number + 3]
    return found
