"""What the checks learned of the whole, in one row: rows, customers, orders, days, sum.

Tables of up to `EXACT_ROWS` rows are counted exactly. Of larger ones orders and customers are
estimated (HyperLogLog: Flajolet et al. 2007; about two in a hundred off) in the pass that counts
the rules, and what would need another pass over them is left unknown.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd

EXACT_ROWS = 2_000_000
# Of the largest orders so many are put together: one in a hundred, at least one.
TOP_SHARE = 0.01
# Enough buyers with repeat purchases for anything that asks for them.
ENOUGH_REPEATERS = 100
FIRST_SALES = 200_000  # enough of them are nearly always among so many lines
ACCEPTED_SALES = "NOT is_rejected AND line_type = 'sale'"

# Worked out of order lines in the same pass as the rules are counted.
LINE_MEASURES = {
    "spend": "sum(if(is_rejected, NULL, line_amount))",
    "amount_count": "count(if(is_rejected, NULL, line_amount))",
    "largest_amount": "max(if(is_rejected, NULL, line_amount))",
    "order_count": f"approx_count_distinct(if({ACCEPTED_SALES}, order_id, NULL))",
    "customer_count": f"approx_count_distinct(if({ACCEPTED_SALES}, customer_id, NULL))",
}
# What is not published where it is estimated, or where nobody can tell whose it mostly is.
ESTIMATED = ("customer_count", "order_count", "spend")
# What is published; the rest is for who checks the plan.
PUBLISHED_COLUMNS = (
    "table",
    "row_count",
    "customer_count",
    "order_count",
    "first_on",
    "last_on",
    "spend",
    "spend_largest",
    "spend_second",
    "top_order_count",
    "top_customer_count",
    "top_spend_share",
    "top_spend_share_sum",
    "top_spend_share_largest",
    "top_spend_share_second",
)


@dataclass(frozen=True)
class Learned:
    """What was learned of the table that names the customers; None where it is not known.

    Attributes
    ----------
    table : str
        Order lines where there are any.
    row_count : int
        Accepted rows.
    customer_count, order_count : int
        With an accepted sale where there are order lines; estimates unless ``is_exact``.
    repeat_count : int
        Customers with two orders or more; where there are many, at least so many.
    first_on, last_on : date
        Of the rows until the last day counted.
    spend, found_spend : float
        The sum of the accepted lines, and that of the columns of all lines as they were found.
    currency : str
    top_order_count, top_customer_count, top_spend : int, int, float
        The largest hundredth of the orders, who made them, and their sum.
    largest_order : float
    contributions : mapping of str to float
        The two largest contributions of customers to ``spend`` and to ``top_spend``, for the gate.
    is_exact : bool
    """

    table: str
    row_count: int
    customer_count: int | None = None
    order_count: int | None = None
    repeat_count: int | None = None
    first_on: datetime.date | None = None
    last_on: datetime.date | None = None
    spend: float | None = None
    found_spend: float | None = None
    currency: str = ""
    top_order_count: int | None = None
    top_customer_count: int | None = None
    top_spend: float | None = None
    largest_order: float | None = None
    contributions: Mapping[str, float | None] | None = None
    is_exact: bool = True

    def to_frame(self) -> pd.DataFrame:
        """Return it as a table of one row, for the gate; what is estimated is not told there.

        Without the largest customers' parts nobody can tell whether the sum is theirs.
        """
        given = self.contributions or {}
        row = {name: getattr(self, name, None) for name in PUBLISHED_COLUMNS}
        row["spend_largest"] = given.get("spend_largest")
        row["spend_second"] = given.get("spend_second")
        row["top_spend_share"] = share_of(self.top_spend, self.spend)
        row["top_spend_share_sum"] = self.top_spend
        row["top_spend_share_largest"] = given.get("top_spend_largest")
        row["top_spend_share_second"] = given.get("top_spend_second")
        if not self.is_exact:
            row |= dict.fromkeys(ESTIMATED)
        return pd.DataFrame([row], columns=list(PUBLISHED_COLUMNS))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, for who checks the plan."""
        return {
            "table": self.table,
            "rows": self.row_count,
            "customers": self.customer_count,
            "orders": self.order_count,
            "customers_with_two_orders": self.repeat_count,
            "first_day": _write_day(self.first_on),
            "last_day": _write_day(self.last_on),
            "sum": self.spend,
            "sum_as_found": self.found_spend,
            "currency": self.currency,
            "largest_orders": self.top_order_count,
            "largest_orders_share": share_of(self.top_spend, self.spend),
            "largest_order_share": share_of(self.largest_order, self.spend),
            "exact": self.is_exact,
        }

    def describe(self) -> dict[str, str]:
        """Return it in words and figures, by what it is; without what is not known."""
        about = "" if self.is_exact else "about "
        least = "" if self.is_exact else "at least "
        top = share_of(self.top_spend, self.spend)
        largest = share_of(self.largest_order, self.spend)
        told = {
            f"rows of {self.table}": f"{self.row_count:,}",
            "customers": _write_count(self.customer_count, about),
            "orders": _write_count(self.order_count, about),
            "customers with two orders": _write_count(self.repeat_count, least),
            "days": f"{self.first_on} to {self.last_on}" if self.first_on else None,
            "sum": _write_money(self.spend, self.currency),
            "sum of the columns as found": _write_money(self.found_spend, self.currency),
            "largest hundredth of the orders": None if top is None else f"{top:.1%} of the sum",
            "largest order": None if largest is None else f"{largest:.1%} of the sum",
        }
        return {what: found for what, found in told.items() if found is not None}


def _write_count(count: int | None, about: str = "") -> str | None:
    return None if count is None else f"{about}{count:,}"


def _write_money(amount: float | None, currency: str) -> str | None:
    return None if amount is None else f"{currency} {amount:,.2f}"


def _write_day(day: datetime.date | None) -> str | None:
    return day.isoformat() if day else None


def share_of(part: float | None, whole: float | None) -> float | None:
    """Return a part of the whole; None where one is not known or the whole is not positive."""
    if part is None or whole is None or whole <= 0:
        return None
    return round(part / whole, 6)


def summarise_orders(con: duckdb.DuckDBPyConnection, kept: str = "") -> dict[str, Any]:
    """Summarise the accepted order lines exactly, by way of a table with a row an order.

    An order of two customers is one of each, as where customers are described.
    ``kept`` is a further test, in SQL, of sales that count.
    """
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE judged_orders AS
        SELECT order_id, customer_id, sum(line_amount) AS amount,
            bool_or(line_type = 'sale' {kept}) AS is_sale
        FROM checked_order_lines WHERE NOT is_rejected GROUP BY order_id, customer_id"""
    )
    order_count, customer_count, repeat_count, largest = con.execute(
        """SELECT coalesce(sum(own_count), 0)::BIGINT, count(customer_id),
            count_if(own_count >= 2 AND customer_id IS NOT NULL), max(largest)
        FROM (SELECT customer_id, count(*) AS own_count, max(amount) AS largest
            FROM judged_orders WHERE is_sale GROUP BY customer_id)"""
    ).fetchall()[0]
    top_count = max(1, math.ceil(TOP_SHARE * order_count)) if order_count else 0
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE judged_top AS FROM judged_orders WHERE is_sale
        ORDER BY amount DESC, order_id LIMIT {top_count}"""
    )
    contributions = {}
    sums = {}
    for name, table in (("spend", "judged_orders"), ("top_spend", "judged_top")):
        total, customers = con.execute(
            f"SELECT round(sum(amount), 4), count(DISTINCT customer_id) FROM {table}"
        ).fetchall()[0]
        sums[name] = (total, customers)
        parts = con.execute(
            f"""SELECT round(sum(amount), 4) AS part FROM {table} WHERE customer_id IS NOT NULL
            GROUP BY customer_id ORDER BY abs(part) DESC LIMIT 2"""
        ).fetchall()
        for end, place in (("largest", 0), ("second", 1)):
            contributions[f"{name}_{end}"] = parts[place][0] if place < len(parts) else None
    con.execute("DROP TABLE judged_top")
    con.execute("DROP TABLE judged_orders")
    return {
        "customer_count": customer_count,
        "order_count": order_count,
        "repeat_count": repeat_count,
        "top_order_count": top_count,
        "top_customer_count": sums["top_spend"][1],
        "top_spend": sums["top_spend"][0],
        "largest_order": None if largest is None else round(largest, 4),
        "contributions": contributions,
    }


def count_repeaters(con: duckdb.DuckDBPyConnection, kept: str = "") -> int:
    """Count customers with two orders or more; no more than needed where there are many."""
    known = "SELECT customer_id, order_id FROM checked_order_lines"
    known = f"{known} WHERE {ACCEPTED_SALES} {kept} AND customer_id IS NOT NULL"
    for lines in (f"{known} LIMIT {FIRST_SALES}", known):
        found = con.execute(
            f"""SELECT count(*) FROM (SELECT customer_id FROM ({lines})
            GROUP BY customer_id HAVING min(order_id) <> max(order_id))"""
        ).fetchall()[0][0]
        if found >= ENOUGH_REPEATERS:
            break
    return found
