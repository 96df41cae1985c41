"""The purchase history of segments: how many orders, how far apart, how large, how broad."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.by_segment import MEASURES, RESTS_ON, SEGMENT, state_measures
from segkit.report.shared import charts
from segkit.report.shared.sentences import explain_absence
from segkit.report.shared.views import Column, View

HISTORY = View(
    Shape(
        "history",
        by=SEGMENT,
        count=RESTS_ON,
        rests={
            "median_gap_days": "repeat_buyer_count",
            "median_gap_days_low": "repeat_buyer_count",
            "median_gap_days_high": "repeat_buyer_count",
        },
    ),
    {
        "segment_name": Column(),
        "customer_count": Column(kind="integer"),
        "orders_ever_per_buyer": MEASURES["orders_ever_per_buyer"],
        "median_gap_days": Column("Median days between orders", "integer"),
        "gap_interval": Column(
            "Interval, days", "integer", interval=("median_gap_days_low", "median_gap_days_high")
        ),
        "units_per_order": MEASURES["units_per_order"],
        "products_per_buyer": MEASURES["products_per_buyer"],
        "discount_share": MEASURES["discount_share"],
        NOTE: Column(),
    },
)
ORDER_COUNTS = View(
    Shape(
        "order_counts",
        by=("segment_name", "orders"),
        wholes=("segment_count",),
        measures=dict.fromkeys(("order_share", "order_low", "order_high"), COUNT),
    ),
    {
        "segment_name": Column(),
        "orders": Column("Orders since the data begin"),
        "customer_count": Column(kind="integer"),
        "order_share": Column("Share of the segment", "share"),
        "order_interval": Column("Interval", "share", interval=("order_low", "order_high")),
        NOTE: Column(),
    },
)
ORDER_NUMBERS = View(
    Shape("order_numbers", by=("segment_name",), within=("number",)),
    {
        "segment_name": Column(),
        "number": Column("Order", "integer"),
        "customer_count": Column("Customers who placed it", "integer"),
        "mean_order_value": MEASURES["mean_order_value"],
        "value_interval": Column(
            "Interval", "money", interval=("mean_order_value_low", "mean_order_value_high")
        ),
        NOTE: Column(),
    },
)


def plot_order_counts(
    counts: pd.DataFrame | Published, *, title: str = "How many orders customers have placed"
) -> Axes:
    """Draw which share of each segment has placed no, one, two ... orders since the data begin.

    How to read it: a row adds up to the whole segment. A segment with much at "1" is one to win a
    second order from; one with much at the end has its habits already.
    The table has a row a segment and number: ``segment_name``, ``orders`` and ``order_share``.
    """
    return charts.plot_cells(
        counts,
        row="segment_name",
        column="orders",
        value="order_share",
        kind="share",
        value_name="share of the segment by orders since the data begin",
        title=title,
    )


def state_history(history: Published) -> list[Finding]:
    """Say where customers have most and fewest orders, units, products and discounts."""
    if history.empty:
        return [explain_absence(history)]
    return state_measures(history)
