"""Segments of one scheme beside those of the others."""

from __future__ import annotations

import pandas as pd

from segkit.core.privacy import suppress_cells
from segkit.models.columns import require_column


def cross_all_schemes(
    segments: pd.DataFrame, scheme: str, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count customers by segment of one scheme and segment of each other scheme.

    Returns ``other_scheme``, ``other_segment`` and one column of counts for each segment of
    ``scheme``; small cells are missing.
    """
    own = f"segment_{scheme}"
    require_column(segments, own)
    tables = [pd.DataFrame(columns=["other_scheme", "other_segment"])]
    for other in segments.columns:
        if other.startswith("segment_") and other != own:
            crossed = suppress_cells(pd.crosstab(segments[other], segments[own]), smallest_cell)
            crossed = crossed.rename_axis(index="other_segment", columns=None).reset_index()
            crossed.insert(0, "other_scheme", other.removeprefix("segment_").replace("_", " "))
            tables.append(crossed)
    return pd.concat(tables[1:] or tables, ignore_index=True)
