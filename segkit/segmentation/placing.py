"""What all documents do alike when they place the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.core.errors import SegkitError
from segkit.models.columns import tidy_columns


def select_placed(table: ir.Table, keep: Iterable[str], **results: ir.Value) -> ir.Table:
    """Select the columns to keep and the results, which replace columns of their names."""
    kept = [column for column in keep if column not in results]
    refuse_other_case(kept, results)
    return table.select(*kept, **results)


def refuse_other_case(columns: Iterable[str], results: Iterable[str]) -> None:
    """Raise an error if a column differs from a result in nothing but its case.

    Most engines cannot hold both, and would mistake one for the other.
    """
    results = set(results)
    for column in columns:
        added = column.lower()
        if added in results and column not in results:
            raise SegkitError(
                f"column '{column}' differs from '{added}', which is added, only in case",
                fix="Rename it: an engine does not tell them apart.",
            )


def bring_columns(
    frame: pd.DataFrame, columns: Sequence[str], *, number_as: str | None = None
) -> ir.Table:
    """Bring columns of a DataFrame to DuckDB, tidied; ``number_as`` names one of row numbers.

    Raises
    ------
    SegkitError
        If a column is not there, or two differ in nothing but their case.
    """
    found: dict[str, str] = {}
    for column in columns:
        other = found.setdefault(column.lower(), column)
        if other != column:
            raise SegkitError(
                f"columns '{other}' and '{column}' differ only in case",
                fix="Rename one: an engine does not tell them apart.",
            )
    tidy = tidy_columns(frame, columns).reset_index(drop=True)
    if number_as is not None:
        tidy[number_as] = np.arange(len(tidy))
    return ibis.memtable(tidy)
