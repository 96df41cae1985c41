"""Complete order lines: what the order knows, price and amount, and the kind of line."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from segkit.plan import Plan


def derive_lines(rows: ir.Table, orders: ir.Table | None, plan: Plan) -> ir.Table:
    """Complete order lines: what the order knows, price and amount, the kind of line.

    Parameters
    ----------
    rows : ibis.Table
        Converted order lines.
    orders : ibis.Table, optional
        One row an order; its customer, time and currency count where a line has none.
    """
    policies = plan.policies
    if orders is not None:
        theirs = [c for c in ("customer_id", "ordered_at", "currency") if c in orders.columns]
        status = {"order_status": orders.status} if "status" in orders.columns else {}
        lookup = orders.select(
            order_key=orders.order_id, **{f"order_{c}": orders[c] for c in theirs}, **status
        )
        rows = rows.left_join(lookup, rows.order_id == lookup.order_key).drop("order_key")
        rows = rows.mutate(
            **{
                c: ibis.coalesce(rows[c], rows[f"order_{c}"])
                if c in rows.columns
                else rows[f"order_{c}"]
                for c in theirs
            }
        ).drop(*(f"order_{c}" for c in theirs))
    begins = {
        kind: rows.order_id.startswith(prefix) if prefix else ibis.literal(False)
        for kind, prefix in (
            ("adjustment", policies.adjustment_order_prefix),
            ("cancellation", policies.cancelled_order_prefix),
        )
    }
    ids = [one.strip().upper() for one in policies.non_product_ids]
    rows = rows.mutate(
        line_type=ibis.cases(
            (begins["adjustment"].fill_null(False), "adjustment"),
            (begins["cancellation"].fill_null(False), "cancellation"),
            ((rows.quantity < 0).fill_null(False), "return"),
            else_="sale",
        ),
        is_product=~rows.product_id.upper().isin(ids).fill_null(False)
        if ids
        else ibis.literal(True),
        **{
            f"given_{name}": rows[name]
            for name in ("line_amount", "unit_price")
            if name in rows.columns
        },
    )
    nothing = ibis.null("float64")
    price = rows.given_unit_price if "given_unit_price" in rows.columns else nothing
    amount = rows.given_line_amount if "given_line_amount" in rows.columns else nothing
    amount = ibis.coalesce(amount, rows.quantity * price)
    is_back = rows.line_type.isin(("cancellation", "return")) & (price.fill_null(0) >= 0)
    is_turned = (is_back & ((amount > 0) | (rows.quantity > 0))).fill_null(False)
    rows = rows.mutate(
        quantity=ibis.ifelse(is_turned, -rows.quantity.abs(), rows.quantity),
        line_amount=ibis.ifelse(is_turned, -amount.abs(), amount),
        is_turned=is_turned,
        unit_price=price,
    )
    return rows.mutate(
        unit_price=ibis.coalesce(rows.unit_price, rows.line_amount / rows.quantity.nullif(0))
    )
