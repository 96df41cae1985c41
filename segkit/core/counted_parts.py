"""The counts of a table's parts, and what else its rows tell: what the ledger takes in."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from segkit.core.shapes import Limit

Key = tuple[str, ...]
SEGMENT_NAME = "segment_name"  # a dimension whose levels may be numbered too
UNKNOWN = -1  # a count that was hidden in a table that this one was made from


@dataclass(frozen=True)
class Told:
    """What each row of a part tells of a count, or of the share that one count is of another.

    Attributes
    ----------
    columns : tuple of int
        The dimensions of the part that name whom the count is of; all: the row's own.
    low, high : tuple of float
        For each row, the least and the most; 0 and infinite where it tells nothing.
    whole : tuple of int, optional
        The dimensions that name the whole of which ``low`` and ``high`` are shares.
    is_of_row_before : bool
        Whether the whole is the count of the row before.
    always : bool
        Whether it is shown of hidden rows too.
    """

    columns: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    whole: tuple[int, ...] | None = None
    is_of_row_before: bool = False
    always: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether it is a count, and no share, wherever a row tells it."""
        if self.whole is not None or self.is_of_row_before:
            return False
        ends = zip(self.low, self.high, strict=True)
        return all(low == high or math.isinf(high) for low, high in ends)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Told:
        """Return it from what JSON holds."""
        lists = {name: tuple(values[name]) for name in ("columns", "low", "high")}
        whole = None if values["whole"] is None else tuple(values["whole"])
        return cls(**{**values, **lists, "whole": whole})


@dataclass(frozen=True)
class CountedPart:
    """The counts of a part of a table that adds up by itself. Private: it holds what is hidden.

    ``dimensions`` name the columns of ``levels``, a tuple a row: those that are the same in the
    whole part, ``fixed`` of them, come first. The last is one direction of the grid. ``sums`` name
    dimensions of larger groups to which rows add up, each with the group of every row. ``names``
    are what the segments of the rows are called besides. With a ``measure`` the counts are amounts
    of it, written to a ``step``, and ``few`` says which of them tell of too few customers.
    """

    table: str
    dimensions: Key
    fixed: int
    adds_up: bool
    levels: tuple[Key, ...]
    counts: tuple[float, ...]
    hidden: tuple[bool, ...]
    sums: tuple[tuple[str, Key], ...] = ()
    names: Key = ()
    limits: tuple[Limit, ...] = ()
    told: tuple[Told, ...] = ()
    measure: str = ""
    step: float = 0.0
    few: tuple[bool, ...] = ()

    def find_key(self, row: int, columns: Iterable[int] | None = None) -> Key:
        """Return the levels of a row, all or some, in the order of their dimensions' names."""
        levels = self.levels[row]
        chosen = None if columns is None else tuple(columns)
        return tuple([levels[column] for column in _order(self.dimensions, chosen)])

    def is_known(self, row: int) -> bool:
        """Return whether the count of a row is known, if only here."""
        return bool(self.measure) or self.counts[row] != UNKNOWN

    def list_known(self) -> dict[Key, float]:
        """Return the counts that are known, by their cell."""
        keys = zip(self.list_keys(), self.counts, strict=True)
        return {key: count for row, (key, count) in enumerate(keys) if self.is_known(row)}

    def list_keys(self) -> list[Key]:
        """Return the levels of each row, in the order of their dimensions' names."""
        order = _order(self.dimensions, None)
        return [tuple([levels[column] for column in order]) for levels in self.levels]

    def list_directions(self) -> list[tuple[int, ...]]:
        """Return the columns that the lines of each direction have in common."""
        last = len(self.dimensions) - 1
        rows = tuple(range(self.fixed, last))
        return [rows, (last,)] if rows else [()]

    def list_groups(self, columns: tuple[int, ...]) -> dict[Key, list[int]]:
        """Return the rows by the groups that ``columns`` name."""
        order = _order(self.dimensions, columns)
        groups: dict[Key, list[int]] = {}
        for row, levels in enumerate(self.levels):
            groups.setdefault(tuple([levels[column] for column in order]), []).append(row)
        return groups

    def to_json(self) -> str:
        """Return the part as text."""
        return json.dumps(vars(self), default=vars, ensure_ascii=False)


@functools.cache
def _order(dimensions: Key, columns: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return columns, all if not given, in the order of their names."""
    chosen = range(len(dimensions)) if columns is None else columns
    return tuple(sorted(chosen, key=lambda column: dimensions[column]))


def read_part(text: str) -> CountedPart:
    """Return a part from what `CountedPart.to_json` gave."""
    values = json.loads(text)
    levels = tuple(tuple(row) for row in values.pop("levels"))
    names = ("dimensions", "counts", "hidden", "names", "few")
    lists = {name: tuple(values.pop(name, ())) for name in names}
    sums = tuple((name, tuple(groups)) for name, groups in values.pop("sums", ()))
    limits = tuple(Limit(**one | {"rows": tuple(one["rows"])}) for one in values.pop("limits", ()))
    told = tuple(Told.read(one) for one in values.pop("told", ()))
    return CountedPart(**values, **lists, levels=levels, sums=sums, limits=limits, told=told)
