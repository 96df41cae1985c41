"""Order lines: how prices, amounts and kinds of lines are derived, and the rules of their own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from segkit.data.columns import text_literal
from segkit.plan.models import Policies

WARNED = "Kept; look whether it is right."
PRICES = ("unit_price", "line_amount")
# What an order tells about a line that does not tell it itself.
TOLD_BY_ORDERS = ("customer_id", "ordered_at", "currency")


@dataclass(frozen=True)
class LineRule:
    """A rule of order lines: when it holds, and what follows.

    ``test`` is a condition in SQL over the columns of `derive_lines`; the rule is left out where
    one of the columns in ``needs`` is not there. Where the plan's ``policy`` is "drop" the line is
    rejected; else, or without a policy, ``severity`` and ``treatment`` say what becomes of it.
    """

    name: str
    column: str
    test: str
    reason: str
    severity: str
    policy: str = ""
    treatment: str = WARNED
    needs: tuple[str, ...] = ()


# Sums, squares and products of amounts within it are numbers still, in any currency.
LARGEST_AMOUNT = 1e15

LINE_RULES = (
    LineRule(
        "exact_duplicate",
        column="order_id",
        test="is_repeat",
        reason="The line repeats an earlier one exactly.",
        severity="warning",
        policy="exact_duplicates",
    ),
    LineRule(
        "adjustment",
        column="order_id",
        test="line_type = 'adjustment'",
        reason="The line is book-keeping, not a sale.",
        severity="note",
        policy="adjustments",
        treatment="Kept as an adjustment.",
    ),
    LineRule(
        "cancellation",
        column="order_id",
        test="line_type = 'cancellation'",
        reason="The line takes back an order.",
        severity="note",
        policy="cancellations",
        treatment="Taken off the spend.",
    ),
    LineRule(
        "return",
        column="quantity",
        test="line_type = 'return'",
        reason="The quantity is negative: a return.",
        severity="note",
        policy="returns",
        treatment="Taken off the spend.",
    ),
    LineRule(
        "missing_customer",
        column="customer_id",
        test="customer_id IS NULL",
        reason="Nobody knows whose line it is.",
        severity="note",
        policy="lines_without_customer",
        treatment="Kept without a customer.",
    ),
    LineRule(
        "negative_price",
        column="unit_price",
        test="unit_price < 0",
        reason="The price is below zero.",
        severity="note",
        policy="negative_prices",
        treatment="Kept with its price.",
    ),
    LineRule(
        "zero_price",
        column="unit_price",
        test="unit_price = 0 OR (unit_price IS NULL AND line_amount = 0)",
        reason="The price is zero.",
        severity="note",
        policy="zero_prices",
        treatment="Kept; adds nothing to the spend.",
    ),
    LineRule(
        "non_product",
        column="product_id",
        test="NOT is_product",
        reason="The line is no product, such as postage.",
        severity="note",
        policy="non_products",
        treatment="Kept, but not as a product.",
    ),
    LineRule(
        "sign_turned",
        column="quantity",
        test="is_turned",
        reason="A return or cancellation had a positive quantity or amount.",
        severity="note",
        treatment="Its sign was turned, so that it is taken off the spend.",
    ),
    LineRule(
        "zero_quantity",
        column="quantity",
        test="quantity = 0",
        reason="The quantity is zero.",
        severity="warning",
    ),
    LineRule(
        "amount_too_large",
        column="line_amount",
        test=f"NOT abs(line_amount) <= {LARGEST_AMOUNT:.0f}",  # nor is what is no number
        reason="The line amount, quantity times unit price, is larger than any sale.",
        severity="reject",
        treatment="Set aside with its reason.",
    ),
    LineRule(
        "amount_differs",
        column="line_amount",
        test=(
            "abs(abs(quantity * given_unit_price) - abs(given_line_amount))"
            " > 0.01 + 0.01 * abs(quantity * given_unit_price)"
        ),
        reason="The line amount is not quantity times unit price.",
        severity="warning",
        needs=("given_unit_price", "given_line_amount"),
    ),
    LineRule(
        "cancelled_status",
        column="order_id",
        test=(
            "lower(order_status) IN ('cancelled', 'canceled', 'void', 'voided')"
            " AND line_type = 'sale'"
        ),
        reason="The order's status says cancelled, yet the line counts as a sale.",
        severity="warning",
        needs=("order_status",),
    ),
)


def derive_lines(
    query: str, columns: Collection[str], *, orders: Collection[str], policies: Policies
) -> str:
    """Return the query that completes order lines: prices and amounts, the kind of line.

    ``orders`` are the columns of the checked orders, if there are any: customer, time and currency
    of an order count where a line has none, those of rejected orders too.
    """
    prices = [
        f"{column} AS given_{column}" if column in columns else f"NULL::DOUBLE AS {column}"
        for column in PRICES
    ]
    is_adjustment = _begins_with(policies.adjustment_order_prefix)
    is_cancellation = _begins_with(policies.cancelled_order_prefix)
    return f"""
        SELECT * EXCLUDE (amount) REPLACE (
            coalesce(unit_price, line_amount / nullif(quantity, 0)) AS unit_price)
        FROM (SELECT * REPLACE (
            CASE WHEN is_turned THEN -abs(quantity) ELSE quantity END AS quantity,
            CASE WHEN is_turned THEN -abs(amount) ELSE amount END AS line_amount)
        FROM (SELECT *, line_type IN ('cancellation', 'return')
            AND coalesce(unit_price, 0) >= 0 AND (amount > 0 OR quantity > 0) AS is_turned
        FROM (SELECT *, coalesce(line_amount, quantity * unit_price) AS amount,
            {_test_products(policies)} AS is_product,
            CASE WHEN {is_adjustment} THEN 'adjustment'
                WHEN {is_cancellation} THEN 'cancellation'
                WHEN quantity < 0 THEN 'return' ELSE 'sale' END AS line_type
        FROM ({_join_orders(query, columns, orders, prices)}))))"""


def _join_orders(
    query: str, columns: Collection[str], orders: Collection[str], prices: list[str]
) -> str:
    """Return the query of lines with the ``prices`` and with what their orders tell."""
    if not orders:
        return f"SELECT {', '.join(['o.*', *prices])} FROM ({query}) AS o"
    told = [column for column in TOLD_BY_ORDERS if column in orders]
    filled = [
        f"coalesce(o.{column}, p.{column}) AS {column}" for column in told if column in columns
    ]
    added = [f"p.{column}" for column in told if column not in columns]
    if "status" in orders:
        added.append("p.status AS order_status")
    own = f"o.* REPLACE ({', '.join(filled)})" if filled else "o.*"
    return f"""SELECT {", ".join([own, *added, *prices])} FROM ({query}) AS o
        LEFT JOIN (FROM checked_orders WHERE NOT rule_duplicate_key) AS p
            ON o.order_id = p.order_id"""


def _begins_with(prefix: str) -> str:
    """Return the test of an order's number by the prefix that the plan gives, if it gives one."""
    return f"starts_with(order_id, {text_literal(prefix)})" if prefix else "false"


def _test_products(policies: Policies) -> str:
    """Return the test whether a line is a product: none of the plan's other numbers."""
    if not policies.non_product_ids:
        return "true"
    ids = ", ".join(text_literal(one.strip().upper()) for one in policies.non_product_ids)
    return f"coalesce(upper(product_id) NOT IN ({ids}), true)"
