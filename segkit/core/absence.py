"""A table that is not there, and a result without rows that says why."""

from __future__ import annotations

from collections.abc import Collection

import ibis
import pandas as pd

NO_PURCHASES = "This plan has no purchases: it names no order lines."


def is_missing(table: ibis.Table | None, *columns: str) -> bool:
    """Tell whether a table is absent or lacks one of the columns."""
    return table is None or any(column not in table.columns for column in columns)


def empty_table(columns: Collection[str], reason: str) -> pd.DataFrame:
    """Return a table without rows that carries its reason in ``attrs["reason"]``."""
    table = pd.DataFrame({column: pd.Series(dtype=object) for column in columns})
    table.attrs["reason"] = reason
    return table


def explain_empty(table: pd.DataFrame) -> str:
    """Return why a table has no rows."""
    return table.attrs.get("reason", "The table has no rows.")
