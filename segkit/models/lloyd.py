"""The inner loops of k-prototypes, once compiled by numba and once in plain numpy.

Both give the same bits: they add in the same order and nothing is reassociated. Compiled loops need
numba's import and, on the first use on a machine, some seconds of compiling (kept in numba's cache
from then on), so that small work is quicker in numpy. They run on one thread each and free the
interpreter's lock; no threading layer of numba is used, as that does not survive a fork.

Data lie column by column, as ``(p, n)`` numbers and ``(q, n)`` codes, so that the loops over rows
vectorise. A NaN or a code below zero is missing and counts nowhere.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace

import numpy as np

from segkit.models.tolerances import BLOCK, TIE, WORTH


def measure_plain(rows, numbers, codes, weights, gamma, centres, modes, labels, nearest):
    """Write each row's nearest cluster and squared distance; return their weighted sum."""
    part = slice(*rows)
    numbers = numbers[:, part]
    codes = codes[:, part]
    weights = weights[part]
    labels = labels[part]
    nearest = nearest[part]
    squares = np.zeros((len(centres), len(labels)))
    for j, column in enumerate(numbers):
        gaps = column - centres[:, j : j + 1]
        gaps *= gaps
        squares += np.where(np.isnan(gaps), 0.0, gaps)
    differ = np.zeros(squares.shape, dtype=np.int32)
    for j, column in enumerate(codes):
        differ += (column != modes[:, j : j + 1]) & (column >= 0)
    squares += gamma * differ
    nearest[:] = squares.min(axis=0)
    labels[:] = np.argmax(squares <= nearest * TIE, axis=0)
    return float(np.cumsum(weights * nearest)[-1])


def tally_plain(rows, numbers, codes, weights, offsets, labels, sums, known, counts):
    """Write the sums and known weights of each cluster's numbers, and the weights of its levels."""
    part = slice(*rows)
    numbers = numbers[:, part]
    codes = codes[:, part]
    weights = weights[part]
    labels = labels[part]
    k, n_levels = counts.shape
    for j, column in enumerate(numbers):
        there = ~np.isnan(column)
        where = labels[there]
        weight = weights[there]
        sums[:, j] = np.bincount(where, weight * column[there], k)
        known[:, j] = np.bincount(where, weight, k)
    counts[:] = 0.0
    for j, column in enumerate(codes):
        there = column >= 0
        cells = labels[there].astype(np.int64) * n_levels + (column[there] + offsets[j])
        counts += np.bincount(cells, weights[there], k * n_levels).reshape(k, n_levels)


def improve_plain(numbers, codes, weights, offsets, gamma, labels, sums, known, counts):
    """Move row after row to the cluster where it raises the cost least; return the moves."""
    moves = row = 0
    tops = rank_levels(counts, offsets, range(len(counts)))
    while row < len(labels):
        part = slice(row, row + BLOCK)
        leave, join = _price_plain(
            numbers[:, part], codes[:, part], weights[part], offsets, gamma, labels[part],
            sums, known, counts, tops,
        )  # fmt: skip
        target = join.argmin(axis=0)
        gain = leave - join[target, np.arange(len(target))]
        movable = np.flatnonzero(gain > WORTH * leave)
        if not len(movable):
            row += BLOCK
            continue
        # All rows up to the first that moves have seen the same clusters as one by one.
        row += movable[0]
        weight = weights[row]
        old = labels[row]
        new = target[movable[0]]
        labels[row] = new
        for cluster, change in ((old, -weight), (new, weight)):
            there = ~np.isnan(numbers[:, row])
            sums[cluster, there] += change * numbers[there, row]
            known[cluster, there] += change
            there = codes[:, row] >= 0
            counts[cluster, offsets[:-1][there] + codes[there, row]] += change
        tops[:, [old, new]] = rank_levels(counts, offsets, (old, new))
        moves += 1
        row += 1
    return moves


def rank_levels(counts, offsets, clusters):
    """Return the largest and second largest weight of a level, (2, clusters, columns)."""
    tops = np.zeros((2, len(clusters), len(offsets) - 1))
    for i, cluster in enumerate(clusters):
        for j in range(len(offsets) - 1):
            ranked = np.sort(counts[cluster, offsets[j] : offsets[j + 1]])[::-1]
            tops[: len(ranked), i, j] = np.maximum(ranked[:2], 0.0)
    return tops


def _price_plain(numbers, codes, weights, offsets, gamma, labels, sums, known, counts, tops):
    """Return what each row's cluster saves without it (n,) and what each would pay (k, n)."""
    k = len(sums)
    n = len(labels)
    rows = np.arange(n)
    saved = np.zeros(n)
    paid = np.zeros((k, n))
    for j, column in enumerate(numbers):
        held = known[:, j : j + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            gaps = column - sums[:, j : j + 1] / held
            gaps = np.where((held > 0) & ~np.isnan(column), gaps * gaps, 0.0)
            own = known[labels, j]
            rest = own - weights
            paid += gaps * (held / (held + weights))
            saved += np.where(rest > WORTH * own, gaps[labels, rows] * (own / rest), 0.0)
    differ = np.zeros((k, n))
    differed = np.zeros(n)
    for j, column in enumerate(codes):
        there = column >= 0
        level = counts[:, offsets[j] + np.where(there, column, 0)]
        above = level + weights - tops[0, :, j : j + 1]
        differ += np.where(there, weights - np.maximum(above, 0.0), 0.0)
        own = level[labels, rows]
        top = tops[0, labels, j]
        second = tops[1, labels, j]
        left = np.maximum(own - weights, np.where(own == top, second, top))
        differed += np.where(there, weights - (top - left), 0.0)
    join = paid * weights + gamma * differ
    join[labels, rows] = np.inf
    return saved * weights + gamma * differed, join


PLAIN = SimpleNamespace(measure=measure_plain, tally=tally_plain, improve=improve_plain)


@functools.cache
def load_compiled() -> SimpleNamespace:
    """Return the compiled loops; they compile on their first call, or come from numba's cache."""
    from segkit.models import compiled_loops as loops

    return SimpleNamespace(measure=loops.measure, tally=loops.tally, improve=loops.improve)
