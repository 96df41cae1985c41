"""What customers buy, and in which rhythm: features of the base purchase_history."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature
from segkit.contract.requirements import BUYER, CATEGORY, DISCOUNT, SPEND

FEATURES = (
    Feature(
        "product_count",
        base="purchase_history",
        unit="products",
        needs=BUYER,
        meaning="Different products bought",
    ),
    Feature(
        "category_count",
        base="purchase_history",
        unit="categories",
        needs=CATEGORY,
        meaning="Different categories bought",
    ),
    Feature(
        "favourite_category",
        base="purchase_history",
        kind="category",
        needs=CATEGORY,
        meaning="Category of most sales",
    ),
    Feature(
        "favourite_category_share",
        base="purchase_history",
        unit="share",
        needs=CATEGORY,
        meaning="Share of the favourite category",
    ),
    Feature(
        "other_categories_share",
        base="purchase_history",
        unit="share",
        needs=CATEGORY,
        meaning=(
            "Share of all categories but the five largest, each of which has a "
            "category_share of its own"
        ),
    ),
    Feature(
        "category_diversity",
        base="purchase_history",
        unit="0 to 1",
        needs=CATEGORY,
        meaning="Diversity of categories (Simpson): 0 for one, near 1 for many alike",
    ),
    Feature(
        "price_level",
        base="purchase_history",
        unit="ratio",
        needs=SPEND,
        meaning="Price paid over the mean price in the same categories, shrunk to 1 by 5 units",
    ),
    Feature(
        "mean_days_between_orders",
        base="purchase_history",
        unit="days",
        needs=BUYER,
        meaning="Mean days between days with an order; null below two",
    ),
    Feature(
        "gap_variation",
        base="purchase_history",
        unit="ratio",
        needs=BUYER,
        meaning=(
            "Standard deviation of the days between days with an order, over their "
            "mean; null below three days"
        ),
    ),
    Feature(
        "expected_gap_days",
        base="purchase_history",
        unit="days",
        needs=BUYER,
        meaning=(
            "Mean days between days with an order, with two gaps of all customers' "
            "mean length added"
        ),
    ),
    Feature(
        "return_share",
        base="purchase_history",
        unit="share",
        needs=SPEND,
        meaning="Returned amount over gross sales, orders taken back whole in neither",
    ),
    Feature(
        "discount_share",
        base="purchase_history",
        unit="share",
        needs=DISCOUNT,
        meaning="Discount over sales before discount",
    ),
    Feature(
        "weekend_share",
        base="purchase_history",
        unit="share",
        needs=SPEND,
        meaning="Share of sales on Saturday and Sunday",
    ),
    Feature(
        "morning_share",
        base="purchase_history",
        unit="share",
        needs=SPEND,
        meaning="Share of sales from 6 to 12 o'clock, of those with an hour (not exactly midnight)",
    ),
    Feature(
        "afternoon_share",
        base="purchase_history",
        unit="share",
        needs=SPEND,
        meaning="Share of sales from 12 to 18 o'clock",
    ),
    Feature(
        "evening_share",
        base="purchase_history",
        unit="share",
        needs=SPEND,
        meaning="Share of sales from 18 o'clock",
    ),
    Feature(
        "night_share",
        base="purchase_history",
        unit="share",
        needs=SPEND,
        meaning="Share of sales before 6 o'clock",
    ),
)

PURCHASE_HISTORY = Base(
    "purchase_history",
    answers="What they buy, how broadly and in which rhythm",
    needs=CATEGORY,
    features=FEATURES,
)
