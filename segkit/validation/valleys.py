"""Is there a valley between two segments, or are they cut apart where customers are dense?

The customers of two neighbours are placed on the line between their centres, and the density along
it is looked at: how low it falls between the two, as a part of the lower of their heights. A bent
cloud thins out on a straight line though there is no gap in it, so the same is asked of the half
and of the third of each segment that lies nearest to the other, where a bend is all but straight;
the shallowest of the three counts.
"""

from __future__ import annotations

import itertools

import numpy as np

from segkit.models.columns import PreparedColumns

# Where customers between two segments are denser than this part of the lower height beside them,
# no valley parts the two.
HIGHEST_VALLEY = 0.45
# The parts of two segments, nearest to each other, that a valley is looked for in.
NEAREST_PARTS = (1.0, 1 / 2, 1 / 3)
FEWEST_NEAR = 30
# The line between two centres, from 0 to 1, and a little beyond; so finely.
GRID = np.linspace(-0.3, 1.3, 65)
FINE = np.linspace(-0.75, 1.75, 101)
SMALLEST_BANDWIDTH = 0.05


def find_shallowest(rows: PreparedColumns, own: np.ndarray, *, gamma: float) -> float:
    """Return the height of the shallowest valley between any two segments.

    Segments that do not touch have a valley in any case; what counts is the pair that has none.

    Parameters
    ----------
    rows : PreparedColumns
        n prepared rows. What is missing counts as the mean.
    own : ndarray of int, (n,)
        Their segments.
    gamma : float
        How much a category that differs counts beside a number's squared difference.

    Returns
    -------
    float
        Density at the bottom over that of the lower of the two heights beside it: 0 if nobody is
        between, 1 if there is no valley. 1 with a single segment.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> nothing = np.empty((400, 0), int)
    >>> for gap in (6, 0):
    ...     numbers = np.sort(np.repeat([0.0, gap], 200) + rng.normal(size=400))[:, None]
    ...     rows = PreparedColumns((), (), numbers, nothing)
    ...     print(round(find_shallowest(rows, np.repeat([0, 1], 200), gamma=1), 1))
    0.0
    1.0
    """
    points = lay_out_points(rows, gamma)
    heights = [
        _measure_pair(points[(own == one) | (own == other)], own, one, other)
        for one, other in itertools.combinations(np.unique(own), 2)
    ]
    return max(heights, default=1.0)


def lay_out_points(rows: PreparedColumns, gamma: float) -> np.ndarray:
    """Return rows as points, (n, columns): a category has a column for each of its levels.

    Squared distances are those of k-prototypes: two levels lie ``gamma`` apart.
    """
    parts = [np.nan_to_num(rows.numbers)]
    for codes in rows.codes.T:
        levels = np.arange(codes.max(initial=0) + 1)
        parts.append(np.sqrt(gamma / 2) * (codes[:, None] == levels))
    return np.column_stack(parts)


def _measure_pair(points: np.ndarray, own: np.ndarray, one: int, other: int) -> float:
    """Return the shallowest valley between two segments, of all their rows and of the nearest."""
    is_one = own[(own == one) | (own == other)] == one
    way = _place_on_line(points, is_one)
    heights = [1.0] if way is None else []
    for part in NEAREST_PARTS if way is not None else ():
        near = _choose_nearest(way, is_one, part)
        placed = _place_on_line(points[near], is_one[near])
        heights.append(1.0 if placed is None else _measure_valley(placed, is_one[near]))
    return max(heights)


def _place_on_line(points: np.ndarray, is_one: np.ndarray) -> np.ndarray | None:
    """Place rows on the line from one centre, 0, to the other, 1; None if they are the same."""
    start = points[is_one].mean(axis=0)
    direction = points[~is_one].mean(axis=0) - start
    length = direction @ direction
    return (points - start) @ direction / length if length > 1e-12 else None


def _choose_nearest(way: np.ndarray, is_one: np.ndarray, part: float) -> np.ndarray:
    """Return the part of the rows of each side that lies nearest to the middle."""
    chosen = []
    for side in (np.flatnonzero(is_one), np.flatnonzero(~is_one)):
        count = max(FEWEST_NEAR, int(part * len(side)))
        order = np.argsort(np.abs(way[side] - 0.5), kind="stable")
        chosen.append(side[order[:count]])
    return np.sort(np.concatenate(chosen))


def _measure_valley(way: np.ndarray, is_one: np.ndarray) -> float:
    """Return the density at the bottom of the valley over that of the lower height beside it.

    The bandwidth is the normal rule of Silverman (1986) for the smaller and the tighter segment.
    Beside a small group the valley lies nearer to it than the middle, where the rows are cut; so
    it is looked for wherever half as many rows as the smaller segment has lie on either side.
    """
    spread = min(way[is_one].std(), way[~is_one].std())
    count = min(is_one.sum(), (~is_one).sum())
    bandwidth = max(1.06 * spread * count**-0.2, SMALLEST_BANDWIDTH)
    inside = way[(way >= FINE[0]) & (way <= FINE[-1])]
    step = FINE[1] - FINE[0]
    held = np.bincount(np.rint((inside - FINE[0]) / step).astype(int), minlength=len(FINE))
    density = np.exp(-0.5 * ((GRID[:, None] - FINE) / bandwidth) ** 2) @ held
    held_left = np.searchsorted(np.sort(way), GRID)
    beside = np.minimum(held_left, len(way) - held_left)
    left = np.maximum.accumulate(density)
    right = np.maximum.accumulate(density[::-1])[::-1]
    height = np.minimum(left, right)
    is_inside = (beside >= count / 2) & (height > 0)
    return float((density[is_inside] / height[is_inside]).min(initial=1.0))
