"""Intervals and tests of figures whose rows belong to customers: a customer is one draw, not a row.

Messages, tickets and orders of one customer are alike, so that many rows of few customers tell less
than their number says. Every function takes what each customer adds, and not the rows.
"""

from __future__ import annotations

import numpy as np

from segkit.core.skewed_means import bound_ratio
from segkit.core.statistics import (
    ALPHA,
    bound_clustered_share,
    bound_estimate,
    find_clean_division_p_value,
    find_mean_p_value,
    find_share_p_value,
)

SMALL = 200  # customers of a group, below which lot decides and no normal distribution
LOTS = 4_999
MOST_SHUFFLED = 200


def count_effective(hits: np.ndarray, trials: np.ndarray, *, other: float = 1.0) -> float:
    """Return how many independent trials tell as much as those of these customers.

    The trials over the design effect: the variance of the share by customers (a ratio of two sums,
    Cochran 1977, *Sampling Techniques*, section 2.11) over that of as many independent trials
    (Kish 1965, *Survey Sampling*, section 8.2). Never more than the trials.

    Parameters
    ----------
    hits, trials : ndarray of float, (n,)
        Of each customer.
    other : float, optional
        The design effect where the customers do not show it, for all or none of the trials hit.

    Examples
    --------
    >>> count_effective(np.array([1.0, 0, 1, 0]), np.ones(4))  # a trial each
    4.0
    >>> count_effective(np.array([5.0, 0, 5, 0]), np.full(4, 5.0))  # five, always alike
    4.0
    """
    whole = float(trials.sum())
    count = int((trials > 0).sum())
    if not whole > 0:
        return 0.0
    share = hits.sum() / whole
    variance = share * (1 - share) / whole
    if count < 2 or not variance > 0:
        return whole / max(other, 1.0)
    rest = (hits - share * trials)[trials > 0]
    by_customer = (rest**2).sum() / whole**2
    return float(min(whole, whole * variance / by_customer)) if by_customer > 0 else whole


def find_design_effect(hits: np.ndarray, trials: np.ndarray) -> float:
    """Return how many trials of these customers tell as much as one independent trial, 1 at least.

    >>> find_design_effect(np.array([5.0, 0, 5, 0]), np.full(4, 5.0))
    5.0
    """
    effective = count_effective(hits, trials)
    return float(trials.sum() / effective) if effective > 0 else 1.0


def bound_share_of_customers(
    hits: np.ndarray, trials: np.ndarray, *, other: float = 1.0
) -> tuple[float, float]:
    """Return both ends of the 95 % interval of a share of rows that belong to customers.

    Wilson's (1927) with the effective number of trials, see `count_effective` for the parameters
    and `segkit.core.statistics.bound_clustered_share`, which takes sums over the customers.

    >>> low, high = bound_share_of_customers(np.array([5.0, 0, 5, 0]), np.full(4, 5.0))
    >>> round(low, 2), round(high, 2)  # as of two of four, not as of ten of twenty
    (0.15, 0.85)
    """
    low, high = bound_clustered_share(
        hits.sum(),
        trials.sum(),
        hit_squares=(hits**2).sum(),
        products=(hits * trials).sum(),
        trial_squares=(trials**2).sum(),
        clusters=(trials > 0).sum(),
        design_effect=other,
    )
    return float(low), float(high)


def bound_total(amounts: np.ndarray) -> tuple[float, float]:
    """Return both ends of the 95 % interval of a total over customers, those with nothing included.

    It is the number of customers times the mean, whose interval `bound_ratio` gives.

    >>> low, high = bound_total(np.array([0.0, 10, 20, 10, 0, 20, 10, 10]))  # the total is 80
    >>> round(low), round(high)
    (29, 131)
    """
    low, high = bound_ratio(amounts)
    return low * len(amounts), high * len(amounts)


def find_clustered_share_p_value(
    hits: np.ndarray, trials: np.ndarray, is_own: np.ndarray, *, random_state: int = 0
) -> float:
    """Return the p-value of the difference of a group's share from that of all others.

    The score test of two shares with each group's effective number of trials: Rao and Scott (1992),
    A simple method for the analysis of clustered binary data, *Biometrics* 48; of small groups
    `find_lot_p_value`. NaN where a group has no trials.

    Parameters
    ----------
    hits, trials : ndarray of float, (n,)
        Of each customer.
    is_own : ndarray of bool, (n,)
        Who is in the group.
    random_state : int, optional
        The seed of the lot.
    """
    if is_small(is_own) and min(trials[is_own].sum(), trials[~is_own].sum()) > 0:
        rest = hits - hits.sum() / trials.sum() * trials
        return find_lot_p_value(rest, is_own, random_state=random_state)
    every = find_design_effect(hits, trials)
    counts = []
    for chosen in (is_own, ~is_own):
        effective = count_effective(hits[chosen], trials[chosen], other=every)
        whole = trials[chosen].sum()
        share = hits[chosen].sum() / whole if whole > 0 else np.nan
        counts.append((share * effective, effective))
    if min(effective for _, effective in counts) <= 0:
        return np.nan
    (own_hits, own_trials), (other_hits, other_trials) = counts
    found = find_share_p_value(
        np.array([own_hits]),
        np.array([own_trials]),
        other_hits=np.array([other_hits]),
        other_trials=np.array([other_trials]),
    )
    return float(found[0])


def is_small(is_own: np.ndarray) -> bool:
    """Return whether a group, or all others, are too few for a normal distribution."""
    return bool(min(is_own.sum(), (~is_own).sum()) < SMALL)


def find_ratio_p_value(
    part: np.ndarray, whole: np.ndarray, is_own: np.ndarray, *, random_state: int = 0
) -> float:
    """Return the p-value of the difference of a group's ratio of sums from that of all others.

    Each ratio is taken to first order as a mean over customers (Cochran 1977, section 2.11), and
    the two means are compared by Welch's (1947) t test, those of small groups by
    `find_lot_p_value`. NaN where a group has fewer than two customers or nothing to divide by.

    Parameters
    ----------
    part, whole : ndarray of float, (n,)
        What each customer adds to either sum.
    is_own : ndarray of bool, (n,)
        Who is in the group.
    random_state : int, optional
        The seed of the lot.
    """
    groups = []
    for chosen in (is_own, ~is_own):
        total = whole[chosen].sum()
        if chosen.sum() < 2 or not total > 0:
            return np.nan
        ratio = part[chosen].sum() / total
        rest = part[chosen] - ratio * whole[chosen]
        groups.append(ratio + rest / whole[chosen].mean())
    if not any(np.ptp(values) > 0 for values in groups):
        if np.isclose(groups[0][0], groups[1][0]):
            return 1.0
        return find_clean_division_p_value(len(groups[0]), len(groups[1]))
    if is_small(is_own):
        rest = part - part.sum() / whole.sum() * whole
        return find_lot_p_value(rest, is_own, random_state=random_state)
    return find_mean_p_value(*groups)


def find_lot_p_value(rest: np.ndarray, is_own: np.ndarray, *, random_state: int = 0) -> float:
    """Return how often lot alone would give a group a sum as far from nothing as it has.

    A permutation test (Fisher 1935; Pitman 1937, *JRSS Supplement* 4) of what each customer adds
    beside the figure of all. It holds where a group is small and amounts are skewed, where a normal
    distribution does not: of lognormal amounts, ten customers against nearly two hundred, Welch's
    test called a difference in 16 % of draws that had none.

    Parameters
    ----------
    rest : ndarray of float, (n,)
        The part less the figure of all times the whole; they add up to nothing.
    is_own : ndarray of bool, (n,)
        Who is in the group.
    random_state : int, optional
        The seed of the lot.
    """
    count = len(rest)
    size = int(min(is_own.sum(), count - is_own.sum()))
    if size < 1:
        return np.nan
    rng = np.random.default_rng(random_state)
    spread = 1.0
    if count <= MOST_SHUFFLED:
        order = np.argpartition(rng.random((LOTS, count)), size - 1, axis=1)[:, :size]
    else:  # quicker, with the variance of a lot without return
        order = rng.integers(0, count, (LOTS, size))
        spread = np.sqrt((count - size) / (count - 1))
    sums = spread * np.abs(rest[order].sum(axis=1))
    tiny = 1e-9 * np.abs(rest).sum()
    beyond = int((sums >= abs(rest[is_own].sum()) - tiny).sum())
    return (beyond + 1) / (LOTS + 1)


def find_median_levels(effective: float) -> tuple[float, float]:
    """Return the levels of the quantiles between which a median lies with 95 %; NaN without any.

    Woodruff (1952), Confidence intervals for medians and other position measures, *Journal of the
    American Statistical Association* 47: the interval of the share below the median, read back from
    the order of the values. ``effective`` is the effective number of values. Where an end would lie
    beyond the values there is no interval.

    >>> low, high = find_median_levels(100)
    >>> round(low, 2), round(high, 2)
    (0.4, 0.6)
    """
    if not effective > 0:
        return np.nan, np.nan
    low, high = bound_estimate(0.5, np.sqrt(0.25 / effective))
    return (np.nan, np.nan) if low <= 0 else (float(low), float(high))


def bound_ratio_of_sums(
    part: np.ndarray,
    whole: np.ndarray,
    *,
    part_squares: np.ndarray,
    products: np.ndarray,
    whole_squares: np.ndarray,
    clusters: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the 95 % interval of ratios of two sums over customers.

    For where only sums leave the engine: the variance of a ratio over the customers (Cochran 1977,
    *Sampling Techniques*, section 2.11), by Student's t. `segkit.core.skewed_means.bound_ratio`
    allows for skewness besides, and needs what each customer adds.

    Parameters
    ----------
    part, whole : ndarray of float
        The two sums.
    part_squares, products, whole_squares : ndarray of float
        The sums over customers of their squares and of their product.
    clusters : ndarray of float
        How many customers there are; of fewer than two there is no interval.

    Examples
    --------
    >>> returned = np.array([0.0, 0, 5, 0, 10, 0, 0, 20])
    >>> sold = np.array([10.0, 20, 30, 10, 40, 15, 25, 50])
    >>> low, high = bound_ratio_of_sums(
    ...     returned.sum(), sold.sum(), part_squares=(returned**2).sum(),
    ...     products=(returned * sold).sum(), whole_squares=(sold**2).sum(), clusters=8,
    ... )
    >>> round(float(low), 2), round(float(high), 2)  # the ratio is 0.175
    (0.01, 0.34)
    """
    from scipy.special import stdtrit

    part, whole, part_squares, products, whole_squares, clusters = (
        np.asarray(value, dtype=float)
        for value in (part, whole, part_squares, products, whole_squares, clusters)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = part / whole
        squares = part_squares - 2 * ratio * products + ratio**2 * whole_squares
        variance = clusters / (clusters - 1) * np.maximum(squares, 0) / whole**2
        reach = stdtrit(np.maximum(clusters - 1, 1), 1 - ALPHA / 2) * np.sqrt(variance)
        is_known = (clusters > 1) & (whole > 0)
    return np.where(is_known, ratio - reach, np.nan), np.where(is_known, ratio + reach, np.nan)
