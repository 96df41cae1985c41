"""BG/NBD: purchases at random until a customer leaves, at once after one of them.

References
----------
Fader, Hardie and Lee (2005), "Counting your customers the easy way", *Marketing Science* 24(2);
Fader and Hardie (2013), "Overcoming the BG/NBD model's #NUM! error problem".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1, zeta

from segkit.models.lifetime.peaks import (
    LEAST_DROPOUT,
    MOST_RATE,
    Alike,
    History,
    Peak,
    check_history,
    climb,
    count_alike,
    list_pairs,
    rescale,
)

PART_ROWS = 1 << 14
STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, -1.0, 0.0, 1.0), (1.0, 1.0, -1.0, 0.0))


class BgNbd(NamedTuple):
    """BG/NBD; ``alpha`` is in units of time.

    Purchases are Poisson at a rate that is Gamma(r, alpha) over customers; after each purchase but
    the first a customer leaves with a probability that is Beta(a, b) over customers.
    """

    r: float
    alpha: float
    a: float
    b: float

    @property
    def title(self) -> str:
        """The model's name."""
        return "BG/NBD"

    def find_active_probability(self, history: History) -> np.ndarray:
        """Return the probability that each customer still buys; 1 for who never bought again.

        Fader, Hardie and Lee (2008), "Computing P(alive) using the BG/NBD model", equation 7.
        """
        left = self._weigh_leaving(history)
        return np.where(np.asarray(history.repeats) > 0, expit(-left), 1.0)

    def _weigh_leaving(self, history: History) -> np.ndarray:
        """Return the logarithm of the odds of having left, of customers who bought again."""
        r, alpha, a, b = self
        x = np.asarray(history.repeats, dtype=float)
        since = np.log(alpha + history.tenure) - np.log(alpha + history.active)
        return np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * since

    def measure_histories(self, history: History) -> np.ndarray:
        """Return the log-likelihood of each customer's history."""
        r, alpha, a, b = self
        x = np.asarray(history.repeats, dtype=float)
        stays = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
        stays -= (r + x) * np.log(alpha + history.tenure)
        return stays + np.where(x > 0, np.logaddexp(0, self._weigh_leaving(history)), 0.0)

    def expect_purchases(self, history: History, horizons: Sequence[float]) -> np.ndarray:
        """Return the purchases expected within each horizon (rows) of each customer (columns).

        Fader, Hardie and Lee (2005), equation 10.
        """
        count, tenure, places = list_pairs(history)
        active = self.find_active_probability(history)
        rows = [
            expect_while_active(self, horizon, repeat_count=count, tenure=tenure)
            for horizon in horizons
        ]
        return np.array(rows)[:, places] * active

    def draw_purchases(
        self, history: History, horizon: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw each customer's purchases within the horizon, from the posterior."""
        r, alpha, a, b = self
        size = len(history.repeats)
        rate = rng.gamma(r + history.repeats, 1 / (alpha + history.tenure))
        leaves = np.maximum(rng.beta(a, b + history.repeats), LEAST_DROPOUT)
        is_active = rng.random(size) < self.find_active_probability(history)
        most = np.where(is_active, rng.geometric(leaves), 0)
        return np.minimum(rng.poisson(np.minimum(rate * horizon, MOST_RATE)), most)

    def share_counts(self, tenure: np.ndarray, *, most: int) -> np.ndarray:
        """Return the probability of 0 to ``most`` repeat purchases, a row for each tenure.

        Fader, Hardie and Lee (2005), equation 8.
        """
        r, alpha, a, b = self
        t = np.asarray(tenure, dtype=float)[:, None]
        x = np.arange(most + 1)
        log_share = np.log(np.maximum(t, 1e-300)) - np.log(alpha + t)
        counted = gammaln(r + x) - gammaln(r) - gammaln(x + 1) + r * np.log(alpha / (alpha + t))
        poisson = np.exp(counted + x * log_share)
        alive = np.exp(betaln(a, b + x) - betaln(a, b)) * poisson
        fewer = np.cumsum(poisson, axis=1) - poisson
        left = np.exp(betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b)) * (1 - fewer)
        return alive + np.where(x > 0, left, 0.0)


def fit_bg_nbd(history: History) -> Peak:
    """Fit BG/NBD by maximum likelihood; equal histories are counted once.

    Returns a peak with r, alpha, a and b (Fader, Hardie and Lee 2005, equation 6).
    """
    alike = count_alike(check_history(history))
    weigh = partial(_weigh_histories, known=alike.values)
    peak = climb(weigh, (alike.keys, alike.counts), STARTS)
    return rescale(peak, alike, are_times=(False, True, False, False))


def _weigh_histories(keys: np.ndarray, weights: np.ndarray, *, known: list[np.ndarray]) -> Callable:
    """Return the log-likelihood, with its first and second derivatives by r, alpha, a and b.

    With A = ln(alpha + tenure) and B = ln(alpha + active) a history has ln G(r + x) - ln G(r)
    + r ln alpha + ln B(a, b + x) - ln B(a, b) - (r + x) A + ln(1 + exp D), where x > 0 for the
    last term and D = ln a - ln(b + x - 1) + (r + x)(A - B). Gamma and beta functions are taken
    once a count, logarithms once a time.
    """
    x, times, tenures = known
    places = Alike(keys, weights, known, 1.0).list_places()
    columns = (*places, weights.astype(float))
    size = float(weights.sum())
    w = np.bincount(places[0], weights, len(x))

    def measure(values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        r, alpha, a, b = values
        value = w @ (gammaln(r + x) - gammaln(r) + betaln(a, b + x) - betaln(a, b))
        value += size * r * np.log(alpha)
        by_r = w @ (digamma(r + x) - digamma(r)) + size * np.log(alpha)
        by_a = w @ (digamma(a + b) - digamma(a + b + x))
        by_b = by_a + w @ (digamma(b + x) - digamma(b))
        slopes = np.array([by_r, size * r / alpha, by_a, by_b])
        bends = np.zeros((4, 4))
        bends[0, 0] = w @ (zeta(2, r + x) - zeta(2, r))
        bends[:2, 1] = bends[1, :2] = size / alpha * np.array([1, -r / alpha])
        bends[2:, 2:] = w @ (zeta(2, a + b) - zeta(2, a + b + x))
        bends[3, 3] += w @ (zeta(2, b + x) - zeta(2, b))
        late = alpha + tenures
        early = alpha + times
        log_late = np.log(late)
        log_early = np.log(early)
        late = 1 / late
        early = 1 / early
        fall = 1 / (b + np.maximum(x, 1) - 1)
        drop = np.where(x > 0, np.log(a * fall), -np.inf)
        for start in range(0, len(keys), PART_ROWS):
            at_count, at_time, at_tenure, weights = (
                column[start : start + PART_ROWS] for column in columns
            )
            power = r + x[at_count]
            end = late[at_tenure]
            falls = fall[at_count]
            log_end = log_late[at_tenure]
            gap = end - early[at_time]
            since = log_end - log_early[at_time]
            exponent = drop[at_count] + power * since
            likelier = 1 / (1 + np.exp(-np.abs(exponent)))
            gone = np.where(exponent > 0, likelier, 1 - likelier)
            left = weights * gone
            value += weights @ (np.maximum(exponent, 0) - np.log(likelier) - power * log_end)
            rise = np.stack([since, power * gap, np.full_like(since, 1 / a), -falls])
            slopes += rise @ left
            slopes[:2] -= weights @ log_end, weights @ (power * end)
            bends += rise * (left * (1 - gone)) @ rise.T
            bends[[0, 1], [1, 0]] += left @ gap - weights @ end
            bends[1, 1] += weights @ (power * end**2) - left @ (power * gap * (2 * end - gap))
            bends[[2, 3], [2, 3]] += -left.sum() / a**2, left @ falls**2
        return value, slopes, bends

    return measure


def expect_while_active(
    model: BgNbd, horizon: float | np.ndarray, *, repeat_count=0, tenure=0
) -> np.ndarray:
    """Return the purchases expected within ``horizon`` of customers who are active now.

    As it stands that is the expectation for a new customer (Fader, Hardie and Lee 2005, equation
    9); times the probability of being active it is that of a customer with a history (equation
    10). Euler's transformation keeps the hypergeometric function small.
    """
    r, alpha, a, b = model
    if abs(a - 1) < 1e-6 or abs(a + b - 1) < 1e-6:  # the limit is there, the quotient is not
        a += 2e-6
    x = np.asarray(repeat_count, dtype=float)
    since = alpha + np.asarray(tenure, dtype=float)
    z = horizon / (since + horizon)
    is_small = a - 1 < r + x
    first = np.where(is_small, a - 1, r + x)
    second = np.where(is_small, a + b - 1 - r, b + x)
    whole = a + b + x - 1
    function = hyp2f1(first, second, whole, z)
    if not np.isfinite(function).all():  # SciPy's overflows where whole is large
        function = np.where(np.isfinite(function), function, _sum_series(first, second, whole, z))
    rest = (since / (since + horizon)) ** first * function
    return whole / (a - 1) * (1 - rest)


def _sum_series(first: np.ndarray, second: np.ndarray, whole: np.ndarray, z: np.ndarray):
    """Return Gauss's hypergeometric function by its power series."""
    total = term = np.ones(np.broadcast(first, second, whole, z).shape)
    for n in range(10_000):
        term = term * (first + n) * (second + n) / ((whole + n) * (n + 1)) * z
        total = total + term
        if (np.abs(term) <= 1e-15 * np.abs(total)).all():
            break
    return total
