"""What segments say in surveys: numbers, choices, and how far they stand from everybody."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.contract.bases import SAID
from segkit.core.findings import Condition, Finding
from segkit.core.measures import LABEL
from segkit.core.privacy import NOTE, Published, Shape
from segkit.plan.models import FEWEST_ANSWERS, Scheme
from segkit.report.by_segment import RESTS_ON, count_decimals
from segkit.report.shared import charts
from segkit.report.shared.sentences import (
    explain_absence,
    explain_silence,
    find_sentence,
    write_finding,
)
from segkit.report.shared.views import Column, View

MOST_TOLD = 5
RESPONSES = View(
    Shape(
        "responses",
        by=("segment_name", "answer"),
        within=("question",),
        count=RESTS_ON,
        shown=("kind",),
        covered=("answer",),
        measures={"base_value": LABEL, "outside_chance": LABEL},  # of everybody
    ),
    {
        "question": Column(),
        "segment_name": Column(),
        "answer": Column(),
        "customer_count": Column(kind="integer"),
        "value": Column("Share", "share"),
        "interval": Column(kind="share", interval=("low", "high")),
        "base_value": Column("Share among all", "share"),
        NOTE: Column(),
    },
)
QUESTIONS = View(Shape("questions", population="columns", by=("question",)))
COMPARED = tuple(Condition(column, "known") for column in ("value", "low", "high"))
OUTSIDE = (*COMPARED, Condition("is_outside", "==", True))


def plot_answers(numbers, *, title: str = "Mean answers by segment") -> Axes:
    """Draw the mean answer of each segment to each question that asks for a number.

    How to read it: compare cells within a row; questions have scales of their own.
    The table has a row a question and segment: ``question``, ``segment_name`` and ``value``.
    """
    return charts.plot_cells(
        numbers, row="question", column="segment_name", value="value", kind="number", title=title
    )


def keep_different(responses: Published) -> Published:
    """Return the rows without repeats: hidden answers of a segment to a question are one row."""
    return responses.keep(responses.frame.drop_duplicates())


def keep_kind(responses: Published, kind: str) -> Published:
    """Return the answers to questions of one kind, ``number`` or ``choice``."""
    return responses.keep(responses.frame["kind"] == kind)


def state_responses(
    responses: Published, questions: Published, *, most: int = MOST_TOLD
) -> list[Finding]:
    """Say which answers set segments furthest from everybody, beyond their intervals."""
    if responses.empty:
        return [explain_absence(responses)]
    frame = responses.frame
    rows = frame.dropna(subset=["value", "low", "high"])
    numbers = rows[["value", "base_value", "low", "high"]].astype(float)
    distance = (numbers["value"] - numbers["base_value"]) / (numbers["high"] - numbers["low"])
    is_outside = rows["is_outside"].fillna(False).astype(bool)
    order = distance[is_outside].abs().sort_values(ascending=False, kind="stable").index
    told = [_state_answer(responses, row) for row in rows.loc[order[:most]].to_dict("records")]
    hidden = explain_silence(responses) if rows.empty else None
    return [*told, hidden or _count_outside(responses), _count_verbatim(questions)]


def _state_answer(responses: Published, row: dict) -> Finding:
    """Say what a segment answers, against everybody."""
    place = {name: row[name] for name in ("question", "segment_name", "answer")}
    is_number = row["kind"] == "number"
    found = [
        responses.read_figure(
            column,
            where=place,
            interval=("low", "high") if column == "value" else None,
            kind="number" if is_number else "share",
            decimals=count_decimals(row[column]) if is_number else None,
        )
        for column in ("value", "base_value")
    ]
    count = responses.read_figure("customer_count", where=place, kind="count")
    words = {
        "segment": row["segment_name"],
        "question": row["question"],
        "answer": row["answer"] or "mean",
    }
    return write_finding("survey.responses.answer", [*found, count], count=count, words=words)


def _count_outside(responses: Published) -> Finding:
    """Say how many figures stand apart from everybody's, and how many would by chance."""
    found = [
        responses.read_figure(
            "value", where=COMPARED, how="rows", kind="count", unit="figure", name="figure_count"
        ),
        responses.read_figure(
            "value", where=OUTSIDE, how="rows", kind="count", name="outside_count"
        ),
        responses.read_figure(
            "outside_chance", where=COMPARED, how="sum", kind="count", name="expected_count"
        ),
    ]
    return write_finding("survey.responses.outside", found)


def _count_verbatim(questions: Published) -> Finding:
    count = questions.read_figure(
        "question",
        where={"kind": "free text"},
        how="rows",
        kind="count",
        unit="question",
        name="verbatim_count",
    )
    return write_finding("survey.responses.verbatim", [count])


def state_one_way(profile: Published, scheme: Scheme) -> list[Finding]:
    """Say of segments that lie on one side of all customers in every question of a scheme.

    They may be of those who agree with much, or with little, and not of what customers want (Grün
    and Dolnicar 2016, *Marketing Letters* 27). Nothing is said of a scheme that takes this out, of
    fewer than `FEWEST_ANSWERS` questions, or of columns that are no answers.
    """
    is_asked = scheme.base in SAID and len(scheme.columns) >= FEWEST_ANSWERS
    if not is_asked or scheme.answer_style == "removed":
        return []
    rows = profile.frame[profile.frame["feature"].isin(scheme.columns)]
    told = []
    for segment, own in rows.groupby("segment_name", sort=False):
        differences = own["difference_sd"].astype(float)
        if len(own) < FEWEST_ANSWERS or differences.isna().any():
            continue
        for sentence, comparison in (("more", ">"), ("less", "<")):
            if (differences > 0).all() if sentence == "more" else (differences < 0).all():
                told.append(_state_one_way(profile, str(segment), sentence, comparison, own))
    return told


def _state_one_way(
    profile: Published, segment: str, sentence: str, comparison: str, own: pd.DataFrame
) -> Finding:
    of_scheme = [Condition("segment_name", "==", segment), Condition("by_construction", "==", True)]
    count = profile.read_figure(
        "feature",
        where=[*of_scheme, Condition("difference_sd", comparison, 0.0)],
        how="rows",
        kind="count",
        name="question_count",
    )
    known = int(own["known_count"].astype(float).min())
    words = {"segment": segment, "remedy": find_sentence("survey.one_way.remedy")}
    return write_finding(f"survey.one_way.{sentence}", [count], count=known, words=words)
