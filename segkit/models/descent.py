"""Rows of mixed data and the way down to the prototypes that cost least."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError

# Rows that a thread takes at once; sums of chunks are added in order, whoever made them.
CHUNK = 16_384
# Up to here each start is improved point by point; above only the best is.
MOST_POLISHED = 10_000
# Up to here the best start is also tried with swapped prototypes, so many times a start.
MOST_SWAPPED = 2_000
SWAPS = 16
# Above MOST_STARTED rows the starts see a sample; the best is then refined on all rows.
MOST_STARTED = 200_000
SAMPLE = 100_000
# Of many rows a start ends when a step lowers the cost by less than this part of it, and the best
# of them goes on until a step lowers it by less than the second. Few rows go on to the end.
LOOSE = 1e-4
FIRM = 1e-5
# How often all rows are gone through point by point, at most.
ROUNDS = 100


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


class TooFewPointsError(SegkitError, ValueError):
    """Fewer distinct points than clusters."""


@dataclass(frozen=True)
class Rows:
    """Rows column by column, and what is done with them."""

    numbers: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    gamma: float
    loops: SimpleNamespace
    fractions: bool = False
    each: Callable[..., Iterable] = map
    fill: tuple[np.ndarray, np.ndarray] | tuple[float, int] = (0.0, 0)

    def take(self, chosen: np.ndarray) -> Rows:
        """Return some of the rows."""
        return replace(
            self,
            numbers=self.numbers[:, chosen],
            codes=self.codes[:, chosen],
            weights=self.weights[chosen],
        )

    def split(self) -> list[tuple[int, int]]:
        """Return the bounds of chunks; they depend on nothing but the number of rows."""
        n = len(self.weights)
        return [(begin, min(begin + CHUNK, n)) for begin in range(0, n, CHUNK)]

    def measure(self, centres, modes) -> tuple[np.ndarray, np.ndarray, float]:
        """Return each row's nearest prototype and squared distance, and the cost."""
        labels = np.zeros(len(self.weights), dtype=np.int32)
        nearest = np.zeros(len(self.weights))

        def measure_chunk(chunk):
            return self.loops.measure(
                chunk, self.numbers, self.codes, self.weights, self.gamma, centres, modes,
                labels, nearest,
            )  # fmt: skip

        return labels, nearest, sum(self.each(measure_chunk, self.split()))

    def tally(self, labels, k) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return sums and known weights of the numbers, and weights of the levels, by cluster."""

        def tally_chunk(chunk):
            sums = np.zeros((k, len(self.numbers)))
            known = np.zeros((k, len(self.numbers)))
            counts = np.zeros((k, self.offsets[-1]))
            self.loops.tally(
                chunk, self.numbers, self.codes, self.weights, self.offsets, labels,
                sums, known, counts,
            )  # fmt: skip
            return sums, known, counts

        chunks = self.each(tally_chunk, self.split())
        return tuple(sum(parts) for parts in zip(*chunks, strict=True))

    def tally_again(self, tally, before, labels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a tally after some rows changed their cluster."""
        moved = np.flatnonzero(before != labels)
        # With fractions as weights, what is added and taken away would not come out at zero.
        is_worth_it = 0 < len(moved) <= len(labels) / 4
        if not is_worth_it or len(labels) <= MOST_POLISHED or self.fractions:
            return self.tally(labels, len(tally[0]))
        part = replace(self.take(moved), each=map)
        parts = [part.tally(which[moved], len(tally[0])) for which in (before, labels)]
        return tuple(a + (new - old) for a, old, new in zip(tally, *parts, strict=True))

    def summarise(self, sums, known, counts) -> tuple[np.ndarray, np.ndarray]:
        """Return the centres and modes of clusters; where all is missing, those of all rows."""
        with np.errstate(invalid="ignore"):
            centres = np.where(known > 0, sums / known, self.fill[0])
        modes = np.zeros((len(sums), len(self.codes)), dtype=np.int32)
        for j, (begin, end) in enumerate(itertools.pairwise(self.offsets)):
            found = counts[:, begin:end].max(axis=1) > 0
            common = np.broadcast_to(self.fill[1], modes.shape)[:, j]
            modes[:, j] = np.where(found, counts[:, begin:end].argmax(axis=1), common)
        return centres, modes

    def with_fill(self) -> Rows:
        """Return the rows with their averages, which stand in for what a cluster lacks."""
        overall = self.tally(np.zeros(len(self.weights), dtype=np.int32), 1)
        return replace(self, fill=self.summarise(*overall))

    def improve(self, labels, k) -> int:
        """Move single rows where that lowers the cost (Hartigan 1975); return the moves."""
        return self.loops.improve(
            self.numbers, self.codes, self.weights, self.offsets, self.gamma, labels,
            *self.tally(labels, k),
        )  # fmt: skip

    def pick(self, row) -> tuple[np.ndarray, np.ndarray]:
        """Return one row as a prototype, (1, p) and (1, q); what it lacks is the average."""
        number = self.numbers[:, row]
        code = self.codes[:, row]
        centre = np.where(np.isnan(number), self.fill[0], number)
        mode = np.where(code < 0, self.fill[1], code).astype(np.int32)
        return centre.reshape(1, -1), mode.reshape(1, -1)


@functools.cache
def load_loops() -> SimpleNamespace:
    """Return the compiled loops; they compile on their first call, or come from numba's cache."""
    from segkit.models import compiled_loops as loops

    return SimpleNamespace(measure=loops.measure, tally=loops.tally, improve=loops.improve)


def complain_of_points(n_points: int, n_clusters: int, n_rows: int) -> TooFewPointsError:
    """Return the error of fewer points than clusters; scikit-learn asks for ``n_samples``."""
    return TooFewPointsError(
        f"n_clusters={n_clusters} needs at least {n_clusters} distinct points",
        found=f"{n_points} among n_samples={n_rows}",
        fix="Ask for fewer clusters or give more columns.",
    )


def fold_rows(rows: Rows, n_clusters: int) -> Rows:
    """Fold equal rows into weights, unless more than half are distinct."""
    n = len(rows.weights)
    enough = max(n_clusters - 1, n / 2)
    key = np.zeros(n, dtype=np.int64)
    span = 1
    for column in (*rows.numbers, *rows.codes):
        if column.dtype == np.float64:
            column, levels = pd.factorize(column)
            if len(levels) > enough:
                return rows
        size = int(column.max(initial=0)) + 2
        if span > 2**62 // size:
            key, keys = pd.factorize(key)
            span = len(keys)
        key = key * size + np.maximum(column, -1) + 1
        span *= size
    key, keys = pd.factorize(key)
    if len(keys) > enough:
        return rows
    if len(keys) < n_clusters:
        raise complain_of_points(len(keys), n_clusters, n)
    # Keys are numbered by first appearance.
    first = np.flatnonzero(np.diff(np.maximum.accumulate(key), prepend=-1))
    return replace(rows.take(first), weights=np.bincount(key, rows.weights))


def draw_prototypes(rows: Rows, parts: np.ndarray, *, size: int, rng) -> list[tuple]:
    """Return rows as prototypes, drawn by their parts of a total."""
    total = np.cumsum(parts)
    drawn = np.searchsorted(total, rng.random_sample(size) * total[-1], side="right")
    return [rows.pick(row) for row in np.minimum(drawn, len(parts) - 1)]


def seed_prototypes(rows: Rows, k: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return k rows as prototypes: each the best of some drawn by their part of the cost."""
    nearest = np.full(len(rows.weights), np.inf)
    parts = rows.weights
    chosen = []
    for number in range(k):
        trials = 2 + int(np.log(k)) if number else 1
        options = []
        for prototype in draw_prototypes(rows, parts, size=trials, rng=rng):
            _, distance, _ = rows.measure(*prototype)
            np.minimum(distance, nearest, out=distance)
            cost = (rows.weights * distance).sum()
            options.append((cost, prototype, distance))
        _, prototype, nearest = min(options, key=lambda option: option[0])
        chosen.append(prototype)
        parts = rows.weights * nearest
    centres, modes = zip(*chosen, strict=True)
    return np.concatenate(centres), np.concatenate(modes)


def descend(
    rows: Rows, centres, modes, *, max_iter: int, tolerance: float, rounds: int = 0
) -> PrototypeFit:
    """Go down by Lloyd's steps, then in rounds by single rows, until nothing is gained."""
    k = len(centres)
    best = _step(rows, centres, modes, max_iter, tolerance)
    for _ in range(rounds):
        moved = best.labels.copy()
        if not rows.improve(moved, k):
            break
        centres, modes = rows.summarise(*rows.tally(moved, k))
        fit = _step(rows, centres, modes, max_iter, tolerance)
        if fit.cost >= best.cost:
            break
        gained = best.cost - fit.cost
        best = replace(fit, n_iter=best.n_iter + fit.n_iter)
        if gained < tolerance * best.cost:
            break
    return best


def swap_prototypes(rows: Rows, best: PrototypeFit, *, trials: int, rng) -> PrototypeFit:
    """Move a random prototype to a random row and go down from there; keep what costs less.

    Random swap (Fränti 2018); the row is drawn by its part of the cost.
    """
    for _ in range(trials):
        _, nearest, _ = rows.measure(best.centres, best.modes)
        ((centre, mode),) = draw_prototypes(rows, rows.weights * nearest, size=1, rng=rng)
        swapped = rng.randint(len(best.centres))
        centres = best.centres.copy()
        modes = best.modes.copy()
        centres[swapped] = centre[0]
        modes[swapped] = mode[0]
        fit = descend(rows, centres, modes, max_iter=1, tolerance=0.0, rounds=ROUNDS)
        best = min(best, fit, key=lambda fit: fit.cost)
    return best


def _step(rows: Rows, centres, modes, max_iter: int, tolerance: float) -> PrototypeFit:
    """Lloyd's steps (1982): to the nearest prototype, and prototypes to their rows."""
    k = len(centres)
    tally = before = None
    last = np.inf
    for n_iter in itertools.count(1):
        labels, nearest, cost = rows.measure(centres, modes)
        sizes = np.bincount(labels, minlength=k)
        if not _reseed(labels, nearest, sizes) or n_iter > max_iter + 10 * k:
            is_done = n_iter > max_iter or cost > last * (1 - tolerance)
            if is_done or (before is not None and np.array_equal(before, labels)):
                return PrototypeFit(labels, centres, modes, cost, n_iter)
        tally = rows.tally_again(tally, before, labels) if tally else rows.tally(labels, k)
        centres, modes = rows.summarise(*tally)
        before = labels
        last = cost


def _reseed(labels: np.ndarray, nearest: np.ndarray, sizes: np.ndarray) -> int:
    """Give each empty cluster the farthest row of a cluster with others; return how many."""
    filled = 0
    for empty in np.flatnonzero(sizes == 0):
        apart = np.where(sizes[labels] > 1, nearest, 0.0)
        farthest = int(apart.argmax())
        if apart[farthest] <= 0:
            break
        sizes[labels[farthest]] -= 1
        labels[farthest] = empty
        nearest[farthest] = 0.0
        sizes[empty] = 1
        filled += 1
    return filled
