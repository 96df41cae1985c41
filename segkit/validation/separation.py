"""Whether the segments lie apart: customers on two axes, shown as outlines and never one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.carried import bound_counted_without_two
from segkit.core.measures import CEILING, FLOOR
from segkit.core.statistics import bound_share
from segkit.models.columns import learn_levels, learn_preparation, tidy_columns
from segkit.models.kinds import find_kind
from segkit.models.trees import order_customers
from segkit.segmentation.measures import find_measure
from segkit.segmentation.members import join_segments, name_numbers

INNER_SHARE = 0.5
OUTER_SHARE = 0.9
POINTS = 72
FEWEST_CUSTOMERS = 10
FEWEST_OUTLINED = 10  # customers of a segment; an ellipse through fewer tells little
INSIDE = "inside another outline"
OUTSIDE = "outside"
OUTLINE_COLUMNS = ["segment", "segment_name", "part", "point", "x", "y", "inner_count"]
CENTRE_COLUMNS = ["segment", "segment_name", "x", "y", "inner_count"]
OVERLAP_COLUMNS = ["segment", "segment_name", "place", "customer_count", "share", "inner_count"]
OVERLAP_BOUNDS = ["share_low", "share_high", f"share{FLOOR}", f"share{CEILING}"]
AXIS_COLUMNS = ["axis", "explained_share", "columns"]


@dataclass(frozen=True)
class Separation:
    """The segments on two axes.

    Attributes
    ----------
    outlines : pandas.DataFrame
        One row a point of an outline, in order: ``segment``, ``segment_name``, ``part`` (inner
        holds half of the segment's customers, outer nine tenths), ``point``, ``x``, ``y``,
        ``inner_count`` (customers in the segment's inner outline).
    centres : pandas.DataFrame
        One row a segment: ``segment``, ``segment_name``, ``x``, ``y``, ``inner_count``.
    overlaps : pandas.DataFrame
        Two rows a segment: ``segment``, ``segment_name``, ``place`` (inside another segment's
        outer outline, or outside of all), ``customer_count``, ``share`` (of the segment),
        ``inner_count``, ``share_low`` and ``share_high`` (its 95 % interval), and for the gate what
        the share is without two customers.
    axes : pandas.DataFrame
        One row an axis: ``axis`` (x or y), ``explained_share`` (of all differences in the
        columns), ``columns`` (those that make it, numbers with their sign).
    """

    outlines: pd.DataFrame
    centres: pd.DataFrame
    overlaps: pd.DataFrame
    axes: pd.DataFrame


def project_segments(
    customers: pd.DataFrame, segments: pd.DataFrame, *, columns: Sequence[str]
) -> Separation:
    """Project customers on the two axes along which they differ most, and outline each segment.

    Numbers are prepared as for a model; a level counts as one over the root of its share, so that
    a category weighs as much as a number (factor analysis of mixed data: Pages 2004, *Revue de
    Statistique Appliquee* 52). Outlines are ellipses about the segment's centre, as wide as half
    and nine tenths of its customers need: hulls, as in Leisch (2010, *Statistics and Computing*
    20), would go through single customers. A segment of fewer than ten customers has none.

    Parameters
    ----------
    columns : sequence of str
        Columns of the customer table, numbers or categories; those without two values are left out.
    """
    joined = join_segments(customers, segments)
    joined = joined.iloc[order_customers(joined)].reset_index(drop=True)
    blocks = [_code(joined, column) for column in dict.fromkeys(columns)] if len(joined) else []
    blocks = [(name, block) for name, block in blocks if block.shape[1]]
    matrix = np.column_stack([np.empty((len(joined), 0)), *[block for _, block in blocks]])
    names = [name for name, block in blocks for _ in range(block.shape[1])]
    if matrix.shape[1] < 2 or len(joined) < FEWEST_CUSTOMERS:
        reason = "There are too few columns or customers to draw the segments on two axes."
        return Separation(
            outlines=empty_table(OUTLINE_COLUMNS, reason),
            centres=empty_table(CENTRE_COLUMNS, reason),
            overlaps=empty_table(OVERLAP_COLUMNS, reason),
            axes=empty_table(AXIS_COLUMNS, reason),
        )
    values, vectors = np.linalg.eigh(matrix.T @ matrix / len(matrix))
    total = values.sum()
    best = vectors[:, ::-1][:, :2]
    best = best * np.sign(best[np.abs(best).argmax(axis=0), [0, 1]])
    places = matrix @ best
    axes = [
        (axis, max(float(value / total), 0.0), _name_axis(names, vector))
        for axis, value, vector in zip("xy", values[::-1][:2], best.T, strict=True)
    ]
    outlines, centres, overlaps = _outline(places, joined)
    return Separation(
        outlines=outlines,
        centres=centres,
        overlaps=overlaps,
        axes=pd.DataFrame(axes, columns=AXIS_COLUMNS),
    )


def _code(customers: pd.DataFrame, column: str) -> tuple[str, np.ndarray]:
    """Return a column as centred numbers of equal weight (n, 1), or (n, levels)."""
    tidy = tidy_columns(customers, [column])
    if tidy[column].nunique() < 2:
        return column, np.empty((len(customers), 0))
    if find_kind(tidy[column]) == "number":
        _, prepared = learn_preparation(tidy, column, measure=find_measure(column))
        return column, prepared[:, None]
    levels, codes = learn_levels(tidy, column, smallest_level=1)  # none of them is told
    found = np.eye(len(levels.levels))[codes]
    shares = found.mean(axis=0)
    return column, (found - shares)[:, shares > 0] / np.sqrt(shares[shares > 0])


def _name_axis(names: list[str], vector: np.ndarray) -> str:
    """Name the columns that make an axis: at most three, and with their sign if numbers."""
    signed = {}
    for place in np.argsort(-np.abs(vector), kind="stable"):
        name = names[place]
        sign = ("+" if vector[place] > 0 else "-") if names.count(name) == 1 else ""
        signed.setdefault(name, sign + name)
    return ", ".join(list(signed.values())[:3])


def _outline(places: np.ndarray, customers: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    """Return the points of each segment's outlines, its centre, and how far it lies over others."""
    labels = customers["segment"].to_numpy()
    angles = np.linspace(0, 2 * np.pi, POINTS)
    circle = np.vstack([np.cos(angles), np.sin(angles)])
    outlines = []
    centres = []
    reaches = {}
    for number, name in name_numbers(customers).items():
        here = places[labels == number]
        if len(here) < FEWEST_OUTLINED:
            continue
        centre = here.mean(axis=0)
        spread = np.cov(here.T) + 1e-9 * np.eye(2) * max(places.var(), 1e-9)
        shape = np.linalg.cholesky(spread)
        far = np.linalg.norm(np.linalg.solve(shape, (places - centre).T), axis=0)
        inner_count = int(len(here) * INNER_SHARE)
        for part, share in (("inner", INNER_SHARE), ("outer", OUTER_SHARE)):
            reach = float(np.quantile(far[labels == number], share))
            points = centre[:, None] + reach * (shape @ circle)
            for place, (x, y) in enumerate(points.T):
                outlines.append((number, name, part, place, x, y, inner_count))
        reaches[number] = far <= reach
        centres.append((number, name, *centre, inner_count))
    centres = pd.DataFrame(centres, columns=CENTRE_COLUMNS)
    overlaps = _count_overlaps(centres, reaches, labels)
    return pd.DataFrame(outlines, columns=OUTLINE_COLUMNS), centres, overlaps


def _count_overlaps(
    centres: pd.DataFrame, reaches: dict[int, np.ndarray], labels: np.ndarray
) -> pd.DataFrame:
    """Count each segment's customers inside and outside the outer outlines of the others."""
    rows = []
    for centre in centres.itertuples():
        number = centre.segment
        size = int((labels == number).sum())
        others = [inside for other, inside in reaches.items() if other != number]
        inside = int(np.any(others, axis=0)[labels == number].sum()) if others else 0
        for place, count in ((INSIDE, inside), (OUTSIDE, size - inside)):
            share = count / size
            rows.append((number, centre.segment_name, place, count, share, centre.inner_count))
    table = pd.DataFrame(rows, columns=OVERLAP_COLUMNS)
    counts = table["customer_count"].astype(float)
    sizes = counts.groupby(table["segment"]).transform("sum")
    bounds = (*bound_share(counts, sizes), *bound_counted_without_two(counts, sizes))
    return table.assign(**dict(zip(OVERLAP_BOUNDS, bounds, strict=True)))
