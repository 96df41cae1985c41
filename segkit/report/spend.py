"""What segments buy: how much, what, when, and which share of their wallet that is."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Figure, Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.by_segment import MEASURES, RESTS_ON, SEGMENT, state_measures, view_shares
from segkit.report.shared import charts
from segkit.report.shared.extremes import find_ends
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View

SPEND = View(
    Shape("spend", by=SEGMENT, count=RESTS_ON, measures={"buyer_share": COUNT}),
    {
        "segment_name": Column(),
        "customer_count": Column(kind="integer"),
        "buyer_share": Column("Bought", "share"),
        "spend": Column("Net spend", "money"),
        "spend_share": Column("Share of net spend", "share"),
        "spend_per_customer": MEASURES["spend_per_customer"],
        "orders_per_buyer": Column(kind="number"),
        "mean_order_value": MEASURES["mean_order_value"],
        "return_share": MEASURES["return_share"],
        NOTE: Column(),
    },
)
SPEND_A_CUSTOMER = "net spend a customer"
CATEGORIES = view_shares("categories", "category", amount=Column("Gross sales", "money"))
MONTHS = View(Shape("months", by=("segment_name", "month"), count=RESTS_ON, repeats=True))
WALLET = View(
    Shape("wallet", by=SEGMENT, count=RESTS_ON),
    {
        "segment_name": Column(),
        "customer_count": Column(kind="integer"),
        "spend": Column("Net spend", "money"),
        "wallet_value": Column("Wallet", "money"),
        "wallet_share": MEASURES["wallet_share"],
        NOTE: Column(),
    },
)


def plot_spend(spend, *, title: str = "Net spend a customer by segment") -> Axes:
    """Draw each segment's net spend a customer, customers without a purchase included.

    How to read it: lengths start at zero and may be compared; they say nothing of a segment's size.
    The table has a row a segment: ``segment_name`` and ``spend_per_customer``.
    """
    return charts.plot_bars(
        spend,
        label="segment_name",
        value="spend_per_customer",
        kind="money",
        value_name=SPEND_A_CUSTOMER,
        title=title,
    )


def plot_categories(categories, *, title: str = "Index of the leading categories") -> Axes:
    """Draw how much more of its gross sales each category has in a segment than among all.

    How to read it: one hundred is like everybody; a dash is a category that is not among the
    segment's leading ones, or that too few of it bought.
    The table has a row a segment and category: ``segment_name``, ``category`` and ``index``.
    """
    return charts.plot_cells(
        categories,
        row="segment_name",
        column="category",
        value="index",
        kind="integer",
        value_name="index of the share of gross sales, all customers = 100",
        title=title,
    )


def plot_months(months, *, title: str = "Net spend a customer by month") -> Axes:
    """Draw each segment's net spend a customer by month.

    How to read it: lines that rise and fall together share a season; a line that moves by itself
    is a segment with occasions of its own.
    The table has a row a segment and month: ``segment_name``, ``month`` (its first day) and
    ``spend_per_customer``.
    """
    return charts.plot_trend(
        months,
        x="month",
        y="spend_per_customer",
        group="segment_name",
        kind="money",
        value_name=SPEND_A_CUSTOMER,
        title=title,
    )


def state_spend(spend: Published) -> list[Finding]:
    """Say which segment brings the most, and where spend, basket and returns are high or low."""
    if spend.empty:
        return [explain_absence(spend)]
    return [*_state_first(spend), *state_measures(spend)]


def _state_first(spend: Published) -> list[Finding]:
    """Say which segment brings the most; nothing where one is hidden, or two customers make it."""

    def read(row: pd.Series, name: str) -> Figure:
        where = {"segment_name": row["segment_name"]}
        return spend.read_figure("spend_share", where=where, kind="share", name=name)

    if pd.isna(spend.frame["spend_share"].iloc[0]):
        return []  # the largest spend is first; hidden or unknown, it is not told
    ends = find_ends(spend, "spend_share", read, names=("spend_share", "least"))
    if ends is None or not ends[0].stands or len(ends[0].rows) > 1:
        return []
    most = ends[0]
    place = {"segment_name": spend.frame.at[most.rows[0], "segment_name"]}
    found = [most.figure, spend.read_figure("customer_share", where=place, kind="share")]
    count = spend.read_figure("customer_count", where=place, kind="count", unit="customer")
    kind = "brings_most_by_few" if most.is_made_by_few else "brings_most"
    words = {"segment": place["segment_name"]}
    return [write_finding(f"spend.segments.{kind}", [*found, count], count=count, words=words)]
