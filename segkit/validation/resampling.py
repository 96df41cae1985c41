"""Bootstrap solutions of a scheme, and the same on columns shuffled one by one.

A bootstrap sample is a number of draws for each customer. The scheme is fitted on it as on all,
and the fit then places all customers, drawn or not. What the labels say is asked in
`segkit.validation.stability`.

References
----------
Dolnicar and Leisch (2010), Evaluation of structure and reproducibility of cluster solutions using
the bootstrap, *Marketing Letters* 21, 83-101. Tibshirani, Walther and Hastie (2001), Estimating the
number of clusters in a data set via the gap statistic, *JRSS B* 63, for the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import ibis
import numpy as np
import pandas as pd

from segkit.models.columns import PreparedColumns
from segkit.models.descent import Rows
from segkit.models.own_columns import choose_prefix
from segkit.models.prototypes import count_processors, lay_out
from segkit.segmentation.rules import Rules

STARTS = 10
MOST_STEPS = 100
# Of more rows the starts of a fit see this many; the best then goes down on all.
MOST_STARTED = 2_000
REFERENCE_COPIES = 10
REFERENCE_PAIRS = 1
# A customer beyond this part of the way from the own prototype to the next lies between the two.
BORDER = 0.3


@dataclass(frozen=True)
class Resamples:
    """What bootstrap solutions say of one solution.

    Attributes
    ----------
    own : ndarray of int, (n,)
        The segment of each row in the solution itself, from 0.
    segment_count : int
        How many segments the solution has; some may be empty among these rows.
    labels : ndarray of int, (2 * pairs, n)
        The cluster that each bootstrap solution gives to each row; the second of each pair
        follows the first. Numbers of different solutions mean nothing to each other.
    draws : ndarray of int, (2 * pairs, n)
        How often each row was drawn.
    reference_labels : list of ndarray
        The same as ``labels`` on copies with shuffled columns, one array a copy; none for rules.
    structure : float
        Of prototypes 1 - W / W_ref, where W is the cost and W_ref the smallest cost of ten
        shuffled copies, 0 for a single column; of latent classes how far their BIC is below that
        of one class, as a share of it; NaN for rules.
    border_share : float
        Of prototypes the share of rows that lie between two segments, of the segment with the
        largest share: beyond 0.3 of the way from the own prototype to the next (0.5 is the border).
        Of latent classes the share of all rows with a second class more probable than 0.3; that a
        class is cut in two is what BIC prevents. NaN for rules.
    """

    own: np.ndarray
    segment_count: int
    labels: np.ndarray
    draws: np.ndarray
    reference_labels: list[np.ndarray]
    structure: float
    border_share: float


def draw_bootstraps(row_count: int, *, pairs: int, random_state: int) -> np.ndarray:
    """Draw ``2 * pairs`` bootstrap samples: how often each row was drawn, (2 * pairs, rows)."""
    rng = np.random.default_rng(random_state)
    draws = [rng.integers(0, row_count, row_count) for _ in range(2 * pairs)]
    return np.array([np.bincount(drawn, minlength=row_count) for drawn in draws], dtype=np.uint16)


def resample_prototypes(
    rows: PreparedColumns,
    own: np.ndarray,
    draws: np.ndarray,
    *,
    segment_count: int,
    gamma: float,
    random_state: int,
) -> Resamples:
    """Resample prototypes; the preparation is kept as it was fitted on all.

    Parameters
    ----------
    rows : PreparedColumns
        n prepared rows.
    own : ndarray of int, (n,)
        Their segments in the solution itself, from 0.
    draws : ndarray of int, (samples, n)
        See `draw_bootstraps`.
    """
    k = segment_count
    rng = np.random.default_rng(random_state)
    labels, _ = refit_prototypes(rows, k, draws, gamma=gamma, rng=rng)
    once = np.ones((1, len(own)), dtype=np.uint16)
    has_one_column = rows.numbers.shape[1] + rows.codes.shape[1] == 1
    references = []
    reference_costs = []
    for _ in range(0 if has_one_column else REFERENCE_COPIES):
        shuffled = replace(
            rows, numbers=rng.permuted(rows.numbers, axis=0), codes=rng.permuted(rows.codes, axis=0)
        )
        some = np.concatenate([once, draws[: 2 * REFERENCE_PAIRS]])
        found, costs = refit_prototypes(shuffled, k, some, gamma=gamma, rng=rng)
        references.append(found[1:])
        reference_costs.append(costs[0])
    _, costs = refit_prototypes(rows, k, once, gamma=gamma, rng=rng)
    least = min(reference_costs, default=0.0)
    return Resamples(
        own=own,
        segment_count=k,
        labels=labels,
        draws=draws,
        reference_labels=references,
        structure=1 - costs[0] / least if least > 0 else 0.0,
        border_share=_measure_border(rows, own, gamma),
    )


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
    laid = lay_out(rows.numbers[first], rows.codes[first], None, gamma, 0)
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


def _measure_border(rows: PreparedColumns, own: np.ndarray, gamma: float) -> float:
    """Return the largest share of a segment's rows between the own and the next prototype."""
    prototypes = []
    for n in np.unique(own):
        mine = rows.take(np.flatnonzero(own == n))
        known = np.maximum((~np.isnan(mine.numbers)).sum(axis=0), 1)
        centre = np.nansum(mine.numbers, axis=0) / known
        mode = [np.bincount(c[c >= 0], minlength=1).argmax() for c in mine.codes.T]
        prototypes.append((centre, np.array(mode, int)))
    squares = []
    for centre, mode in prototypes:
        gaps = np.nansum((rows.numbers - centre) ** 2, axis=1)
        squares.append(gaps + gamma * ((rows.codes != mode) & (rows.codes >= 0)).sum(axis=1))
    squares = np.array(squares)
    everyone = np.arange(len(own))
    between = np.array(
        [
            [((a - b) ** 2).sum() + gamma * (m != o).sum() for b, o in prototypes]
            for a, m in prototypes
        ]
    )
    nearest = squares.argmin(axis=0)
    others = squares.copy()
    others[nearest, everyone] = np.inf
    second = others.argmin(axis=0)
    apart = between[nearest, second]
    with np.errstate(divide="ignore", invalid="ignore"):
        way = (squares[nearest, everyone] - squares[second, everyone] + apart) / (2 * apart)
    # A group cut in two would hide in the share of all rows.
    return max(float((~(way <= BORDER))[own == n].mean()) for n in np.unique(own))


def resample_rules(
    customers: pd.DataFrame,
    own: np.ndarray,
    draws: np.ndarray,
    *,
    segment_count: int,
    fit: Callable[[pd.DataFrame], tuple[Rules, list]],
) -> Resamples:
    """Resample rules whose cut points are learned on each sample.

    ``fit`` takes a sample of ``customers``, who have the columns that the rules read, and returns
    rules that differ in nothing but their cut points, and names.
    """
    everyone = np.arange(len(customers))
    fitted = [fit(customers.iloc[np.repeat(everyone, drawn)])[0] for drawn in draws]
    if any(score.cuts for score in fitted[0].scores):
        labels = _place_by_cuts(customers, fitted)
    else:  # nothing is learned: every sample gives the same rules
        labels = np.broadcast_to(own, draws.shape)
    return Resamples(
        own=own,
        segment_count=segment_count,
        labels=labels.astype(np.int16),
        draws=draws,
        reference_labels=[],
        structure=float("nan"),
        border_share=float("nan"),
    )


def _place_by_cuts(customers: pd.DataFrame, fitted: list[Rules]) -> np.ndarray:
    """Place all customers by rules that differ in their cut points only, (rules, n), from 0.

    One query for all: the cut points are the rows of a small table.
    """
    own = choose_prefix(customers.columns)
    row = f"{own}row"
    sample = f"{own}sample"
    names = {
        score.name: [f"{own}{score.name}{i}" for i in range(len(score.cuts))]
        for score in fitted[0].scores
    }
    cuts = pd.DataFrame(
        [[cut for score in rules.scores for cut in score.cuts] for rules in fitted],
        columns=[name for own_names in names.values() for name in own_names],
    )
    cuts[sample] = np.arange(len(cuts))
    rows = ibis.memtable(customers.assign(**{row: np.arange(len(customers))}))
    crossed = rows.cross_join(ibis.memtable(cuts))
    placed = fitted[0].place(crossed, keep=[row, sample], cuts=names).to_pandas()
    return placed.pivot(index=sample, columns=row, values="segment").to_numpy() - 1
