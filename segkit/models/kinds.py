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
    "boolean": "boolean",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
}


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


def name_kind(data_type: dt.DataType) -> Kind:
    """Return the kind of a column of an engine's table, by its type."""
    if data_type.is_temporal():
        return "date"
    if data_type.is_boolean():
        return "boolean"
    return "number" if data_type.is_numeric() else "category"
