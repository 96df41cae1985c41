"""What a missing table could have answered, and where to find it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import ibis
import pandas as pd

from segkit.data.contract import TABLES

ANSWERS = {
    "order_lines": (
        "What each segment buys, how much and in which months",
        "The till or the web shop: one line a product sold",
    ),
    "orders": (
        "Which channels and campaigns are behind the purchases",
        "The web shop or the order system: one row an order",
    ),
    "customers": (
        "Who the customers are and where they live",
        "The customer register or the CRM",
    ),
    "products": (
        "Which categories each segment buys",
        "The product register: product_id and category are enough",
    ),
    "events": (
        "How each segment uses the site and the app, and on which device",
        "The web analytics export, with the customer's own identifier",
    ),
    "messages": (
        "Who opens, clicks and unsubscribes",
        "The mail tool's log: one row a message and customer",
    ),
    "tickets": (
        "What each segment asks support for, and how long it waits",
        "The help desk's export, with the time opened and the time resolved",
    ),
    "responses": (
        "What the segments say themselves, beside what they do",
        "Surveys, reviews and quizzes: one row a question and answer",
    ),
    "market_cells": (
        "Our share of each country and category, and where the white space is",
        "Statistics offices, trade associations, market reports: buyers or sales a year",
    ),
    "competitors": (
        "Who else serves each cell of the market, and how",
        "Annual reports, trade press, the competitors' own sites; a judgement is welcome if "
        "its source says so",
    ),
    "trends": (
        "Where the industry is going",
        "Statistics offices, trade associations, search trends: one figure a year",
    ),
}


def is_missing(table: ibis.Table | None, *columns: str) -> bool:
    """Tell whether a table is absent or lacks one of the columns."""
    return table is None or any(column not in table.columns for column in columns)


def empty_table(columns: Collection[str], reason: str) -> pd.DataFrame:
    """Return a table without rows that carries its reason in ``attrs["reason"]``."""
    table = pd.DataFrame({column: pd.Series(dtype=object) for column in columns})
    table.attrs["reason"] = reason
    return table


def explain_empty(table: pd.DataFrame) -> str:
    """Return why a table has no rows, or an empty text where it has some."""
    if len(table):
        return ""
    return table.attrs.get("reason", "The table has no rows.")


def describe_missing(
    tables: Mapping[str, ibis.Table], names: Collection[str], *, only_missing: bool = False
) -> pd.DataFrame:
    """Say of each table whether it is there, what it answers, and where to find it.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        The accepted tables.
    names : collection of str
        The tables to ask about.
    only_missing : bool, optional
        Leave out the tables that are there.

    Returns
    -------
    DataFrame
        table, row_count (None where it is missing), missing_columns, answers, collect.
    """
    rows = []
    for name in names:
        table = tables.get(name)
        count = None if table is None else int(table.count().to_pyarrow().as_py())
        if only_missing and count:
            continue
        wanted = [column.name for column in TABLES[name].columns if not column.personal]
        absent = wanted if table is None else [c for c in wanted if c not in table.columns]
        answers, collect = ANSWERS[name]
        state = "missing" if count is None else "empty" if count == 0 else "there"
        rows.append((name, state, count, ", ".join(absent), answers, collect))
    names = ["table", "state", "row_count", "missing_columns", "answers", "collect"]
    table = pd.DataFrame(rows, columns=names).astype({"row_count": "Int64"})
    if table.empty:
        table.attrs["reason"] = "Every table that this step can use is there."
    return table
