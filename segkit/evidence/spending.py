"""What each segment buys, in which months, and which share of its customers' wallet we have.

Lines stay in the engine: the segments, a small table ``customer_id, segment_name``, are joined
there and only sums come back.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd

from segkit.evidence.by_segment import (
    count_customers,
    hide_small_cells,
    join_segments,
    keep_days,
)
from segkit.evidence.market import latest_cells, make_key
from segkit.evidence.missing import empty_table, is_missing
from segkit.features.expressions import sum_money

YEAR_DAYS = 365
ABOVE_WALLET = "spends more than the market's mean buyer"


def summarise_spend_by_segment(
    order_lines: ibis.Table,
    segments: pd.DataFrame,
    *,
    as_of: datetime.date,
    days: int = YEAR_DAYS,
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Summarise each segment's purchases in the last ``days`` days.

    Returns
    -------
    DataFrame
        segment_name, customer_count, buyer_count (with a sale), buyer_share, order_count, spend
        (net), spend_share (of all segments shown), spend_per_customer, orders_per_buyer,
        mean_order_value (gross), return_share (returns and cancellations over gross sales), note.
    """
    lines = join_segments(keep_days(order_lines, "ordered_at", as_of=as_of, days=days), segments)
    sold = lines.line_type == "sale"
    back = lines.line_type.isin(["return", "cancellation"])
    sums = lines.group_by("segment_name").agg(
        buyer_count=lines.customer_id.nunique(where=sold),
        order_count=lines.order_id.nunique(where=sold),
        spend=sum_money(lines.line_amount),
        gross=sum_money(lines.line_amount, where=sold),
        returned=sum_money(-lines.line_amount, where=back),
    )
    table = count_customers(segments).merge(sums.to_pandas(), on="segment_name", how="left")
    numbers = ["buyer_count", "order_count", "spend", "gross", "returned"]
    table[numbers] = table[numbers].fillna(0)
    table = table.astype({"buyer_count": "int64", "order_count": "int64"})
    # Over the segments shown: else the hidden one would be what is left of the whole.
    total = table.loc[table["customer_count"] >= smallest_cell, "spend"].sum()
    table = table.assign(
        buyer_share=table["buyer_count"] / table["customer_count"],
        spend_share=table["spend"] / total if total > 0 else np.nan,
        spend_per_customer=table["spend"] / table["customer_count"],
        orders_per_buyer=_divide(table["order_count"], table["buyer_count"]),
        mean_order_value=_divide(table["gross"], table["order_count"]),
        return_share=_divide(table["returned"], table["gross"]),
    )
    columns = [
        "segment_name",
        "customer_count",
        "buyer_count",
        "buyer_share",
        "order_count",
        "spend",
        "spend_share",
        "spend_per_customer",
        "orders_per_buyer",
        "mean_order_value",
        "return_share",
    ]
    table = table[columns].sort_values("spend", ascending=False, ignore_index=True)
    return hide_small_cells(
        table, "customer_count", smallest_cell=smallest_cell, keep=["segment_name"]
    )


def rank_categories_by_segment(
    order_lines: ibis.Table,
    segments: pd.DataFrame,
    *,
    products: ibis.Table | None,
    as_of: datetime.date,
    days: int = YEAR_DAYS,
    top: int = 5,
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Rank the categories that each segment buys in the last ``days`` days, by gross sales.

    Returns
    -------
    DataFrame
        segment_name, rank, category, buyer_count, sales, share (of the segment's sales),
        base_share (of all segments' sales), index (100 is like everybody), note. Lines whose
        product has no category count under ``not known``.
    """
    columns = ["segment_name", "rank", "category", "buyer_count", "sales", "share"]
    columns += ["base_share", "index", "note"]
    if is_missing(products, "category"):
        return empty_table(columns, "There is no products table with a category.")
    lines = keep_days(order_lines, "ordered_at", as_of=as_of, days=days)
    lines = join_segments(lines.filter(lines.line_type == "sale"), segments)
    names = products.select("product_id", product_category=products.category)
    lines = lines.left_join(names, "product_id")
    category = lines.product_category.fill_null("not known")
    sums = lines.group_by("segment_name", category=category).agg(
        buyer_count=lines.customer_id.nunique(), sales=sum_money(lines.line_amount)
    )
    table = sums.to_pandas()
    if table.empty:
        return empty_table(columns, "No customer with a segment bought in these days.")
    base = table.groupby("category")["sales"].sum() / table["sales"].sum()
    table["share"] = table["sales"] / table.groupby("segment_name")["sales"].transform("sum")
    table["base_share"] = table["category"].map(base)
    table["index"] = 100 * table["share"] / table["base_share"]
    order = ["segment_name", "sales", "category"]
    table = table.sort_values(order, ascending=[True, False, True], ignore_index=True)
    table["rank"] = table.groupby("segment_name").cumcount() + 1
    table = table[table["rank"] <= top].reset_index(drop=True)
    keep = ["segment_name", "rank", "category"]
    table = hide_small_cells(table, "buyer_count", smallest_cell=smallest_cell, keep=keep)
    return table[columns]


def summarise_months_by_segment(
    order_lines: ibis.Table,
    segments: pd.DataFrame,
    *,
    as_of: datetime.date,
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Sum each segment's spend by month; only whole months, so that the last one compares.

    Returns
    -------
    DataFrame
        segment_name, month (its first day), buyer_count, spend, spend_per_customer, note.
    """
    columns = ["segment_name", "month", "buyer_count", "spend", "spend_per_customer", "note"]
    last_day = find_last_whole_month(as_of)
    lines = keep_days(order_lines, "ordered_at", as_of=last_day)
    lines = join_segments(lines, segments)
    sums = lines.group_by("segment_name", month=lines.ordered_at.cast("date").truncate("M")).agg(
        buyer_count=lines.customer_id.nunique(where=lines.line_type == "sale"),
        spend=sum_money(lines.line_amount),
    )
    table = sums.to_pandas().merge(count_customers(segments), on="segment_name")
    if table.empty:
        return empty_table(columns, "There is no whole month with an order.")
    table["month"] = pd.to_datetime(table["month"])
    table["spend_per_customer"] = table["spend"] / table["customer_count"]
    table = table.drop(columns="customer_count")
    table = table.sort_values(["segment_name", "month"], ignore_index=True)
    keep = ["segment_name", "month"]
    table = hide_small_cells(table, "buyer_count", smallest_cell=smallest_cell, keep=keep)
    return table[columns]


def find_last_whole_month(as_of: datetime.date) -> datetime.date:
    """Return the last day of the last month that is over on ``as_of``.

    >>> find_last_whole_month(datetime.date(2026, 6, 30)), find_last_whole_month(
    ...     datetime.date(2026, 6, 29)
    ... )
    (datetime.date(2026, 6, 30), datetime.date(2026, 5, 31))
    """
    next_day = as_of + datetime.timedelta(days=1)
    return next_day.replace(day=1) - datetime.timedelta(days=1)


def estimate_wallet_by_segment(
    tables: Mapping[str, ibis.Table],
    segments: pd.DataFrame,
    *,
    as_of: datetime.date,
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Estimate which share of what its customers could spend a year each segment spends with us.

    A customer's wallet is what a buyer in the same country spends a year in the whole market:
    market value over buyers, the latest year. Where a country's buyers are known by category only,
    the largest category's are taken, which makes the wallet large and our share small: read it as
    a lower bound. Where the customer's income is known the wallet is scaled by it over the mean
    income of our customers in that country. Business customers are left out, for their wallet is
    another. What is not our share is the competitors'. A segment that spends more with us than the
    market's mean buyer spends anywhere gets no share, and ``note`` says so.

    Returns
    -------
    DataFrame
        segment_name, customer_count (with a wallet), income_count (scaled by income), spend (of
        these customers, last 365 days), wallet, wallet_share, note.
    """
    columns = ["segment_name", "customer_count", "income_count", "spend", "wallet"]
    columns += ["wallet_share", "note"]
    customers, market = tables.get("customers"), tables.get("market_cells")
    if is_missing(market, "country", "market_value", "buyer_count"):
        reason = "Share of wallet needs market cells with country, market_value and buyer_count."
        return empty_table(columns, reason)
    if is_missing(customers, "country"):
        return empty_table(columns, "Share of wallet needs customers with a country.")
    cells = latest_cells(market, by=["country"])
    a_buyer = cells["market_value"] / cells["buyer_count"]
    wallets = dict(zip(make_key(cells["country"]), a_buyer, strict=True))
    if "customer_type" in customers.columns:
        customers = customers.filter(customers.customer_type.fill_null("") != "business")
    wanted = [c for c in ("customer_id", "country", "income") if c in customers.columns]
    lines = keep_days(tables["order_lines"], "ordered_at", as_of=as_of, days=YEAR_DAYS)
    spend = lines.group_by("customer_id").agg(spend=sum_money(lines.line_amount))
    people = join_segments(customers.select(*wanted), segments)
    people = people.left_join(spend, "customer_id").drop("customer_id_right").to_pandas()
    people["wallet"] = make_key(people["country"]).map(wallets).astype("float64")
    people = people.dropna(subset=["wallet"])
    if people.empty:
        return empty_table(columns, "No customer's country is in the market table with a value.")
    income = people["income"] if "income" in people else pd.Series(np.nan, people.index)
    income = pd.to_numeric(income).where(lambda amount: amount > 0)
    factor = income / income.groupby(people["country"]).transform("mean")
    people["wallet"] *= factor.fillna(1)
    people["has_income"] = factor.notna()
    table = people.groupby("segment_name", as_index=False).agg(
        customer_count=("customer_id", "size"),
        income_count=("has_income", "sum"),
        spend=("spend", "sum"),
        wallet=("wallet", "sum"),
    )
    table["wallet_share"] = _divide(table["spend"], table["wallet"])
    hidden = hide_small_cells(
        table, "customer_count", smallest_cell=smallest_cell, keep=["segment_name"]
    )
    above = (hidden["wallet_share"] > 1).fillna(False).astype(bool)
    hidden.loc[above, "wallet_share"] = np.nan
    hidden.loc[above, "note"] = ABOVE_WALLET
    return hidden[columns]


def _divide(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole > 0)
