"""The purchase history of segments: how many orders, how far apart, how large, how broad.

An order is one with a sale that was not taken back; amounts of orders are gross of returns. What is
told of the first order is of buyers who most likely are new, see
`segkit.evidence.experience.cohorts`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import NO_PURCHASES, empty_table, is_missing
from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND
from segkit.core.skewed_means import bound_mean
from segkit.core.statistics import bound_median, bound_share
from segkit.evidence.experience.sources import keep_largest
from segkit.evidence.segment_summaries import bound_ratios, divide, list_bounds, sum_by_customer
from segkit.features.expressions import fetch, keep_until, sum_money, take_first
from segkit.features.rhythm import list_orders
from segkit.features.sales import is_income, is_sale

MOST_ORDERS = 5
ORDER_WORDS = {0: "none", MOST_ORDERS: f"{MOST_ORDERS} or more"}
EACH = ("buyers", "orders", "units", "products", "days", "span", "discount", "gross",
        "before_discount")  # fmt: skip
RATIOS = {
    "orders_ever_per_buyer": ("orders", "buyers"),
    "units_per_order": ("units", "orders"),
    "products_per_buyer": ("products", "buyers"),
    "discount_share": ("discount", "before_discount"),
}
GAP = ("median_gap_days", "median_gap_days_low", "median_gap_days_high")
VALUE = ("mean_order_value", "mean_order_value_low", "mean_order_value_high")
VALUE_PARTS = tuple(f"mean_order_value{end}" for end in (OF_A_MEAN, LARGEST, SECOND))


def read_histories(
    lines: Table | None, segments: pd.DataFrame, *, as_of: datetime.date
) -> pd.DataFrame:
    """Sum up the orders of each customer with a segment, since the data begin, in the engine.

    Returns
    -------
    DataFrame
        One row a customer: segment_name, buyers (1 with an order), orders, units, products
        (different ones), days (with an order), span (days from the first to the last), discount,
        gross and before_discount (what the sales would have brought without it); without a
        discount of anybody the last two of these say nothing, and are 0.
    """
    if lines is None:
        return empty_table(["segment_name", *EACH], NO_PURCHASES)
    lines = keep_until(lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    sale = is_sale(_)
    day = _.ordered_at.date()
    measures = {
        "buyers": sale.any().cast("int64"),
        "orders": _.order_id.nunique(where=sale),
        "units": _.quantity.sum(where=sale).fill_null(0.0),
        "products": _.product_id.nunique(where=sale),
        "days": day.nunique(where=sale),
        "span": day.max(where=sale).delta(day.min(where=sale), unit="day").fill_null(0),
        "discount": _sum_discounts(lines),
        "gross": sum_money(_.line_amount, where=is_income(_)),
    }
    each = sum_by_customer(lines, segments, measures)
    each["before_discount"] = each["gross"] + each["discount"]
    if not each["discount"].any():  # that nobody records discounts does not mean that none is given
        each["discount"] = each["before_discount"] = 0.0
    return each


def summarise_history_by_segment(each: pd.DataFrame) -> pd.DataFrame:
    """Summarise each segment's orders since the data begin.

    Parameters
    ----------
    each : DataFrame
        Of `read_histories`.

    Returns
    -------
    DataFrame
        segment_name, customer_count, orders_ever_per_buyer, median_gap_days (of the mean days
        between orders of each customer with orders on two days or more), repeat_buyer_count
        (those), units_per_order, products_per_buyer (different ones), discount_share (of what the
        sales would have brought without discounts; missing without a discount), each with a 95 %
        interval in ``_low`` and ``_high``; rests_on_count (the buyers), and what is left without
        two customers for the gate.
    """
    columns = ["segment_name", "customer_count", "orders_ever_per_buyer", *GAP]
    columns += ["repeat_buyer_count", "units_per_order", "products_per_buyer", "discount_share"]
    columns += ["rests_on_count", *list_bounds(RATIOS)]
    if each.empty:
        return empty_table(columns, getattr(each, "reason", NO_PURCHASES))
    sums = each.groupby("segment_name").sum()
    table = each.groupby("segment_name").size().rename("customer_count").reset_index()
    sums = sums.reindex(table["segment_name"]).reset_index(drop=True)
    for name, (part, whole) in RATIOS.items():
        table[name] = divide(sums[part], sums[whole])
    buyers = sums["buyers"].astype("int64")
    table["rests_on_count"] = buyers.where(buyers > 0, table["customer_count"])
    table = table.merge(bound_ratios(each, RATIOS), on="segment_name", how="left")
    table = table.merge(_find_gaps(each), on="segment_name", how="left")
    table["repeat_buyer_count"] = table["repeat_buyer_count"].fillna(0).astype("int64")
    return table[columns]


def _sum_discounts(lines: Table) -> ibis.Deferred:
    """Sum discounts of sales, and those that are lines of their own."""
    given = ibis.ifelse(_.line_type == "discount", -_.line_amount, 0.0)
    if "discount_amount" not in lines.columns:
        return sum_money(given)
    return sum_money(ibis.ifelse(is_sale(_), _.discount_amount.abs(), 0.0).fill_null(0.0) + given)


def _find_gaps(each: pd.DataFrame) -> pd.DataFrame:
    """Return each segment's median of its customers' mean days between days with an order."""
    repeat = each[each["days"] > 1]
    gaps = repeat["span"] / (repeat["days"] - 1)
    found = []
    for name, values in gaps.groupby(repeat["segment_name"]):
        low, high = bound_median(values.to_numpy(float))
        found.append((name, float(values.median()), low, high, len(values)))
    return pd.DataFrame(found, columns=["segment_name", *GAP, "repeat_buyer_count"])


def count_orders_by_segment(each: pd.DataFrame) -> pd.DataFrame:
    """Count each segment's customers by how many orders they have placed since the data begin.

    Parameters
    ----------
    each : DataFrame
        Of `read_histories`.

    Returns
    -------
    DataFrame
        segment_name, orders ("none", "1" ... "5 or more"), customer_count, segment_count,
        order_share (of the segment's customers) with its 95 % Wilson interval in ``order_low`` and
        ``order_high``; a row a segment and number, also where nobody has so many.
    """
    columns = ["segment_name", "orders", "customer_count", "segment_count", "order_share"]
    columns += ["order_low", "order_high"]
    if each.empty:
        return empty_table(columns, getattr(each, "reason", NO_PURCHASES))
    numbers = each["orders"].clip(upper=MOST_ORDERS).astype("int64")
    counts = pd.crosstab(each["segment_name"], numbers)
    counts = counts.reindex(columns=range(MOST_ORDERS + 1), fill_value=0)
    counts.columns = [ORDER_WORDS.get(number, str(number)) for number in counts.columns]
    table = counts.rename_axis(columns="orders").stack().rename("customer_count").reset_index()
    table["segment_count"] = table["segment_name"].map(counts.sum(axis=1)).astype("int64")
    hits, trials = (table[name].astype(float) for name in ("customer_count", "segment_count"))
    low, high = bound_share(hits, trials)
    return table.assign(order_share=hits / trials, order_low=low, order_high=high)[columns]


def summarise_order_numbers(
    lines: Table | None, new: pd.DataFrame, *, as_of: datetime.date, by: str = "segment_name"
) -> pd.DataFrame:
    """Summarise the first, second ... fifth order of buyers who most likely are new.

    Parameters
    ----------
    lines : ibis.Table or None
        Order lines.
    new : DataFrame
        ``customer_id`` and the group, of `segkit.evidence.experience.cohorts.group_new`.
    as_of : date
        The last day counted.
    by : str, optional
        The column of groups.

    Returns
    -------
    DataFrame
        The group, number, customer_count (who placed that order), mean_order_value (gross) with its
        95 % interval, and the largest contributions for the gate.
    """
    columns = [by, "number", "customer_count", *VALUE, *VALUE_PARTS]
    if lines is None or new.empty:
        return empty_table(columns, NO_PURCHASES if lines is None else getattr(new, "reason", ""))
    lines = keep_until(lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    orders = list_orders(lines).filter(_.is_sale_)
    place = ibis.row_number().over(group_by="customer_id", order_by=["at_", "order_"])
    orders = orders.mutate(place_=place).filter(_.place_ < MOST_ORDERS)
    amounts = {
        f"amount_{number}": _.amount_.max(where=_.place_ == number) for number in range(MOST_ORDERS)
    }
    each = fetch(orders.group_by("customer_id").agg(**amounts))
    each = new.merge(each.astype({"customer_id": str}), on="customer_id")
    each = each.sort_values("customer_id", ignore_index=True)
    found = []
    for name, rows in each.groupby(by):
        for number in range(MOST_ORDERS):
            values = rows[f"amount_{number}"].dropna().to_numpy(float)
            if len(values):
                found.append({by: name, "number": number + 1} | _describe_value(values))
    return pd.DataFrame(found, columns=columns)


def _describe_value(values: np.ndarray) -> dict[str, float]:
    largest = [*np.sort(values)[::-1][:2], np.nan][:2]
    figures = (values.mean(), *bound_mean(values), round(float(values.sum()), 4), *largest)
    return {"customer_count": len(values)} | dict(zip((*VALUE, *VALUE_PARTS), figures, strict=True))


def find_first_categories(
    tables: Mapping[str, Table], new: pd.DataFrame, *, as_of: datetime.date
) -> pd.DataFrame:
    """Find the category of which each new buyer's first order had most; ties by name.

    Returns
    -------
    DataFrame
        ``customer_id``, ``category`` ("not known" where the product has none; the six largest, the
        others are "others"). No rows, with the reason, without products' categories.
    """
    lines, products = tables.get("order_lines"), tables.get("products")
    if lines is None or is_missing(products, "product_id", "category"):
        reason = "The first category needs order lines, and products with a category."
        return empty_table(["customer_id", "category"], reason)
    if new.empty:
        return empty_table(["customer_id", "category"], getattr(new, "reason", NO_PURCHASES))
    lines = keep_until(lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    sales = lines.filter(is_sale(lines)).select(
        "customer_id", "order_id", "product_id", "line_amount", "ordered_at"
    )
    orders = sales.group_by(["customer_id", "order_id"]).agg(at=_.ordered_at.min())
    first = take_first(orders, ["at", "order_id"]).select("customer_id", "order_id")
    sales = sales.semi_join(first, ["customer_id", "order_id"])
    sales = sales.left_join(products.select("product_id", "category"), "product_id")
    sales = sales.mutate(category=_.category.fill_null("not known"))
    sums = sales.group_by(["customer_id", "category"]).agg(amount=sum_money(_.line_amount))
    most = take_first(sums, [ibis.desc("amount"), "category"])
    found = fetch(most.select("customer_id", "category")).astype({"customer_id": str})
    found = new[["customer_id"]].merge(found, on="customer_id")
    return found.assign(category=keep_largest(found["category"].astype(object)))
