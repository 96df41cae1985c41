"""The words for features: the contract's, the plan's, and those made of a name."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segkit.contract.features import FEATURES
from segkit.core.errors import PlanError
from segkit.features.wording import (
    check_labels,
    find_words,
    name_feature,
    shorten_end,
    tell_end,
    tell_level,
    word_rule,
)
from segkit.plan.labels import Label
from segkit.plan.models import Plan, Scheme
from segkit.plan.reading import read_plan
from segkit.profiles.segment_profiles import profile_segments
from segkit.report import differences
from segkit.segmentation.documents import fit_segmentation
from tests.published import publish

WORDS = ("label", "more", "less", "none", "yes", "no", "level", "high", "low")
# Zero of these means that there is nothing; zero days or a zero index is a value as any other.
UNITS_OF_NOTHING = ("currency", "currency a year", "orders", "visits", "messages", "calls")
AS_OF = datetime.date(2026, 6, 30)
PLAN = """
name = "wine"
title = "Wine"
owner = "Owner"
scope = "All"
target_market = "All"
budget = "None"
deliverables = ["A list"]
currency = "EUR"
goals = [{ name = "keep", text = "Keep", kpi = "total_spend" }]
schemes = [
    { name = "a", goal = "keep", base = "value", method = "tiers" },
    { name = "b", goal = "keep", base = "value", method = "tiers" },
]

[tables.customers]
path = "customers.csv"
"""
NUMBERS = [feature for feature in FEATURES.values() if feature.kind == "number"]


def list_words(name: str) -> list[str]:
    feature = find_words(name)
    return [getattr(feature, word) for word in WORDS if getattr(feature, word)]


# The contract.


@pytest.mark.parametrize("feature", FEATURES.values(), ids=lambda feature: feature.name)
def test_every_feature_has_its_words(feature):
    assert feature.label
    for text in list_words(feature.name):
        assert "_" not in text
        assert text == text.strip()
    if feature.kind == "number":
        assert feature.more
        assert feature.less
        assert feature.more != feature.less
    if feature.kind == "boolean":
        assert feature.yes
        assert feature.no
    if feature.kind == "category":
        assert feature.level.count("{}") == 1


@pytest.mark.parametrize("feature", NUMBERS, ids=lambda feature: feature.name)
def test_none_is_told_where_zero_means_nothing(feature):
    if feature.unit in UNITS_OF_NOTHING and feature.name != "mean_order_value":
        assert re.match("no |nothing ", feature.none)


def test_no_two_features_have_one_label():
    labels = [feature.label for feature in FEATURES.values()]
    assert len(set(labels)) == len(labels)


# Words for more, less and none.


def test_two_columns_that_say_the_same_are_told_once():
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i:02}" for i in range(40)],
            "quarter_4_share": [0.8, 0.9] * 10 + [0.1, 0.2] * 10,
            "fourth_quarter_share": [0.85, 0.9] * 10 + [0.1, 0.2] * 10,
            "order_count": [1.0, 3.0] * 10 + [2.0, 3.0] * 10,
        }
    )
    segments = customers[["customer_id"]].assign(
        segment=[1] * 20 + [2] * 20, segment_name=["Early"] * 20 + ["Late"] * 20
    )
    profile = profile_segments(customers, segments).assign(segment_count=20)
    shown = publish(profile, differences.PROFILE)
    told, read = differences.describe_differences(shown, "Late", count=3)
    assert told == "less bought in October to December and more orders"
    assert len(read) == 2


@pytest.mark.parametrize(
    ("name", "median", "told"),
    [
        ("child_count", 0, "mostly no children at home"),
        ("child_count", 1, "fewer children at home"),
        ("wish_count", 0, "mostly nothing on the wish list"),
        ("recency_days", 0, "a more recent last order"),  # no days are not nothing
    ],
)
def test_a_segment_of_which_most_have_none_is_said_to_have_none(name, median, told):
    assert tell_end(name, is_more=False, median=median) == told


def test_a_segment_is_named_by_what_most_have_none_of():
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in range(120)],
            "teenager_count": [0.0] * 60 + [1.0, 2.0] * 30,
            "wine_spend": [10.0, 12.0, 11.0] * 20 + [50.0, 52.0, 51.0] * 20,
        }
    )
    labels = {
        "teenager_count": Label(label="teenagers at home", none="no teenagers"),
        "wine_spend": Label(label="spend on wine"),
    }
    names = []
    for told in (labels, {}):
        scheme = Scheme(
            name="s",
            goal="g",
            base="value",
            method="kmeans",
            columns=("teenager_count", "wine_spend"),
            labels=told,
        )
        found, _ = fit_segmentation(customers, scheme, n_segments=2, as_of=AS_OF, random_state=0)
        names.append(sorted(found.names.values()))
    assert names[0] == [
        "Many teenagers at home, high spend on wine",
        "Mostly no teenagers, low spend on wine",
    ]
    # Without words the name is quoted, and none of it is a figure.
    assert names[1] == [
        "High “teenager count”, high “wine spend”",
        "Mostly “teenager count” of 0, low “wine spend”",
    ]


# Values.


@pytest.mark.parametrize(
    ("name", "level", "told"),
    [
        ("has_pets", "True", "with pets"),
        ("has_pets", "no", "without pets"),
        ("consent", "yes", "who may be contacted"),
        ("age_band", "35-44", "aged 35-44"),
        ("order_count", "0", "with no orders"),
        ("household_size", "1", "with 1 person in the household"),
        ("ticket_count", "2 and over", "with at least 2 support tickets"),
        ("night_share", "over 0.05 to 0.5", "with over 5% to 50% of sales before 6 o'clock"),
        ("region", "region 1", "in the region 1"),
        ("region", "Regional", "in the region Regional"),
        ("visitor_type", "New", "with “visitor type” of New"),
        ("has_loan", "yes", "with yes to “has loan”"),
        ("category_share_tents", "up to 0.1", "with up to 10% of sales in “tents”"),
    ],
)
def test_who_has_a_value_is_told_in_words(name, level, told):
    assert tell_level(name, level) == told


def test_a_yes_or_no_of_zero_and_one_is_told_by_its_words():
    labels = {"benefit_one_invoice": Label(label="one invoice", yes="who want one invoice")}
    assert tell_level("benefit_one_invoice", "1", labels) == "who want one invoice"
    assert tell_level("benefit_one_invoice", "0", labels) == "without one invoice"
    assert tell_end("benefit_one_invoice", is_more=True, labels=labels) == "one invoice more often"


@given(st.from_regex(r"[a-z][a-z0-9]{0,8}(_[a-z0-9]{1,8}){0,3}", fullmatch=True))
def test_a_name_without_words_is_told_in_quotation_marks(name):
    if name in FEATURES or name.startswith("category_share_"):
        return
    words = f"“{name.replace('_', ' ')}”"
    assert name_feature(name) == words
    for is_more in (True, False):
        assert words in tell_end(name, is_more=is_more)
        assert words in shorten_end(name, is_more=is_more)


def test_a_rule_names_features_by_their_labels():
    labels = {"age": Label(label="age of the person")}
    rule = "age at most 30 and order count above 2 and at most 5 and country is not order count"
    assert word_rule(rule, labels) == (
        "age of the person at most 30 and orders above 2 and at most 5 and country is not order "
        "count"
    )
    assert word_rule("everyone") == "everyone"


# The plan.


def read_labelled(folder: Path, labels: str, *, features: str = '{ wine_spend = "W" }') -> Plan:
    path = folder / "plan.toml"
    path.write_text(f"{PLAN}features = {features}\n\n[labels]\n{labels}\n", encoding="utf-8")
    return read_plan(path)


def test_the_plan_words_a_feature_and_its_schemes_know(tmp_path):
    plan = read_labelled(tmp_path, 'wine_spend = "spend on wine"')
    assert plan.labels["wine_spend"].label == "spend on wine"
    assert plan.schemes[0].labels == plan.list_labels()
    assert find_words("wine_spend", plan.list_labels()).more == "higher spend on wine"


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        ('wine_spent = "spend on wine"', "there is no feature 'wine_spent' to label"),
        ('wine_spend = "wine_spend"', "write words, without _"),
        ('wine_spend = ""', "at least 1 character"),
        ('wine_spend = { label = "wine", level = "of wine" }', "write {} where the value goes"),
        ('wine_spend = { more = "more wine" }', "labels.wine_spend.label' is missing"),
        ('wine_spend = { label = "wine", mroe = "x" }', "unknown key 'labels.wine_spend.mroe'"),
    ],
)
def test_faults_of_labels_are_told_with_their_line(tmp_path, labels, fault):
    with pytest.raises(PlanError) as error:
        read_labelled(tmp_path, labels)
    told = str(error.value)
    assert fault in told
    assert told.count("line ") == 1  # told once, not once more for each scheme
    where = (tmp_path / "plan.toml").read_text().splitlines().index(labels) + 1
    assert f"line {where}" in told


def test_a_label_of_no_column_is_found_once_the_columns_are_known(tmp_path):
    plan = read_labelled(tmp_path, 'wine_spent = "spend on wine"', features='"all"')
    faults = check_labels(plan, ["wine_spend"])
    assert [fault.message for fault in faults] == ["there is no feature 'wine_spent' to label"]
    assert "wine_spend" in faults[0].fix
    assert not check_labels(plan, ["wine_spent"])
