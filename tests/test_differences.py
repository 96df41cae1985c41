"""What sets segments apart: effect sizes, intervals, corrections, rules and the quiz."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError
from segkit.profiles.descriptors import count_descriptor
from segkit.profiles.differences import (
    compare_means,
    compare_shares,
    correct_comparisons,
    judge_levels,
    mark_columns,
    rank_descriptors,
)
from segkit.profiles.quiz import build_quiz, make_scheme, write_scheme
from segkit.profiles.segment_profiles import keep_own_differences, profile_segments
from segkit.segmentation.documents import Segmentation, fit_segmentation
from segkit.validation.reach import fit_surrogate, measure_reach
from segkit.validation.separation import project_segments

HOSTILE = ["it's", '"quoted"', "<script>alert(1)</script>", "\U0001f600", "a; drop table x --"]
SEEDS = {"random_state": 3}


def make_customers(labels: np.ndarray, **columns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return customers, and the segments that ``labels`` (from 1) give them."""
    names = [f"c{i:05}" for i in range(len(labels))]
    customers = pd.DataFrame({"customer_id": names, **columns})
    texts = [f"segment {n}" for n in labels]
    segments = pd.DataFrame({"customer_id": names, "segment": labels, "segment_name": texts})
    return customers, segments


def test_the_effect_size_of_four_and_four_values_by_hand():
    # Means 3 and 1, both variances 4/3 of sum of squares 4: g = 2 / 1.1547 * (1 - 3 / 23).
    values = np.array([2.0, 2, 4, 4, 0, 0, 2, 2])
    found = compare_means(values, np.arange(8) < 4)
    assert found["effect_size"] == pytest.approx(2 / np.sqrt(4 / 3) * (1 - 3 / 23), rel=2e-3)
    assert found["effect_low"] < found["effect_size"] < found["effect_high"]
    # Welch's t is 2 / sqrt(1/3 + 1/3) = 2.449 with six degrees of freedom.
    assert found["p_value"] == pytest.approx(0.0498, abs=5e-4)


def test_the_effect_size_does_not_change_with_the_unit_and_huge_values_do_no_harm():
    rng = np.random.default_rng(0)
    values, here = rng.normal(size=200), np.arange(200) < 60
    one, other = compare_means(values, here), compare_means(values * 1e200, here)
    assert one == pytest.approx(other)


@pytest.mark.parametrize("count", [0, 1])
def test_a_segment_of_nobody_or_one_has_no_effect_size(count):
    found = compare_means(np.arange(10.0), np.arange(10) < count)
    assert np.isnan(found["effect_size"])


def test_a_difference_of_shares_by_hand():
    # 30 of 40 here and 30 of 60 elsewhere: .75 against .50.
    table = compare_shares(np.array([[30, 10], [30, 30]]), np.array([40, 60]))
    first = table.iloc[0]
    assert first["difference"] == pytest.approx(0.25)
    pooled = np.sqrt(0.6 * 0.4 * (1 / 40 + 1 / 60))
    assert first["p_value"] == pytest.approx(2 * norm.sf(0.25 / pooled))
    assert first["residual"] == pytest.approx((30 - 24) / np.sqrt(24))
    assert 0 < first["difference_low"] < 0.25 < first["difference_high"] < 1


def test_holm_s_correction_by_hand():
    table = correct_comparisons(pd.DataFrame({"p_value": [0.01, 0.04, np.nan, 0.03]}))
    assert table["adjusted_p_value"].tolist()[:2] == pytest.approx([0.03, 0.06])
    assert np.isnan(table["adjusted_p_value"].iloc[2])
    assert table["set_apart"].tolist() == [True, False, False, False]


def test_a_column_of_truths_is_a_marker_by_a_quarter_or_by_half_of_the_base():
    profile = pd.DataFrame(
        {
            "mean": [0.76, 0.70, 0.16, 0.12, 3.0, 3.0],
            "base_mean": [0.50, 0.50, 0.10, 0.10, 1.0, 1.0],
            "is_binary": [True, True, True, True, False, False],
            "difference_sd": [0.5, 0.4, 0.2, 0.1, 0.6, 0.4],
        }
    )
    assert mark_columns(profile).tolist() == [True, False, True, False, True, False]


@pytest.fixture(scope="module")
def planted():
    """Three segments that two of ten columns tell apart; a column of hostile texts is noise."""
    rng = np.random.default_rng(1)
    labels = rng.integers(1, 4, 900)
    columns = {f"noise_{i}": rng.normal(size=900) for i in range(7)}
    columns["orders"] = np.where(labels == 1, rng.uniform(10, 20, 900), rng.uniform(0, 9, 900))
    columns["channel"] = np.where(labels == 2, "web's", "app")
    columns["note"] = rng.choice(HOSTILE, 900)
    return make_customers(labels, **columns)


def list_columns(customers: pd.DataFrame) -> list[str]:
    return [name for name in customers.columns if name != "customer_id"]


def test_what_is_planted_is_set_apart_and_noise_is_not(planted):
    customers, segments = planted
    profile = profile_segments(customers, segments)
    apart = profile[profile["set_apart"]]
    assert set(apart["feature"]) == {"orders"}
    assert profile.query("feature == 'orders' and segment == 1")["is_marker"].all()
    kept = keep_own_differences(profile, count=1)
    assert set(kept["feature"]) == {"orders"}


def test_columns_that_made_the_segments_are_not_tested(planted):
    customers, segments = planted
    profile = profile_segments(customers, segments, made_by=["orders"])
    assert profile.query("feature == 'orders'")["by_construction"].all()
    assert not profile.query("feature == 'orders'")["set_apart"].any()


def test_what_a_stage_is_told_from_is_not_tested_where_the_stage_made_the_segments(planted):
    customers, segments = planted
    renamed = customers.rename(columns={"orders": "recency_days"})
    profile = profile_segments(renamed, segments, made_by=["journey_stage"])
    assert profile.query("feature == 'recency_days'")["by_construction"].all()
    assert not profile.query("feature == 'noise_0'")["by_construction"].any()


def test_the_descriptor_that_goes_furthest_comes_first(planted):
    customers, segments = planted
    parts = [
        count_descriptor(customers, segments, name).assign(descriptor=name)
        for name in ("note", "channel")
    ]
    ranked = rank_descriptors(judge_levels(pd.concat(parts, ignore_index=True)))
    assert ranked["descriptor"].tolist() == ["channel", "note"]
    assert ranked["set_apart_count"].tolist()[1] == 0
    assert 0.9 < ranked["cramers_v"].iloc[0] <= 1


def test_outlines_are_drawn_of_segments_and_never_of_few(planted):
    customers, segments = planted
    found = project_segments(customers, segments, columns=["orders", "channel", "noise_0"])
    assert set(found.outlines["segment"]) == {1, 2, 3}
    few = project_segments(customers.head(7), segments.head(7), columns=["orders", "noise_0"])
    assert few.outlines.empty


def test_rules_place_unseen_customers_and_are_written_in_plain_words(planted):
    customers, segments = planted
    columns = list_columns(customers)
    found = fit_surrogate(customers, segments, columns=columns, **SEEDS)
    assert found.accuracy > 0.95 > found.baseline_accuracy
    assert set(found.columns) == {"orders", "channel"}
    assert found.rules["customer_count"].sum() == 900
    assert not found.rules["rule"].str.contains("noise").any()
    quick = measure_reach(customers, segments["segment"].to_numpy(), columns=columns, **SEEDS)
    assert quick == pytest.approx(found.accuracy, abs=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_on_noise_the_accuracy_is_that_of_guessing(seed):
    rng = np.random.default_rng(seed)
    labels = rng.choice([1, 2, 3], 600, p=[0.5, 0.3, 0.2])
    columns = {f"noise_{i}": rng.normal(size=600) for i in range(6)}
    customers, segments = make_customers(labels, **columns)
    found = fit_surrogate(customers, segments, columns=list(columns), random_state=seed)
    assert found.accuracy < found.baseline_accuracy + 0.04
    quick = measure_reach(customers, labels, columns=list(columns), random_state=seed)
    assert quick < found.baseline_accuracy + 0.04


def test_the_order_of_customers_changes_nothing(planted):
    customers, segments = planted
    columns = list_columns(customers)
    one = fit_surrogate(customers, segments, columns=columns, **SEEDS)
    other = fit_surrogate(customers[::-1], segments, columns=columns, **SEEDS)
    pd.testing.assert_frame_equal(one.rules, other.rules)
    assert one.accuracy == other.accuracy


@pytest.fixture(scope="module")
def asked(planted):
    customers, segments = planted
    return build_quiz(customers, segments, columns=list_columns(customers), **SEEDS)


@pytest.mark.slow
def test_two_of_ten_questions_suffice(asked):
    assert set(asked.questions) == {"orders", "channel"}
    row = asked.steps.iloc[asked.step_count - 1]
    assert row["accuracy"] >= asked.wanted_accuracy
    assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]


@pytest.mark.slow
def test_the_quiz_as_a_document_places_customers_as_its_rules_do(planted, asked):
    customers, segments = planted
    scheme = make_scheme(asked, "quiz", goal="grow", base="needs")
    options = {"n_segments": 3, "as_of": datetime.date(2026, 6, 30), **SEEDS}
    document, _ = fit_segmentation(customers, scheme, **options)
    placed = Segmentation.model_validate_json(document.to_json()).assign(customers)
    by_name = placed["segment_name"].value_counts()
    told = asked.rules.groupby("segment_name")["customer_count"].sum()
    assert by_name.reindex(told.index).tolist() == told.tolist()
    assert (placed["segment_name"].to_numpy() == segments["segment_name"]).mean() > 0.95


def test_long_names_of_segments_are_cut_and_stay_apart(planted):
    customers, segments = planted
    names = "Low rest and relax, low not exceed planned budget, low free and easy " + (
        segments["segment"].astype(str)
    )
    own = segments.assign(segment_name=names)
    quiz = build_quiz(customers, own, columns=["orders", "channel"], **SEEDS)
    scheme = make_scheme(quiz, "quiz", goal="grow", base="needs")
    options = {"n_segments": 3, "as_of": datetime.date(2026, 6, 30), **SEEDS}
    document, _ = fit_segmentation(customers, scheme, **options)
    placed = document.assign(customers)["segment_name"]
    assert placed.str.len().max() <= 60
    assert placed.groupby(names.to_numpy()).agg(lambda own: own.mode()[0]).nunique() == 3


def test_the_quiz_is_written_as_a_plan_holds_it(asked):
    import tomllib

    scheme = make_scheme(asked, "quiz", goal="grow", base="needs")
    content = tomllib.loads(write_scheme(scheme))
    assert content["schemes"][0]["rules"] == [rule.model_dump() for rule in scheme.rules]


def test_hostile_levels_can_be_asked_for():
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 6, 500)
    customers, segments = make_customers(labels, note=np.array(HOSTILE)[labels - 1])
    quiz = build_quiz(customers, segments, columns=["note"], **SEEDS)
    scheme = make_scheme(quiz, "quiz", goal="grow", base="needs")
    options = {"n_segments": 5, "as_of": datetime.date(2026, 6, 30), **SEEDS}
    document, _ = fit_segmentation(customers, scheme, **options)
    placed = document.assign(customers)
    assert (placed["segment_name"].to_numpy() == segments["segment_name"]).all()


@pytest.mark.parametrize(
    ("labels", "value"), [([1], 2.0), ([1] * 30, 2.0), ([1, 2] * 15, np.nan), ([1, 2] * 15, 5.0)]
)
def test_where_nothing_can_be_told_apart_a_reason_is_given(labels, value):
    customers, segments = make_customers(np.array(labels), x=value)
    found = fit_surrogate(customers, segments, columns=["x"], **SEEDS)
    quiz = build_quiz(customers, segments, columns=["x"], **SEEDS)
    assert found.rules.empty
    assert quiz.rules.empty
    assert len(explain_empty(found.rules)) > 10
    assert write_scheme(make_scheme(quiz, "quiz", goal="g", base="needs")).startswith("#")
    profile_segments(customers, segments)


def test_a_column_that_is_not_there_is_named(planted):
    customers, segments = planted
    with pytest.raises(SegkitError, match="no column 'order'"):
        fit_surrogate(customers, segments, columns=["order"], **SEEDS)
