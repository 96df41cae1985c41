"""Segments of one scheme beside those of the others."""

from __future__ import annotations

import pandas as pd

from segkit.core.privacy import suppress_cells
from segkit.runs.segments import select_scheme


def cross_all_schemes(
    segments: pd.DataFrame, scheme: str, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count customers by segment of one scheme and segment of each other scheme.

    Parameters
    ----------
    segments : DataFrame
        One row a customer and scheme: ``customer_id``, ``scheme``, ``segment``.
    scheme : str
    smallest_cell : int, optional

    Returns
    -------
    DataFrame
        ``other_scheme``, ``other_segment`` and one column of counts for each segment of ``scheme``;
        small cells are missing.

    Raises
    ------
    SegkitError
        If there is no such scheme.
    """
    own = select_scheme(segments, scheme)[["customer_id", "segment"]]
    tables = []
    for other, rows in segments.groupby("scheme", sort=False):
        if other == scheme:
            continue
        others = rows[["customer_id", "segment"]].rename(columns={"segment": "other_segment"})
        both = others.merge(own, on="customer_id", validate="one_to_one")
        counts = pd.crosstab(both["other_segment"], both["segment"])
        crossed = suppress_cells(counts, smallest_cell)
        crossed = crossed.rename_axis(columns=None).reset_index()
        crossed.insert(0, "other_scheme", other.replace("_", " "))
        tables.append(crossed)
    if not tables:
        return pd.DataFrame(columns=["other_scheme", "other_segment"])
    return pd.concat(tables, ignore_index=True)
