"""How wide the figures of segments are: each one's share of customers, and its mean spend.

Everything is read from `segkit.validation.resampling.Resamples`.

References
----------
Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, section 13.3.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from segkit.core.skewed_means import MOST_EXPECTED_SKEW, bound_mean, expect_skewness
from segkit.validation.resampling import Resamples
from segkit.validation.stability import DISSOLVED, match_labels

CONFIDENCE = 0.95
MEASURED = ("customer_share", "mean_value", "median_value")


def add_intervals(
    sizes: pd.DataFrame, intervals: pd.DataFrame, ratings: pd.DataFrame
) -> pd.DataFrame:
    """Add to the sizes of segments the intervals of `bound_segments`, and each one's rating.

    Where the intervals are of a sample of the customers, they are moved to the figures of all.

    Returns
    -------
    pandas.DataFrame
        ``sizes`` with ``customer_share_low``, ``customer_share_high``, ``rating``; where it has
        ``mean_spend``, the ends of ``mean_spend`` and ``median_spend``, and
        ``mean_spend_skewness``, beyond 20 of which the mean has no ends.
    """
    bounds = intervals.rename(columns={name: _name_spend(name) for name in intervals.columns})
    ends = []
    for name in ("customer_share", "mean_spend", "median_spend"):
        if name not in sizes:
            continue
        moved = bounds["segment"].map(sizes.set_index("segment")[name]) - bounds[name]
        for end in (f"{name}_low", f"{name}_high"):
            bounds[end] = bounds[end] + moved
            ends.append(end)
    if "mean_spend" in sizes:
        ends.append("mean_spend_skewness")
    table = sizes.merge(bounds[["segment", *ends]], on="segment", how="left")
    return table.merge(ratings[["segment", "rating"]], on="segment", how="left")


def _name_spend(name: str) -> str:
    """Return what a figure of values is called where the values are spend."""
    return {"mean_skewness": "mean_spend_skewness"}.get(name, name.replace("_value", "_spend"))


def bound_segments(
    resamples: Resamples, values: np.ndarray, *, row_count: int | None = None
) -> pd.DataFrame:
    """Bound each segment's share of customers, and its mean and median value, by 95 % intervals.

    In each bootstrap sample the segments are fitted anew, matched with the own ones, and measured
    on the sample as drawn; so the interval covers both the luck of the sample and that of the fit.
    Samples in which a segment dissolved (its Jaccard is .50 or less) say nothing of it; the ratings
    count them. Shares and medians have the percentile interval of Efron and Tibshirani (1993,
    section 13.3), at the quantiles that a further sample would leave outside as often as they say
    (Weibull 1939), for the samples are few. It is too narrow for means of skewed values, which have
    that of `bound_mean`, stretched by what fitting anew adds to their spread over the samples.

    Parameters
    ----------
    values : ndarray of float, (n,)
        What the mean is taken of, such as total spend; NaN is left out.
    row_count : int, optional
        Of how many customers the rows are a sample; intervals become narrower by the root of that.

    Returns
    -------
    pandas.DataFrame
        ``segment``; ``customer_share``, ``mean_value`` and ``median_value``, each with ``_low`` and
        ``_high``; and ``mean_skewness``, see `expect_skewness`. Beyond 20 of it the mean has no
        ends, for they would hold the truth too seldom.
    """
    own = resamples.own
    drawn = list(zip(resamples.labels, resamples.draws, strict=True))
    once = np.ones(len(own))
    estimate = _measure(resamples, values, own, once)
    samples = []
    fixed_means = []
    for labels, draw in drawn:
        matched = match_labels(own, labels)
        samples.append(np.where(_find_found(resamples, matched), 1.0, np.nan))
        samples[-1] = samples[-1] * _measure(resamples, values, matched, draw)
        fixed_means.append(_measure(resamples, values, own, draw)[1])
    samples = np.array(samples)
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a segment that always dissolved
        ends = np.nanquantile(samples, tails, axis=0, method="weibull")
    times = max(row_count or 0, len(own)) / max(len(own), 1)
    ends = estimate + (ends - estimate) / np.sqrt(times)
    stretches = _find_stretches(samples[:, 1], np.array(fixed_means))
    means = [
        _bound_mean(values[own == n], times=times, stretch=stretches[n])
        for n in range(resamples.segment_count)
    ]
    ends[:, 1] = np.array([bounds[:2] for bounds in means]).T
    table = {"segment": np.arange(1, resamples.segment_count + 1)}
    for i, name in enumerate(MEASURED):
        table |= {name: estimate[i], f"{name}_low": ends[0, i], f"{name}_high": ends[1, i]}
    return pd.DataFrame(table | {"mean_skewness": [bounds[2] for bounds in means]})


def _find_found(resamples: Resamples, labels: np.ndarray) -> np.ndarray:
    """Return which own segments labels find again, (k,): by more than half, after Jaccard."""
    k = resamples.segment_count
    own = resamples.own
    kept = np.bincount(labels, minlength=k)[:k]
    both = np.bincount(own, labels == own, k)
    return both > DISSOLVED * (np.bincount(own, minlength=k) + kept - both)


def _measure(
    resamples: Resamples, values: np.ndarray, labels: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """Return each segment's share, mean and median among rows as drawn, (3, k)."""
    k = resamples.segment_count
    weights = drawn * ~np.isnan(values)
    amounts = np.nan_to_num(values)
    sizes = np.bincount(labels, drawn, k)[:k]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(labels, weights * amounts, k)[:k] / np.bincount(labels, weights, k)[:k]
    medians = [_find_median(amounts[labels == n], weights[labels == n]) for n in range(k)]
    return np.array([sizes / drawn.sum(), means, medians])


def _find_median(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the median of values that count so often; NaN where none does."""
    repeated = np.repeat(values, weights.astype(int))
    return float(np.median(repeated)) if len(repeated) else float("nan")


def _find_stretches(means: np.ndarray, fixed_means: np.ndarray) -> np.ndarray:
    """Return how much more means (samples, k) vary where segments are fitted anew; 1 at least.

    ``fixed_means`` are those of the same samples with every customer in the own segment.
    """
    known = ~np.isnan(means)
    stretches = np.ones(means.shape[1])
    for n in range(means.shape[1]):
        own = known[:, n] & ~np.isnan(fixed_means[:, n])
        spread = fixed_means[own, n].std() if own.any() else 0.0
        if spread > 0:
            stretches[n] = max(1.0, means[own, n].std() / spread)
        elif not own.any():
            stretches[n] = np.nan  # no sample says anything of it
    return stretches


def _bound_mean(values: np.ndarray, *, times: float, stretch: float) -> tuple[float, float, float]:
    """Return both ends of a segment's mean, missing where they would not hold, and its skewness."""
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return (np.nan,) * 3
    skewness = expect_skewness(known, count=times * len(known))
    if skewness > MOST_EXPECTED_SKEW:
        return np.nan, np.nan, skewness
    low, high = bound_mean(known, count=times * len(known), stretch=stretch)
    return low, high, skewness
