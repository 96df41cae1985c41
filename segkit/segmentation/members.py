"""The customers of a table together with the segments that they were placed in."""

from __future__ import annotations

import pandas as pd

from segkit.core.errors import SegkitError
from segkit.segmentation.documents import Segmentation

KEYS = ["segment", "segment_name"]


def join_segments(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Add ``segment`` and ``segment_name`` to the customers who have one."""
    missing = [c for c in ("customer_id", *KEYS) if c not in segments.columns]
    if missing:
        fix = "Give what assign returned."
        raise SegkitError(f"the table of segments lacks {', '.join(missing)}", fix=fix)
    own = customers.drop(columns=KEYS, errors="ignore")
    placed = segments[["customer_id", *KEYS]].dropna(subset=["segment"])
    return own.merge(placed, on="customer_id", validate="one_to_one")


def name_numbers(joined: pd.DataFrame) -> pd.Series:
    """Return the segments' names by number, ascending."""
    return joined.drop_duplicates("segment").set_index("segment")["segment_name"].sort_index()


def assign_schemes(customers: pd.DataFrame, segmentations: dict[str, Segmentation]) -> pd.DataFrame:
    """Return ``customer_id`` and a column ``segment_<scheme>`` of segment names for each scheme."""
    columns = {
        f"segment_{name}": segmentation.assign(customers)["segment_name"]
        for name, segmentation in segmentations.items()
    }
    return customers[["customer_id"]].assign(**columns)
