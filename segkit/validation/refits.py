"""Fit prototypes many times: to bootstrap samples, and to copies of the data.

Equal rows are counted, not repeated, and one call of a compiled loop runs all starts of a fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from segkit.models.columns import PreparedColumns
from segkit.models.descent import Rows
from segkit.models.prototypes import count_processors, lay_out

STARTS = 10
MOST_STEPS = 100
# Of more rows the starts of a fit see this many; the best then goes down on all.
MOST_STARTED = 2_000


def refit_prototypes(
    rows: PreparedColumns, k: int, draws: np.ndarray, *, gamma: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fit k prototypes to each sample with ten starts, and place all rows.

    Equal rows are counted, not repeated. The samples share the processors. Where a sample has
    fewer different rows than clusters, some clusters stay empty.

    Returns
    -------
    labels : ndarray of int16, (samples, n)
    costs : ndarray of float, (samples,)
        The sum of squared distances of each sample to its prototypes.
    """
    counted = _count_rows(rows, gamma)
    seeds = rng.integers(2**63, size=len(draws))

    def fit(drawn: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
        return _refit_sample(counted, k, drawn, np.random.default_rng(seed))

    with ThreadPoolExecutor(count_processors()) as pool:
        labels, costs = zip(*pool.map(fit, draws, seeds), strict=True)
    return np.array(labels), np.array(costs)


@dataclass(frozen=True)
class _Counted:
    """Different rows, sorted, with how often each is there; ``key`` has each row's place in them.

    Sorted and counted, so that the order in which customers come changes nothing but the draws.
    """

    rows: Rows
    key: np.ndarray

    def take(self, chosen: np.ndarray, weights: np.ndarray) -> Rows:
        """Return some of the different rows with other weights."""
        return replace(
            self.rows,
            numbers=np.ascontiguousarray(self.rows.numbers[:, chosen]),
            codes=np.ascontiguousarray(self.rows.codes[:, chosen]),
            weights=weights[chosen],
        )


def _count_rows(rows: PreparedColumns, gamma: float) -> _Counted:
    table = np.column_stack([np.nan_to_num(rows.numbers, nan=np.inf), rows.codes])
    _, first, key = np.unique(table, axis=0, return_index=True, return_inverse=True)
    key = key.ravel()
    laid = lay_out(rows.numbers[first], rows.codes[first], None, gamma=gamma)
    return _Counted(replace(laid, weights=np.bincount(key).astype(float)).with_fill(), key)


def _refit_sample(
    counted: _Counted, k: int, drawn: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Fit k prototypes to one sample; return the cluster of all rows, and the sample's cost."""
    from segkit.models import compiled_loops as loops

    every = counted.rows
    weights = np.bincount(counted.key, drawn, len(every.weights))
    there = np.flatnonzero(weights)
    started = there
    if len(there) > MOST_STARTED:
        started = np.sort(rng.choice(there, MOST_STARTED, replace=False))
    # Rows give the averages as those of one cluster.
    fill = every.fill[0][0]
    common = every.fill[1][0]
    uniform = rng.random((STARTS, k, 2 + int(np.log(k))))
    few = counted.take(started, weights)
    centres, modes, cost = loops.search(
        few.numbers, few.codes, few.weights, every.offsets, every.gamma, fill, common,
        uniform, MOST_STEPS,
    )  # fmt: skip
    if len(started) < len(there):
        parts = counted.take(there, weights)
        cost = loops.walk(
            parts.numbers, parts.codes, parts.weights, every.offsets, every.gamma, fill, common,
            centres, modes, MOST_STEPS,
        )  # fmt: skip
    labels = np.zeros(len(every.weights), np.int32)
    nearest = np.zeros(len(every.weights))
    loops.measure(
        (0, len(labels)), every.numbers, every.codes, every.weights, every.gamma, centres, modes,
        labels, nearest,
    )  # fmt: skip
    return labels[counted.key].astype(np.int16), cost


def fit_copies(
    copies: Sequence[PreparedColumns], k: int, *, gamma: float, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """Fit k prototypes to each of several tables, as `refit_prototypes` does to samples of one.

    Returns
    -------
    labels : list of ndarray of int16, (n,)
        The cluster of each row, of each table.
    costs : ndarray of float, (tables,)
    """
    seeds = rng.integers(2**63, size=len(copies))

    def fit(copy: PreparedColumns, seed: int) -> tuple[np.ndarray, float]:
        once = np.ones(len(copy.numbers), dtype=np.uint16)
        return _refit_sample(_count_rows(copy, gamma), k, once, np.random.default_rng(seed))

    with ThreadPoolExecutor(count_processors()) as pool:
        found = list(pool.map(fit, copies, seeds))
    return [labels for labels, _ in found], np.array([cost for _, cost in found])
