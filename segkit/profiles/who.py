"""Of how many of the customers whom the tables know the segments are."""

from __future__ import annotations

import pandas as pd

PLACED = "in the segments"
LEFT_OUT = "left out"


def count_placed(segments: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Count the customers who have a segment and those who have none.

    Parameters
    ----------
    segments : DataFrame
        One row a customer; ``segment`` is missing where there is none.
    known : DataFrame
        What `segkit.features.who.count_who` returned; without rows all are in.

    Returns
    -------
    DataFrame
        Two rows: ``place`` and ``customer_count``.
    """
    placed = int(segments["segment"].notna().sum())
    everybody = max(int(known["customer_count"].sum()), placed)
    counts = [placed, everybody - placed]
    return pd.DataFrame({"place": [PLACED, LEFT_OUT], "customer_count": counts})
