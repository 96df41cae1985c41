"""What a table's rows tell of counts besides their own: the counts and shares beside these.

A share that is shown tells the count that it is of to within its rounding, if the whole is known,
and the whole, if the count is. Which columns are shares of what is found as a reader would find it:
by trying. A share too many only makes the reader stronger than they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from segkit.core.counted_parts import CountedPart, Told
from segkit.core.measures import COUNT, find_measure
from segkit.core.shapes import Shape

SHARE_STEP = 0.001  # to which a share is written where the view does not say
SAME_SHARE = 1e-6


def list_told(
    part: pd.DataFrame, shape: Shape, counted: CountedPart, *, roundings: Mapping[str, float]
) -> tuple[Told, ...]:
    """Return what a part's columns tell of counts; all its own counts are known."""
    counts = np.array(counted.counts, dtype=float)
    totals = _list_totals(counted, counts)
    others = {}
    found = []
    for column in _list_counts(part, shape):
        values = part[column].astype(float).to_numpy()
        others[column] = values
        for columns in _list_named(counted, totals, values):
            always = column in shape.shown
            found.append(Told(columns, *_as_tuples(values, values), always=always))
    for column in _list_shares(part, shape):
        shares = part[column].astype(float).to_numpy()
        half = roundings.get(column, SHARE_STEP) / 2
        told = _read_share(shares, half, counts, totals, others, always=column in shape.shown)
        found.extend(told)
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


def _list_counts(part: pd.DataFrame, shape: Shape) -> Iterator[str]:
    """Yield the columns that count others than the row does."""
    named = {*shape.wholes, *shape.rests.values()}
    for column in part.columns:
        if column in (shape.count, *shape.by, *shape.within):
            continue
        values = part[column]
        is_number = pd.api.types.is_numeric_dtype(values)
        is_count = str(column).endswith("_count") and is_number
        if column in named or is_count:
            yield column


def _list_shares(part: pd.DataFrame, shape: Shape) -> Iterator[str]:
    """Yield the columns that may be shares of customers."""
    for column in part.columns:
        if column in (shape.count, *shape.by, *shape.within):
            continue
        values = part[column]
        if not pd.api.types.is_float_dtype(values):
            continue
        kind = shape.measures.get(column) or find_measure(column, values)
        known = values.dropna()
        is_fraction = known.between(0, 1).all() and (known > 0).any() and (known < 1).any()
        if is_fraction and (kind == COUNT or str(column).endswith("share")):
            yield column


def _list_named(
    counted: CountedPart, totals: Mapping[tuple[int, ...], np.ndarray], values: np.ndarray
) -> Iterator[tuple[int, ...]]:
    """Yield the groups that a column may count: each has one value."""
    known = ~np.isnan(values)
    if not known.any():
        return
    everything = tuple(range(len(counted.dimensions)))
    wanted = {columns for columns in totals if columns and columns != everything}
    wanted |= {(column,) for column in range(counted.fixed, len(counted.dimensions))}
    for columns in sorted(wanted):
        groups = counted.list_groups(columns).values()
        if all(np.ptp(values[rows]) == 0 for rows in groups if known[rows].all()):
            yield columns


def _read_share(
    shares: np.ndarray,
    half: float,
    counts: np.ndarray,
    totals: Mapping[tuple[int, ...], np.ndarray],
    others: Mapping[str, np.ndarray],
    *,
    always: bool,
) -> Iterator[Told]:
    """Yield what a share may be: of its row or of a total, or of all others of these."""
    everything = next(iter(totals))
    before = np.concatenate([[np.nan], counts[:-1]])
    for values in (shares, 1 - shares):
        low, high = np.maximum(values - half, 0), np.minimum(values + half, 1)
        for columns, parts in totals.items():
            for whole, wholes in totals.items():
                if set(whole) < set(columns) and _is_share(values, parts, wholes):
                    yield Told(columns, *_as_tuples(low, high), whole=whole, always=always)
            if columns == everything and not always:
                continue  # it is hidden with the row that it is of
            for wholes in (*others.values(), _find_constant(values, parts)):
                if _is_share(values, parts, wholes):
                    ends = _as_tuples(low * wholes, high * wholes)
                    yield Told(columns, *ends, always=always)
        if _is_share(values, counts, before):
            ends = _as_tuples(low, high)
            yield Told(everything, *ends, is_of_row_before=True, always=always)


def _find_constant(values: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return the whole that all shares would be of."""
    some = values > 0
    if not some.any():
        return np.full(len(values), np.nan)
    return np.full(len(values), np.round(np.median(parts[some] / values[some])))


def _is_share(values: np.ndarray, parts: np.ndarray, wholes: np.ndarray) -> bool:
    """Return whether values are what the parts are of the wholes, and more than one says so."""
    known = ~np.isnan(values) & ~np.isnan(wholes) & (np.nan_to_num(wholes) > 0)
    if known.sum() < 2:
        return False
    found = parts[known] / wholes[known]
    return bool(np.allclose(values[known], found, rtol=0, atol=SAME_SHARE))


def _as_tuples(low: np.ndarray, high: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the ends as tuples, those that are not known as far apart as can be."""
    unknown = np.isnan(low) | np.isnan(high)
    least = np.where(unknown, 0.0, low)
    most = np.where(unknown, np.inf, high)
    return tuple(map(float, least)), tuple(map(float, most))
