"""What customers buy: recency, orders, spend, profit, breadth, season.

Bases B4, B10, B12, B13 and B14. Nothing after the day ``as_of`` is read.

- A *sale* is a line whose ``line_type`` is ``sale``. Returns, cancellations and adjustments that
  the plan's policies kept change spend and profit, but never recency, orders or products.
- Orders of one day stay separate orders; for rhythm they are one day.
- A customer with nothing but returns is kept, with ``order_count`` 0 and no recency.
- Lines without a customer belong to no customer; only the monthly series counts them.
"""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.errors import SegkitError, suggest_name
from segkit.features.baskets import summarise_baskets
from segkit.features.expressions import (
    add_columns,
    days_until,
    keep_until,
    round_ratio,
    share_of,
    sum_money,
)
from segkit.features.missing import NO_PURCHASES, empty_table
from segkit.features.rhythm import Habits, add_gaps, describe_rhythm, list_orders
from segkit.features.season import describe_season, sum_seasons

WINDOWS = (30, 90, 365)
TREND_DAYS = 180
PARETO_SHARE = 0.8
NO_SPEND = f"{NO_PURCHASES[:-1]}, and no total_spend of its own."


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
        `segkit.features.dictionary` that come from lines and products. ``mean_order_value`` is
        gross sales divided by orders, ``return_share`` at most 1; favourites have most gross
        sales, ties by alphabet. See `list_orders`, `describe_rhythm`, `describe_season` and
        `summarise_baskets` for the rules.
    """
    habits = habits or Habits()
    lines = keep_until(order_lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    orders = add_gaps(list_orders(lines))
    sale, amount, age = orders.is_sale_, orders.amount_, days_until(orders.day_, as_of)
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
    table = table.select(*(name for name in table.columns if not name.endswith("_")))
    return add_columns(table, summarise_baskets(lines, products, habits))


def summarise_months(order_lines: ir.Table | None, *, as_of: datetime.date) -> pd.DataFrame:
    """Summarise all lines by calendar month, lines without a customer included.

    From the first line's month to that of ``as_of``, empty months with zeros: ``month`` (its first
    day), ``order_count`` (orders with a sale), ``total_spend`` (net of returns),
    ``active_customers`` (known customers with a sale), ``is_whole`` (false for the month of
    ``as_of`` unless that is its last day). Without lines there are no rows.
    """
    if order_lines is None:
        columns = ["month", "order_count", "total_spend", "active_customers", "is_whole"]
        return empty_table(columns, NO_PURCHASES).astype({"is_whole": bool})
    lines = keep_until(order_lines, "ordered_at", as_of)
    sale = lines.line_type == "sale"
    series = lines.group_by(month=lines.ordered_at.date().truncate("M")).aggregate(
        order_count=lines.order_id.nunique(where=sale),
        total_spend=sum_money(lines.line_amount),
        active_customers=lines.customer_id.nunique(where=sale),
    )
    series = series.to_pandas()
    series["month"] = pd.to_datetime(series["month"])
    if not series.empty:
        months = pd.date_range(series["month"].min(), as_of, freq="MS", name="month")
        series = series.set_index("month").reindex(months).fillna(0).reset_index()
    series = series.astype({"order_count": "int64", "active_customers": "int64"})
    last_days = series["month"] + pd.offsets.MonthEnd(0)
    return series.assign(is_whole=last_days <= pd.Timestamp(as_of))


def measure_concentration(
    customers: pd.DataFrame, column: str
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Measure how unequally a column of amounts is spread over customers.

    A negative or missing value counts as 0, and is counted; shares of a total need it. Without
    ``total_spend``, as in a plan without purchases, there are no rows and no figures of it.

    Returns
    -------
    lorenz : pandas.DataFrame
        ``customer_share`` and ``value_share``, smallest customers first, from (0, 0) to (1, 1), at
        most 201 points.
    figures : dict
        ``gini`` (0: all alike; 1: one has all), ``top_20_share`` and ``top_1_share`` (value share
        of the top 20 % and 1 % of customers), ``customer_share_for_80`` (smallest share of
        customers with 80 % of the value), ``customer_count``, ``negative_count``,
        ``missing_count``.

    References
    ----------
    Gini (1912); the mean-difference form over sorted values as in Cowell (2011), *Measuring
    Inequality*, equation 2.22.
    """
    if _has_no_spend(customers, column):
        return empty_table(["customer_share", "value_share"], NO_SPEND), {}
    values = _take_values(customers, column)
    amounts = np.sort(np.nan_to_num(values, nan=0.0).clip(min=0))
    count, total = len(amounts), amounts.sum()
    if total <= 0:
        message = f"'{column}' has no positive values, so its concentration is not defined"
        fix = "Choose another column, or look at the quality table for what was rejected."
        raise SegkitError(message, fix=fix)
    ranks = np.arange(1, count + 1)
    running = np.concatenate([[0.0], np.cumsum(amounts)]) / total
    running[-1] = 1.0
    points = np.unique(np.linspace(0, count, min(count, 200) + 1).round().astype(int))
    lorenz = pd.DataFrame({"customer_share": points / count, "value_share": running[points]})
    needed = int(np.searchsorted(np.cumsum(amounts[::-1]) / total, PARETO_SHARE - 1e-12)) + 1
    top = {share: 1 - running[count - max(1, round(share * count))] for share in (0.2, 0.01)}
    figures = {
        "gini": float((2 * ranks - count - 1) @ amounts / (count * total)),
        "top_20_share": float(top[0.2]),
        "top_1_share": float(top[0.01]),
        "customer_share_for_80": needed / count,
        "customer_count": count,
        "negative_count": int((values < 0).sum()),
        "missing_count": int(np.isnan(values).sum()),
    }
    return lorenz, figures


def rank_customers(customers: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rank customers by a value, largest first, and sum it by tenths.

    Ties are settled by ``customer_id``; missing values count as 0. Returns ``tenth`` (1 is the
    top), ``customer_count``, ``smallest``, ``total``, ``value_share`` and ``running_share``. No
    identifiers, so that it may be published. Without ``total_spend`` there are no rows of it.
    """
    if _has_no_spend(customers, column):
        columns = ["tenth", "customer_count", "smallest", "total", "value_share", "running_share"]
        return empty_table(columns, NO_SPEND)
    ranked = customers[["customer_id"]].assign(value=np.nan_to_num(_take_values(customers, column)))
    ranked = ranked.sort_values(["value", "customer_id"], ascending=[False, True])
    ranked["tenth"] = np.arange(len(ranked)) * 10 // len(ranked) + 1
    table = ranked.groupby("tenth", as_index=False).agg(
        customer_count=("value", "size"), smallest=("value", "min"), total=("value", "sum")
    )
    whole = table["total"].sum()
    table["value_share"] = table["total"] / whole if whole > 0 else np.nan
    table["running_share"] = table["value_share"].cumsum()
    return table


def _has_no_spend(customers: pd.DataFrame, column: str) -> bool:
    """Say whether value is unknown, as without purchases; with them there is always spend."""
    return column == "total_spend" and column not in customers


def _take_values(customers: pd.DataFrame, column: str) -> np.ndarray:
    if column not in customers.columns:
        fix = suggest_name(column, customers.select_dtypes("number").columns)
        raise SegkitError(f"the customer table has no column '{column}'", fix=fix)
    if customers.empty:
        raise SegkitError("the customer table is empty", fix="Look at the rejected rows.")
    return pd.to_numeric(customers[column], errors="coerce").to_numpy(float, na_value=np.nan)
