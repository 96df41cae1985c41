"""Segments that lie on one side in every question are told as perhaps those who agree with much."""

from __future__ import annotations

import pandas as pd
import pytest
from published import publish, read_texts

from segkit.plan.models import Scheme
from segkit.report import differences, survey

QUESTIONS = ("sun", "culture", "sport", "food")


def tell(by_segment: dict[str, list[float]], **changes: object) -> list[str]:
    """Return what is said of segments that differ so far, in standard deviations."""
    rows = [
        (segment, question, far, 200, 400, 500)
        for segment, differ in by_segment.items()
        for question, far in zip(QUESTIONS, differ, strict=True)
    ]
    names = ["segment_name", "feature", "difference_sd", "known_count", "segment_count"]
    profile = pd.DataFrame(rows, columns=[*names, "base_count"])
    # A column that made no segments is no question of the scheme.
    other = profile.head(1).assign(feature="age_years", difference_sd=-0.1, by_construction=False)
    profile = pd.concat([profile.assign(by_construction=True), other], ignore_index=True)
    given = {"base": "needs", "method": "kmeans", "columns": QUESTIONS} | changes
    scheme = Scheme(name="s", goal="g", **given)
    return read_texts(survey.state_one_way(publish(profile, differences.PROFILE), scheme))


BOTH = {"High": [0.8, 0.1, 0.6, 0.9], "Low": [-0.8, -0.1, -0.6, -0.9]}


def test_segments_on_one_side_of_every_question_are_told():
    high, low = tell(BOTH)
    assert high.startswith("“High” answers higher than all customers in each of 4 questions")
    assert "people who agree with much" in high
    assert "“Low” answers lower" in low
    assert 'answer_style = "removed"' in low


@pytest.mark.parametrize(
    "changes",
    [
        {"answer_style": "removed"},
        {"base": "behavioural"},  # spend in every aisle is no way of answering
        {"columns": QUESTIONS[:2]},
    ],
)
def test_where_the_style_is_out_or_nobody_was_asked_nothing_is_said(changes):
    assert tell(BOTH, **changes) == []


def test_one_question_on_the_other_side_is_an_opinion():
    assert tell({"Sporty": [0.5, 0.5, 0.9, -0.1], "Low": [-0.5, -0.5, -0.9, 0.1]}) == []
