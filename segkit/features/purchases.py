"""What customers buy: recency, orders, spend, profit, breadth, season.

Bases B4, B10, B12, B13 and B14. Nothing after the day ``as_of`` is read.

- A *sale* is a line whose ``line_type`` is ``sale``. Returns, cancellations and adjustments that
  the plan's policies kept change spend and profit, but never recency, orders or products. An order
  that was taken back whole is no sale, see `segkit.features.sales`; a discount lowers its order.
- Orders of one day stay separate orders; for rhythm they are one day.
- A customer with nothing but returns is kept, with ``order_count`` 0 and no recency.
- Lines without a customer belong to no customer; only the monthly series counts them.
"""

from __future__ import annotations

import datetime

import pandas as pd
from ibis import _, ir

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.features.expressions import (
    add_columns,
    days_until,
    find_contributions,
    keep_until,
    round_ratio,
    share_of,
    sum_money,
)
from segkit.features.habits import Habits
from segkit.features.journey import name_stage
from segkit.features.purchase_history import summarise_baskets
from segkit.features.rhythm import add_gaps, describe_rhythm, list_orders
from segkit.features.sales import is_sale
from segkit.features.season import describe_season, sum_seasons

WINDOWS = (30, 90, 365)
TREND_DAYS = 180


def summarise_purchases(
    order_lines: ir.Table,
    *,
    as_of: datetime.date,
    products: ir.Table | None = None,
    habits: Habits | None = None,
) -> ir.Table:
    """Summarise accepted lines, with categories and costs of ``products``, to one row a customer.

    Lines are summed to orders and to products of a customer, and these to customers. What is set
    against all customers is null without ``habits``, and journey stages have fixed cut points.

    Returns
    -------
    ibis.Table
        One row for each customer with a line until ``as_of``, with those features of
        `segkit.contract.features` that come from lines and products. ``mean_order_value`` is
        gross sales divided by orders, ``return_share`` at most 1; favourites have most gross
        sales, ties by alphabet. See `list_orders`, `describe_rhythm`, `describe_season` and
        `summarise_baskets` for the rules.
    """
    habits = habits or Habits()
    lines = keep_until(order_lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    orders = add_gaps(list_orders(lines))
    sale = orders.is_sale_
    amount = orders.amount_
    age = days_until(orders.day_, as_of)
    measures = {
        "order_count": sale.cast("int64").sum(),
        "total_spend": sum_money(amount),
        "gross_": sum_money(amount, where=sale),
        "recent_": sum_money(amount, where=sale & (age < TREND_DAYS)),
        "before_": sum_money(amount, where=sale & (age >= TREND_DAYS) & (age < 2 * TREND_DAYS)),
        "order_days_": (sale & (orders.gap_.fill_null(1) > 0)).cast("int64").sum(),
        "gap_squares_": (orders.gap_ * orders.gap_).sum(where=sale),
        "first_order_on": orders.day_.min(where=sale),
        "last_order_on": orders.day_.max(where=sale),
        **sum_seasons(orders),
    }
    for days in WINDOWS:
        measures[f"spend_last_{days}_days"] = sum_money(amount, where=age < days)
        measures[f"order_count_last_{days}_days"] = (sale & (age < days)).cast("int64").sum()
    table = orders.group_by("customer_id").aggregate(**measures)
    table = table.mutate(
        recency_days=days_until(table.last_order_on, as_of),
        tenure_days=days_until(table.first_order_on, as_of),
        active_days=table.last_order_on.delta(table.first_order_on, unit="day"),
        mean_order_value=round_ratio(share_of(table.gross_, table.order_count)),
        spend_trend=share_of(table.recent_ - table.before_, table.recent_ + table.before_),
        **describe_season(table, habits),
    )
    table = describe_rhythm(table, habits)
    table = table.mutate(journey_stage=name_stage(table, habits))
    table = table.select(*(name for name in table.columns if not name.endswith("_")))
    return add_columns(table, summarise_baskets(lines, products, habits))


def find_mean_order_value(customers: pd.DataFrame) -> float:
    """Return the mean order value of these customers together, see `divide_by_orders`.

    Their gross sales are their own ``mean_order_value`` times ``order_count``; who lacks either is
    left out. NaN without orders.
    """
    known = customers[["mean_order_value", "order_count"]].astype(float).dropna()
    sales = known["mean_order_value"] * known["order_count"]
    return float(divide_by_orders(sales.sum(), known["order_count"].sum()))


def divide_by_orders(sales: pd.Series | float, order_count: pd.Series | int) -> pd.Series | float:
    """Return the mean order value of many customers: gross sales over orders; NaN without orders.

    So it is said everywhere, and never as the mean of the customers' own means, in which somebody
    with one order weighs as much as somebody with many.
    """
    if isinstance(order_count, pd.Series):
        return sales / order_count.where(order_count > 0)
    return sales / order_count if order_count > 0 else float("nan")


def summarise_months(order_lines: ir.Table | None, *, as_of: datetime.date) -> pd.DataFrame:
    """Summarise all lines by calendar month, lines without a customer included.

    From the first line's month to that of ``as_of``, empty months with zeros: ``month`` (its first
    day), ``order_count`` (orders with a sale), ``total_spend`` (net of returns),
    ``active_customers`` (known customers with a sale), ``is_whole`` (false for the month of
    ``as_of`` unless that is its last day), and the two largest contributions to the spend, for the
    gate. Without lines there are no rows.
    """
    if order_lines is None:
        columns = ["month", "order_count", "total_spend", "active_customers", "is_whole"]
        return empty_table(columns, NO_PURCHASES).astype({"is_whole": bool})
    lines = keep_until(order_lines, "ordered_at", as_of)
    sale = is_sale(lines)
    series = lines.group_by(month=lines.ordered_at.date().truncate("M")).aggregate(
        order_count=lines.order_id.nunique(where=sale),
        total_spend=sum_money(lines.line_amount),
        active_customers=lines.customer_id.nunique(where=sale),
    )
    series = series.to_pandas()
    dated = lines.mutate(month=lines.ordered_at.date().truncate("M"))
    amount = sum_money(_.line_amount)
    tops = find_contributions(dated, amount, name="total_spend", by=["month"])
    series = series.merge(tops, on="month", how="left")
    series["month"] = pd.to_datetime(series["month"])
    if not series.empty:
        months = pd.date_range(series["month"].min(), as_of, freq="MS", name="month")
        series = series.set_index("month").reindex(months).fillna(0).reset_index()
    series = series.astype({"order_count": "int64", "active_customers": "int64"})
    last_days = series["month"] + pd.offsets.MonthEnd(0)
    return series.assign(is_whole=last_days <= pd.Timestamp(as_of))
