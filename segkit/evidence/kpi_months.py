"""KPIs by month: of all customers and by segment, whole months only.

One query for each table and column of time sums what every month and segment has; only these sums
leave the engine.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.core.absence import empty_table
from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND
from segkit.evidence.kpi_definitions import MONEY, TOTALS, Followed
from segkit.evidence.kpi_rows import Compiled, Source, compile_kpi
from segkit.evidence.kpi_sums import ALL, DIGITS
from segkit.evidence.kpi_values import name_rate_unit
from segkit.plan.kpis import Kpi

MOST_MONTHS = 36
MONTH_COLUMNS = ["kpi", "text", "unit", "better", "segment_name", "month", "customer_count"]
MONTH_COLUMNS += ["rests_on_count", "row_count", "value", "trial_count", "segment_count"]
MONTH_COLUMNS += [f"value{end}" for end in (OF_A_MEAN, LARGEST, SECOND)]
NO_MONTHS = "No KPI that is followed has a whole month of data."
FIRST = "first_order_on"  # in the first year of the data the first order may be a later one
_OTHERS = ""  # customers without a segment


@dataclass(frozen=True)
class _Sums:
    """The sums of KPIs by segment and month.

    ``numbers`` has the place of each KPI in the names of columns, ``medians`` the medians of those
    that are one, with all customers as a segment of their own.
    """

    table: pd.DataFrame
    numbers: Mapping[str, int]
    medians: pd.DataFrame


def sum_months(
    followed: Sequence[Followed], source: Source, segments: pd.DataFrame
) -> pd.DataFrame:
    """Return what each KPI is in each whole month, of all customers and by segment.

    Only months that are over by the last day counted, 36 at most; the first month of a table is
    left out unless it begins on the month's first day. A total by segment, and any figure a
    customer, is divided by the customers who were known by the month's end: since their first order
    or their sign-up, whichever is earlier.

    Parameters
    ----------
    followed : sequence of Followed
    source : Source
    segments : DataFrame
        ``customer_id`` and ``segment_name``.

    Returns
    -------
    DataFrame
        One row a KPI, segment (``all`` for all customers) and month: month (its first day),
        customer_count (who have a row), rests_on_count (these, or all where nobody has one),
        row_count, value, trial_count (of shares: what they are a share of), segment_count (the
        customers known by then), and for the gate the sum behind the value and its two largest
        contributions. Months without rows are 0 of a total and missing of a mean.
    """
    people = source.customers.assign(customer_id=source.customers["customer_id"].astype(str))
    of_customer = segments.set_index(segments["customer_id"].astype(str))["segment_name"]
    segment = people["customer_id"].map(of_customer)
    known_since = _find_known_since(people, source.as_of)
    parts = []
    for over in dict.fromkeys(one.series.over for one in followed if one.series):
        here = [one for one in followed if one.series and one.series.over == over]
        rows = source.open_rows(over)
        if rows is None or "customer_id" not in rows.columns:
            continue
        rows = _add_segments(rows, people["customer_id"], segment)
        built = {one.name: compile_kpi(one.series, rows) for one in here}
        usable = [one for one in here if isinstance(built[one.name], Compiled)]
        times = dict.fromkeys(one.series.time for one in usable if one.series.time in rows.columns)
        for time in times:
            timed = [one for one in usable if one.series.time == time]
            sums = _sum_rows(rows, timed, built, time=time, as_of=source.as_of)
            parts += [_lay_out(one, sums, segment, known_since) for one in timed]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if table.empty:
        return empty_table(MONTH_COLUMNS, NO_MONTHS)
    order = {one.name: place for place, one in enumerate(followed)}
    table = table.assign(place=table["kpi"].map(order))
    return table.sort_values(["place", "segment_name", "month"], ignore_index=True)[MONTH_COLUMNS]


def _find_known_since(people: pd.DataFrame, as_of: datetime.date) -> pd.Series:
    """Return the day since when each customer is known; the first of all where nothing says."""
    day = pd.Timestamp(as_of)
    days = pd.DataFrame(index=people.index)
    if "first_order_on" in people:
        days["first"] = pd.to_datetime(people["first_order_on"]).astype("datetime64[ns]")
    if "signed_up_days" in people:
        age = pd.to_numeric(people["signed_up_days"], errors="coerce")
        days["signed_up"] = (day - pd.to_timedelta(age, unit="D")).astype("datetime64[ns]")
    if days.empty or not len(days.columns):
        return pd.Series(pd.Timestamp.min, index=people.index)
    return days.min(axis=1).fillna(pd.Timestamp.min)


def _add_segments(rows: ir.Table, people: pd.Series, segment: pd.Series) -> ir.Table:
    """Add the segment of each row's customer, empty of those without one."""
    members = pd.DataFrame({"kpi_member_": people, "kpi_segment_": segment.fillna(_OTHERS)})
    table = ibis.memtable(members.astype(str))
    rows = rows.mutate(kpi_customer_=rows.customer_id.cast("string"))
    rows = rows.left_join(table, rows.kpi_customer_ == table.kpi_member_)
    return rows.mutate(kpi_segment_=rows.kpi_segment_.fill_null(_OTHERS))


def _sum_rows(
    rows: ir.Table,
    timed: Sequence[Followed],
    built: dict[str, Compiled],
    *,
    time: str,
    as_of: datetime.date,
) -> _Sums:
    """Return the sums of each KPI by segment and whole month; one row a segment and month."""
    table = _select_amounts(rows, timed, built, day=rows[time].cast("date"), as_of=as_of)
    each = _sum_by_customer(table, timed)
    sums = {"first_day": each.first_day.min()}
    for number in range(len(timed)):
        own = each[f"own{number}"]
        for name in ("part", "whole", "rows", "own"):
            sums[f"{name}{number}"] = each[f"{name}{number}"].sum()
        sums[f"people{number}"] = (each[f"rows{number}"] > 0).sum(where=each.who.notnull())
        sums[f"first{number}"] = own.sum(where=each[f"place{number}"] == 0)
        sums[f"second{number}"] = own.sum(where=each[f"place{number}"] == 1)
    found = each.group_by("segment", "month").agg(**sums).to_pandas()
    found["month"] = pd.to_datetime(found["month"])
    asked = {
        f"median{number}": table[f"part{number}"].median()
        for number, one in enumerate(timed)
        if one.series.measure == "median"
    }
    numbers = {one.name: number for number, one in enumerate(timed)}
    return _Sums(
        _keep_whole(found, skipped=12 * (time == FIRST)), numbers, _find_medians(table, asked)
    )


def _select_amounts(
    rows: ir.Table,
    timed: Sequence[Followed],
    built: Mapping[str, Compiled],
    *,
    day: ir.DateValue,
    as_of: datetime.date,
) -> ir.Table:
    """Return the amounts of the rows of whole months, with their month, segment and customer."""
    columns = {}
    for number, one in enumerate(timed):
        columns[f"part{number}"] = built[one.name].part
        columns[f"whole{number}"] = built[one.name].whole
    table = rows.select(
        segment=rows.kpi_segment_, month=day.truncate("M"), day=day, who=rows.kpi_member_, **columns
    )
    return table.filter(table.day < ibis.literal(find_end(as_of)))


def _sum_by_customer(table: ir.Table, timed: Sequence[Followed]) -> ir.Table:
    """Return each customer's sums in each month, and their place by size among the segment's."""
    measures = {"first_day": table.day.min()}
    for number in range(len(timed)):
        for name in (f"part{number}", f"whole{number}"):
            measures[name] = table[name].sum().fill_null(0.0).round(DIGITS)
        measures[f"rows{number}"] = table[f"whole{number}"].count()
    each = table.group_by("segment", "month", "who").agg(**measures)
    owns = {f"own{n}": _choose_behind(one, each, n) for n, one in enumerate(timed)}
    each = each.mutate(**owns)
    places = {}
    for number in range(len(timed)):
        size = each[f"own{number}"].abs()
        window = ibis.window(group_by=["segment", "month"], order_by=[size.desc(), each.who])
        places[f"place{number}"] = ibis.row_number().over(window)
    return each.mutate(**places)


def _find_medians(table: ir.Table, asked: Mapping[str, ir.Value]) -> pd.DataFrame:
    """Return the medians by segment and month, and those of all customers."""
    if not asked:
        return pd.DataFrame()
    every = table.group_by("month").agg(**asked).to_pandas().assign(segment=ALL)
    own = table.group_by("segment", "month").agg(**asked).to_pandas()
    middle = pd.concat([every, own], ignore_index=True)
    middle["month"] = pd.to_datetime(middle["month"])
    return middle.set_index(["segment", "month"])


def find_end(as_of: datetime.date) -> datetime.date:
    """Return the day after the last whole month.

    >>> find_end(datetime.date(2026, 6, 30)), find_end(datetime.date(2026, 6, 29))
    (datetime.date(2026, 7, 1), datetime.date(2026, 6, 1))
    """
    return (as_of + datetime.timedelta(days=1)).replace(day=1)


def _choose_behind(one: Followed, each: ir.Table, number: int) -> ir.Value:
    """Return what a customer adds to the sum that a figure rests on; 0 of rows without one."""
    name = "whole" if one.series.measure in ("share", "median") else "part"
    amount = each[f"{name}{number}"]
    if one.series.measure == "customers":
        amount = (each[f"rows{number}"] > 0).cast("float64")
    return ibis.ifelse(each.who.notnull(), amount, 0.0)


def _keep_whole(found: pd.DataFrame, *, skipped: int) -> pd.DataFrame:
    """Leave out the first month unless it is whole, the next ``skipped``, and those of long ago."""
    if found.empty:
        return found
    first = pd.to_datetime(found["first_day"]).min()
    start = first if first.day == 1 else first + pd.offsets.MonthBegin()
    start += pd.DateOffset(months=skipped)
    last = found["month"].max()
    start = max(start.normalize(), last - pd.DateOffset(months=MOST_MONTHS - 1))
    return found[found["month"] >= start]


def _lay_out(
    one: Followed, sums: _Sums, segment: pd.Series, known_since: pd.Series
) -> pd.DataFrame:
    """Return the months of one KPI, of all customers and by segment."""
    if sums.table.empty:
        return pd.DataFrame(columns=MONTH_COLUMNS)
    number = sums.numbers[one.name]
    columns = ["part", "whole", "rows", "own", "people", "first", "second"]
    own = sums.table[["segment", "month", *(f"{name}{number}" for name in columns)]]
    own = own.set_axis(["segment_name", "month", *columns], axis=1)
    own = own.astype(dict.fromkeys(columns, float)).fillna(dict.fromkeys(columns, 0.0))
    every = own.groupby("month")[columns].sum()
    every[["first", "second"]] = _find_tops(own)
    every = every.reset_index().assign(segment_name=ALL)
    months = pd.date_range(every["month"].min(), every["month"].max(), freq="MS")
    names = [ALL, *sorted(segment.dropna().unique())]
    grid = pd.MultiIndex.from_product([names, months], names=["segment_name", "month"])
    table = pd.concat([every, own[own["segment_name"] != _OTHERS]])
    table = table.set_index(["segment_name", "month"]).reindex(grid).fillna(0.0).reset_index()
    table["segment_count"] = _count_known(table, segment, known_since)
    return _find_figures(one, one.series, table, sums).assign(
        kpi=one.name, text=one.series_text or one.text, better=one.kpi.better
    )


def _find_tops(own: pd.DataFrame) -> pd.DataFrame:
    """Return the two largest contributions of all segments together, by month."""
    long = own.melt("month", ["first", "second"], value_name="amount")
    order = long["amount"].abs().sort_values(ascending=False, kind="stable").index
    ranked = long.loc[order].groupby("month", sort=True)["amount"]
    tops = pd.DataFrame(
        {"first": ranked.nth(0).values}, index=long.loc[ranked.nth(0).index, "month"]
    )
    second = pd.Series(ranked.nth(1).values, index=long.loc[ranked.nth(1).index, "month"])
    return tops.assign(second=second).sort_index()


def _count_known(table: pd.DataFrame, segment: pd.Series, known_since: pd.Series) -> np.ndarray:
    """Return how many customers of each row's segment were known by the month's end."""
    ends = table["month"] + pd.offsets.MonthBegin()
    counts = np.zeros(len(table), dtype="int64")
    for name, rows in table.groupby("segment_name").groups.items():
        days = known_since if name == ALL else known_since[segment == name]
        counts[rows] = np.searchsorted(np.sort(days.to_numpy()), ends[rows].to_numpy())
    return counts


def _find_figures(one: Followed, kpi: Kpi, table: pd.DataFrame, sums: _Sums) -> pd.DataFrame:
    """Add the value of each month, what it rests on, and how it is written."""
    is_all = (table["segment_name"] == ALL).to_numpy()
    known = table["segment_count"].astype(float)
    part = table["people"] if kpi.measure == "customers" else table["part"]
    if kpi.measure in TOTALS:
        value = part.where(is_all, part / known.where(known > 0))
    elif kpi.measure == "per_customer":
        value = part / known.where(known > 0)
    else:
        value = part / table["whole"].where(table["rows"] > 0).replace(0.0, np.nan)
    if kpi.measure == "median":
        column = sums.medians[f"median{sums.numbers[one.name]}"]
        places = pd.MultiIndex.from_frame(table[["segment_name", "month"]])
        value = pd.Series(column.reindex(places).to_numpy(float), index=table.index)
    trials = pd.Series(np.nan, index=table.index)
    unit = pd.Series(name_series_unit(one), index=table.index)
    if kpi.measure == "share":
        trials = table["rows"]
    if kpi.measure == "customers":
        trials = known.mask(is_all)
        unit = unit.where(is_all, name_rate_unit(one))
    people = table["people"].astype("int64")
    return pd.DataFrame(
        {
            "segment_name": table["segment_name"],
            "month": table["month"],
            "unit": unit,
            "customer_count": people,
            "rests_on_count": people.where(people > 0, table["segment_count"]),
            "row_count": table["rows"].astype("int64"),
            "value": value,
            "trial_count": trials,
            "segment_count": table["segment_count"],
            f"value{OF_A_MEAN}": table["own"],
            f"value{LARGEST}": table["first"].where(table["own"] != 0),
            f"value{SECOND}": table["second"].where(table["own"] != 0),
        }
    )


def name_series_unit(one: Followed) -> str:
    """Return the unit of a KPI by month; a series may be of another measure than the value."""
    if one.series.measure == "share":
        return "share"
    if one.series.measure in ("count", "customers"):
        return ""
    return MONEY if one.series.unit == MONEY else one.series.unit
