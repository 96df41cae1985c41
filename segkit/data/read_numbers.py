"""How the numbers of one table are read: the contract's columns and features of one's own."""

from __future__ import annotations

from collections.abc import Callable

from segkit.contract.definitions import Column
from segkit.data.columns import OWN, Source
from segkit.data.decimal_marks import Evidence, choose_marks, gather_evidence, list_unread
from segkit.data.notices import Notice
from segkit.data.own_columns import settle_own, tell_errors
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
    readings, told = choose_marks(source, columns, evidence)
    kinds, settled = settle_own(source, evidence, readings)
    converters = {name: reading.convert for name, reading in readings.items()}
    converters |= {name: own.convert for name, own in kinds.items()}
    return converters, [*notices, *told, *settled]


def _look_at(source: Source, column: Column, found: Evidence) -> list[Notice]:
    """Return what is to say of values of a contract's column that are no numbers."""
    notices = [tell_errors(column.name, found.errors)] if found.errors else []
    readable = found.typed + found.either
    if readable == found.values:
        return notices
    if column.kind == "money":
        notices += check_currencies(source, column, readable=readable)
    return [*notices, *tell_negatives(source, column)]
