"""One way to summarise any table by segment, with intervals and with small cells hidden.

Rows stay in the engine: the segments, a small table ``customer_id, segment_name``, are joined
there, and only sums come back.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import _

from segkit.features.expressions import is_delivered
from segkit.runs.segments import select_scheme

Z_95 = 1.959964


def select_segments(assigned: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Return ``customer_id`` and ``segment_name`` of one scheme from the long table of segments."""
    segments = select_scheme(assigned, scheme)[["customer_id", "segment"]].dropna()
    segments = segments.rename(columns={"segment": "segment_name"})
    return segments.astype({"customer_id": str}).reset_index(drop=True)


def count_customers(segments: pd.DataFrame) -> pd.DataFrame:
    """Return segment_name and customer_count, in the order of the names."""
    return segments.groupby("segment_name").size().rename("customer_count").reset_index()


def keep_days(
    table: ibis.Table, column: str, *, as_of: datetime.date, days: int | None = None
) -> ibis.Table:
    """Keep the rows of the last ``days`` days up to and including ``as_of``; None keeps all."""
    day = table[column].cast("date")
    first = as_of - datetime.timedelta(days=days) if days is not None else datetime.date.min
    return table.filter((day <= ibis.literal(as_of)) & (day > ibis.literal(first)))


def keep_delivered(messages: ibis.Table) -> ibis.Table:
    """Leave out the messages of control groups, which are not sent, and those that bounced."""
    return messages.filter(is_delivered(messages))


def summarise_by_segment(
    table: ibis.Table, segments: pd.DataFrame, *, by: Sequence[str] = (), **measures: ibis.Deferred
) -> pd.DataFrame:
    """Aggregate each segment's rows in the engine; rows without a segment are left out.

    The columns are segment_name, segment_size (all its customers), those in ``by``, customer_count
    (with a row) and the measures. Without ``by`` a segment without rows keeps its row.
    """
    rows = table.inner_join(ibis.memtable(segments[["customer_id", "segment_name"]]), "customer_id")
    sums = rows.group_by("segment_name", *by).agg(
        customer_count=_.customer_id.nunique(), **measures
    )
    sizes = count_customers(segments).rename(columns={"customer_count": "segment_size"})
    result = sizes.merge(sums.to_pandas(), on="segment_name", how="inner" if by else "left")
    counts = [column for column in result if column.endswith("_count")]
    result[counts] = result[counts].fillna(0).astype("int64")
    return result.sort_values(["segment_name", *by], ignore_index=True)


def count_shares(
    table: ibis.Table,
    segments: pd.DataFrame,
    column: str,
    *,
    within: Sequence[str] = (),
    **amount: ibis.Deferred,
) -> pd.DataFrame:
    """Split each segment's rows, or an amount of them, over the values of one column.

    The columns are segment_name, those in ``within``, ``column``, customer_count, the amount
    (``row_count`` if none is given), total (of the segment within ``within``), share of the total,
    base_share (the same for all segments), index (100 is like everybody) and rank.
    """
    name = next(iter(amount), "row_count")
    rows = table.filter(table[column].notnull())
    by = [*within, column]
    counts = summarise_by_segment(rows, segments, by=by, **(amount or {name: _.count()}))
    group = ["segment_name", *within]
    counts["total"] = counts.groupby(group)[name].transform("sum")
    counts["share"] = counts[name] / counts["total"]
    every = counts.groupby(list(within))[name].transform("sum") if within else counts[name].sum()
    counts["base_share"] = counts.groupby(by)[name].transform("sum") / every
    counts["index"] = 100 * counts["share"] / counts["base_share"]
    order = [*group, "share", column]
    ascending = [name != "share" for name in order]
    counts = counts.sort_values(order, ascending=ascending, ignore_index=True)
    return counts.assign(rank=counts.groupby(group).cumcount() + 1)


def add_interval(table: pd.DataFrame, name: str, hits: str, trials: str) -> pd.DataFrame:
    """Add ``<name>share``, ``<name>low`` and ``<name>high``: a share with its 95 % interval.

    From Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22, 209-212.
    """
    k, n = (table[c].astype("float64") for c in (hits, trials))
    n = n.where(n > 0)
    share = k / n
    spread = Z_95 / (1 + Z_95**2 / n) * np.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    low, high = (middle - spread).clip(lower=0), (middle + spread).clip(upper=1)
    return table.assign(**{f"{name}share": share, f"{name}low": low, f"{name}high": high})


def hide_small_cells(
    table: pd.DataFrame,
    columns: Sequence[str],
    *,
    smallest_cell: int,
    count: str = "customer_count",
    keep: Sequence[str] = ("segment_name",),
) -> pd.DataFrame:
    """Return the named columns, emptied where a row rests on too few customers, and ``note``.

    ``count`` names the column with the number of customers that a row rests on; the columns in
    ``keep``, such as the segment's name, stay. A column that the table lacks comes out empty.
    """
    small = ~(table[count] >= smallest_cell)
    shown = table.reindex(columns=list(columns))
    for column in shown.columns.difference(list(keep)):
        shown[column] = shown[column].mask(small)
    return shown.assign(note=np.where(small, f"fewer than {smallest_cell} customers", ""))
