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

from segkit.validation.resampling import Resamples
from segkit.validation.stability import DISSOLVED, match_labels

CONFIDENCE = 0.95


def add_intervals(
    sizes: pd.DataFrame, intervals: pd.DataFrame, ratings: pd.DataFrame
) -> pd.DataFrame:
    """Add to the sizes of segments the intervals of `bound_segments`, and each one's rating.

    Returns
    -------
    pandas.DataFrame
        ``sizes`` with ``customer_share_low``, ``customer_share_high``, ``rating``, and, where it
        has ``mean_spend``, ``mean_spend_low`` and ``mean_spend_high``.
    """
    ends = {"customer_share_low", "customer_share_high"}
    bounds = intervals.rename(
        columns={"mean_value_low": "mean_spend_low", "mean_value_high": "mean_spend_high"}
    )
    if "mean_spend" in sizes:
        ends |= {"mean_spend_low", "mean_spend_high"}
    table = sizes.merge(bounds[["segment", *sorted(ends)]], on="segment", how="left")
    return table.merge(ratings[["segment", "rating"]], on="segment", how="left")


def bound_segments(
    resamples: Resamples, values: np.ndarray, *, row_count: int | None = None
) -> pd.DataFrame:
    """Bound each segment's share of customers and mean value, by 95 % intervals.

    In each bootstrap sample the segments are fitted anew, matched with the own ones, and measured
    on the sample as drawn; so the interval covers both the luck of the sample and that of the fit.
    Samples in which a segment dissolved (its Jaccard is .50 or less) say nothing of it; the ratings
    count them. The percentile interval of Efron and Tibshirani (1993, section 13.3).

    Parameters
    ----------
    values : ndarray of float, (n,)
        What the mean is taken of, such as total spend; NaN is left out.
    row_count : int, optional
        Of how many customers the rows are a sample; intervals become narrower by the root of that.

    Returns
    -------
    pandas.DataFrame
        ``segment``, ``customer_share``, ``customer_share_low``, ``customer_share_high``,
        ``mean_value``, ``mean_value_low``, ``mean_value_high``.
    """
    own = resamples.own
    k = resamples.segment_count
    known = ~np.isnan(values)
    amounts = np.where(known, values, 0.0)
    once = np.ones(len(own))

    def measure(labels: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        sizes = np.bincount(labels, drawn, k)[:k]
        held = np.bincount(labels, drawn * known, k)[:k]
        kept = np.bincount(labels, once, k)[:k]
        both = np.bincount(own, labels == own, k)
        found = both > DISSOLVED * (np.bincount(own, minlength=k) + kept - both)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.bincount(labels, drawn * amounts, k)[:k] / held
        return np.where(found, [sizes / drawn.sum(), means], np.nan)

    drawn = zip(resamples.labels, resamples.draws, strict=True)
    samples = np.array([measure(match_labels(own, labels), draw) for labels, draw in drawn])
    estimate = measure(own, once)
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a segment that always dissolved
        ends = np.nanquantile(samples, tails, axis=0)
    ends = estimate + (ends - estimate) * np.sqrt(len(own) / max(row_count or 0, len(own)))
    table = {"segment": np.arange(1, k + 1)}
    for i, name in enumerate(("customer_share", "mean_value")):
        table |= {name: estimate[i], f"{name}_low": ends[0, i], f"{name}_high": ends[1, i]}
    return pd.DataFrame(table)
