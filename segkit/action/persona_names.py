"""The names that personas are given: the plan's, or of a short list; never a customer's."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from segkit.core.errors import SegkitError
from segkit.plan.personas import Personas

# Given names that women and men bear in several languages: they say nothing of whom they stand for.
NAMES = (
    "Alex",
    "Andrea",
    "Ariel",
    "Charlie",
    "Dana",
    "Eden",
    "Jamie",
    "Jules",
    "Kim",
    "Lou",
    "Mika",
    "Nico",
    "Noa",
    "Robin",
    "Sam",
    "Sasha",
)


def give_names(segment_names: Sequence[str], personas: Personas | None = None) -> dict[str, str]:
    """Give each segment's persona a name: the plan's, or one of the list.

    A name of the list is found from the segment's name alone, so that it stays from run to run
    while the order of the segments changes; where two segments would have one, the later in the
    alphabet takes the next that is free.

    Returns
    -------
    dict
        The name by the segment's, in the order given.

    Raises
    ------
    SegkitError
        If there are more segments than names.

    Examples
    --------
    >>> give_names(["Loyal", "New"], Personas(names={"New": "Robin"}))
    {'Loyal': 'Mika', 'New': 'Robin'}
    """
    given = dict(personas.names) if personas is not None else {}
    names = {name: given[name] for name in segment_names if name in given}
    wanted = sorted(set(segment_names) - set(names))
    taken = {name.casefold() for name in given.values()}
    free = [name for name in NAMES if name.casefold() not in taken]
    if len(wanted) > len(free):
        raise SegkitError(
            "there are more segments than names to give",
            where="the plan, [personas]",
            found=f"{len(wanted)} segments, {len(free)} names",
            fix='Give them names: names = { "a segment" = "Robin" }',
        )
    for name in wanted:
        start = zlib.crc32(name.encode()) % len(free)
        names[name] = free.pop(start)
    return {name: names[name] for name in segment_names}


def list_unused(segment_names: Sequence[str], personas: Personas) -> list[str]:
    """List the segments that the plan gives a name to and that are not there."""
    return [name for name in personas.names if name not in set(segment_names)]
