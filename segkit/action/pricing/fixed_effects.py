"""Poisson regression with an effect of each product and each period, on one regressor.

The effects of products are taken out exactly: given its total, the units of a product are shared
among periods as in a multinomial (Hausman, Hall and Griliches 1984, *Econometrica* 52, equation
2.3). It needs only the mean to be right, so that units may vary more than Poisson's (Wooldridge
1999, *Journal of Econometrics* 90). statsmodels would take a column for each product, and has no
jackknife of clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segkit.core.statistics import find_reach

MOST_STEPS = 50
PRECISION = 1e-9
FEWEST_CHANGED = 5  # products that carry an estimate
LARGEST_SLOPE = 50.0  # beyond it an estimate has run away


@dataclass(frozen=True)
class Slope:
    """An estimated coefficient.

    Attributes
    ----------
    value, error, freedom : float
        The coefficient, its standard error by products, and its degrees of freedom; NaN where it
        cannot be told.
    shifts : ndarray of float, (products,)
        By how much the value changes without each product, 0 of those that had no part.
    """

    value: float
    error: float
    freedom: float
    shifts: np.ndarray

    @property
    def is_known(self) -> bool:
        """Whether there is an estimate with an error."""
        return bool(np.isfinite(self.value) and np.isfinite(self.error) and self.error > 0)

    def bound(self) -> tuple[float, float]:
        """Return both ends of the 95 % interval."""
        if not self.is_known:
            return np.nan, np.nan
        reach = find_reach(self.freedom) * self.error
        return self.value - reach, self.value + reach


def fit_slope(
    units: np.ndarray,
    regressors: np.ndarray,
    *,
    products: np.ndarray,
    periods: np.ndarray,
    product_count: int,
) -> Slope:
    """Estimate the coefficient of the last regressor, with effects of products and periods.

    First each product counts as its units say, then by how much units vary beyond Poisson, so that
    the largest product does not decide alone. The error is the jackknife over products to first
    order (CV3 of MacKinnon, Nielsen and Webb 2023, *Journal of Applied Econometrics* 38), with the
    period effects held; its degrees of freedom are one less than the effective number of products
    (Carter, Schnepel and Steigerwald 2017, *Review of Economics and Statistics* 99).

    Parameters
    ----------
    units : ndarray of float, (n,)
        Units sold, 0 or more.
    regressors : ndarray of float, (n, k)
        The last column is that of which the coefficient is wanted.
    products, periods : ndarray of int, (n,)
        Codes from 0.
    product_count : int
        How many codes of products there are.

    Returns
    -------
    Slope
        Not known where too few products are left, or the estimate runs away.
    """
    unknown = Slope(np.nan, np.nan, np.nan, np.zeros(product_count))
    used = _prune(units, products, periods)
    if not used.any():
        return unknown
    units, regressors = units[used], regressors[used]
    codes, products = np.unique(products[used], return_inverse=True)
    _names, periods = np.unique(periods[used], return_inverse=True)
    design = np.zeros((len(units), periods.max() + regressors.shape[1]))
    is_later = periods > 0
    design[np.flatnonzero(is_later), periods[is_later] - 1] = 1.0
    design[:, periods.max() :] = regressors - regressors.mean(axis=0)
    weights = np.ones(len(codes))
    for _round in range(2):
        slopes, fitted = _climb(units, design, products, weights=weights)
        if slopes is None or abs(slopes[-1]) > LARGEST_SLOPE:
            return unknown
        weights = _weigh_products(units, fitted, products)
    slopes, fitted = _climb(units, design, products, weights=weights)
    if slopes is None or abs(slopes[-1]) > LARGEST_SLOPE:
        return unknown
    return _judge(
        units,
        fitted,
        design,
        products,
        weights=weights,
        value=float(slopes[-1]),
        codes=codes,
        product_count=product_count,
    )


def _prune(units: np.ndarray, products: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """Return which rows tell anything: their product and their period have units, and a second."""
    used = np.ones(len(units), dtype=bool)
    while True:
        kept = used.copy()
        for codes in (products, periods):
            size = int(codes.max()) + 1 if len(codes) else 0
            sums = np.bincount(codes[used], weights=units[used], minlength=size)
            counts = np.bincount(codes[used], minlength=size)
            kept &= (sums > 0)[codes] & (counts > 1)[codes]
        if (kept == used).all():
            return used
        used = kept


def _climb(
    units: np.ndarray, design: np.ndarray, products: np.ndarray, *, weights: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray]:
    """Return the coefficients with the highest likelihood, and the fitted units; Newton's steps."""
    totals = np.bincount(products, weights=units)
    slopes = np.zeros(design.shape[1])
    fitted, best = _fit_units(design @ slopes, units, products, totals=totals, weights=weights)
    for _step in range(MOST_STEPS):
        gradient = design.T @ (weights[products] * (units - fitted))
        centred = _centre(design, fitted, products)
        curvature = centred.T @ ((weights[products] * fitted)[:, None] * centred)
        change = np.linalg.lstsq(curvature, gradient, rcond=1e-10)[0]
        if not np.isfinite(change).all():
            return None, fitted
        for _half in range(30):
            fitted, height = _fit_units(
                design @ (slopes + change), units, products, totals=totals, weights=weights
            )
            if height >= best - 1e-12 * abs(best):
                break
            change = change / 2
        slopes, best = slopes + change, height
        if np.abs(change).max() < PRECISION:
            return slopes, fitted
    return (slopes, fitted) if np.abs(change).max() < 1e-4 else (None, fitted)


def _fit_units(
    heights: np.ndarray,
    units: np.ndarray,
    products: np.ndarray,
    *,
    totals: np.ndarray,
    weights: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Return each product's total shared out among its rows, and the weighted likelihood."""
    tops = np.full(len(totals), -np.inf)
    np.maximum.at(tops, products, heights)
    heights = np.clip(heights - tops[products], -700, 0)
    parts = np.exp(heights)
    sums = np.bincount(products, weights=parts)
    likelihood = units * (heights - np.log(sums)[products])
    return totals[products] * parts / sums[products], float((weights[products] * likelihood).sum())


def _centre(design: np.ndarray, fitted: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Return the columns less their mean in each product, as the fitted units weigh them."""
    sums = np.bincount(products, weights=fitted)
    means = np.empty((len(sums), design.shape[1]))
    for place in range(design.shape[1]):
        means[:, place] = np.bincount(products, weights=fitted * design[:, place]) / sums
    return design - means[products]


def _weigh_products(units: np.ndarray, fitted: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Return the weight of each product, by its mean: 1 / (1 + a mean), a alike for all.

    The variance is taken as the mean and ``a`` times its square; ``a`` is the median over products
    of what their squared residuals say. Weights by each product's own residuals would make the
    intervals too narrow: those whose sales happened to follow would count most.
    """
    counts = np.bincount(products)
    means = np.bincount(products, weights=units) / counts
    squares = np.bincount(products, weights=(units - fitted) ** 2)
    beyond = squares - np.bincount(products, weights=fitted)
    further = beyond / np.bincount(products, weights=np.maximum(fitted, 1e-12) ** 2)
    return 1 / (1 + max(float(np.median(further)), 0.0) * means)


def _judge(
    units: np.ndarray,
    fitted: np.ndarray,
    design: np.ndarray,
    products: np.ndarray,
    *,
    weights: np.ndarray,
    value: float,
    codes: np.ndarray,
    product_count: int,
) -> Slope:
    """Return the coefficient with its error over products."""
    heavy = weights[products] * fitted
    centred = _centre(design, fitted, products)
    others, own = centred[:, :-1], centred[:, -1]
    roots = np.sqrt(heavy)
    part = np.linalg.lstsq(others * roots[:, None], own * roots, rcond=1e-10)[0]
    rest = own - others @ part
    curvatures = np.bincount(products, weights=heavy * rest**2)
    scores = np.bincount(products, weights=weights[products] * (units - fitted) * rest)
    whole = curvatures.sum()
    is_alone = curvatures > (1 - 1e-9) * whole
    effective = whole**2 / (curvatures**2).sum() if whole > 0 else 0.0
    shifts = np.zeros(product_count)
    if not whole > 1e-12 or is_alone.any() or effective < FEWEST_CHANGED:
        return Slope(np.nan, np.nan, np.nan, shifts)
    moved = -scores / (whole - curvatures)
    count = len(codes)
    error = float(np.sqrt((count - 1) / count * (moved**2).sum()))
    shifts[codes] = moved
    return Slope(value, error, effective - 1, shifts)
