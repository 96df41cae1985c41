"""Customers by recency and frequency, in a grid."""

from __future__ import annotations

import pandas as pd

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.features.customer_table import RFM_COLUMNS
from segkit.segmentation.rfm_scores import score_rfm


def count_rfm(customers: pd.DataFrame) -> pd.DataFrame:
    """Count customers by ``recency_score`` and ``frequency_score``, each 1 (low) to 5 (high).

    Scores that nobody has together count 0. Without the three columns there are no rows.
    """
    if not set(RFM_COLUMNS) <= set(customers.columns):
        columns = ["recency_score", "frequency_score", "customer_count"]
        needed = ", ".join(f"“{name}”" for name in RFM_COLUMNS)
        reason = f"{NO_PURCHASES[:-1]}, and not all of {needed} of its own."
        return empty_table(columns, reason)
    scores = score_rfm(customers)[["recency", "frequency"]].add_suffix("_score")
    grid = scores.value_counts(sort=False).unstack(fill_value=0)
    return grid.stack().rename("customer_count").reset_index()
