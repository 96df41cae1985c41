"""k-prototypes: clusters of mixed data, of which k-means and k-modes are the two ends."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from segkit.errors import SegkitError
from segkit.segments.lloyd import PLAIN, load_kernels

# Distances to be measured by one process before numba's import pays.
PLAIN_WORK = 2e7
# Rows that a thread takes at once; sums of chunks are added in order, whoever made them.
CHUNK = 65_536
# Up to here each start is improved point by point; above only the best is.
MOST_POLISHED = 10_000
# Above MOST_STARTED rows the starts see a sample; the best is then refined on all rows.
MOST_STARTED, SAMPLE = 200_000, 100_000
# A start of many rows ends when a step lowers the cost by less than this part of it.
LOOSE = 1e-4
# Another round of improving point by point must lower the cost by this part of it.
WORTH_ROUND = 1e-6
_work_done = 0.0


class TooFewPointsError(SegkitError, ValueError):
    """Fewer distinct points than clusters."""


@dataclass(frozen=True)
class PrototypeFit:
    """Clusters of mixed rows.

    Attributes
    ----------
    labels : ndarray of int64, (n,)
        Each row's cluster.
    centres : ndarray of float64, (k, p)
        Means of the numbers.
    modes : ndarray of int32, (k, q)
        The most frequent code of each category; of equals the lowest.
    cost : float
        The weighted sum of squared distances to the own prototype.
    n_iter : int
        Lloyd's steps of the best start.
    """

    labels: np.ndarray
    centres: np.ndarray
    modes: np.ndarray
    cost: float
    n_iter: int


@dataclass(frozen=True)
class _Rows:
    """Rows column by column, and what is done with them."""

    numbers: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    gamma: float
    kernels: SimpleNamespace
    each: Callable[..., Iterable] = map
    fill: tuple[np.ndarray, np.ndarray] | tuple[float, int] = (0.0, 0)

    def take(self, chosen: np.ndarray) -> _Rows:
        """Return some of the rows."""
        parts = {"numbers": self.numbers[:, chosen], "codes": self.codes[:, chosen]}
        return replace(self, weights=self.weights[chosen], **parts)

    def split(self) -> list[tuple[int, int]]:
        """Return the bounds of chunks; they depend on nothing but the number of rows."""
        n = len(self.weights)
        return [(begin, min(begin + CHUNK, n)) for begin in range(0, n, CHUNK)]

    def measure(self, centres, modes) -> tuple[np.ndarray, np.ndarray, float]:
        """Return each row's nearest prototype and squared distance, and the cost."""
        labels = np.zeros(len(self.weights), dtype=np.int32)
        nearest = np.zeros(len(self.weights))

        def measure_chunk(chunk):
            return self.kernels.measure(
                chunk, self.numbers, self.codes, self.weights, self.gamma, centres, modes,
                labels, nearest,
            )  # fmt: skip

        return labels, nearest, sum(self.each(measure_chunk, self.split()))

    def tally(self, labels, k) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return sums and known weights of the numbers, and weights of the levels, by cluster."""
        shapes = [(k, len(self.numbers)), (k, len(self.numbers)), (k, self.offsets[-1])]

        def tally_chunk(chunk):
            parts = [np.zeros(shape) for shape in shapes]
            self.kernels.tally(
                chunk, self.numbers, self.codes, self.weights, self.offsets, labels, *parts
            )
            return parts

        return tuple(
            sum(parts) for parts in zip(*self.each(tally_chunk, self.split()), strict=True)
        )

    def summarise(self, labels, k) -> tuple[np.ndarray, np.ndarray]:
        """Return the centres and modes of clusters; where all is missing, those of all rows."""
        sums, known, counts = self.tally(labels, k)
        with np.errstate(invalid="ignore"):
            centres = np.where(known > 0, sums / known, self.fill[0])
        modes = np.zeros((k, len(self.codes)), dtype=np.int32)
        for j, (begin, end) in enumerate(itertools.pairwise(self.offsets)):
            found = counts[:, begin:end].max(axis=1) > 0
            common = np.broadcast_to(self.fill[1], modes.shape)[:, j]
            modes[:, j] = np.where(found, counts[:, begin:end].argmax(axis=1), common)
        return centres, modes

    def improve(self, labels, k) -> int:
        """Move single rows where that lowers the cost (Hartigan 1975); return the moves."""
        return self.kernels.improve(
            self.numbers, self.codes, self.weights, self.offsets, self.gamma, labels,
            *self.tally(labels, k),
        )  # fmt: skip

    def pick(self, row) -> tuple[np.ndarray, np.ndarray]:
        """Return one row as a prototype, (1, p) and (1, q); what it lacks is the average."""
        number, code = self.numbers[:, row], self.codes[:, row]
        centre = np.where(np.isnan(number), self.fill[0], number)
        mode = np.where(code < 0, self.fill[1], code).astype(np.int32)
        return centre.reshape(1, -1), mode.reshape(1, -1)


def fit_prototypes(
    numbers: np.ndarray,
    codes: np.ndarray,
    *,
    n_clusters: int,
    gamma: float,
    n_init: int = 10,
    max_iter: int = 100,
    sample_weight: np.ndarray | None = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState,
) -> PrototypeFit:
    """Find prototypes with the least cost of Huang (1998, equation 3), best of several starts.

    Each start is seeded in the manner of greedy k-means++ (Arthur and Vassilvitskii 2007) on the
    mixed distance, goes on by Lloyd's steps and, up to 10,000 rows, is improved point by point
    (Hartigan 1975); of more rows only the best start is. Above 200,000 rows the starts see a
    random 100,000 and the best is refined on all. Equal rows are folded into weights where there
    are many. The result depends on the rows, their order and ``random_state`` alone.

    Parameters
    ----------
    numbers : ndarray of float64, (n, p)
        NaN is missing: it counts in no distance and no centre.
    codes : ndarray of int32, (n, q)
        Levels of categories from 0; below 0 is missing: it counts in no distance and no mode.
    n_clusters, n_init, max_iter : int
        Clusters, starts, and Lloyd's steps a start.
    gamma : float
        What a category that differs adds to the squared distance.
    sample_weight : ndarray of float64, (n,), optional
        Rows of weight 0 get a cluster but have no say.
    n_jobs : int, optional
        Threads; without it as many as the process may use.
    random_state : int or RandomState

    Raises
    ------
    TooFewPointsError
        If there are fewer distinct points than clusters.
    """
    from sklearn.utils import check_random_state

    numbers = np.ascontiguousarray(np.asarray(numbers, dtype=np.float64).T)
    codes = np.ascontiguousarray(np.asarray(codes, dtype=np.int32).T)
    n = max(numbers.shape[1], codes.shape[1])
    weights = np.ones(n) if sample_weight is None else np.array(sample_weight, dtype=np.float64)
    n_levels = [1 + max(0, int(column.max(initial=0))) for column in codes]
    threads = n_jobs if n_jobs and n_jobs > 0 else count_processors()
    rng = check_random_state(random_state)
    rows = _Rows(
        numbers,
        codes,
        weights,
        offsets=np.cumsum([0, *n_levels]),
        gamma=float(gamma),
        kernels=choose_kernels(n * n_clusters * (len(numbers) + len(codes)) * n_init),
    )
    with ThreadPoolExecutor(threads) as pool:
        rows = replace(rows, each=pool.map if n > CHUNK else map)
        everyone, rows = rows, (rows.take(weights > 0) if (weights <= 0).any() else rows)
        rows = _fold(rows, n_clusters)
        rows = replace(rows, fill=rows.summarise(np.zeros(len(rows.weights), np.int32), 1))
        seeds = rng.randint(np.iinfo(np.int32).max, size=n_init)
        started, n_used = rows, len(rows.weights)
        if n_used > MOST_STARTED:
            sample = np.sort(rng.choice(n_used, SAMPLE, replace=False))
            started, n_used = rows.take(sample), SAMPLE
        started = replace(started, each=map)
        small = n_used <= MOST_POLISHED

        def start(seed):
            seeded = _seed(started, n_clusters, np.random.RandomState(seed))
            return _descend(started, *seeded, max_iter, tolerance=0.0 if small else LOOSE,
                            polish=small)  # fmt: skip

        found = list((map if rows.kernels is PLAIN else pool.map)(start, seeds))
        best = min(found, key=lambda fit: fit.cost)
        if not small:
            best = _descend(started, best.centres, best.modes, max_iter, polish=True)
        if started is not rows and len(started.weights) < len(rows.weights):
            best = _descend(rows, best.centres, best.modes, max_iter)
        n_filled = len(np.unique(best.labels))
        if n_filled < n_clusters:
            raise _complain(n_filled, n_clusters, n)
        labels, _, _ = everyone.measure(best.centres, best.modes)
    return replace(best, labels=labels.astype(np.int64))


def assign_prototypes(
    numbers: np.ndarray, codes: np.ndarray, centres: np.ndarray, modes: np.ndarray, gamma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's nearest prototype (n,) int64 and its squared distance (n,) float64.

    Squares are added in the columns' order, then gamma times the number of mismatches. Squared
    distances within one part in 1e9 are equal and the lowest prototype wins. A missing value (NaN,
    a code below 0) adds nothing.
    """
    numbers = np.ascontiguousarray(np.asarray(numbers, dtype=np.float64).T)
    codes = np.ascontiguousarray(np.asarray(codes, dtype=np.int32).T)
    centres = np.array(centres, dtype=np.float64, ndmin=2)
    modes = np.array(modes, dtype=np.int32, ndmin=2)
    n = max(numbers.shape[1], codes.shape[1])
    kernels = choose_kernels(n * len(centres) * (len(numbers) + len(codes)))
    rows = _Rows(numbers, codes, np.ones(n), np.zeros(1, np.int64), float(gamma), kernels)
    labels, nearest, _ = rows.measure(centres, modes)
    return labels.astype(np.int64), nearest


def count_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_kernels(work: float) -> SimpleNamespace:
    """Return plain numpy until a process has done enough work that numba's import pays.

    Both give the same bits, so that the choice shows in nothing but time.
    """
    global _work_done
    _work_done += work
    return PLAIN if _work_done < PLAIN_WORK else load_kernels()


def _complain(n_points: int, n_clusters: int, n_rows: int) -> TooFewPointsError:
    return TooFewPointsError(
        f"n_clusters={n_clusters} needs at least {n_clusters} distinct points",
        found=f"{n_points} among n_samples={n_rows}",
        fix="Ask for fewer clusters or give more columns.",
    )


def _fold(rows: _Rows, n_clusters: int) -> _Rows:
    """Fold equal rows into weights, unless more than half are distinct."""
    n = len(rows.weights)
    key, n_keys = np.zeros(n, dtype=np.int64), min(n, 1)
    for column in (*rows.numbers, *rows.codes):
        code, levels = pd.factorize(column)
        key, keys = pd.factorize(key * (len(levels) + 1) + code + 1)
        n_keys = len(keys)
        if n_keys >= n_clusters and n_keys > n / 2:
            return rows
    if n_keys < n_clusters:
        raise _complain(n_keys, n_clusters, n)
    # Keys are numbered by first appearance.
    first = np.flatnonzero(np.diff(np.maximum.accumulate(key), prepend=-1))
    return replace(rows.take(first), weights=np.bincount(key, rows.weights))


def _seed(rows: _Rows, k: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Return k rows as prototypes: each the best of some drawn by their part of the cost."""
    trials = 2 + int(np.log(k))
    parts = rows.weights
    nearest = np.full(len(parts), np.inf)
    chosen = []
    for number in range(k):
        total = np.cumsum(parts)
        draws = rng.random_sample(trials if number else 1) * total[-1]
        drawn = np.minimum(np.searchsorted(total, draws, side="right"), len(parts) - 1)
        options = []
        for prototype in map(rows.pick, drawn):
            _, distance, _ = rows.measure(*prototype)
            np.minimum(distance, nearest, out=distance)
            options.append(((rows.weights * distance).sum(), prototype, distance))
        _, prototype, nearest = min(options, key=lambda option: option[0])
        chosen.append(prototype)
        parts = rows.weights * nearest
    centres, modes = zip(*chosen, strict=True)
    return np.concatenate(centres), np.concatenate(modes)


def _descend(
    rows: _Rows, centres, modes, max_iter: int, *, tolerance: float = 0.0, polish: bool = False
) -> PrototypeFit:
    """Go down by Lloyd's steps, and by single rows if asked, until nothing is gained."""
    k = len(centres)
    best = _step(rows, centres, modes, max_iter, tolerance)
    for _ in range(max_iter if polish else 0):
        moved = best.labels.copy()
        if not rows.improve(moved, k):
            break
        fit = _step(rows, *rows.summarise(moved, k), max_iter, tolerance)
        if fit.cost >= best.cost:
            break
        gained, best = best.cost - fit.cost, replace(fit, n_iter=best.n_iter + fit.n_iter)
        if gained < WORTH_ROUND * best.cost:
            break
    return best


def _step(rows: _Rows, centres, modes, max_iter: int, tolerance: float) -> PrototypeFit:
    """Lloyd's steps (1982): to the nearest prototype, and prototypes to their rows."""
    k = len(centres)
    before, last = None, np.inf
    for n_iter in itertools.count(1):
        labels, nearest, cost = rows.measure(centres, modes)
        sizes = np.bincount(labels, minlength=k)
        if not _reseed(labels, nearest, sizes) or n_iter > max_iter + 10 * k:
            done = n_iter > max_iter or cost > last * (1 - tolerance)
            if done or (before is not None and np.array_equal(before, labels)):
                return PrototypeFit(labels, centres, modes, cost, n_iter)
        before, last = labels, cost
        centres, modes = rows.summarise(labels, k)
    raise AssertionError


def _reseed(labels: np.ndarray, nearest: np.ndarray, sizes: np.ndarray) -> int:
    """Give each empty cluster the farthest row of a cluster with others; return how many."""
    filled = 0
    for empty in np.flatnonzero(sizes == 0):
        apart = np.where(sizes[labels] > 1, nearest, 0.0)
        farthest = int(apart.argmax())
        if apart[farthest] <= 0:
            break
        sizes[labels[farthest]] -= 1
        labels[farthest], nearest[farthest], sizes[empty] = empty, 0.0, 1
        filled += 1
    return filled
