"""The inner loops of k-prototypes and of latent classes, which numba compiles.

Import this only where loops run. numba's import takes half a second and, on the first use on a
machine, some seconds of compiling, kept in numba's cache from then on: beside this file, or in the
user's cache folder where that cannot be written. The loops run on one thread each and free the
interpreter's lock; no threading layer of numba is used, as that does not survive a fork.

Data lie column by column, as ``(p, n)`` numbers and ``(q, n)`` codes, so that the loops over rows
vectorise. A NaN or a code below zero is missing and counts nowhere. Nothing is reassociated, so
that the same rows give the same bits on any number of threads.

`measure` writes each row's nearest cluster and squared distance, and returns their weighted sum.
`tally` writes the sums and known weights of each cluster's numbers, and the weights of its levels.
`improve` moves row after row to the cluster where it raises the cost least, and returns the moves.
"""

from __future__ import annotations

import numba
import numpy as np

from segkit.models.tolerances import BLOCK, TIE, WORTH


def _compile(function):
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # no folder in which a cache could be written
        return numba.njit(function, **options)


@_compile
def measure(rows, numbers, codes, weights, gamma, centres, modes, labels, nearest):
    k = len(centres)
    squares = np.empty((k, BLOCK))
    differ = np.empty(BLOCK, dtype=np.int32)
    cost = 0.0
    for begin in range(rows[0], rows[1], BLOCK):
        end = min(begin + BLOCK, rows[1])
        size = end - begin
        low = nearest[begin:end]
        low[:] = np.inf
        for c in range(k):
            here = squares[c, :size]
            here[:] = 0.0
            for j in range(len(numbers)):
                column = numbers[j, begin:end]
                centre = centres[c, j]
                for i in range(size):
                    gap = column[i] - centre
                    gap = gap * gap
                    here[i] += gap if gap == gap else 0.0
            if len(codes):
                differ[:] = 0
                for j in range(len(codes)):
                    levels = codes[j, begin:end]
                    mode = modes[c, j]
                    for i in range(size):
                        differ[i] += np.int32((levels[i] != mode) & (levels[i] >= 0))
                for i in range(size):
                    here[i] += gamma * differ[i]
            for i in range(size):
                low[i] = min(low[i], here[i])
        chosen = labels[begin:end]
        for c in range(k - 1, -1, -1):
            here = squares[c, :size]
            for i in range(size):
                chosen[i] = c if here[i] <= low[i] * TIE else chosen[i]
        for i in range(size):
            cost += weights[begin + i] * low[i]
    return cost


@_compile
def tally(rows, numbers, codes, weights, offsets, labels, sums, known, counts):
    sums[:] = 0.0
    known[:] = 0.0
    counts[:] = 0.0
    for i in range(rows[0], rows[1]):
        weight = weights[i]
        own_sums, own_known, own_counts = sums[labels[i]], known[labels[i]], counts[labels[i]]
        for j in range(len(numbers)):
            value = numbers[j, i]
            if value == value:
                own_sums[j] += weight * value
                own_known[j] += weight
        for j in range(len(codes)):
            if codes[j, i] >= 0:
                own_counts[offsets[j] + codes[j, i]] += weight


@_compile
def improve(numbers, codes, weights, offsets, gamma, labels, sums, known, counts):
    k, p, q = len(sums), len(numbers), len(codes)
    centres = sums / known
    tops = np.zeros((2, k, q))
    stale = np.arange(k)
    moves = 0
    for row in range(-1, len(labels)):
        if row >= 0:
            old, weight = labels[row], weights[row]
            new, lowest, leave = old, np.inf, 0.0
            for c in range(k):
                paid, differ = 0.0, 0.0
                for j in range(p):
                    gap, held = numbers[j, row] - centres[c, j], known[c, j]
                    gap = gap * gap
                    if not (held > 0 and gap == gap):
                        continue
                    rest = held - weight
                    if c != old:
                        paid += gap * (held / (held + weight))
                    elif rest > WORTH * held:
                        paid += gap * (held / rest)
                for j in range(q):
                    if codes[j, row] < 0:
                        continue
                    level = counts[c, offsets[j] + codes[j, row]]
                    top = tops[0, c, j]
                    if c != old:
                        differ += weight - max(level + weight - top, 0.0)
                    else:
                        other = tops[1, c, j] if level == top else top
                        differ += weight - (top - max(level - weight, other))
                price = paid * weight + gamma * differ
                if c == old:
                    leave = price
                elif price < lowest:
                    new, lowest = c, price
            if not leave - lowest > WORTH * leave:
                continue
            labels[row] = new
            moves += 1
            stale = np.array([old, new], dtype=np.int64)
            for c in stale:
                change = weight if c == new else -weight
                for j in range(p):
                    if numbers[j, row] == numbers[j, row]:
                        sums[c, j] += change * numbers[j, row]
                        known[c, j] += change
                    centres[c, j] = sums[c, j] / known[c, j]
                for j in range(q):
                    if codes[j, row] >= 0:
                        counts[c, offsets[j] + codes[j, row]] += change
        for c in stale:
            for j in range(q):
                top, second = 0.0, 0.0
                for level in range(offsets[j], offsets[j + 1]):
                    if counts[c, level] > top:
                        top, second = counts[c, level], top
                    elif counts[c, level] > second:
                        second = counts[c, level]
                tops[0, c, j], tops[1, c, j] = top, second
    return moves


@_compile
def walk(numbers, codes, weights, offsets, gamma, fill, common, centres, modes, max_iter):
    """Improve prototypes in place by Lloyd's steps (1982) until no row moves; return the cost.

    ``fill`` and ``common`` stand in for what a cluster lacks.
    """
    k, p, q, n = len(centres), len(numbers), len(codes), len(weights)
    labels, before, nearest = np.zeros(n, np.int32), np.full(n, -1, np.int32), np.zeros(n)
    sums, known, counts = np.zeros((k, p)), np.zeros((k, p)), np.zeros((k, offsets[-1]))
    cost = 0.0
    for _ in range(max_iter):
        cost = measure((0, n), numbers, codes, weights, gamma, centres, modes, labels, nearest)
        sizes = np.bincount(labels, minlength=k)
        for c in range(k):  # an empty cluster takes the farthest row of a cluster with others
            if sizes[c] == 0:
                farthest = -1
                for i in range(n):
                    apart = sizes[labels[i]] > 1 and nearest[i] > 0
                    if apart and (farthest < 0 or nearest[i] > nearest[farthest]):
                        farthest = i
                if farthest >= 0:
                    sizes[labels[farthest]] -= 1
                    labels[farthest], nearest[farthest], sizes[c] = c, 0.0, 1
        moved = False
        for i in range(n):
            moved |= labels[i] != before[i]
            before[i] = labels[i]
        if not moved:
            break
        tally((0, n), numbers, codes, weights, offsets, labels, sums, known, counts)
        for c in range(k):
            for j in range(p):
                centres[c, j] = sums[c, j] / known[c, j] if known[c, j] > 0 else fill[j]
            for j in range(q):
                own = counts[c, offsets[j] : offsets[j + 1]]
                modes[c, j] = np.argmax(own) if own.max() > 0 else common[j]
    return cost


@_compile
def search(numbers, codes, weights, offsets, gamma, fill, common, draws, max_iter):
    """Return the best prototypes of several starts: centres, modes and their cost.

    Seeded in the manner of greedy k-means++ by the uniform ``draws`` (starts, k, trials).
    """
    n_init, k, trials = draws.shape
    n, p, q = len(weights), len(numbers), len(codes)
    labels, nearest, low, kept = np.zeros(n, np.int32), np.zeros(n), np.zeros(n), np.zeros(n)
    centres, modes = np.zeros((k, p)), np.zeros((k, q), np.int32)
    best_centres, best_modes, best = centres.copy(), modes.copy(), np.inf
    picked, mode = np.zeros((1, p)), np.zeros((1, q), np.int32)
    for start in range(n_init):
        low[:] = np.inf
        parts = weights.copy()
        for c in range(k):
            total, cheapest = np.cumsum(parts), np.inf
            for trial in range(trials if c else 1):
                drawn = np.searchsorted(total, draws[start, c, trial] * total[-1], side="right")
                row = min(drawn, n - 1)
                for j in range(p):
                    value = numbers[j, row]
                    picked[0, j] = value if value == value else fill[j]
                for j in range(q):
                    mode[0, j] = codes[j, row] if codes[j, row] >= 0 else common[j]
                measure((0, n), numbers, codes, weights, gamma, picked, mode, labels, nearest)
                cost = 0.0
                for i in range(n):
                    nearest[i] = min(nearest[i], low[i])
                    cost += weights[i] * nearest[i]
                if cost < cheapest:
                    cheapest = cost
                    kept[:] = nearest
                    centres[c] = picked[0]
                    modes[c] = mode[0]
            low[:] = kept
            parts = weights * low
        cost = walk(numbers, codes, weights, offsets, gamma, fill, common, centres, modes, max_iter)
        if cost < best:
            best = cost
            best_centres[:] = centres
            best_modes[:] = modes
    return best_centres, best_modes, best


@_compile
def climb(patterns, counts, weights, shares, gain, most_steps, floor):
    """Run EM of latent classes in place until a step gains less than ``gain`` (Goodman 1974).

    ``patterns`` (m, columns) are codes of levels, below 0 where an answer is missing, ``weights``
    (k,) and ``shares`` (columns, levels, k) the classes' probabilities. Return the log-likelihood.
    """
    columns, width, k = shares.shape
    logs, sums = np.zeros(shares.shape), np.zeros(shares.shape)
    base, likely, masses = np.zeros(k), np.zeros(k), np.zeros(k)
    before, total = -np.inf, counts.sum()
    for _ in range(most_steps):
        for c in range(columns):
            for level in range(width):
                for j in range(k):
                    logs[c, level, j] = np.log(max(shares[c, level, j], floor))
        for j in range(k):
            base[j] = np.log(weights[j])
        # In a class in which nobody answered a column, all its levels are alike.
        sums[:] = 1e-200
        masses[:] = 0.0
        likelihood = 0.0
        for i in range(len(counts)):
            likely[:] = base
            for c in range(columns):
                level = patterns[i, c]
                if level >= 0:
                    for j in range(k):
                        likely[j] += logs[c, level, j]
            top, sum_of_all = -np.inf, 0.0
            for j in range(k):
                top = max(top, likely[j])
            for j in range(k):
                likely[j] = np.exp(likely[j] - top)
                sum_of_all += likely[j]
            likelihood += counts[i] * (np.log(sum_of_all) + top)
            for j in range(k):
                likely[j] *= counts[i] / sum_of_all
                masses[j] += likely[j]
            for c in range(columns):
                level = patterns[i, c]
                if level >= 0:
                    for j in range(k):
                        sums[c, level, j] += likely[j]
        if likelihood - before < gain:
            break
        before = likelihood
        for j in range(k):
            weights[j] = max(masses[j] / total, floor)
            for c in range(columns):
                held = 0.0
                for level in range(width):
                    held += sums[c, level, j] if shares[c, level, j] > 0 else 0.0
                for level in range(width):
                    there = shares[c, level, j] > 0
                    shares[c, level, j] = max(sums[c, level, j] / held, 1e-300) if there else 0.0
    return likelihood
