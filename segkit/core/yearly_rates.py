"""How fast a yearly series grows: a log-linear trend over all its points, with its interval.

The interval takes into account that neighbouring years are alike: the errors are taken to follow a
first-order autoregression, whose coefficient is estimated from the residuals and corrected for its
bias in short series. Of fewer than four points nothing is told of a trend.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from segkit.core.statistics import find_reach

FEWEST_POINTS = 4
MOST_ALIKE = 0.8  # of neighbouring years; a short series tells no more


@dataclass(frozen=True)
class YearlyRate:
    """The constant rate by which a series grows each year, and both ends of its 95 % interval.

    All are NaN where nothing can be told. ``point_count`` are the points with a positive figure.
    """

    rate: float
    low: float
    high: float
    point_count: int


def fit_yearly_rate(
    years: ArrayLike, values: ArrayLike, *, comparison_count: int = 1
) -> YearlyRate:
    """Fit the constant yearly rate of a series by least squares of its logarithms.

    Parameters
    ----------
    years, values : array of float, (n,)
        One figure a year, in order.
    comparison_count : int, optional
        The intervals of so many series hold together (Bonferroni).

    Returns
    -------
    YearlyRate
        NaN of fewer than four points, or where a figure is not above 0. The variance of the slope
        is that of independent errors times (1 + r) / (1 - r), where r is the first autocorrelation
        of the residuals plus (2 + 4 r) / n (Kendall 1954, "Note on bias in the estimation of
        autocorrelation", *Biometrika* 41; Marriott and Pope 1954, ibid., for a fitted trend), from
        0 to .8; the ends are Student's, with n - 2 degrees of freedom.

    Examples
    --------
    >>> rate = fit_yearly_rate([2020, 2021, 2022, 2023], [100, 112, 119, 134])
    >>> round(rate.rate, 3), rate.low < 0.1 < rate.high
    (0.098, True)
    """
    years = np.asarray(years, dtype=float)
    values = np.asarray(values, dtype=float)
    is_known = np.isfinite(years) & np.isfinite(values)
    years, values = years[is_known], values[is_known]
    count = len(values)
    nothing = YearlyRate(np.nan, np.nan, np.nan, count)
    if count < FEWEST_POINTS or (values <= 0).any() or len(np.unique(years)) < count:
        return nothing
    centred = years - years.mean()
    logs = np.log(values)
    squares = float(centred @ centred)
    slope = float(centred @ logs) / squares
    residuals = logs - logs.mean() - slope * centred
    left = float(residuals @ residuals)
    times = _inflate(residuals)
    error = np.sqrt(left / (count - 2) / squares * times)
    freedom = max(count / times - 2, 1.0)
    reach = find_reach(freedom, comparison_count=comparison_count) * error
    rate, low, high = np.expm1(np.clip([slope, slope - reach, slope + reach], -700, 700))
    return YearlyRate(float(rate), float(low), float(high), count)


def _inflate(residuals: np.ndarray) -> float:
    """Return how many times the variance of a slope is that of independent errors."""
    left = float(residuals @ residuals)
    if not left > 0:
        return 1.0
    count = len(residuals)
    alike = float(residuals[1:] @ residuals[:-1]) / left
    alike = float(np.clip(alike + (2 + 4 * alike) / count, 0, MOST_ALIKE))
    return (1 + alike) / (1 - alike)
