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

import ibis
import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.errors import SegkitError, suggest_name
from segkit.features.expressions import (
    add_columns,
    days_until,
    find_favourite,
    keep_until,
    share_of,
    sum_money,
)
from segkit.features.missing import NO_PURCHASES, empty_table

NEW_DAYS = 90
ACTIVE_DAYS = 180
LAPSED_DAYS = 365
PARETO_SHARE = 0.8
NO_SPEND = f"{NO_PURCHASES[:-1]}, and no total_spend of its own."


def summarise_purchases(
    order_lines: ir.Table, *, as_of: datetime.date, products: ir.Table | None = None
) -> ir.Table:
    """Summarise accepted lines, with categories and costs of ``products``, to one row a customer.

    Returns
    -------
    ibis.Table
        One row for each customer with a line until ``as_of``, with those features of
        `segkit.features.dictionary` that come from lines and products. ``mean_order_value`` is
        gross sales divided by orders, ``return_share`` at most 1; favourites have most gross
        sales, ties by alphabet; ``total_profit`` counts the lines whose cost is known and is null
        if none is.
    """
    lines = _prepare_lines(order_lines, as_of, products)
    sale = lines.line_type == "sale"
    product = sale & lines.is_product.fill_null(True)
    recent = days_until(lines.ordered_at, as_of) < 365
    measures = {
        "order_count": lines.order_id.nunique(where=sale),
        "total_spend": sum_money(lines.line_amount),
        "gross_": sum_money(lines.line_amount, where=sale),
        "returned_": sum_money(
            -lines.line_amount, where=lines.line_type.isin(["return", "cancellation"])
        ),
        "fourth_": sum_money(lines.line_amount, where=sale & (lines.ordered_at.month() >= 10)),
        "spend_last_365_days": sum_money(lines.line_amount, where=recent),
        "order_count_last_365_days": lines.order_id.nunique(where=sale & recent),
        "product_count": lines.product_id.nunique(where=product),
        "order_days_": lines.ordered_at.date().nunique(where=sale),
        "first_order_on": lines.ordered_at.date().min(where=sale),
        "last_order_on": lines.ordered_at.date().max(where=sale),
    }
    if "category" in lines.columns:
        measures["category_count"] = lines.category.nunique(where=product)
    if "unit_cost" in lines.columns:
        profit = lines.line_amount - lines.quantity * lines.unit_cost
        measures["total_profit"] = profit.sum().round(4)
    if "discount_amount" in lines.columns:
        measures["discount_"] = sum_money(lines.discount_amount.abs(), where=sale)
    table = lines.group_by("customer_id").aggregate(**measures)
    table = _derive_features(table, as_of)
    sales = lines.filter(sale)
    names = {"category": "favourite_category", "country": "country", "channel": "favourite_channel"}
    for column, name in names.items():
        if column in lines.columns:
            rows = sales.filter(_.is_product.fill_null(True)) if column == "category" else sales
            table = add_columns(table, find_favourite(rows, column, rows.line_amount, name=name))
    return table


def _prepare_lines(
    order_lines: ir.Table, as_of: datetime.date, products: ir.Table | None
) -> ir.Table:
    """Lines with a customer until ``as_of``, with the product's category and cost if known."""
    lines = keep_until(order_lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    there = () if products is None else products.columns
    wanted = [column for column in ("category", "unit_cost") if column in there]
    if not wanted:
        return lines
    extra = products.select("product_id", **{f"{c}_known_": products[c] for c in wanted})
    lines = lines.left_join(extra, "product_id").drop("product_id_right")
    known = {c: lines[f"{c}_known_"] for c in wanted}
    own = {c: ibis.coalesce(lines[c], known[c]) for c in wanted if c in lines.columns}
    return lines.mutate(**{**known, **own})


def _derive_features(table: ir.Table, as_of: datetime.date) -> ir.Table:
    """Ratios and days from the sums of one customer."""
    gross, active_days = table.gross_, table.last_order_on.delta(table.first_order_on, unit="day")
    features = {
        "recency_days": days_until(table.last_order_on, as_of),
        "tenure_days": days_until(table.first_order_on, as_of),
        "active_days": active_days,
        "mean_order_value": share_of(gross, table.order_count).round(4),
        "mean_days_between_orders": share_of(active_days, table.order_days_ - 1),
        "return_share": share_of(ibis.least(table.returned_, gross), gross),
        "fourth_quarter_share": share_of(table.fourth_, gross),
    }
    if "discount_" in table.columns:
        features["discount_share"] = share_of(table.discount_, gross + table.discount_)
    table = table.mutate(**features)
    stage = ibis.cases(
        (table.recency_days.isnull(), "never bought"),
        (table.recency_days > LAPSED_DAYS, "lapsed"),
        (table.recency_days > ACTIVE_DAYS, "at risk"),
        (table.tenure_days <= NEW_DAYS, "new"),
        (table.order_count == 1, "one order"),
        else_="active",
    )
    own = [name for name in table.columns if not name.endswith("_")]
    return table.mutate(journey_stage=stage).select(*own, "journey_stage")


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
