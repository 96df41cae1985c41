"""What is known of the published counts together: which are shown, hidden, and add up to which.

Tables that count the same groups are one space of cells. They are joined where what they count
agrees wherever they overlap, and so are the totals of lines: whoever reads the report may find that
out, and a join too many only makes the reader stronger than they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd

from segkit.core.hiding import hide_counts, list_parts
from segkit.core.shapes import CUSTOMERS, Shape

Key = tuple[str, ...]
Place = tuple[int, Key]  # a space, and the levels of a cell in it
UNKNOWN = -1  # a count that was hidden in a table that this one was made from
SEGMENT = "segment"
SEGMENT_NAME = "segment_name"
# The same dimension by its other name.
SAME = {SEGMENT: SEGMENT_NAME, "descriptor": "feature", "value": "level"}


@dataclass(frozen=True)
class CountedPart:
    """The counts of a part of a table that adds up by itself. Private: it holds what is hidden.

    ``dimensions`` name the columns of ``levels``, a tuple a row: those that are the same in the
    whole part, ``fixed`` of them, come first. The last is one direction of the grid. ``sums`` name
    dimensions of larger groups to which rows add up, each with the group of every row.
    """

    table: str
    dimensions: Key
    fixed: int
    adds_up: bool
    levels: tuple[Key, ...]
    counts: tuple[int, ...]
    hidden: tuple[bool, ...]
    sums: tuple[tuple[str, Key], ...] = ()

    def find_key(self, row: int, columns: Iterable[int] | None = None) -> Key:
        """Return the levels of a row, all or some, in the order of their dimensions' names."""
        chosen = range(len(self.dimensions)) if columns is None else columns
        order = sorted(chosen, key=lambda column: self.dimensions[column])
        return tuple(self.levels[row][column] for column in order)

    def list_known(self) -> dict[Key, int]:
        """Return the counts that are known, by their cell."""
        counts = enumerate(self.counts)
        return {self.find_key(row): count for row, count in counts if count != UNKNOWN}

    def to_json(self) -> str:
        """Return the part as text."""
        return json.dumps(asdict(self), ensure_ascii=False)


def read_part(text: str) -> CountedPart:
    """Return a part from what `CountedPart.to_json` gave."""
    values = json.loads(text)
    levels = tuple(tuple(row) for row in values.pop("levels"))
    lists = {name: tuple(values.pop(name)) for name in ("dimensions", "counts", "hidden")}
    sums = tuple((name, tuple(groups)) for name, groups in values.pop("sums", ()))
    return CountedPart(**values, **lists, levels=levels, sums=sums)


def count_parts(table: pd.DataFrame, shape: Shape, hidden: pd.Series) -> list[CountedPart]:
    """Return the parts of a table of customers, with each row's true count and what is hidden."""
    if shape.population != CUSTOMERS or not shape.by or table.empty:
        return []
    columns = [*shape.within, *shape.by]
    if SEGMENT_NAME in columns and SEGMENT in columns:
        columns.remove(SEGMENT)  # the number of the same segment
    names = tuple(SAME.get(column, column) for column in columns)
    found = []
    for part in list_parts(table, shape):
        levels = tuple(tuple(map(str, row)) for row in part[columns].itertuples(index=False))
        counts = part[shape.count].astype(float).fillna(UNKNOWN).astype(int)
        found.append(
            CountedPart(
                table=shape.name,
                dimensions=names,
                fixed=len(shape.within),
                adds_up=shape.adds_up and not shape.repeats and len(set(levels)) == len(levels),
                levels=levels,
                counts=tuple(int(count) for count in counts),
                hidden=tuple(bool(mark) for mark in hidden.loc[part.index]),
                sums=_list_sums(part, shape),
            )
        )
    return found


def _list_sums(part: pd.DataFrame, shape: Shape) -> tuple[tuple[str, Key], ...]:
    """Return the larger groups to which the rows of a part add up, by their dimension."""
    return tuple(
        (SAME.get(column, column), tuple(part[column].astype(str)))
        for column, where in shape.sums.items()
        if all((part[name] == value).all() for name, value in where.items())
    )


@dataclass
class Space:
    """Cells of the same dimensions: their counts, and which are shown or hidden somewhere.

    Totals that no table shows yet are ``assumed`` to be known.
    """

    dimensions: frozenset[str]
    counts: dict[Key, int] = field(default_factory=dict)
    shown: set[Key] = field(default_factory=set)
    assumed: set[Key] = field(default_factory=set)
    hidden: dict[Key, int] = field(default_factory=dict)  # with the least that it can be

    def agrees(self, counts: Mapping[Key, int]) -> bool:
        """Return whether cells overlap with these, and are the same wherever they do."""
        both = self.counts.keys() & counts.keys()
        return bool(both) and all(self.counts[key] == counts[key] for key in both)


@dataclass(frozen=True)
class Line:
    """Cells, of some ``rows`` of a part, that add up to a total: a cell of another space."""

    rows: tuple[int, ...]
    cells: tuple[Place, ...]
    total: Place
    count: int


@dataclass
class Ledger:
    """All counts that were published so far, in their order."""

    smallest_cell: int
    spaces: list[Space] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def add(self, part: CountedPart, *, assumed: bool = False) -> list[Line]:
        """Take in a part of a table; its lines are returned.

        With ``assumed`` it is not published, but taken to be known as far as it could be.
        """
        counts = part.list_known()
        if not counts:
            return []
        number = self._find_space(frozenset(part.dimensions), counts)
        self._mark(part, self.spaces[number], assumed=assumed)
        if not part.adds_up or len(counts) < len(part.counts):
            return []
        lines = [
            line for kept in _list_directions(part) for line in self._add_totals(part, kept, number)
        ]
        for dimension, groups in part.sums:
            lines += self._add_sums(part, dimension, groups, number=number)
        self.lines += [line for line in lines if not self._is_shown(line)]
        return lines

    def find_cells(self, part: CountedPart) -> list[Place | None]:
        """Return where the rows of a part would stand, None where nobody knows of them yet."""
        number = self._find_agreeing(frozenset(part.dimensions), part.list_known())
        if number is None:
            return [None] * len(part.counts)
        return [(number, part.find_key(row)) for row in range(len(part.counts))]

    def copy(self) -> Ledger:
        """Return a ledger that can take in a table on trial."""
        spaces = [
            Space(
                space.dimensions,
                dict(space.counts),
                set(space.shown),
                set(space.assumed),
                dict(space.hidden),
            )
            for space in self.spaces
        ]
        return Ledger(self.smallest_cell, spaces, list(self.lines))

    def is_shown(self, place: Place) -> bool:
        """Return whether a cell is shown somewhere."""
        return place[1] in self.spaces[place[0]].shown

    def is_open(self, place: Place) -> bool:
        """Return whether a cell is hidden and shown nowhere."""
        space = self.spaces[place[0]]
        key = place[1]
        return key in space.hidden and key not in space.shown and key not in space.assumed

    def find_least(self, place: Place) -> int:
        """Return the least that a hidden cell can be."""
        return self.spaces[place[0]].hidden[place[1]]

    def count(self, place: Place) -> int:
        """Return a cell's true count."""
        return self.spaces[place[0]].counts[place[1]]

    def _mark(self, part: CountedPart, space: Space, *, assumed: bool) -> None:
        """Mark which of its cells a part shows, and how small those that it hides can be."""
        rows = [row for row, count in enumerate(part.counts) if count != UNKNOWN]
        hides_zeros = any(part.hidden[row] and part.counts[row] == 0 for row in rows)
        for row in rows:
            key = part.find_key(row)
            if not part.hidden[row]:
                (space.assumed if assumed else space.shown).add(key)
                continue
            space.assumed.discard(key)
            if key not in space.hidden or hides_zeros:
                space.hidden[key] = 0 if hides_zeros else 1

    def _is_shown(self, line: Line) -> bool:
        return not any(self.is_open(cell) for cell in line.cells)

    def _find_space(self, dimensions: frozenset[str], counts: Mapping[Key, int]) -> int:
        number = self._find_agreeing(dimensions, counts)
        if number is None:
            self.spaces.append(Space(dimensions))
            number = len(self.spaces) - 1
        self.spaces[number].counts.update(counts)
        return number

    def _find_agreeing(self, dimensions: frozenset[str], counts: Mapping[Key, int]) -> int | None:
        for number, space in enumerate(self.spaces):
            if space.dimensions == dimensions and space.agrees(counts):
                return number
        return None

    def _assume_totals(
        self, part: CountedPart, dimensions: Key, groups: Mapping[Key, list[int]], *, fixed: int = 0
    ) -> None:
        """Take totals that are in no table yet as known as far as a table of them would show.

        ``groups`` holds the rows by the levels of their total in ``dimensions``.
        """
        if not dimensions:
            return
        counts = [sum(part.counts[row] for row in rows) for rows in groups.values()]
        numbers = np.array(counts, dtype=float)
        small = (numbers > 0) & (numbers < self.smallest_cell)
        hidden = hide_counts(numbers, small, [np.arange(len(numbers))], self.smallest_cell)
        # Where no cell of a line is shown, nothing beside it tells its total.
        hidden |= [
            all(part.hidden[row] or not part.counts[row] for row in rows)
            for rows in groups.values()
        ]
        totals = CountedPart(
            table=part.table,
            dimensions=dimensions,
            fixed=min(fixed, len(dimensions) - 1),
            adds_up=len(dimensions) == 1 or len(dimensions) == fixed + 1,
            levels=tuple(groups),
            counts=tuple(counts),
            hidden=tuple(bool(mark) for mark in hidden),
        )
        self.add(totals, assumed=True)

    def _add_sums(
        self, part: CountedPart, dimension: str, names: Key, *, number: int
    ) -> list[Line]:
        """Return the lines of rows that add up to larger groups, given the ``names`` of these."""
        groups: dict[Key, list[int]] = {}
        for row, name in enumerate(names):
            groups.setdefault((name,), []).append(row)
        totals = {key: sum(part.counts[row] for row in rows) for key, rows in groups.items()}
        dimensions = frozenset([dimension])
        if self._find_agreeing(dimensions, totals) is None:
            self._assume_totals(part, (dimension,), groups)
        space = self._find_space(dimensions, totals)
        return self._list_lines(part, groups, number=number, space=space)

    def _add_totals(self, part: CountedPart, kept: tuple[int, ...], number: int) -> list[Line]:
        """Return the lines of one direction: rows that are alike in the columns ``kept``.

        Their totals are the same in all parts where such are known, or else of this part alone.
        What no table shows yet may be shown by a later one, either way.
        """
        own = (*range(part.fixed), *kept)
        lines = []
        for names in dict.fromkeys((kept, own)):
            groups: dict[Key, list[int]] = {}
            for row, levels in enumerate(part.levels):
                groups.setdefault(tuple(levels[column] for column in names), []).append(row)
            named = {part.find_key(rows[0], names): rows for rows in groups.values()}
            totals = {key: sum(part.counts[row] for row in rows) for key, rows in named.items()}
            dimensions = tuple(part.dimensions[column] for column in names)
            is_known = self._find_agreeing(frozenset(dimensions), totals) is not None
            if not is_known:
                if names != own and (not kept or kept[-1] == len(part.dimensions) - 1):
                    continue  # the levels of a part are no levels of another
                self._assume_totals(part, dimensions, groups, fixed=part.fixed)
            space = self._find_space(frozenset(dimensions), totals)
            lines += self._list_lines(part, named, number=number, space=space)
            if is_known:
                break
        return lines

    def _list_lines(
        self, part: CountedPart, groups: Mapping[Key, list[int]], *, number: int, space: int
    ) -> list[Line]:
        """Return the lines to the totals of a space; those of which all is shown show the total."""
        lines = []
        for key, rows in groups.items():
            cells = tuple((number, part.find_key(row)) for row in rows)
            line = Line(tuple(rows), cells, (space, key), sum(part.counts[row] for row in rows))
            if self._is_shown(line):
                self.spaces[space].shown.add(key)
            lines.append(line)
        return lines


def _list_directions(part: CountedPart) -> list[tuple[int, ...]]:
    """Return the columns that the lines of each direction have in common."""
    last = len(part.dimensions) - 1
    rows = tuple(range(part.fixed, last))
    return [rows, (last,)] if rows else [()]


def read_ledger(texts: Iterable[str], smallest_cell: int) -> Ledger:
    """Return the ledger of parts that were written, in the order in which they were published."""
    ledger = Ledger(smallest_cell)
    for text in texts:
        ledger.add(read_part(text))
    return ledger
