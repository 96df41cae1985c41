"""Tables of other libraries as a DataFrame, through Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def read_frame(table: object) -> pd.DataFrame | None:
    """Return a table as a DataFrame; None for what is no table, such as an array.

    A DataFrame is returned as it is. Any other table that gives itself through Arrow's PyCapsule
    interface is read: of polars, pyarrow, DuckDB or Ibis.

    Examples
    --------
    >>> import pyarrow
    >>> read_frame(pyarrow.table({"plan": ["a", None]}))["plan"].isna().tolist()
    [False, True]
    >>> read_frame([[1, 2]]) is None
    True
    """
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return table
    if not hasattr(table, "__arrow_c_stream__"):
        return None
    import pyarrow

    try:
        frame: pd.DataFrame = pyarrow.table(table).to_pandas()
    except pyarrow.ArrowInvalid:  # a single column gives itself in the same way
        return None
    return frame
