"""What a check noticed about a column or a table, as the quality table has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MOST_VALUES = 5  # of a column are shown as found
LONGEST_VALUE = 40  # characters


class Notice(NamedTuple):
    """What was noticed, as an entry of the quality table.

    ``severity`` is reject, warning or note; ``row_count`` counts the rows that it concerns, one at
    least. ``found`` has values as they were found, for who checks the tables; it is private and
    never published.
    """

    rule: str
    severity: str
    row_count: int
    reason: str
    treatment: str
    found: str = ""


def list_values(counts: Iterable[tuple[object, int]]) -> str:
    """Write values with their counts, most frequent first.

    Examples
    --------
    >>> list_values([("Prefer not to say", 39), ("5+", 3)])
    "'Prefer not to say' (39), '5+' (3)"
    """
    told = [f"{str(value)[:LONGEST_VALUE]!r} ({count:,})" for value, count in counts]
    more = ", ..." if len(told) > MOST_VALUES else ""
    return ", ".join(told[:MOST_VALUES]) + more
