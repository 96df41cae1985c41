"""The compiled loops reach what their references reach, and rules are learned on each sample."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from kmodes.kprototypes import KPrototypes as Reference
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from segkit.models import compiled_loops
from segkit.models.answer_patterns import Answers
from segkit.models.columns import Levels, PreparedColumns
from segkit.plan.models import Scheme
from segkit.segmentation.rules import fit_rules, fit_tiers
from segkit.validation import refits
from segkit.validation.class_resampling import refit_classes
from segkit.validation.refits import refit_prototypes
from segkit.validation.resampling import draw_bootstraps, resample_rules
from segkit.validation.stability import compare_labels


def make_rows(numbers: np.ndarray, codes: np.ndarray | None = None) -> PreparedColumns:
    codes = np.empty((len(numbers), 0)) if codes is None else codes
    return PreparedColumns((), (), numbers, codes.astype(np.int32))


def refit(rows: PreparedColumns, k: int, draws: np.ndarray | None = None, *, gamma: float = 1.0):
    once = np.ones((1, len(rows.numbers)), dtype=np.uint16)
    rng = np.random.default_rng(0)
    return refit_prototypes(rows, k, once if draws is None else draws, gamma=gamma, rng=rng)


@pytest.fixture(scope="module")
def blobs() -> np.ndarray:
    return make_blobs(400, 3, centers=5, cluster_std=2.0, random_state=4)[0]


class TestPrototypes:
    @pytest.mark.parametrize("k", [2, 4, 7])
    def test_the_cost_is_scikit_learn_s_within_a_thousandth(self, blobs, k):
        theirs = KMeans(k, n_init=10, random_state=0).fit(blobs)
        labels, costs = refit(make_rows(blobs), k)
        assert costs[0] <= 1.001 * theirs.inertia_
        centres = np.array([blobs[labels[0] == n].mean(axis=0) for n in range(k)])
        within = ((blobs - centres[labels[0]]) ** 2).sum()
        assert within == pytest.approx(costs[0])

    def test_a_walk_from_given_centres_ends_where_scikit_learn_s_ends(self, blobs):
        start = blobs[:4].copy()
        options = {"n_init": 1, "algorithm": "lloyd", "tol": 0, "max_iter": 100}
        theirs = KMeans(4, init=start, **options).fit(blobs)
        codes, offsets = np.empty((0, 400), np.int32), np.zeros(1, np.int64)
        modes, common = np.empty((4, 0), np.int32), np.empty(0, np.int32)
        cost = compiled_loops.walk(
            np.ascontiguousarray(blobs.T), codes, np.ones(400), offsets, 1.0, np.zeros(3), common,
            start, modes, 100,
        )  # fmt: skip
        assert cost == pytest.approx(theirs.inertia_)
        assert start == pytest.approx(theirs.cluster_centers_)

    @pytest.mark.parametrize("seed", range(3))
    def test_mixed_rows_cost_what_kmodes_reaches_within_a_thousandth(self, seed):
        rng = np.random.default_rng(seed)
        group = rng.integers(0, 4, 150)
        numbers = 1.5 * rng.normal(size=(4, 2))[group] + rng.normal(size=(150, 2))
        codes = (rng.integers(0, 3, (4, 3))[group] + (rng.random((150, 3)) < 0.3)) % 3
        table = np.column_stack([numbers.astype(object), codes.astype(str)])
        peer = Reference(4, init="Huang", n_init=5, gamma=0.7, random_state=0)
        theirs = peer.fit(table, categorical=[2, 3, 4]).cost_
        assert refit(make_rows(numbers, codes), 4, gamma=0.7)[1][0] <= 1.001 * theirs

    def test_a_row_drawn_twice_weighs_as_much_as_two(self, blobs):
        few = blobs[:60]
        draws = draw_bootstraps(60, pairs=1, random_state=0)
        costs = refit(make_rows(few), 3, draws)[1]
        for drawn, cost in zip(draws, costs, strict=True):
            assert refit(make_rows(np.repeat(few, drawn, axis=0)), 3)[1][0] == pytest.approx(cost)

    def test_of_many_rows_the_starts_see_some_and_the_best_goes_down_on_all(
        self, blobs, monkeypatch
    ):
        every, cost = refit(make_rows(blobs), 5)
        monkeypatch.setattr(refits, "MOST_STARTED", 80)
        some, near = refit(make_rows(blobs), 5)
        assert near[0] <= 1.02 * cost[0]
        assert compare_labels(every[0], some[0]) > 0.9
        assert (refit(make_rows(blobs), 5)[0] == some).all()


def make_answers(seed: int = 0) -> Answers:
    """Patterns of two questions with two and three levels, some not answered, each once or more."""
    rng = np.random.default_rng(seed)
    levels = (
        Levels(column="a", kind="text", levels=["no", "yes"]),
        Levels(column="b", kind="text", levels=["low", "middle", "high"]),
        Levels(column="c", kind="text", levels=["no", "yes"]),
    )
    kind = rng.integers(0, 2, 300)
    codes = np.column_stack([kind, 2 * kind, kind]).astype(np.int32)
    anew = rng.random(codes.shape) < 0.3
    codes = np.where(anew, rng.integers(0, [2, 3, 2], codes.shape), codes)
    codes[rng.random(codes.shape) < 0.1] = -1
    patterns, rows, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    return Answers(levels, patterns, counts, rows.ravel())


class TestClasses:
    def test_a_climb_is_em_as_it_is_written(self):
        answers, k, steps = make_answers(), 3, 12
        rng = np.random.default_rng(1)
        there = np.array([[1, 1, 0], [1, 1, 1], [1, 1, 0]])[:, :, None]
        shares = rng.exponential(size=(3, 3, k)) * there
        shares /= shares.sum(axis=1, keepdims=True)
        weights, own, ours = np.full(k, 1 / k), shares.copy(), np.full(k, 1 / k)
        for _ in range(steps):
            likelihood, sums, masses = 0.0, np.zeros_like(shares), np.zeros(k)
            for pattern, count in zip(answers.patterns, answers.counts, strict=True):
                joint = weights.copy()
                for column, level in enumerate(pattern):
                    joint *= shares[column, level] if level >= 0 else 1.0
                likelihood += count * np.log(joint.sum())
                given = count * joint / joint.sum()
                masses += given
                for column, level in enumerate(pattern):
                    if level >= 0:
                        sums[column, level] += given
            weights, shares = masses / masses.sum(), sums / sums.sum(axis=1, keepdims=True)
        patterns, counts = answers.patterns.astype(np.int32), answers.counts.astype(float)
        reached = compiled_loops.climb(patterns, counts, ours, own, -np.inf, steps, 1e-300)
        assert reached == pytest.approx(likelihood)
        assert ours == pytest.approx(weights)
        assert own * there == pytest.approx(shares)

    def test_classes_of_samples_agree_with_the_group_that_answers_follow(self):
        answers = make_answers()
        draws = draw_bootstraps(300, pairs=2, random_state=0)
        labels = refit_classes(answers, 2, draws, rng=np.random.default_rng(0))
        assert labels.shape == (4, 300)
        assert all(compare_labels(labels[0], other) > 0.5 for other in labels[1:])


class TestRules:
    def test_cut_points_are_learned_on_each_sample(self):
        spend = np.arange(1.0, 101)
        customers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(100)]})
        customers["total_spend"] = spend
        scheme = Scheme(name="t", goal="g", base="value", method="tiers", segments=3)

        def fit(sample: pd.DataFrame):
            return fit_tiers(sample, scheme, 3)

        # The second sample draws the upper half twice, so its cuts lie higher.
        draws = np.array([np.ones(100), np.repeat([0, 2], 50)], dtype=np.uint16)
        model = fit(customers)[0]
        own = model.place(ibis.memtable(customers)).to_pandas()
        own = own.set_index("customer_id").loc[customers["customer_id"], "segment"].to_numpy() - 1
        found = resample_rules(customers[["total_spend"]], own, draws, segment_count=3, fit=fit)
        assert (found.labels[0] == own).all()
        assert (found.labels[1] == 0).sum() < (own == 0).sum()
        assert (found.labels[1][:50] == 2).all()
        assert np.isnan(found.structure)
        assert found.reference_labels == []

    def test_rules_that_learn_nothing_are_the_same_in_every_sample(self):
        customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "total_spend": [1.0, 20.0, 2.0]})
        rules = [{"name": "Rich", "when": "total_spend > 10"}]
        scheme = Scheme(name="r", goal="g", base="value", method="rules", rules=rules)
        own, draws = np.array([1, 0, 1]), draw_bootstraps(3, pairs=2, random_state=0)
        found = resample_rules(
            customers, own, draws, segment_count=2, fit=lambda sample: fit_rules(sample, scheme)
        )
        assert (found.labels == own).all()
