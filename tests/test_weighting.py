"""Who answered, and weights that let them stand for all: worked out by hand, and by simulation."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published import publish, read_texts

from segkit.core.errors import SegkitError
from segkit.evidence.experience.respondents import (
    count_respondents,
    count_skipped,
    join_known,
    list_respondents,
)
from segkit.evidence.experience.weighting import (
    find_design_effect,
    rake_weights,
    weight_answers,
    weight_respondents,
)
from segkit.plan.surveys import SurveyWeights
from segkit.report import respondents as told

AS_OF = datetime.date(2026, 6, 30)


def make_responses(rows: list[tuple]) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=["customer_id", "question", "answer"])
    return ibis.memtable(frame.astype({"answer": "str"}).where(frame.notna(), None))


def make_known(levels: dict[str, list[str]]) -> pd.DataFrame:
    count = len(next(iter(levels.values())))
    ids = [f"c{number:05d}" for number in range(count)]
    return pd.DataFrame({"customer_id": ids, "segment_name": "all", **levels})


def test_one_margin_is_the_share_wanted_over_the_share_there():
    """Three young of four should be a half: .5 / .75 each, and the old one .5 / .25."""
    levels = pd.DataFrame({"age": ["young", "young", "young", "old"]})
    found = rake_weights(levels, {"age": {"young": 0.5, "old": 0.5}})
    assert found.weights == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])
    assert found.design_effect == pytest.approx(4 * (3 * 4 / 9 + 4) / 16)


def test_two_margins_are_fitted_by_turns_as_deming_and_stephan_do():
    """A table of 2 x 2 keeps its odds ratio: cells 4, 1, 1, 4 to margins .6 and .3.

    With the ratio 16, p in the first cell solves p (.1 + p) = 16 (.6 - p) (.3 - p).
    """
    cells = {("a", "x"): 4, ("a", "y"): 1, ("b", "x"): 1, ("b", "y"): 4}
    rows = [place for place, count in cells.items() for _one in range(count)]
    levels = pd.DataFrame(rows, columns=["one", "two"])
    targets = {"one": {"a": 0.6, "b": 0.4}, "two": {"x": 0.3, "y": 0.7}}
    found = rake_weights(levels, targets, largest=100)
    sums = pd.Series(found.weights).groupby([levels["one"], levels["two"]]).sum()
    shares = sums / len(levels)
    first = min(np.roots([1 - 16, 0.1 + 16 * 0.9, -16 * 0.18]))
    assert shares["a", "x"] == pytest.approx(first, abs=1e-6)
    assert shares["a"].sum() == pytest.approx(0.6)
    assert shares.xs("x", level="two").sum() == pytest.approx(0.3)
    assert found.gap < 1e-8


def test_even_weights_cost_nothing_and_uneven_ones_what_kish_says():
    assert find_design_effect(np.ones(7)) == 1
    weights = np.array([1.0, 1.0, 4.0])
    cv = weights.std() / weights.mean()
    assert find_design_effect(weights) == pytest.approx(1 + cv**2)


def test_weights_above_the_largest_are_cut_and_the_gap_is_told():
    levels = pd.DataFrame({"age": ["young"] * 99 + ["old"]})
    found = rake_weights(levels, {"age": {"young": 0.5, "old": 0.5}}, largest=5)
    assert found.trimmed_count == 1
    assert found.weights.max() == pytest.approx(5)
    assert found.weights.mean() == pytest.approx(1)
    assert found.gap > 0.3
    free = rake_weights(levels, {"age": {"young": 0.5, "old": 0.5}}, largest=1000)
    assert free.gap < 1e-9
    assert free.trimmed_count == 0


def test_a_level_that_nobody_answered_of_is_refused_with_the_line_to_write():
    levels = pd.DataFrame({"age": ["young", "young"]})
    with pytest.raises(SegkitError) as refused:
        rake_weights(levels, {"age": {"young": 0.9, "old": 0.1}})
    text = str(refused.value)
    assert "old: 10.0% of all, no answer" in text
    assert "[tables.customers.levels] age" in text


def test_a_level_without_a_share_is_refused():
    levels = pd.DataFrame({"age": ["young", "old"]})
    with pytest.raises(SegkitError, match="gives no share"):
        rake_weights(levels, {"age": {"young": 1.0}})


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), min_size=12, max_size=40),
    st.floats(0.2, 0.8),
)
def test_raked_shares_are_the_targets_wherever_every_level_is_there(rows, share):
    rows = [*rows, *[(one, two) for one in "ab" for two in "xyz"]]
    levels = pd.DataFrame(rows, columns=["one", "two"])
    targets = {"one": {"a": share, "b": 1 - share}, "two": {"x": 0.2, "y": 0.3, "z": 0.5}}
    found = rake_weights(levels, targets, largest=1e6)
    assert found.gap < 1e-6
    assert found.weights.mean() == pytest.approx(1)
    assert (found.weights > 0).all()


def test_who_answered_is_compared_level_by_level():
    """Of 100 young 10 answered and of 100 old 50; the two p-values are one, counted twice."""
    known = make_known({"age_band": ["young"] * 100 + ["old"] * 100})
    who = pd.concat([known["customer_id"][:10], known["customer_id"][100:150]])
    table = count_respondents(known, who).set_index(["feature", "level"])
    assert table.loc[("all customers", ""), "respondent_count"] == 60
    young = table.loc[("age_band", "young")]
    assert young["response_share"] == 0.1
    # Pearson's chi-square of 10, 90, 50, 50 is 38.095.
    from scipy.stats import chi2

    assert young["corrected_p_value"] == pytest.approx(2 * chi2.sf(38.0952, 1), rel=1e-3)
    assert table["is_different"].sum() == 2


def test_who_answered_is_told_and_a_small_level_is_not():
    known = make_known({"age_band": ["young"] * 100 + ["old"] * 100})
    who = pd.concat([known["customer_id"][:3], known["customer_id"][100:150]])
    shown = publish(count_respondents(known, who), told.RESPONDENTS)
    rows = shown.frame.set_index(["feature", "level"])["respondent_count"]
    assert pd.isna(rows["age_band", "young"])
    assert pd.isna(rows["age_band", "old"])  # beside the total it would tell the young
    texts = read_texts(told.state_respondents(shown))
    assert texts[0].startswith("53 of 200 customers answered a survey (26.5%")
    assert "young" not in " ".join(texts)


def test_missing_inputs_say_why_in_one_line():
    known = make_known({"age_band": ["young"] * 20})
    for respondents in (None, pd.Series([], dtype=str), pd.Series(["stranger"])):
        shown = publish(count_respondents(known, respondents), told.RESPONDENTS)
        skipped = publish(count_skipped(None, as_of=AS_OF), told.SKIPPED)
        assert len(told.lay_out_respondents(shown, skipped)) == 1
        (finding,) = told.state_respondents(shown)
        assert finding.text.endswith(".")
    assert list_respondents(None, as_of=AS_OF) is None
    weights, summary = weight_respondents(known, None, SurveyWeights(margins=("age_band",)))
    assert weights.empty
    weights, summary = weight_respondents(known, known["customer_id"], SurveyWeights())
    answers = weight_answers(None, weights, as_of=AS_OF)
    tables = [publish(t, v) for t, v in told.list_weight_tables(summary, answers)]
    (exhibit,) = told.lay_out_weights(tables, margins=())
    assert "[surveys.weights]" in exhibit.thing[0].text


def test_questions_left_empty_are_counted():
    rows = [("a", "q", "1"), ("b", "q", ""), ("c", "q", None), ("d", "q", " "), ("a", "r", "x")]
    table = count_skipped(make_responses(rows), as_of=AS_OF).set_index("question")
    assert table["customer_count"].to_dict() == {"q": 4, "r": 1}
    assert table["skipped_count"].to_dict() == {"q": 3, "r": 0}


def test_answers_are_weighted_by_their_customers_last_answer():
    """Young (weight 2/3) say 1, 2, 3 and the old one (2) says 5: (4 + 10) / 4 = 3.5."""
    known = make_known({"age_band": ["young"] * 3 + ["old"] + ["old"] * 2})
    ids = known["customer_id"]
    rows = [(ids[n], "q", str(n + 1)) for n in range(3)] + [(ids[3], "q", "5")]
    rows += [(ids[n], "pick", "tea" if n else "coffee") for n in range(4)]
    responses = make_responses(rows)
    who = list_respondents(responses, as_of=AS_OF)
    weights, summary = weight_respondents(known, who, SurveyWeights(margins=("age_band",)))
    assert summary.loc[0, "effective_count"] == pytest.approx(16 / (3 * 4 / 9 + 4))
    table = weight_answers(responses, weights, as_of=AS_OF).set_index(["question", "answer"])
    assert table.loc[("q", ""), "value"] == 11 / 4
    assert table.loc[("q", ""), "weighted_value"] == pytest.approx(3.5)
    assert table.loc[("pick", "coffee"), "weighted_value"] == pytest.approx(1 / 6)
    assert table.loc[("pick", "tea"), "customer_count"] == 3


def test_shares_from_elsewhere_leave_out_who_is_not_known():
    known = make_known({"gender": ["f", "f", "m", "not known"]})
    wanted = SurveyWeights(targets={"gender": {"f": 0.5, "m": 0.5}})
    weights, summary = weight_respondents(known, known["customer_id"], wanted)
    assert weights["weight"].round(3).tolist() == [0.75, 0.75, 1.5]
    assert summary.loc[0, "left_out_count"] == 1


def test_a_margin_that_is_not_there_is_refused():
    customers = pd.DataFrame({"customer_id": ["a"], "country": ["FI"]})
    segments = pd.DataFrame({"customer_id": ["a"], "segment_name": ["one"]})
    with pytest.raises(SegkitError, match="not known of customers"):
        join_known(customers, segments, SurveyWeights(margins=("age",)))
    known = join_known(
        customers.assign(country=None), segments, SurveyWeights(margins=("country",))
    )
    assert known["country"].tolist() == ["not known"]


def test_a_figure_that_weights_move_is_told():
    known = make_known({"age_band": ["young"] * 300 + ["old"] * 300})
    ids = known["customer_id"]
    rng = np.random.default_rng(1)
    who = [*range(250), *range(300, 360)]
    rows = [(ids[n], "<b>Price</b>", str(rng.integers(1, 3) + 2 * (n >= 300))) for n in who]
    responses = make_responses(rows)
    found = weight_respondents(
        known, list_respondents(responses, as_of=AS_OF), SurveyWeights(margins=("age_band",))
    )
    answers = weight_answers(responses, found[0], as_of=AS_OF)
    tables = [publish(t, v) for t, v in told.list_weight_tables(found[1], answers)]
    texts = read_texts(told.state_weights(tables, margins=("age_band",)))
    assert texts[0].startswith(
        "Weighted by “age band”, the design effect is 1.60"
    )  # 250 weigh .62, 60 weigh 2.58
    assert texts[1].startswith("Of 1 figure, weights move 1")
    assert "“<b>Price</b>”: mean" in texts[2]


@pytest.mark.slow
def test_weighted_intervals_hold_the_truth():
    """Two thirds of the old and a third of the young answer; the mean of all is held 95 in 100."""
    rng = np.random.default_rng(3)
    held = plain = 0
    draws = 60
    for _draw in range(draws):
        old = rng.random(3000) < 0.5
        values = np.clip(np.round(rng.normal(3 + old, 1)), 1, 5).astype(int)
        answered = np.flatnonzero(rng.random(3000) < np.where(old, 0.2, 0.06))
        known = make_known({"age_band": list(np.where(old, "old", "young"))})
        weights, _summary = weight_respondents(
            known, known["customer_id"].iloc[answered], SurveyWeights(margins=("age_band",))
        )
        rows = [(known["customer_id"][n], "q", str(values[n])) for n in answered]
        found = weight_answers(make_responses(rows), weights, as_of=AS_OF).iloc[0]
        held += found["weighted_low"] <= values.mean() <= found["weighted_high"]
        plain += found["low"] <= values.mean() <= found["high"]
    assert held / draws >= 0.88
    assert plain / draws < 0.3
