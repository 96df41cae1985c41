"""A table that is not there, and a result without rows that says why."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

import ibis
import pandas as pd

NO_PURCHASES = "This plan has no purchases: it names no order lines."
NO_ROWS = "There are no rows to show."
ALL_HIDDEN = "What could be said here is of too few customers, or would tell of so few."


class EmptyTable(pd.DataFrame):
    """A table without rows, with the ``reason`` why it has none."""

    _metadata: ClassVar[list[str]] = [
        "reason"
    ]  # pandas carries it on to what is selected from the table

    def __init__(self, *args, reason: str = NO_ROWS, **kwargs):
        super().__init__(*args, **kwargs)
        self.reason = reason

    @property
    def _constructor(self) -> type[EmptyTable]:
        return EmptyTable


def is_missing(table: ibis.Table | None, *columns: str) -> bool:
    """Tell whether a table is absent or lacks one of the columns."""
    return table is None or any(column not in table.columns for column in columns)


def empty_table(columns: Collection[str], reason: str) -> EmptyTable:
    """Return a table without rows that says why it has none."""
    return EmptyTable({column: pd.Series(dtype=object) for column in columns}, reason=reason)


def explain_empty(table: pd.DataFrame) -> str:
    """Return why a table has no rows."""
    return table.reason if isinstance(table, EmptyTable) else NO_ROWS
