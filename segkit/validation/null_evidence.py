"""What prototypes find, beside what they find in data without groups that depend as these do.

The null is that of `segkit.validation.null_model`; the same copies of it are drawn for every number
of segments, so that what a further segment adds can be held against what it adds there.

References
----------
Helgeson, Vock and Bair (2021), *Biometrics* 77, 1215-1226; Hennig and Lin (2015), *Statistics and
Computing* 25, 821-833. Huang, Liu, Yuan and Marron (2015), Statistical significance of clustering
using soft thresholding, *Journal of Computational and Graphical Statistics* 24, 975-993, for asking
each part again whether it is one group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from segkit.models.columns import PreparedColumns
from segkit.validation.null_model import fit_null
from segkit.validation.refits import fit_copies, refit_prototypes
from segkit.validation.valleys import HIGHEST_VALLEY, find_shallowest

# Of more rows a sample is held against its null: what is found hardly depends on their number.
MOST_HELD = 5_000
COPIES = 20
PART_COPIES = 10
# Of so many copies bootstrap solutions are compared, a pair each.
COMPARED_COPIES = 5
# A segment of fewer rows is not asked whether it holds more than one group.
FEWEST_PARTED = 40
# What is found exceeds the null's by more than chance if it does so by that many of its spreads.
SPREADS = 3.0


@dataclass(frozen=True)
class NullEvidence:
    """One solution held against its null.

    Attributes
    ----------
    beyond_null : float
        1 - W / W0, where W is the cost as a share of that of one prototype, and W0 the mean of it
        over 20 null copies; 0 where that is not more than three of their standard deviations.
    null_gain : float
        log(W0 / W), whatever its size.
    valley : float
        The height of the shallowest valley between two segments, see `find_shallowest`.
    null_valley : float
        The lowest such height of the null copies; NaN where ``valley`` is none in any case.
    parts_beyond_null : float
        The most that two prototypes in one segment find beyond that segment's own null; as
        ``beyond_null``.
    labels : list of ndarray
        Pairs of bootstrap solutions of some null copies.
    """

    beyond_null: float
    null_gain: float
    valley: float
    null_valley: float
    parts_beyond_null: float
    labels: list[np.ndarray]


def hold_against_null(
    rows: PreparedColumns,
    own: np.ndarray,
    draws: np.ndarray,
    *,
    cost: float,
    segment_count: int,
    gamma: float,
    random_state: int,
) -> NullEvidence:
    """Hold a solution against null copies of its rows.

    Parameters
    ----------
    rows, own : PreparedColumns and ndarray of int, (n,)
        Prepared rows and their segments, from 0.
    draws : ndarray of int, (2, n) or more
        The bootstrap samples that some copies are fitted to.
    cost : float
        What a fit to the rows costs, with as many starts as the copies get.
    """
    if len(own) > MOST_HELD:
        chosen = np.random.default_rng(random_state).choice(len(own), MOST_HELD, replace=False)
        chosen.sort()
        rows = rows.take(chosen)
        own = own[chosen]
        draws = draws[:, chosen]
        rng = np.random.default_rng(random_state)
        cost = float(fit_copies([rows], segment_count, gamma=gamma, rng=rng)[1][0])
    rng = np.random.default_rng([random_state, segment_count])
    copies = draw_copies(rows, COPIES, random_state)
    placed, costs = fit_copies(copies, segment_count, gamma=gamma, rng=rng)
    valley = find_shallowest(rows, own, gamma=gamma)
    heights = [
        find_shallowest(copy, labels, gamma=gamma)
        for copy, labels in zip(copies, placed, strict=True)
        if valley <= HIGHEST_VALLEY
    ]
    compared = [
        refit_prototypes(copy, segment_count, draws[:2], gamma=gamma, rng=rng)[0]
        for copy in copies[:COMPARED_COPIES]
    ]
    share = cost / measure_whole(rows, gamma)
    shares = costs / [measure_whole(copy, gamma) for copy in copies]
    parts = [
        _find_parts(rows.take(np.flatnonzero(own == n)), gamma, random_state)
        for n in range(segment_count)
    ]
    return NullEvidence(
        beyond_null=_measure_excess(share, shares),
        null_gain=float(np.log(shares.mean() / share)) if share > 0 < shares.mean() else 0.0,
        valley=valley,
        null_valley=min(heights, default=float("nan")),
        parts_beyond_null=max(parts, default=0.0),
        labels=compared,
    )


def draw_copies(rows: PreparedColumns, count: int, random_state: int) -> list[PreparedColumns]:
    """Draw null copies of prepared rows; the same rows and seed give the same copies."""
    null = fit_null(rows.numbers, rows.codes)
    drawn = [null.draw(np.random.default_rng([random_state, n])) for n in range(count)]
    return [replace(rows, numbers=numbers, codes=codes) for numbers, codes in drawn]


def measure_whole(rows: PreparedColumns, gamma: float) -> float:
    """Return what one prototype costs: squared differences from the means, and other levels."""
    known = ~np.isnan(rows.numbers)
    counts = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, rows.numbers, 0.0)
    centred = np.where(known, rows.numbers - filled.sum(axis=0) / counts, 0.0)
    others = 0
    for codes in rows.codes.T:
        held = np.bincount(codes[codes >= 0], minlength=1)
        others += held.sum() - held.max()
    return max(float((centred**2).sum() + gamma * others), 1e-12)


def _measure_excess(share: float, null_shares: np.ndarray) -> float:
    """Return by what part a cost lies below the null's; 0 where that may be chance."""
    mean = null_shares.mean()
    spread = null_shares.std(ddof=1)
    if not mean > 0 or mean - share <= SPREADS * spread:
        return 0.0
    return float(1 - share / mean)


def _find_parts(rows: PreparedColumns, gamma: float, random_state: int) -> float:
    """Return how much two prototypes find in one segment beyond its own null."""
    if len(rows.numbers) < FEWEST_PARTED:
        return 0.0
    rng = np.random.default_rng(random_state)
    copies = draw_copies(rows, PART_COPIES, random_state)
    costs = fit_copies([rows, *copies], 2, gamma=gamma, rng=rng)[1]
    shares = costs / [measure_whole(own, gamma) for own in (rows, *copies)]
    return _measure_excess(shares[0], shares[1:])
