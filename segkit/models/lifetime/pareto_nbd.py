"""Pareto/NBD: purchases at random until a customer leaves, at any time.

The likelihood is a sum over the ways in which a history can have come about: the customer is still
there, or left at some time after the last purchase. The integral over these times is Gauss's
hypergeometric function, which overflows or cancels where purchases are many (Fader and Hardie
2005); Gauss and Legendre's rule on the logarithm of time does neither, and gives the derivatives.

References
----------
Schmittlein, Morrison and Colombo (1987), "Counting your customers", *Management Science* 33(1);
Fader and Hardie (2005), "A note on deriving the Pareto/NBD model and related expressions".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, exprel, gammaln, xlogy, zeta

from segkit.models.lifetime.mixtures import share_causes, sum_mixture
from segkit.models.lifetime.peaks import (
    MOST_RATE,
    History,
    Peak,
    check_history,
    climb,
    count_alike,
    list_pairs,
    rescale,
)

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(20)
COUNT_NODES, COUNT_WEIGHTS = np.polynomial.legendre.leggauss(64)
PART_ROWS = 1 << 11
THIN_ROWS = 1_000
# Times at which the density is below its first by this in logarithms add nothing.
MOST_FALL = 30.0
CUT_STEPS = 5
STARTS = ((0.0, 0.0, 0.0, 0.0), (-0.5, -1.0, -0.5, -1.0), (1.0, 1.0, -1.0, 0.0))


class ParetoNbd(NamedTuple):
    """Pareto/NBD; ``alpha`` and ``beta`` are in units of time.

    Purchases are Poisson at a rate that is Gamma(r, alpha) over customers; customers leave at a
    rate that is Gamma(s, beta) over customers, independently of it.
    """

    r: float
    alpha: float
    s: float
    beta: float

    @property
    def title(self) -> str:
        """The model's name."""
        return "Pareto/NBD"

    def find_active_probability(self, history: History) -> np.ndarray:
        """Return the probability that each customer is still there.

        Schmittlein, Morrison and Colombo (1987), equation 11.
        """
        return self._weigh_all(history)[0]

    def measure_histories(self, history: History) -> np.ndarray:
        """Return the log-likelihood of each customer's history."""
        r, alpha, s, beta = self
        x = np.asarray(history.repeats, dtype=float)
        shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        return shared + self._weigh_all(history)[1]

    def _weigh_all(self, history: History) -> np.ndarray:
        """Return how likely each is still there, and the logarithm of the sum over all causes."""
        found = np.empty((2, len(history.repeats)))
        columns = [np.asarray(column, dtype=float) for column in history]
        for start in range(0, found.shape[1], PART_ROWS):
            part = slice(start, start + PART_ROWS)
            logs, _ = _weigh_causes(self, *(column[part] for column in columns))
            shares, found[1, part] = share_causes(logs)
            found[0, part] = shares[:, 0]
        return found

    def expect_purchases(self, history: History, horizons: Sequence[float]) -> np.ndarray:
        """Return the purchases expected within each horizon (rows) of each customer (columns).

        Schmittlein, Morrison and Colombo (1987), equation 22, which has a limit where s is 1.
        """
        count, tenure, places = list_pairs(history)
        r, alpha, s, beta = self
        longer = np.log1p(np.asarray(horizons, dtype=float)[:, None] / (beta + tenure))
        time_left = (beta + tenure) * longer * exprel((1 - s) * longer)
        while_active = (r + count) / (alpha + tenure) * time_left
        return while_active[:, places] * self.find_active_probability(history)

    def draw_purchases(
        self, history: History, horizon: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw each customer's purchases within the horizon, from the posterior."""
        r, alpha, s, beta = self
        size = len(history.repeats)
        rate = rng.gamma(r + history.repeats, 1 / (alpha + history.tenure))
        leaving = rng.gamma(s, 1 / (beta + history.tenure))
        stays = rng.exponential(size=size) / np.maximum(leaving, 1e-300)
        is_active = rng.random(size) < self.find_active_probability(history)
        time = np.where(is_active, np.minimum(stays, horizon), 0.0)
        return rng.poisson(np.minimum(rate * time, MOST_RATE))

    def share_counts(self, tenure: np.ndarray, *, most: int) -> np.ndarray:
        """Return the probability of 0 to ``most`` repeat purchases, a row for each tenure.

        It is that of a negative binomial count until the tenure, or until the time at which the
        customer left, over all such times.
        """
        r, alpha, s, beta = self
        t = np.asarray(tenure, dtype=float)[:, None]
        x = np.arange(most + 1)
        shift = min(alpha, beta)
        span = np.log1p(t / shift)
        times = shift * np.expm1(span * (COUNT_NODES + 1) / 2)
        leaving = s / (beta + times) * (beta / (beta + times)) ** s
        leaving *= COUNT_WEIGHTS * span / 2 * (shift + times)
        stays = (beta / (beta + t)) ** s
        until = np.concatenate([times, t], axis=1)[..., None]
        counted = gammaln(r + x) - gammaln(r) - gammaln(x + 1) - r * np.log1p(until / alpha)
        counted = np.exp(counted + xlogy(x, until / (alpha + until)))
        return np.einsum("tn,tnx->tx", np.concatenate([leaving, stays], axis=1), counted)


def fit_pareto_nbd(history: History) -> Peak:
    """Fit Pareto/NBD by maximum likelihood; equal histories are counted once.

    Returns a peak with r, alpha, s and beta (Schmittlein, Morrison and Colombo 1987).
    """
    alike = count_alike(check_history(history))
    peak = climb(_weigh_histories, alike.list_histories(), STARTS, thin_rows=THIN_ROWS)
    return rescale(peak, alike, are_times=(False, True, False, True))


def _weigh_histories(
    repeats: np.ndarray, active: np.ndarray, tenure: np.ndarray, weights: np.ndarray
) -> Callable:
    """Return the log-likelihood, with its first and second derivatives by the parameters."""
    x, at_count = np.unique(repeats, return_inverse=True)
    w = np.bincount(at_count, weights)
    size = weights.sum()

    def measure(values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        r, alpha, s, beta = values
        value = w @ (gammaln(r + x) - gammaln(r))
        value += size * (r * np.log(alpha) + s * np.log(beta))
        by_r = w @ (digamma(r + x) - digamma(r)) + size * np.log(alpha)
        slopes = np.array([by_r, size * r / alpha, size * np.log(beta), size * s / beta])
        bends = np.zeros((4, 4))
        bends[0, 0] = w @ (zeta(2, r + x) - zeta(2, r))
        bends[[0, 1], [1, 0]] = size / alpha
        bends[[2, 3], [3, 2]] = size / beta
        bends[1, 1] = -size * r / alpha**2
        bends[3, 3] = -size * s / beta**2
        for start in range(0, len(weights), PART_ROWS):
            part = slice(start, start + PART_ROWS)
            logs, times = _weigh_causes(values, repeats[part], active[part], tenure[part])
            first, second = _bend_causes(values, repeats[part], times)
            added = sum_mixture(weights[part], logs, slopes=first, bends=second)
            value += added[0]
            slopes += added[1]
            bends += added[2]
        return value, slopes, bends

    return measure


def _weigh_causes(
    values: Sequence[float], repeats: np.ndarray, active: np.ndarray, tenure: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-density of being still there (first), and of having left at some times.

    Both are (histories, causes): log-densities, and times, of which the first is the tenure. What
    all causes have in common, and depends on no time, is left out.
    """
    r, alpha, s, beta = values
    power = (r + repeats)[:, None]
    nodes, widths = _choose_times(values, repeats, active, tenure)
    times = np.concatenate([tenure[:, None], nodes], axis=1)
    logs = -power * np.log(alpha + times) - s * np.log(beta + times)
    with np.errstate(divide="ignore"):
        logs[:, 1:] += np.log(widths) + np.log(s / (beta + nodes))
    return logs, times


def _choose_times(
    values: Sequence[float], repeats: np.ndarray, active: np.ndarray, tenure: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return times at which a customer may have left, and the width that each stands for.

    On u = ln(shift + time), with the smaller of alpha and beta as the shift, the density falls
    ever faster; the interval ends where it has fallen by `MOST_FALL`, found by Newton's steps,
    which come from beyond and stay there.
    """
    r, alpha, s, beta = values
    shift = min(alpha, beta)
    gap = max(alpha, beta) - shift
    plain, shifted = (s, r + repeats) if beta <= alpha else (r + repeats - 1, s + 1)
    first = np.log(shift + active)
    until = np.log(shift + tenure) - first
    began = shifted * np.log(gap + shift + active)
    for _ in range(CUT_STEPS):
        there = np.exp(first + until)
        beyond = plain * until + shifted * np.log(gap + there) - began - MOST_FALL
        rate = plain + shifted * there / (gap + there)
        until = np.where(beyond > 0, until - beyond / np.where(beyond > 0, rate, 1), until)
    moved = np.exp(until[:, None] * (NODES + 1) / 2)
    whole = (shift + active)[:, None] * moved
    return whole - shift, NODE_WEIGHTS * until[:, None] / 2 * whole


def _bend_causes(values: Sequence[float], repeats: np.ndarray, times: np.ndarray) -> tuple:
    """Return first and second derivatives of the log-densities of `_weigh_causes`."""
    r, alpha, s, beta = values
    power = (r + repeats)[:, None]
    has_left = (np.arange(times.shape[1]) > 0).astype(float)
    late = 1 / (alpha + times)
    gone = 1 / (beta + times)
    slopes = np.stack(
        [np.log(late), -power * late, np.log(gone) + has_left / s, -(s + has_left) * gone]
    )
    bends = {
        (0, 1): -late,
        (1, 1): power * late**2,
        (2, 2): -has_left / s**2,
        (2, 3): -gone,
        (3, 3): (s + has_left) * gone**2,
    }
    return slopes, bends
