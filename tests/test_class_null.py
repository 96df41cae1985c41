"""Latent classes held against answers that follow traits without groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from segkit.models import answer_patterns
from segkit.models.answer_patterns import Answers, count_patterns
from segkit.models.columns import Levels
from segkit.models.latent_classes import fit_classes, search_classes
from segkit.validation.class_null import (
    ClassEvidence,
    compare_gains,
    draw_answer_copies,
    hold_classes_against_null,
    measure_association,
    rate_one_class,
)
from segkit.validation.class_resampling import resample_classes
from segkit.validation.resampling import draw_bootstraps


def make_answers(codes: np.ndarray) -> Answers:
    levels = tuple(
        Levels(column=f"q{i}", kind="text", levels=[f"level {n}" for n in range(own.max() + 1)])
        for i, own in enumerate(codes.T)
    )
    return count_patterns(levels, codes.astype(np.int32))


def climb(answers: Answers, k: int, rng: np.random.Generator):
    return search_classes(answers, k, rng, n_init=5, gain=1.0, enough=1, end_gain=0.01)[0]


def hold(codes: np.ndarray, k: int) -> ClassEvidence:
    answers = make_answers(codes)
    rng = np.random.default_rng(0)
    likelihood = climb(answers, k, rng).likelihood
    copies = draw_answer_copies(answers, 10, 0)
    return hold_classes_against_null(
        answers, copies, k, likelihood=likelihood, climb=climb, rng=rng
    )


def draw_trait(n: int = 800) -> np.ndarray:
    rng = np.random.default_rng(1)
    shown = rng.normal(size=(n, 1)) + rng.normal(size=(n, 8))
    return np.digitize(shown, [-1.0, 0.7])


def draw_groups(n: int = 800) -> np.ndarray:
    """Three groups; each has favourites among three levels that nearly all of it give."""
    rng = np.random.default_rng(2)
    favourites = np.array([[0, 1, 2, 0, 1, 2, 0, 1], [1, 2, 0, 1, 2, 0, 1, 2], [2, 0] * 4])
    own = favourites[rng.integers(0, 3, n)]
    return np.where(rng.random(own.shape) < 0.8, own, rng.integers(0, 3, own.shape))


def test_one_trait_cut_into_answers_is_no_classes():
    codes = draw_trait()
    for k in (2, 3, 4):
        found = hold(codes, k)
        assert found.beyond_null == 0
        assert found.null_gain < 0.1


def test_groups_are_more_than_a_trait_and_most_at_their_number():
    codes = draw_groups()
    found = {k: hold(codes, k) for k in (2, 3, 4)}
    assert found[3].beyond_null > 0.1
    assert max(found, key=lambda k: found[k].null_gain) == 3


def test_copies_have_the_answers_own_shares_and_as_much_missing_and_come_again():
    codes = draw_trait(2_000)
    codes[:300, 2] = -1
    answers = make_answers(codes)
    copies = draw_answer_copies(answers, 3, 5)
    again = draw_answer_copies(answers, 3, 5)
    for copy, other in zip(copies, again, strict=True):
        assert (copy.patterns == other.patterns).all()
        drawn = copy.patterns[copy.rows]
        assert (drawn[:, 2] < 0).sum() == 300
        for own, column in zip(codes.T, drawn.T, strict=True):
            shares = [np.bincount(c[c >= 0], minlength=3) / (c >= 0).sum() for c in (own, column)]
            assert shares[0] == pytest.approx(shares[1], abs=0.05)
    hanging = measure_association(answers)
    assert [measure_association(copy) for copy in copies] == pytest.approx([hanging] * 3, rel=0.15)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_association_is_the_likelihood_ratio_of_each_pair_less_its_freedom(seed):
    rng = np.random.default_rng(seed)
    trait = rng.integers(0, 3, (80, 1))
    codes = np.where(rng.random((80, 3)) < 0.4, trait, rng.integers(0, 3, (80, 3)))
    codes[:9] = np.arange(9)[:, None] % 3  # every level is there
    codes[9:15, 0] = -1
    expected = 0.0
    for i, j in ((0, 1), (0, 2), (1, 2)):
        known = (codes[:, i] >= 0) & (codes[:, j] >= 0)
        crossed = pd.crosstab(codes[known, i], codes[known, j]).to_numpy()
        expected += chi2_contingency(crossed, correction=False, lambda_="log-likelihood")[0] - 4
    assert measure_association(make_answers(codes)) == pytest.approx(expected)


def test_one_class_answers_with_the_shares_of_all():
    codes = draw_trait(300)
    customers = pd.DataFrame(codes, columns=[f"q{i}" for i in range(8)]).astype(str)
    fit = fit_classes(customers, list(customers), 1, random_state=0)
    assert rate_one_class(make_answers(codes)) == pytest.approx(fit.log_likelihood)


class TestGains:
    NULL = np.array([90.0, 100.0, 110.0])
    SAME = np.full(3, 400.0)

    def compare(self, gain: float, association: float = 400.0, **changes) -> ClassEvidence:
        null = {"null_gains": self.NULL, "null_associations": self.SAME} | changes
        return compare_gains(gain, association, **null)

    def test_what_may_be_chance_is_nothing(self):
        assert self.compare(130.0).beyond_null == 0  # three spreads of 10, not more
        assert self.compare(131.0).beyond_null == pytest.approx(31 / 131)
        assert (
            self.compare(131.0).null_gain == self.compare(131.0)[1] == pytest.approx(np.log(1.31))
        )

    def test_a_small_part_is_nothing_however_certain(self):
        sure = np.array([99.9, 100.0, 100.1])
        assert self.compare(111.0, null_gains=sure).beyond_null == 0
        assert self.compare(112.0, null_gains=sure).beyond_null == pytest.approx(12 / 112)

    def test_copies_that_hang_together_less_are_held_to_gain_as_much_more(self):
        assert self.compare(200.0, 800.0) == (0.0, 0.0)
        assert self.compare(200.0, 300.0) == self.compare(200.0)

    def test_answers_that_do_not_hang_together_are_no_classes(self):
        assert self.compare(20.0, -5.0).beyond_null == 0
        assert self.compare(-1.0) == (0.0, 0.0)
        assert self.compare(120.0, 50.0, null_associations=np.array([-9, 1, 11])).beyond_null == 0


def test_more_patterns_than_are_fitted_are_all_resampled(monkeypatch):
    monkeypatch.setattr(answer_patterns, "MOST_FITTED_CUSTOMERS", 20)
    codes = draw_groups(300)
    customers = pd.DataFrame(codes, columns=[f"q{i}" for i in range(8)]).astype(str)
    found = resample_classes(
        customers,
        np.zeros(300, int),
        draw_bootstraps(300, pairs=1, random_state=0),
        columns=tuple(customers),
        segment_count=3,
        random_state=0,
    )
    assert found.labels.shape == (2, 300)
    assert found.structure > 0
    assert found.beyond_null > 0
    assert np.isnan(found.valley)
