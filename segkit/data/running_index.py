"""Columns that only number the rows, as programs add them; they do not make two rows differ."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import duckdb

from segkit.data.notices import Notice

# What pandas, R and spreadsheets call the numbers of their rows; the first have no name of their
# own, so that their numbers may have gaps, where rows were chosen, or begin again, where two tables
# were joined.
UNNAMED = re.compile(r"|Unnamed: \d+|__index_level_\d+__|\.\.\.\d+")
NAMED = re.compile(
    r"index|level_0|X\d?|row|row[_ .]?(number|num|nr|id)|rownum|#|nr\.?|no\.?|lfd\.? ?nr\.?", re.I
)


def find_counters(names: Sequence[str], mapped: Collection[str]) -> list[str]:
    """Return the names of columns that may number the rows: those that stand for no column.

    Examples
    --------
    >>> find_counters(["", "Unnamed: 0", "index", "order"], ["order"])
    ['', 'Unnamed: 0', 'index']
    """
    return [
        name
        for name in names
        if name not in mapped and (UNNAMED.fullmatch(name) or NAMED.fullmatch(name))
    ]


def number_rows(con: duckdb.DuckDBPyConnection, query: str, counters: Sequence[str]) -> bool:
    """Say whether all counters number the rows of a query.

    The query has ``source_row`` and, for each of the ``counters``, ``counter_<place>``.
    """
    for place, name in enumerate(counters):
        rows = f"""SELECT source_row, TRY_CAST(trim(counter_{place}::VARCHAR) AS BIGINT) AS x
            FROM ({query})"""
        if not _numbers(con, rows, is_named=not UNNAMED.fullmatch(name)):
            return False
    return True


def _numbers(con: duckdb.DuckDBPyConnection, rows: str, *, is_named: bool) -> bool:
    """Say whether x numbers the rows: without gaps, or if it has no name, of each row another."""
    count, known, first, last, lowest, different = con.execute(
        f"""SELECT count(*), count(x), min(x - source_row), max(x - source_row), min(x),
            count(DISTINCT x) FROM ({rows})"""
    ).fetchall()[0]
    if count < 2 or known < count or lowest < 0:
        return False
    if first == last:
        return True
    if is_named:
        return False
    if different == count:
        return True
    begins_again = f"""SELECT 1 FROM (
            SELECT x, lag(x) OVER (ORDER BY source_row) AS earlier FROM ({rows}))
        WHERE x <= earlier AND x > 1 LIMIT 1"""
    return not con.execute(begins_again).fetchall()


def tell_counters(counters: Sequence[str], row_count: int) -> Notice:
    """Say which columns do not count where rows are compared."""
    named = ", ".join(f"'{name}'" if name else "without a name" for name in counters)
    return Notice(
        "numbered_rows",
        severity="note",
        row_count=row_count,
        reason=f"A column only numbers the rows: {named}.",
        treatment="It does not count where rows are compared.",
    )
