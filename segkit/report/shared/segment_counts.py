"""The sizes of segments beside the tables on segments, as far as they may be seen."""

from __future__ import annotations

import pandas as pd

from segkit.core.privacy import Published


def add_segment_counts(table: pd.DataFrame, sizes: Published) -> pd.DataFrame:
    """Add ``segment_count``, the customers of each row's segment as far as they may be seen.

    It is a whole of the tables on segments, so that nothing is shown in them of a segment whose
    size is hidden.
    """
    if table.empty:
        return table
    counts = sizes.frame.set_index("segment_name")["customer_count"]
    return table.assign(segment_count=table["segment_name"].map(counts))
