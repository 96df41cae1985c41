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
    measures = list(table.columns.difference(list(levels), sort=False))
    if not measures:
        return list_no_cells()
    values = [
        None if _is_missing(value) else str(value)
        for measure in measures
        for value in table[measure]
    ]
    count = len(table)
    cells = {
        **about,
        "dimensions": dimensions * len(measures),
        "measure": [str(measure) for measure in measures for _ in range(count)],
        "value": values,
        "rounding": np.repeat([roundings.get(one, np.nan) for one in measures], count),
        "hidden": np.concatenate([hidden[measure].to_numpy() for measure in measures]),
    }
    return pd.DataFrame(cells)[list(RECORD_COLUMNS)]


def list_no_cells() -> pd.DataFrame:
    """Return the records of a table without rows."""
    return pd.DataFrame({column: pd.Series(dtype=object) for column in RECORD_COLUMNS})


def _is_missing(value: object) -> bool:
    return not isinstance(value, (list, tuple, dict, np.ndarray)) and pd.isna(value)
