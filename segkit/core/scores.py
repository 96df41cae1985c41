"""How good chances are that somebody foretold: whether they rank rightly, and whether they hold.

They are judged on outcomes that had no part in making them, 0 or 1 of each customer.
"""

from __future__ import annotations

import numpy as np

from segkit.core.statistics import bound_estimate

LEAST_LOGIT = 1e-6
MOST_STEPS = 50


def measure_auc(chances: np.ndarray, hits: np.ndarray) -> tuple[float, float, float]:
    """Return how often a hit has the higher chance than a miss, with its 95 % interval.

    The interval is that of DeLong, DeLong and Clarke-Pearson (1988), *Biometrics* 44, equation 5,
    on the logit of the area (Pepe 2003, section 5.2.5); ties count a half.

    Parameters
    ----------
    chances, hits : ndarray, (n,)
        What was foretold, and whether it came.

    Returns
    -------
    tuple of float
        The area, and both ends; NaN without both hits and misses.

    Examples
    --------
    >>> area, low, high = measure_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> area
    0.75
    """
    chances = np.asarray(chances, dtype=float)
    is_hit = np.asarray(hits, dtype=bool)
    hit, miss = chances[is_hit], chances[~is_hit]
    if not len(hit) or not len(miss):
        return np.nan, np.nan, np.nan
    above = _share_below(hit, miss)  # of each hit, the share of misses below it
    below = 1 - _share_below(miss, hit)
    area = float(above.mean())
    if len(hit) < 2 or len(miss) < 2 or not 0 < area < 1:
        return area, np.nan, np.nan
    error = np.sqrt(above.var(ddof=1) / len(hit) + below.var(ddof=1) / len(miss))
    logit = np.log(area / (1 - area))
    low, high = bound_estimate(logit, error / (area * (1 - area)))
    return area, float(1 / (1 + np.exp(-low))), float(1 / (1 + np.exp(-high)))


def _share_below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the share of ``others`` below each value, those alike by a half."""
    ordered = np.sort(others)
    left = np.searchsorted(ordered, values, side="left")
    right = np.searchsorted(ordered, values, side="right")
    return (left + right) / 2 / len(others)


def find_logits(chances: np.ndarray) -> np.ndarray:
    """Return the logarithm of the odds of chances, those near 0 and 1 taken a little inside."""
    inside = np.clip(np.asarray(chances, dtype=float), LEAST_LOGIT, 1 - LEAST_LOGIT)
    return np.log(inside / (1 - inside))


def fit_calibration(
    chances: np.ndarray, hits: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit how the odds of what came follow the odds that were foretold.

    The logistic model of Cox (1958), *Biometrika* 45: log odds of a hit = intercept + slope times
    the log odds foretold. A slope of 1 and an intercept of 0 is perfect; a slope below 1 says that
    the chances are too extreme, an intercept above 0 that they are too low.

    Parameters
    ----------
    chances, hits : ndarray, (n,)

    Returns
    -------
    tuple of ndarray, (2,) each
        Intercept and slope, and the lower and the upper ends of their 95 % intervals; NaN where
        they cannot be found, as of chances that are all alike or that part hits and misses.
    """
    hits = np.asarray(hits, dtype=float)
    logits = find_logits(chances)
    unknown = np.full(2, np.nan)
    if len(hits) < 3 or np.ptp(logits) == 0 or hits.min() == hits.max():
        return unknown, unknown, unknown
    design = np.column_stack([np.ones(len(logits)), logits])
    found = np.array([0.0, 1.0])
    for _ in range(MOST_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        information = (design * (fitted * (1 - fitted))[:, None]).T @ design
        if np.linalg.cond(information) > 1e12:
            return unknown, unknown, unknown
        step = np.linalg.solve(information, design.T @ (hits - fitted))
        found = found + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-9:
            break
    else:
        return unknown, unknown, unknown
    if np.abs(found).max() > 25:
        return unknown, unknown, unknown
    error = np.sqrt(np.diag(np.linalg.inv(information)))
    low, high = bound_estimate(found, error)
    return found, low, high


def measure_brier(chances: np.ndarray, hits: np.ndarray) -> float:
    """Return the mean squared difference of chances and outcomes (Brier 1950).

    >>> measure_brier(np.array([0.5, 1.0]), np.array([1, 1]))
    0.125
    """
    difference = np.asarray(chances, dtype=float) - np.asarray(hits, dtype=float)
    return float((difference**2).mean())
