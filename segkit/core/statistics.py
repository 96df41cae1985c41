"""Intervals, tests and corrections, the one place that they come from.

What statsmodels has is taken from it, arrays at once; it is imported inside the functions, for the
start of a command needs none of it. What it lacks is here, with the reason and the source.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

ALPHA = 0.05  # what lies outside an interval, and the risk of a test
# A sample's skewness is too small on average, the more so the more skewed the values are: its
# largest value is rarely the largest there could be. See docs/decisions/27.
SKEW_FACTOR = 1.3
# Beyond this, the skewness over the root of the count, Hall's interval would become narrower again.
MOST_SKEW = 0.55


def bound_share(hits: ArrayLike, trials: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the 95 % interval of shares, within 0 to 1; NaN where nothing was tried.

    Of Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    *Journal of the American Statistical Association* 22.
    """
    from statsmodels.stats.proportion import proportion_confint

    hits = np.asarray(hits, dtype=float)
    trials = np.asarray(trials, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return proportion_confint(hits, trials, alpha=ALPHA, method="wilson")


def bound_count(counts: ArrayLike, *, comparison_count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the exact 95 % interval of Poisson counts (Garwood 1936).

    The intervals of ``comparison_count`` figures hold together (Bonferroni).

    >>> low, high = bound_count([0, 10])
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.0, 4.8], [3.69, 18.39])
    """
    from scipy.special import chdtri

    tail = ALPHA / 2 / max(comparison_count, 1)
    counts = np.asarray(counts, dtype=float)
    low = np.where(counts > 0, chdtri(2 * np.maximum(counts, 1), 1 - tail) / 2, 0.0)
    return low, chdtri(2 * counts + 2, tail) / 2


def bound_median(values: np.ndarray) -> tuple[float, float]:
    """Return both ends of the 95 % interval of the median of known numbers (n,); NaN below six.

    The order statistics that the sign test leaves possible: Conover (1999), *Practical
    Nonparametric Statistics*, section 3.2. statsmodels has none.

    >>> bound_median(np.arange(1.0, 11))
    (2.0, 9.0)
    """
    from scipy.special import bdtr

    count = len(values)
    # The most values that may lie below an end, with no more risk than half of what is allowed.
    below = np.flatnonzero(bdtr(np.arange(count), count, 0.5) <= ALPHA / 2)
    if len(below) == 0:
        return np.nan, np.nan
    ordered = np.sort(np.asarray(values, dtype=float))
    place = int(below[-1])
    return float(ordered[place]), float(ordered[count - 1 - place])


def bound_clustered_share(
    hits: ArrayLike,
    trials: ArrayLike,
    *,
    hit_squares: ArrayLike,
    products: ArrayLike,
    trial_squares: ArrayLike,
    clusters: ArrayLike,
    design_effect: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the 95 % interval of shares of trials that come in clusters.

    Several messages of one customer are not independent: who opens one opens the next. The variance
    of the ratio is taken over the clusters (Cochran 1977, *Sampling Techniques*, section 2.11);
    how much larger it is than that of independent trials says of how many these are worth, and
    Wilson's interval is taken of so many: Korn and Graubard (1998), *Survey Methodology* 24, whose
    adjustment for few clusters is used, with Wilson's limits as Franco et al. (2019), *Journal of
    Survey Statistics and Methodology* 7, recommend. Trials never count for more than they are.
    Where all or none are hits, each cluster counts as one trial.

    Parameters
    ----------
    hits, trials : array of float
        The sums over the clusters.
    hit_squares, products, trial_squares : array of float
        The sums over the clusters of squared hits, hits times trials, and squared trials.
    clusters : array of float
        How many clusters have a trial; of one there is no interval.
    design_effect : array of float, optional
        How many trials are worth one in a larger group of which these clusters are some. It is
        taken where they do not show their own: where all or none are hits, or there is but one.
        Few clusters are not adjusted for then, so that of a trial each the interval is Wilson's.

    Examples
    --------
    >>> customers = np.array([[5, 5], [0, 5], [0, 5], [5, 5]])  # hits and trials of each
    >>> hits, trials = customers.T
    >>> low, high = bound_clustered_share(
    ...     hits.sum(), trials.sum(), hit_squares=(hits**2).sum(), products=(hits * trials).sum(),
    ...     trial_squares=(trials**2).sum(), clusters=4,
    ... )
    >>> round(float(low), 2), round(float(high), 2)  # twenty messages, worth less than four
    (0.06, 0.94)
    """
    from scipy.special import stdtrit

    hits, trials, hit_squares, products, trial_squares, clusters = (
        np.asarray(value, dtype=float)
        for value in (hits, trials, hit_squares, products, trial_squares, clusters)
    )
    is_adjusted = design_effect is None
    with np.errstate(divide="ignore", invalid="ignore"):
        share = hits / trials
        squares = hit_squares - 2 * share * products + share**2 * trial_squares
        variance = np.maximum(squares, 0) / trials**2
        is_mixed = (hits > 0) & (hits < trials) & (clusters > 1)
        if is_adjusted:
            variance = clusters / (clusters - 1) * variance
            alone = clusters
        else:
            alone = trials / np.maximum(np.asarray(design_effect, dtype=float), 1)
        worth = np.minimum(np.where(is_mixed, share * (1 - share) / variance, alone), trials)
        reach = find_reach()
        if is_adjusted:
            fewer = (reach / stdtrit(np.maximum(clusters - 1, 1), 1 - ALPHA / 2)) ** 2
            worth = np.where(clusters > 1, worth * fewer, np.nan)
        worth = np.where(trials > 0, worth, np.nan)
        middle = (share + reach**2 / (2 * worth)) / (1 + reach**2 / worth)
        spread = share * (1 - share) / worth + reach**2 / (4 * worth**2)
        half = reach * np.sqrt(spread) / (1 + reach**2 / worth)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def bound_share_difference(
    hits: np.ndarray, trials: np.ndarray, *, other_hits: np.ndarray, other_trials: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the 95 % interval of differences of two shares; NaN without trials.

    By the hybrid score method, from both Wilson intervals: Newcombe (1998), *Statistics in
    Medicine* 17, method 10. The arrays have one shape.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    with np.errstate(divide="ignore", invalid="ignore"):
        return confint_proportions_2indep(
            hits,
            trials,
            other_hits,
            other_trials,
            method="newcomb",  # as statsmodels spells him
            compare="diff",
            alpha=ALPHA,
        )


def find_share_p_value(
    hits: np.ndarray, trials: np.ndarray, *, other_hits: np.ndarray, other_trials: np.ndarray
) -> np.ndarray:
    """Return the p-values of differences of two shares: the score test with pooled variance.

    Its square is Pearson's (1900) chi-square without correction. 1 where nobody or everybody is a
    hit, for then there is no difference; NaN where nothing was tried. The arrays have one shape.
    """
    from statsmodels.stats.proportion import test_proportions_2indep

    with np.errstate(divide="ignore", invalid="ignore"):
        _, p_values = test_proportions_2indep(
            hits,
            trials,
            other_hits,
            other_trials,
            method="score",
            compare="diff",
            correction=False,
            return_results=False,
        )
    whole = hits + other_hits
    is_alike = (whole == 0) | (whole == trials + other_trials)
    is_tried = (trials > 0) & (other_trials > 0)
    return np.where(is_tried, np.where(is_alike, 1.0, p_values), np.nan)


def find_mean_p_value(one: np.ndarray, other: np.ndarray) -> float:
    """Return the p-value of a difference of two means, by Welch's (1947) t test.

    ``one`` (n,) and ``other`` (m,) are known numbers, two at least of each, that are not all alike.
    """
    from statsmodels.stats.weightstats import ttest_ind

    return float(ttest_ind(one, other, usevar="unequal")[1])


def correct_p_values(p_values: np.ndarray) -> np.ndarray:
    """Return p-values (n,) corrected together; a missing one is no comparison and stays NaN.

    By Holm (1979, *Scandinavian Journal of Statistics* 6), which holds however the comparisons
    depend on each other. statsmodels has it too, and collects all garbage of the process each time.

    >>> correct_p_values(np.array([0.04, 0.01, np.nan, 0.03])).round(2).tolist()
    [0.06, 0.03, nan, 0.06]
    """
    p_values = np.asarray(p_values, dtype=float)
    places = np.flatnonzero(np.isfinite(p_values))
    order = places[np.argsort(p_values[places])]
    corrected = np.full(len(p_values), np.nan)
    raised = p_values[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return corrected


def find_reach(freedom: float = np.inf, *, comparison_count: int = 1) -> float:
    """Return how many standard errors a 95 % interval reaches to each side.

    By Student's (1908) t with ``freedom`` degrees of freedom, without them by the normal
    distribution. The intervals of ``comparison_count`` figures hold together (Bonferroni).
    statsmodels gives intervals of data only, none of an estimate with its standard error.
    """
    from scipy.special import ndtri, stdtrit

    point = 1 - ALPHA / 2 / max(comparison_count, 1)
    return float(ndtri(point) if np.isinf(freedom) else stdtrit(freedom, point))


def bound_estimate(
    estimate: ArrayLike, error: ArrayLike, *, freedom: float = np.inf
) -> tuple[ArrayLike, ArrayLike]:
    """Return both ends of the 95 % interval of estimates with standard errors, see `find_reach`."""
    reach = find_reach(freedom) * error
    return estimate - reach, estimate + reach


def find_skewed_reach(
    skew: ArrayLike, *, freedom: float = np.inf, comparison_count: int = 1
) -> tuple[ArrayLike, ArrayLike]:
    """Return how many standard errors a 95 % interval of a mean of skewed values reaches down, up.

    Student's t is inverted through the cubic transformation of Hall (1992), On the removal of
    skewness by transformation, *JRSS B* 54, which takes the first term of skewness out of it; so
    the interval reaches further to the side of the few large values. The skewness of the sample is
    taken 1.3 times, for it is too small, and no further than where the interval is widest.

    Parameters
    ----------
    skew : float or array of float
        The skewness of the values over the root of their count: that of their mean.
    freedom : float, optional
        Degrees of freedom of the standard error.
    comparison_count : int, optional
        So many intervals hold together, see `find_reach`.

    Examples
    --------
    >>> find_skewed_reach(0.0)  # as far to either side
    (1.959..., 1.959...)
    >>> find_skewed_reach(0.2)
    (1.66..., 2.50...)
    """
    reach = find_reach(freedom, comparison_count=comparison_count)
    known = np.clip(SKEW_FACTOR * np.asarray(skew, dtype=float), -MOST_SKEW, MOST_SKEW)
    known = np.where(np.abs(known) < 1e-6, 1e-6, known)  # 0 over 0 where nothing is skewed
    down, up = (
        sign * 3 / known * (np.cbrt(1 + known * (sign * reach - known / 6)) - 1) for sign in (1, -1)
    )
    return (float(down), float(up)) if np.ndim(skew) == 0 else (down, up)


def bound_resampled_mean(values: np.ndarray, test_share: float) -> tuple[float, float]:
    """Return both ends of the 95 % interval of a mean over folds (n,) that share training rows.

    The variance is corrected for it, (1 / folds + test / train) s^2: Nadeau and Bengio (2003),
    *Machine Learning* 52, corrected resampled t test. statsmodels takes values as independent.
    """
    spread = values.var(ddof=1) * (1 / len(values) + test_share / (1 - test_share))
    low, high = bound_estimate(values.mean(), np.sqrt(spread), freedom=len(values) - 1)
    return float(low), float(high)


def measure_effect(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Return the effect size of two groups of known numbers, and both ends of its 95 % interval.

    The effect size is Hedges' g: the difference of the means over the pooled standard deviation,
    times the correction for small samples (Hedges 1981, *Journal of Educational Statistics* 6,
    equation 6e). Its interval assumes neither normal values nor equal variances: the variance is
    that of the influence function of g (delta method), and the degrees of freedom are Welch's. With
    normal values and equal variances it is the variance of Hedges and Olkin (1985, page 86). Of
    very skewed values in a small segment it is still too narrow: of lognormal values, twenty
    against two hundred, it held the truth in 88 % of draws.

    statsmodels' ``effectsize_smd`` has the correction by an approximation, and a variance for
    normal values only, which spend does not have.
    """
    from scipy.special import gammaln

    freedom = len(one) + len(other) - 2
    squares = (len(one) - 1) * one.var(ddof=1) + (len(other) - 1) * other.var(ddof=1)
    pooled = np.sqrt(squares / freedom)
    effect = (one.mean() - other.mean()) / pooled
    correction = np.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2)
    variances = []
    for own, sign in ((one, 1), (other, -1)):
        z = (own - own.mean()) / pooled
        share = (len(own) - 1) / freedom
        influence = sign * z - effect / 2 * share * (z**2 - (z**2).mean())
        variances.append(influence.var(ddof=1) / len(own))
    parts = [v**2 / (len(own) - 1) for v, own in zip(variances, (one, other), strict=True)]
    welch_freedom = sum(variances) ** 2 / sum(parts)
    low, high = bound_estimate(effect, np.sqrt(sum(variances)), freedom=welch_freedom)
    return float(correction * effect), float(correction * low), float(correction * high)


def find_clean_division_p_value(count: int, other_count: int) -> float:
    """Return the probability that lot divides two values into two groups as cleanly as this.

    Each group has one value only, and a t test needs variation: of all ways to choose the group,
    two are as clean. Fisher's (1935) exact reasoning, for two values.
    """
    from scipy.special import binom

    return min(1.0, 2 / binom(count + other_count, count))


def measure_agreement(ranked: np.ndarray) -> tuple[float, float, float]:
    """Return how far rows (m, k) agree on the order of columns: statistic, p-value, Kendall's W.

    W is 0 where they do not agree and 1 where all have one order; values that tie in a row get the
    mean rank. The test is Friedman's (1937), *Journal of the American Statistical Association* 32,
    by SciPy, for statsmodels has neither; W, its statistic over m (k - 1), is of Kendall and
    Babington Smith (1939), The problem of m rankings.
    """
    from scipy.stats import friedmanchisquare

    if not np.ptp(ranked, axis=1).any():  # where nothing varies there is no order
        return 0.0, 1.0, 0.0
    row_count, column_count = ranked.shape
    statistic, p_value = friedmanchisquare(*ranked.T)
    agreement = statistic / (row_count * (column_count - 1))
    return float(statistic), float(p_value), float(agreement)


def find_alpha(covariances: np.ndarray) -> float:
    """Return the reliability of a scale from its items' covariances (k, k); NaN where it has none.

    Cronbach (1951), Coefficient alpha and the internal structure of tests, *Psychometrika* 16,
    which statsmodels lacks. There is none for less than two items, or where their sum does not
    vary.
    """
    covariances = np.asarray(covariances, dtype=float)
    item_count = len(covariances)
    total = covariances.sum()
    if item_count < 2 or not total > 0:
        return np.nan
    return float(item_count / (item_count - 1) * (1 - np.trace(covariances) / total))


def bound_alpha(alpha: float, item_count: int, customer_count: int) -> tuple[float, float]:
    """Return both ends of the 95 % interval of `find_alpha`: (1 - true) / (1 - alpha) follows F.

    Feldt (1965), The approximate sampling distribution of Kuder-Richardson reliability coefficient
    twenty, *Psychometrika* 30.
    """
    from scipy.stats import f

    freedom = customer_count - 1
    upper_point, lower_point = f.ppf(
        [1 - ALPHA / 2, ALPHA / 2], freedom, freedom * (item_count - 1)
    )
    return float(1 - (1 - alpha) * upper_point), float(1 - (1 - alpha) * lower_point)
