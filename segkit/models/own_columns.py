"""Names for the columns that an expression adds to a table for itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterable


def choose_prefix(columns: Iterable[str]) -> str:
    """Return a prefix with which no column of a table begins, whatever the case.

    Whatever an expression adds to the table under this prefix overwrites nothing; engines such as
    DuckDB do not tell upper from lower case.

    Examples
    --------
    >>> choose_prefix(["customer_id", "total_spend"])
    'own_'
    >>> choose_prefix(["customer_id", "Own_best", "own1_"])
    'own2_'
    """
    names = [column.lower() for column in columns]
    for number in itertools.count():
        prefix = f"own{number or ''}_"
        if not any(name.startswith(prefix) for name in names):
            return prefix
    raise AssertionError("a table has a finite number of columns")
