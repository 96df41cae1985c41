"""Is a column a number, yes or no, a date or a category? Decided here, and nowhere else."""

from __future__ import annotations

from typing import Literal

import ibis.expr.datatypes as dt
import pandas as pd

Kind = Literal["number", "boolean", "date", "category"]
# What pandas calls the values of a column; everything else is a category.
_INFERRED: dict[str, Kind] = {
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
}
# Points, spans and spells of time.
_TIMES = (
    "date", "datetime", "datetime64", "interval", "period", "time", "timedelta", "timedelta64",
)  # fmt: skip


def find_kind(values: pd.Series) -> Kind:
    """Return the kind of a column of a DataFrame.

    Its type decides, and where that says nothing, as of Python's objects or of a categorical, its
    values that are not missing. A column that then says nothing, for it has no value, is a
    category.

    >>> [find_kind(pd.Series(v)) for v in ([1, None], [True, None], ["1", "2"])]
    ['number', 'boolean', 'category']
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.categories.to_series()
    return _INFERRED.get(pd.api.types.infer_dtype(values, skipna=True), "category")


def holds_times(values: pd.Series) -> bool:
    """Say whether a column of a DataFrame holds dates, times or spans of time.

    Such a column is neither a number nor a category: taken as one it has a level a day. A
    categorical is one that somebody has made on purpose.

    >>> [holds_times(pd.Series(v)) for v in ([pd.Timestamp("2026-03-31")], [3], ["2026-03-31"])]
    [True, False, False]
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return False
    return pd.api.types.infer_dtype(values, skipna=True) in _TIMES


def name_kind(data_type: dt.DataType) -> Kind:
    """Return the kind of a column of an engine's table, by its type."""
    if data_type.is_temporal():
        return "date"
    if data_type.is_boolean():
        return "boolean"
    return "number" if data_type.is_numeric() else "category"
