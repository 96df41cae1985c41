"""The net promoter score, and reasons to buy or not to buy."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from pydantic import ValidationError

from segkit.core.statistics import find_reach
from segkit.evidence.experience.associations import relate_answers
from segkit.evidence.experience.promoter import (
    ADDED,
    bound_score,
    count_promoters,
    list_recommendations,
    score_promoters,
)
from segkit.evidence.experience.reasons import NONE_OF_THESE, count_reasons
from segkit.plan.surveys import Pair, Reasons, Surveys, SurveyWeights
from segkit.report import associations, promoter

AS_OF = datetime.date(2026, 6, 30)
QUESTION = "How likely are you to recommend us?"


def make_shop(answers: dict[str, list[str]], question: str = QUESTION):
    """Return responses and segments, from each segment's answers."""
    rows = [
        (f"{name}{number}", question, answer, name)
        for name, own in answers.items()
        for number, answer in enumerate(own)
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "question", "answer", "segment_name"])
    responses = ibis.memtable(frame[["customer_id", "question", "answer"]])
    return responses, frame[["customer_id", "segment_name"]].drop_duplicates()


def score(answers: dict[str, list[str]], *, smallest_cell: int = 5):
    responses, segments = make_shop(answers)
    counted = count_promoters(responses, segments, question=QUESTION, as_of=AS_OF)
    groups = publish(counted, promoter.GROUPS, smallest_cell=smallest_cell)
    scores = publish(score_promoters(groups.frame), promoter.SCORES, smallest_cell=smallest_cell)
    return groups, scores


def test_promoters_less_detractors_is_the_score():
    """Of ten: four answer 9 or 10, three 7 or 8, three 0 to 6; 100 (4 - 3) / 10."""
    answers = ["9", "10", "9", "10", "7", "8", "8", "0", "6", "3"]
    _groups, scores = score({"A": answers}, smallest_cell=1)
    whole = scores.frame.set_index("whom").loc["all customers"]
    assert whole["score"] == pytest.approx(10)
    assert (whole["promoter_share"], whole["detractor_share"]) == (0.4, 0.3)


def test_the_interval_is_that_of_a_difference_of_two_shares_of_one_whole():
    """50, 30 and 20 with three added: p 50.75/103, d 20.75/103, variance p + d - (p - d)^2."""
    low, high = bound_score(np.array([50]), np.array([30]), np.array([20]))
    for_us, against = 50.75 / 103, 20.75 / 103
    middle = for_us - against
    error = np.sqrt((for_us + against - middle**2) / 103)
    assert low[0] == pytest.approx(100 * (middle - find_reach() * error))
    assert high[0] == pytest.approx(100 * (middle + find_reach() * error))
    assert ADDED.sum() == 3


def test_answers_that_are_no_whole_number_of_0_to_10_are_refused_and_counted():
    answers = ["9"] * 20 + ["7"] * 20 + ["2"] * 20
    strange = ["11", "-1", "7.5", "ten", "9.0x", "99999999999999999999"]
    groups, scores = score({"A": answers + strange, "B": answers})
    assert groups.frame["refused_count"].max() == 6
    assert scores.frame["customer_count"].tolist() == [120, 60, 60]
    texts = read_texts(promoter.state_scores(groups, scores))
    assert "6 customers gave no whole number from 0 to 10 and are left out." in texts
    assert texts[-1].startswith("It is a crude figure")


def test_a_later_answer_that_cannot_be_read_leaves_the_earlier_one():
    frame = pd.DataFrame(
        [("a", QUESTION, "9", "2026-01-01"), ("a", QUESTION, "lots", "2026-02-01")],
        columns=["customer_id", "question", "answer", "answered_at"],
    )
    responses = ibis.memtable(frame.assign(answered_at=pd.to_datetime(frame["answered_at"])))
    found = list_recommendations(responses, question=QUESTION, as_of=AS_OF)
    assert found["number"].tolist() == [9.0]


def test_where_a_group_is_hidden_the_score_that_would_tell_it_is_too():
    """B has two detractors; beside its score, its promoters would tell them."""
    groups, scores = score(
        {
            "A": ["9"] * 30 + ["7"] * 30 + ["2"] * 30,
            "B": ["9"] * 30 + ["7"] * 30 + ["2"] * 2,
            "C": ["9"] * 40 + ["7"] * 40 + ["2"] * 40,
        }
    )
    shown = groups.frame.set_index(["segment_name", "answer_group"])["customer_count"]
    assert pd.isna(shown["B", "detractors"])
    assert "B" not in set(scores.frame["segment_name"])
    hidden = shown[shown.isna()].index
    by_segment = {name for name, _group in hidden}
    assert len(by_segment) > 1  # the total of the detractors is known


def test_segments_that_differ_are_told_against_all_others():
    groups, scores = score(
        {"A": ["10"] * 80 + ["8"] * 20 + ["3"] * 20, "B": ["10"] * 20 + ["8"] * 20 + ["3"] * 80}
    )
    texts = read_texts(promoter.state_scores(groups, scores))
    assert texts[1].startswith("“A”: 50 (3") or texts[1].startswith("“B”: −50")
    assert "against" in texts[1]
    alike, same = score({"A": ["10", "8", "3"] * 40, "B": ["10", "8", "3"] * 40})
    assert "No segment's score" in " ".join(read_texts(promoter.state_scores(alike, same)))


@pytest.mark.parametrize(
    ("responses", "question", "reason"),
    [
        (None, "", "under [surveys]"),
        (None, QUESTION, "no table of responses"),
        ("some", "Never asked?", "“Never asked?”"),
    ],
)
def test_without_answers_one_line_says_what_is_missing(responses, question, reason):
    table, segments = make_shop({"A": ["9"] * 20})
    counted = count_promoters(
        table if responses else None, segments, question=question, as_of=AS_OF
    )
    groups = publish(counted, promoter.GROUPS)
    scores = publish(score_promoters(groups.frame), promoter.SCORES)
    (exhibit,) = promoter.lay_out_scores(groups, scores)
    assert reason in exhibit.thing[0].text


def test_intervals_of_scores_hold_the_truth():
    rng = np.random.default_rng(7)
    for chances in ([0.5, 0.3, 0.2], [0.8, 0.15, 0.05], [0.1, 0.1, 0.8], [0.34, 0.33, 0.33]):
        for count in (20, 60, 300):
            drawn = rng.multinomial(count, chances, size=4000).T
            low, high = bound_score(*drawn)
            truth = 100 * (chances[0] - chances[2])
            assert ((low <= truth) & (truth <= high)).mean() >= 0.925, (chances, count)


@pytest.mark.slow
def test_alike_segments_are_seldom_told_apart():
    rng = np.random.default_rng(9)
    told = 0
    for _seed in range(120):
        drawn = rng.multinomial(80, [0.5, 0.3, 0.2], size=4)
        rows = [
            ("segments", f"s{n}", group, count)
            for n, own in enumerate(drawn)
            for group, count in zip(("promoters", "passives", "detractors"), own, strict=True)
        ]
        rows += [
            ("all customers", "all customers", group, count)
            for group, count in zip(
                ("promoters", "passives", "detractors"), drawn.sum(axis=0), strict=True
            )
        ]
        names = ["whom", "segment_name", "answer_group", "customer_count"]
        told += score_promoters(pd.DataFrame(rows, columns=names))["is_different"].any()
    assert told / 120 <= 0.10


SPOKEN = Reasons(
    question="What nearly stopped you?",
    about="not buying",
    reasons={"size": ("size",), "delivery": ("delivery", "too late"), "art": ("art",)},
)


def count(answers: dict[str, list[str]], asked: Reasons) -> pd.DataFrame:
    responses, segments = make_shop(answers, asked.question)
    return count_reasons(responses, segments, [asked], as_of=AS_OF)


def test_words_are_found_where_a_word_begins_whatever_the_capitals():
    answers = [
        "Sizes run small",
        "DELIVERY, and the Size",
        "a part broke",
        "it came too late",
        "no",
    ]
    table = count({"A": answers}, SPOKEN)
    whole = table[table["whom"] == "all customers"].set_index("reason")
    found = whole["customer_count"].to_dict()
    assert found == {"size": 2, "delivery": 2, "art": 0, NONE_OF_THESE: 2}
    assert whole["share"].to_dict()["size"] == 0.4


def test_choices_are_whole_words_between_separators():
    asked = Reasons(
        question="More of?",
        about="buying",
        separator=";",
        reasons={"price": ("Low prices", "Rebates (10 %)"), "gift": ("Gift",)},
    )
    answers = ["Low prices; Gift wrap", "low prices ;Gift", "Rebates (10 %)", "Lower"]
    table = count({"A": answers}, asked)
    found = table[table["whom"] == "segments"].set_index("reason")["customer_count"].to_dict()
    assert found == {"price": 3, "gift": 1, NONE_OF_THESE: 1}


def test_segments_are_compared_with_all_others():
    answers = {"A": ["size"] * 40 + ["no"] * 60, "B": ["size"] * 10 + ["no"] * 90}
    table = count(answers, SPOKEN)
    own = table[(table["reason"] == "size") & (table["segment_name"] == "A")].iloc[0]
    assert own["other_share"] == 0.1
    assert own["is_different"]
    shown = publish(table, promoter.REASONS)
    texts = read_texts(promoter.state_reasons(shown))
    assert any("of “A”, 40.0% name “size”" in text for text in texts)
    assert promoter.lay_out_reasons(shown)


def test_a_reason_that_few_name_is_hidden_and_not_told_by_the_total():
    answers = {"A": ["size"] * 40 + ["no"] * 60, "B": ["size"] * 2 + ["no"] * 90}
    shown = publish(count(answers, SPOKEN), promoter.REASONS)
    rows = shown.frame[shown.frame["reason"] == "size"].set_index("segment_name")["share"]
    assert rows[["A", "B"]].isna().all()


def test_reasons_need_questions_answers_and_customers():
    responses, segments = make_shop({"A": ["size"] * 20})
    for asked, table in (([], responses), ([SPOKEN], None), ([SPOKEN], responses)):
        found = publish(count_reasons(table, segments, asked, as_of=AS_OF), promoter.REASONS)
        (exhibit,) = promoter.lay_out_reasons(found)
        assert exhibit.thing[0].text.endswith(".")


@pytest.mark.parametrize(
    ("model", "content", "message"),
    [
        (SurveyWeights, {"targets": {"gender": {"f": 0.5, "m": 0.3}}}, "add up to 0.8"),
        (SurveyWeights, {"margins": ("age",), "targets": {"age": {"old": 1.0}}}, "named twice"),
        (SurveyWeights, {"largest": 1.0}, "greater than 1"),
        (Reasons, {"question": "q", "about": "buying", "reasons": {"x": (" ",)}}, "no words"),
        (Reasons, {"question": "q", "about": "selling", "reasons": {"x": ("y",)}}, "buying"),
        (Surveys, {"reasons": (SPOKEN, SPOKEN)}, "given twice"),
        (Pair, {"said": "a", "done": "b", "expected": "up"}, "more"),
    ],
)
def test_what_a_plan_says_of_surveys_is_checked(model, content, message):
    with pytest.raises(ValidationError, match=message):
        model(**content)


def test_answers_go_with_an_overall_one_by_pearsons_correlation():
    """1 2 3 ... with itself and turned round: 1 and -1; by hand .8 of 1 2 3 4 5 and 2 1 4 3 5."""
    overall = [1, 2, 3, 4, 5] * 4
    other = [2, 1, 4, 3, 5] * 4
    rows = [
        (f"c{n}", question, str(value))
        for question, values in (("all", overall), ("other", other), ("turned", overall[::-1]))
        for n, value in enumerate(values)
    ]
    responses = ibis.memtable(pd.DataFrame(rows, columns=["customer_id", "question", "answer"]))
    table = relate_answers(responses, question="all", as_of=AS_OF).set_index("question")
    assert table.loc["other", "correlation"] == pytest.approx(0.8)
    assert table.loc["turned", "correlation"] == pytest.approx(-1)
    low, high = np.tanh(np.arctanh(0.8) + np.array([-1, 1]) * find_reach() / np.sqrt(17))
    assert table.loc["other", ["low", "high"]].tolist() == pytest.approx([low, high])
    shown = publish(table.reset_index(), associations.ASSOCIATIONS)
    texts = read_texts(associations.state_associations(shown, question="all"))
    assert "“other” goes with “all”: correlation 0.80 (0.55 to 0.92, n = 20)." in texts


@pytest.mark.parametrize("answers", [["5"] * 20, ["x"] * 20, ["1", "2"]])
def test_without_answers_that_vary_nothing_goes_with_another(answers):
    rows = [(f"c{n}", q, answer) for q in ("a", "b") for n, answer in enumerate(answers)]
    responses = ibis.memtable(pd.DataFrame(rows, columns=["customer_id", "question", "answer"]))
    table = publish(relate_answers(responses, question="a", as_of=AS_OF), associations.ASSOCIATIONS)
    assert len(associations.state_associations(table, question="a")) == 1
