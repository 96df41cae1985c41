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


def tell_failed(name: str, count: int) -> Notice:
    """Return the note of values that are failed formulas of a spreadsheet."""
    return Notice(
        f"failed_formula_{name}",
        severity="note",
        row_count=count,
        reason=f"The value of {name} is a spreadsheet's failed formula, such as #DIV/0!.",
        treatment="Read as a missing value.",
    )
