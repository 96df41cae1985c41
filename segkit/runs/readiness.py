"""How ready the business was in earlier runs: the scores that each published run keeps.

Scores are of practices, not of people, so nothing of a customer is kept with them. A run of one
day is no earlier one of it: the same inputs give the same report, however often they run.
"""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from segkit.core.absence import empty_table
from segkit.core.files import hash_bytes, hash_value, read_json
from segkit.runs.layout import PLAN_STEP, KeptRun, RunFolder, list_run_folders

if TYPE_CHECKING:  # a run in which nothing has changed needs no tables
    import pandas as pd

SCORES = "readiness"  # what the plan's step calls them
FIRST_RUN = "No run of an earlier day is kept, so there is nothing to compare with."
COLUMNS = ("practice_id", "score", "as_of")


def keep_readiness(run: RunFolder, kept: KeptRun) -> None:
    """Keep the scores of a run beside its segments; nothing where it left none."""
    scores = run.step(PLAN_STEP).table(SCORES)
    if scores.is_file():
        shutil.copyfile(scores, kept.readiness)


def read_earlier_days(run: RunFolder, *, as_of: datetime.date) -> list[datetime.date]:
    """Return the last days counted of the kept runs, those before ``as_of``, in order."""
    return sorted({day for day, _ in _list_earlier(run, as_of)})


def read_earlier_readiness(run: RunFolder, *, as_of: datetime.date) -> pd.DataFrame:
    """Return the scores of the last kept run of an earlier day.

    Returns
    -------
    DataFrame
        ``practice_id``, ``score`` and ``as_of``, one row a practice; without such a run no rows,
        with the reason.
    """
    import pandas as pd

    found = _find_earlier(run, as_of)
    if found is None:
        return empty_table(COLUMNS, FIRST_RUN)
    day, path = found
    scores = pd.read_parquet(path)
    if not {"practice_id", "score"} <= set(scores):
        return empty_table(COLUMNS, FIRST_RUN)
    return scores[["practice_id", "score"]].assign(as_of=day)


def hash_earlier_readiness(run: RunFolder, *, as_of: datetime.date) -> str:
    """Return a hash of the earlier runs that a run of ``as_of`` tells of; empty without any."""
    days = read_earlier_days(run, as_of=as_of)
    found = _find_earlier(run, as_of)
    scores = hash_bytes(found[1]) if found else ""
    return hash_value([[day.isoformat() for day in days], scores]) if days else ""


def _find_earlier(run: RunFolder, as_of: datetime.date) -> tuple[datetime.date, Path] | None:
    """Return the day and the scores of the last kept run of an earlier day that has scores."""
    scored = [(day, kept.readiness) for day, kept in _list_earlier(run, as_of)]
    scored = [(day, path) for day, path in scored if path.is_file()]
    return scored[-1] if scored else None


def _list_earlier(run: RunFolder, as_of: datetime.date) -> list[tuple[datetime.date, KeptRun]]:
    """Return the kept runs of earlier days, by day and then as they were published."""
    dated = []
    for path in list_run_folders(run.history):
        kept = KeptRun(path)
        told = str(read_json(kept.record).get("as_of") or "")[:10]
        if told and told < as_of.isoformat():
            dated.append((datetime.date.fromisoformat(told), kept))
    return sorted(dated, key=lambda pair: pair[0])
