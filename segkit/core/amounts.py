"""Sums of amounts in the ledger: those of too few must stay open, whatever tables tell together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.core.cell_ledger import CellLedger, Line
from segkit.core.counted_parts import CountedPart
from segkit.core.counting import SAME, list_dimensions, list_levels
from segkit.core.hiding import list_parts
from segkit.core.measures import (
    CEILING,
    DOMINANCE_PERCENT,
    FLOOR,
    LARGEST,
    OF_A_MEAN,
    SECOND,
    count_needed,
    find_dominated,
)
from segkit.core.shapes import CUSTOMERS, Shape
from segkit.core.spaces import Place

SUMS = "total_"  # what columns of sums are called that come without their largest contributions
MONEY_STEP = 0.01  # to which an amount is written where the view does not say


@dataclass
class AmountLedger(CellLedger):
    """All sums of amounts that were published so far, in their order.

    A sum that rests on too few customers, or that one or two of them make, must be open by the p of
    the p% rule. All totals are known.
    """

    def is_protected(self, place: Place) -> bool:
        """Return whether a hidden sum must stay open."""
        return place[1] in self.spaces[place[0]].few

    def is_beyond_knowing(self, line: Line) -> bool:
        """Return whether nobody knows the total of a line; of amounts all may be known."""
        del line
        return False

    def find_least(self, place: Place) -> float:
        """Return the least that a hidden sum can be: 0 where none is below it."""
        counts = self.spaces[place[0]].counts.values()
        return 0.0 if min(counts) >= 0 else -math.inf

    def find_needed(self, place: Place) -> float:
        """Return how far a hidden sum must be open."""
        return max(DOMINANCE_PERCENT / 100 * abs(self.count(place)), MONEY_STEP)

    def _find_assumed(self, counts: np.ndarray) -> np.ndarray:
        """Return which totals a table of them would hide: none."""
        return np.zeros(len(counts), dtype=bool)


def list_amounts(
    table: pd.DataFrame,
    shape: Shape,
    hidden: pd.DataFrame,
    *,
    smallest_cell: int,
    roundings: Mapping[str, float] | None = None,
) -> Iterator[CountedPart]:
    """Yield the parts of each column of sums, or of means with the sums that they are made of.

    Parameters
    ----------
    table : DataFrame
        A finished table, with its largest contributions.
    shape : Shape
        What its rows are.
    hidden : DataFrame of bool
        Which figures of each such column are hidden.
    smallest_cell : int
        The fewest customers that may be seen.
    roundings : mapping of str to float, optional
        The step to which a column is written.
    """
    if shape.population != CUSTOMERS or not shape.by or table.empty:
        return
    columns = list_dimensions(shape)
    counts = table[shape.count].astype(float).fillna(0)
    narrow = table[[*shape.within, *shape.by]].reset_index(drop=True)
    parts = [
        (part.index.to_numpy(), list_levels(part, columns)) for part in list_parts(narrow, shape)
    ]
    for name in list_sums(table):
        sums = table[f"{name}{OF_A_MEAN}" if f"{name}{OF_A_MEAN}" in table else name].astype(float)
        few = (counts > 0) & (counts < count_needed(smallest_cell))
        if f"{name}{LARGEST}" in table:
            largest, second = table[f"{name}{LARGEST}"], table[f"{name}{SECOND}"]
            few |= find_dominated(sums, largest, second)
        values = sums.fillna(0).to_numpy(float)
        marks = hidden[name].to_numpy(bool)
        for places, levels in parts:
            yield CountedPart(
                table=shape.name,
                dimensions=tuple(SAME.get(column, column) for column in columns),
                fixed=len(shape.within),
                adds_up=shape.adds_up and len(set(levels)) == len(levels),
                levels=levels,
                counts=tuple(values[places].tolist()),
                hidden=tuple(marks[places].tolist()),
                measure=name,
                step=(roundings or {}).get(name, MONEY_STEP),
                few=tuple(few.to_numpy(bool)[places].tolist()),
            )


def list_sums(table: pd.DataFrame) -> list[str]:
    """Return the columns of sums, and of means whose sums are known."""
    found = []
    for name in table.columns:
        if str(name).endswith((FLOOR, CEILING)):
            continue
        is_amount = pd.api.types.is_float_dtype(table[name]) and not str(name).endswith("share")
        is_followed = {f"{name}{LARGEST}", f"{name}{SECOND}"} <= set(table.columns)
        if is_amount and (is_followed or str(name).startswith(SUMS)):
            found.append(str(name))
    return found
