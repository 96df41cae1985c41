"""BG/NBD and Gamma-Gamma on plain arrays, in any unit of time and money.

A history is ``repeat_count`` (purchases after the first), ``active`` (time from the first purchase
to the last) and ``tenure`` (time from the first purchase until now).

References
----------
Fader, Hardie and Lee (2005), "Counting your customers the easy way", *Marketing Science* 24(2);
Fader and Hardie (2013), "The Gamma-Gamma model of monetary value" and (2013) "Overcoming the
BG/NBD model's #NUM! error problem".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1
from threadpoolctl import threadpool_limits

LOG_BOUND = 8.0
FLAT_SLOPE = 1e-6
THIN_ROWS = 20_000
STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, -1.0, 0.0, 1.0), (1.0, 1.0, -1.0, 0.0))
SPEND_STARTS = ((1.0, 1.0, 1.0), (0.0, 2.0, 2.0))


class Purchases(NamedTuple):
    """Parameters of BG/NBD; ``alpha`` is in units of time."""

    r: float
    alpha: float
    a: float
    b: float


class Spend(NamedTuple):
    """Parameters of Gamma-Gamma; ``v`` is in units of money."""

    p: float
    q: float
    v: float


@dataclass(frozen=True)
class Peak:
    """A maximum of a likelihood; ``covariance`` is that of the logarithms of ``values``."""

    values: np.ndarray
    log_likelihood: float
    covariance: np.ndarray
    converged: bool


def count_rows(*columns: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the columns of the different rows, in order, and how often each occurs."""
    key, known = _encode_rows(columns)
    keys, counts = np.unique(key, return_counts=True)
    return _decode_rows(keys, known), counts


def place_rows(*columns: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the columns of the different rows, in order, and the place of each row given."""
    key, known = _encode_rows(columns)
    keys, places = np.unique(key, return_inverse=True)
    return _decode_rows(keys, known), places


def _encode_rows(columns: tuple[np.ndarray, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return one whole number a row, and the different values of each column."""
    key, known = np.zeros(len(columns[0]), dtype=np.int64), []
    for column in columns:
        codes, values = pd.factorize(np.asarray(column), sort=True)
        key, known = key * len(values) + codes, [*known, values]
    return key, known


def _decode_rows(keys: np.ndarray, known: list[np.ndarray]) -> list[np.ndarray]:
    columns = []
    for values in known[::-1]:
        keys, codes = np.divmod(keys, max(len(values), 1))
        columns.append(values[codes])
    return columns[::-1]


def fit_purchases(repeat_count: np.ndarray, active: np.ndarray, tenure: np.ndarray) -> Peak:
    """Fit BG/NBD by maximum likelihood to histories; equal ones are counted once.

    Returns a peak with r, alpha, a and b (Fader, Hardie and Lee 2005, equation 6).
    """
    (count, last, whole), weights = count_rows(repeat_count, active, tenure)
    scale = float(whole @ weights / weights.sum()) or 1.0
    rows = (count, last / scale, whole / scale, weights)
    peak = _climb(_PurchaseLikelihood, rows, STARTS)
    purchases = float(count @ weights)
    units = np.array([1.0, scale, 1.0, 1.0])
    log_likelihood = peak.log_likelihood - purchases * np.log(scale)
    return Peak(peak.values * units, log_likelihood, peak.covariance, peak.converged)


class _PurchaseLikelihood:
    """The log-likelihood and its slopes by the logarithms of r, alpha, a and b.

    With A = ln(alpha + tenure) and B = ln(alpha + active) a history has ln G(r + x) - ln G(r)
    + r ln alpha + ln B(a, b + x) - ln B(a, b) - (r + x) A + ln(1 + exp D), where x > 0 for the
    last term and D = ln a - ln(b + x - 1) + (r + x)(A - B). Gamma and beta functions are taken
    once a count, logarithms once a time.
    """

    def __init__(self, count, active, tenure, weights):
        self.weights, self.total = weights.astype(float), float(weights.sum())
        self.counts, at_count = np.unique(count, return_inverse=True)
        self.count_weights = np.bincount(at_count, weights)
        self.tenures, at_tenure = np.unique(tenure, return_inverse=True)
        self.tenure_weights = np.bincount(at_tenure, weights)
        self.tenure_purchases = np.bincount(at_tenure, weights * count)
        again = count > 0
        self.at_count, self.at_tenure = at_count[again], at_tenure[again]
        self.times, self.at_time = np.unique(active[again], return_inverse=True)
        self.again, self.again_weights = count[again].astype(float), self.weights[again]

    def __call__(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = np.exp(logs)
        x, w = self.counts, self.count_weights
        lasting, elapsed = alpha + self.tenures, alpha + self.times
        by_tenure = r * self.tenure_weights + self.tenure_purchases
        value = w @ (gammaln(r + x) - gammaln(r) + betaln(a, b + x) - betaln(a, b))
        value += self.total * r * np.log(alpha) - by_tenure @ np.log(lasting)
        slope_r = w @ (digamma(r + x) - digamma(r)) + self.total * np.log(alpha)
        slope_r -= self.tenure_weights @ np.log(lasting)
        slope_alpha = self.total * r / alpha - by_tenure @ (1 / lasting)
        slope_a = w @ (digamma(a + b) - digamma(a + b + x))
        slope_b = w @ (digamma(a + b) - digamma(a + b + x) + digamma(b + x) - digamma(b))
        # Who bought again may have left right after the last purchase.
        since = np.log(lasting)[self.at_tenure] - np.log(elapsed)[self.at_time]
        drop = np.log(a) - np.log(b + np.maximum(x, 1) - 1)
        power = r + self.again
        exponent = drop[self.at_count] + power * since
        small = np.exp(-np.abs(exponent))
        value += self.again_weights @ (np.maximum(exponent, 0) + np.log(1 + small))
        left = self.again_weights * np.where(exponent > 0, 1.0, small) / (1 + small)
        slope_r += left @ since
        gap = (1 / lasting)[self.at_tenure] - (1 / elapsed)[self.at_time]
        slope_alpha += left @ (power * gap)
        by_count = np.bincount(self.at_count, left, minlength=len(x))
        slope_a += by_count.sum() / a
        slope_b -= by_count @ (1 / (b + np.maximum(x, 1) - 1))
        return value, np.array([slope_r * r, slope_alpha * alpha, slope_a * a, slope_b * b])


def fit_spend(repeat_count: np.ndarray, mean_value: np.ndarray) -> Peak:
    """Fit Gamma-Gamma to counts and means of purchases, all positive.

    Returns a peak with p, q and v (Fader and Hardie 2013, equation 1a).
    """
    pairs = np.sort(repeat_count + 1j * mean_value)  # the order of rows changes no last bit
    count, mean, weights = pairs.real, pairs.imag, np.ones(len(pairs))
    scale = float(np.exp(np.log(mean).mean()))
    peak = _climb(_SpendLikelihood, (count, mean / scale, weights), SPEND_STARTS)
    log_likelihood = peak.log_likelihood - len(pairs) * np.log(scale)
    return Peak(peak.values * [1, 1, scale], log_likelihood, peak.covariance, peak.converged)


class _SpendLikelihood:
    """The log-likelihood and its slopes by the logarithms of p, q and v.

    With the sum s = x z of a history it is ln G(px + q) - ln G(px) - ln G(q) + q ln v + px ln s
    - ln z - (px + q) ln(v + s).
    """

    def __init__(self, count, mean, weights):
        self.total, self.weights = count * mean, weights.astype(float)
        self.counts, at_count = np.unique(count, return_inverse=True)
        self.count_weights = np.bincount(at_count, weights)
        self.purchases = count * self.weights
        self.known = self.purchases @ np.log(self.total), self.weights @ np.log(mean)

    def __call__(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, v = np.exp(logs)
        x, w, size = p * self.counts, self.count_weights, self.weights.sum()
        sums = v + self.total
        joint = np.log(sums)
        bought, plain = self.purchases @ joint, self.weights @ joint
        value = w @ (gammaln(x + q) - gammaln(x)) + size * (q * np.log(v) - gammaln(q))
        value += p * self.known[0] - self.known[1] - p * bought - q * plain
        slope_p = w * self.counts @ (digamma(x + q) - digamma(x)) + self.known[0] - bought
        slope_q = w @ digamma(x + q) + size * (np.log(v) - digamma(q)) - plain
        slope_v = size * q / v - (p * self.purchases + q * self.weights) @ (1 / sums)
        return value, np.array([slope_p * p, slope_q * q, slope_v * v])


@threadpool_limits.wrap(limits=1)  # threads would wait for each other
def _climb(likelihood: type, rows: tuple, starts: tuple) -> Peak:
    """Climb by L-BFGS, end with Newton's steps; a further start only where the first fails.

    Many rows are climbed from the peak of a part of them: with its curvature two steps
    come so near that Newton's need one.
    """
    measure, count = likelihood(*rows), rows[-1].sum()

    def descend(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = measure(logs)
        return -value / count, -slopes / count

    thin, best = len(rows[-1]) // THIN_ROWS, None
    if thin > 1:
        part = [column[::thin] for column in rows]
        near = _climb(likelihood, part, starts)
        if near.converged:
            logs, steps = np.log(near.values), near.covariance * part[-1].sum()
            for _ in range(2):
                logs = np.clip(logs - steps @ descend(logs)[1], -LOG_BOUND, LOG_BOUND)
            best = _end_climb(descend, logs, count)
            if best.converged:
                return best
    for start in starts:
        bounds = [(-LOG_BOUND, LOG_BOUND)] * len(start)
        options = {"ftol": 1e-13, "gtol": 1e-7, "maxiter": 500}
        found = minimize(
            descend, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        peak = _end_climb(descend, found.x, count)
        if best is None or peak.log_likelihood > best.log_likelihood:
            best = peak
        if peak.converged:
            break
    return best


def _end_climb(descend: Callable, logs: np.ndarray, count: float) -> Peak:
    """End with Newton's steps, as long as they lead up."""
    value, slopes = descend(logs)
    for _ in range(5):
        curvature = _measure_curvature(descend, logs, slopes)
        if np.linalg.eigvalsh(curvature)[0] <= 0 or np.abs(slopes).max() < FLAT_SLOPE / 1e3:
            break
        further = logs - np.linalg.solve(curvature, slopes)
        if np.abs(further).max() >= LOG_BOUND:
            break
        further_value, further_slopes = descend(further)
        if not further_value <= value:
            break
        logs, value, slopes = further, further_value, further_slopes
        if np.abs(slopes).max() < FLAT_SLOPE / 1e3:
            break
    sound = np.linalg.eigvalsh(curvature)[0] > 0 and np.abs(logs).max() < LOG_BOUND - 0.01
    covariance = np.linalg.inv(curvature) / count if sound else np.full_like(curvature, np.nan)
    converged = bool(sound and np.abs(slopes).max() < FLAT_SLOPE)
    return Peak(np.exp(logs), float(-value * count), covariance, converged)


def _measure_curvature(
    descend: Callable, logs: np.ndarray, slopes: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Second derivatives by differences of the slopes."""
    moves = np.eye(len(logs)) * step
    rows = np.array([(descend(logs + move)[1] - slopes) / step for move in moves])
    return (rows + rows.T) / 2


def find_active_probability(
    model: Purchases, repeat_count: np.ndarray, *, active: np.ndarray, tenure: np.ndarray
) -> np.ndarray:
    """Return the probability that each customer still buys; 1 for those who never bought again.

    Fader, Hardie and Lee (2008), "Computing P(alive) using the BG/NBD model", equation 7.
    """
    r, alpha, a, b = model
    x = np.asarray(repeat_count, dtype=float)
    since = np.log(alpha + np.asarray(tenure, float)) - np.log(alpha + np.asarray(active, float))
    exponent = np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * since
    return np.where(x > 0, expit(-exponent), 1.0)


def expect_purchases(
    model: Purchases, horizon: float | np.ndarray, *, repeat_count=0, tenure=0
) -> np.ndarray:
    """Return the purchases expected within ``horizon`` of customers who are active now.

    As it stands that is the expectation for a new customer (Fader, Hardie and Lee 2005, equation
    9); times the probability of being active it is that of a customer with a history (equation
    10). Euler's transformation keeps the hypergeometric function small.
    """
    r, alpha, a, b = model
    if abs(a - 1) < 1e-6 or abs(a + b - 1) < 1e-6:  # the limit is there, the quotient is not
        a += 2e-6
    x, since = np.asarray(repeat_count, dtype=float), alpha + np.asarray(tenure, dtype=float)
    z, small = horizon / (since + horizon), a - 1 < r + x
    first = np.where(small, a - 1, r + x)
    second = np.where(small, a + b - 1 - r, b + x)
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


def expect_spend(model: Spend, repeat_count: np.ndarray, mean_value: np.ndarray) -> np.ndarray:
    """Return the expected mean value of a purchase; infinite where the model has no mean.

    Fader and Hardie (2013), equation 5; with a count of 0 it is the mean of all customers.
    """
    p, q, v = model
    x = np.asarray(repeat_count, dtype=float)
    total = np.where(x > 0, x * np.nan_to_num(mean_value), 0.0)
    rest = p * x + q - 1
    return np.where(rest > 0, p * (v + total) / np.where(rest > 0, rest, 1), np.inf)


def expect_counts(model: Purchases, tenure: np.ndarray, *, most: int) -> np.ndarray:
    """Return the probability of 0 to ``most`` repeat purchases, a row for each tenure.

    Fader, Hardie and Lee (2005), equation 8.
    """
    r, alpha, a, b = model
    t = np.asarray(tenure, dtype=float)[:, None]
    x = np.arange(most + 1)
    log_share = np.log(np.maximum(t, 1e-300)) - np.log(alpha + t)
    counted = gammaln(r + x) - gammaln(r) - gammaln(x + 1) + r * np.log(alpha / (alpha + t))
    poisson = np.exp(counted + x * log_share)
    alive = np.exp(betaln(a, b + x) - betaln(a, b)) * poisson
    fewer = np.cumsum(poisson, axis=1) - poisson
    left = np.exp(betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b)) * (1 - fewer)
    return alive + np.where(x > 0, left, 0.0)
