"""Bootstrap solutions of latent classes, and the same on columns shuffled one by one.

See `segkit.validation.resampling` for what all models share.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from segkit.models.answer_patterns import Answers, count_patterns, read_answers
from segkit.models.columns import RARE_COUNT
from segkit.models.latent_classes import Climb, rate_answers, search_classes
from segkit.models.prototypes import count_processors
from segkit.validation.resampling import BORDER, REFERENCE_PAIRS, Resamples

# Shuffled copies that latent classes are fitted to.
CLASS_COPIES = 3


def resample_classes(
    customers: pd.DataFrame,
    own: np.ndarray,
    draws: np.ndarray,
    *,
    columns: tuple[str, ...],
    segment_count: int,
    random_state: int,
    smallest_level: int = RARE_COUNT,
) -> Resamples:
    """Resample latent classes; ``own`` and ``draws`` are as in `resample_prototypes`."""
    answers = read_answers(customers, columns, random_state, smallest_level=smallest_level)
    k = segment_count
    rng = np.random.default_rng(random_state)
    labels = refit_classes(answers, k, draws, rng)
    references = []
    for _ in range(CLASS_COPIES):
        shuffled = rng.permuted(answers.patterns[answers.rows], axis=0)
        copy = count_patterns(answers.levels, shuffled)
        references.append(refit_classes(copy, k, draws[: 2 * REFERENCE_PAIRS], rng))
    free = sum(len(level.levels) - 1 for level in answers.levels)
    criteria = []
    with threadpool_limits(1):
        for n in (1, k):
            climb = _climb_quickly(answers, n, rng)
            penalty = (n - 1 + n * free) * np.log(len(own))
            criteria.append(penalty - 2 * climb.likelihood)
    _, known = rate_answers(answers, climb.weights, climb.shares)
    second = np.sort(known, axis=1)[:, -2]
    return Resamples(
        own=own,
        segment_count=k,
        labels=labels,
        draws=draws,
        reference_labels=references,
        structure=1 - criteria[1] / criteria[0] if criteria[0] > 0 else 0.0,
        border_share=float((second > BORDER)[answers.rows].mean()),
    )


def refit_classes(
    answers: Answers, k: int, draws: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Fit k latent classes to each sample and place all rows, (samples, n)."""
    seeds = rng.integers(2**63, size=len(draws))

    def fit(drawn: np.ndarray, seed: int) -> np.ndarray:
        counts = np.bincount(answers.rows, drawn, len(answers.counts)).astype(int)
        there = counts > 0
        own = Answers(answers.levels, answers.patterns[there], counts[there])
        size = min(k, len(own.counts))
        climb = _climb_quickly(own, size, np.random.default_rng(seed))
        _, known = rate_answers(answers, climb.weights, climb.shares)
        return known.argmax(axis=1)[answers.rows]

    with threadpool_limits(1), ThreadPoolExecutor(count_processors()) as pool:
        return np.array(list(pool.map(fit, draws, seeds)), dtype=np.int16)


def _climb_quickly(answers: Answers, k: int, rng: np.random.Generator) -> Climb:
    """Run EM shortly from five starts; the best goes on (Biernacki, Celeux and Govaert 2003)."""
    return search_classes(answers, k, rng, n_init=5, gain=10.0, enough=1, end_gain=0.01)[0]
