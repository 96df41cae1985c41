"""Latent classes: groups of customers who answer alike, fitted by EM from many starts.

EM may rest for hundreds of steps where classes have yet to part. So each start climbs until it
moves no more, in compiled steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.special import xlogy
from threadpoolctl import threadpool_limits

from segkit.core.arguments import SettingError, require_names, require_whole
from segkit.core.errors import SegkitError
from segkit.core.frames import read_frame
from segkit.models.answer_patterns import Answers, draw_answers, read_answers
from segkit.models.columns import RARE_COUNT, Levels

# What nobody in a class answered is taken as this improbable.
FLOOR = 1e-15
# EM ends where a step gains less log-likelihood than this; not a thousand times more, for where
# classes have yet to part a step gains little, and a better end may lie far off.
LEAST_GAIN = 1e-7
MOST_STEPS = 20_000
# A start that comes this near has reached the maximum; that many must have reached it.
SAME_LIKELIHOOD = 0.01
ENOUGH_FOUND = 3
MOST_ROUNDS = 5
STARTS = 10
# A sample of a test needs a step less exact: its likelihood ratio is one of many.
BOOTSTRAP_STARTS = 10
BOOTSTRAP_GAIN = 1e-4


class Climb(NamedTuple):
    """Where EM ended: ``weights`` (k,) and ``shares`` (k, columns, levels)."""

    likelihood: float
    weights: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class ClassFit:
    """Fitted latent classes, the largest first, and how well they fit.

    Attributes
    ----------
    levels : tuple of Levels
        The levels of each column.
    weights : tuple of float, (k,)
        The classes' shares of customers.
    probabilities : tuple, (k, columns, levels)
        In each class the probabilities of each column's levels.
    log_likelihood : float
    parameter_count : int
    entropy : float
        From 0 (classes overlap wholly) to 1 (everybody's class is certain); NaN for one class.
    start_count, found_count : int
        Starts, and those that reached the log-likelihood (within 0.01): with fewer than three there
        may be a better solution.
    customer_count : int
        Customers who were fitted.
    """

    levels: tuple[Levels, ...]
    weights: tuple[float, ...]
    probabilities: tuple[tuple[tuple[float, ...], ...], ...]
    log_likelihood: float
    parameter_count: int
    entropy: float
    start_count: int
    found_count: int
    customer_count: int

    @property
    def class_count(self) -> int:
        """How many classes there are."""
        return len(self.weights)

    @property
    def aic(self) -> float:
        """Akaike's information criterion (1974); lower is better."""
        return 2 * self.parameter_count - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """The Bayesian information criterion (Schwarz 1978); lower is better."""
        return math.log(self.customer_count) * self.parameter_count - 2 * self.log_likelihood


def fit_classes(
    customers: pd.DataFrame,
    columns: Sequence[str],
    n_segments: int,
    *,
    random_state: int,
    n_init: int = STARTS,
    smallest_level: int = RARE_COUNT,
) -> ClassFit:
    """Fit latent classes to columns taken as categories, by maximum likelihood.

    EM from random starts, at least ``n_init`` and at most five times as many, until three have
    reached the best log-likelihood. Missing answers by full information: each customer counts with
    what is known. Equal customers are counted, not repeated; where more than 10,000 differ, a
    random 10,000 customers are fitted. The customers' order changes nothing. Levels of fewer than
    ``smallest_level`` customers are pooled.

    Raises
    ------
    SegkitError
        If a column is not there, has no values, or is a number with more than 20 different values;
        or if fewer customers differ than there are classes.

    References
    ----------
    Goodman (1974), Exploratory latent structure analysis using both identifiable and unidentifiable
    models, *Biometrika* 61(2). Entropy: Ramaswamy et al. (1993), *Marketing Science* 12(1).
    """
    require_whole("n_segments", n_segments)
    require_whole("n_init", n_init)
    answers = _read_answers(customers, columns, random_state, smallest_level)
    return fit_answers(answers, n_segments, random_state=random_state, n_init=n_init)


def compare_class_counts(
    customers: pd.DataFrame,
    columns: Sequence[str],
    counts: Iterable[int],
    *,
    random_state: int,
    n_bootstrap: int,
    smallest_level: int = RARE_COUNT,
) -> pd.DataFrame:
    """Fit several numbers of classes; is each better than one class fewer?

    Returns
    -------
    pandas.DataFrame
        One row a number: ``segment_count``, ``log_likelihood``, ``parameter_count``, ``aic``,
        ``bic``, ``entropy`` and ``blrt_p_value``: the share of samples, the data counted as one,
        whose likelihood ratio is at least the data's. The ``n_bootstrap`` samples are drawn from
        the model with one class fewer, with the same answers missing. NaN for one class, or
        without samples.

    References
    ----------
    McLachlan (1987), On bootstrapping the likelihood ratio test statistic for the number of
    components in a normal mixture, *Applied Statistics* 36(3).
    """
    counts = _read_counts(counts)
    require_whole("n_bootstrap", n_bootstrap, least=0)
    answers = _read_answers(customers, columns, random_state, smallest_level)
    fits: dict[int, ClassFit] = {}
    rows = []
    for count in counts:
        for size in {max(count - 1, 1), count} - fits.keys():
            fits[size] = fit_answers(answers, size, random_state=random_state)
        fit = fits[count]
        p_value = float("nan")
        if count > 1 and n_bootstrap:
            rng = np.random.default_rng([random_state, count])
            exceeded = _count_exceeding(answers, (fits[count - 1], fit), rng, n_bootstrap)
            p_value = (1 + exceeded) / (1 + n_bootstrap)
        rows.append(
            {
                "segment_count": count,
                "log_likelihood": fit.log_likelihood,
                "parameter_count": fit.parameter_count,
                "aic": fit.aic,
                "bic": fit.bic,
                "entropy": fit.entropy,
                "blrt_p_value": p_value,
            }
        )
    return pd.DataFrame(rows)


def _read_answers(
    customers: object, columns: Sequence[str], random_state: int, smallest_level: int
) -> Answers:
    """Read the answers of a table of pandas, polars or pyarrow; refuse what cannot be taken."""
    columns = require_names("columns", columns)
    require_whole("random_state", random_state, least=0)
    require_whole("smallest_level", smallest_level)
    frame = read_frame(customers)
    if frame is None:
        raise SettingError("customers are a table", found=type(customers).__name__)
    return read_answers(frame, columns, random_state, smallest_level=smallest_level)


def _read_counts(counts: object) -> list[int]:
    if isinstance(counts, str) or not isinstance(counts, Iterable):
        raise SettingError("counts is a list of whole numbers", found=repr(counts))
    return [require_whole("a number of classes", count) for count in counts]


def fit_answers(
    answers: Answers, n_segments: int, *, random_state: int, n_init: int = STARTS
) -> ClassFit:
    """Climb from the best start to the end, and measure the fit; see `fit_classes`."""
    levels = answers.levels
    customer_count = int(answers.counts.sum())
    if len(answers.counts) < n_segments:
        names = ", ".join(own.column for own in levels)
        raise SegkitError(
            f"{n_segments} segments need at least {n_segments} different customers",
            found=f"{len(answers.counts)} in columns {names}",
            fix="Ask for fewer segments or give more columns.",
        )
    with threadpool_limits(1):
        climbs = search_classes(
            answers,
            n_segments,
            np.random.default_rng(random_state),
            n_init=n_init,
            gain=LEAST_GAIN * max(1, customer_count / 5),
            end_gain=LEAST_GAIN,
        )
        _, weights, shares = climbs[0]
        log_likelihood, known = rate_answers(answers, weights, shares)
    largest_first = np.argsort(-weights, kind="stable")
    sizes = [len(own.levels) for own in levels]
    probabilities = tuple(
        tuple(tuple(row[:size].tolist()) for row, size in zip(own, sizes, strict=True))
        for own in np.clip(shares[largest_first], FLOOR, 1)
    )
    doubt = -(answers.counts @ xlogy(known, known).sum(axis=1)) / customer_count
    return ClassFit(
        levels=levels,
        weights=tuple(weights[largest_first].tolist()),
        probabilities=probabilities,
        log_likelihood=log_likelihood,
        parameter_count=n_segments - 1 + n_segments * (sum(sizes) - len(sizes)),
        entropy=1 - doubt / math.log(n_segments) if n_segments > 1 else float("nan"),
        start_count=len(climbs),
        found_count=count_found(climbs),
        customer_count=customer_count,
    )


def _count_exceeding(
    answers: Answers, fits: tuple[ClassFit, ClassFit], rng: Generator, n_bootstrap: int
) -> int:
    """Count samples from the smaller model whose likelihood ratio is at least the data's."""
    small, large = fits
    ratio = large.log_likelihood - small.log_likelihood
    exceeded = 0
    for _ in range(n_bootstrap):
        drawn = draw_answers(
            answers, weights=small.weights, probabilities=small.probabilities, rng=rng
        )
        low = _reach_likelihood(drawn, small.class_count, rng)
        high = _reach_likelihood(drawn, large.class_count, rng)
        exceeded += high - low >= ratio
    return exceeded


def _reach_likelihood(drawn: Answers, class_count: int, rng: Generator) -> float:
    """Return the best log-likelihood that a sample reaches with so many classes."""
    # As many classes as patterns fit exactly; more cannot do better.
    size = min(class_count, len(drawn.counts))
    with threadpool_limits(1):
        climbs = search_classes(drawn, size, rng, n_init=BOOTSTRAP_STARTS, gain=BOOTSTRAP_GAIN)
    return climbs[0].likelihood


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
        weights, shares = _draw_start(answers, size, rng)
        climbs.append(_climb(answers, weights, shares, gain))
        climbs.sort(key=lambda climb: -climb.likelihood)
    if end_gain is not None:
        best = climbs[0]
        climbs[0] = _climb(answers, best.weights, best.shares, end_gain)
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
    from segkit.models import compiled_loops

    weights = weights.copy()
    own = np.array(np.moveaxis(shares, 0, 2), order="C")
    patterns = answers.patterns.astype(np.int32)
    counts = answers.counts.astype(float)
    likelihood = compiled_loops.climb(patterns, counts, weights, own, gain, MOST_STEPS, FLOOR)
    return Climb(likelihood, weights, np.ascontiguousarray(np.moveaxis(own, 2, 0)))


def rate_classes(answers: Answers, weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the logarithm of the probability of each class and a pattern together, (m, k)."""
    logs = np.log(np.maximum(shares, FLOOR)).reshape(len(weights), -1).T
    return answers.spread.reshape(-1, len(logs)) @ logs + np.log(weights)


def rate_answers(
    answers: Answers, weights: np.ndarray, shares: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the log-likelihood, and the classes' probabilities given each pattern (m, k)."""
    logs = rate_classes(answers, weights, shares)
    top = logs.max(axis=1)
    likely = np.exp(logs - top[:, None])
    total = likely.sum(axis=1)
    return float(answers.counts @ (np.log(total) + top)), likely / total[:, None]
