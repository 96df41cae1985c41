"""The rules of order lines of their own; see `segkit.data.lines` for how lines are derived."""

from __future__ import annotations

from dataclasses import dataclass

WARNED = "Kept; look whether it is right."


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
        test="line_type = 'return' AND coalesce(unit_price >= 0, true)",
        reason="The quantity or the amount is negative: a return.",
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
        test="unit_price < 0 AND line_type <> 'discount'",
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
        "discount",
        column="product_id",
        test="line_type = 'discount'",
        reason="The amount is below zero in an order with sales, and names nothing sold.",
        severity="note",
        treatment="A discount: taken off its order.",
    ),
    LineRule(
        "order_of_nothing",
        column="order_id",
        test="line_type = 'nothing'",
        reason="Every amount of the order is zero.",
        severity="note",
        treatment="Kept, but no order and no sale.",
    ),
    LineRule(
        "status_left_out",
        column="order_id",
        test="status_means = 'left out'",
        reason="By its status it is no sale: not paid, not done, or never meant.",
        severity="reject",
        treatment="Set aside with its reason.",
        needs=("status_means",),
    ),
    LineRule(
        "status_taken_back",
        column="order_id",
        test="status_means = 'taken back' AND is_income",
        reason="By its status the order was taken back.",
        severity="note",
        treatment="No sale: counts in nothing.",
        needs=("status_means",),
    ),
    LineRule(
        "status_partly_taken_back",
        column="order_id",
        test="status_means = 'partly taken back' AND is_income",
        reason="By its status a part of the order was taken back, and no column says how much.",
        severity="warning",
        treatment="Kept as a sale of the full amount; map order_refunded_amount or returns.",
        needs=("status_means", "lacks_refunds"),
    ),
    LineRule(
        "status_not_known",
        column="order_id",
        test="status_means = 'not known' AND is_income",
        reason="Nobody knows what the order's status means.",
        severity="warning",
        treatment="Kept as a sale; name the status under [policies.statuses].",
        needs=("status_means",),
    ),
    LineRule(
        "cancelled",
        column="order_id",
        test="was_cancelled AND is_income",
        reason="The order was cancelled.",
        severity="note",
        treatment="No sale from that time on.",
        needs=("was_cancelled",),
    ),
    LineRule(
        "order_refunded",
        column="order_id",
        test="is_refunded AND is_income",
        reason="All that the order cost was refunded.",
        severity="note",
        treatment="No sale: counts in nothing.",
        needs=("is_refunded",),
    ),
    LineRule(
        "order_discount_shared",
        column="line_amount",
        test="has_order_discount",
        reason="There is a discount on the whole order.",
        severity="note",
        treatment="Taken off the order's sales in proportion to their amounts.",
        needs=("has_order_discount",),
    ),
    LineRule(
        "order_refund_shared",
        column="line_amount",
        test="has_order_refund",
        reason="A part of what the order cost was refunded.",
        severity="note",
        treatment="Taken off the order's sales in proportion to their amounts.",
        needs=("has_order_refund",),
    ),
)
