"""One way to summarise any table by segment, with intervals.

Rows stay in the engine: the segments, a small table ``customer_id, segment_name``, are joined
there, and only sums come back. Each row tells in ``rests_on_count`` on how many customers its
figures rest, so that the gate knows which of them must not be seen.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import _

from segkit.core.absence import empty_table, is_missing
from segkit.core.carried import bound_without_two
from segkit.core.measures import CEILING, FLOOR, LARGEST, SECOND
from segkit.core.skewed_means import bound_ratio
from segkit.core.statistics import bound_share
from segkit.features.expressions import find_contributions, is_delivered, sum_money
from segkit.features.sales import leave_out_taken_back
from segkit.runs.segments import select_scheme


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
    """Keep the rows of the last ``days`` days up to and including ``as_of``; None keeps all.

    Lines of orders that had been taken back by ``as_of`` are left out.
    """
    table = leave_out_taken_back(table, as_of)
    day = table[column].cast("date")
    first = as_of - datetime.timedelta(days=days) if days is not None else datetime.date.min
    return table.filter((day <= ibis.literal(as_of)) & (day > ibis.literal(first)))


def keep_delivered(messages: ibis.Table) -> ibis.Table:
    """Leave out the messages of control groups, which are not sent, and those that bounced."""
    return messages.filter(is_delivered(messages))


def summarise_by_segment(
    table: ibis.Table,
    segments: pd.DataFrame,
    measures: Mapping[str, ibis.Deferred],
    *,
    by: Sequence[str] = (),
    sums: Sequence[str] = (),
) -> pd.DataFrame:
    """Aggregate each segment's rows in the engine; rows without a segment are left out.

    Parameters
    ----------
    table : ibis.Table
        Any table with ``customer_id``.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    measures : mapping of str to ibis.Deferred
        What is worked out, by the name of its column.
    by : sequence of str
        Columns that part each segment's rows further.
    sums : sequence of str
        Measures that are sums of money; their two largest customers are found for the gate, in
        ``<measure>_largest`` and ``<measure>_second``.

    Returns
    -------
    DataFrame
        segment_name, segment_size (all its customers), those in ``by``, customer_count (with a
        row), the measures, and rests_on_count: the customers with a row, or where nobody has one,
        all of the segment. Without ``by`` a segment without rows keeps its row.
    """
    members = ibis.memtable(segments[["customer_id", "segment_name"]])
    rows = table.inner_join(members, "customer_id")
    found = rows.group_by("segment_name", *by).agg(
        customer_count=_.customer_id.nunique(), **measures
    )
    sizes = count_customers(segments).rename(columns={"customer_count": "segment_size"})
    result = sizes.merge(found.to_pandas(), on="segment_name", how="inner" if by else "left")
    for name in sums:
        tops = find_contributions(rows, measures[name], name=name, by=["segment_name", *by])
        result = result.merge(tops, on=["segment_name", *by], how="left")
    counts = [column for column in result if column.endswith("_count")]
    result[counts] = result[counts].fillna(0).astype("int64")
    has_rows = result["customer_count"] > 0
    result["rests_on_count"] = result["customer_count"].where(has_rows, result["segment_size"])
    return result.sort_values(["segment_name", *by], ignore_index=True)


def sum_by_customer(
    table: ibis.Table, segments: pd.DataFrame, measures: Mapping[str, ibis.Deferred]
) -> pd.DataFrame:
    """Sum up each customer's rows in the engine: segment_name and the measures, 0 without rows.

    One row for each customer who has a segment, in the order of ``customer_id``.
    """
    members = ibis.memtable(segments[["customer_id", "segment_name"]])
    rows = table.inner_join(members, "customer_id")
    found = rows.group_by("customer_id").agg(**measures).to_pandas()
    table = segments[["customer_id", "segment_name"]].merge(found, on="customer_id", how="left")
    table[list(measures)] = table[list(measures)].astype(float).fillna(0)
    return table.sort_values("customer_id", ignore_index=True).drop(columns="customer_id")


def bound_ratios(
    by_customer: pd.DataFrame, ratios: Mapping[str, tuple[str, str]], *, with_interval: bool = True
) -> pd.DataFrame:
    """Bound figures of segments by what each customer adds to them, for sentences on extremes.

    Parameters
    ----------
    by_customer : DataFrame
        One row a customer, see :func:`sum_by_customer`.
    ratios : mapping of str to tuple of str
        By the figure's name the columns that it divides. Without the second it is the mean of all
        the segment's customers; with it, of those who have something in either.
    with_interval : bool, optional
        Whether to add 95 % intervals, see `bound_ratio`: ``<name>_low`` and ``<name>_high``,
        without ``_share`` in the name.

    Returns
    -------
    DataFrame
        segment_name, and of each figure ``<name>_floor`` and ``<name>_ceiling``: the lowest and the
        highest that it is without two of its customers, for the gate, see `bound_without_two`.
    """
    found = []
    for name, rows in by_customer.groupby("segment_name"):
        row: dict[str, object] = {"segment_name": name}
        for ratio, (part_name, whole_name) in ratios.items():
            part = rows[part_name].to_numpy(float)
            whole = rows[whole_name].to_numpy(float) if whole_name else np.ones(len(rows))
            counts = (part != 0) | (whole != 0)
            part, whole = part[counts], whole[counts]
            row[f"{ratio}{FLOOR}"], row[f"{ratio}{CEILING}"] = bound_without_two(part, whole)
            if with_interval:
                stem = ratio.removesuffix("_share")
                row[f"{stem}_low"], row[f"{stem}_high"] = bound_ratio(part, whole)
        found.append(row)
    return pd.DataFrame(found)


def list_bounds(ratios: Mapping[str, tuple[str, str]], *, with_interval: bool = True) -> list[str]:
    """Return the columns of :func:`bound_ratios` besides segment_name."""
    columns = [f"{name}{end}" for name in ratios for end in (FLOOR, CEILING)]
    if with_interval:
        stems = [name.removesuffix("_share") for name in ratios]
        columns += [f"{stem}_{end}" for stem in stems for end in ("low", "high")]
    return columns


def count_shares(
    table: ibis.Table,
    segments: pd.DataFrame,
    column: str,
    *,
    within: Sequence[str] = (),
    amount: str = "",
) -> pd.DataFrame:
    """Split each segment's rows, or an amount of money, over the values of one column.

    The columns are segment_name, those in ``within``, ``column``, customer_count, the ``amount``
    (``row_count`` if none is given), total (of the segment within ``within``), share of the total,
    base_share (the same for all segments), index (100 is like everybody), rank and rests_on_count.
    """
    rows = table.filter(table[column].notnull())
    by = [*within, column]
    name = amount or "row_count"
    measure = sum_money(_[amount]) if amount else _.count()
    sums = [name] if amount else []
    counts = summarise_by_segment(rows, segments, {name: measure}, by=by, sums=sums)
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


def count_shares_by_segment(
    table: ibis.Table | None, segments: pd.DataFrame, column: str, *, amount: str = ""
) -> pd.DataFrame:
    """Split each segment's rows, or an amount, over the values of one column, such as ``device``.

    The columns are segment_name, rank (1 is the segment's largest), the column, customer_count,
    the amount (or row_count), share (of the segment's total), base_share (of all segments'), index
    (100 is like everybody) and rests_on_count.
    """
    columns = ["segment_name", "rank", column, "customer_count", amount or "row_count", "share"]
    columns += ["base_share", "index", "rests_on_count"]
    if is_missing(table, "customer_id", column):
        return empty_table(columns, f"There is no table with customers and their {column}.")
    if amount:
        columns += [f"{amount}{LARGEST}", f"{amount}{SECOND}"]
    return count_shares(table, segments, column, amount=amount)[columns]


def add_interval(table: pd.DataFrame, name: str, *, hits: str, trials: str) -> pd.DataFrame:
    """Add ``<name>share``, ``<name>low`` and ``<name>high``: a share with its 95 % interval.

    ``hits`` and ``trials`` name columns of counts; see `bound_share` for the interval.
    """
    hit_count = table[hits].astype("float64")
    trial_count = table[trials].astype("float64")
    trial_count = trial_count.where(trial_count > 0)
    low, high = bound_share(hit_count, trial_count)
    share = hit_count / trial_count
    return table.assign(**{f"{name}share": share, f"{name}low": low, f"{name}high": high})


def divide(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Return the ratio, missing where there is nothing to divide by."""
    return part / whole.where(whole > 0)
