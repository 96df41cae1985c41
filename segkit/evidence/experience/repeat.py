"""Whether and when customers order a second time, those who may still do so counted as such.

The share that ordered again among all buyers is too small, for many had little time yet. Kaplan and
Meier's estimate counts each customer for as long as they could be watched. The engine finds the
first two orders; one row a customer comes here.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.core.carried import bound_counted_without_two
from segkit.core.measures import CEILING, FLOOR
from segkit.core.statistics import bound_share
from segkit.core.survival import estimate_survival, find_survival_median, read_survival
from segkit.evidence.experience.cohorts import EVERYBODY
from segkit.features.expressions import fetch, keep_until
from segkit.features.rhythm import list_orders

HORIZONS = (30, 60, 90, 365)
CURVE_DAYS = (*range(0, 91, 15), *range(120, 361, 30))
MEDIAN = ("median_days", "median_days_low", "median_days_high")
NOBODY = "Nobody of those who have a group has ordered."


def read_waits(lines: Table | None, *, as_of: datetime.date) -> pd.DataFrame:
    """Read how long each buyer waited for the second order, or waits since the first.

    An order is one with a sale that was not taken back by ``as_of``; two of one day are 0 days
    apart. Who has one order is still waiting on ``as_of``.

    Returns
    -------
    DataFrame
        One row a buyer: ``customer_id``, ``duration`` (days), ``has_second``.
    """
    columns = ["customer_id", "duration", "has_second"]
    if lines is None:
        return empty_table(columns, NO_PURCHASES)
    lines = keep_until(lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    orders = list_orders(lines).filter(_.is_sale_)
    order = ibis.row_number().over(group_by="customer_id", order_by=["at_", "order_"])
    orders = orders.mutate(place_=order).filter(_.place_ < 2)
    waits = orders.group_by("customer_id").agg(
        first=_.day_.min(), last=_.day_.max(), count=_.day_.count()
    )
    found = fetch(waits)
    if found.empty:
        return empty_table(columns, NOBODY)
    first, last = pd.to_datetime(found["first"]), pd.to_datetime(found["last"])
    has_second = found["count"] > 1
    end = last.where(has_second, pd.Timestamp(as_of))
    table = pd.DataFrame({"customer_id": found["customer_id"].astype(str)})
    table = table.assign(duration=(end - first).dt.days, has_second=has_second)
    return table.sort_values("customer_id", ignore_index=True)


def count_waits(
    waits: pd.DataFrame, groups: pd.DataFrame | None = None, *, by: str = "segment_name"
) -> pd.DataFrame:
    """Count buyers by how long they waited, or wait, as `estimate_survival` takes them.

    Parameters
    ----------
    waits : DataFrame
        Of `read_waits`.
    groups : DataFrame, optional
        ``customer_id`` and the column ``by``; without them all are one group.
    by : str, optional
        What a group is.

    Returns
    -------
    DataFrame
        The group, duration (days), event_count, censored_count.
    """
    columns = [by, "duration", "event_count", "censored_count"]
    if waits.empty or (groups is not None and groups.empty):
        empty = waits if waits.empty else groups
        return empty_table(columns, getattr(empty, "reason", NOBODY))
    if groups is None:
        rows = waits.assign(**{by: EVERYBODY})
    else:
        rows = waits.merge(groups[["customer_id", by]].dropna(), on="customer_id")
    if rows.empty:
        return empty_table(columns, NOBODY)
    rows = rows.assign(
        event_count=rows["has_second"].astype("int64"),
        censored_count=(~rows["has_second"]).astype("int64"),
    )
    return rows.groupby([by, "duration"], as_index=False)[columns[2:]].sum()


def summarise_second_orders(
    waits: pd.DataFrame, *, smallest_cell: int, by: str = "segment_name"
) -> pd.DataFrame:
    """Say which share orders again within 30, 60, 90 and 365 days, and after how long half have.

    Parameters
    ----------
    waits : DataFrame
        Of `count_waits`.
    smallest_cell : int
        Where fewer, but some, ordered again between two of the days, or still wait, the share at
        the later one is missing: the difference would tell of so few.
    by : str, optional
        The column of groups.

    Returns
    -------
    DataFrame
        The group, customer_count (buyers), repeat_30_share (Kaplan and Meier's) and so on, each
        with a 95 % interval in ``repeat_30_low`` and ``repeat_30_high`` and what it is at least
        without two customers for the gate; median_days with its interval, and median_note, "not
        reached" where fewer than half have ordered again by the end. A share is missing where
        nobody was watched so long.
    """
    names = [f"repeat_{days}" for days in HORIZONS]
    parts = ("_share", "_low", "_high", f"_share{FLOOR}", f"_share{CEILING}")
    columns = [by, "customer_count", *(f"{name}{part}" for name in names for part in parts)]
    columns += [*MEDIAN, "median_note"]
    if waits.empty:
        return empty_table(columns, getattr(waits, "reason", NOBODY))
    curve = estimate_survival(waits, by=by)
    read = _read_repeats(waits, curve, HORIZONS, smallest_cell=smallest_cell, by=by)
    counts = waits.groupby(by)[["event_count", "censored_count"]].sum().sum(axis=1).astype("int64")
    table = counts.rename("customer_count").reset_index()
    for days, name in zip(HORIZONS, names, strict=True):
        rows = read[read["days"] == days].set_index(by).reindex(table[by])
        shares = rows["repeat_share"].to_numpy(float)
        floor, ceiling = bound_counted_without_two(
            shares * table["customer_count"], table["customer_count"]
        )
        values = (shares, rows["repeat_low"], rows["repeat_high"], floor, ceiling)
        for part, value in zip(parts, values, strict=True):
            table[f"{name}{part}"] = np.asarray(value, dtype=float)
    medians = find_survival_median(curve, by=by)
    medians = medians.set_axis([by, *MEDIAN], axis=1)
    table = table.merge(medians, on=by, how="left")
    table["median_note"] = np.where(table["median_days"].isna(), "not reached", "")
    return table[columns]


def trace_second_orders(
    waits: pd.DataFrame,
    *,
    smallest_cell: int,
    by: str = "segment_name",
    days: Sequence[int] = CURVE_DAYS,
) -> pd.DataFrame:
    """Return the share that has ordered again by days since the first order, as points of curves.

    Returns
    -------
    DataFrame
        The group, days, customer_count (buyers), repeat_share with its 95 % interval in
        ``repeat_low`` and ``repeat_high``. Points after which few ordered, see
        `summarise_second_orders`, are left out.
    """
    columns = [by, "days", "customer_count", "repeat_share", "repeat_low", "repeat_high"]
    if waits.empty:
        return empty_table(columns, getattr(waits, "reason", NOBODY))
    curve = estimate_survival(waits, by=by)
    read = _read_repeats(waits, curve, days, smallest_cell=smallest_cell, by=by)
    read = read.dropna(subset=["repeat_share"]).reset_index(drop=True)
    return read[columns] if len(read) else empty_table(columns, NOBODY)


def _read_repeats(
    waits: pd.DataFrame, curve: pd.DataFrame, days: Sequence[int], *, smallest_cell: int, by: str
) -> pd.DataFrame:
    """Read the share that ordered again at some days; missing where few ordered since the last."""
    read = read_survival(curve, list(days), by=by).rename(columns={"duration": "days"})
    read = read.assign(
        repeat_share=1 - read["survival"], repeat_low=1 - read["high"], repeat_high=1 - read["low"]
    )
    read = _bound_ends(read, read[by].map(waits.groupby(by)["event_count"].sum()))
    sizes = waits.groupby(by)[["event_count", "censored_count"]].sum().sum(axis=1)
    read["customer_count"] = read[by].map(sizes).astype("int64")
    is_told = [
        mark
        for name, rows in read.groupby(by, sort=False)
        for mark in _find_told(waits[waits[by] == name], rows["days"], smallest_cell)
    ]
    for figure in ("repeat_share", "repeat_low", "repeat_high"):
        read[figure] = read[figure].where(np.asarray(is_told))
    return read


def _bound_ends(read: pd.DataFrame, events: pd.Series) -> pd.DataFrame:
    """Bound the shares of nobody and of everybody, of which the curve's variance is none.

    Wilson's interval is taken: of nobody among those who still wait, and of everybody among those
    who ordered again, who are no more than were watched.
    """
    is_none = read["repeat_share"] == 0
    is_all = read["repeat_share"] == 1
    none_high = bound_share(np.zeros(len(read)), read["at_risk"].where(is_none))[1]
    all_low = bound_share(events.where(is_all), events.where(is_all))[0]
    low = read["repeat_low"].mask(is_none, 0.0).mask(is_all, all_low)
    high = read["repeat_high"].mask(is_none, none_high).mask(is_all, 1.0)
    return read.assign(repeat_low=low, repeat_high=high)


def _find_told(waits: pd.DataFrame, days: pd.Series, smallest_cell: int) -> list[bool]:
    """Say at which days the share tells of nobody or of enough, since the last that is told."""
    total = int(waits["event_count"].sum() + waits["censored_count"].sum())
    waits = waits.sort_values("duration")
    sums = np.concatenate([[0], waits["event_count"].cumsum()])
    places = np.searchsorted(waits["duration"], days, side="right")
    told, before = [], 0
    for ordered in sums[places].astype(int):
        since = ordered - before
        is_enough = since == 0 or since >= smallest_cell
        is_enough &= total - ordered == 0 or total - ordered >= smallest_cell
        told.append(is_enough)
        before = ordered if is_enough else before
    return told
