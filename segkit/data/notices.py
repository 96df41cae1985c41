"""What a check noticed about a column or a table beyond its rules, as the quality table has it."""

from __future__ import annotations

from typing import NamedTuple


class Notice(NamedTuple):
    """What was noticed, as an entry of the quality table.

    ``severity`` is warning or note; ``row_count`` counts the rows that it concerns, one at least.
    """

    rule: str
    severity: str
    row_count: int
    reason: str
    treatment: str


# What notices are called, a column's name after it where they are of one: the plan accepts them so.
NOTICED = ("ambiguous_date", "decimal_id", "mixed")
