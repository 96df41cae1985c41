"""What customers say beside what they do."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from scipy.stats import ttest_ind

from segkit.core.contrasts import compare_means
from segkit.core.errors import SegkitError
from segkit.core.settings import Settings
from segkit.evidence.common_trends import ATTITUDE, Said, find_common_trends, list_said
from segkit.plan.bases import ChoiceQuestion, Scale
from segkit.plan.surveys import Pair, Surveys
from segkit.report import common_trends

AT = Settings(as_of=datetime.date(2026, 6, 30), smallest_cell=5)
WAYS = {"said": "benefit_price", "done": "discount_share"}


class Plan:
    """As much of a plan as is asked for."""

    def __init__(self, scales=(), choices=(), surveys=None):
        self.scales, self.choices, self.surveys = scales, choices, surveys or Surveys()

    def list_labels(self):
        return {}


PRICE = Scale(name="price", base="benefit", questions=("A low price matters",))


def make_customers(says: np.ndarray, does: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    ids = [f"c{number:04d}" for number in range(len(says))]
    customers = pd.DataFrame(
        {"customer_id": ids, "benefit_price": np.where(says, 4.0, 3.0), "discount_share": does}
    )
    names = np.where(np.arange(len(ids)) % 2, "odd", "even")
    return customers, pd.DataFrame({"customer_id": ids, "segment_name": names})


def compare(says: np.ndarray, does: np.ndarray, **more) -> pd.DataFrame:
    customers, segments = make_customers(says, does)
    said = list_said({}, customers, Plan([PRICE]), as_of=AT.as_of)
    return find_common_trends(said, customers, segments, at=AT, **more)


def test_the_difference_is_welchs():
    rng = np.random.default_rng(0)
    one, other = rng.normal(1, 2, 40), rng.normal(0, 1, 25)
    difference, low, high, p_value = compare_means(one, other)
    found = ttest_ind(one, other, equal_var=False)
    interval = found.confidence_interval()
    assert difference == pytest.approx(one.mean() - other.mean())
    assert (low, high) == pytest.approx((interval.low, interval.high))
    assert p_value == pytest.approx(found.pvalue)


@pytest.mark.parametrize("groups", [([], [1.0]), ([1.0], [2.0, 3.0]), ([1.0, 1.0], [1.0, 1.0])])
def test_where_nothing_varies_no_interval_is_known(groups):
    one, other = (np.array(group) for group in groups)
    assert np.isnan(compare_means(one, other)[1:]).all()


def test_words_and_deeds_agree_where_the_difference_is_as_expected():
    """Who says so has .30, .31 ... and who does not .10, .11 ...: .2 apart."""
    says = np.arange(40) < 20
    does = np.where(says, 0.3, 0.1) + np.arange(40) % 20 / 100
    (row,) = compare(says, does).to_dict("records")
    assert row["difference"] == pytest.approx(0.2)
    assert (row["said_count"], row["other_count"]) == (20, 20)
    assert row["outcome"] == "agree"
    assert (row["compared_segments"], row["agreeing_segments"]) == (2, 2)


def test_they_contradict_each_other_where_it_is_the_other_way():
    says = np.arange(40) < 20
    does = np.where(says, 0.1, 0.3) + np.arange(40) % 20 / 100
    table = compare(says, does)
    assert table["outcome"].tolist() == ["contradict"]
    texts = read_texts(common_trends.state_trends(publish(table, common_trends.TRENDS)))
    assert texts[0].startswith("Of 1 pair of something said")
    assert "for more was expected: discount as a share of sales, mean" in texts[1]
    assert "−20.0 (" in texts[1]


def test_and_nothing_is_shown_where_chance_would_do():
    says = np.arange(40) % 4 < 2
    does = np.arange(40) % 7 / 10
    assert compare(says, does)["outcome"].tolist() == ["not shown"]


def test_too_few_on_a_side_are_no_pair():
    says = np.arange(40) < 9
    assert compare(says, np.arange(40) / 40).empty
    customers, segments = make_customers(np.arange(40) < 12, np.arange(40) / 40)
    said = list_said({}, customers, Plan([PRICE]), as_of=AT.as_of)
    strict = Settings(as_of=AT.as_of, smallest_cell=20)
    assert find_common_trends(said, customers, segments, at=strict).empty


def test_a_pair_of_the_plan_is_added_and_one_that_is_not_there_refused():
    says = np.arange(40) < 20
    does = np.where(says, 0.3, 0.1) + np.arange(40) % 20 / 100
    pair = Pair(said="benefit_price", done="discount_share", expected="less")
    assert compare(says, does, pairs=[pair])["expected"].tolist() == ["more"]  # once each
    for wrong in ({"said": "benefit_prise"}, {"done": "discount_shar"}):
        with pytest.raises(SegkitError, match="names what is not there") as refused:
            compare(says, does, pairs=[Pair(**{**WAYS, "expected": "more", **wrong})])
        assert "Did you mean" in str(refused.value)


def test_what_is_said_is_read_from_choices_topics_themes_and_recommending():
    customers = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "needs_purpose": ["Gifts", "Work", None],
            "benefit_low_prices": [1.0, 0.0, np.nan],
        }
    )
    tickets = ibis.memtable(
        pd.DataFrame({"customer_id": ["a", "a", "b"], "topic": ["late", "late", "size"]})
    )
    responses = ibis.memtable(
        pd.DataFrame({"customer_id": ["a", "b", "c"], "question": "R?", "answer": ["10", "8", "1"]})
    )
    choices = [
        ChoiceQuestion(name="purpose", base="needs", question="For?"),
        ChoiceQuestion(
            name="more", base="benefit", question="More?", separator=";",
            options={"low_prices": "Low prices"},
        ),
    ]  # fmt: skip
    themes = pd.DataFrame(
        [("a", "s", "parcel"), ("a", "s", ""), ("b", "s", "")],
        columns=["customer_id", "source", "words"],
    )
    plan = Plan(choices=choices, surveys=Surveys(recommendation="R?"))
    tables = {"tickets": tickets, "responses": responses}
    found = list_said(tables, customers, plan, themes=themes, as_of=AT.as_of)
    said = {one.name: one.says.astype(bool).to_dict() for one in found}
    assert said["recommendation"] == {"a": True, "c": False}
    assert said["needs_purpose Gifts"] == {"a": True, "b": False}
    assert said["benefit_low_prices"] == {"a": True, "b": False}
    assert said["late"] == {"a": True, "b": False}
    assert said["parcel"] == {"a": True, "b": False}


def test_without_anything_said_one_line_says_so():
    customers, segments = make_customers(np.arange(4) < 2, np.zeros(4))
    table = find_common_trends([], customers, segments, at=AT)
    (exhibit,) = common_trends.lay_out_trends(publish(table, common_trends.TRENDS))
    assert "[[surveys.pairs]]" in exhibit.thing[0].text
    assert (
        list_said({}, customers.drop(columns="benefit_price"), Plan([PRICE]), as_of=AT.as_of) == []
    )


def test_one_customer_who_makes_a_mean_hides_it():
    customers, segments = make_customers(np.arange(60) < 30, np.zeros(60))
    customers["total_spend"] = np.where(np.arange(60) == 0, 1e9, 1.0)
    said = [Said(ATTITUDE, "x", "x", pd.Series(np.arange(60) < 30, index=customers["customer_id"]),
                 column="benefit_price")]  # fmt: skip
    pair = Pair(said="benefit_price", done="total_spend", expected="more")
    table = find_common_trends(said, customers, segments, pairs=[pair], at=AT)
    shown = publish(table, common_trends.TRENDS).frame
    assert shown["said_mean"].isna().all()


@pytest.mark.slow
def test_alike_customers_are_seldom_said_to_agree_or_contradict():
    rng = np.random.default_rng(5)
    told = 0
    for _seed in range(100):
        says = rng.random(120) < 0.4
        told += (compare(says, rng.exponential(1, 120))["outcome"] != "not shown").any()
    assert told / 100 <= 0.11
