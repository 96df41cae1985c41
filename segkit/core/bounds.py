"""What is known of counts besides what adds up: shares, counts beside a row's own, and limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from segkit.core.counted_parts import CountedPart, Key, Told
from segkit.core.shapes import Limit
from segkit.core.spaces import Place, Spaces

Counted = tuple[Place | None, float]  # where a count stands, if anywhere, and the count


@dataclass(frozen=True)
class Bound:
    """A weighted sum of cells that lies between two numbers, as the ``rows`` of a part tell."""

    rows: tuple[int, ...]
    terms: tuple[tuple[Place, float], ...]
    low: float
    high: float

    @property
    def places(self) -> tuple[Place, ...]:
        """All cells that it ties together."""
        return tuple(place for place, _ in self.terms)


def find_rows_that_tell(ledger: Spaces, part: CountedPart) -> set[int]:
    """Return the rows that would show, beside their own, a count that is hidden elsewhere."""
    found: set[int] = set()
    for told in part.told:
        if not told.is_exact or told.always:
            continue
        groups = part.list_groups(told.columns)
        number = ledger.find_agreeing(*_list_implied(part, told, groups))
        if number is None:
            continue
        for key, rows in groups.items():
            if ledger.is_open((number, key)):
                found |= {row for row in rows if told.high[row] < math.inf}
    return found


def list_bounds(ledger: Spaces, part: CountedPart, number: int) -> list[Bound]:
    """Return what the rows that a part shows tell of counts besides their own.

    Counts that stand there are marked as shown in the ledger. ``number`` is the part's space.
    """
    bounds: list[Bound] = []
    for told in part.told:
        shown = [
            row
            for row, mark in enumerate(part.hidden)
            if (told.always or not mark) and told.high[row] < math.inf
        ]
        if shown and told.is_exact:
            bounds += _show_implied(ledger, part, told, shown)
        elif shown:
            bounds += _list_shares(ledger, part, told, shown=shown, number=number)
    return bounds


def _list_implied(
    part: CountedPart, told: Told, groups: Mapping[Key, list[int]]
) -> tuple[list[str], dict[Key, float]]:
    """Return the dimensions of the groups that rows tell of, and the counts."""
    dimensions = [part.dimensions[column] for column in told.columns]
    counts = {}
    for key, rows in groups.items():
        known = [told.high[row] for row in rows if told.high[row] < math.inf]
        if known:
            counts[key] = known[0]
    return dimensions, counts


def _show_implied(
    ledger: Spaces, part: CountedPart, told: Told, shown: Sequence[int]
) -> list[Bound]:
    """Take in counts that rows show beside their own."""
    dimensions, counts = _list_implied(part, told, part.list_groups(told.columns))
    keys = {part.find_key(row, told.columns) for row in shown}
    if not told.always:
        space = ledger.find_space(dimensions, counts)
        ledger.show(space, keys)
        return []
    found = ledger.find_agreeing(dimensions, counts)
    if found is None:
        return []
    known = keys & ledger.spaces[found].counts.keys() & counts.keys()
    return [Bound((), (((found, key), 1.0),), counts[key], counts[key]) for key in sorted(known)]


def _list_shares(
    ledger: Spaces, part: CountedPart, told: Told, *, shown: Sequence[int], number: int
) -> list[Bound]:
    """Return what the shares that rows show tell of what they are of, and of the whole."""
    counted = _find_counted(ledger, part, told.columns, number=number)
    wholes: list[Counted] = [(None, 1.0)] * len(part.counts)
    if told.is_of_row_before:
        wholes = [(None, math.nan), *counted[:-1]]
    elif told.whole is not None:
        wholes = _find_counted(ledger, part, told.whole, number=number)
    bounds: dict[Bound, None] = {}
    for row in shown:
        rows = () if told.always else (row,)
        for share, is_most in ((told.low[row], False), (told.high[row], True)):
            pairs = ((counted[row], 1.0), (wholes[row], -share))
            bound = _limit_share(ledger, pairs, is_most=is_most)
            if bound is not None:
                bounds[replace(bound, rows=rows)] = None
    return list(bounds)


def _limit_share(
    ledger: Spaces, pairs: Sequence[tuple[Counted, float]], *, is_most: bool
) -> Bound | None:
    """Return that a weighted sum is 0 at most, or at least, where that says more than is shown."""
    terms = []
    rest = 0.0
    for (place, count), weight in pairs:
        if place is None or ledger.is_shown(place):
            rest -= weight * count
        elif weight:
            terms.append((place, weight))
    if not terms or math.isnan(rest):
        return None
    low, high = (-math.inf, rest) if is_most else (rest, math.inf)
    return Bound((), tuple(terms), low, high)


def _find_counted(
    ledger: Spaces, part: CountedPart, columns: tuple[int, ...], *, number: int
) -> list[Counted]:
    """Return for each row the cell of the group that ``columns`` name, and its count."""
    groups = part.list_groups(columns)
    totals = {key: sum(part.counts[row] for row in rows) for key, rows in groups.items()}
    space: int | None = number
    if len(columns) < len(part.dimensions):
        space = ledger.find_agreeing((part.dimensions[column] for column in columns), totals)
    found: list[Counted] = [(None, 0.0)] * len(part.counts)
    for key, rows in groups.items():
        is_cell = space is not None and key in ledger.spaces[space].counts
        for row in rows:
            found[row] = ((space, key) if is_cell else None, totals[key])
    return found


def list_limits(limited: Sequence[tuple[CountedPart, int]]) -> list[Bound]:
    """Return what is known of rows that are together no more than others.

    ``limited`` are the parts that have limits, each with the number of its space.
    """
    found: dict[Bound, None] = {}
    for most, number in limited:
        for limit in most.limits:
            column = most.dimensions.index(limit.column)
            if most.levels[0][column] != limit.most:
                continue
            others = list(_find_limited(most, limit, limited))
            found.update(dict.fromkeys(_limit_rows(others, (most, number), limit)))
    return list(found)


def _find_limited(
    most: CountedPart, limit: Limit, limited: Sequence[tuple[CountedPart, int]]
) -> Iterator[tuple[CountedPart, int]]:
    """Yield the parts whose rows another limits: those of its table alike in all else."""
    column = most.dimensions.index(limit.column)
    alike = [place for place in range(most.fixed) if place != column]
    for part, number in limited:
        is_same = part.table == most.table and part.levels[0][column] in limit.rows
        if is_same and all(part.levels[0][place] == most.levels[0][place] for place in alike):
            yield part, number


def _limit_rows(
    limited: Sequence[tuple[CountedPart, int]], most: tuple[CountedPart, int], limit: Limit
) -> Iterator[Bound]:
    """Yield the limit of each row, or of rows that are alike in all but the limit's column."""
    above, space = most
    levels = dict.fromkeys(row[-1] for part, _ in limited for row in part.levels)
    for level in levels:
        terms = [
            ((number, part.find_key(row)), 1.0)
            for part, number in limited
            for row, names in enumerate(part.levels)
            if names[-1] == level
        ]
        for row, names in enumerate(above.levels):
            place = float(names[-1])
            if place < float(level) if limit.earlier else place > float(level):
                terms.append(((space, above.find_key(row)), -1.0))
        yield Bound((), tuple(terms), -math.inf, 0.0)
