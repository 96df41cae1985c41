"""How orders and their customers go together, counted in one pass over the lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class OrderCounts:
    """What was counted of the orders of a relation.

    Attributes
    ----------
    order_count : int
        Orders with a customer.
    shared_count, shared_line_count : int
        Orders of two customers or more, and their lines.
    mixed : frozenset of str
        The columns that stand on some lines of an order only.
    """

    order_count: int
    shared_count: int
    shared_line_count: int
    mixed: frozenset[str] = frozenset()


def count_orders(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    *,
    customer: str = "customer_id",
    known: Mapping[str, str] | None = None,
) -> OrderCounts:
    """Count the orders of ``rows``, a relation with ``order_id``.

    Parameters
    ----------
    customer : str
        Who bought, in SQL; NULL where the lines do not tell it.
    known : mapping of str to str
        By column, the test whether a line has a value of it, of columns that may be mixed.
    """
    known = known or {}
    own = [f", ({test})::INT AS has_{name}" for name, test in known.items()]
    sums = [f", sum(has_{name}) AS has_{name}" for name in known]
    mixed = [f", count_if(has_{name} BETWEEN 1 AND n - 1)" for name in known]
    found = con.execute(
        f"""SELECT count(a), count_if(a <> b), coalesce(sum(n) FILTER (a <> b), 0)::BIGINT
            {"".join(mixed)}
        FROM (SELECT o, min(c) AS a, max(c) AS b, count(*) AS n{"".join(sums)}
            FROM (SELECT hash(order_id) AS o,
                    CASE WHEN {customer} IS NOT NULL THEN hash({customer}) END AS c
                    {"".join(own)}
                FROM {rows} WHERE order_id IS NOT NULL)
            GROUP BY 1)"""
    ).fetchall()[0]
    columns = [name for name, count in zip(known, found[3:], strict=True) if count]
    return OrderCounts(*found[:3], mixed=frozenset(columns))
