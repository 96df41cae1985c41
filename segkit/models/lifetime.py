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
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1, zeta

LOG_BOUND = 8.0
LAST_STEP = 1e-3
MOST_STEPS = 100
THIN_ROWS = 20_000
THIN = 8
PART_ROWS = 1 << 14
MOST_WHOLE = 10_000
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


class Peak(NamedTuple):
    """A maximum of a likelihood; ``covariance`` is that of the logarithms of ``values``."""

    values: np.ndarray
    log_likelihood: float
    covariance: np.ndarray
    converged: bool


def fit_purchases(repeat_count: np.ndarray, active: np.ndarray, tenure: np.ndarray) -> Peak:
    """Fit BG/NBD by maximum likelihood to histories; equal ones are counted once.

    Returns a peak with r, alpha, a and b (Fader, Hardie and Lee 2005, equation 6).
    """
    key = np.zeros(len(tenure), dtype=np.int64)
    known = []
    for column in (repeat_count, active, tenure):
        codes, values = _number_values(np.asarray(column, dtype=float))
        key *= len(values)
        key += codes
        known.append(values)
    scale = float(np.bincount(codes) @ values) / len(codes) or 1.0  # the mean tenure
    rows = np.unique(key, return_counts=True)
    known[1:] = [values / scale for values in known[1:]]
    peak = _climb(partial(_weigh_purchases, known=known), rows, STARTS)
    log_likelihood = peak.log_likelihood - repeat_count.sum() * np.log(scale)
    return peak._replace(values=peak.values * [1, scale, 1, 1], log_likelihood=log_likelihood)


def _number_values(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each value, and the values in order; whole ones need no search."""
    low = column.min()
    high = column.max()
    if high - low > MOST_WHOLE or (column != np.floor(column)).any():
        values, codes = np.unique(column, return_inverse=True)
        return codes, values
    return (column - low).astype(np.int64), np.arange(low, high + 1)


def _weigh_purchases(keys: np.ndarray, weights: np.ndarray, *, known: list[np.ndarray]) -> Callable:
    """Return the log-likelihood, with its first and second derivatives by r, alpha, a and b.

    With A = ln(alpha + tenure) and B = ln(alpha + active) a history has ln G(r + x) - ln G(r)
    + r ln alpha + ln B(a, b + x) - ln B(a, b) - (r + x) A + ln(1 + exp D), where x > 0 for the
    last term and D = ln a - ln(b + x - 1) + (r + x)(A - B). Gamma and beta functions are taken
    once a count, logarithms once a time.
    """
    x, times, tenures = known
    rest, at_tenure = np.divmod(keys, len(tenures))
    at_count, at_time = np.divmod(rest, len(times))
    columns = (at_count, at_time, at_tenure, weights.astype(float))
    size = float(weights.sum())
    w = np.bincount(at_count, weights, len(x))

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


def fit_spend(repeat_count: np.ndarray, mean_value: np.ndarray) -> Peak:
    """Fit Gamma-Gamma to counts and means of purchases, all positive.

    Returns a peak with p, q and v (Fader and Hardie 2013, equation 1a).
    """
    # Sorted by count and sum, so that the order of rows changes no last bit.
    order = np.argsort(repeat_count.astype(np.min_scalar_type(repeat_count.max())), kind="stable")
    count = repeat_count[order].astype(float)
    total = (repeat_count * mean_value)[order]
    x, w, starts = _count_sorted(count)
    for part in np.split(total, starts[1:]):
        part.sort()
    logs = np.log(total)
    mean_log = logs.mean() - w @ np.log(x) / len(count)
    scale = float(np.exp(mean_log))
    peak = _climb(_weigh_spend, (count, total / scale, logs - mean_log), SPEND_STARTS)
    log_likelihood = peak.log_likelihood - len(count) * mean_log
    return peak._replace(values=peak.values * [1, 1, scale], log_likelihood=log_likelihood)


def _count_sorted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different values, how often and from where on each is there."""
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    return values[starts], np.diff(starts, append=len(values)), starts


def _weigh_spend(count: np.ndarray, total: np.ndarray, log_total: np.ndarray) -> Callable:
    """Return the log-likelihood, with its first and second derivatives by p, q and v.

    With the sum s = x z of a history it is ln G(px + q) - ln G(px) - ln G(q) + q ln v + px ln s
    - (px + q) ln(v + s), less ln z, which no parameter changes.
    """
    x, w, _ = _count_sorted(count)
    size = len(count)
    known = count @ log_total

    def measure(values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        p, q, v = values
        sums = np.zeros((2, 3))  # of ln(v + s) and the powers of 1 / (v + s), plain and times x
        for start in range(0, size, PART_ROWS):
            whole = v + total[start : start + PART_ROWS]
            terms = np.empty((3, len(whole)))
            np.log(whole, out=terms[0])
            np.divide(1, whole, out=terms[1])
            np.square(terms[1], out=terms[2])
            sums += [terms.sum(axis=1), terms @ count[start : start + PART_ROWS]]
        plain, bought = sums
        joint = digamma(p * x + q)
        curved = zeta(2, p * x + q)
        spare = np.log(v) - digamma(q)
        value = w @ (gammaln(p * x + q) - gammaln(p * x)) + size * (q * np.log(v) - gammaln(q))
        value += p * (known - bought[0]) - q * plain[0]
        by_p = w * x @ (joint - digamma(p * x)) + known - bought[0]
        by_q = w @ joint + size * spare - plain[0]
        by_v = size * q / v - p * bought[1] - q * plain[1]
        pp = w * x**2 @ (curved - zeta(2, p * x))
        pq = w * x @ curved
        pv = -bought[1]
        qq = w @ curved - size * zeta(2, q)
        qv = size / v - plain[1]
        vv = p * bought[2] + q * plain[2] - size * q / v**2
        bends = np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])
        return value, np.array([by_p, by_q, by_v]), bends

    return measure


def _climb(likelihood: Callable, rows: tuple[np.ndarray, ...], starts: tuple) -> Peak:
    """Climb from the peak of an eighth of the rows; from the given starts where that fails."""
    measure = likelihood(*rows)
    near = []
    best = None
    if len(rows[0]) > THIN_ROWS:
        part = _climb(likelihood, tuple(column[::THIN] for column in rows), starts)
        near = [np.log(part.values)] if part.converged else []
    for start in [*near, *starts]:
        peak = _end_climb(measure, np.array(start))
        if best is None or peak.log_likelihood > best.log_likelihood:
            best = peak
        if peak.converged:
            break
    return best


def _end_climb(measure: Callable, logs: np.ndarray) -> Peak:
    """Climb by Newton's steps by the parameters' logarithms, which stay within their bounds.

    Where the likelihood bends upwards a step goes uphill all the same (Nocedal and Wright 2006,
    "Numerical optimization", section 3.4), by one at most, and is shortened until it leads up.
    """

    def look(logs: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        values = np.exp(logs)
        value, slopes, bends = measure(values)
        return value, slopes * values, bends * np.outer(values, values) + np.diag(slopes * values)

    here = look(logs)
    reach = 1.0
    for _ in range(MOST_STEPS):
        value, slopes, bends = here
        step = slopes
        held = np.zeros(len(logs), dtype=bool)
        for _ in logs:  # whatever leads out of the bounds is held
            held |= (np.abs(logs) > LOG_BOUND - 1e-9) & (logs * step > 0)
            free = np.outer(~held, ~held)
            roots, axes = np.linalg.eigh(np.where(free, -bends, np.eye(len(logs))))
            step = axes @ (axes.T @ np.where(held, 0, slopes) / np.maximum(np.abs(roots), 1e-300))
        size = np.abs(step).max()
        if min(size, reach) < LAST_STEP:
            break
        room = (LOG_BOUND - logs * np.sign(step)) / np.maximum(np.abs(step), 1e-300)
        further = logs + step * min(1, reach / size, room.min())
        there = look(further)
        if there[0] >= value - 1e-12 * abs(value):
            logs = further
            here = there
            reach = min(1, 4 * reach)
        else:
            reach = min(size, reach) / 4
    is_sound = roots[0] > 0 and np.abs(logs).max() < LOG_BOUND - 0.01
    covariance = np.linalg.inv(-bends) if is_sound else np.full_like(bends, np.nan)
    has_converged = bool(is_sound and size < LAST_STEP)
    if has_converged:  # what is left is of the step's square
        logs = logs + step
        value = value + slopes @ step / 2
    return Peak(np.exp(logs), float(value), covariance, has_converged)


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
