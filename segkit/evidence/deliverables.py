"""Which deliverables of the plan this run produced, told from what its steps published.

Nothing is ticked because somebody says so: a table has to lie in the run folder, with rows that
are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pandas as pd

from segkit.plan.deliverables import SHOWN, Deliverable
from segkit.runs.layout import FINAL_STEP, RunFolder
from segkit.runs.outputs import list_kept_facts, list_shown_tables

MARKET_STEP = "02_market_review"
EXPERIENCE_STEP = "04_experience_data"
PRODUCED = "yes"
NOT_PRODUCED = "no"
FOR_THE_ANALYST = "for the analyst to tick"


@dataclass(frozen=True)
class Proof:
    """What shows a kind of deliverable.

    Attributes
    ----------
    step : str
        The step whose page shows it.
    place : str
        Where on the page, in its words.
    missing : str
        Why it may not be there.
    tables : tuple of str
        Published tables of the step, any of which shows it; ``*`` stands for any letters.
    facts : tuple of str
        What the step keeps that shows it.
    """

    step: str
    place: str
    missing: str
    tables: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


PROOFS = {
    "segments": Proof(
        FINAL_STEP,
        "How large and how valuable is each segment?",
        "no segment may be shown",
        tables=("sizes",),
    ),
    "profiles": Proof(
        FINAL_STEP,
        "What sets each segment apart?",
        "nothing that may be shown sets the segments apart",
        tables=("profile", "levels"),
    ),
    "personas": Proof(
        FINAL_STEP,
        "Who are they?",
        "too little may be said of any segment for a persona",
        facts=("persona",),
    ),
    "market": Proof(
        MARKET_STEP,
        "the market review",
        "there are no rows of the market's tables",
        tables=("penetration*", "players*", "trend*"),
    ),
    "campaigns": Proof(
        EXPERIENCE_STEP,
        "How do they answer messages?",
        "there are no messages that may be told of",
        tables=("messages*", "campaign*"),
    ),
    "kpis": Proof(
        FINAL_STEP, "Are the goals met?", "no goal's KPI could be measured", tables=("kpis",)
    ),
    "lists": Proof(
        FINAL_STEP,
        "May we contact them? The lists themselves come from segkit export",
        "no consent is recorded, so that no list can be exported",
        tables=("consent_by_segment",),
    ),
    "experience": Proof(
        EXPERIENCE_STEP,
        "the experience data",
        "there are no orders, messages, tickets or answers that may be told of",
        tables=("spend*", "messages*", "tickets*", "responses*", "events*", "cohort*"),
    ),
}


def tick_deliverables(deliverables: Sequence[Deliverable], run: RunFolder) -> pd.DataFrame:
    """Tell of each deliverable whether the run's steps produced what shows it.

    Parameters
    ----------
    deliverables : sequence of Deliverable
    run : RunFolder
        Whose steps have published their tables, the last one as far as it went.

    Returns
    -------
    DataFrame
        One row a deliverable: ``deliverable``, ``shows`` (what shows it, empty where the plan does
        not say), ``produced`` ("yes", "no" or "for the analyst to tick"), ``step`` and ``place``
        (where it is found) and ``reason`` (why it is not there).
    """
    columns = ["deliverable", "shows", "produced", "step", "place", "reason"]
    return pd.DataFrame([_tick(one, run) for one in deliverables], columns=columns)


def _tick(deliverable: Deliverable, run: RunFolder) -> tuple[str, ...]:
    """Return the row of one deliverable."""
    if deliverable.shows is None:
        reason = "the plan does not say what shows it"
        return deliverable.text, "", FOR_THE_ANALYST, "", "", reason
    proof = PROOFS[deliverable.shows]
    words = SHOWN[deliverable.shows]
    if is_produced(proof, run):
        return deliverable.text, words, PRODUCED, proof.step, proof.place, ""
    return deliverable.text, words, NOT_PRODUCED, "", "", proof.missing


def is_produced(proof: Proof, run: RunFolder) -> bool:
    """Tell whether a step left a table with a row that is shown, or a fact, that proves it."""
    shown = list_shown_tables(run, proof.step)
    if any(fnmatchcase(name, pattern) for name in shown for pattern in proof.tables):
        return True
    return bool(set(proof.facts) & list_kept_facts(run, proof.step))
