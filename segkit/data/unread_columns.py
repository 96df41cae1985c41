"""Columns that change what a sale is and that no name of the contract stands for, by their names.

An export of orders tells in columns of its own what was refunded, taken off or cancelled. Where the
plan maps nothing to such a column, sales are counted as if it were not there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import duckdb

from segkit.data.notices import Notice

# Of tables of orders; a column that is mapped to one of the contract's columns is read.
TELLING_TABLES = ("order_lines", "orders")


class Telling(NamedTuple):
    """What a column's name tells: which names, the rule, and the contract's column for it."""

    names: re.Pattern
    rule: str
    column: str


TELLING = (
    Telling(
        re.compile(r"(amount )?refund(ed|s)?( amount| total)?|total refund(ed|s)?|erstattet"),
        "refunds_not_read",
        "order_refunded_amount",
    ),
    Telling(
        re.compile(r"(order|cart|invoice) discount( amount| total)?|discount amount order"),
        "order_discounts_not_read",
        "order_discount_amount",
    ),
    Telling(
        re.compile(r"cancell?(ed|ation) (at|on|date|time)|storniert am|annul[ée]e? le"),
        "cancellations_not_read",
        "cancelled_at",
    ),
    Telling(
        re.compile(r"(order|sale|financial|payment|line) ?(status|state)|(bestell)?status|etat"),
        "status_not_read",
        "status",
    ),
)


def find_telling(names: Sequence[str], mapped: Sequence[str]) -> dict[str, Telling]:
    """Return, by the user's name, the columns whose names tell that they change what a sale is.

    ``mapped`` are the contract's columns that the plan or their names map; what one of them tells
    is read already.

    Examples
    --------
    >>> sorted(find_telling(["Order_Status", "Refunded Amount", "Colour"], ["status"]))
    ['Refunded Amount']
    """
    found = {}
    for name in names:
        words = " ".join(re.findall(r"[^\W_]+", re.sub("(?<=[a-z])(?=[A-Z])", " ", name))).lower()
        for telling in TELLING:
            is_read = any(telling.column.endswith(column) for column in mapped)
            if not is_read and telling.names.fullmatch(words):
                found[name] = telling
    return found


def tell_unread_columns(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    *,
    cells: dict[str, str],
    found: dict[str, Telling],
) -> list[Notice]:
    """Warn of each of these columns that holds more than zeros; ``cells`` are the relation's."""
    notices = []
    for name, telling in found.items():
        cell = '"' + cells[name].replace('"', '""') + '"'
        test = f"regexp_matches({cell}::VARCHAR, '[1-9A-Za-z]')"
        ((count,),) = con.execute(f"SELECT count_if({test}) FROM {relation}").fetchall()
        if count:
            notices.append(
                Notice(
                    telling.rule,
                    severity="warning",
                    row_count=count,
                    reason=f"By its name, '{name}' changes what a sale is, and nothing reads it.",
                    treatment=f'Not read. Map {telling.column} = "{name}" in the plan.',
                )
            )
    return notices
