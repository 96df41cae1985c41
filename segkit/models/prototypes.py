"""Prototypes of mixed rows, found and assigned on plain arrays (Huang 1998)."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from sklearn.utils import check_random_state

from segkit.core.arguments import SettingError, require_number, require_whole
from segkit.models import descent
from segkit.models.column_gammas import use_gammas
from segkit.models.columns import PreparedColumns
from segkit.models.descent import PrototypeFit, Rows, descend

MOST_THREADS = 1024


def fit_prototypes(
    numbers: np.ndarray,
    codes: np.ndarray,
    *,
    n_clusters: int,
    gamma: float | np.ndarray,
    n_init: int = 10,
    max_iter: int = 100,
    sample_weight: np.ndarray | None = None,
    n_jobs: int | None = None,
    refine: bool = True,
    random_state: int | np.random.RandomState | None,
) -> PrototypeFit:
    """Find the prototypes with the least cost (Huang 1998, equation 3), best of several starts.

    Each start is seeded in the manner of greedy k-means++ (Arthur and Vassilvitskii 2007) on the
    mixed distance, goes on by Lloyd's steps (1982) and, up to 10,000 rows, is improved point by
    point (Hartigan 1975); of more rows only the best start is. Up to 2,000 rows random swaps of
    prototypes (Fränti 2018) are tried on the best. Above 200,000 rows the starts see a
    random 100,000 and the best is refined on all. Equal rows are folded into weights where half
    or more are repeated. The result depends on the rows, their order and ``random_state`` alone.

    Parameters
    ----------
    numbers : ndarray of float64, (n, p)
        NaN is missing: it counts in no distance and no centre.
    codes : ndarray of int32, (n, q)
        Levels of categories from 0; below 0 is missing: it counts in no distance and no mode.
    n_clusters, n_init, max_iter : int
        Clusters, starts, and Lloyd's steps of a start.
    gamma : float or ndarray of float64, (q,)
        What a category that differs adds to the squared distance; each its own where there are
        several. Rows are then not moved point by point.
    sample_weight : ndarray of float64, (n,), optional
        Rows of weight 0 get a cluster but have no say.
    n_jobs : int, optional
        Threads; without it as many as the process may use. The result is the same.
    refine : bool
        Without it there are Lloyd's steps only: many times faster for few rows, at a cost that is
        a little higher.
    random_state : int, RandomState or None

    Raises
    ------
    SettingError
        If a number of clusters, starts, steps or threads, or a gamma, cannot be taken.
    TooFewPointsError
        If there are fewer distinct points than clusters.
    """
    require_whole("n_clusters", n_clusters)
    require_whole("n_init", n_init)
    require_whole("max_iter", max_iter)
    n_threads = count_threads(n_jobs)
    for own in np.ravel(gamma):
        require_number("gamma", own, least=0)
    everyone = lay_out(numbers, codes, sample_weight, gamma=gamma)
    rng = check_random_state(random_state)
    with ThreadPoolExecutor(n_threads) as pool:
        if len(everyone.weights) > descent.CHUNK:
            everyone = replace(everyone, each=pool.map)
        rows = _fold_rows(everyone, n_clusters)
        seeds = rng.randint(np.iinfo(np.int32).max, size=n_init)
        started = _sample_rows(rows, rng)
        # Several starts share the threads; a single start has them for its chunks.
        if n_init > 1:
            started = replace(started, each=map)
        is_small = len(started.weights) <= descent.MOST_POLISHED
        rounds = descent.ROUNDS if refine else 0

        def start(seed: int) -> PrototypeFit:
            own_rng = np.random.RandomState(seed)
            centres, modes = descent.seed_prototypes(started, n_clusters, own_rng)
            return descend(
                started,
                centres,
                modes,
                max_iter=max_iter,
                tolerance=0.0 if is_small else descent.LOOSE,
                rounds=rounds if is_small else 0,
            )

        fits = map(start, seeds) if n_init == 1 else pool.map(start, seeds)
        best = min(fits, key=lambda fit: fit.cost)
        if refine and len(started.weights) <= descent.MOST_SWAPPED:
            best = descent.swap_prototypes(started, best, trials=descent.SWAPS * n_init, rng=rng)
        if not is_small:
            started = replace(started, each=everyone.each)
            best = _go_on(started, best, max_iter=max_iter, rounds=rounds)
        if len(started.weights) < len(rows.weights):
            best = _go_on(rows, best, max_iter=max_iter)
        filled_count = len(np.unique(best.labels))
        if filled_count < n_clusters:
            raise descent.complain_of_points(filled_count, n_clusters, len(everyone.weights))
        if len(rows.weights) < len(everyone.weights):
            labels, _, _ = everyone.measure(best.centres, best.modes)
            best = replace(best, labels=labels)
    return replace(best, labels=best.labels.astype(np.int64))


def _fold_rows(everyone: Rows, n_clusters: int) -> Rows:
    """Return the rows that have a say, equal ones folded into weights, with their averages."""
    has_say = everyone.weights != 0
    rows = everyone if has_say.all() else everyone.take(everyone.weights > 0)
    return descent.fold_rows(rows, n_clusters).with_fill()


def _sample_rows(rows: Rows, rng: np.random.RandomState) -> Rows:
    """Return the rows that the starts see: all, or a random sample of very many."""
    if len(rows.weights) <= descent.MOST_STARTED:
        return rows
    chosen = rng.choice(len(rows.weights), descent.SAMPLE, replace=False)
    return rows.take(np.sort(chosen))


def _go_on(rows: Rows, fit: PrototypeFit, *, max_iter: int, rounds: int = 0) -> PrototypeFit:
    """Go further down from a fit to other rows, or from one that ended early."""
    return descend(
        rows, fit.centres, fit.modes, max_iter=max_iter, tolerance=descent.FIRM, rounds=rounds
    )


def assign_prototypes(
    numbers: np.ndarray,
    codes: np.ndarray,
    *,
    centres: np.ndarray,
    modes: np.ndarray,
    gamma: float | np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's nearest prototype (n,) int64 and its squared distance (n,) float64.

    Squares are added in the columns' order, then gamma times the number of mismatches. Squared
    distances within one part in 1e9 are equal and the lowest prototype wins. A missing value (NaN,
    a code below 0) adds nothing.
    """
    rows = lay_out(numbers, codes, None, gamma=gamma)
    centres = np.array(centres, dtype=np.float64, ndmin=2)
    modes = np.array(modes, dtype=np.int32, ndmin=2)
    labels, nearest, _ = rows.measure(centres, modes)
    return labels.astype(np.int64), nearest


def lay_out(numbers, codes, weights, *, gamma: float | np.ndarray) -> Rows:
    numbers = np.require(np.asarray(numbers, dtype=np.float64).T, requirements=["C", "W"])
    codes = np.require(np.asarray(codes, dtype=np.int32).T, requirements=["C", "W"])
    n = max(numbers.shape[1], codes.shape[1])
    weights = np.ones(n) if weights is None else np.array(weights, dtype=np.float64)
    loops = descent.load_loops()
    if np.ndim(gamma):
        if len(gamma) != len(codes):
            raise SettingError(
                "gamma is one number, or one a category",
                found=f"{len(gamma)} for {len(codes)} categories",
            )
        loops = use_gammas(loops, np.asarray(gamma, dtype=np.float64))
        gamma = 1.0
    return Rows(
        numbers=numbers.reshape(-1, n),
        codes=codes.reshape(-1, n),
        weights=weights,
        offsets=np.cumsum([0, *(1 + max(0, column.max(initial=0)) for column in codes)]),
        gamma=float(gamma),
        loops=loops,
        fractions=bool((weights % 1).any()),
    )


def count_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_threads(n_jobs: int | None) -> int:
    """Return how many threads are meant: all without a number, and from -1 down from all.

    Raises
    ------
    SettingError
        If it is 0 or no whole number.
    """
    if n_jobs is None:
        return count_processors()
    if require_whole("n_jobs", n_jobs, least=-MOST_THREADS, most=MOST_THREADS) == 0:
        raise SettingError("n_jobs is a number of threads, or -1 for all", found="0")
    return int(n_jobs) if n_jobs > 0 else max(1, count_processors() + 1 + int(n_jobs))


def choose_gamma(prepared: PreparedColumns) -> float:
    """Weigh the categories of prepared columns against their numbers, see `weigh_categories`."""
    return weigh_categories(prepared.numbers, prepared.codes)


def weigh_categories(
    numbers: np.ndarray, codes: np.ndarray, sample_weight: np.ndarray | None = None
) -> float:
    """Weigh a category so that its levels spread about as much as a number.

    The mean variance of the numbers over the mean of 1 - sum(p^2) of the categories' levels; 1
    where there is only one kind, or where one has no spread. A variance is how far a number lies
    from its mean, squared, and 1 - sum(p^2) is how often a level differs from one drawn at random.

    Parameters
    ----------
    numbers : ndarray of float64, (n, p)
        NaN is missing.
    codes : ndarray of int32, (n, q)
        Levels of categories from 0; below 0 is missing.
    sample_weight : ndarray of float64, (n,), optional
        A row of weight 2 counts as two.

    References
    ----------
    Szepannek (2018), clustMixType: User-Friendly Clustering of Mixed-Type Data in R, *The R
    Journal* 10(2), section on the choice of lambda.

    Examples
    --------
    The number's variance is 4; the levels' probabilities are one half each.

    >>> weigh_categories(np.array([[1.0], [5.0]]), np.array([[0], [1]]))
    8.0
    """
    if not numbers.shape[1] or not codes.shape[1]:
        return 1.0
    spreads = []
    for column in codes.T:
        known = column >= 0
        weights = None if sample_weight is None else sample_weight[known]
        counts = np.bincount(column[known], weights)
        total = counts.sum()
        spreads.append(1 - ((counts / total) ** 2).sum() if total else 0.0)
    variance = _find_variances(numbers, sample_weight).mean()
    return float(variance / np.mean(spreads)) if variance > 0 and np.mean(spreads) > 0 else 1.0


def _find_variances(numbers: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
    """Return the variance of each column's known values, (p,); 0 where there are none."""
    known = ~np.isnan(numbers)
    has_values = known.any(axis=0)
    variances = np.zeros(numbers.shape[1])
    if sample_weight is None:
        # Sorted, for the last bits depend on the order of summing; on the layout too.
        there = numbers if has_values.all() else numbers[:, has_values]
        variances[has_values] = np.nanvar(np.sort(there, axis=0), axis=0)
        return variances
    for j, column in enumerate(numbers.T):
        weights = sample_weight[known[:, j]]
        if weights.sum() > 0:
            mean = np.average(column[known[:, j]], weights=weights)
            variances[j] = np.average((column[known[:, j]] - mean) ** 2, weights=weights)
    return variances
