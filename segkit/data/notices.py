"""What a check noticed about a column or a table beyond its rules, as the quality table has it."""

from __future__ import annotations

import re
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


def say_column(column: str) -> str:
    """Return a column's name in words.

    Examples
    --------
    >>> say_column("ordered_at"), say_column("signed_up_on"), say_column("order_id")
    ('ordered time', 'signed up date', 'order id')
    """
    words = re.sub("_at$", " time", column)
    words = re.sub("_on$", " date", words)
    return words.replace("_", " ")
