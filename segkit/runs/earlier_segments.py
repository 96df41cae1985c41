"""Who was in which segment in the last run of an earlier day."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from segkit.core.files import hash_bytes, read_json
from segkit.runs.layout import KeptRun, RunFolder, list_run_folders

if TYPE_CHECKING:  # a run in which nothing has changed needs no tables
    import pandas as pd

COLUMNS = ["customer_id", "scheme", "segment", "as_of", "run_id"]


def find_earlier_run(run: RunFolder, as_of: datetime.date) -> KeptRun | None:
    """Return the last kept run of an earlier day than ``as_of``; None where none kept segments.

    A run of the same day is none: the same inputs give the same report, however often they run.
    """
    found = []
    for place, folder in enumerate(list_run_folders(run.history)):
        kept = KeptRun(folder)
        day = str(read_json(kept.record).get("as_of") or "")[:10]
        if kept.segments.is_file() and day and day < as_of.isoformat():
            found.append((day, place, kept))
    return max(found)[2] if found else None


def hash_earlier_segments(run: RunFolder, *, as_of: datetime.date) -> str:
    """Return a hash of the segments that a run of ``as_of`` is compared with; empty without any."""
    kept = find_earlier_run(run, as_of)
    return hash_bytes(kept.segments) if kept else ""


def read_earlier_segments(run: RunFolder, *, as_of: datetime.date) -> pd.DataFrame:
    """Read who was in which segment of each scheme in the last kept run of an earlier day.

    Returns
    -------
    DataFrame
        One row a customer and scheme: ``customer_id``, ``scheme``, ``segment``, ``as_of``,
        ``run_id``; no rows where no earlier run kept any.
    """
    import pandas as pd

    from segkit.runs.history import read_kept_segments

    kept = find_earlier_run(run, as_of)
    if kept is None:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    return read_kept_segments(kept)[COLUMNS]
