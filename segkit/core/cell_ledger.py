"""What is known of the published counts together: which are shown, hidden, and add up to which.

Tables that count the same groups are one space of cells. They are joined where what they count
agrees wherever they overlap, where segments go by number here and by name there, or where all
counts are the same; and so are the totals of lines: whoever reads the report may find that out,
and a join too many only makes the reader stronger than they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from segkit.core.bounds import Bound, list_bounds, list_limits
from segkit.core.counted_parts import SEGMENT_NAME, CountedPart, Key
from segkit.core.hiding import hide_counts
from segkit.core.spaces import Place, Space, Spaces


@dataclass(frozen=True)
class Line:
    """Cells, of some ``rows`` of a part, that add up to a total: a cell of another space.

    ``step`` is how finely amounts are written.
    """

    rows: tuple[int, ...]
    cells: tuple[Place, ...]
    total: Place
    count: float
    step: float = 0.0

    @property
    def places(self) -> tuple[Place, ...]:
        """All cells that it ties together."""
        return (*self.cells, self.total)


@dataclass
class CellLedger(Spaces):
    """All cells of one kind, of counts here, that were published so far, in their order."""

    smallest_cell: int = 0
    lines: list[Line] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    same: dict[tuple[float, ...], list[Place]] = field(default_factory=dict)
    limited: list[tuple[CountedPart, int]] = field(default_factory=list)

    def add(self, part: CountedPart, *, assumed: bool = False) -> list[Line | Bound]:
        """Take in a part of a table; what it ties together is returned.

        With ``assumed`` it is not published, but taken to be known as far as it could be.
        """
        counts = part.list_known()
        if not counts:
            return []
        number = self.find_space(part.dimensions, counts)
        part = self._join(part, number, assumed=assumed)
        self._mark(part, self.change(number), assumed=assumed)
        lines = self._list_same(part, number)
        if part.adds_up and len(counts) == len(part.counts):
            for kept in part.list_directions():
                lines += self._add_totals(part, kept, number)
            for dimension, groups in part.sums:
                lines += self._add_sums(part, dimension, groups, number=number)
        self.lines += [line for line in lines if not self._is_shown(line)]
        bounds = list_bounds(self, part, number)
        self.bounds += bounds
        if part.limits:
            self.limited.append((part, number))
            own = {(number, key) for key in part.list_keys()}
            bounds += [bound for bound in self.list_limits() if own.intersection(bound.places)]
        return [*lines, *bounds]

    def find_cells(self, part: CountedPart) -> list[Place | None]:
        """Return where the rows of a part would stand, None where nobody knows of them yet."""
        number = self.find_agreeing(part.dimensions, part.list_known())
        if number is None:
            return [None] * len(part.counts)
        return [(number, key) for key in part.list_keys()]

    def copy(self) -> CellLedger:
        """Return a ledger that can take in a table on trial."""
        self.own = set()
        return replace(
            self,
            spaces=list(self.spaces),
            index=dict(self.index),
            own=set(),
            lines=list(self.lines),
            bounds=list(self.bounds),
            same=dict(self.same),
            limited=list(self.limited),
        )

    def take_over(self, trial: CellLedger) -> None:
        """Become what a copy has come to."""
        self.spaces = trial.spaces
        self.index = trial.index
        self.own = trial.own
        self.lines = trial.lines
        self.bounds = trial.bounds
        self.same = trial.same
        self.limited = trial.limited

    def is_protected(self, place: Place) -> bool:
        """Return whether a hidden cell must stay open."""
        return self.count(place) < self.smallest_cell

    def is_beyond_knowing(self, line: Line) -> bool:
        """Return whether nobody knows the total of a line."""
        return line.count < self.smallest_cell and not self.is_shown(line.total)

    def find_least(self, place: Place) -> float:
        """Return the least that a hidden cell can be."""
        return self.spaces[place[0]].hidden[place[1]]

    def find_needed(self, place: Place) -> float:
        """Return how far a hidden cell must be open."""
        del place  # the same for all counts
        return self.smallest_cell

    def list_limits(self) -> list[Bound]:
        """Return what is known of rows that are together no more than others."""
        return list_limits(self.limited)

    def _join(self, part: CountedPart, number: int, *, assumed: bool) -> CountedPart:
        """Return the part with those of its totals hidden that are so by another name."""
        if not assumed:
            return part
        twins = self._find_twins(part, number)
        marks = [
            hidden or (twin is not None and self.is_open(twin))
            for hidden, twin in zip(part.hidden, twins, strict=True)
        ]
        return replace(part, hidden=tuple(marks))

    def _find_twins(self, part: CountedPart, number: int) -> list[Place | None]:
        """Return the cells of another space that a part's are if all counts are the same."""
        twins: list[Place | None] = [None] * len(part.counts)
        is_line = part.adds_up and part.fixed == len(part.dimensions) - 1
        if not is_line or sum(count != 0 for count in part.counts) < 2:
            return twins
        order = sorted(range(len(part.counts)), key=lambda row: part.counts[row])
        cells: list[Place] = [(number, part.find_key(row)) for row in order]
        counts = tuple(round(part.counts[row], 2) for row in order)
        others = self.same.setdefault(counts, cells)
        if others[0][0] != number:
            for row, twin in zip(order, others, strict=True):
                twins[row] = twin
        return twins

    def _list_same(self, part: CountedPart, number: int) -> list[Line]:
        """Return the lines, of one cell each, to the same groups by their other names."""
        pairs = [self._find_twins(part, number)]
        if part.names:
            column = part.dimensions.index(SEGMENT_NAME)
            levels = tuple(
                (*row[:column], name, *row[column + 1 :])
                for row, name in zip(part.levels, part.names, strict=True)
            )
            pairs.append(self.find_cells(replace(part, levels=levels)))
        lines = []
        for twins in pairs:
            for row, twin in enumerate(twins):
                if twin is None or twin[1] not in self.spaces[twin[0]].counts:
                    continue
                lines.append(self._tie([row], part, number=number, total=twin))
        return lines

    def _mark(self, part: CountedPart, space: Space, *, assumed: bool) -> None:
        """Mark which of its cells a part shows, and how small those that it hides can be."""
        rows = [row for row in range(len(part.counts)) if part.is_known(row)]
        hides_zeros = any(part.hidden[row] and part.counts[row] == 0 for row in rows)
        for row in rows:
            key = part.find_key(row)
            if not part.hidden[row]:
                (space.assumed if assumed else space.shown).add(key)
                continue
            space.assumed.discard(key)
            if key not in space.hidden or hides_zeros:
                space.hidden[key] = 0 if hides_zeros else 1
            if part.few and part.few[row]:
                space.few.add(key)

    def _is_shown(self, line: Line) -> bool:
        return not any(self.is_open(cell) for cell in line.cells)

    def _find_assumed(self, counts: np.ndarray) -> np.ndarray:
        """Return which totals a table of them would hide."""
        small = (counts > 0) & (counts < self.smallest_cell)
        return hide_counts(
            counts, small, [np.arange(len(counts))], smallest_cell=self.smallest_cell
        )

    def _assume_totals(
        self, part: CountedPart, dimensions: Key, groups: Mapping[Key, list[int]], *, fixed: int = 0
    ) -> None:
        """Take totals that are in no table yet as known as far as a table of them would show.

        ``groups`` holds the rows by the levels of their total in ``dimensions``.
        """
        if not dimensions:
            return
        counts = [sum(part.counts[row] for row in rows) for rows in groups.values()]
        hidden = self._find_assumed(np.array(counts, dtype=float))
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
            measure=part.measure,
            step=part.step,
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
        if self.find_agreeing((dimension,), totals) is None:
            self._assume_totals(part, (dimension,), groups)
        space = self.find_space((dimension,), totals)
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
            is_known = self.find_agreeing(dimensions, totals) is not None
            if not is_known:
                if names != own and (not kept or kept[-1] == len(part.dimensions) - 1):
                    continue  # the levels of a part are no levels of another
                self._assume_totals(part, dimensions, groups, fixed=part.fixed)
            space = self.find_space(dimensions, totals)
            lines += self._list_lines(part, named, number=number, space=space)
            if is_known:
                break
        return lines

    def _list_lines(
        self, part: CountedPart, groups: Mapping[Key, list[int]], *, number: int, space: int
    ) -> list[Line]:
        """Return the lines to the totals of a space."""
        return [
            self._tie(rows, part, number=number, total=(space, key)) for key, rows in groups.items()
        ]

    def _tie(self, rows: list[int], part: CountedPart, *, number: int, total: Place) -> Line:
        """Return the line of some rows to a total; if all of it is shown, so is the total."""
        cells = tuple((number, part.find_key(row)) for row in rows)
        count = sum(part.counts[row] for row in rows)
        line = Line(tuple(rows), cells, total, count, part.step)
        if self._is_shown(line):
            self.show(total[0], [total[1]])
        return line
