"""How order lines are derived: what their order tells, amounts, the kind of line, and its status.

Each step is a query over the one before; small tables of `segkit.data.line_facts` are joined only
where there is something in them, so that lines without it cost nothing more.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection

from segkit.data.columns import Source, text_literal
from segkit.data.engine import SqlTables
from segkit.plan.models import Policies

PRICES = ("unit_price", "line_amount")
NUMBERS = ("quantity", *PRICES)
# What an order tells about a line that does not tell it itself.
TOLD_BY_ORDERS = ("customer_id", "ordered_at", "currency")
# What belongs to the order and is no column of an accepted line: ours, the lines', the orders'.
OF_ORDERS = (
    ("order_status", "status", "status"),
    ("order_cancelled_at", "cancelled_at", "cancelled_at"),
    ("order_discount", "order_discount_amount", "discount_amount"),
    ("order_refund", "order_refunded_amount", "refunded_amount"),
)
# Kinds of lines that make up what an order brings.
INCOME = ("sale", "discount")


@dataclasses.dataclass(frozen=True)
class LineFacts:
    """What was learned from all lines before each can be derived, see `learn_line_facts`.

    ``carried`` are columns that stand on some lines of an order only. ``has_discounts``,
    ``has_nothing`` and ``has_cuts`` say whether there are lines that are discounts, orders of
    nothing, and amounts of whole orders. ``statuses`` has each status as it is written, and what it
    means.
    """

    carried: tuple[str, ...] = ()
    has_discounts: bool = False
    has_nothing: bool = False
    has_cuts: bool = False
    statuses: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class LineQueries:
    """The queries of order lines, step by step.

    ``columns`` are those of the lines, ``orders`` those of the checked orders, if there are any:
    customer, time and currency of an order count where a line has none, those of rejected orders
    too. Nothing after ``as_of`` is known.
    """

    columns: Collection[str]
    orders: Collection[str]
    policies: Policies
    as_of: datetime.date
    facts: LineFacts = LineFacts()

    def derive(self, query: str) -> str:
        """Return the query that completes the converted lines of ``query``."""
        return self.add_status(self.share_cuts(self.name_kinds(self.join_orders(query))))

    @property
    def told(self) -> list[str]:
        """The columns of `OF_ORDERS` that lines or orders have."""
        return [name for name, own, _ in OF_ORDERS if self._find_sources(name, own)]

    @property
    def tells_customer(self) -> bool:
        """Whether each line tells its customer itself, and neither its order nor another line."""
        elsewhere = {*self.orders, *self.facts.carried}
        return "customer_id" in self.columns and "customer_id" not in elsewhere

    def name_amounts(self, lines: str, *, is_found: bool, among: str = "true") -> str:
        """Return lines with their plain ``amount``, and which are marked by a prefix.

        Where numbers are stored as such lines are read as they were found (``is_found``), which
        takes half the time.
        """
        numbers = [f"{self._read_number(column, is_found)} AS {column}" for column in NUMBERS]
        customer = "customer_id" if self.tells_customer else "NULL"
        return f"""SELECT *, {test_beginning(self.policies.cancelled_order_prefix)} AS is_cancelled,
                {test_beginning(self.policies.adjustment_order_prefix)} AS is_adjusted
            FROM (SELECT *, coalesce(line_amount, quantity * unit_price) AS amount
                FROM (SELECT source_row, order_id::VARCHAR AS order_id,
                    product_id::VARCHAR AS product_id, {customer}::VARCHAR AS customer_id,
                    {", ".join(numbers)}
                    FROM {lines} WHERE {among}))"""

    def _read_number(self, column: str, is_found: bool) -> str:
        """Return a number as it will be converted; what is none, or not there, is null."""
        if column not in self.columns:
            return "NULL::DOUBLE"
        return f"(CASE WHEN isfinite({column}) THEN {column} END)::DOUBLE" if is_found else column

    def select_returns(self) -> str:
        """Return the query of lines that may be no sales, with their kinds."""
        if not self.tells_customer:
            rows = "SELECT source_row FROM odd_lines"
            return self.derive(f"SELECT * FROM typed_order_lines WHERE source_row IN ({rows})")
        columns = ("source_row", "order_id", "product_id", "customer_id", *NUMBERS)
        return self.name_kinds(f"SELECT {', '.join(columns)} FROM odd_lines")

    def _find_sources(self, name: str, own: str) -> list[str]:
        """Return where a column of `OF_ORDERS` comes from: the line, then its order."""
        theirs = {ours: column for ours, _, column in OF_ORDERS}[name]
        found = [f"o.{own}"] if own in self.columns else []
        return found + ([f"p.{theirs}"] if theirs in self.orders else [])

    def join_orders(self, query: str) -> str:
        """Return lines with what other lines of their order and the orders tell, and prices."""
        query = self._carry(query)
        told = [column for column in TOLD_BY_ORDERS if column in self.orders]
        filled = [
            f"coalesce(o.{column}, p.{column}) AS {column}"
            for column in told
            if column in self.columns
        ]
        own = f"o.* REPLACE ({', '.join(filled)})" if filled else "o.*"
        added = [f"p.{column}" for column in told if column not in self.columns]
        for name, column, _ in OF_ORDERS:
            sources = self._find_sources(name, column)
            if sources:
                added.append(f"coalesce({', '.join(sources)}) AS {name}")
        for column in PRICES:
            is_there = column in self.columns
            added.append(f"{column} AS given_{column}" if is_there else f"NULL::DOUBLE AS {column}")
        joined = ""
        if self.orders:
            joined = """ LEFT JOIN (FROM checked_orders WHERE NOT rule_duplicate_key) AS p
                ON o.order_id = p.order_id"""
        return f"SELECT {', '.join([own, *added])} FROM ({query}) AS o{joined}"

    def _carry(self, query: str) -> str:
        """Return lines with the order's fields that stand on its other lines only."""
        if not self.facts.carried:
            return query
        filled = [
            f"coalesce(t.{column}, c.carried_{column}) AS {column}" for column in self.facts.carried
        ]
        return f"""SELECT t.* REPLACE ({", ".join(filled)}) FROM ({query}) AS t
            LEFT JOIN carried_fields AS c ON t.order_id = c.order_id"""

    def name_kinds(self, query: str) -> str:
        """Return lines with amount, price, ``is_product``, ``line_type`` and ``is_turned``."""
        marks = []
        joins = []
        kinds = [
            f"WHEN {test_beginning(self.policies.adjustment_order_prefix)} THEN 'adjustment'",
            f"WHEN {test_beginning(self.policies.cancelled_order_prefix)} THEN 'cancellation'",
        ]
        if self.facts.has_discounts:
            marks.append(", d.source_row IS NOT NULL AS is_discount")
            joins.append("LEFT JOIN discount_lines AS d ON t.source_row = d.source_row")
            kinds.append("WHEN is_discount THEN 'discount'")
        kinds.append("WHEN quantity < 0 OR amount < 0 THEN 'return'")
        if self.facts.has_nothing:
            marks.append(", z.order_id IS NOT NULL AS is_nothing")
            joins.append("LEFT JOIN nothing_orders AS z ON t.order_id = z.order_id")
            kinds.append("WHEN is_nothing THEN 'nothing'")
        if marks:
            query = f"SELECT t.*{''.join(marks)} FROM ({query}) AS t {' '.join(joins)}"
        return f"""
        SELECT * EXCLUDE (amount) REPLACE (
            coalesce(unit_price, line_amount / nullif(quantity, 0)) AS unit_price)
        FROM (SELECT * REPLACE (
            CASE WHEN is_turned THEN -abs(quantity) ELSE quantity END AS quantity,
            CASE WHEN is_turned THEN -abs(amount) ELSE amount END AS line_amount)
        FROM (SELECT *, line_type IN ('cancellation', 'return')
            AND coalesce(unit_price, 0) >= 0 AND (amount > 0 OR quantity > 0) AS is_turned
        FROM (SELECT *, CASE {" ".join(kinds)} ELSE 'sale' END AS line_type
        FROM (SELECT *, coalesce(line_amount, quantity * unit_price) AS amount,
            {_test_products(self.policies)} AS is_product FROM ({query})))))"""

    def share_cuts(self, query: str) -> str:
        """Return lines with what discounts and refunds of whole orders leave of their amounts."""
        if not self.facts.has_cuts:
            return query
        kept = "coalesce(k.kept_share, 1)"
        is_sale = "t.line_type = 'sale'"
        own = "t.discount_amount" if "discount_amount" in self.columns else "NULL"
        discount = f"""CASE WHEN {is_sale} AND k.discount_share > 0
            THEN coalesce({own}, 0) + t.line_amount * k.discount_share ELSE {own} END::DOUBLE
            AS discount_amount"""
        changed = [
            f"CASE WHEN {is_sale} THEN t.{column} * {kept} ELSE t.{column} END AS {column}"
            for column in PRICES
        ]
        if "discount_amount" in self.columns:
            changed.append(discount)
        added = "" if "discount_amount" in self.columns else f", {discount}"
        return f"""SELECT t.* REPLACE ({", ".join(changed)}){added},
                coalesce(k.is_refunded, false) AS is_refunded,
                {is_sale} AND k.discount_share > 0 AS has_order_discount,
                {is_sale} AND k.refund_share > 0 AS has_order_refund
            FROM ({query}) AS t LEFT JOIN order_cuts AS k ON t.order_id = k.order_id"""

    def add_status(self, query: str) -> str:
        """Return lines with what their status means, and when they were taken back by it.

        ``dated_back_at`` is the time where it is known, ``told_back_at`` that of the order where
        only that it was taken back is known.
        """
        told = self.told
        if not {"order_status", "order_cancelled_at"} & set(told) and not self.facts.has_cuts:
            return query
        added = ["line_type IN ('sale', 'discount') AS is_income"]
        tests = []
        cancelled = "NULL::TIMESTAMP"
        if "order_status" in told:
            added.append(f"{self._read_status()} AS status_means")
            tests.append("status_means = 'taken back'")
            if "order_refund" not in told:
                added.append("true AS lacks_refunds")
        if "order_cancelled_at" in told:
            known = f"order_cancelled_at::DATE <= '{self.as_of}'"
            added.append(f"coalesce({known}, false) AS was_cancelled")
            tests.append("was_cancelled")
            cancelled = "CASE WHEN was_cancelled THEN order_cancelled_at END"
        if self.facts.has_cuts:
            tests.append("is_refunded")
        is_back = " OR ".join(tests) or "false"
        return f"""SELECT *, CASE WHEN is_income THEN {cancelled} END AS dated_back_at,
                CASE WHEN is_income AND ({is_back}) THEN ordered_at END AS told_back_at
            FROM (SELECT *, {", ".join(added)} FROM ({query}))"""

    def _read_status(self) -> str:
        """Return what a status means; nothing where it is a sale."""
        by_meaning: dict[str, list[str]] = {}
        for status, meaning in self.facts.statuses:
            by_meaning.setdefault(meaning, []).append(text_literal(status))
        cases = [
            f"WHEN order_status IN ({', '.join(statuses)}) THEN '{meaning}'"
            for meaning, statuses in by_meaning.items()
            if meaning != "sale"
        ]
        return f"CASE {' '.join(cases)} ELSE '' END" if cases else "''"


def test_beginning(prefix: str) -> str:
    """Return the test of an order's number by the prefix that the plan gives, if it gives one."""
    return f"starts_with(order_id, {text_literal(prefix)})" if prefix else "false"


def _test_products(policies: Policies) -> str:
    """Return the test whether a line is a product: none of the plan's other numbers."""
    if not policies.non_product_ids:
        return "true"
    ids = ", ".join(text_literal(one.strip().upper()) for one in policies.non_product_ids)
    return f"coalesce(upper(product_id) NOT IN ({ids}), true)"


def is_stored_typed(source: Source, tables: SqlTables) -> bool:
    """Say whether a source can be read as it was found: its numbers and keys are stored as such."""
    numbers = [column for column in NUMBERS if column in source.columns]
    kinds = [source.types[column] for column in numbers]
    keys = [c for c in ("order_id", "product_id", "customer_id") if c in source.columns]
    are_numbers = all(
        kind.startswith(("DOUBLE", "FLOAT", "DEC")) or "INT" in kind for kind in kinds
    )
    are_keys = all(
        source.types[key].endswith("INT")
        or "INTEGER" in source.types[key]
        or (key in source.plain_ids and not source.joins_capitals)
        for key in keys
    )
    return tables.spark is None and not source.is_copied and are_numbers and are_keys
