"""Data without groups that are otherwise as the data are: the null that segments are held against.

The null has one mode, and the data's own dependence and marginals. It is a Gaussian copula: each
column is a function of one coordinate of a multivariate normal, and never goes back on its way. A
number's marginal is smoothed until it has one mode; a value that many share stays a mass; a
category's levels are ordered, and cut where their shares say. The correlations of the normal are
those with which the null's columns correlate as the data's do. What is missing stays missing.

References
----------
Hennig and Lin (2015), Flexible parametric bootstrap for testing homogeneity against clustering and
assessing the number of clusters, *Statistics and Computing* 25, 821-833, for a null with the data's
own dependence and for mixed columns. Helgeson, Vock and Bair (2021), Nonparametric cluster
significance testing with reference to a unimodal null distribution, *Biometrics* 77, 1215-1226, for
the copula and the smoothed marginals. Silverman (1981), Using kernel density estimates to
investigate multimodality, *JRSS B* 43, 97-99, for the smoothing. Cario and Nelson (1997), *Modeling
and generating random vectors with arbitrary marginal distributions and correlation matrix*, for
matching the correlations. Mair and de Leeuw (2010), A general framework for multivariate analysis
with optimal scaling: the R package aspect, *Journal of Statistical Software* 33 (9), for the order
of levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A value shared by this part of the known rows stays a mass; with so few values all do.
MASS_SHARE = 0.05
FEW_VALUES = 12
# A bump lower than this part of the highest mode is no mode: outliers would smooth all away.
SMALLEST_BUMP = 0.02
GRID_SIZE = 512
# Terms of a column's expansion in Hermite polynomials. Of a step the rest is less than a hundredth.
TERMS = 40
LARGEST_CORRELATION = 0.98
SMALLEST_EIGENVALUE = 1e-4
SCALING_ROUNDS = 20
# The quantiles that a number's marginal is kept as.
QUANTILES = 2_001


@dataclass(frozen=True)
class NullModel:
    """A fitted null, see `fit_null`.

    Attributes
    ----------
    quantiles : ndarray of float, (p, 2001)
        Each number's smoothed marginal, at the middles of 2001 equal shares.
    thresholds : tuple of ndarray
        Of each category where its ordered levels meet, as standard normal values.
    orders : tuple of ndarray of int
        Of each category its levels' codes, in order.
    correlations : ndarray of float, (p + q, p + q)
        Of the normal, the numbers first.
    missing : ndarray of bool, (n, p + q)
        What is missing in the data.
    """

    quantiles: np.ndarray
    thresholds: tuple[np.ndarray, ...]
    orders: tuple[np.ndarray, ...]
    correlations: np.ndarray
    missing: np.ndarray

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw a copy with as many rows as the data: ``numbers`` (n, p) and ``codes`` (n, q).

        A missing number is NaN, a missing code -1. Rows keep together what is missing in them.
        """
        from scipy.special import ndtr

        row_count, size = self.missing.shape
        number_count = len(self.quantiles)
        root = np.linalg.cholesky(self.correlations)
        normal = rng.standard_normal((row_count, size)) @ root.T
        places = np.minimum((ndtr(normal) * QUANTILES).astype(int), QUANTILES - 1)
        numbers = np.empty((row_count, number_count))
        for column, quantiles in enumerate(self.quantiles):
            numbers[:, column] = quantiles[places[:, column]]
        codes = np.empty((row_count, len(self.orders)), np.int32)
        for column, (cuts, order) in enumerate(zip(self.thresholds, self.orders, strict=True)):
            codes[:, column] = order[np.searchsorted(cuts, normal[:, number_count + column])]
        holes = self.missing[rng.permutation(row_count)]
        numbers[holes[:, :number_count]] = np.nan
        codes[holes[:, number_count:]] = -1
        return numbers, codes


def fit_null(
    numbers: np.ndarray, codes: np.ndarray, *, level_counts: Sequence[int] | None = None
) -> NullModel:
    """Fit the null to prepared rows.

    Parameters
    ----------
    numbers : ndarray of float, (n, p)
        Missing is NaN. p may be 0.
    codes : ndarray of int, (n, q)
        Levels from 0; missing is -1. q may be 0.
    level_counts : sequence of int, optional
        How many levels each category has, if more than are seen.

    Returns
    -------
    NullModel

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> groups = np.repeat([-4.0, 4.0], 300)
    >>> numbers = np.column_stack([groups, groups]) + rng.normal(size=(600, 2))
    >>> null = fit_null(numbers, np.empty((600, 0), int))
    >>> drawn, _ = null.draw(rng)
    >>> between = [(np.abs(rows.sum(axis=1)) < 4).mean() for rows in (numbers, drawn)]
    >>> print(f"between the groups: {between[0]:.0%} of the data, {between[1]:.0%} of the null")
    between the groups: 0% of the data, 29% of the null
    """
    numbers = np.asarray(numbers, dtype=float)
    codes = np.asarray(codes, dtype=np.int64)
    counts = _count_levels(codes, level_counts)
    scores = _scale_levels(numbers, codes, counts)
    quantiles = np.array([_smooth(column) for column in numbers.T]).reshape(-1, QUANTILES)
    columns = []
    expansions = []
    for column, own in zip(numbers.T, quantiles, strict=True):
        columns.append(column)
        expansions.append(_expand(own, np.full(QUANTILES, 1 / QUANTILES)))
    thresholds = []
    orders = []
    for column, score in zip(codes.T, scores, strict=True):
        shares = np.bincount(column[column >= 0], minlength=len(score)) / max(
            (column >= 0).sum(), 1
        )
        order = np.argsort(score, kind="stable")
        orders.append(order.astype(np.int32))
        thresholds.append(_cut(shares[order])[1:-1])
        expansions.append(_expand(score[order], shares[order]))
        columns.append(np.where(column >= 0, score[column], np.nan))
    table = np.column_stack([np.empty((len(numbers), 0)), *columns])
    return NullModel(
        quantiles=quantiles,
        thresholds=tuple(thresholds),
        orders=tuple(orders),
        correlations=_match_correlations(_correlate(table), np.array(expansions)),
        missing=np.isnan(table),
    )


def _count_levels(codes: np.ndarray, level_counts: Sequence[int] | None) -> list[int]:
    seen = codes.max(axis=0, initial=0) + 1
    if level_counts is None:
        return [int(count) for count in seen]
    return [max(int(count), int(own)) for count, own in zip(level_counts, seen, strict=True)]


def _scale_levels(numbers: np.ndarray, codes: np.ndarray, counts: list[int]) -> list[np.ndarray]:
    """Give each level a score, so that the columns' squared correlations are largest.

    Each column's scores are the means, by level, of the other columns weighted by how they
    correlate with it; from the first axis of a principal component analysis of levels and numbers,
    in twenty rounds (Mair and de Leeuw 2010).
    """
    if not counts:
        return []
    standard = _standardise(numbers)
    parts = [standard]
    for column, count in zip(codes.T, counts, strict=True):
        there = (column[:, None] == np.arange(count)).astype(float)
        share = there.mean(axis=0)
        parts.append((there - share) / np.sqrt(np.maximum(share, 1e-9)))
    table = np.column_stack(parts)
    # The first axis, by the smaller of the two square tables.
    axis = np.linalg.eigh(table.T @ table)[1][:, -1]
    first = table @ axis
    scaled = np.column_stack([standard, np.zeros(codes.shape)])
    start = numbers.shape[1]
    scores = []
    for place, (column, count) in enumerate(zip(codes.T, counts, strict=True)):
        scores.append(_score(column, count, first))
        scaled[:, start + place] = _place_scores(column, scores[-1])
    for _ in range(SCALING_ROUNDS):
        for place, (column, count) in enumerate(zip(codes.T, counts, strict=True)):
            if count <= 2:
                continue
            weights = scaled.T @ scaled[:, start + place] / len(scaled)
            weights[start + place] = 0
            if np.abs(weights).max(initial=0) < 1e-9:
                continue
            scores[place] = _score(column, count, scaled @ weights)
            scaled[:, start + place] = _place_scores(column, scores[place])
    return scores


def _standardise(numbers: np.ndarray) -> np.ndarray:
    """Return numbers with mean 0 and variance 1; missing as 0."""
    known = ~np.isnan(numbers)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, numbers, 0.0)
    centred = np.where(known, numbers - centred.sum(axis=0) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    return centred / np.where(spread > 0, spread, 1.0)


def _score(column: np.ndarray, count: int, target: np.ndarray) -> np.ndarray:
    """Return the mean of a target by level, with mean 0 and variance 1 over the known rows."""
    known = column >= 0
    held = np.bincount(column[known], minlength=count)
    score = np.bincount(column[known], target[known], count) / np.maximum(held, 1)
    share = held / max(held.sum(), 1)
    score = score - share @ score
    spread = np.sqrt(share @ score**2)
    return score / spread if spread > 1e-12 else np.arange(count, dtype=float)


def _place_scores(column: np.ndarray, score: np.ndarray) -> np.ndarray:
    return _standardise(np.where(column >= 0, score[column], np.nan)[:, None])[:, 0]


def _smooth(column: np.ndarray) -> np.ndarray:
    """Return a number's marginal smoothed to one mode, as quantiles; masses stay.

    The kernel's least bandwidth with one mode is found by halving, and what it adds to the
    variance is taken out (Silverman 1981, section 3).
    """
    known = np.sort(column[~np.isnan(column)])
    if not len(known):
        return np.zeros(QUANTILES)
    values, counts = np.unique(known, return_counts=True)
    is_mass = counts >= MASS_SHARE * len(known)
    if len(values) <= FEW_VALUES:
        is_mass[:] = True
    rest = np.repeat(values[~is_mass], counts[~is_mass])
    if len(rest) > 1 and rest[0] < rest[-1]:
        rest = _smooth_to_one_mode(rest)
    # Masses and the smoothed rest, each by its weight; quantiles of both together.
    points = np.concatenate([values[is_mass], rest])
    weights = np.concatenate([counts[is_mass], np.ones(len(rest))])
    order = np.argsort(points, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    wanted = (np.arange(QUANTILES) + 0.5) / QUANTILES
    chosen = np.minimum(np.searchsorted(reached, wanted), len(points) - 1)
    return points[order][chosen]


def _smooth_to_one_mode(values: np.ndarray) -> np.ndarray:
    """Return as many quantiles of sorted values smoothed to one mode, with their mean and sd."""
    mean = values.mean()
    sd = values.std()
    standard = (values - mean) / sd
    edge = max(3.0, 1.5 * np.abs(standard).max())
    grid = np.linspace(-edge, edge, GRID_SIZE)
    step = grid[1] - grid[0]
    held = np.bincount(np.rint((standard + edge) / step).astype(int), minlength=GRID_SIZE)
    spectrum = np.fft.rfft(held, 2 * GRID_SIZE)
    frequency = 2 * np.pi * np.fft.rfftfreq(2 * GRID_SIZE, step)

    def smooth(bandwidth: float) -> np.ndarray:
        kernel = np.exp(-0.5 * (frequency * bandwidth) ** 2)
        return np.maximum(np.fft.irfft(spectrum * kernel, 2 * GRID_SIZE)[:GRID_SIZE], 0)

    low = step
    high = 3.0
    for _ in range(16):
        middle = np.sqrt(low * high)
        if _has_one_mode(smooth(middle)):
            high = middle
        else:
            low = middle
    density = smooth(high)
    reached = np.cumsum(density) - density / 2
    reached /= density.sum()
    wanted = (np.arange(len(values)) + 0.5) / len(values)
    drawn = np.interp(wanted, reached, grid)
    return mean + sd * (drawn - drawn.mean()) / drawn.std()


def _has_one_mode(density: np.ndarray) -> bool:
    """Say whether a density rises, and then falls; what is less than a bump does not count."""
    peak = density.argmax()
    bump = SMALLEST_BUMP * density[peak]
    fallen = np.minimum.accumulate(density[peak:])
    risen = np.minimum.accumulate(density[peak::-1])
    return bool((density[peak:] - fallen).max() < bump and (density[peak::-1] - risen).max() < bump)


def _cut(shares: np.ndarray) -> np.ndarray:
    """Return where the normal is cut so that its parts have these shares, both ends included."""
    from scipy.special import ndtri

    reached = np.clip(np.cumsum(shares[:-1]), 0.0, 1.0)
    return np.concatenate([[-np.inf], ndtri(reached), [np.inf]])


def _expand(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Expand a step function of a normal in normed Hermite polynomials; mean 0 and variance 1.

    ``values`` are those of the steps, in order, ``shares`` how likely each is. The coefficients of
    degree 1, 2 and so on: E[f(z) He_m(z)] / sqrt(m!), of which a step from a to b with height 1 has
    (He_(m-1)(a) phi(a) - He_(m-1)(b) phi(b)) / sqrt(m!).
    """
    mean = shares @ values
    spread = np.sqrt(shares @ (values - mean) ** 2)
    if not spread > 1e-12:
        return np.zeros(TERMS)
    cuts = _cut(shares)[1:-1]
    # Over all steps the ends cancel but for the rise at each cut.
    finite = np.isfinite(cuts)
    cuts = cuts[finite]
    rises = np.diff((values - mean) / spread)[finite]
    height = np.exp(-0.5 * cuts**2) / np.sqrt(2 * np.pi)
    # He_m / sqrt(m!) by recurrence, times the density.
    before = np.zeros_like(cuts)
    now = height
    coefficients = np.empty(TERMS)
    for degree in range(1, TERMS + 1):
        coefficients[degree - 1] = rises @ now / np.sqrt(degree)
        after = (cuts * now - np.sqrt(degree - 1) * before) / np.sqrt(degree)
        before = now
        now = after
    return coefficients


def _correlate(table: np.ndarray) -> np.ndarray:
    """Return correlations over the rows that both columns are known of; 0 if they do not vary."""
    known = (~np.isnan(table)).astype(float)
    filled = np.nan_to_num(table - np.array([_mean(column) for column in table.T]))
    both = np.maximum(known.T @ known, 1)
    products = filled.T @ filled / both
    sums = filled.T @ known / both  # the mean of the first where both are known
    squares = (filled**2).T @ known / both
    covariance = products - sums * sums.T
    variance = squares - sums**2
    scale = np.sqrt(np.maximum(variance * variance.T, 0))
    return np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 1e-12)


def _mean(column: np.ndarray) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean()) if len(known) else 0.0


def _match_correlations(wanted: np.ndarray, expansions: np.ndarray) -> np.ndarray:
    """Return the normal's correlations with which the columns have the wanted ones.

    Two columns' correlation is the sum of their coefficients' products times r to the power of the
    degree (Mehler 1866), which grows with r; it is found by halving. What is no correlation matrix
    then is made one by raising its smallest eigenvalues.
    """
    size = len(wanted)
    if not size:
        return np.empty((0, 0))
    low = np.full((size, size), -LARGEST_CORRELATION)
    high = np.full((size, size), LARGEST_CORRELATION)
    for _ in range(20):
        middle = (low + high) / 2
        reached = np.zeros((size, size))
        for own in expansions.T[::-1]:
            reached = (reached + np.outer(own, own)) * middle
        is_less = reached < wanted
        low = np.where(is_less, middle, low)
        high = np.where(is_less, high, middle)
    matched = (low + high) / 2
    constant = ~expansions.any(axis=1)
    matched[constant] = matched[:, constant] = 0
    np.fill_diagonal(matched, 1)
    values, vectors = np.linalg.eigh(matched)
    raised = (vectors * np.maximum(values, SMALLEST_EIGENVALUE)) @ vectors.T
    scale = np.sqrt(np.diag(raised))
    return raised / np.outer(scale, scale)
