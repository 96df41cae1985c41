"""Segments of Australian vacation motives against the published ones.

The partition is that of Dolnicar and Leisch (2008), *Tourism Analysis*, and of Dolnicar, Grün and
Leisch (2018), *Market Segmentation Analysis*, chapter 7; the sums of squares are recomputed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.models.columns import PreparedColumns
from segkit.models.prototypes import fit_prototypes
from segkit.validation import null_evidence
from segkit.validation.refits import refit_prototypes
from segkit.validation.resampling import draw_bootstraps, resample_prototypes
from segkit.validation.stability import (
    KINDS,
    compare_labels,
    follow_segments,
    rate_segments,
    summarise_stability,
)

SIZES = [246, 201, 95, 156, 129, 173]
NO_CODES = np.empty((1000, 0), dtype=np.int32)


@pytest.fixture
def motives(shared_data) -> np.ndarray:
    return pd.read_parquet(shared_data("flexclust/vacmot.parquet")).to_numpy(float)


@pytest.fixture
def published(shared_data) -> np.ndarray:
    return pd.read_parquet(shared_data("flexclust/vacmot6.parquet"))["vacmot6"].to_numpy(int) - 1


def measure_within(values: np.ndarray, labels: np.ndarray) -> float:
    groups = [values[labels == n] for n in np.unique(labels)]
    return sum(((group - group.mean(axis=0)) ** 2).sum() for group in groups)


def test_the_published_segments_have_the_published_sizes_and_sum_of_squares(motives, published):
    assert np.bincount(published).tolist() == SIZES
    assert measure_within(motives, published) == pytest.approx(2665.36, abs=0.005)


@pytest.mark.slow
def test_the_best_of_many_starts_is_at_least_as_good_as_published(motives, published):
    fit = fit_prototypes(motives, NO_CODES, n_clusters=6, gamma=1.0, n_init=20, random_state=0)
    within = measure_within(motives, fit.labels)
    assert within == pytest.approx(fit.cost)
    assert within <= 2661.10  # the best published; ours has 2660.53
    assert compare_labels(published, fit.labels) == pytest.approx(0.791, abs=0.01)


def test_the_loops_of_the_bootstrap_come_close_to_the_best(motives):
    rows, rng = PreparedColumns((), (), motives, NO_CODES), np.random.default_rng(0)
    once = np.ones((5, 1000), dtype=np.uint16)
    _, costs = refit_prototypes(rows, 6, once, gamma=1.0, rng=rng)
    assert costs.min() >= 2660.53
    assert costs.max() <= 1.005 * 2661.10


@pytest.mark.slow
def test_all_three_levels_of_stability_are_measured(motives, monkeypatch):
    monkeypatch.setattr(null_evidence, "COPIES", 5)
    rows, solutions = PreparedColumns((), (), motives, NO_CODES), {}
    draws = draw_bootstraps(1000, pairs=3, random_state=1)
    for k in range(2, 9):
        options = {"gamma": 1.0, "random_state": 1}
        solutions[k] = fit_prototypes(motives, NO_CODES, n_clusters=k, n_init=3, **options).labels
        found = resample_prototypes(rows, solutions[k], draws, segment_count=k, **options)
        whole = summarise_stability(found, least_structure=0.05)
        assert 0.3 < whole["stability"] <= 1
        assert 0.3 < whole["reference_stability"] <= 1  # the null hangs together as much
        assert 0 < whole["structure"] < 0.5  # motives hang together, without clear gaps
        assert whole["kind"] in KINDS[:3]
        rated = rate_segments(found)
        assert len(rated) == k
        assert rated["jaccard"].between(0.2, 1).all()
        assert rated["jaccard"].min() == whole["weakest_jaccard"]
    paths = follow_segments(solutions).nodes
    assert paths.groupby("segment_count").size().tolist() == list(range(2, 9))
    assert paths["continuity"].dropna().between(0, 1).all()
