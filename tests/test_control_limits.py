"""Control limits by hand, and how often a month of nothing but chance is called a signal."""

from __future__ import annotations

import numpy as np
import pytest

from segkit.core.clustered import (
    bound_share_of_customers,
    bound_total,
    count_effective,
    find_clustered_share_p_value,
    find_lot_p_value,
    find_median_levels,
    find_ratio_p_value,
)
from segkit.core.control_limits import INDIVIDUALS, LANEY, SHARES, find_limits, find_runs
from segkit.core.statistics import bound_share, find_share_p_value


def test_limits_of_amounts_are_the_mean_and_2_66_mean_moving_ranges():
    values = np.array([10.0, 12, 10, 12, 10, 12, 10, 12, 10, 12, 10, 12])
    limits = find_limits(values)
    assert limits.chart == INDIVIDUALS
    assert limits.centre == 11
    assert limits.high[0] == pytest.approx(11 + 2.66 * 2)
    assert limits.low[-1] == pytest.approx(11 - 2.66 * 2)
    assert not limits.is_outside.any()
    values[5] = 40
    assert find_limits(values).is_outside.nonzero()[0].tolist() == [5]


def test_limits_of_shares_are_three_standard_errors_wider_where_trials_are_few():
    values = np.array([0.2, 0.19, 0.21, 0.2, 0.19, 0.21, 0.2, 0.19, 0.21, 0.2, 0.2, 0.2])
    trials = np.array([100.0] * 11 + [400.0])
    limits = find_limits(values, trials)
    centre = (values * trials).sum() / trials.sum()
    assert (limits.chart, limits.centre) == (SHARES, pytest.approx(centre))
    reach = 3 * np.sqrt(centre * (1 - centre) / 100)
    assert limits.high[0] == pytest.approx(centre + reach)
    assert limits.high[-1] == pytest.approx(centre + reach / 2)


def test_shares_that_vary_more_than_chance_have_laney_s_limits():
    values = np.array([0.1, 0.3] * 6)
    trials = np.full(12, 400.0)
    limits = find_limits(values, trials)
    error = np.sqrt(0.2 * 0.8 / 400)
    spread = (0.2 / error) / 1.128  # the mean moving range of the scores, over 1.128
    assert limits.chart == LANEY
    assert limits.spread == pytest.approx(spread)
    assert limits.high[0] == pytest.approx(min(0.2 + 3 * error * spread, 1))
    assert limits.low[0] == 0


def test_eight_months_on_one_side_are_a_run_and_a_gap_ends_it():
    values = np.array([1.0] * 8 + [-1.0])
    assert find_runs(values, 0.0).nonzero()[0].tolist() == [7]
    values[3] = np.nan
    assert not find_runs(values, 0.0).any()
    values[3] = 0.0  # on the centre is on no side
    assert not find_runs(values, 0.0).any()


@pytest.mark.parametrize(
    ("values", "trials"),
    [
        (np.arange(11.0), None),
        (np.append(np.arange(11.0), np.nan), None),
        (np.full(12, 0.5), np.append(np.full(11, 9.0), 0.0)),
        (np.array([]), None),
    ],
)
def test_fewer_than_twelve_known_months_have_no_limits(values, trials):
    limits = find_limits(values, trials)
    assert limits.chart == ""
    assert np.isnan(limits.high).all()
    assert not limits.is_outside.any()
    assert not limits.is_run.any()


@pytest.mark.parametrize("level", [0.0, 1.0, 7.0, 1e300])
def test_what_never_changes_is_no_signal(level):
    limits = find_limits(np.full(24, level))
    assert not limits.is_outside.any()
    if level <= 1:
        limits = find_limits(np.full(24, level), np.full(24, 50.0))
        assert not limits.is_outside.any()


def test_one_far_month_does_not_make_a_run_of_the_others():
    limits = find_limits(np.array([10.0, 12] * 7 + [60.0]))
    assert limits.is_outside.nonzero()[0].tolist() == [14]
    assert not limits.is_run.any()


def count_signals(draw, rng, *, times: int = 400) -> tuple[float, float]:
    """Return the share of points outside, and of series with any signal, where nothing happens."""
    outside = 0.0
    any_signal = 0
    for _ in range(times):
        values, trials = draw(rng)
        limits = find_limits(values, trials)
        outside += limits.is_outside.mean()
        any_signal += bool((limits.is_outside | limits.is_run).any())
    return outside / times, any_signal / times


def draw_amounts(rng):
    return rng.normal(100, 10, 24), None


def draw_shares(rng):
    trials = rng.integers(80, 400, 24).astype(float)
    return rng.binomial(trials.astype(int), 0.15) / trials, trials


def draw_uneven_shares(rng):
    trials = rng.integers(200, 400, 24).astype(float)
    level = rng.beta(30, 170, 24)  # shares vary by themselves, beside the chance of each row
    return rng.binomial(trials.astype(int), level) / trials, trials


@pytest.mark.parametrize("draw", [draw_amounts, draw_shares, draw_uneven_shares])
def test_chance_alone_seldom_makes_a_signal(draw):
    outside, any_signal = count_signals(draw, np.random.default_rng(11))
    assert outside < 0.012  # of months; three standard errors leave out .003
    assert any_signal < 0.25  # of series of 24 months, with either rule


def test_a_shift_of_the_level_is_found():
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(100):
        values = rng.normal(100, 10, 24)
        values[14:] += 40
        limits = find_limits(values)
        found += bool((limits.is_outside | limits.is_run)[14:].any())
    assert found > 90


# Figures whose rows belong to customers.


def test_a_row_each_is_the_usual_interval_and_test():
    hits = np.array([1.0] * 140 + [0.0] * 460)
    assert count_effective(hits, np.ones(600)) == 600
    assert bound_share_of_customers(hits, np.ones(600)) == pytest.approx(bound_share(140, 600))
    is_own = np.arange(600) % 3 == 0
    own = hits[is_own].sum()
    found = find_clustered_share_p_value(hits, np.ones(600), is_own)
    usual = find_share_p_value(
        np.array([own]),
        np.array([200.0]),
        other_hits=np.array([140 - own]),
        other_trials=np.array([400.0]),
    )
    assert found == pytest.approx(usual[0])


def test_lot_decides_of_small_groups():
    values = np.arange(6.0)
    rest = values - values.mean()
    # Of the 20 ways to take three of six, two are as far apart as 0, 1, 2 and 3, 4, 5.
    found = find_lot_p_value(rest, np.arange(6) < 3, random_state=1)
    assert found == pytest.approx(0.1, abs=0.015)
    assert find_lot_p_value(rest, np.arange(6) < 3, random_state=1) == found
    assert find_lot_p_value(rest * 0, np.arange(6) < 3) == 1
    many = np.concatenate([np.full(20, 9.0), np.zeros(1200)])
    assert find_lot_p_value(many - many.mean(), np.arange(1220) < 20) == pytest.approx(1 / 5000)


def test_rows_that_are_alike_within_a_customer_count_as_one():
    hits = np.repeat([4.0, 0.0], 10)
    assert count_effective(hits, np.full(20, 4.0)) == pytest.approx(20)
    assert bound_share_of_customers(hits, np.full(20, 4.0)) == pytest.approx(bound_share(10, 20))


def test_nothing_and_nobody_has_no_interval():
    nothing = np.zeros(0)
    assert np.isnan(bound_share_of_customers(nothing, nothing)).all()
    assert np.isnan(bound_share_of_customers(np.zeros(3), np.zeros(3))).all()
    assert np.isnan(find_median_levels(0)).all()
    assert np.isnan(find_median_levels(3)).all()
    assert np.isnan(bound_total(np.array([5.0]))).all()
    assert np.isnan(find_ratio_p_value(np.ones(3), np.ones(3), np.array([True, False, False])))
    assert find_ratio_p_value(np.ones(6), np.ones(6), np.arange(6) < 3) == 1
    assert find_ratio_p_value(np.arange(6) // 3 * 1.0, np.ones(6), np.arange(6) < 3) == 0.1


def draw_customers(rng, *, size: int = 150):
    """Return hits and trials of customers whose rows are alike, at a true share of .3."""
    trials = rng.integers(1, 9, size).astype(float)
    own = rng.beta(1.5, 3.5, size)
    return rng.binomial(trials.astype(int), own).astype(float), trials


def test_the_interval_of_a_share_holds_the_truth_where_rows_of_a_customer_are_alike():
    rng = np.random.default_rng(5)
    held = naive = 0
    for _ in range(600):
        hits, trials = draw_customers(rng)
        low, high = bound_share_of_customers(hits, trials)
        held += low <= 0.3 <= high
        low, high = bound_share(hits.sum(), trials.sum())
        naive += low <= 0.3 <= high
    assert held / 600 > 0.93
    assert naive / 600 < 0.9  # rows taken as independent


@pytest.mark.slow
@pytest.mark.parametrize(("size", "own"), [(600, 0.4), (300, 0.05)])
def test_segments_that_do_not_differ_are_seldom_told_apart(size, own):
    rng = np.random.default_rng(77)
    shares = ratios = 0
    for _ in range(1000):
        hits, trials = draw_customers(rng, size=size)
        is_own = np.arange(size) < own * size
        shares += find_clustered_share_p_value(hits, trials, is_own) < 0.05
        spend = rng.lognormal(3, 1, size) * (rng.random(size) < 0.6)
        ratios += find_ratio_p_value(spend, np.ones(size), is_own) < 0.05
    assert shares / 1000 <= 0.07
    assert ratios / 1000 <= 0.07
