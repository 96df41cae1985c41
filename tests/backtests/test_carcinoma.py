"""Latent classes against published figures.

The carcinoma data (seven pathologists, 118 slides; Agresti 2002, table 13.1) and the cheating data
(319 students; Dayton 1998, table 3.4), as in the manual of poLCA (Linzer and Lewis 2011).
"""

from __future__ import annotations

import pandas as pd
import pytest

from segkit.models.latent_classes import fit_classes

PUBLISHED = [(2, -317.2568, 664.5, 706.1), (3, -293.705, 633.4, 697.1)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("n_segments", "log_likelihood", "aic", "bic"), PUBLISHED)
def test_the_published_criteria_are_reached_from_any_seed(
    shared_data, n_segments, log_likelihood, aic, bic, seed
):
    slides = pd.read_parquet(shared_data("polca/carcinoma.parquet"))
    fit = fit_classes(slides, list("ABCDEFG"), n_segments, random_state=seed)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)
    assert round(fit.aic, 1) == aic
    assert round(fit.bic, 1) == bic
    assert fit.found_count >= 3


def test_the_published_maximum_of_four_classes_is_found(shared_data):
    slides = pd.read_parquet(shared_data("polca/carcinoma.parquet"))
    fit = fit_classes(slides, list("ABCDEFG"), 4, random_state=0)
    assert fit.log_likelihood == pytest.approx(-289.2858, abs=1e-3)


def test_the_published_classes_are_found(shared_data):
    slides = pd.read_parquet(shared_data("polca/carcinoma.parquet"))
    model = fit_classes(slides, list("ABCDEFG"), 3, random_state=0)
    assert model.weights == pytest.approx((0.4447, 0.3736, 0.1817), abs=1e-3)
    says_yes = [
        [shares[own.levels.index("2")] for own, shares in zip(model.levels, c, strict=True)]
        for c in model.probabilities
    ]
    assert says_yes[0] == pytest.approx([1, 0.9809, 0.8575, 0.5862, 1, 0.4764, 1], abs=1e-3)
    assert says_yes[1] == pytest.approx([0.0573, 0.1379, 0, 0, 0.0551, 0, 0], abs=1e-3)
    assert says_yes[2] == pytest.approx([0.5128, 1, 0, 0.0576, 0.7506, 0, 0.6307], abs=1e-3)


def test_the_published_likelihood_of_cheating_is_reached(shared_data):
    students = pd.read_parquet(shared_data("polca/cheating.parquet"))
    questions = ["LIEEXAM", "LIEPAPER", "FRAUD", "COPYEXAM"]
    fit = fit_classes(students, questions, 2, random_state=0)
    assert fit.log_likelihood == pytest.approx(-440.0271, abs=1e-3)
