"""Simulated verdicts and intervals of segments, with few draws; `make simulate` runs many."""

from __future__ import annotations

import pandas as pd
import pytest
from simulations import coverage_profiles, coverage_segments, verdicts


def test_noise_is_never_a_finding_and_gets_a_no():
    found = verdicts.simulate(1, 7, noise=("mixed",), mixtures=(), pairs=4, n_customers=300)
    assert found["segment_count"].tolist() == [2, 3, 4, 5, 6]
    assert set(found["kind"]) <= {"none", "constructive"}
    assert set(found["verdict"]) == {"no"}


@pytest.mark.parametrize("count", [3])
def test_of_clear_groups_the_true_number_is_chosen(count):
    found = verdicts.simulate(1, 7, noise=(), mixtures=(count,), pairs=5)
    assert set(found["chosen_count"]) == {count}
    assert set(found["verdict"]) == {"yes"}
    assert found.set_index("segment_count").loc[count, "kind"] == "natural"


def test_draws_are_judged_right_or_wrong_by_hand():
    rows = [("a noise", 0, 1, 2, "no", "none"), ("a noise", 1, 1, 2, "no", "reproducible")]
    rows += [("3 groups", 0, 3, 3, "yes", "natural"), ("3 groups", 1, 3, 3, "no", "natural")]
    rows += [("3 groups", 2, 3, 4, "yes", "natural")]
    names = ["drawn", "repeat", "true_count", "chosen_count", "verdict", "kind"]
    found = verdicts.summarise(pd.DataFrame(rows, columns=names))
    assert found["right"].tolist() == [1, 1]
    assert found["draws"].tolist() == [2, 3]


def test_intervals_of_segments_hold_the_truth_about_as_often_as_they_say():
    found = coverage_segments.simulate(8, 3, n_customers=300, pairs=15)
    assert found.shape == (9, 7)
    assert found["coverage"].mean() > 0.8
    again = coverage_segments.simulate(2, 3, n_customers=300, pairs=5)
    pd.testing.assert_frame_equal(again, coverage_segments.simulate(2, 3, n_customers=300, pairs=5))


def test_intervals_of_skewed_spend_hold_the_truth_where_they_are_shown():
    kinds = [(1.0, 100), (2.0, 100)]
    found = coverage_segments.simulate_skewed(12, 3, kinds=kinds, pairs=20)
    assert found["coverage"].min() > 0.8
    assert found["shown_and_wrong"].max() <= 0.15
    shown = found.set_index(["figure", "spread"])["shown_share"]
    assert shown["mean_value", 1.0] == shown["median_value", 2.0] == 1
    assert shown["mean_value", 2.0] < 0.6


def test_intervals_of_differences_and_accuracies_hold_the_truth_about_as_often_as_they_say():
    found = coverage_profiles.simulate(60, 3)
    found = pd.concat([found, coverage_profiles.simulate_accuracy(6, 3)])
    assert found["coverage"].mean() > 0.88
    assert found["coverage"].min() > 0.7
    effects = found[found["figure"] == "effect size"]
    assert (effects["estimate"] - effects["truth"]).abs().max() < 0.12
