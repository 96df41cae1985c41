"""Bootstrap solutions of latent classes, and what classes find in answers without groups.

See `segkit.validation.resampling` for what all models share.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from segkit.models.answer_patterns import Answers, read_answers
from segkit.models.columns import RARE_COUNT
from segkit.models.latent_classes import Climb, rate_answers, search_classes
from segkit.models.prototypes import count_processors
from segkit.validation.class_null import (
    COPIES,
    draw_answer_copies,
    hold_classes_against_null,
    rate_one_class,
)
from segkit.validation.resampling import BORDER, REFERENCE_PAIRS, Resamples

# Of so many copies without groups bootstrap solutions are compared.
COMPARED_COPIES = 3


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
    answers = read_answers(
        customers, columns, random_state, smallest_level=smallest_level, keep_all=True
    )
    k = segment_count
    rng = np.random.default_rng(random_state)
    labels = refit_classes(answers, k, draws, rng=rng)
    with threadpool_limits(1):
        climb = _climb_quickly(answers, k, rng)
    copies = draw_answer_copies(answers, COPIES, random_state)
    evidence = hold_classes_against_null(
        answers, copies, k, likelihood=climb.likelihood, climb=_climb_quickly, rng=rng
    )
    some = draws[: 2 * REFERENCE_PAIRS]
    _, known = rate_answers(answers, climb.weights, climb.shares)
    second = np.sort(known, axis=1)[:, -2]
    return Resamples(
        own=own,
        segment_count=k,
        labels=labels,
        draws=draws,
        reference_labels=[
            refit_classes(copy, k, some, rng=rng) for copy in copies[:COMPARED_COPIES]
        ],
        structure=_compare_criteria(answers, k, climb.likelihood),
        border_share=float((second > BORDER)[answers.rows].mean()),
        beyond_null=evidence.beyond_null,
        null_gain=evidence.null_gain,
    )


def _compare_criteria(answers: Answers, k: int, likelihood: float) -> float:
    """Return by what part the BIC of k classes lies below that of one (Schwarz 1978)."""
    free = sum(len(level.levels) - 1 for level in answers.levels)
    price = np.log(answers.counts.sum())
    one = price * free - 2 * rate_one_class(answers)
    several = price * (k - 1 + k * free) - 2 * likelihood
    return float(1 - several / one) if one > 0 else 0.0


def refit_classes(
    answers: Answers, k: int, draws: np.ndarray, *, rng: np.random.Generator
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
