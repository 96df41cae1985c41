"""What customers buy: products, categories, favourites and price level (base B12)."""

from __future__ import annotations

import ibis
from ibis import ir

from segkit.data.columns import name_harmlessly
from segkit.features.dictionary import CATEGORY_SHARE
from segkit.features.expressions import MONEY_DIGITS, find_column, share_of, sum_money
from segkit.features.rhythm import Habits

MOST_SHARES = 5
PRIOR_UNITS = 5
OTHER_SHARE = "other_categories_share"
CATEGORY_FEATURES = (
    "category_count", "favourite_category", "favourite_category_share", "category_diversity",
    OTHER_SHARE,
)  # fmt: skip


def name_shares(habits: Habits) -> dict[str, str]:
    """Return the features that hold shares of the largest categories, and their categories."""
    largest = [category for category, _price in habits.prices[:MOST_SHARES]]
    return {CATEGORY_SHARE + name: c for name, c in name_harmlessly(largest, ()).items()}


def summarise_baskets(lines: ir.Table, products: ir.Table | None, habits: Habits) -> ir.Table:
    """Summarise products and categories to one row a customer.

    Sales of products count, and no returns. The favourite category has most sales, ties by
    alphabet; diversity is 1 less the sum of squared shares of categories (Simpson 1949). Price
    level is what n units cost over what as many cost all customers on average in the same
    categories, shrunk to 1 as (n level + 5) / (n + 5). Profit is that of all lines whose cost is
    known, their own or else the product's, and null if none is.
    """
    there = () if products is None else products.columns
    columns = ("quantity", "unit_cost")
    lines = lines.mutate(**{name: find_column(lines, name, "float64") for name in columns})
    units, cost = lines.quantity, lines.unit_cost
    sold = (lines.line_type == "sale") & lines.is_product.fill_null(True)
    pairs = lines.group_by("customer_id", "product_id").aggregate(
        sales_=sum_money(lines.line_amount, where=sold),
        units_=units.sum(where=sold),
        sold_=sold.cast("int64").max(),
        profit_=(lines.line_amount - units * cost).sum(),
        rest_=lines.line_amount.sum(where=cost.isnull()),
        rest_units_=units.sum(where=cost.isnull()),
    )
    if {"category", "unit_cost"}.intersection(there):
        kinds = {"category": "string", "unit_cost": "float64"}
        known = {name: find_column(products, name, kind) for name, kind in kinds.items()}
        pairs = pairs.left_join(products.select("product_id", **known), "product_id")
    else:
        pairs = pairs.mutate(category=ibis.null("string"), unit_cost=ibis.null("float64"))
    price = ibis.literal(habits.rest_price, "float64")
    if habits.prices:
        price = ibis.cases(*[(pairs.category == c, p) for c, p in habits.prices], else_=price)
    sums = pairs.group_by("customer_id", "category").aggregate(
        sales_=sum_money(pairs.sales_),
        usual_=(pairs.units_ * price).sum().round(MONEY_DIGITS),
        priced_=pairs.sales_.sum(where=price.notnull()),
        units_=pairs.units_.sum(where=price.notnull()),
        products_=pairs.sold_.sum(),
        profit_=pairs.profit_.sum(),
        rest_=(pairs.rest_ - pairs.rest_units_ * pairs.unit_cost).sum(),
    )
    table = _join_categories(sums, habits)
    given = {"total_profit": "unit_cost" in {*there, *lines.columns}}
    given |= dict.fromkeys(name_shares(habits), "category" in there)
    given |= dict.fromkeys(CATEGORY_FEATURES, "category" in there)
    return table.drop(*(name for name, is_given in given.items() if not is_given))


def _join_categories(sums: ir.Table, habits: Habits) -> ir.Table:
    """Make one row a customer of one row a customer and category."""
    known = sums.category.notnull() & (sums.products_ > 0)
    order = [ibis.desc(known.cast("int64")), ibis.desc("sales_"), ibis.asc("category")]
    place = ibis.row_number().over(group_by="customer_id", order_by=order)
    sums = sums.mutate(is_known_=known, place_=place)
    first, sales = sums.is_known_ & (sums.place_ == 0), sums.sales_
    shares = {
        name: sum_money(sales, where=sums.is_known_ & (sums.category == category))
        for name, category in name_shares(habits).items()
    }
    table = sums.group_by("customer_id").aggregate(
        product_count=sums.products_.sum(),
        category_count=sums.is_known_.cast("int64").sum(),
        favourite_category=sums.category.min(where=first),
        favourite_category_share=sum_money(sales, where=first),
        total_=sum_money(sales, where=sums.is_known_),
        squares_=(sales * sales).sum(where=sums.is_known_),
        level_=share_of(sums.priced_.sum(), sums.usual_.sum()),
        units_=sums.units_.sum(),
        profit_=sums.profit_.sum(),
        rest_=sums.rest_.sum(),
        **shares,
    )
    total = table.total_
    named = {name: share_of(table[name], total) for name in shares}
    rest = ibis.greatest(1 - sum(named.values()), 0.0) if named else ibis.null("float64")
    rest = ibis.ifelse(total > 0, rest, ibis.null("float64"))  # greatest() passes over null
    named[OTHER_SHARE] = rest.round(9)
    return table.mutate(
        **named,
        favourite_category_share=share_of(table.favourite_category_share, total),
        category_diversity=1 - share_of(table.squares_, total * total),
        price_level=(table.units_ * table.level_ + PRIOR_UNITS) / (table.units_ + PRIOR_UNITS),
        total_profit=ibis.coalesce(table.profit_ + table.rest_, table.profit_, table.rest_).round(
            MONEY_DIGITS
        ),
    ).drop("total_", "squares_", "level_", "units_", "profit_", "rest_")
