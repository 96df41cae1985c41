"""Gamma-Gamma: what a customer's purchases are worth on average, whatever their number.

References
----------
Fader and Hardie (2013), "The Gamma-Gamma model of monetary value".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln, zeta

from segkit.core.arguments import SettingError
from segkit.models.lifetime.peaks import Peak, climb

PART_ROWS = 1 << 14
STARTS = ((1.0, 1.0, 1.0), (0.0, 2.0, 2.0))


class Spend(NamedTuple):
    """Parameters of Gamma-Gamma; ``v`` is in units of money."""

    p: float
    q: float
    v: float


def fit_spend(repeat_count: np.ndarray, mean_value: np.ndarray) -> Peak:
    """Fit Gamma-Gamma to counts and means of purchases, all positive.

    Returns a peak with p, q and v (Fader and Hardie 2013, equation 1a).

    Raises
    ------
    SettingError
        If they are no numbers, not as many, or one is not positive and finite.
    """
    repeat_count, mean_value = _read_spends(repeat_count, mean_value)
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
    peak = climb(_weigh_spend, (count, total / scale, logs - mean_log), STARTS)
    log_likelihood = peak.log_likelihood - len(count) * mean_log
    return peak._replace(values=peak.values * [1, 1, scale], log_likelihood=log_likelihood)


def _read_spends(repeat_count: object, mean_value: object) -> tuple[np.ndarray, np.ndarray]:
    """Return counts and means as arrays, or refuse what a fit would take for something else."""
    counts = np.asarray(repeat_count)
    means = np.asarray(mean_value)
    if counts.dtype.kind not in "iuf" or means.dtype.kind not in "iuf":
        raise SettingError(
            "counts and means of purchases are numbers", found=f"{counts.dtype}, {means.dtype}"
        )
    if counts.shape != means.shape or counts.ndim != 1 or not counts.size:
        raise SettingError(
            "each customer has a count and a mean of purchases",
            found=f"shapes {counts.shape} and {means.shape}",
        )
    possible = (counts > 0) & (counts == np.floor(counts)) & np.isfinite(counts)
    possible &= (means > 0) & np.isfinite(means)
    if not possible.all():
        raise SettingError(
            "counts and means of purchases are not all above 0",
            found=f"{int((~possible).sum())} of {len(counts)}",
            fix="Leave out whoever bought once only or whose purchases brought nothing.",
        )
    return counts, means


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


def expect_spend(model: Spend, repeat_count: np.ndarray, mean_value: np.ndarray) -> np.ndarray:
    """Return the expected mean value of a purchase; infinite where the model has no mean.

    Fader and Hardie (2013), equation 5; with a count of 0 it is the mean of all customers.

    Raises
    ------
    SettingError
        If a count is negative or no whole number, or the mean of a count above 0 is missing or
        negative: who bought for nothing has a mean of 0, of whom nothing is known a count of 0.

    Examples
    --------
    A mean of 4 from two purchases lies between them and the 3 of all.

    >>> expect_spend(Spend(6, 3, 1), [0, 2], [np.nan, 4.0]).round(2).tolist()
    [3.0, 3.86]
    """
    p, q, v = model
    x = np.asarray(repeat_count, dtype=float)
    mean = np.asarray(mean_value, dtype=float)
    possible = (x >= 0) & (x == np.floor(x)) & np.isfinite(x)
    possible &= (x == 0) | ((mean >= 0) & np.isfinite(mean))
    if not possible.all():
        raise SettingError(
            "a count or a mean of purchases is not possible",
            found=f"{int((~possible).sum())} of {possible.size}",
            fix="Counts are whole numbers from 0; who has one above 0 has a mean from 0.",
        )
    total = np.where(x > 0, x * np.nan_to_num(mean), 0.0)
    rest = p * x + q - 1
    return np.where(rest > 0, p * (v + total) / np.where(rest > 0, rest, 1), np.inf)
