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
MOST_RANKS, MOST_SALES = 2**16, 1e10
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
    is_costed = "unit_cost" in {*there, *lines.columns}
    columns = ("quantity", "unit_cost")
    lines = lines.mutate(**{name: find_column(lines, name, "float64") for name in columns})
    units, cost = lines.quantity, lines.unit_cost
    sold = (lines.line_type == "sale") & lines.is_product.fill_null(True)
    pairs = lines.group_by("customer_id", "product_id").aggregate(
        sales_=lines.line_amount.sum(where=sold),  # null where none was sold
        units_=units.sum(where=sold),
        profit_=(lines.line_amount - units * cost).sum(),
        rest_=lines.line_amount.sum(where=cost.isnull()),
        rest_units_=units.sum(where=cost.isnull()),
    )
    known = pairs.select("product_id").distinct() if products is None else products
    known = _describe_products(known, habits)
    pairs = pairs.left_join(known, "product_id")
    sums = pairs.group_by("customer_id", "rank_").aggregate(
        sales_=sum_money(pairs.sales_),
        usual_=(pairs.units_ * pairs.price_).sum(),
        priced_=pairs.sales_.sum(where=pairs.price_.notnull()),
        units_=pairs.units_.sum(where=pairs.price_.notnull()),
        products_=pairs.sales_.count(),
        profit_=pairs.profit_.sum(),
        rest_=(pairs.rest_ - pairs.rest_units_ * pairs.unit_cost).sum(),
    )
    categories = known.filter(known.rank_.notnull()).select("rank_", "category").distinct()
    table = _join_categories(sums, categories, habits)
    given = dict.fromkeys((*name_shares(habits), *CATEGORY_FEATURES), "category" in there)
    given["total_profit"] = is_costed
    return table.drop(*(name for name, is_given in given.items() if not is_given))


def _describe_products(products: ir.Table, habits: Habits) -> ir.Table:
    """Return ``product_id``, ``unit_cost``, ``category``, its rank by alphabet, and usual price."""
    kinds = {"category": "string", "unit_cost": "float64"}
    known = {name: find_column(products, name, kind) for name, kind in kinds.items()}
    products = products.select("product_id", **known)
    price, rank = ibis.literal(habits.rest_price, "float64"), ibis.dense_rank()
    if habits.prices:
        price = ibis.cases(*[(products.category == c, p) for c, p in habits.prices], else_=price)
    rank = rank.over(order_by=products.category).cast("int64")
    return products.mutate(
        price_=price, rank_=ibis.ifelse(products.category.notnull(), rank, ibis.null("int64"))
    )


def _join_categories(sums: ir.Table, categories: ir.Table, habits: Habits) -> ir.Table:
    """Make one row a customer of one row a customer and category.

    A favourite is the largest of whole numbers that hold first the sales and then, for ties, the
    rank; sorting each customer's categories takes several times as long.
    """
    sums = sums.left_join(categories, "rank_").drop("rank__right")
    known, sales = sums.rank_.notnull() & (sums.products_ > 0), sums.sales_
    whole = (sales.clip(0, MOST_SALES) * 10**MONEY_DIGITS).round().cast("int64")
    table = sums.group_by("customer_id").aggregate(
        product_count=sums.products_.sum(),
        category_count=known.cast("int64").sum(),
        best_=(whole * MOST_RANKS + MOST_RANKS - 1 - sums.rank_).max(where=known),
        top_=sales.max(where=known),
        total_=sum_money(sales, where=known),
        squares_=(sales * sales).sum(where=known),
        level_=share_of(sums.priced_.sum(), sums.usual_.sum()),
        units_=sums.units_.sum(),
        profit_=sums.profit_.sum(),
        rest_=sums.rest_.sum(),
        **{
            name: sum_money(sales, where=known & (sums.category == category))
            for name, category in name_shares(habits).items()
        },
    )
    table = table.mutate(rank_=MOST_RANKS - 1 - table.best_ % MOST_RANKS)
    table = table.left_join(categories, "rank_")
    total = table.total_
    named = {name: share_of(table[name], total) for name in name_shares(habits)}
    rest = ibis.greatest(1 - sum(named.values()), 0.0) if named else ibis.null("float64")
    rest = ibis.ifelse(total > 0, rest, ibis.null("float64"))  # greatest() passes over null
    # Rounded now and not before: sums of prices often end in 5, which engines round differently.
    level = (table.units_ * table.level_ + PRIOR_UNITS) / (table.units_ + PRIOR_UNITS)
    profit = ibis.coalesce(table.profit_ + table.rest_, table.profit_, table.rest_)
    return table.select(
        "customer_id", "product_count", "category_count",
        favourite_category=table.category,
        favourite_category_share=share_of(table.top_, total),
        **named,
        **{OTHER_SHARE: rest.round(9)},
        category_diversity=1 - share_of(table.squares_, total * total),
        price_level=level.round(9),
        total_profit=profit.round(MONEY_DIGITS),
    )  # fmt: skip
