"""What latent classes find, beside what they find in answers that follow traits without groups.

Answers hang together wherever people differ by degrees, and classes then cut the degrees in parts:
every further class gains likelihood. So classes are held against copies of the answers that hang
together as much and have no groups: the null of `segkit.validation.null_model`, a normal behind the
answers that is cut where each question's levels meet. To be classes, they must gain more.

References
----------
McLachlan and Peel (2000), *Finite Mixture Models*, section 6.4, for the parametric bootstrap. Lubke
and Neale (2006), Distinguishing between latent classes and continuous factors: resolution by
maximum likelihood?, *Multivariate Behavioral Research* 41, 499-532, for holding classes against
traits. Hennig and Lin (2015), *Statistics and Computing* 25, 821-833, for the null.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.special import xlogy
from threadpoolctl import threadpool_limits

from segkit.models.answer_patterns import Answers, count_patterns
from segkit.models.latent_classes import Climb
from segkit.models.prototypes import count_processors
from segkit.validation.null_evidence import SPREADS
from segkit.validation.null_model import fit_null

COPIES = 10
# Of the likelihood that classes gain, so much must be more than the null's classes gain. Of answers
# without groups that the null cannot draw (a choice among levels by two traits) it was up to .08.
LEAST_BEYOND = 0.10


class ClassEvidence(NamedTuple):
    """One number of classes held against its null.

    Attributes
    ----------
    beyond_null : float
        1 - G0 / G, where G is what the classes gain in log-likelihood over one class, and G0 what
        they gain in the null, see `compare_gains`; 0 where that is less than .10 or not more than
        three standard deviations of the null's.
    null_gain : float
        log(G / G0), whatever its size.
    """

    beyond_null: float
    null_gain: float


def draw_answer_copies(answers: Answers, count: int, random_state: int) -> list[Answers]:
    """Draw null copies of the answers of known customers.

    The same answers and seed give the same copies.
    """
    codes = answers.patterns[answers.rows]
    null = fit_null(
        np.empty((len(codes), 0)), codes, level_counts=[len(own.levels) for own in answers.levels]
    )
    drawn = [null.draw(np.random.default_rng([random_state, n]))[1] for n in range(count)]
    return [count_patterns(answers.levels, codes) for codes in drawn]


def hold_classes_against_null(
    answers: Answers,
    copies: list[Answers],
    segment_count: int,
    *,
    likelihood: float,
    climb: Callable[[Answers, int, Generator], Climb],
    rng: Generator,
) -> ClassEvidence:
    """Hold so many classes against null copies of the answers.

    Parameters
    ----------
    likelihood : float
        The log-likelihood that ``climb`` reaches with the answers themselves.
    climb : callable
        Fits so many classes to answers; the copies get what the answers got.
    """
    seeds = rng.integers(2**63, size=len(copies))

    def fit(copy: Answers, seed: int) -> float:
        size = min(segment_count, len(copy.counts))
        return climb(copy, size, np.random.default_rng(seed)).likelihood - rate_one_class(copy)

    with threadpool_limits(1), ThreadPoolExecutor(count_processors()) as pool:
        null_gains = np.array(list(pool.map(fit, copies, seeds)))
    return compare_gains(
        likelihood - rate_one_class(answers),
        measure_association(answers),
        null_gains=null_gains,
        null_associations=np.array([measure_association(copy) for copy in copies]),
    )


def compare_gains(
    gain: float, association: float, *, null_gains: np.ndarray, null_associations: np.ndarray
) -> ClassEvidence:
    """Compare what classes gain with what they gain in copies without groups.

    What classes gain grows with how much the questions hang together, and copies may hang together
    a little more or less than the answers do. So the null's gain is the larger of the mean, and of
    the mean of what the copies gain for each unit of association, times the answers' own.

    Examples
    --------
    >>> null = {"null_gains": np.array([90, 100, 110]), "null_associations": np.full(3, 400.0)}
    >>> found = compare_gains(200, 400, **null)
    >>> round(found.beyond_null, 2)
    0.5
    >>> compare_gains(200, 800, **null).beyond_null
    0.0
    """
    expected = float(null_gains.mean())
    spread = float(null_gains.std(ddof=1))
    if null_associations.mean() > 0 and association > 0:
        # Copies that hardly hang together by chance say nothing of a rate.
        floor = null_associations.mean() / 2
        scaled = association * null_gains / np.maximum(null_associations, floor)
        expected = max(expected, float(scaled.mean()))
        spread = float(scaled.std(ddof=1))
    if not gain > 0 or not expected > 0:
        return ClassEvidence(0.0, 0.0)
    beyond = 1 - expected / gain
    is_beyond = beyond >= LEAST_BEYOND and gain - expected > SPREADS * spread
    return ClassEvidence(beyond if is_beyond else 0.0, float(np.log(gain / expected)))


def rate_one_class(answers: Answers) -> float:
    """Return the log-likelihood of one class: everybody answers with the shares of all."""
    held = np.einsum("m,mcl->cl", answers.counts.astype(float), answers.spread)
    return float(xlogy(held, held).sum() - xlogy(held.sum(axis=1), held.sum(axis=1)).sum())


def measure_association(answers: Answers) -> float:
    """Return how much all pairs of questions hang together.

    The sum of the likelihood ratios of all pairs of questions against independence (Wilks 1938),
    each less its degrees of freedom: about 0 where nothing hangs together. A pair is measured on
    the customers who answered both.
    """
    shape = answers.spread.shape
    flat = answers.spread.reshape(len(answers.spread), -1)
    known = answers.spread.sum(axis=2)
    weighted = flat * answers.counts[:, None]
    cells = (weighted.T @ flat).reshape(*shape[1:], *shape[1:])
    margins = (weighted.T @ known).reshape(*shape[1:], shape[1])
    totals = (known * answers.counts[:, None]).T @ known
    ratios = (
        xlogy(cells, cells).sum(axis=(1, 3))
        - xlogy(margins, margins).sum(axis=1)
        - xlogy(margins, margins).sum(axis=1).T
        + xlogy(totals, totals)
    )
    sizes = np.array([len(own.levels) - 1 for own in answers.levels])
    pairs = np.triu_indices(len(sizes), 1)
    return float((2 * ratios - np.outer(sizes, sizes))[pairs].sum())
