"""Who moved between two placements of the same customers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from segkit.action import run_comparison
from segkit.action.run_comparison import Comparison
from segkit.library.inputs import read_customers, read_frame, require_columns
from segkit.runs.history import read_assignment


def compare_segments(before: Any, after: Any) -> Comparison:
    """Compare who was in which segment before and after: how segments grew, and who moved.

    Parameters
    ----------
    before, after : table or path
        ``customer_id`` and ``segment_name``, one row a customer, as `assign_segments` gives them;
        or a run's folder, or its table of segments.

    Returns
    -------
    Comparison
        With ``shares`` (one row a segment), ``migration`` (one row a pair of segments),
        ``summary`` (with ``moved_share`` and ``drift``, the population stability index: from 0.10
        look, from 0.25 act) and ``describe()``. Segments that were renamed are matched, and
        ``notes`` say so.

    Raises
    ------
    SegkitError
        If a column is not there, or a customer is named twice.

    References
    ----------
    Siddiqi (2006), *Credit Risk Scorecards*: the population stability index.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit import compare_segments
    >>> before = pd.DataFrame({"customer_id": ["a", "b", "c"], "segment_name": ["X", "X", "Y"]})
    >>> after = before.assign(segment_name=["X", "Y", "Y"])
    >>> compare_segments(before, after).describe()
    ['1 of 3 customers of both runs moved; drift 0.462']
    """
    return run_comparison.compare_assignments(_read(before, "before"), _read(after, "after"))


def _read(table: Any, what: str) -> pd.DataFrame:
    if isinstance(table, str | Path):
        return read_assignment(Path(table)).rename(columns={"segment": "segment_name"})
    frame = read_frame(table, what)
    require_columns(frame, ["customer_id", "segment_name"], what)
    return read_customers(frame, what=what)
