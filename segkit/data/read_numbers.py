"""How the numbers of one table are read: the contract's columns and features of one's own."""

from __future__ import annotations

from collections.abc import Callable

from segkit.contract.definitions import Column
from segkit.data.columns import OWN, Source
from segkit.data.decimal_marks import Evidence, choose_marks, gather_evidence, list_unread
from segkit.data.notices import Notice, tell_failed
from segkit.data.own_columns import settle_own
from segkit.data.texts import NUMBERS, count_rows, is_error
from segkit.data.units import check_currencies, tell_negatives

Converter = Callable[[str], str]  # the expression that reads a text, given that of the text


def read_numbers(source: Source) -> tuple[dict[str, Converter], list[Notice]]:
    """Return how the numbers of each column of texts are read, and what is to say of it.

    The kinds of the features of one's own are settled in ``source.table``.

    Raises
    ------
    SegkitError
        If a column's decimal mark cannot be told, or its amounts are of different currencies.
    """
    columns = list_unread(source)
    evidence = gather_evidence(source, columns)
    notices = []
    for column in columns:
        if column.kind != OWN:
            notices += _look_at(source, column, evidence[column.name])
    notices += _tell_failed(source)
    readings, told = choose_marks(source, columns, evidence)
    kinds, settled = settle_own(source, evidence, readings)
    converters = {name: reading.convert for name, reading in readings.items()}
    converters |= {name: own.convert for name, own in kinds.items()}
    return converters, [*notices, *told, *settled]


def _look_at(source: Source, column: Column, found: Evidence) -> list[Notice]:
    """Return what is to say of values of a contract's column that are no numbers."""
    notices = [tell_failed(column.name, found.errors)] if found.errors else []
    readable = found.typed + found.either
    if readable == found.values:
        return notices
    if column.kind == "money":
        notices += check_currencies(source, column, readable=readable)
    return [*notices, *tell_negatives(source, column)]


def _tell_failed(source: Source) -> list[Notice]:
    """Return notes of failed formulas in texts of the contract that are no numbers.

    Spreadsheets write them in files of text, which are copied; typed files have none.
    """
    names = [
        column.name
        for column in source.table.columns
        if column.name in source.columns
        and column.kind not in (*NUMBERS, OWN)
        and source.types[column.name] == "VARCHAR"
    ]
    if not names or not source.is_copied:
        return []
    counts = [count_rows(is_error(f"trim({name})")) for name in names]
    (found,) = source.con.execute(f"SELECT {', '.join(counts)} FROM {source.rows}").fetchall()
    return [tell_failed(name, count) for name, count in zip(names, found, strict=True) if count]
