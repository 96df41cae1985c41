"""How surely two means differ that were estimated over strata, from customers who count repeatedly.

A mean comes with its variance, which whoever sums up the customers has worked out: where a customer
takes part in several campaigns, a count of rows would take too much for known. statsmodels compares
counts of independent trials only, and has no interval of a stratified difference of shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from segkit.core.statistics import ALPHA, bound_estimate, bound_share, find_reach

MOST_FREEDOM = 1e9  # as many degrees of freedom are the normal distribution
POWER = 0.8  # how often a difference that can be detected is seen


@dataclass(frozen=True)
class Means:
    """Estimated means of one side of comparisons, arrays of one shape.

    Attributes
    ----------
    mean, variance : ndarray of float
        The means and the squares of their standard errors.
    count : ndarray of float
        How many values each is of; no mean is known better than so many independent ones tell.
    """

    mean: np.ndarray
    variance: np.ndarray
    count: np.ndarray

    def find_effective_counts(self) -> np.ndarray:
        """Return how many independent trials would leave shares as uncertain as they are.

        Of independent trials it is their number; where nobody or everybody is a hit, too.
        """
        spread = self.mean * (1 - self.mean)
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.where((self.variance > 0) & (spread > 0), spread / self.variance, self.count)
        return np.minimum(size, self.count)

    def soften_variance(self) -> np.ndarray:
        """Return the variances of shares with one hit and one miss more; never 0.

        So that no group counts as known for sure where by chance nobody was a hit: the shares are
        those of Agresti and Caffo (2000), *The American Statistician* 54, over the count as it is,
        for a test of many small groups takes too little for chance otherwise.
        """
        size = self.find_effective_counts()
        share = (self.mean * size + 1) / (size + 2)
        return share * (1 - share) / np.maximum(size, 1)


def bound_share_contrast(
    one: Means, other: Means, *, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the 95 % interval of differences of shares.

    Both shares' Wilson intervals, of as many trials as their variances are worth, are put together
    as Newcombe (1998, *Statistics in Medicine* 17, method 10) does; with the covariance of the two
    as Zou and Donner (2008, *Statistics in Medicine* 27, equation 4). Of independent trials without
    strata it is Newcombe's interval.

    Examples
    --------
    >>> one = Means(np.array([56 / 70]), np.array([0.8 * 0.2 / 70]), np.array([70.0]))
    >>> other = Means(np.array([48 / 80]), np.array([0.6 * 0.4 / 80]), np.array([80.0]))
    >>> low, high = bound_share_contrast(one, other, covariance=np.zeros(1))
    >>> low.round(4).tolist(), high.round(4).tolist()  # Newcombe's example (a)
    ([0.0524], [0.3339])
    """
    ends = []
    for side in (one, other):
        size = side.find_effective_counts()
        low, high = bound_share(side.mean * size, np.where(size > 0, size, np.nan))
        ends.append((side.mean - low, high - side.mean))
    (down, up), (other_down, other_up) = ends
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(one.variance * other.variance)
        correlation = np.where(root > 0, covariance / root, 0.0).clip(-1, 1)
    difference = one.mean - other.mean
    below = down**2 + other_up**2 - 2 * correlation * down * other_up
    above = up**2 + other_down**2 - 2 * correlation * up * other_down
    return (
        np.maximum(difference - np.sqrt(np.maximum(below, 0)), -1),
        np.minimum(difference + np.sqrt(np.maximum(above, 0)), 1),
    )


def bound_amount_contrast(
    difference: np.ndarray, error: np.ndarray, *, freedom: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the 95 % interval of differences of mean amounts.

    Student's t with each difference's own degrees of ``freedom`` (Welch 1947, *Biometrika* 34).
    Skewness is not corrected for: of two groups it mostly cancels. Where nothing differed, Hall's
    correction, which one mean needs, called a difference in up to .12 of draws of lognormal spend
    (60 against 30 customers), and Welch's test in .06 at most, but for 2,000 against 300 with a
    standard deviation of 1.5 of their logarithms, where both did in .10.

    Examples
    --------
    >>> low, high = bound_amount_contrast(np.array([4.0]), np.ones(1), freedom=np.array([10.0]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([1.772], [6.228])
    """
    from scipy.special import stdtrit

    reach = stdtrit(np.minimum(freedom, MOST_FREEDOM), 1 - ALPHA / 2) * error
    return difference - reach, difference + reach


def find_amount_p_value(
    difference: np.ndarray, error: np.ndarray, *, freedom: np.ndarray
) -> np.ndarray:
    """Return the p-values of differences of mean amounts: below .05 where the interval omits 0.

    Welch's (1947) t test; 1 where nothing varies.

    Examples
    --------
    >>> p = find_amount_p_value(np.array([2.228]), np.ones(1), freedom=np.array([10.0]))
    >>> p.round(3).tolist()
    [0.05]
    """
    from scipy.special import stdtr

    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error > 0, np.abs(difference) / error, 0.0)
    p_values = 2 * stdtr(np.minimum(freedom, MOST_FREEDOM), -ratio)
    is_known = np.isfinite(difference) & np.isfinite(error)
    return np.where(is_known, p_values, np.nan)


def find_normal_p_value(estimate: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return the two-sided p-values of estimates with standard errors; 1 where nothing varies."""
    from scipy.special import ndtr

    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error > 0, np.abs(estimate) / error, 0.0)
    return np.where(np.isfinite(estimate) & np.isfinite(error), 2 * ndtr(-ratio), np.nan)


def compare_means(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float, float]:
    """Return the difference of two means, both ends of its 95 % interval, and its p-value.

    By Welch (1947, *Biometrika* 34), which takes no variance for another. NaN but for the
    difference where neither group varies, or one has fewer than two.

    Parameters
    ----------
    one, other : ndarray of float, (n,) and (m,)
        Known numbers.

    Examples
    --------
    >>> found = compare_means(np.array([3.0, 4, 5]), np.array([1.0, 2, 3]))
    >>> [round(value, 2) for value in found]
    [2.0, -0.27, 4.27, 0.07]
    """
    from scipy.special import stdtr

    if not len(one) or not len(other):
        return np.nan, np.nan, np.nan, np.nan
    difference = float(one.mean() - other.mean())
    if min(len(one), len(other)) < 2:
        return difference, np.nan, np.nan, np.nan
    parts = [values.var(ddof=1) / len(values) for values in (one, other)]
    if not sum(parts) > 0:
        return difference, np.nan, np.nan, np.nan
    shares = [part**2 / (len(v) - 1) for part, v in zip(parts, (one, other), strict=True)]
    freedom = sum(parts) ** 2 / sum(shares)
    error = float(np.sqrt(sum(parts)))
    low, high = bound_estimate(difference, error, freedom=freedom)
    return difference, float(low), float(high), float(2 * stdtr(freedom, -abs(difference) / error))


def bound_mean_ratio(
    one: Means, other: Means, *, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ratios of means and both ends of their 95 % intervals; NaN unless means are above 0.

    On the logarithm (Katz, Baptista, Azen and Pike 1978, *Biometrics* 34), with the variance of the
    logarithm to first order; of independent shares it is theirs.

    Examples
    --------
    >>> one = Means(np.array([0.4]), np.array([0.4 * 0.6 / 100]), np.array([100.0]))
    >>> other = Means(np.array([0.2]), np.array([0.2 * 0.8 / 100]), np.array([100.0]))
    >>> [end.round(3).tolist() for end in bound_mean_ratio(one, other, covariance=np.zeros(1))]
    [[2.0], [1.263], [3.167]]
    """
    error = find_log_ratio_error(one, other, covariance=covariance)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(other.mean > 0, one.mean / other.mean, np.nan)
        low, high = bound_estimate(np.log(np.where(ratio > 0, ratio, np.nan)), error)
    return ratio, np.exp(low), np.exp(high)


def bound_ratio_of_estimates(
    one: tuple[ArrayLike, ArrayLike, ArrayLike], other: tuple[ArrayLike, ArrayLike, ArrayLike]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ratio of two positive estimates and both ends of its 95 % interval.

    From the interval of each, which need not be symmetric (Donner and Zou 2012, *Statistical
    Methods in Medical Research* 21, equations 9 and 10). Missing where the other may be nothing.

    Parameters
    ----------
    one, other : tuple of array of float
        An estimate and both ends of its interval; the two have nobody in common.

    Examples
    --------
    >>> found = bound_ratio_of_estimates((0.9, 0.88, 0.92), (1.0, 0.99, 1.01))
    >>> [round(float(value), 3) for value in found]
    [0.9, 0.878, 0.922]
    """
    a, low_a, high_a = (np.asarray(value, dtype=float) for value in one)
    b, low_b, high_b = (np.asarray(value, dtype=float) for value in other)
    with np.errstate(divide="ignore", invalid="ignore"):
        product = a * b
        down = product**2 - low_a * high_b * (2 * a - low_a) * (2 * b - high_b)
        up = product**2 - high_a * low_b * (2 * a - high_a) * (2 * b - low_b)
        low = (product - np.sqrt(np.maximum(down, 0))) / (high_b * (2 * b - high_b))
        high = (product + np.sqrt(np.maximum(up, 0))) / (low_b * (2 * b - low_b))
        is_known = (low_b > 0) & (high_b < 2 * b)
        ratio = np.where(b > 0, a / b, np.nan)
    return ratio, np.where(is_known, low, np.nan), np.where(is_known, high, np.nan)


def find_log_ratio_error(one: Means, other: Means, *, covariance: np.ndarray) -> np.ndarray:
    """Return the standard errors of the logarithms of ratios; NaN where a mean is not above 0."""
    is_known = (one.mean > 0) & (other.mean > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = one.variance / one.mean**2 + other.variance / other.mean**2
        variance = variance - 2 * covariance / (one.mean * other.mean)
    return np.sqrt(np.where(is_known, np.maximum(variance, 0), np.nan))


def find_detectable(error: ArrayLike) -> np.ndarray:
    """Return the differences that are seen in four cases of five, given their standard errors.

    At 5 % on both sides: (1.96 + 0.84) standard errors, the minimum detectable effect of Bloom
    (1995), *Evaluation Review* 19.

    >>> find_detectable(0.01).round(4).tolist()
    0.028
    """
    return np.asarray(error, dtype=float) * (find_reach() + _find_power_point())


def _find_power_point() -> float:
    from scipy.special import ndtri

    return float(ndtri(POWER))


def find_control_size(variance: ArrayLike, total: ArrayLike, *, effect: float) -> np.ndarray:
    """Return the fewest of ``total`` to keep back so that a difference ``effect`` can be detected.

    The closed formula for two means: with a share f kept back, the variance of their difference is
    ``variance`` / (f (1 - f) total), and f is the smaller root of what `find_detectable` asks.

    Parameters
    ----------
    variance : array of float
        Of one value, such as p (1 - p) of a share; times its design effect.
    total : array of float
        Values on both sides together.
    effect : float
        The difference wanted.

    Returns
    -------
    array of float
        NaN where even half of them are too few.

    Examples
    --------
    >>> find_control_size([0.16], [100_000], effect=0.01).tolist()
    [14728.0]
    >>> find_control_size([0.16], [10_000], effect=0.01).tolist()
    [nan]
    """
    variance = np.asarray(variance, dtype=float)
    total = np.asarray(total, dtype=float)
    wanted = (effect / find_detectable(1.0)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        product = variance / (total * wanted)
        share = (1 - np.sqrt(np.where(product <= 0.25, 1 - 4 * product, np.nan))) / 2
    return np.ceil(share * total)


def find_total_needed(variance: ArrayLike, *, effect: float) -> np.ndarray:
    """Return how many values a difference ``effect`` needs if half of them are kept back.

    >>> float(find_total_needed(0.16, effect=0.01).round())
    50233.0
    """
    return 4 * np.asarray(variance, dtype=float) / (effect / find_detectable(1.0)) ** 2


def measure_heterogeneity(
    estimates: np.ndarray, variances: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Test whether estimates of groups differ by more than chance: a test of interaction.

    Cochran's (1954) Q, *Biometrics* 10, which is Wald's test of the interaction of group and arm,
    with its p-value by chi-square; and the share of the variation that is no chance, I squared
    (Higgins and Thompson 2002, *Statistics in Medicine* 21).

    Parameters
    ----------
    estimates, variances : ndarray of float, (..., groups)
        Of groups that have nobody in common; what is missing or has no variance is left out.

    Returns
    -------
    tuple of ndarray, (...)
        Q, how many groups it is of, the p-value (NaN of fewer than two groups), and I squared.

    Examples
    --------
    >>> q, count, p, i2 = measure_heterogeneity(np.array([0.1, 0.3]), np.array([0.01, 0.01]))
    >>> round(float(q), 2), int(count), round(float(p), 3), round(float(i2), 2)
    (2.0, 2, 0.157, 0.5)
    """
    from scipy.special import chdtrc

    is_known = np.isfinite(estimates) & np.isfinite(variances) & (variances > 0)
    count = is_known.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(is_known, 1 / variances, 0.0)
        known = np.where(is_known, estimates, 0.0)
        centre = (weights * known).sum(axis=-1) / weights.sum(axis=-1)
        q = (weights * (known - np.expand_dims(centre, -1)) ** 2).sum(axis=-1)
        freedom = np.maximum(count - 1, 1)
        p_value = np.where(count > 1, chdtrc(freedom, q), np.nan)
        i_squared = np.where(count > 1, np.maximum(0, 1 - freedom / q), np.nan)
    q = np.where(count > 1, q, np.nan)
    return q, count, p_value, np.where(np.isfinite(i_squared), i_squared, p_value * 0)
