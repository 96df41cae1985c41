"""The scorecard: each practice of segmentation scored from 0 to 5, and what to improve first."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

import ibis
import pandas as pd

from segkit.core.settings import Settings
from segkit.evidence.readiness.given import Found, Given
from segkit.evidence.readiness.practices import PRACTICES, STEPS, Practice
from segkit.evidence.readiness.scale import FULL
from segkit.plan.models import Plan
from segkit.plan.readiness import QUESTIONS

COLUMNS = (
    "step",
    "practice_id",
    "practice",
    "score",
    "evidence",
    "next_needs",
    "full_needs",
    "needed_by",
    "improve",
    "value",
    "gain",
    "rank",
)


def score_readiness(
    plan: Plan,
    tables: Mapping[str, ibis.Table],
    *,
    inventory: pd.DataFrame,
    gaps: pd.DataFrame,
    quality: pd.DataFrame,
    counts: pd.DataFrame,
    at: Settings,
    goals: pd.DataFrame,
    earlier_days: Iterable[datetime.date] = (),
) -> pd.DataFrame:
    """Score each practice of a good segmentation from evidence, not from opinion.

    Each is scored from 0 to 5 by the thresholds of `practices.PRACTICES`. What does not apply to
    this business is left out, such as control groups of who sends nothing.

    Parameters
    ----------
    plan : Plan
    tables : mapping of str to ibis.Table
        The accepted rows.
    inventory, gaps, quality, counts : DataFrame
        See `given.Given`; the inventory has a row a table.
    at : Settings
        The last day counted, and the fewest customers that may be told of.
    goals : DataFrame
        ``goal`` and ``value``: each goal's KPI, missing where no table tells it.
    earlier_days : iterable of datetime.date, optional
        Of the runs that the history keeps.

    Returns
    -------
    DataFrame
        One row a practice, by step: ``step``, ``practice_id``, ``practice``, ``score`` (0 to 5),
        ``evidence`` (what was found), ``next_needs`` and ``full_needs`` (what one point more and
        what a 5 would need), ``needed_by`` (the plan's schemes and goals that rest on it),
        ``improve``, ``value`` (what was found, where it may be seen), ``gain`` (points to gain) and
        ``rank`` (what to improve first: what the plan's schemes and goals rest on, then by points
        to gain, then by step; missing where there is nothing to gain).
    """
    given = Given(
        plan=plan,
        tables=tables,
        inventory=inventory.set_index("table"),
        gaps=gaps,
        quality=quality,
        counts=counts,
        at=at,
        measured=frozenset(goals.loc[goals["value"].notna(), "goal"]),
        earlier_days=tuple(earlier_days),
    )
    rows = []
    for practice in PRACTICES:
        found = practice.find(given) if given.has_rows(*practice.needs) else None
        if found is not None:
            rows.append(_score(practice, found, plan))
    return _rank(pd.DataFrame(rows))


def _score(practice: Practice, found: Found, plan: Plan) -> dict[str, object]:
    """Return the row of a practice."""
    score = practice.scale.score(found.value)
    return {
        "step": practice.step,
        "practice_id": practice.id,
        "practice": practice.name,
        "score": score,
        "evidence": found.evidence,
        "next_needs": practice.scale.write(score + 1) if score < FULL else "",
        "full_needs": practice.scale.write(FULL),
        "needed_by": ", ".join(list_resting(practice, plan)),
        "improve": (found.improve or practice.improve) if score < FULL else "",
        "value": found.told,
        "gain": FULL - score,
    }


def list_resting(practice: Practice, plan: Plan) -> list[str]:
    """Return the names of the plan's schemes and goals that rest on a practice."""
    schemes = [
        scheme.name
        for scheme in plan.schemes
        if scheme.base in practice.bases
        or scheme.method in practice.methods
        or set(scheme.columns) & set(practice.columns)
    ]
    goals = [goal.name for goal in plan.goals if goal.kpi in practice.kpis]
    return [name.replace("_", " ") for name in (*schemes, *goals)]


def _rank(scores: pd.DataFrame) -> pd.DataFrame:
    """Add what to improve first."""
    order = scores[scores["gain"] > 0].assign(is_needed=scores["needed_by"] != "")
    order = order.sort_values(["is_needed", "gain"], ascending=False, kind="stable")
    ranks = pd.Series(range(1, len(order) + 1), index=order.index)
    return scores.assign(rank=ranks.astype("Int64"))[list(COLUMNS)]


def compare_readiness(scores: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """Add the scores of an earlier run, by practice.

    Parameters
    ----------
    scores : DataFrame
        As `score_readiness` returns them.
    earlier : DataFrame
        ``practice_id``, ``score`` and ``as_of``; no rows where there is no earlier run.

    Returns
    -------
    DataFrame
        ``scores`` with ``score_before`` and ``change`` (in points), missing where a practice was
        not scored then.
    """
    before = dict(zip(earlier["practice_id"], earlier["score"], strict=True))
    then = scores["practice_id"].map(before).astype("Int64")
    return scores.assign(score_before=then, change=scores["score"].astype("Int64") - then)


def sum_steps(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the mean score of each step: ``step``, ``practice_count``, ``mean_score``."""
    grouped = scores.groupby("step", sort=False)["score"]
    table = grouped.agg(practice_count="size", mean_score="mean").reindex(STEPS).dropna()
    return table.astype({"practice_count": int}).rename_axis("step").reset_index()


def list_answers(plan: Plan) -> pd.DataFrame:
    """List what only the analyst can say of readiness: said, not measured, and never scored.

    The columns are ``step``, ``question``, ``answer`` (of the plan's ``[readiness]``; empty where
    nothing was said) and ``name`` (what the answer is called in the plan).
    """
    rows = [
        (step, question, plan.readiness.answers.get(name, ""), name)
        for name, (step, question) in QUESTIONS.items()
    ]
    return pd.DataFrame(rows, columns=["step", "question", "answer", "name"])
