"""What every table by segment shares: the join in the engine, intervals, and small cells hidden."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd

from segkit.errors import SegkitError, suggest_name

SEGMENT_PREFIX = "segment_"
Z_95 = 1.959964


def select_segments(assigned: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Return ``customer_id`` and ``segment_name`` of one scheme.

    Parameters
    ----------
    assigned : DataFrame
        One row a customer: ``customer_id`` and one column ``segment_<scheme>`` a scheme.
    scheme : str
        Name of the scheme.

    Raises
    ------
    SegkitError
        If there is no such scheme.
    """
    column = f"{SEGMENT_PREFIX}{scheme}"
    if column not in assigned.columns:
        schemes = [c.removeprefix(SEGMENT_PREFIX) for c in assigned if c.startswith(SEGMENT_PREFIX)]
        raise SegkitError(
            f"there are no segments of a scheme called '{scheme}'",
            where="parameter scheme",
            fix=suggest_name(str(scheme), schemes),
        )
    segments = assigned[["customer_id", column]].dropna()
    return segments.rename(columns={column: "segment_name"}).astype({"customer_id": str})


def join_segments(table: ibis.Table, segments: pd.DataFrame) -> ibis.Table:
    """Keep the rows of customers who have a segment, and add ``segment_name``, in the engine."""
    names = ibis.memtable(segments[["customer_id", "segment_name"]])
    if "segment_name" in table.columns:
        table = table.drop("segment_name")
    return table.inner_join(names, "customer_id")


def count_customers(segments: pd.DataFrame) -> pd.DataFrame:
    """Return segment_name and customer_count, in the order of the names."""
    counts = segments.groupby("segment_name", sort=True).size()
    return counts.rename("customer_count").reset_index()


def keep_days(
    table: ibis.Table, column: str, *, as_of: datetime.date, days: int | None = None
) -> ibis.Table:
    """Keep the rows of the last ``days`` days up to and including ``as_of``; None keeps all."""
    day = table[column].cast("date")
    table = table.filter(day <= ibis.literal(as_of))
    if days is None:
        return table
    return table.filter(
        table[column].cast("date") > ibis.literal(as_of - datetime.timedelta(days=days))
    )


def add_interval(table: pd.DataFrame, name: str, hits: str, trials: str) -> pd.DataFrame:
    """Add ``<name>_share``, ``<name>_low`` and ``<name>_high``: a share with its 95 % interval.

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22, 209-212.
    """
    k, n = (table[c].astype("float64") for c in (hits, trials))
    n = n.where(n > 0)
    share = k / n
    spread = Z_95 / (1 + Z_95**2 / n) * np.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    return table.assign(
        **{
            f"{name}_share": share,
            f"{name}_low": (middle - spread).clip(lower=0),
            f"{name}_high": (middle + spread).clip(upper=1),
        }
    )


def hide_small_cells(
    table: pd.DataFrame, count: str, *, smallest_cell: int, keep: Sequence[str]
) -> pd.DataFrame:
    """Empty the figures of every row that rests on too few customers, and say so in ``note``.

    Parameters
    ----------
    table : DataFrame
        Finished table.
    count : str
        Column with the number of customers that a row rests on.
    smallest_cell : int
        Rows below it are hidden, also those with none.
    keep : sequence of str
        Columns that stay, such as the segment's name.
    """
    small = ~(table[count] >= smallest_cell).fillna(False).astype(bool)
    table = table.copy()
    for column in table.columns.difference(list(keep)):
        if pd.api.types.is_bool_dtype(table[column]) or pd.api.types.is_integer_dtype(
            table[column]
        ):
            table[column] = table[column].astype("Int64")
        table.loc[small, column] = None if table[column].dtype == object else pd.NA
    table["note"] = np.where(small, f"fewer than {smallest_cell}", "")
    return table
