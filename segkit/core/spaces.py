"""Cells of the same dimensions, and which of them are shown or hidden anywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from segkit.core.counted_parts import Key

Place = tuple[int, Key]  # a space, and the levels of a cell in it
MOST_APART = 0.005  # of amounts that are the same but for how they were added up


@dataclass
class Space:
    """Cells of the same dimensions: their counts, and which are shown or hidden somewhere.

    Totals that no table shows yet are ``assumed`` to be known. ``few`` are amounts to protect.
    """

    dimensions: frozenset[str]
    counts: dict[Key, float] = field(default_factory=dict)
    shown: set[Key] = field(default_factory=set)
    assumed: set[Key] = field(default_factory=set)
    hidden: dict[Key, int] = field(default_factory=dict)  # with the least that it can be
    few: set[Key] = field(default_factory=set)

    def agrees(self, counts: Mapping[Key, float]) -> bool:
        """Return whether cells overlap with these, and are the same wherever they do."""
        is_any = False
        for key, count in counts.items():
            own = self.counts.get(key)
            if own is None:
                continue
            if own != count and not math.isclose(own, count, rel_tol=1e-9, abs_tol=MOST_APART):
                return False
            is_any = True
        return is_any

    def copy(self) -> Space:
        """Return a space that can be changed on trial."""
        return Space(
            self.dimensions,
            dict(self.counts),
            set(self.shown),
            set(self.assumed),
            dict(self.hidden),
            set(self.few),
        )


@dataclass(kw_only=True)
class Spaces:
    """The spaces of all that was published so far.

    A copy shares its spaces with what it was made of, until either changes one: those of its own.
    """

    spaces: list[Space] = field(default_factory=list)
    index: dict[tuple[frozenset[str], Key], tuple[int, ...]] = field(default_factory=dict)
    own: set[int] = field(default_factory=set)

    def is_shown(self, place: Place) -> bool:
        """Return whether a cell is shown somewhere."""
        return place[1] in self.spaces[place[0]].shown

    def is_open(self, place: Place) -> bool:
        """Return whether a cell is hidden and shown nowhere."""
        space = self.spaces[place[0]]
        key = place[1]
        return key in space.hidden and key not in space.shown and key not in space.assumed

    def count(self, place: Place) -> float:
        """Return a cell's true count."""
        return self.spaces[place[0]].counts[place[1]]

    def change(self, number: int) -> Space:
        """Return a space that may be changed."""
        if number not in self.own:
            self.spaces[number] = self.spaces[number].copy()
            self.own.add(number)
        return self.spaces[number]

    def show(self, number: int, keys: Iterable[Key]) -> None:
        """Mark cells as shown."""
        new = [key for key in keys if key not in self.spaces[number].shown]
        if new:
            self.change(number).shown.update(new)

    def find_agreeing(self, dimensions: Iterable[str], counts: Mapping[Key, float]) -> int | None:
        """Return the space of the same dimensions that agrees with counts."""
        names = frozenset(dimensions)
        numbers = {number for key in counts for number in self.index.get((names, key), ())}
        return next((n for n in sorted(numbers) if self.spaces[n].agrees(counts)), None)

    def find_space(self, dimensions: Iterable[str], counts: Mapping[Key, float]) -> int:
        """Return the space that agrees with counts, or a new one, with these in it."""
        names = frozenset(dimensions)
        number = self.find_agreeing(names, counts)
        if number is None:
            number = len(self.spaces)
            self.spaces.append(Space(names))
            self.own.add(number)
        new = {key: count for key, count in counts.items() if key not in self.spaces[number].counts}
        if new:
            self.change(number).counts.update(new)
        for key in new:
            self.index[names, key] = (*self.index.get((names, key), ()), number)
        return number
