"""Intervals, tests and corrections come from one place, and agree with what was published."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from segkit.core.contrasts import compare_with_others
from segkit.core.statistics import (
    bound_clustered_share,
    bound_estimate,
    bound_resampled_mean,
    bound_share,
    bound_share_difference,
    correct_p_values,
    find_mean_p_value,
    find_reach,
    find_share_p_value,
    measure_agreement,
)


# Newcombe (1998), Statistics in Medicine 17, table II, method 10: two shares and their interval.
@pytest.mark.parametrize(
    ("one", "other", "interval"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_the_interval_of_a_difference_of_shares_is_that_of_newcombe_s_table(one, other, interval):
    hits, trials, other_hits, other_trials = (np.array([n]) for n in (*one, *other))
    low, high = bound_share_difference(
        hits, trials, other_hits=other_hits, other_trials=other_trials
    )
    assert (low[0], high[0]) == pytest.approx(interval, abs=5e-5)


def test_the_interval_of_a_share_lies_within_0_and_1_and_nothing_tried_has_none():
    low, high = bound_share([0, 5, 0], [5, 5, 0])
    assert low[:2].tolist() == pytest.approx([0, 1 - high[0]])
    assert high[1] == 1
    assert np.isnan([low[2], high[2]]).all()


def test_the_test_of_shares_is_pearson_s_chi_square_and_says_nothing_without_trials():
    arrays = [
        np.array(n, float) for n in ((30, 0, 7, 3), (40, 9, 7, 3), (30, 0, 4, 0), (60, 8, 4, 0))
    ]
    hits, trials, other_hits, other_trials = arrays
    found = find_share_p_value(hits, trials, other_hits=other_hits, other_trials=other_trials)
    table = [[30, 10], [30, 30]]
    expected = stats.chi2_contingency(table, correction=False).pvalue
    assert found[:3].tolist() == pytest.approx([expected, 1, 1])
    assert np.isnan(found[3])


def test_the_test_of_means_is_that_of_scipy():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=12), rng.normal(1, 3, size=40)
    expected = stats.ttest_ind(one, other, equal_var=False).pvalue
    assert find_mean_p_value(one, other) == pytest.approx(expected, rel=1e-9)


def test_p_values_are_corrected_together_and_a_missing_one_is_no_comparison():
    corrected = correct_p_values(np.array([0.01, 0.04, np.nan, 0.03]))
    assert corrected.tolist() == pytest.approx([0.03, 0.06, np.nan, 0.06], nan_ok=True)
    assert np.isnan(correct_p_values(np.array([np.nan, np.nan]))).all()
    assert len(correct_p_values(np.array([]))) == 0


def test_an_interval_reaches_1_96_errors_and_further_with_few_values_or_many_comparisons():
    assert find_reach() == pytest.approx(1.959963985)
    assert find_reach(3) == pytest.approx(3.182446305)
    assert find_reach(comparison_count=5) == pytest.approx(stats.norm.ppf(1 - 0.005))
    assert bound_estimate(10.0, 2.0, freedom=3) == pytest.approx((3.63511, 16.36489), abs=1e-5)


def test_folds_that_share_training_rows_have_a_wider_interval():
    values = np.array([0.75, 0.85, 0.75, 0.85])
    low, high = bound_resampled_mean(values, 0.25)
    plain = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert low < plain[0] < plain[1] < high


def test_years_of_one_order_agree_and_years_without_any_do_not():
    rising = np.tile(np.arange(12.0), (3, 1))
    assert measure_agreement(rising)[2] == pytest.approx(1)
    assert measure_agreement(np.vstack([rising, rising[:, ::-1]]))[2] == pytest.approx(0)
    assert measure_agreement(np.ones((3, 12))) == (0, 1, 0)


def test_a_share_is_compared_with_all_others_and_corrected():
    whole = {"whole_hits": np.array([50.0] * 4), "whole_trials": np.array([120.0] * 4)}
    hits, trials = np.array([30.0, 20, 0, 50]), np.array([50.0, 70, 0, 120])
    found = compare_with_others(hits, trials, **whole)
    assert found["other_share"][:2] == pytest.approx([20 / 70, 30 / 50])
    # Pearson's chi-square of 30 of 50 and 20 of 70 is 11.85 with one degree of freedom.
    alone = stats.chi2_contingency([[30, 20], [20, 50]], correction=False).pvalue
    assert found["corrected_p_value"][:2] == pytest.approx([2 * alone] * 2)
    for name in ("other_share", "corrected_p_value"):
        assert np.isnan(found[name][2:]).all(), "nobody there, and nobody else"
    assert found["is_different"].tolist() == [True, True, False, False]


def test_holm_s_correction_is_that_of_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p_values = np.random.default_rng(4).uniform(0, 0.2, 40).round(2)  # with ties
    expected = multipletests(p_values, method="holm")[1]
    assert correct_p_values(p_values) == pytest.approx(expected, abs=0)
    with_gap = correct_p_values(np.insert(p_values, 3, np.nan))
    assert np.isnan(with_gap[3])
    assert np.delete(with_gap, 3) == pytest.approx(expected, abs=0)


def test_one_definition_of_clustered_shares_knows_the_design_effect_of_all():
    same = {"hit_squares": 80.0, "products": 80.0, "trial_squares": 160.0, "clusters": 10}
    # Five customers of four hits, five of none: 40 trials are worth ten.
    low, high = bound_clustered_share(20.0, 40.0, **same, design_effect=1.0)
    assert (low, high) == pytest.approx(bound_share(5, 10))
    narrow = bound_clustered_share(20.0, 40.0, **same)
    assert narrow[0] < low, "few customers widen it where no larger group stands in"
    none = {"hit_squares": 0.0, "products": 0.0, "trial_squares": 160.0, "clusters": 10}
    assert bound_clustered_share(0.0, 40.0, **none, design_effect=4.0) == pytest.approx(
        bound_share(0, 10)
    )
