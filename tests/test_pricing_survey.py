"""Van Westendorp's price meter and Newton, Miller and Smith's extension, by hand."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from segkit.action.pricing.paid import EVERYBODY
from segkit.action.pricing.survey import (
    OTHERS,
    PRICES,
    RISING,
    find_points,
    keep_consistent,
    measure_survey,
    measure_trial,
    read_answers,
)
from segkit.core.settings import Settings
from segkit.plan.pricing import PriceQuestions, Pricing

AT = Settings(datetime.date(2026, 3, 31))
QUESTIONS = {name: f"At which price is it {name}?" for name in PRICES}
INTENTS = {"intent_cheap": "Would you buy at the low?", "intent_expensive": "And at the high?"}
ASKED = PriceQuestions(product="<b>Tent</b>", **QUESTIONS)
WITH_INTENT = PriceQuestions(product="Tent", **QUESTIONS, **INTENTS)


def make_responses(answers: pd.DataFrame) -> ibis.Table:
    """Return responses in the contract's long form from one row a customer."""
    named = {**QUESTIONS, **INTENTS}
    rows = answers.melt(id_vars="customer_id", var_name="name", value_name="answer")
    rows["question"] = rows["name"].map(named)
    rows["answered_at"] = pd.Timestamp("2026-01-05")
    return ibis.memtable(rows.drop(columns="name").astype({"answer": "string"}))


def draw_answers(count: int, *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    steps = np.column_stack([rng.normal(8, 1, count), *rng.uniform(0.5, 3, (3, count))])
    table = pd.DataFrame(np.cumsum(steps, axis=1).round(2), columns=list(PRICES))
    table["customer_id"] = [f"c{one}" for one in range(count)]
    return table


def make_segments(count: int) -> pd.DataFrame:
    names = ["a" if one % 3 else "b" for one in range(count)]
    return pd.DataFrame({"customer_id": [f"c{one}" for one in range(count)], "segment_name": names})


def test_the_points_are_where_the_curves_cross():
    # too cheap 1, 2, 3, 4; cheap 3, 4, 5, 6; expensive 4, 5, 6, 7; too expensive 5, 6, 7, 8
    prices = np.array([[1.0, 3, 4, 5], [2, 4, 5, 6], [3, 5, 6, 7], [4, 6, 7, 8]])
    points = find_points(prices)
    # at 3, two of four find it too cheap and none not cheap; at 4, one and one
    assert points["marginal_cheapness"] == 4
    # at 4, one finds it too cheap and none too expensive; at 5 none and one
    assert points["optimal_price"] == 4.5
    # at 5, two find it cheap and two expensive
    assert points["indifference_price"] == 5
    # at 5, one finds it too expensive and two not expensive; at 6, two and one
    assert points["marginal_expensiveness"] == 5.5


def test_a_weight_of_two_is_a_respondent_twice():
    prices = draw_answers(40)[list(PRICES)].to_numpy()
    weights = np.ones(40)
    weights[:7] = 2
    twice = np.vstack([prices, prices[:7]])
    assert find_points(prices, weights) == pytest.approx(find_points(twice))


def test_prices_that_do_not_rise_are_left_out_and_counted():
    table = pd.DataFrame(
        [
            ("c0", 1.0, 2.0, 3.0, 4.0),
            ("c1", 1.0, 1.0, 3.0, 4.0),  # a tie
            ("c2", 4.0, 3.0, 2.0, 1.0),
            ("c3", 1.0, 2.0, 3.0, np.nan),
        ],
        columns=["customer_id", *PRICES],
    )
    assert keep_consistent(table)["customer_id"].tolist() == ["c0"]
    survey = measure_survey(
        {"responses": make_responses(table)}, make_segments(4), asked=(ASKED,), at=AT
    )
    counts = survey.counts.set_index("answers")["customer_count"]
    assert counts.to_dict() == {RISING: 1, OTHERS: 3}
    assert "Fewer than 30" in survey.points.reason


def test_the_last_answer_counts_commas_are_read_and_words_are_none():
    rows = [
        ("c0", "too_cheap", "9", "2026-01-01"),
        ("c0", "too_cheap", " 7,50 ", "2026-02-01"),
        ("c0", "too_cheap", "5", "2026-05-01"),  # after the last day
        ("c0", "cheap", "about ten", "2026-01-01"),
        ("c0", "expensive", "-3", "2026-01-01"),
        ("c0", "too_expensive", "inf", "2026-01-01"),
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "question", "answer", "answered_at"])
    frame["question"] = frame["question"].map(QUESTIONS)
    frame["answered_at"] = pd.to_datetime(frame["answered_at"])
    found = read_answers(ibis.memtable(frame), ASKED, at=AT).iloc[0]
    assert found["too_cheap"] == 7.5
    assert found[["cheap", "expensive", "too_expensive"]].isna().all()


def test_who_would_buy_goes_straight_between_the_prices():
    prices = np.array([[2.0, 4, 6, 8], [4.0, 6, 8, 10]])
    intents = np.array([[0.7, 0.3], [0.5, 0.1]])
    trial = measure_trial(prices, intents, at=np.array([4.0, 5, 6, 8, 11]))
    # at 4: .7 and 0; at 5: .5 and .25; at 6: .3 and .5; at 8: 0 and .1
    assert trial.round(6).tolist() == [0.35, 0.375, 0.4, 0.05, 0]


def test_all_and_segments_with_enough_answers_are_told_of():
    answers = draw_answers(120)
    answers["intent_cheap"], answers["intent_expensive"] = "5", "2.0"
    tables = {"responses": make_responses(answers)}
    survey = measure_survey(tables, make_segments(120), asked=(WITH_INTENT,), at=AT)
    points = survey.points
    assert set(points["segment_name"]) == {EVERYBODY, "a", "b"}
    assert set(points.groupby("segment_name")["point"].size()) == {6}
    assert (points["price_low"] <= points["price_high"]).all()
    again = measure_survey(tables, make_segments(120), asked=(WITH_INTENT,), at=AT)
    pd.testing.assert_frame_equal(points, again.points)
    whole = points[points["segment_name"] == EVERYBODY].set_index("point")["price"]
    assert whole["marginal_cheapness"] < whole["marginal_expensiveness"]
    best = survey.trial.loc[survey.trial["revenue"].idxmax(), "price"]
    assert best == pytest.approx(whole["most_revenue_price"], abs=1)


def test_between_two_points_of_a_curve_lie_many_answers():
    survey = measure_survey(
        {"responses": make_responses(draw_answers(45))}, make_segments(45), asked=(ASKED,), at=AT
    )
    steps = survey.curves.groupby("curve")["share"].apply(lambda own: own.sort_values().diff())
    assert (steps.dropna() * 45 >= 2 * AT.smallest_cell).all()


@pytest.mark.parametrize(
    ("tables", "asked", "words"),
    [
        ({}, (), "No survey question"),
        ({}, (ASKED,), "Nobody answered"),
        ({"responses": make_responses(draw_answers(40)).drop("customer_id")}, (ASKED,), "Nobody"),
    ],
)
def test_without_answers_a_line_says_what_to_ask(tables, asked, words):
    survey = measure_survey(tables, make_segments(40), asked=asked, at=AT)
    assert survey.points.empty
    assert words in survey.points.reason


@pytest.mark.slow
def test_intervals_of_the_points_hold_what_all_would_say():
    truth = find_points(draw_answers(20_000, seed=99)[list(PRICES)].to_numpy())
    held = dict.fromkeys(truth, 0)
    for seed in range(40):
        tables = {"responses": make_responses(draw_answers(150, seed=seed))}
        one_segment = make_segments(150).assign(segment_name="a")
        found = measure_survey(tables, one_segment, asked=(ASKED,), at=AT).points
        found = found[found["segment_name"] == EVERYBODY].set_index("point")
        for point, price in truth.items():
            held[point] += found.loc[point, "price_low"] <= price <= found.loc[point, "price_high"]
    assert min(held.values()) >= 34


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cheap": QUESTIONS["too_cheap"]}, "named twice"),
        ({"intent_cheap": "Would you?"}, "or neither"),
        ({"intent": {"5": 1.2}}, "less than or equal"),
    ],
)
def test_questions_that_cannot_be_are_refused(change, words):
    with pytest.raises(ValidationError, match=words):
        PriceQuestions(product="Tent", **{**QUESTIONS, **change})


def test_plans_that_cannot_be_are_refused():
    with pytest.raises(ValidationError, match="given twice"):
        Pricing(asked=(ASKED, ASKED))
    with pytest.raises(ValidationError, match="lasting_days"):
        Pricing(period_days=60, lasting_days=30)
    assert Pricing(period_days=7).lasting_periods == 8
