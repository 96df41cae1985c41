"""How ready the business was in earlier runs: the scores that each published run keeps.

Scores are of practices, not of people, so nothing of a customer is kept with them.
"""

from __future__ import annotations

import datetime
import shutil

import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.files import read_json
from segkit.runs.layout import PLAN_STEP, KeptRun, RunFolder, list_run_folders

SCORES = "readiness"  # what the plan's step calls them
FIRST_RUN = "No run of an earlier day is kept, so there is nothing to compare with."
COLUMNS = ("practice_id", "score", "as_of")


def keep_readiness(run: RunFolder, kept: KeptRun) -> None:
    """Keep the scores of a run beside its segments; nothing where it left none."""
    scores = run.step(PLAN_STEP).table(SCORES)
    if scores.is_file():
        shutil.copyfile(scores, kept.readiness)


def read_earlier_days(run: RunFolder, *, as_of: datetime.date) -> list[datetime.date]:
    """Return the last days counted of the kept runs, those before ``as_of``, in order.

    Runs of the same day are the same data told twice, and tell of no time that passed.
    """
    days = {day for _, day in _list_dated(run) if day < as_of}
    return sorted(days)


def read_earlier_readiness(run: RunFolder, *, as_of: datetime.date) -> pd.DataFrame:
    """Return the scores of the last kept run of an earlier day.

    So the same inputs make the same report, however often a day is run.

    Returns
    -------
    DataFrame
        ``practice_id``, ``score`` and ``as_of``, one row a practice; without such a run no rows,
        with the reason.
    """
    earlier = [(day, kept) for kept, day in _list_dated(run) if day < as_of]
    for day, kept in sorted(earlier, key=lambda pair: (pair[0], pair[1].run_id), reverse=True):
        if not kept.readiness.is_file():
            continue
        scores = pd.read_parquet(kept.readiness)
        if {"practice_id", "score"} <= set(scores):  # an earlier segkit scored otherwise
            return scores[["practice_id", "score"]].assign(as_of=day)
    return empty_table(COLUMNS, FIRST_RUN)


def _list_dated(run: RunFolder) -> list[tuple[KeptRun, datetime.date]]:
    """Return the kept runs of which the day is known, each with it."""
    dated = []
    for path in list_run_folders(run.history):
        kept = KeptRun(path)
        told = read_json(kept.record).get("as_of")
        if told:
            dated.append((kept, datetime.date.fromisoformat(str(told)[:10])))
    return dated
