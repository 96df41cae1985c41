"""How many customers each segment has, and what they are worth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.core.measures import OF_A_MEAN, add_contributions
from segkit.features.purchases import find_mean_order_value
from segkit.segmentation.members import KEYS, join_segments


def size_segments(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Return the size and the value of each segment, in the order of its number.

    Returns
    -------
    pandas.DataFrame
        ``segment``, ``segment_name``, ``customer_count``, ``customer_share``; where the columns
        are there also ``total_spend``, ``spend_share`` (of all spend; negative where returns
        outweigh sales), ``mean_spend``, ``median_spend``, ``median_recency_days``,
        ``mean_order_count``, ``mean_order_value`` (gross sales over orders, see
        `find_mean_order_value`) and ``total_profit``, with the largest contributions to the sums
        for the gate.
    """
    joined = join_segments(customers, segments)
    parts = {
        "customer_count": ("customer_id", "size"),
        "total_spend": ("total_spend", "sum"),
        "mean_spend": ("total_spend", "mean"),
        "median_spend": ("total_spend", "median"),
        "median_recency_days": ("recency_days", "median"),
        "mean_order_count": ("order_count", "mean"),
    }
    there = {name: part for name, part in parts.items() if part[0] in joined}
    groups = joined.groupby(KEYS, as_index=False)
    sizes = groups.agg(**there)
    if {"mean_order_value", "order_count"} <= set(joined):
        sizes["mean_order_value"] = [find_mean_order_value(group) for _, group in groups]
    if "total_profit" in joined:
        sizes["total_profit"] = groups["total_profit"].sum()["total_profit"]
    sizes.insert(3, "customer_share", sizes["customer_count"] / len(joined))
    if "total_spend" in sizes:
        whole = sizes["total_spend"].sum()
        sizes.insert(5, "spend_share", sizes["total_spend"] / whole if whole > 0 else np.nan)
    if "mean_order_count" in sizes:
        orders = groups["order_count"].sum()["order_count"]
        sizes[f"mean_order_count{OF_A_MEAN}"] = orders
    parts = {"total_spend": "total_spend", "total_profit": "total_profit"}
    parts["mean_order_count"] = "order_count"
    for name, column in parts.items():
        if name in sizes:
            sizes = add_contributions(
                sizes, joined[column], joined[KEYS[-1]], key=KEYS[-1], name=name
            )
    return sizes
