"""Latent classes found: answers counted by pattern, EM from many starts.

EM may rest for hundreds of steps where classes have yet to part. So each start climbs until it
moves no more, in compiled steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator

from segkit.core.errors import SegkitError
from segkit.models.columns import Levels, learn_levels

# What nobody in a class answered is taken as this improbable.
FLOOR = 1e-15
MOST_NUMBERS = 20
MOST_FITTED_CUSTOMERS = 10_000
# EM ends where a step gains less log-likelihood than this; not a thousand times more, for where
# classes have yet to part a step gains little, and a better end may lie far off.
LEAST_GAIN, MOST_STEPS = 1e-7, 20_000
# A start that comes this near has reached the maximum; that many must have reached it.
SAME_LIKELIHOOD, ENOUGH_FOUND, MOST_ROUNDS = 0.01, 3, 5

Floats = Sequence[float]


@dataclass(frozen=True)
class Answers:
    """Different answer patterns as codes of levels (-1 is missing), sorted, and their counts.

    ``rows`` has each customer's pattern; None where the customers themselves are not known.
    """

    levels: tuple[Levels, ...]
    patterns: np.ndarray
    counts: np.ndarray
    rows: np.ndarray | None = None

    @cached_property
    def spread(self) -> np.ndarray:
        """Zeros and ones by pattern, column and level; zeros where an answer is missing."""
        width = max(len(own.levels) for own in self.levels)
        return (self.patterns[:, :, None] == np.arange(width)).astype(float)


class Climb(NamedTuple):
    """Where EM ended: ``weights`` (k,) and ``shares`` (k, columns, levels)."""

    likelihood: float
    weights: np.ndarray
    shares: np.ndarray


def read_answers(customers: pd.DataFrame, columns: Sequence[str], random_state: int) -> Answers:
    """Learn the levels of the columns, and count the customers of each answer pattern.

    Where more than 10,000 patterns differ, those of a random 10,000 customers.

    Raises
    ------
    SegkitError
        If a column is not there, has no values, or is a number with more than 20 different values.
    """
    learned = [learn_levels(customers, column, missing="ignore") for column in columns]
    for own, _ in learned:
        different = customers[own.column].nunique()
        if own.kind == "number" and different > MOST_NUMBERS:
            message = f"column '{own.column}' is a number with more than {MOST_NUMBERS} values"
            fix = "Cut it into groups, or use method kprototypes."
            raise SegkitError(message, found=f"{different:,}", fix=fix)
    codes = np.column_stack([codes for _, codes in learned])
    levels = tuple(own for own, _ in learned)
    answers = count_patterns(levels, codes)
    if len(answers.counts) > MOST_FITTED_CUSTOMERS:
        rng = np.random.default_rng(random_state)
        counts = rng.multivariate_hypergeometric(answers.counts, MOST_FITTED_CUSTOMERS)
        return Answers(levels, answers.patterns[counts > 0], counts[counts > 0])
    return answers


def count_patterns(levels: tuple[Levels, ...], codes: np.ndarray) -> Answers:
    """Count the customers of each answer pattern; ``codes`` has a row a customer."""
    patterns, rows, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    return Answers(levels, patterns, counts, rows.ravel())


def draw_answers(
    answers: Answers, weights: Floats, probabilities: Sequence[Sequence[Floats]], rng: Generator
) -> Answers:
    """Draw as many customers as there are from a model's numbers, with the same answers missing."""
    missing = np.repeat(answers.patterns < 0, answers.counts, axis=0)
    members = np.searchsorted(np.cumsum(weights)[:-1], rng.random(len(missing)))
    drawn = np.empty(missing.shape, dtype=np.int32)
    for i in range(len(answers.levels)):
        ends = np.cumsum([own[i] for own in probabilities], axis=1)[:, :-1]
        drawn[:, i] = (rng.random(len(drawn))[:, None] > ends[members]).sum(axis=1)
    return count_patterns(answers.levels, np.where(missing, -1, drawn))


def search_classes(
    answers: Answers,
    size: int,
    rng: Generator,
    *,
    n_init: int,
    gain: float,
    enough: int = ENOUGH_FOUND,
    end_gain: float | None = None,
) -> list[Climb]:
    """Climb from random starts, and return where each ended, the best first.

    At least ``n_init`` starts, and at most five times as many, until ``enough`` have come within
    0.01 of the best log-likelihood. A climb ends where a step gains less than ``gain``; the best
    then goes on to ``end_gain``.
    """
    climbs: list[Climb] = []
    while len(climbs) < n_init or (
        count_found(climbs) < enough and len(climbs) < MOST_ROUNDS * n_init
    ):
        climbs.append(_climb(answers, *_draw_start(answers, size, rng), gain))
        climbs.sort(key=lambda climb: -climb.likelihood)
    if end_gain is not None:
        climbs[0] = _climb(answers, climbs[0].weights, climbs[0].shares, end_gain)
    return climbs


def count_found(climbs: list[Climb]) -> int:
    """Count the climbs that reached the best log-likelihood; the best comes first."""
    return sum(own.likelihood > climbs[0].likelihood - SAME_LIKELIHOOD for own in climbs)


def _draw_start(answers: Answers, size: int, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw equal weights and random probabilities, as in a Climb."""
    levels = np.array([[len(own.levels)] for own in answers.levels])
    there = np.arange(levels.max()) < levels
    shares = rng.exponential(size=(size, *there.shape)) * there
    return np.full(size, 1 / size), shares / shares.sum(axis=2, keepdims=True)


def _climb(answers: Answers, weights: np.ndarray, shares: np.ndarray, gain: float) -> Climb:
    """Run EM until a step gains less than ``gain`` (Goodman 1974)."""
    from segkit.models import compiled

    weights, own = weights.copy(), np.array(np.moveaxis(shares, 0, 2), order="C")
    patterns, counts = answers.patterns.astype(np.int32), answers.counts.astype(float)
    likelihood = compiled.climb(patterns, counts, weights, own, gain, MOST_STEPS, FLOOR)
    return Climb(likelihood, weights, np.ascontiguousarray(np.moveaxis(own, 2, 0)))


def rate_answers(
    answers: Answers, weights: np.ndarray, shares: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the log-likelihood, and the classes' probabilities given each pattern (m, k)."""
    logs = np.log(np.maximum(shares, FLOOR)).reshape(len(weights), -1).T
    logs = answers.spread.reshape(-1, len(logs)) @ logs + np.log(weights)
    top = logs.max(axis=1)
    likely = np.exp(logs - top[:, None])
    total = likely.sum(axis=1)
    return float(answers.counts @ (np.log(total) + top)), likely / total[:, None]
