"""Bootstrap solutions of a scheme, and what the same method finds in data without groups.

A bootstrap sample is a number of draws for each customer. The scheme is fitted on it as on all,
and the fit then places all customers, drawn or not. What the labels say is asked in
`segkit.validation.stability`.

References
----------
Dolnicar and Leisch (2010), Evaluation of structure and reproducibility of cluster solutions using
the bootstrap, *Marketing Letters* 21, 83-101. Tibshirani, Walther and Hastie (2001), Estimating the
number of clusters in a data set via the gap statistic, *JRSS B* 63, for shuffled columns as a
reference; for the null see `segkit.validation.null_evidence`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import ibis
import numpy as np
import pandas as pd

from segkit.models.columns import PreparedColumns
from segkit.models.own_columns import choose_prefix
from segkit.segmentation.rules import Rules
from segkit.validation.null_evidence import hold_against_null
from segkit.validation.refits import fit_copies, refit_prototypes

SHUFFLED_COPIES = 5
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
        The same as ``labels`` on copies without groups, one array a copy; none for rules.
    structure : float
        Do columns hang together? Of prototypes 1 - W / W_ref, where W is the cost and W_ref the
        smallest cost of five copies with shuffled columns, 0 for a single column; of latent classes
        how far their BIC is below that of one class, as a share of it; NaN for rules.
    border_share : float
        Of prototypes the share of rows that lie between two segments, of the segment with the
        largest share: beyond 0.3 of the way from the own prototype to the next (0.5 is the border).
        Of latent classes the share of all rows with a second class more probable than 0.3; that a
        class is cut in two is what BIC prevents. NaN for rules.
    beyond_null, null_gain : float
        Is there more than columns that hang together? How much more is found than in data without
        groups that depend as these do: as a share, 0 if it may be chance, and as a logarithm
        whatever its size. NaN for rules.
    valley, null_valley : float
        The height of the shallowest valley between two segments, and the lowest of the null's; NaN
        where none can be seen, the latter too where there is no valley.
    parts_beyond_null : float
        The most that is found within one segment beyond that segment's own null; NaN if not asked.
    """

    own: np.ndarray
    segment_count: int
    labels: np.ndarray
    draws: np.ndarray
    reference_labels: list[np.ndarray]
    structure: float
    border_share: float
    beyond_null: float = float("nan")
    null_gain: float = float("nan")
    valley: float = float("nan")
    null_valley: float = float("nan")
    parts_beyond_null: float = float("nan")


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
    _, costs = refit_prototypes(rows, k, once, gamma=gamma, rng=rng)
    cost = float(costs[0])
    evidence = hold_against_null(
        rows, own, draws, cost=cost, segment_count=k, gamma=gamma, random_state=random_state
    )
    return Resamples(
        own=own,
        segment_count=k,
        labels=labels,
        draws=draws,
        reference_labels=evidence.labels,
        structure=_measure_structure(rows, cost, k, gamma=gamma, rng=rng),
        border_share=_measure_border(rows, own, gamma),
        beyond_null=evidence.beyond_null,
        null_gain=evidence.null_gain,
        valley=evidence.valley,
        null_valley=evidence.null_valley,
        parts_beyond_null=evidence.parts_beyond_null,
    )


def _measure_structure(
    rows: PreparedColumns, cost: float, k: int, *, gamma: float, rng: np.random.Generator
) -> float:
    """Return by what part a cost lies below the least of copies with shuffled columns."""
    if rows.numbers.shape[1] + rows.codes.shape[1] == 1:
        return 0.0
    shuffled = [
        replace(
            rows, numbers=rng.permuted(rows.numbers, axis=0), codes=rng.permuted(rows.codes, axis=0)
        )
        for _ in range(SHUFFLED_COPIES)
    ]
    least = fit_copies(shuffled, k, gamma=gamma, rng=rng)[1].min()
    return float(1 - cost / least) if least > 0 else 0.0


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
