"""Complete order lines: what the order knows, price and amount, and the kind of line."""

from __future__ import annotations

from collections.abc import Collection

from segkit.data.columns import text_literal
from segkit.plan import Policies


def derive_lines(
    query: str, columns: Collection[str], orders: Collection[str], policies: Policies
) -> str:
    """Return the query that completes order lines.

    Parameters
    ----------
    query : str
        Converted order lines.
    columns : collection of str
        Its columns.
    orders : collection of str
        The columns of the checked orders, if there are any; customer, time and currency of an
        order count where a line has none, those of rejected orders too.
    policies : Policies
    """
    given = [f"{c} AS given_{c}" for c in ("unit_price", "line_amount") if c in columns]
    added = [f"NULL::DOUBLE AS {c}" for c in ("unit_price", "line_amount") if c not in columns]
    join, taken, own = "", [], []
    if orders:
        theirs = [c for c in ("customer_id", "ordered_at", "currency") if c in orders]
        own = [f"coalesce(o.{c}, p.{c}) AS {c}" for c in theirs if c in columns]
        taken = [f"p.{c}" for c in theirs if c not in columns]
        taken += ["p.status AS order_status"] if "status" in orders else []
        join = """LEFT JOIN (FROM checked_orders WHERE NOT rule_duplicate_key) AS p
            ON o.order_id = p.order_id"""
    replaced = f" REPLACE ({', '.join(own)})" if own else ""
    begins = {
        kind: f"starts_with(order_id, {text_literal(prefix)})" if prefix else "false"
        for kind, prefix in (
            ("adjustment", policies.adjustment_order_prefix),
            ("cancellation", policies.cancelled_order_prefix),
        )
    }
    ids = ", ".join(text_literal(one.strip().upper()) for one in policies.non_product_ids)
    is_product = f"coalesce(upper(product_id) NOT IN ({ids}), true)" if ids else "true"
    return f"""
        SELECT * EXCLUDE (amount) REPLACE (
            coalesce(unit_price, line_amount / nullif(quantity, 0)) AS unit_price)
        FROM (SELECT * REPLACE (
            CASE WHEN is_turned THEN -abs(quantity) ELSE quantity END AS quantity,
            CASE WHEN is_turned THEN -abs(amount) ELSE amount END AS line_amount)
        FROM (SELECT *, line_type IN ('cancellation', 'return')
            AND coalesce(unit_price, 0) >= 0 AND (amount > 0 OR quantity > 0) AS is_turned
        FROM (SELECT *, coalesce(line_amount, quantity * unit_price) AS amount,
            {is_product} AS is_product,
            CASE WHEN {begins["adjustment"]} THEN 'adjustment'
                WHEN {begins["cancellation"]} THEN 'cancellation'
                WHEN quantity < 0 THEN 'return' ELSE 'sale' END AS line_type
        FROM (SELECT {", ".join([f"o.*{replaced}", *taken, *given, *added])}
        FROM ({query}) AS o {join}))))"""
