"""The KPIs that each published run kept beside its segments: published figures, no customer.

A run of an earlier segkit kept none, which reads as an empty table. What is kept lies in the run's
own folder of the history, and goes with it.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from segkit.core.files import hash_bytes, read_json
from segkit.runs.layout import EVIDENCE_STEP, KeptRun, RunFolder, list_run_folders
from segkit.runs.outputs import write_frame

if TYPE_CHECKING:  # a run in which nothing has changed needs no tables
    import pandas as pd

KPI_TABLE = "kpis"  # of the step that measures them
RUN_COLUMNS = ["as_of", "run_id"]
NO_KPIS = ["kpi", "segment_name", "scheme", "definition", "unit", "customer_count"]
NO_KPIS += ["value", "low", "high", *RUN_COLUMNS]


def keep_kpis(run: RunFolder, kept: KeptRun, *, as_of: datetime.date) -> None:
    """Keep the KPIs that the steps left, if they did, with the day and the id of the run."""
    import pandas as pd

    path = run.step(EVIDENCE_STEP).table(KPI_TABLE)
    if path.is_file():
        table = pd.read_parquet(path)
        write_frame(kept.kpis, table.assign(as_of=pd.Timestamp(as_of), run_id=kept.run_id))


def find_earlier(run: RunFolder, as_of: datetime.date) -> Path | None:
    """Return the KPIs of the last run of an earlier day than ``as_of``; None where none kept any.

    A run of the same day is none: the same inputs give the same report, however often they run.
    """
    found = []
    for place, folder in enumerate(list_run_folders(run.history)):
        kept = KeptRun(folder)
        day = read_json(kept.record).get("as_of") or ""
        if kept.kpis.is_file() and day and day < as_of.isoformat():
            found.append((day, place, kept.kpis))
    return max(found)[2] if found else None


def hash_earlier(run: RunFolder, as_of: datetime.date) -> str:
    """Return the hash of the KPIs that a run of ``as_of`` is compared with; empty without any."""
    path = find_earlier(run, as_of)
    return hash_bytes(path) if path else ""


def read_earlier(run: RunFolder, as_of: datetime.date) -> pd.DataFrame:
    """Read the KPIs of the last kept run of an earlier day.

    Returns
    -------
    DataFrame
        One row a KPI and segment, see `segkit.evidence.kpi_changes.list_kept`, with ``as_of`` and
        ``run_id``; no rows where no earlier run kept any.
    """
    import pandas as pd

    path = find_earlier(run, as_of)
    if path is None:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in NO_KPIS})
    return pd.read_parquet(path)
