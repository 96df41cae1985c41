"""Rows that are no row of the table but the sum of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb

from segkit.data.columns import Source, quote
from segkit.data.notices import Notice
from segkit.data.quality_rules import REJECTED, Rule
from segkit.data.texts import NUMBERS, list_literals

WORDS = """
    total|totals|grand total|subtotal|sub-total|sub total|overall total|sum|sums|summe|gesamt
    |gesamtsumme|gesamtergebnis|insgesamt|endsumme|zwischensumme|totale|totaal|total général
    |total general|total geral|totaux|somme|suma|soma|summa|totalt|i alt|sammanlagt|yhteensä|summa
    |celkem|összesen|razem|toplam|итого|всего|合計|总计|總計
"""
TOTAL_WORDS = tuple(dict.fromkeys(word.strip() for word in WORDS.split("|")))
# As an identifier begins that is the total of a month or a customer.
TOTAL_OF = "^(grand |sub-?)?(total|subtotal|summe|zwischensumme|sum of)[ :]"
# In a larger table words are looked for among its last rows, and where it is not copied, so that
# these are not found at once, among its identifiers only, see `segkit.data.identity_checks`.
ROWS_LOOKED_AT = 200_000
ROWS_AT_END = 1_000
MOST_NAMED = 5
# So many rows make it no chance that one is the sum of the others: the last one, or any.
FEWEST_BEFORE_LAST = 5
FEWEST_ELSEWHERE = 50
# Numbers that nobody adds up.
NO_SUMS = ("birth_year", "year", "latitude")


class TotalRows(NamedTuple):
    """The rules that set total rows aside, and the warnings about other rows that may be some."""

    rules: list[Rule]
    notices: list[Notice]


def find_total_rows(source: Source, con: duckdb.DuckDBPyConnection) -> TotalRows:
    """Find the rows that are called a total.

    One is set aside where an identifier is such a word and an amount is the sum of the others.
    """
    called = _find_called(source, con) if is_looked_through(source) else {}
    if not called:
        return TotalRows([], [])
    sums = _find_sums(source, con, list(called))
    certain = [row for row, is_id in called.items() if is_id and row in sums]
    doubtful = [row for row in called if row not in certain]
    rules = []
    if certain:
        rows = ", ".join(map(str, certain))
        reason = "The row is called a total and is the sum of the others."
        rules.append(Rule("reject", "total_row", f"source_row IN ({rows})", reason, "", REJECTED))
    notices = []
    if doubtful:
        listed = ", ".join(f"{row:,}" for row in doubtful[:MOST_NAMED])
        more = ", ..." if len(doubtful) > MOST_NAMED else ""
        summed = [f"{sums[row]:,.2f}" for row in doubtful if row in sums]
        amount = f" An amount is the sum of the others: {summed[0]}." if summed else ""
        notices.append(tell_called(len(doubtful), f"Data row {listed}{more}", amount))
    return TotalRows(rules, notices)


def is_looked_through(source: Source) -> bool:
    """Say whether a table's rows are looked at for words for a total."""
    return source.is_copied or source.raw_count <= ROWS_LOOKED_AT


def tell_called(count: int, found: str, amount: str = "") -> Notice:
    """Warn of rows that are called a total."""
    return Notice(
        "called_total",
        severity="warning",
        row_count=count,
        reason=f"{found} is called a total.{amount}",
        treatment="Kept; take it out of the table if it is one.",
    )


def _find_called(source: Source, con: duckdb.DuckDBPyConnection) -> dict[int, bool]:
    """Return the rows with a word for a total, and whether an identifier is that word."""
    tests = {True: [], False: []}
    for column in source.table.columns:
        name = column.name
        is_text = column.kind in ("id", "text", "category")
        if name in source.columns and is_text and source.types[name] == "VARCHAR":
            text = f"text_{name}"
            is_short = f"strlen({text}) < 40"
            word = f"lower(rtrim({text}, ' :.'))"
            is_word = f"{word} IN ({list_literals(TOTAL_WORDS)})"
            if column.kind == "id":
                is_word += f" OR regexp_matches({word}, '{TOTAL_OF}')"
            is_word = f"({is_short} AND ({is_word}))"
            tests[column.kind == "id"].append(is_word)
    if not any(tests.values()):
        return {}
    by_id = " OR ".join(tests[True]) or "false"
    by_label = " OR ".join(tests[False]) or "false"
    among = "true"
    if source.raw_count > ROWS_LOOKED_AT:
        among = f"source_row > {source.read - ROWS_AT_END}"
    query = f"""SELECT source_row, coalesce({by_id}, false) AS by_id
        FROM texts_{source.name} WHERE {among} AND (({by_id}) OR ({by_label})) ORDER BY 1"""
    return dict(con.execute(query).fetchall())


def _find_sums(
    source: Source, con: duckdb.DuckDBPyConnection, called: Sequence[int]
) -> dict[int, float]:
    """Return those of the rows that are the sum of all others, with the amount that tells it."""
    rows = ", ".join(map(str, called))
    sums = {}
    for amount in _list_amounts(source):
        query = f"""SELECT source_row, value, total FROM (
                SELECT source_row, {amount} AS value, sum({amount}) FILTER (
                    source_row NOT IN ({rows})) OVER () AS total,
                    count({amount}) FILTER (source_row NOT IN ({rows})) OVER () AS n
                FROM typed_{source.name})
            WHERE source_row IN ({rows}) AND n > 1 AND total <> 0
                AND abs(value - total) <= 0.01 + 1e-6 * abs(total)"""
        for row, value, _ in con.execute(query).fetchall():
            sums.setdefault(row, value)
    return sums


def _list_amounts(source: Source) -> list[str]:
    """Return the expressions of a table's amounts."""
    if source.name == "order_lines":
        there = source.columns
        product = "quantity * unit_price" if "unit_price" in there else "NULL"
        return [f"coalesce(line_amount, {product})" if "line_amount" in there else product]
    return [
        quote(column.name)
        for column in source.table.columns
        if column.name in source.columns and column.kind in NUMBERS and column.name not in NO_SUMS
    ]


def find_sum_of_lines(
    source: Source, con: duckdb.DuckDBPyConnection, measures: Mapping[str, float]
) -> list[Notice]:
    """Warn where the amount of one accepted order line is the sum of all the others.

    ``measures`` are those of `segkit.data.learned.LINE_MEASURES`.
    """
    if source.name != "order_lines":
        return []
    count = measures["amount_count"]
    total = measures["spend"]
    most = measures["largest_amount"]
    if not count or count < FEWEST_BEFORE_LAST or most <= 0:
        return []
    is_sum = abs(total - 2 * most) <= 0.005 + 1e-9 * abs(total)
    if not is_sum:
        return []
    rows = con.execute(
        f"""SELECT source_row FROM checked_order_lines
        WHERE NOT is_rejected AND line_amount = {most!r}"""
    ).fetchall()
    if len(rows) != 1:
        return []
    row = rows[0][0]
    if row != source.read and count < FEWEST_ELSEWHERE:
        return []
    return [
        Notice(
            "sum_of_the_others",
            severity="warning",
            row_count=1,
            reason=f"The amount of data row {row:,}, {most:,.2f}, is the sum of all others.",
            treatment="Kept; take it out of the table if it is a total.",
        )
    ]
