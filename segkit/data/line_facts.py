"""What must be known of all order lines before each of them can be derived.

One pass over few columns says what there is; small tables are made only of what there is.
"""

from __future__ import annotations

import dataclasses

import pandas as pd

from segkit.core.errors import SegkitError
from segkit.data.columns import Source, text_literal
from segkit.data.engine import SqlTables
from segkit.data.lines import INCOME, LineQueries, is_stored_typed, test_beginning
from segkit.data.notices import Notice
from segkit.data.order_counts import OrderCounts, count_orders
from segkit.data.order_status import NOT_KNOWN, list_statuses, refuse_statuses

# Fields of an order that some exports write on its first line only.
CARRIED = (
    "customer_id", "ordered_at", "currency", "status", "cancelled_at", "country", "channel",
)  # fmt: skip
# A prefix that makes so many of the lines cancellations, or book-keeping, is another thing.
MOST_PREFIXED_SHARE = 0.5
# So many lines at least, most of them positive and without a sale that they could take back.
FEWEST_DOUBTFUL = 5
# Book-keeping lines of positive amount, as a share of all lines.
MOST_ADJUSTED_SHARE = 0.1
SUM_COLUMNS = ("what", "order_count", "amount")
CENT = 0.01


class LineLearner:
    """Learns from the converted lines of one source what `LineQueries` needs.

    ``queries`` become those of the lines, ``notices`` what to say of them, and ``faults`` what
    refuses them. ``statuses`` has a row a status, see `list_statuses`; ``sums`` what was shared out
    among lines: ``what``, ``order_count``, ``amount``. Amounts in another currency than the plan's
    are in neither. ``order_counts`` is what was counted of the orders as they were found, if it
    was.
    """

    def __init__(self, source: Source, tables: SqlTables, queries: LineQueries, *, currency: str):
        self.source = source
        self.currency = currency
        self.tables = tables
        self.queries = queries
        self.typed = f"SELECT * FROM typed_{source.name}"
        self.is_found = is_stored_typed(source, tables)
        self.quick = source.known if self.is_found else f"typed_{source.name}"
        self.notices: list[Notice] = []
        self.statuses = list_statuses([], queries.policies.statuses)
        self.sums = pd.DataFrame(columns=list(SUM_COLUMNS))
        self.faults: list[SegkitError] = []
        self.order_counts: OrderCounts | None = None

    def learn(self) -> None:
        """Learn step by step; each step reads what the steps before it made."""
        counts = self._count()
        self._judge_prefixes(counts)
        self._carry_fields(counts)
        if counts["negative"]:
            self._find_discounts()
        if counts["nothing"] and self.queries.policies.zero_prices == "keep":
            self._find_nothing()
        told = self.queries.told
        if "order_status" in told:
            self._read_statuses()
        if {"order_discount", "order_refund"} & set(told):
            self._share_cuts()

    def _keep(self, **facts: object) -> None:
        learned = dataclasses.replace(self.queries.facts, **facts)
        self.queries = dataclasses.replace(self.queries, facts=learned)

    def _ask(self, query: str) -> list[tuple]:
        return self.tables.con.execute(query).fetchall()

    def _select_kinds(self) -> str:
        """Return the query of lines in the plan's currency with their kinds."""
        lines = self.queries.name_kinds(self.queries.join_orders(self.typed))
        if "currency" not in {*self.source.columns, *self.queries.orders}:
            return lines
        own = text_literal(self.currency)
        return f"SELECT * FROM ({lines}) WHERE coalesce(upper(currency), {own}) = {own}"

    def _select_amounts(self, *, among: str = "true") -> str:
        """Return the query of lines with their plain amounts, see `LineQueries.name_amounts`."""
        return self.queries.name_amounts(self.quick, is_found=self.is_found, among=among)

    def _count(self) -> dict[str, int]:
        """Create ``odd_lines``, those that may be no sales, and count what there is."""
        self.tables.create(
            "odd_lines",
            f"""SELECT * FROM ({self._select_amounts()})
            WHERE is_cancelled OR is_adjusted OR quantity < 0 OR amount <= 0""",
        )
        tests = {
            "negative": "NOT is_cancelled AND NOT is_adjusted AND (quantity < 0 OR amount < 0)",
            "nothing": "amount = 0",
            "cancelled": "is_cancelled",
            "adjusted": "is_adjusted AND NOT is_cancelled",
            "positive_cancelled": "is_cancelled AND quantity > 0 AND amount > 0",
            "positive_adjusted": "is_adjusted AND quantity > 0 AND amount > 0",
        }
        counts = self._count_each(tests, "odd_lines")
        there = [column for column in CARRIED if column in self.source.columns]
        empty = {f"no_{column}": self._is_empty(column) for column in there}
        return {"lines": self.source.raw_count, **counts, **self._count_each(empty, self.quick)}

    def _count_each(self, tests: dict[str, str], lines: str) -> dict[str, int]:
        """Count in one pass the lines that meet each of the tests."""
        if not tests:
            return {}
        counts = [f"coalesce(count_if({test}), 0)" for test in tests.values()]
        (found,) = self._ask(f"SELECT {', '.join(counts)} FROM {lines}")
        return dict(zip(tests, found, strict=True))

    def _is_empty(self, column: str) -> str:
        """Return the test whether there is no value, without reading it more than is needed."""
        is_text = self.source.types[column] == "VARCHAR" and self.is_found
        return f"({column} IS NULL OR {column} = '')" if is_text else f"({column} IS NULL)"

    def _judge_prefixes(self, counts: dict[str, int]) -> None:
        """Refuse a prefix that makes sales something else."""
        policies = self.queries.policies
        lines = counts["lines"]
        if counts["cancelled"] > MOST_PREFIXED_SHARE * lines:
            share = counts["cancelled"] / lines
            message = f"{share:.0%} of the lines would be cancellations"
            self._refuse_prefix("cancelled_order_prefix", message, counts["cancelled"])
        elif counts["positive_cancelled"] > MOST_PREFIXED_SHARE * counts["cancelled"]:
            self._doubt_cancellations(counts)
        adjusted = counts["adjusted"]
        is_most = adjusted > MOST_PREFIXED_SHARE * lines
        if is_most or counts["positive_adjusted"] > MOST_ADJUSTED_SHARE * lines:
            becomes = "left out as book-keeping"
            if policies.adjustments == "keep":
                becomes = "book-keeping and no sales"
            message = f"{adjusted / lines:.0%} of the lines would be {becomes}"
            self._refuse_prefix("adjustment_order_prefix", message, adjusted)
        elif counts["positive_adjusted"] > max(FEWEST_DOUBTFUL, MOST_PREFIXED_SHARE * adjusted):
            reason = "The line begins as book-keeping does, but has a positive amount, as sales do."
            treatment = "No sale; look whether adjustment_order_prefix is right."
            count = counts["positive_adjusted"]
            self._warn_of_prefix("adjustment_of_sales", count, reason, treatment)

    def _warn_of_prefix(self, rule: str, count: int, reason: str, treatment: str) -> None:
        self.notices.append(Notice(rule, "warning", count, reason, treatment))

    def _refuse_prefix(self, policy: str, message: str, count: int) -> None:
        prefix = getattr(self.queries.policies, policy)
        order_ids = self._ask(
            f"""SELECT DISTINCT order_id FROM typed_{self.source.name}
            WHERE {test_beginning(prefix)} ORDER BY order_id LIMIT 3"""
        )
        examples = ", ".join(order_id for (order_id,) in order_ids)
        self.faults.append(
            SegkitError(
                f'{message}; is {policy} = "{prefix}" right?',
                where=f"{self.source.locate('order_id')}, and [policies] of the plan",
                found=f"{count:,} lines whose order begins with {prefix!r}, such as {examples}",
                fix=f'Write {policy} = "", or the beginning that no sale has.',
            )
        )

    def _doubt_cancellations(self, counts: dict[str, int]) -> None:
        """Refuse cancellations of positive amount where most have no sale to take back."""
        prefix = self.queries.policies.cancelled_order_prefix
        amounts = self._select_amounts()
        rest = f"substr(c.order_id, {len(prefix) + 1})"
        customer = "customer_id" if "customer_id" in self.source.columns else "NULL"
        ((unmet,),) = self._ask(
            f"""WITH lines AS ({amounts}), typed AS (
                SELECT source_row, {customer} AS customer_id FROM typed_{self.source.name}
            ), known AS (SELECT lines.* EXCLUDE (customer_id), typed.customer_id
                FROM lines JOIN typed USING (source_row))
            SELECT count(*) FROM known AS c WHERE is_cancelled AND quantity > 0 AND amount > 0
            AND NOT EXISTS (SELECT 1 FROM known AS s
                WHERE NOT s.is_cancelled AND s.order_id = {rest})
            AND NOT EXISTS (SELECT 1 FROM known AS s WHERE NOT s.is_cancelled
                AND s.customer_id = c.customer_id AND s.product_id = c.product_id
                AND s.quantity = c.quantity)"""
        )
        if not unmet > MOST_PREFIXED_SHARE * counts["cancelled"]:
            return
        if unmet >= FEWEST_DOUBTFUL:
            message = f"{unmet:,} lines with positive quantity and amount would be cancellations"
            self._refuse_prefix("cancelled_order_prefix", message, counts["cancelled"])
            return
        self._warn_of_prefix(
            "cancellation_of_no_sale",
            unmet,
            "The order begins as cancellations do, but the line has a positive quantity and "
            "amount, and there is no sale that it takes back.",
            "Taken off the spend; look whether cancelled_order_prefix is right.",
        )

    def _carry_fields(self, counts: dict[str, int]) -> None:
        """Find fields that stand on some lines of an order only, and agree where they stand."""
        partly = [c for c in CARRIED if 0 < counts.get(f"no_{c}", 0) < counts["lines"]]
        if not partly:
            return
        has_customer = "customer_id" in self.source.columns
        found = count_orders(
            self.tables.con,
            self.quick,
            customer="customer_id" if has_customer else "NULL",
            known={column: f"NOT {self._is_empty(column)}" for column in partly},
        )
        if has_customer and self.is_found:
            self.order_counts = found
        partly = [column for column in partly if column in found.mixed]
        if not partly:
            return
        typed = f"typed_{self.source.name}"
        sought = [self._test_rarer(column, counts) for column in partly]
        values = []
        kept = []
        for column in partly:
            agreed = f"CASE WHEN min({column}) = max({column}) THEN min({column}) END"
            values.append(f"{agreed} AS carried_{column}")
            kept.append(f"count({column}) BETWEEN 1 AND count(*) - 1")
        self.tables.create(
            "carried_fields",
            f"""SELECT order_id, {", ".join(values)} FROM {typed}
            WHERE order_id IN (SELECT order_id FROM {typed} WHERE {" OR ".join(sought)})
            GROUP BY order_id HAVING {" OR ".join(kept)}""",
        )
        sums = ", ".join(
            f"count_if(t.{column} IS NULL AND c.carried_{column} IS NOT NULL)" for column in partly
        )
        (row,) = self._ask(
            f"SELECT {sums} FROM {typed} AS t JOIN carried_fields AS c ON t.order_id = c.order_id"
        )
        carried = [(column, count) for column, count in zip(partly, row, strict=True) if count]
        self._keep(carried=tuple(column for column, _ in carried))
        for column, count in carried:
            words = column.replace("_at", " time").replace("_", " ")
            self.notices.append(
                Notice(
                    f"carried_{column}",
                    severity="note",
                    row_count=count,
                    reason=f"The {words} stands on other lines of the order only.",
                    treatment="Taken from those lines, which agree.",
                )
            )

    def _test_rarer(self, column: str, counts: dict[str, int]) -> str:
        """Return the test of lines with or without a value of a column, whichever are fewer.

        An order with some of each is among either.
        """
        is_empty = self._is_empty(column)
        return f"NOT {is_empty}" if counts[f"no_{column}"] > counts["lines"] / 2 else is_empty

    def _find_discounts(self) -> None:
        """Create ``discount_lines``: negative lines beside sales that name nothing that is sold."""
        amounts = self._select_amounts()
        is_plain = "NOT is_cancelled AND NOT is_adjusted"
        self.tables.create(
            "negative_lines",
            f"""SELECT source_row, order_id, product_id FROM odd_lines
            WHERE {is_plain} AND (quantity < 0 OR amount < 0)""",
        )
        sold = f"FROM ({amounts}) WHERE {is_plain} AND quantity > 0 AND amount > 0"
        self.tables.create(
            "discount_lines",
            f"""SELECT n.source_row FROM negative_lines AS n
            JOIN (SELECT DISTINCT order_id {sold}
                AND order_id IN (SELECT order_id FROM negative_lines)) AS s
                ON n.order_id = s.order_id
            LEFT JOIN (SELECT DISTINCT product_id {sold}
                AND product_id IN (SELECT product_id FROM negative_lines)) AS p
                ON n.product_id = p.product_id
            WHERE p.product_id IS NULL""",
        )
        self._keep(has_discounts=bool(self._ask("SELECT 1 FROM discount_lines LIMIT 1")))

    def _find_nothing(self) -> None:
        """Create ``nothing_orders``: those whose amounts are all zero."""
        free = "SELECT order_id FROM odd_lines WHERE amount = 0"
        amounts = self._select_amounts(among=f"order_id IN ({free})")
        self.tables.create(
            "nothing_orders",
            f"""SELECT order_id FROM ({amounts})
            GROUP BY order_id HAVING max(abs(amount)) = 0""",
        )
        self._keep(has_nothing=bool(self._ask("SELECT 1 FROM nothing_orders LIMIT 1")))

    def _read_statuses(self) -> None:
        """List the statuses with lines and money; refuse where much hangs on unknown ones."""
        lines = self._select_kinds()
        self.tables.create(
            "status_counts",
            f"""SELECT order_status, sum(line_count) AS line_count, sum(amount) AS amount,
                count(customer_id) AS customer_count,
                max(CASE WHEN place = 1 THEN amount END) AS largest,
                max(CASE WHEN place = 2 THEN amount END) AS second
            FROM (SELECT *, row_number() OVER (PARTITION BY order_status
                    ORDER BY customer_id IS NULL, abs(amount) DESC, customer_id) AS place
                FROM (SELECT order_status, customer_id, count(*) AS line_count,
                    round(coalesce(sum(line_amount), 0), 4) AS amount
                    FROM ({lines}) WHERE order_status IS NOT NULL
                    GROUP BY order_status, customer_id))
            GROUP BY order_status""",
        )
        found = self._ask("SELECT * FROM status_counts")
        statuses = list_statuses(found, self.queries.policies.statuses)
        self.statuses = statuses
        where = self.source.locate("status")
        fault = refuse_statuses(statuses, where)
        if fault is not None:
            self.faults.append(fault)
            return
        unknown = statuses["known_by"] == NOT_KNOWN
        meanings = statuses["counts_as"].mask(unknown, NOT_KNOWN)
        self._keep(statuses=tuple(zip(statuses["status"], meanings, strict=True)))
        by_words = statuses[statuses["known_by"] == "segkit"]
        if len(by_words):
            self.notices.append(
                Notice(
                    "status_words",
                    severity="note",
                    row_count=int(by_words["line_count"].sum()),
                    reason="The plan does not say what the status means.",
                    treatment="Read by the words that shops use; name it under [policies.statuses] "
                    "to have it otherwise.",
                )
            )

    def _share_cuts(self) -> None:
        """Create ``order_cuts``: what is left of an order's sales after what was taken off it.

        Returns of an order are a refund that stands on lines already.
        """
        told = self.queries.told
        columns = [name for name in ("order_discount", "order_refund") if name in told]
        lines = self._select_kinds()
        given = " OR ".join(f"{column} <> 0" for column in columns)
        discount = "max(abs(order_discount))" if "order_discount" in columns else "0"
        refund = "max(abs(order_refund))" if "order_refund" in columns else "0"
        self.tables.create(
            "order_cuts",
            f"""SELECT order_id, gross, cut, refund, cut / gross AS discount_share,
                CASE WHEN is_refunded THEN 0 ELSE refund / gross END AS refund_share,
                (gross - cut - CASE WHEN is_refunded THEN 0 ELSE refund END) / gross AS kept_share,
                is_refunded, asked - cut > {CENT} AS is_too_much
            FROM (SELECT *, refund > 0 AND refund >= net - cut - {CENT} AS is_refunded
            FROM (SELECT order_id, gross, net, asked, least(asked, net) AS cut,
                greatest(refunded - returned, 0) AS refund
            FROM (SELECT order_id, coalesce({discount}, 0) AS asked,
                coalesce({refund}, 0) AS refunded,
                sum(CASE WHEN line_type = 'sale' THEN line_amount ELSE 0 END) AS gross,
                sum(CASE WHEN line_type IN {INCOME} THEN line_amount ELSE 0 END) AS net,
                sum(CASE WHEN line_type = 'return' THEN -line_amount ELSE 0 END) AS returned
            FROM ({lines})
            WHERE order_id IN (SELECT order_id FROM ({lines}) WHERE {given})
            GROUP BY order_id) WHERE gross > 0 AND net > 0))""",
        )
        self._tell_cuts()

    def _tell_cuts(self) -> None:
        """Say how much was shared out, and where a discount is more than its order."""
        counts = self._ask(
            """SELECT count(*), count_if(is_too_much), count_if(cut > 0), sum(cut),
                count_if(refund > 0 AND NOT is_refunded),
                sum(CASE WHEN is_refunded THEN 0 ELSE refund END) FROM order_cuts"""
        )
        orders, too_much, discounted, discount, refunded, refund = counts[0]
        if not orders:
            return
        self._keep(has_cuts=True)
        rows = [("order discounts", discounted, discount), ("order refunds", refunded, refund)]
        told = [row for row in rows if row[1]]
        self.sums = pd.DataFrame(told, columns=list(SUM_COLUMNS))
        if too_much:
            self.notices.append(
                Notice(
                    "order_discount_too_large",
                    severity="warning",
                    row_count=too_much,
                    reason="The discount on the whole order is more than its lines cost.",
                    treatment="Taken off until nothing is left; is it an amount, and the order's?",
                )
            )
