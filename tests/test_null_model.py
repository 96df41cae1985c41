"""The null has one mode, and what the data have besides groups: marginals, masses, dependence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segkit.validation.null_model import fit_null


def draw_numbers(numbers: np.ndarray, seed: int = 0) -> np.ndarray:
    codes = np.empty((len(numbers), 0), int)
    return fit_null(numbers, codes).draw(np.random.default_rng(seed))[0]


@pytest.fixture
def normal() -> np.ndarray:
    shared = 0.6 * np.ones((4, 4)) + 0.4 * np.eye(4)
    return np.random.default_rng(0).multivariate_normal(np.zeros(4), shared, 4_000)


def count_modes(values: np.ndarray) -> int:
    heights = np.histogram(values, bins=7)[0]
    rises = np.sign(np.diff(heights))
    return int((np.diff(rises[rises != 0]) < 0).sum())


class TestNumbers:
    def test_groups_far_apart_become_one_mode_with_their_mean_and_spread(self):
        rng = np.random.default_rng(0)
        numbers = np.repeat([-5.0, 0.0, 5.0], 1_000)[:, None] + rng.normal(size=(3_000, 1))
        drawn = draw_numbers(numbers)
        assert count_modes(numbers[:, 0]) == 3
        assert count_modes(drawn[:, 0]) == 1
        assert drawn.mean() == pytest.approx(numbers.mean(), abs=0.25)
        assert drawn.std() == pytest.approx(numbers.std(), rel=0.03)

    def test_correlations_are_the_data_s_whatever_the_marginals(self, normal):
        for numbers in (normal, np.exp(normal / 2), np.rint(normal), np.maximum(normal, 0)):
            found = np.corrcoef(draw_numbers(numbers), rowvar=False)
            assert np.abs(found - np.corrcoef(numbers, rowvar=False)).max() < 0.06

    def test_a_value_that_many_share_stays_one_and_no_other_becomes_one(self, normal):
        numbers = np.maximum(normal, 0)
        drawn = draw_numbers(numbers)
        assert (drawn == 0).mean() == pytest.approx((numbers == 0).mean(), abs=0.03)
        shared = np.unique(drawn[:, 0][drawn[:, 0] != 0], return_counts=True)[1]
        assert shared.max() < 0.01 * len(drawn)

    def test_few_values_stay_those_values(self, normal):
        drawn = draw_numbers(np.clip(np.rint(normal), -2, 2))
        assert set(drawn.ravel()) == {-2, -1, 0, 1, 2}

    def test_what_is_missing_stays_missing_as_often_and_in_the_same_rows(self, normal):
        numbers = normal.copy()
        numbers[:400, 0] = numbers[:400, 1] = np.nan
        drawn = draw_numbers(numbers)
        assert np.isnan(drawn).sum(axis=0).tolist() == [400, 400, 0, 0]
        assert (np.isnan(drawn[:, 0]) == np.isnan(drawn[:, 1])).all()

    def test_a_column_that_does_not_vary_does_not_in_the_null(self, normal):
        numbers = np.column_stack([normal, np.ones(len(normal))])
        drawn = draw_numbers(numbers)
        assert (drawn[:, 4] == 1).all()

    def test_columns_that_say_the_same_are_no_fault(self, normal):
        drawn = draw_numbers(np.column_stack([normal, normal, -normal]))
        assert np.corrcoef(drawn[:, 0], drawn[:, 4])[0, 1] > 0.95


class TestCategories:
    @pytest.fixture
    def cut(self, normal) -> np.ndarray:
        order = np.array([2, 0, 3, 1])
        return np.column_stack(
            [
                normal[:, 0] > 1,
                np.searchsorted([-1, 0, 1], normal[:, 1]),
                order[np.searchsorted([-1, 0.5, 1], normal[:, 2])],
            ]
        ).astype(int)

    def test_the_normal_behind_answers_is_found_with_the_order_of_levels(self, normal, cut):
        null = fit_null(normal[:, 3:], cut)
        apart = np.abs(null.correlations) - (0.6 + 0.4 * np.eye(4))
        assert np.abs(apart).max() < 0.04
        assert null.orders[1].tolist() in ([0, 1, 2, 3], [3, 2, 1, 0])
        assert null.orders[2].tolist() in ([2, 0, 3, 1], [1, 3, 0, 2])

    def test_pairs_of_levels_are_as_frequent_as_in_the_data(self, normal, cut):
        codes = fit_null(normal[:, 3:], cut).draw(np.random.default_rng(1))[1]
        for one, other in ((0, 1), (1, 2)):
            pairs = [np.bincount(table[:, one] * 4 + table[:, other]) for table in (cut, codes)]
            assert np.abs(pairs[0] - pairs[1]).max() < 0.025 * len(cut)

    def test_a_level_that_nobody_has_is_never_drawn(self):
        codes = np.array([[0, 1], [2, 1], [0, 0], [2, 0]] * 50)
        null = fit_null(np.empty((200, 0)), codes, level_counts=[4, 2])
        drawn = null.draw(np.random.default_rng(0))[1]
        assert set(drawn[:, 0]) == {0, 2}

    def test_answers_that_are_missing_stay_so(self, cut):
        codes = cut.copy()
        codes[::4, 1] = -1
        drawn = fit_null(np.empty((len(codes), 0)), codes).draw(np.random.default_rng(0))[1]
        assert (drawn < 0).sum(axis=0).tolist() == [0, 1_000, 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(0, 3), st.integers(0, 3), st.integers(0, 2**31))
def test_any_rows_have_a_null_of_their_size_and_no_other_codes(n, p, q, seed):
    rng = np.random.default_rng(seed)
    numbers = np.where(rng.random((n, p)) < 0.2, np.nan, rng.normal(size=(n, p)).round(1))
    codes = rng.integers(-1, 3, (n, q))
    drawn, drawn_codes = fit_null(numbers, codes).draw(rng)
    assert drawn.shape == (n, p)
    assert drawn_codes.shape == (n, q)
    assert (np.isnan(drawn).sum(axis=0) == np.isnan(numbers).sum(axis=0)).all()
    assert ((drawn_codes < 0).sum(axis=0) == (codes < 0).sum(axis=0)).all()
    for own, other in zip(codes.T, drawn_codes.T, strict=True):
        assert set(other[other >= 0]) <= set(own[own >= 0])


def test_the_same_seed_draws_the_same(normal):
    assert (draw_numbers(normal, 3) == draw_numbers(normal, 3)).all()
    assert (draw_numbers(normal, 3) != draw_numbers(normal, 4)).any()
