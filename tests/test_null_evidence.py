"""Groups exceed their null and are parted by valleys; clouds of any shape do and are not."""

from __future__ import annotations

import numpy as np
import pytest

from segkit.models.columns import PreparedColumns
from segkit.validation import null_evidence
from segkit.validation.null_evidence import draw_copies, hold_against_null, measure_whole
from segkit.validation.refits import fit_copies, refit_prototypes
from segkit.validation.resampling import draw_bootstraps
from segkit.validation.valleys import find_shallowest

ROWS = 500
NO_CODES = np.empty((ROWS, 0), np.int32)


def make_rows(numbers: np.ndarray, codes: np.ndarray = NO_CODES) -> PreparedColumns:
    spread = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    return PreparedColumns((), (), spread, codes.astype(np.int32))


def hold(rows: PreparedColumns, k: int, *, gamma: float = 1.0):
    labels, costs = fit_copies([rows], k, gamma=gamma, rng=np.random.default_rng(0))
    return hold_against_null(
        rows,
        labels[0].astype(int),
        draw_bootstraps(len(rows.numbers), pairs=1, random_state=0),
        cost=costs[0],
        segment_count=k,
        gamma=gamma,
        random_state=0,
    )


def draw_cloud(kind: str, rng: np.random.Generator) -> PreparedColumns:
    if kind == "elongated":
        return make_rows(rng.normal(size=(ROWS, 1)) + 0.5 * rng.normal(size=(ROWS, 4)))
    if kind == "heavy tails":
        tails = np.sqrt(rng.chisquare(3, ROWS) / 3)[:, None]
        return make_rows(rng.normal(size=(ROWS, 3)) / tails)
    if kind == "counts":
        rate = rng.gamma(1, size=(ROWS, 1))
        bought = rng.poisson(2 * rate, (ROWS, 4)) * (rng.random((ROWS, 4)) < 0.6)
        return make_rows(np.log1p(bought))
    if kind == "mixed":
        trait = rng.normal(size=(ROWS, 1))
        shown = trait + 0.7 * rng.normal(size=(ROWS, 6))
        codes = np.column_stack([shown[:, 3] > 0.3, np.searchsorted([-0.8, 0.5], shown[:, 4])])
        return make_rows(shown[:, :3], codes)
    angle = rng.uniform(0, np.pi, ROWS)
    bent = np.column_stack([np.cos(angle), np.sin(angle)])
    return make_rows(bent + 0.1 * rng.normal(size=bent.shape))


def draw_groups(rng: np.random.Generator, shares: tuple[float, ...]) -> PreparedColumns:
    own = rng.choice(len(shares), ROWS, p=shares)
    return make_rows(7 * np.eye(4)[own] + rng.normal(size=(ROWS, 4)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["elongated", "heavy tails", "counts", "mixed"])
def test_what_is_cut_in_a_cloud_is_no_tighter_than_in_its_null(kind):
    rows = draw_cloud(kind, np.random.default_rng(0))
    for k in (2, 4):
        found = hold(rows, k, gamma=0.5)
        assert found.beyond_null == 0
        assert -0.15 < found.null_gain < 0.05


def test_a_bent_cloud_exceeds_its_null_and_has_no_valley():
    rows = draw_cloud("bent", np.random.default_rng(0))
    for k in (3, 4):
        found = hold(rows, k)
        assert found.beyond_null > 0.1
        assert found.valley > 0.6


@pytest.mark.parametrize("shares", [(0.3, 0.4, 0.3), (0.65, 0.25, 0.1)])
def test_groups_exceed_their_null_and_are_parted(shares):
    found = hold(draw_groups(np.random.default_rng(0), shares), 3)
    assert found.beyond_null > 0.2
    assert found.valley < 0.2 < found.null_valley
    assert found.parts_beyond_null == 0


def test_a_segment_that_holds_two_groups_exceeds_its_own_null():
    rows = draw_groups(np.random.default_rng(0), (0.3, 0.4, 0.3))
    assert hold(rows, 2).parts_beyond_null > 0.1


def test_a_group_cut_in_two_has_no_valley_between_its_parts():
    rows = draw_groups(np.random.default_rng(0), (0.3, 0.4, 0.3))
    assert hold(rows, 4).valley > 0.8


def test_the_same_copies_are_drawn_for_every_number_of_segments():
    rows = draw_cloud("mixed", np.random.default_rng(0))
    for one, other in zip(draw_copies(rows, 2, 3), draw_copies(rows, 2, 3), strict=True):
        assert (one.numbers == other.numbers).all()
        assert (one.codes == other.codes).all()
    first, second = draw_copies(rows, 2, 3)
    assert (first.numbers != second.numbers).any()


def test_one_prototype_costs_what_is_worked_out_by_hand():
    numbers = np.array([[0.0, 1.0], [2.0, np.nan], [np.nan, 3.0]])
    codes = np.array([[0], [1], [1]], np.int32)
    # The first column lies 1 from its mean twice, the second too; one code differs.
    assert measure_whole(PreparedColumns((), (), numbers, codes), 0.5) == 4.5


@pytest.mark.parametrize("k", [1, 3])
def test_it_is_what_a_fit_of_one_prototype_costs(k):
    rows = draw_cloud("mixed", np.random.default_rng(1))
    once = np.ones((1, ROWS), np.uint16)
    _, costs = refit_prototypes(rows, k, once, gamma=0.5, rng=np.random.default_rng(0))
    whole = measure_whole(rows, 0.5)
    assert costs[0] == pytest.approx(whole) if k == 1 else costs[0] < whole


def test_of_many_rows_a_sample_is_held_against_its_null(monkeypatch):
    rows = draw_groups(np.random.default_rng(0), (0.3, 0.4, 0.3))
    every = hold(rows, 3)
    monkeypatch.setattr(null_evidence, "MOST_HELD", 250)
    some = hold(rows, 3)
    assert some.labels[0].shape == (2, 250)
    assert some.beyond_null == pytest.approx(every.beyond_null, abs=0.1)
    assert hold(rows, 3).null_gain == some.null_gain


class TestValleys:
    def test_it_is_as_deep_as_the_densities_say(self):
        # Two normals 5 apart: between them twice phi(2.5) against phi(0), smoothed a little.
        rng = np.random.default_rng(0)
        numbers = np.repeat([0.0, 5.0], 5_000) + rng.normal(size=10_000)
        rows = PreparedColumns((), (), numbers[:, None], np.empty((10_000, 0), np.int32))
        found = find_shallowest(rows, (numbers > 2.5).astype(int), gamma=1)
        assert found == pytest.approx(2 * np.exp(-(2.5**2) / 2), abs=0.06)

    def test_one_segment_or_segments_at_one_place_have_none(self):
        rows = PreparedColumns((), (), np.zeros((20, 1)), np.empty((20, 0), np.int32))
        assert find_shallowest(rows, np.zeros(20, int), gamma=1) == 1
        assert find_shallowest(rows, np.repeat([0, 1], 10), gamma=1) == 1

    def test_what_is_missing_lies_at_the_mean(self):
        rng = np.random.default_rng(0)
        numbers = np.repeat([-4.0, 4.0], 100)[:, None] + rng.normal(size=(200, 3))
        own = np.repeat([0, 1], 100)
        numbers[rng.random(numbers.shape) < 0.1] = np.nan
        rows = PreparedColumns((), (), numbers, np.full((200, 1), -1, np.int32))
        assert find_shallowest(rows, own, gamma=1) < 0.3

    @pytest.mark.parametrize("shape", ["half circle", "three quarters", "horseshoe"])
    def test_a_bend_is_no_valley(self, shape):
        rng = np.random.default_rng(0)
        along = rng.uniform(size=ROWS)
        if shape == "horseshoe":
            numbers = np.exp(-0.5 * ((along[:, None] - np.linspace(0, 1, 6)) / 0.2) ** 2)
        else:
            angle = along * np.pi * (1 if shape == "half circle" else 1.5)
            numbers = np.column_stack([np.cos(angle), np.sin(angle)])
        rows = make_rows(numbers + 0.08 * rng.normal(size=numbers.shape))
        own = (along > 0.5).astype(int)
        assert find_shallowest(rows, own, gamma=1) > 0.45
