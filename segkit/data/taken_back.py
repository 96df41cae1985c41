"""Orders that were taken back whole: which lines they are, and since when.

A return names its order by the order's number, also behind the plan's prefix of cancellations or
other letters, if that order has its product. One that names none takes back the latest earlier sale
of the same customer, product, quantity and amount that no earlier return has taken back. An order
is taken back whole once returns that name it reach its amount, or once each of its products is
taken back. From then on neither its lines nor those returns count; before, they do, so that nothing
is known earlier than it happened.
"""

from __future__ import annotations

from collections.abc import Callable

from segkit.data.engine import SqlTables
from segkit.data.lines import INCOME, LineQueries, test_beginning
from segkit.data.notices import Notice

RETURNS = "('return', 'cancellation')"
SOLD = f"({', '.join(map(repr, INCOME))})"
CENT = 0.01
# Rules of lines that say that there may be something to find.
TAKES_BACK = ("return", "cancellation", "status_taken_back", "cancelled", "order_refunded")
COLUMN = "taken_back_at"


def find_taken_back(
    queries: LineQueries, tables: SqlTables, accept: Callable[[str], str], *, line_counts: str = ""
) -> list[Notice]:
    """Create ``taken_back``: ``source_row`` of each line of an order taken back, and since when.

    Parameters
    ----------
    queries : LineQueries
        Those of the order lines.
    tables : SqlTables
        Where ``typed_order_lines`` is.
    accept : callable
        Returns the query of accepted lines, with what was derived, of those of a query of
        converted lines.
    line_counts : str
        A table with ``customer_id`` and ``rows``, the number of lines, if there is one.

    Returns
    -------
    list of Notice
        What to say of it.
    """
    _list_candidates(queries, tables, accept)
    _match_references(queries, tables)
    _match_sales(tables)
    _settle_orders(tables)
    _list_strangers(queries, tables, line_counts)
    return _tell(tables)


def _list_candidates(queries: LineQueries, tables: SqlTables, accept: Callable[[str], str]) -> None:
    """Create ``return_candidates``: accepted lines of all orders that may have been taken back."""
    lines = queries.derive("SELECT * FROM typed_order_lines")
    tables.create(
        "return_lines",
        f"""SELECT source_row, order_id, {_name_order(queries)} AS named_order, customer_id,
            product_id FROM ({queries.select_returns()}) WHERE line_type IN {RETURNS}""",
    )
    sales = f"SELECT order_id, customer_id, product_id FROM ({lines}) WHERE line_type = 'sale'"
    if queries.tells_customer:  # lines that are no sales do no harm
        sales = "SELECT order_id, customer_id, product_id FROM typed_order_lines"
    has_status = "told_back_at" in tables.con.sql(f"SELECT * FROM ({lines}) LIMIT 0").columns
    told = (
        f" UNION SELECT order_id FROM ({lines}) WHERE told_back_at IS NOT NULL"
        if has_status
        else ""
    )
    tables.create(
        "candidate_orders",
        f"""SELECT s.order_id FROM ({sales}) AS s
            JOIN (SELECT DISTINCT customer_id, product_id FROM return_lines) AS r
                ON s.customer_id = r.customer_id AND s.product_id = r.product_id
        UNION SELECT order_id FROM return_lines UNION SELECT named_order FROM return_lines{told}""",
    )
    chosen = """SELECT * FROM typed_order_lines
        WHERE order_id IN (SELECT order_id FROM candidate_orders)"""
    own = ["dated_back_at", "told_back_at"]
    values = own if has_status else [f"NULL::TIMESTAMP AS {name}" for name in own]
    tables.create(
        "return_candidates",
        f"""SELECT source_row, order_id, customer_id, product_id, ordered_at, is_product,
            abs(quantity) AS units, line_amount, line_type, {", ".join(values)}
        FROM ({accept(chosen)})""",
    )


def _name_order(queries: LineQueries) -> str:
    """Return the number of the order that a return's own number holds."""
    prefix = queries.policies.cancelled_order_prefix
    other = "regexp_replace(order_id, '^[A-Za-z]+[-_/# ]*', '')"
    if not prefix:
        return other
    is_cancelled = test_beginning(prefix)
    return f"CASE WHEN {is_cancelled} THEN substr(order_id, {len(prefix) + 1}) ELSE {other} END"


def _match_references(queries: LineQueries, tables: SqlTables) -> None:
    """Create ``named_returns`` with the order that each names, and ``named_whole``.

    An order that lacks the return's product is not the one: that return may be an exchange.
    """
    tables.create(
        "sold_orders",
        f"""SELECT order_id, min(customer_id) AS customer_id,
            sum(CASE WHEN line_type IN {SOLD} THEN line_amount ELSE 0 END) AS sold,
            count_if(line_type = 'sale') AS sale_count,
            count_if(line_type = 'sale' AND told_back_at IS NOT NULL) AS told_count,
            max(dated_back_at) AS dated_back_at, max(told_back_at) AS told_back_at
        FROM return_candidates GROUP BY order_id HAVING count_if(line_type = 'sale') > 0""",
    )
    sold = """SELECT order_id, product_id, min(customer_id) AS customer_id FROM return_candidates
        WHERE line_type = 'sale' GROUP BY order_id, product_id"""
    tables.create(
        "named_returns",
        f"""SELECT * FROM (SELECT r.source_row, r.product_id, r.ordered_at, r.line_amount,
                coalesce(own.order_id, other.order_id) AS sale_order
            FROM (SELECT *, {_name_order(queries)} AS named_order FROM return_candidates
                WHERE line_type IN {RETURNS}) AS r
            LEFT JOIN ({sold}) AS own
                ON r.order_id = own.order_id AND r.product_id = own.product_id
            LEFT JOIN ({sold}) AS other ON r.named_order = other.order_id
                AND r.product_id = other.product_id AND r.customer_id = other.customer_id)
        WHERE sale_order IS NOT NULL""",
    )
    tables.create(
        "named_whole",
        f"""SELECT sale_order AS order_id, min(ordered_at) AS taken_back_at
        FROM (SELECT n.sale_order, n.ordered_at, s.sold, sum(-n.line_amount) OVER (
                PARTITION BY n.sale_order ORDER BY n.ordered_at) AS returned
            FROM named_returns AS n JOIN sold_orders AS s ON n.sale_order = s.order_id)
        WHERE sold > 0 AND returned >= sold - {CENT} GROUP BY sale_order""",
    )


def _match_sales(tables: SqlTables) -> None:
    """Create ``matched_sales``: sales and the returns that take them back without naming them.

    Of each customer, product, quantity and amount, sales and returns in their order are opening and
    closing brackets; a return closes the sale that was opened last. The depth of brackets is the
    running sum less its own lowest value so far, as returns without a sale close nothing. At each
    depth, sales and returns alternate.
    """
    groups = f"""SELECT customer_id, product_id, order_id, CASE WHEN line_type = 'sale' THEN 1
            ELSE -1 END AS step, round(sum(units), 6) AS units,
            CAST(round(abs(sum(line_amount)) * 100) AS BIGINT) AS cents,
            max(ordered_at) AS happened_at
        FROM return_candidates
        WHERE customer_id IS NOT NULL AND (line_type = 'sale' OR line_type IN {RETURNS})
            AND source_row NOT IN (SELECT source_row FROM named_returns)
            AND order_id NOT IN (SELECT order_id FROM named_whole)
        GROUP BY customer_id, product_id, order_id,
            CASE WHEN line_type = 'sale' THEN 1 ELSE -1 END"""
    key = "customer_id, product_id, units, cents"
    in_order = "ORDER BY happened_at, step DESC, order_id ROWS UNBOUNDED PRECEDING"
    by_time = "ORDER BY happened_at, step DESC, order_id"
    tables.create(
        "matched_sales",
        f"""SELECT customer_id, product_id, order_id, next_order AS return_order,
            next_at AS taken_back_at
        FROM (SELECT *, lead(step) OVER level_order AS next_step,
                lead(order_id) OVER level_order AS next_order,
                lead(happened_at) OVER level_order AS next_at
            FROM (SELECT *, CASE WHEN step = 1 THEN depth ELSE depth_before END AS level
                FROM (SELECT *, coalesce(lag(depth) OVER (PARTITION BY {key} {by_time}), 0)
                        AS depth_before
                    FROM (SELECT *, total - least(min(total) OVER (PARTITION BY {key} {in_order}),
                            0) AS depth
                        FROM (SELECT *, sum(step) OVER (PARTITION BY {key} {in_order}) AS total
                            FROM ({groups}))))
                WHERE step = 1 OR depth_before > 0)
            WINDOW level_order AS (PARTITION BY {key}, level {by_time}))
        WHERE step = 1 AND next_step = -1""",
    )


def _settle_orders(tables: SqlTables) -> None:
    """Create ``taken_back`` from what returns, statuses and cancellations say.

    A time that is told of the cancellation goes before that of the returns, and that of the order
    stands where neither is known.
    """
    tables.create(
        "orders_taken_back",
        """SELECT order_id, coalesce(dated, whole, told) AS taken_back_at
        FROM (SELECT s.order_id,
                CASE WHEN sale_count = told_count THEN s.dated_back_at END AS dated,
                CASE WHEN sale_count = told_count THEN s.told_back_at END AS told,
                coalesce(n.taken_back_at, m.taken_back_at) AS whole
            FROM sold_orders AS s LEFT JOIN named_whole AS n ON s.order_id = n.order_id
            LEFT JOIN (SELECT g.order_id, max(m.taken_back_at) AS taken_back_at
                FROM (SELECT DISTINCT order_id, customer_id, product_id FROM return_candidates
                    WHERE line_type = 'sale' AND coalesce(is_product, true)) AS g
                LEFT JOIN matched_sales AS m ON g.order_id = m.order_id
                    AND g.customer_id = m.customer_id AND g.product_id = m.product_id
                GROUP BY g.order_id HAVING count(*) = count(m.order_id)) AS m
                ON s.order_id = m.order_id)
        WHERE coalesce(dated, whole, told) IS NOT NULL""",
    )
    tables.create(
        "told_products",
        """SELECT order_id, product_id, max(coalesce(dated_back_at, told_back_at)) AS taken_back_at
        FROM return_candidates WHERE line_type = 'sale'
            AND order_id NOT IN (SELECT order_id FROM orders_taken_back)
        GROUP BY order_id, product_id HAVING count(*) = count(told_back_at)""",
    )
    tables.create(
        "taken_back",
        f"""SELECT c.source_row, o.taken_back_at FROM return_candidates AS c
            JOIN orders_taken_back AS o ON c.order_id = o.order_id WHERE c.line_type IN {SOLD}
        UNION ALL SELECT c.source_row, coalesce(c.dated_back_at, c.told_back_at)
            FROM return_candidates AS c WHERE c.told_back_at IS NOT NULL
            AND c.order_id NOT IN (SELECT order_id FROM orders_taken_back)
        UNION ALL SELECT source_row, taken_back_at FROM (
            SELECT r.source_row, max(coalesce(o.taken_back_at, p.taken_back_at)) AS taken_back_at
            FROM (SELECT source_row, product_id, sale_order FROM named_returns
                UNION ALL SELECT c.source_row, c.product_id, m.order_id AS sale_order
                FROM return_candidates AS c JOIN matched_sales AS m
                    ON c.order_id = m.return_order AND c.customer_id = m.customer_id
                    AND c.product_id = m.product_id
                WHERE c.line_type IN {RETURNS}
                    AND c.source_row NOT IN (SELECT source_row FROM named_returns)) AS r
            LEFT JOIN orders_taken_back AS o ON r.sale_order = o.order_id
            LEFT JOIN told_products AS p
                ON r.sale_order = p.order_id AND r.product_id = p.product_id
            GROUP BY r.source_row) WHERE taken_back_at IS NOT NULL""",
    )


def _list_strangers(queries: LineQueries, tables: SqlTables, line_counts: str) -> None:
    """Create ``strangers``: lines of customers of whom there are returns and never was a sale."""
    buyers = ""
    if line_counts:  # a customer with more lines than may be no sales has one
        buyers = f"""AND customer_id NOT IN (SELECT a.customer_id FROM {line_counts} AS a
            JOIN (SELECT customer_id, count(*) AS rows FROM odd_lines GROUP BY customer_id) AS o
                ON a.customer_id = o.customer_id WHERE a.rows > o.rows)"""
    tables.create(
        "doubtful_returns",
        f"""SELECT source_row, customer_id FROM return_candidates WHERE line_type IN {RETURNS}
            AND customer_id NOT IN (SELECT customer_id FROM return_candidates
                WHERE line_type = 'sale' AND customer_id IS NOT NULL) {buyers}""",
    )
    sold = "SELECT NULL::VARCHAR AS customer_id WHERE false"
    if tables.con.execute("SELECT 1 FROM doubtful_returns LIMIT 1").fetchall():
        doubtful = "customer_id IN (SELECT customer_id FROM doubtful_returns)"
        own = f"WHERE {doubtful}" if queries.tells_customer else ""
        lines = queries.derive(f"SELECT * FROM typed_order_lines {own}")
        sold = f"""SELECT DISTINCT customer_id FROM ({lines}) WHERE line_type = 'sale'
            AND {doubtful}"""
    tables.create(
        "strangers",
        f"""SELECT r.source_row FROM doubtful_returns AS r
        LEFT JOIN ({sold}) AS s ON r.customer_id = s.customer_id WHERE s.customer_id IS NULL""",
    )


def _tell(tables: SqlTables) -> list[Notice]:
    """Return what to say of orders taken back, and of matches without a reference."""
    ((lines, returns),) = tables.con.execute(
        f"""SELECT coalesce(count_if(line_type IN {SOLD}), 0),
            coalesce(count_if(line_type IN {RETURNS}), 0)
        FROM return_candidates WHERE source_row IN (SELECT source_row FROM taken_back)"""
    ).fetchall()
    ((matched,),) = tables.con.execute(
        """SELECT count(DISTINCT r.source_row) FROM return_candidates AS r JOIN matched_sales AS m
            ON r.order_id = m.return_order AND r.customer_id = m.customer_id
            AND r.product_id = m.product_id
        WHERE r.source_row NOT IN (SELECT source_row FROM named_returns)"""
    ).fetchall()
    ((strangers,),) = tables.con.execute("SELECT count(*) FROM strangers").fetchall()
    return [
        Notice(
            "customer_of_returns_only",
            severity="note",
            row_count=strangers,
            reason="There are returns of the customer and no sale.",
            treatment="Taken off the spend of all; the customer is in no segment of buyers.",
        ),
        Notice(
            "order_taken_back",
            severity="note",
            row_count=lines,
            reason="The order was taken back whole.",
            treatment="No sale from then on: neither its lines nor their returns count.",
        ),
        Notice(
            "return_of_whole_order",
            severity="note",
            row_count=returns,
            reason="The line takes back an order of which nothing is left.",
            treatment="Does not count from then on, nor does that order.",
        ),
        Notice(
            "matched_by_sale",
            severity="note",
            row_count=matched,
            reason="The return names no order; its customer, product, quantity and amount do.",
            treatment="Taken as the return of the latest such sale before it.",
        ),
    ]
