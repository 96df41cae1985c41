"""A record of each cell that was published, for what looks at several tables together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

RECORD_COLUMNS = ("table", "population", "dimensions", "measure", "value", "rounding", "hidden")


def list_cells(
    table: pd.DataFrame,
    hidden: pd.DataFrame,
    *,
    levels: Sequence[str],
    about: Mapping[str, str],
    roundings: Mapping[str, float],
) -> pd.DataFrame:
    """Return one record a cell of a published table.

    Parameters
    ----------
    table : DataFrame
        The rows as they are shown.
    hidden : DataFrame of bool
        For each cell, whether it is hidden.
    levels : sequence of str
        The columns that say what a row is; all others are measures.
    about : mapping of str to str
        What is the same of all records: ``table`` and ``population``.
    roundings : mapping of str to float
        The step to which a measure is shown rounded.

    Returns
    -------
    DataFrame
        ``table``, ``population``, ``dimensions``, ``measure``, ``value``, ``rounding``,
        ``hidden``.
    """
    dimensions = [
        "; ".join(f"{name}={value}" for name, value in zip(levels, row, strict=True))
        for row in table[list(levels)].itertuples(index=False)
    ]
    records = [list_no_cells()]
    for measure in table.columns.difference(list(levels), sort=False):
        values = [None if _is_missing(value) else str(value) for value in table[measure]]
        cells = pd.DataFrame({"dimensions": dimensions, "value": values}).assign(**about)
        cells["measure"] = str(measure)
        cells["rounding"] = roundings.get(measure, np.nan)
        cells["hidden"] = hidden[measure].to_numpy()
        records.append(cells[list(RECORD_COLUMNS)])
    return pd.concat(records[1:] or records, ignore_index=True)


def list_no_cells() -> pd.DataFrame:
    """Return the records of a table without rows."""
    return pd.DataFrame({column: pd.Series(dtype=object) for column in RECORD_COLUMNS})


def _is_missing(value: object) -> bool:
    return not isinstance(value, (list, tuple, dict, np.ndarray)) and pd.isna(value)
