"""What each segment buys: how much, what, when, and which share of its wallet that is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import NO_PURCHASES, empty_table, is_missing
from segkit.core.carried import bound_share_without_two
from segkit.core.measures import CEILING, FLOOR
from segkit.core.periods import YEAR_DAYS
from segkit.core.settings import Settings
from segkit.evidence.market import latest_cells
from segkit.evidence.segment_summaries import (
    bound_ratios,
    count_shares_by_segment,
    divide,
    keep_days,
    list_bounds,
    sum_by_customer,
    summarise_by_segment,
)
from segkit.features.expressions import sum_money
from segkit.features.purchases import divide_by_orders
from segkit.features.sales import is_income, is_returned, is_sale

ABOVE_WALLET = "spends more than the market's mean buyer"
# What is compared between segments, by what it divides.
RATIOS = {
    "spend_per_customer": ("spend", ""),
    "mean_order_value": ("gross", "orders"),
    "return_share": ("returned", "gross"),
}
WALLET_RATIOS = {"wallet_share": ("spend", "wallet_value")}


def summarise_spend_by_segment(
    lines: Table | None, segments: pd.DataFrame, *, as_of: date, days: int = YEAR_DAYS
) -> pd.DataFrame:
    """Summarise each segment's purchases in the last ``days`` days.

    The columns are segment_name, customer_count, customer_share (of all segments'), buyer_share
    (with a sale), spend (net), spend_share (of all segments'), spend_per_customer,
    orders_per_buyer, mean_order_value (gross), return_share (returns and cancellations over gross
    sales, orders taken back whole in neither) and rests_on_count (the buyers), with 95 % intervals
    in ``_low`` and ``_high``, and with the largest contributions to spend and what is left without
    two customers for the gate; largest spend first.
    """
    columns = ["segment_name", "customer_count", "customer_share", "buyer_share", "spend"]
    columns += ["spend_share", "spend_per_customer", "orders_per_buyer", "mean_order_value"]
    columns += ["return_share", "rests_on_count", "spend_largest", "spend_second"]
    columns += [*list_bounds(RATIOS), f"spend_share{FLOOR}", f"spend_share{CEILING}"]
    if lines is None:
        return empty_table(columns, NO_PURCHASES)
    measures = {
        "buyers": _.customer_id.nunique(where=is_sale(_)),
        "orders": _.order_id.nunique(where=is_sale(_)),
        "spend": sum_money(_.line_amount),
        "gross": sum_money(_.line_amount, where=is_income(_)),
        "returned": sum_money(-_.line_amount, where=is_returned(_)),
    }
    lines = keep_days(lines, "ordered_at", as_of=as_of, days=days)
    table = summarise_by_segment(lines, segments, measures, sums=["spend"]).fillna(0)
    size = table["segment_size"]
    spend = table["spend"]
    total = spend.sum()
    buyers = table["buyers"]
    table = table.assign(
        customer_count=size,
        customer_share=size / size.sum(),
        buyer_share=buyers / size,
        spend_share=spend / total if total > 0 else np.nan,
        spend_per_customer=spend / size,
        orders_per_buyer=divide(table["orders"], buyers),
        mean_order_value=divide_by_orders(table["gross"], table["orders"]),
        return_share=divide(table["returned"], table["gross"]),
        rests_on_count=buyers.where(buyers > 0, table["rests_on_count"]),
    )
    by_customer = sum_by_customer(lines, segments, measures)
    table = table.merge(bound_ratios(by_customer, RATIOS), on="segment_name", how="left")
    table = table.merge(_bound_spend_shares(by_customer), on="segment_name", how="left")
    return table.sort_values("spend", ascending=False, ignore_index=True)[columns]


def _bound_spend_shares(by_customer: pd.DataFrame) -> pd.DataFrame:
    """Return what each segment's share of the spend is without two of its customers."""
    total = by_customer["spend"].sum()
    found = []
    for name, spend in by_customer.groupby("segment_name")["spend"]:
        floor, ceiling = bound_share_without_two(spend.to_numpy(float), total)
        found.append((name, floor, ceiling))
    return pd.DataFrame(
        found, columns=["segment_name", f"spend_share{FLOOR}", f"spend_share{CEILING}"]
    )


def add_categories(
    lines: Table | None, products: Table | None, *, as_of: date, days: int = YEAR_DAYS
) -> Table | None:
    """Return the sales of the last ``days`` days: customer_id, category, sales.

    Products without a category count under ``not known``; without lines or products there is None.
    """
    if lines is None or is_missing(products, "category"):
        return None
    lines = keep_days(lines, "ordered_at", as_of=as_of, days=days).filter(_.line_type == "sale")
    lines = lines.select("customer_id", "product_id", sales=_.line_amount)
    lines = lines.left_join(products.select("product_id", "category"), "product_id")
    return lines.mutate(category=_.category.fill_null("not known"))


def count_categories(
    tables: Mapping[str, Table], segments: pd.DataFrame, *, at: Settings, days: int = YEAR_DAYS
) -> pd.DataFrame:
    """Split each segment's gross sales of the last ``days`` days over the categories of products.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``order_lines`` and ``products``.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    at : Settings
        ``as_of`` is the last day counted.
    days : int, optional

    Returns
    -------
    DataFrame
        As `segkit.evidence.segment_summaries.count_shares_by_segment` returns it.
    """
    sales = add_categories(
        tables.get("order_lines"), tables.get("products"), as_of=at.as_of, days=days
    )
    return count_shares_by_segment(sales, segments, "category", amount="sales")


def summarise_months_by_segment(
    lines: Table | None, segments: pd.DataFrame, *, as_of: date
) -> pd.DataFrame:
    """Sum each segment's spend by month; only whole months, so that the last one compares.

    The columns are segment_name, month (its first day), customer_count, spend,
    spend_per_customer and rests_on_count, with the largest contributions to spend for the gate.
    """
    columns = ["segment_name", "month", "customer_count", "spend", "spend_per_customer"]
    columns += ["rests_on_count", "spend_largest", "spend_second"]
    if lines is None:
        return empty_table(columns, NO_PURCHASES)
    last_day = (as_of + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    lines = keep_days(lines, "ordered_at", as_of=last_day)
    lines = lines.mutate(month=lines.ordered_at.cast("date").truncate("M"))
    measures = {"spend": sum_money(_.line_amount)}
    table = summarise_by_segment(lines, segments, measures, by=["month"], sums=["spend"])
    table["month"] = pd.to_datetime(table["month"])
    table["spend_per_customer"] = table["spend"] / table["segment_size"]
    return table[columns]


def estimate_wallet_by_segment(
    tables: Mapping[str, Table], segments: pd.DataFrame, *, as_of: date
) -> pd.DataFrame:
    """Estimate which share of what its consumers spend a year each segment spends with us.

    A consumer's wallet is what a buyer of the same country spends a year in the whole market:
    market value over buyers. Where buyers are known by category only, the largest category's are
    taken, so our share is a lower bound. A segment that spends more than its wallet gets no share.
    The columns are segment_name, customer_count (with a wallet), spend, wallet_value, wallet_share,
    rests_on_count (those of them with a purchase) and note, wallet_low and wallet_high (its 95 %
    interval), with the largest contributions to spend and what is left without two customers for
    the gate.
    """
    columns = ["segment_name", "customer_count", "spend", "wallet_value", "wallet_share"]
    columns += ["rests_on_count", "spend_largest", "spend_second", *list_bounds(WALLET_RATIOS)]
    customers = tables.get("customers")
    market = tables.get("market_cells")
    if "order_lines" not in tables:
        return empty_table(columns, NO_PURCHASES)
    has_market = not is_missing(market, "country", "market_value", "buyer_count")
    if not has_market or is_missing(customers, "country"):
        reason = "Share of wallet needs market cells with value and buyers, and customers' country."
        return empty_table(columns, reason)
    people = _find_wallets(customers, market, as_of=as_of)
    bought = keep_days(tables["order_lines"], "ordered_at", as_of=as_of, days=YEAR_DAYS)
    bought = bought.group_by("customer_id").agg(spend=sum_money(_.line_amount))
    people = people.left_join(bought, "customer_id").drop("customer_id_right")
    measures = {
        "buyers": _.spend.count(),
        "spend": sum_money(_.spend),
        "wallet_value": sum_money(_.wallet),
    }
    table = summarise_by_segment(people, segments, measures, sums=["spend"])
    share = divide(table["spend"], table["wallet_value"])
    is_above = share > 1
    buyers = table["buyers"].fillna(0).astype("int64")
    table = table.assign(
        wallet_share=share.mask(is_above),
        note=np.where(is_above, ABOVE_WALLET, ""),
        rests_on_count=buyers.where(buyers > 0, table["rests_on_count"]),
    )
    by_customer = sum_by_customer(people, segments, measures)
    bounds = bound_ratios(by_customer, WALLET_RATIOS)
    table = table.merge(bounds, on="segment_name", how="left")
    return table[[*columns, "note"]]


def _find_wallets(customers: Table, market: Table, *, as_of: date) -> Table:
    """Return the consumers whose country's market is known, with their wallet."""
    cells = latest_cells(market, by=["country"], as_of=as_of)
    cells = cells.dropna(subset=["country", "market_value", "buyer_count"])
    wallets = pd.DataFrame({"place": cells["country"].str.strip().str.lower()}).astype(str)
    wallets["wallet"] = (cells["market_value"] / cells["buyer_count"]).astype(float)
    if "customer_type" in customers.columns:  # what a business spends is another matter
        customers = customers.filter(_.customer_type.fill_null("") != "business")
    people = customers.select("customer_id", place=_.country.strip().lower())
    return people.inner_join(ibis.memtable(wallets), "place")
