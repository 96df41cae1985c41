"""Sales with the price paid beside the product's regular one; the rows stay in the engine.

The regular price is what was paid and the discount that was recorded on the line. Where no
discounts are recorded it is the product's usual price: the median of its lines in the period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis import _, ir

from segkit.action.pricing.sums import sum_lines
from segkit.core.absence import NO_PURCHASES, is_missing
from segkit.core.settings import Settings
from segkit.features.expressions import days_until, find_column, keep_until
from segkit.features.sales import is_sale
from segkit.plan.pricing import Pricing

RECORDED = "recorded discounts"
USUAL = "usual prices"
NO_GROUP = "not known"
NO_PRICES = "No sale of a customer in a segment has a product, a quantity and an amount above 0."
LEAST_BELOW = 0.02  # so much below the usual price is below it, where no discounts are recorded
MEMBERS = ibis.schema({"customer_id": "string", "segment_name": "string"})


@dataclass(frozen=True)
class Priced:
    """Sales with prices.

    Attributes
    ----------
    plan : Pricing
    at : Settings
    rows : ibis.Table or None
        One row a sale: customer_id, segment_name, product_id, product_group, period (0 is the last
        one, each of ``plan.period_days`` days), day, quantity, paid, discount and regular (money of
        the line) and cost (missing where it is not known).
    sums : ibis.Table or None
        One row a customer and product group, see `sum_lines`.
    regular_from : str
        What the regular price was told from: `RECORDED` discounts or `USUAL` prices.
    has_groups : bool
        Whether the products have the plan's groups.
    reason : str
        Why there are no rows; empty where there are.
    """

    plan: Pricing
    at: Settings
    rows: ir.Table | None = None
    sums: ir.Table | None = None
    regular_from: str = USUAL
    has_groups: bool = False
    reason: str = ""


def price_lines(
    tables: Mapping[str, ir.Table], segments: pd.DataFrame, *, plan: Pricing, at: Settings
) -> Priced:
    """Return the sales of customers in segments, each with its regular price.

    Only sales of products count, with a quantity and an amount above 0: returns, postage, gifts and
    discounts of whole orders that stand on lines of their own are no prices.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``order_lines``, and for groups and costs ``products``.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    plan : Pricing
    at : Settings
    """
    lines = tables.get("order_lines")
    if is_missing(lines, "customer_id", "product_id", "ordered_at", "quantity", "line_amount"):
        return Priced(plan, at, reason=NO_PURCHASES)
    rows, has_groups = _choose_sales(lines, tables.get("products"), plan=plan, at=at)
    members = segments[["customer_id", "segment_name"]].drop_duplicates("customer_id")
    table = ibis.memtable(members.astype(str), schema=MEMBERS)
    rows = rows.inner_join(table, "customer_id")
    has_discounts = "discount_amount" in lines.columns
    rows = (_add_recorded(rows) if has_discounts else _add_usual(rows)).cache()
    if not rows.count().execute():
        return Priced(plan, at, reason=NO_PRICES)
    return Priced(
        plan,
        at,
        rows=rows,
        sums=sum_lines(rows).cache(),
        regular_from=RECORDED if has_discounts else USUAL,
        has_groups=has_groups,
    )


def _choose_sales(
    lines: ir.Table, products: ir.Table | None, *, plan: Pricing, at: Settings
) -> tuple[ir.Table, bool]:
    """Return the sales that have a price, with group and cost of their product."""
    lines = keep_until(lines, "ordered_at", at.as_of)
    lines = lines.filter(
        is_sale(lines)
        & find_column(lines, "is_product", "boolean").fill_null(True)
        & lines.customer_id.notnull()
        & lines.product_id.notnull()
        & (lines.quantity > 0)
        & (lines.line_amount > 0)
    )
    rows = lines.select(
        "customer_id",
        "product_id",
        period=(days_until(lines.ordered_at, at.as_of) // plan.period_days).cast("int64"),
        day=lines.ordered_at.date(),
        quantity=lines.quantity.cast("float64"),
        paid=lines.line_amount.cast("float64"),
        recorded=find_column(lines, "discount_amount", "float64").cast("float64"),
        unit_cost=find_column(lines, "unit_cost", "float64").cast("float64"),
    )
    has_groups = not is_missing(products, "product_id", plan.group)
    if products is None:
        named = {"product_group": ibis.literal(NO_GROUP), "cost": rows.quantity * rows.unit_cost}
        return rows.mutate(**named).drop("unit_cost"), False
    known = products.select(
        "product_id",
        own_group=find_column(products, plan.group, "string"),
        own_cost=find_column(products, "unit_cost", "float64").cast("float64"),
    )
    rows = rows.left_join(known, "product_id").drop("product_id_right")
    cost = ibis.coalesce(rows.unit_cost, rows.own_cost)
    named = {"product_group": rows.own_group.fill_null(NO_GROUP), "cost": rows.quantity * cost}
    return rows.mutate(**named).drop("unit_cost", "own_cost", "own_group"), has_groups


def _add_recorded(rows: ir.Table) -> ir.Table:
    """Take as regular what was paid and the discount of the line; some write it below 0."""
    discount = rows.recorded.abs().fill_null(0.0)
    return rows.mutate(discount=discount, regular=rows.paid + discount).drop("recorded")


def _add_usual(rows: ir.Table) -> ir.Table:
    """Take as regular the median price of the product's lines in the period, if it is higher."""
    price = rows.paid / rows.quantity
    usual = price.median().over(group_by=["product_id", "period"])
    rows = rows.mutate(usual=usual)
    is_below = rows.paid / rows.quantity < (1 - LEAST_BELOW) * rows.usual
    discount = ibis.ifelse(is_below, rows.quantity * rows.usual - rows.paid, 0.0)
    rows = rows.mutate(discount=discount).drop("recorded", "usual")
    return rows.mutate(regular=_.paid + _.discount)
