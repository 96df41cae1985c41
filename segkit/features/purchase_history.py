"""What customers buy, where and how: products, categories, channels, price level (base B12)."""

from __future__ import annotations

import ibis
from ibis import ir

from segkit.contract.features import CATEGORY_SHARE
from segkit.data.columns import name_harmlessly
from segkit.features.expressions import MONEY_DIGITS, add_columns, find_column, share_of, sum_money
from segkit.features.favourites import describe_levels, find_favourite, sum_levels
from segkit.features.habits import Habits
from segkit.features.sales import is_income, is_returned, is_sale

MOST_SHARES = 5
PRIOR_UNITS = 5
FAVOURITES = {
    "country": "country", "channel": "favourite_channel", "category": "favourite_category",
}  # fmt: skip


def name_shares(habits: Habits) -> dict[str, str]:
    """Return the features that hold shares of the largest categories, and their categories."""
    largest = [category for category, _price in habits.prices[:MOST_SHARES]]
    return {CATEGORY_SHARE + name: c for name, c in name_harmlessly(largest, ()).items()}


def summarise_baskets(lines: ir.Table, products: ir.Table | None, habits: Habits) -> ir.Table:
    """Summarise products, categories, channels and countries to one row a customer.

    Sales count, and no returns; for categories those of products only. The favourites have most
    sales, ties by alphabet; diversity is 1 less the sum of squared shares of categories. Price
    level is what n units cost over what as many cost all customers on average in the same
    categories, shrunk to 1 as (n level + 5) / (n + 5). Profit is that of all lines whose cost is
    known, their own or else the product's, and null if none is.
    """
    there = {*lines.columns, *(() if products is None else products.columns)}
    lines = _join_products(lines, products, habits)
    amount = lines.line_amount
    units = lines.quantity
    sale = is_sale(lines)
    given_back = ibis.ifelse(lines.line_type == "discount", -amount, 0.0)
    sold = sale & lines.is_product.fill_null(True)
    priced = sold & lines.price_.notnull()
    nothing = ibis.null("float64")
    measures = {
        "product_count": ibis.ifelse(sold, lines.product_id, ibis.null("string")).nunique(),
        "units_": units.sum(where=priced),
        "level_": share_of(amount.sum(where=priced), (units * lines.price_).sum(where=priced)),
        "profit_": (amount - units * lines.unit_cost).sum(),
        "gross_": sum_money(amount, where=is_income(lines)),
        "returned_": sum_money(-amount, where=is_returned(lines)),
        "discount_": sum_money(
            ibis.ifelse(sale, lines.discount_amount.abs(), nothing).fill_null(0.0) + given_back
        ),
    }
    wheres = {c: sold if c == "category" else sale for c in FAVOURITES if c in lines.columns}
    shares = name_shares(habits)
    # Of many categories only those of the shares are summed one by one.
    levels = {"category": tuple(shares.values())} | habits.levels
    for column, where in wheres.items():
        weight = ibis.ifelse(where, amount, nothing)
        measures |= sum_levels(lines[column], weight, levels.get(column, ()))
    table = lines.group_by("customer_id").aggregate(**measures)
    for column, where in wheres.items():
        name = FAVOURITES[column]
        if column in habits.levels:
            table = table.mutate(**describe_levels(table, column, levels[column], name=name))
        else:
            rows = lines.filter(where)
            table = add_columns(table, find_favourite(rows, column, rows.line_amount, name=name))
    # Rounded now and not before: sums of prices often end in 5, which engines round differently.
    level = (table.units_ * table.level_ + PRIOR_UNITS) / (table.units_ + PRIOR_UNITS)
    features = {
        "product_count": table.product_count,
        "price_level": level.round(9),
        "return_share": share_of(ibis.least(table.returned_, table.gross_), table.gross_),
    }
    if "discount_amount" in there:
        features["discount_share"] = share_of(table.discount_, table.gross_ + table.discount_)
    if "unit_cost" in there:
        features["total_profit"] = table.profit_.round(MONEY_DIGITS)
    features |= {FAVOURITES[column]: table[FAVOURITES[column]] for column in wheres}
    if "channel" in wheres:
        features["cross_channel_share"] = 1 - table.favourite_channel_share
    if "category" in wheres:
        features |= _describe_categories(table, levels["category"], shares)
    return table.select("customer_id", **features)


def _join_products(lines: ir.Table, products: ir.Table | None, habits: Habits) -> ir.Table:
    """Add to each line its product's ``category``, its ``unit_cost``, and the usual ``price_``."""
    price = ibis.literal(habits.rest_price, "float64")
    kept = ["customer_id", "product_id", "line_type", "is_product", "line_amount"]
    kept += [column for column in ("country", "channel") if column in lines.columns]
    numbers = ("quantity", "unit_cost", "discount_amount")
    lines = lines.select(*kept, **{name: find_column(lines, name, "float64") for name in numbers})
    if products is None:
        return lines.mutate(price_=price)
    known = {"product_cost_": find_column(products, "unit_cost", "float64")}
    if "category" in products.columns:
        known["category"] = products.category
        if habits.prices:
            prices = [(products.category == c, p) for c, p in habits.prices]
            price = ibis.cases(*prices, else_=price)
    known = products.select("product_id", price_=price, **known)
    lines = add_columns(lines, known, by="product_id")
    return lines.mutate(unit_cost=ibis.coalesce(lines.unit_cost, lines.product_cost_))


def _describe_categories(table: ir.Table, levels: tuple, shares: dict) -> dict[str, ir.Value]:
    """Return what is known of categories beside the favourite."""
    total = table.favourite_category_total
    sums = {name: table[f"category_{levels.index(c)}_"] for name, c in shares.items()}
    named = {name: share_of(one.fill_null(0.0), total) for name, one in sums.items()}
    rest = ibis.greatest(1 - sum(named.values()), 0.0) if named else ibis.null("float64")
    rest = ibis.ifelse(total > 0, rest, ibis.null("float64"))  # greatest() passes over null
    return {
        "category_count": table.favourite_category_count.fill_null(0),
        "favourite_category_share": table.favourite_category_share,
        "category_diversity": table.favourite_category_diversity,
        **named,
        "other_categories_share": rest.round(9),
    }
