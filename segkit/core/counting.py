"""The parts of a table of customers, counted for the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from segkit.core.counted_parts import SEGMENT_NAME, UNKNOWN, CountedPart, Key
from segkit.core.hiding import list_parts
from segkit.core.shapes import CUSTOMERS, Limit, Shape
from segkit.core.shares import list_told, read_others

SEGMENT = "segment"
# The same dimension by its other name.
SAME = {SEGMENT: SEGMENT_NAME, "descriptor": "feature", "value": "level"}
# The same level by its other name.
SAME_LEVEL = {"True": "yes", "False": "no"}


def count_parts(
    table: pd.DataFrame,
    shape: Shape,
    hidden: pd.Series,
    *,
    roundings: Mapping[str, float] | None = None,
) -> list[CountedPart]:
    """Return the parts of a table of customers, with each row's true count and what is hidden."""
    if shape.population != CUSTOMERS or not shape.by or table.empty:
        return []
    columns = list_dimensions(shape)
    others = read_others(table, shape, roundings=roundings or {})
    named = {SEGMENT, SEGMENT_NAME}.intersection(table.columns)
    kept = [*shape.within, *shape.by, shape.count, *named, *shape.sums]
    kept += [name for where in shape.sums.values() for name in where]
    narrow = table[list(dict.fromkeys(kept))].reset_index(drop=True)
    marks = hidden.to_numpy(dtype=bool)
    found = []
    for part in list_parts(narrow, shape):
        places = part.index.to_numpy()
        levels = list_levels(part, columns)
        counts = part[shape.count].astype(float).fillna(UNKNOWN).astype(int)
        counted = CountedPart(
            table=shape.name,
            dimensions=tuple(SAME.get(column, column) for column in columns),
            fixed=len(shape.within),
            adds_up=shape.adds_up and not shape.repeats and len(set(levels)) == len(levels),
            levels=levels,
            counts=tuple(counts.tolist()),
            hidden=tuple(marks[places].tolist()),
            sums=_list_sums(part, shape),
            names=_list_names(part, columns),
            limits=_list_limits(part, shape),
        )
        if UNKNOWN not in counted.counts:
            told = list_told(counted, [other.take(places) for other in others])
            counted = replace(counted, told=told)
        found.append(counted)
    return found


def list_dimensions(shape: Shape) -> list[str]:
    """Return the columns that say what a row is, a segment's number only where it has no name."""
    columns = [*shape.within, *shape.by]
    if SEGMENT_NAME in columns and SEGMENT in columns:
        columns.remove(SEGMENT)
    return columns


def list_levels(part: pd.DataFrame, columns: list[str]) -> tuple[Key, ...]:
    """Return the levels of each row, as texts."""
    texts = [[_name_level(value) for value in part[column]] for column in columns]
    return tuple(zip(*texts, strict=True))


def _name_level(value: object) -> str:
    """Return a level as text, the same wherever it stands."""
    text = str(value)
    return SAME_LEVEL.get(text, text)


def _list_names(part: pd.DataFrame, columns: list[str]) -> Key:
    """Return the names of the segments that are numbered, or the numbers of those that are named.

    Nothing where they are not one for one.
    """
    both = (SEGMENT, SEGMENT_NAME)
    own = [column for column in both if column in columns]
    if len(own) != 1 or not set(both) <= set(part.columns):
        return ()
    other = SEGMENT if own[0] == SEGMENT_NAME else SEGMENT_NAME
    pairs = set(zip(part[own[0]], part[other], strict=True))
    is_one_for_one = len(pairs) == len({one for one, _ in pairs}) == len({one for _, one in pairs})
    if not is_one_for_one or part[other].isna().any():
        return ()
    return tuple(str(value) for value in part[other])


def _list_sums(part: pd.DataFrame, shape: Shape) -> tuple[tuple[str, Key], ...]:
    """Return the larger groups to which the rows of a part add up, by their dimension."""
    return tuple(
        (SAME.get(column, column), tuple(part[column].astype(str)))
        for column, where in shape.sums.items()
        if all((part[name] == value).all() for name, value in where.items())
    )


def _list_limits(part: pd.DataFrame, shape: Shape) -> tuple[Limit, ...]:
    """Return the limits that a part has a say in."""
    return tuple(
        limit for limit in shape.limits if part[limit.column].isin([*limit.rows, limit.most]).all()
    )
