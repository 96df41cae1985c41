"""Intervals of means of skewed values: by hand, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import publish
from scipy import stats

from segkit.core.skewed_means import MOST_EXPECTED_SKEW, bound_mean, expect_skewness
from segkit.core.statistics import MOST_SKEW, SKEW_FACTOR, find_reach, find_skewed_reach
from segkit.report import sizes


def test_without_skewness_it_is_student_s_interval():
    values = np.array([1.0, 2, 3, 4, 5, 6, 7])
    expected = stats.t.interval(0.95, 6, loc=4, scale=stats.sem(values))
    assert bound_mean(values) == pytest.approx(expected, rel=1e-4)


@given(st.floats(-0.4, 0.4), st.floats(5, 500))
def test_the_ends_are_where_the_transformed_t_is_the_quantile(skew, freedom):
    known = SKEW_FACTOR * skew
    reach = find_reach(freedom)
    for end, sign in zip(find_skewed_reach(skew, freedom=freedom), (1, -1), strict=True):
        t = sign * end
        transformed = t + known / 3 * t**2 + known**2 / 27 * t**3 + known / 6
        if abs(known) < MOST_SKEW:
            assert transformed == pytest.approx(sign * reach, abs=1e-5)


@given(st.floats(0.001, 5), st.floats(0.001, 5))
def test_the_more_skewed_the_further_it_reaches_to_the_side_of_the_large_values(one, other):
    less, more = sorted((one, other))
    assert find_skewed_reach(less)[1] <= find_skewed_reach(more)[1] + 1e-6
    assert find_skewed_reach(-less) == pytest.approx(find_skewed_reach(less)[::-1])


@given(st.integers(0, 1000), st.floats(0.01, 1000), st.floats(-500, 500))
def test_the_interval_moves_and_grows_with_the_values(seed, scale, shift):
    values = np.random.default_rng(seed).normal(size=30) ** 3
    low, high = bound_mean(values)
    moved = bound_mean(shift + scale * values)
    if (shift + scale * values).min() < 0:
        expected = (shift + scale * low, shift + scale * high)
        assert moved == pytest.approx(expected, rel=1e-6, abs=1e-6 * scale)


def test_of_few_or_equal_values_there_is_nothing_to_bound():
    assert np.isnan(bound_mean(np.array([5.0]))).all()
    assert bound_mean(np.array([5.0, 5.0, 5.0])) == (5, 5)
    assert bound_mean(np.array([0.0, 0, 0, 50]))[0] == 0


def test_the_expected_skewness_of_a_lognormal_is_its_own():
    values = np.exp(np.random.default_rng(0).normal(size=200_000))
    assert np.sqrt(200_000) * expect_skewness(values) == pytest.approx(6.185, rel=0.1)
    half = np.where(np.random.default_rng(1).random(200_000) < 0.5, 0, values)
    # By hand: raw moments .824, 3.695, 45.008; variance 3.015, third moment 37.00.
    assert np.sqrt(200_000) * expect_skewness(half) == pytest.approx(7.07, rel=0.1)
    assert expect_skewness(np.full(50, 3.0)) == expect_skewness(np.zeros(50)) == 0


def test_a_mean_is_relied_on_where_its_interval_holds():
    rng = np.random.default_rng(0)
    limit = MOST_EXPECTED_SKEW
    assert expect_skewness(rng.lognormal(0, 1, 50)) <= limit
    assert expect_skewness(rng.gamma(0.5, size=100)) <= limit
    assert expect_skewness(rng.lognormal(0, 3, 200)) > limit


def make_sizes(count: int, skewness: float) -> pd.DataFrame:
    row = {"segment": 1, "segment_name": "Few", "customer_count": count, "customer_share": 0.5}
    row |= {"mean_spend": 900.0, "mean_spend_low": np.nan, "mean_spend_high": np.nan}
    row |= {"median_spend": 80.0, "median_spend_low": 60.0, "median_spend_high": 95.0}
    table = pd.DataFrame([row, row | {"segment": 2, "segment_name": "Many"}])
    return table.assign(mean_spend_skewness=[skewness, 0.3])


def test_the_page_says_which_mean_is_not_to_be_relied_on_and_gives_the_median():
    (told,) = sizes.state_means(publish(make_sizes(60, 25.0), sizes.SIZES))
    assert "“Few”" in told.text
    assert "is not to be relied on" in told.text
    assert "60.00 to" in told.text.replace("EUR\N{NO-BREAK SPACE}", "")
    assert sizes.state_means(publish(make_sizes(60, 19.9), sizes.SIZES)) == []


def test_of_a_segment_too_small_for_amounts_nothing_is_said_of_its_mean_or_median():
    shown = publish(make_sizes(7, 25.0), sizes.SIZES)
    money = [name for name in shown.frame if "_spend" in name]
    assert shown.frame[money].isna().all(axis=None)
    assert sizes.state_means(shown) == []
