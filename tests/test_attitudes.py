"""What customers say: scales, choices and how reliable they are."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published import publish, read_texts
from pydantic import ValidationError
from shops import AS_OF

from segkit.core.absence import explain_empty
from segkit.core.errors import PlanError
from segkit.core.statistics import bound_alpha, find_alpha
from segkit.features.survey import measure_reliability, score_attitudes
from segkit.plan.bases import BaseSettings, ChoiceQuestion, Scale
from segkit.plan.reading import read_plan
from segkit.report import reliability

QUESTIONS = ("a", "b", "c")
SCALE = Scale(name="mood", base="psychographic", questions=QUESTIONS)


def make_responses(answers: pd.DataFrame) -> ibis.Table:
    """Return one row a customer and question, from one row a customer."""
    table = answers.rename_axis("customer_id").reset_index().melt("customer_id")
    table.columns = ["customer_id", "question", "answer"]
    table["answer"] = table["answer"].map(lambda v: None if pd.isna(v) else f"{v:g}")
    return ibis.memtable(table.astype({"customer_id": str, "answer": "str"}))


# Four customers; worked out below.
ANSWERS = pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 2, 1, 2], "c": [1, 2, 4, 5]})


def test_alpha_agrees_with_the_paper():
    """Variances 5/3, 1/3, 10/3 sum to 16/3; the sums 3, 6, 8, 11 vary by 34/3."""
    table = measure_reliability(make_responses(ANSWERS), [SCALE], as_of=AS_OF)
    whole, *items = table.to_dict("records")
    assert whole["question"] == ""
    assert whole["customer_count"] == 4
    alpha = 3 / 2 * (1 - (16 / 3) / (34 / 3))
    assert whole["alpha"] == pytest.approx(alpha)
    # Feldt: F of 3 and 6 degrees of freedom, 2.5 % on each side, is 6.5988 and 1 / 14.7347.
    assert whole["alpha_low"] == pytest.approx(1 - (1 - alpha) * 6.5988, abs=1e-3)
    assert whole["alpha_high"] == pytest.approx(1 - (1 - alpha) / 14.7347, abs=1e-3)
    # Without b: a + c is 2, 4, 7, 9 with variance 29/3, and 5/3 + 10/3 = 5.
    assert items[1]["alpha"] == pytest.approx(2 * (1 - 5 / (29 / 3)))
    # b (1 2 1 2) with a + c: covariance 2/3, variances 1/3 and 29/3.
    assert items[1]["item_rest_correlation"] == pytest.approx((2 / 3) / np.sqrt(29 / 9))
    assert [item["mean"] for item in items] == [2.5, 1.5, 3.0]


def test_items_turned_around_count_as_their_opposite():
    turned = SCALE.model_copy(update={"reversed": ("b",)})
    told = measure_reliability(
        make_responses(ANSWERS.assign(b=6 - ANSWERS["b"])), [turned], as_of=AS_OF
    )
    plain = measure_reliability(make_responses(ANSWERS), [SCALE], as_of=AS_OF)
    pd.testing.assert_frame_equal(told, plain)


@given(st.floats(0.05, 0.95), st.integers(2, 12))
def test_alpha_of_parallel_items_is_that_of_spearman_and_brown(correlation, size):
    covariances = np.full((size, size), correlation) + (1 - correlation) * np.eye(size)
    expected = size * correlation / (1 + (size - 1) * correlation)
    assert find_alpha(pd.DataFrame(covariances)) == pytest.approx(expected)


def test_the_interval_holds_the_true_alpha_as_often_as_it_says():
    rng, true, hits = np.random.default_rng(5), 4 * 0.4 / (1 + 3 * 0.4), 0
    root = np.linalg.cholesky(np.full((4, 4), 0.4) + 0.6 * np.eye(4))
    for _ in range(1_000):
        items = pd.DataFrame(rng.standard_normal((60, 4)) @ root.T)
        low, high = bound_alpha(find_alpha(items.cov()), 4, 60)
        hits += low <= true <= high
    assert 0.93 < hits / 1_000 < 0.97


def test_items_that_do_not_vary_or_too_few_customers_have_no_alpha():
    alike = pd.DataFrame({"a": [3, 3, 3], "b": [3, 3, 3], "c": [3, 3, 3]})
    table = measure_reliability(make_responses(alike), [SCALE], as_of=AS_OF)
    assert table["alpha"].isna().all()
    table = measure_reliability(make_responses(ANSWERS), [SCALE], as_of=AS_OF)
    few = publish(table, reliability.RELIABILITY, smallest_cell=5).frame
    assert few[["customer_count", "mean", "alpha"]].isna().all(axis=None)
    nothing = measure_reliability(None, [SCALE], as_of=AS_OF)
    assert nothing.empty
    assert "no scales" in explain_empty(nothing)
    told = reliability.state_reliability(publish(nothing, reliability.RELIABILITY))
    assert read_texts(told) == [explain_empty(nothing)]


def state(answers: pd.DataFrame, scale: Scale = SCALE) -> list[str]:
    table = measure_reliability(make_responses(answers), [scale], as_of=AS_OF)
    return read_texts(reliability.state_reliability(publish(table, reliability.RELIABILITY)))


def test_alpha_rests_on_who_answered_all_however_many_answered_one():
    partly = ANSWERS.assign(c=None)
    answers = pd.concat([ANSWERS, partly, partly], ignore_index=True)
    table = measure_reliability(make_responses(answers), [SCALE], as_of=AS_OF)
    assert table["alpha"].notna().all()
    shown = publish(table, reliability.RELIABILITY, smallest_cell=5).frame.set_index("question")
    assert shown["alpha"].isna().all()
    assert shown["item_rest_correlation"].isna().all()
    assert shown["customer_count"].astype(float)[["a", "b"]].tolist() == [12, 12]
    assert shown["mean"].isna().tolist() == [True, False, False, True]
    assert state(answers) == [
        "Of “psychographic mood” no reliability can be told: one question, or too few whole "
        "answers."
    ]


def test_a_reliable_scale_is_told_and_so_is_the_item_at_odds_with_it():
    told = state(pd.concat([ANSWERS] * 3, ignore_index=True))
    assert len(told) == 2
    assert told[0].startswith("“psychographic mood”: alpha 0.79 (")
    assert told[0].endswith("), from 12 customers who answered all its questions.")
    assert told[1] == (
        "“b” does not go with the others of “psychographic mood”: without it alpha is 0.97."
    )


def test_a_scale_below_the_limit_is_not_to_be_relied_on():
    answers = pd.DataFrame(
        {"a": [1, 2, 3, 4, 5, 1], "b": [2, 1, 3, 5, 4, 4], "c": [3, 3, 1, 3, 5, 1]}
    )
    answers = pd.concat([answers] * 2, ignore_index=True)
    assert state(answers)[0].endswith("; too low to rely on for single customers.")


def test_a_question_that_nobody_answered_is_named():
    scale = Scale(name="mood", base="psychographic", questions=("a", "b", "Not asked"))
    assert state(pd.concat([ANSWERS] * 3), scale)[-1] == (
        "Nobody gave a valid answer to Not asked; is the question spelt as in the responses?"
    )


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("xyz"),
            st.sampled_from([*QUESTIONS, "d"]),
            st.one_of(
                st.sampled_from(["1", "5", "3.5", " 2", "", "NaN", "inf", "1e3", "--", "0", "6"]),
                st.text(max_size=4),
                st.none(),
            ),
        ),
        min_size=1,
    )
)
def test_hostile_answers_give_a_score_within_the_scale_or_none(rows):
    table = pd.DataFrame(rows, columns=["customer_id", "question", "answer"]).astype("str")
    several = ChoiceQuestion(
        name="d", base="needs", question="d", separator=";", options={"one": "1", "odd": "'%_"}
    )
    given_settings = BaseSettings(scales=[SCALE], choices=[several])
    scores = score_attitudes(ibis.memtable(table), given_settings, as_of=AS_OF).to_pandas()
    assert not scores["customer_id"].duplicated().any()
    known = scores["psychographic_mood"].dropna()
    assert known.between(1, 5).all()
    assert scores["needs_one"].dropna().isin([0, 1]).all()


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Scale, {"questions": ["a"], "reversed": ["b"]}),
        (Scale, {"questions": ["a", "a"]}),
        (Scale, {"questions": []}),
        (Scale, {"questions": ["a"], "lowest": 5, "highest": 1}),
        (Scale, {"questions": ["a"], "base": "value"}),
        (ChoiceQuestion, {"question": "a", "separator": ";"}),
        (ChoiceQuestion, {"question": "a", "options": {"x": "X"}}),
        (ChoiceQuestion, {"question": "a", "separator": ";", "options": {"Not harmless": "X"}}),
    ],
)
def test_a_scale_or_choice_that_makes_no_sense_is_refused(model, values):
    with pytest.raises(ValidationError):
        model(**{"name": "x", "base": "needs", **values})


def test_two_scales_of_one_name_and_a_wrong_key_are_told_with_their_lines(tmp_path):
    scale = '[[scales]]\nname = "mood"\nbase = "needs"\nquestions = ["a"]\n'
    (tmp_path / "plan.toml").write_text(scale + scale + "higest = 7\n")
    with pytest.raises(PlanError) as caught:
        read_plan(tmp_path / "plan.toml")
    told = str(caught.value)
    assert "two scales are called 'needs mood'" in told
    assert "plan.toml, line 9: unknown key 'scales.1.higest'. Did you mean 'highest'" in told
