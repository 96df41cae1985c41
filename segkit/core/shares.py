"""What a table's rows tell of counts besides their own: the counts and shares beside these.

A share that is shown tells the count that it is of to within its rounding, if the whole is known,
and the whole, if the count is. Which columns are shares of what is found as a reader would find it:
by trying. A share too many only makes the reader stronger than they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from segkit.core.counted_parts import CountedPart, Told
from segkit.core.measures import COUNT, find_measure
from segkit.core.shapes import Shape

SHARE_STEP = 0.001  # to which a share is written where the view does not say
SAME_SHARE = 1e-6


@dataclass(frozen=True)
class Other:
    """A column that tells of counts besides that of its row: of a group, or shares of customers.

    ``half`` is half of the step to which a share is written; a count has none. Where it is shown
    ``always``, hidden rows tell it too.
    """

    values: np.ndarray
    half: float = 0.0
    always: bool = False

    def take(self, places: np.ndarray) -> Other:
        """Return some rows of it."""
        return replace(self, values=self.values[places])


def read_others(
    table: pd.DataFrame, shape: Shape, *, roundings: Mapping[str, float]
) -> list[Other]:
    """Return the columns of a table that tell of counts besides those of its rows.

    ``roundings`` are the steps to which columns are written.
    """
    found = []
    for column in table.columns:
        if column in (shape.count, *shape.by, *shape.within):
            continue
        values = table[column]
        always = column in shape.shown
        if _is_count(values, shape):
            found.append(Other(values.to_numpy(float, na_value=np.nan), always=always))
        elif _is_share(values, shape):
            half = roundings.get(column, SHARE_STEP) / 2
            found.append(Other(values.to_numpy(float, na_value=np.nan), half, always))
    return found


def list_told(counted: CountedPart, others: Sequence[Other]) -> tuple[Told, ...]:
    """Return what a part's columns tell of counts; all its own counts are known."""
    counts = np.array(counted.counts, dtype=float)
    totals = _list_totals(counted, counts)
    wholes = [other.values for other in others if not other.half]
    found = []
    for other in others:
        if other.half:
            found.extend(_read_share(other, counts, totals, wholes))
            continue
        ends = _as_tuples(other.values, other.values)
        for columns in _list_named(counted, totals, other.values):
            found.append(Told(columns, *ends, always=other.always))
    return tuple(dict.fromkeys(found))


def _list_totals(counted: CountedPart, counts: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
    """Return for each row its own count, and the totals of its lines, by what names them."""
    everything = tuple(range(len(counted.dimensions)))
    totals = {everything: counts}
    if not counted.adds_up:
        return totals
    fixed = tuple(range(counted.fixed))
    for kept in (*counted.list_directions(), ()):
        columns = (*fixed, *kept)
        if columns in totals:
            continue
        values = np.zeros(len(counts))
        for rows in counted.list_groups(columns).values():
            values[rows] = counts[rows].sum()
        totals[columns] = values
    return totals


def _is_count(values: pd.Series, shape: Shape) -> bool:
    """Return whether a column counts others than the row does."""
    name = str(values.name)
    if not pd.api.types.is_numeric_dtype(values):
        return False
    return name in {*shape.wholes, *shape.rests.values()} or name.endswith("_count")


def _is_share(values: pd.Series, shape: Shape) -> bool:
    """Return whether a column may be shares of customers."""
    if not pd.api.types.is_float_dtype(values):
        return False
    name = str(values.name)
    kind = shape.measures.get(name) or find_measure(name, values)
    if kind != COUNT and not name.endswith("share"):
        return False
    known = values.dropna()
    return bool(known.between(0, 1).all() and (known > 0).any() and (known < 1).any())


def _list_named(
    counted: CountedPart, totals: Mapping[tuple[int, ...], np.ndarray], values: np.ndarray
) -> Iterator[tuple[int, ...]]:
    """Yield the groups that a column may count: each has one value, or none that is known."""
    known = ~np.isnan(values)
    if not known.any():
        return
    everything = tuple(range(len(counted.dimensions)))
    wanted = {columns for columns in totals if columns and columns != everything}
    wanted |= {(column,) for column in range(counted.fixed, len(counted.dimensions))}
    for columns in sorted(wanted):
        groups = counted.list_groups(columns).values()
        told = [set(values[rows][known[rows]].tolist()) for rows in groups]
        if all(len(one) <= 1 for one in told):
            yield columns


def _read_share(
    other: Other,
    counts: np.ndarray,
    totals: Mapping[tuple[int, ...], np.ndarray],
    numbers: Sequence[np.ndarray],
) -> Iterator[Told]:
    """Yield what a share may be: of its row or of a total, or of all others of these.

    ``numbers`` are other counts that stand in each row.
    """
    everything = next(iter(totals))
    before = np.concatenate([[np.nan], counts[:-1]])
    always = other.always
    for values in (other.values, 1 - other.values):
        # What is shown is rounded, so what it is of lies around the rounded share.
        shown = np.round(values / (2 * other.half)) * (2 * other.half)
        apart = other.half + SAME_SHARE
        low, high = np.maximum(shown - apart, 0), np.minimum(shown + apart, 1)
        for columns, parts in totals.items():
            for whole, wholes in totals.items():
                if set(whole) < set(columns) and _fits(values, parts, wholes):
                    yield Told(columns, *_as_tuples(low, high), whole=whole, always=always)
            if columns == everything and not always:
                continue  # it is hidden with the row that it is of
            for wholes in (*numbers, _find_constant(values, parts)):
                if _fits(values, parts, wholes):
                    ends = _as_tuples(low * wholes, high * wholes)
                    yield Told(columns, *ends, always=always)
        if _fits(values, counts, before):
            ends = _as_tuples(low, high)
            yield Told(everything, *ends, is_of_row_before=True, always=always)


def _find_constant(values: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return the whole that all shares would be of."""
    some = values > 0
    if not some.any():
        return np.full(len(values), np.nan)
    quotients = np.sort(parts[some] / values[some])
    return np.full(len(values), np.round(quotients[len(quotients) // 2]))


def _fits(values: np.ndarray, parts: np.ndarray, wholes: np.ndarray) -> bool:
    """Return whether values are what the parts are of the wholes, and more than one says so."""
    told = ~np.isnan(values) & ~np.isnan(wholes)
    known = told & (np.nan_to_num(wholes) > 0)
    if known.sum() < 2 or parts[told & ~known].any():
        return False
    found = parts[known] / wholes[known]
    return bool((np.abs(values[known] - found) <= SAME_SHARE).all())


def _as_tuples(low: np.ndarray, high: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the ends as tuples, those that are not known as far apart as can be."""
    unknown = np.isnan(low) | np.isnan(high)
    least = np.where(unknown, 0.0, low)
    most = np.where(unknown, np.inf, high)
    return tuple(map(float, least)), tuple(map(float, most))
