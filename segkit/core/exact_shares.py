"""Exact intervals of shares, for parts of few."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from segkit.core.statistics import ALPHA


def bound_part(
    hits: ArrayLike, trials: ArrayLike, *, comparison_count: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the exact 95 % interval of shares of few; NaN where nothing was tried.

    Of Clopper and Pearson (1934), "The use of confidence or fiducial limits illustrated in the case
    of the binomial", *Biometrika* 26; those of ``comparison_count`` shares hold together
    (Bonferroni). Wider than
    `segkit.core.statistics.bound_share`, and never held by fewer than 95 %.

    >>> low, high = bound_part([0, 5], 10)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.187], [0.308, 0.813])
    """
    from scipy.special import betaincinv

    tail = ALPHA / 2 / max(comparison_count, 1)
    hits, trials = np.broadcast_arrays(np.asarray(hits, float), np.asarray(trials, float))
    others = trials - hits
    low = np.where(hits > 0, betaincinv(np.maximum(hits, 1), others + 1, tail), 0.0)
    high = np.where(others > 0, betaincinv(hits + 1, np.maximum(others, 1), 1 - tail), 1.0)
    is_tried = trials > 0
    return np.where(is_tried, low, np.nan), np.where(is_tried, high, np.nan)
