"""Segments of one scheme beside those of the others."""

from __future__ import annotations

import pandas as pd

from segkit.models.columns import require_column

COLUMNS = ("other_scheme", "other_segment", "segment", "customer_count")


def cross_all_schemes(segments: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Count customers by segment of one scheme and segment of each other scheme.

    Returns
    -------
    DataFrame
        One row a pair of segments, also where nobody is in both: ``other_scheme``,
        ``other_segment``, ``segment`` (of ``scheme``), ``customer_count``.
    """
    own = f"segment_{scheme}"
    require_column(segments, own)
    tables = [pd.DataFrame(columns=COLUMNS)]
    for other in segments.columns:
        if other.startswith("segment_") and other != own:
            crossed = pd.crosstab(segments[other], segments[own])
            crossed = crossed.rename_axis(index="other_segment", columns="segment")
            crossed = crossed.stack().rename("customer_count").reset_index()
            crossed.insert(0, "other_scheme", other.removeprefix("segment_").replace("_", " "))
            tables.append(crossed)
    return pd.concat(tables[1:] or tables, ignore_index=True)
