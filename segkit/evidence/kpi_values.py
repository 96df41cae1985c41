"""What each KPI is: of all customers and by segment, with intervals, and what sets segments apart.

One query a table sums what each customer adds to all its KPIs, and one more finds medians; no row
of orders, messages or tickets leaves the engine.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.core.absence import empty_table
from segkit.core.carried import bound_without_two
from segkit.core.clustered import (
    bound_clustered_share,
    bound_total,
    count_effective,
    find_clustered_share_p_value,
    find_design_effect,
    find_median_levels,
    find_ratio_p_value,
)
from segkit.core.measures import CEILING, FLOOR, LARGEST, OF_A_MEAN, SECOND, find_largest
from segkit.core.periods import name_all_time, name_last_days
from segkit.core.skewed_means import bound_ratio
from segkit.core.statistics import ALPHA, correct_p_values
from segkit.evidence.kpi_definitions import TOTALS, Followed
from segkit.evidence.kpi_rows import Compiled, Source, compile_kpi
from segkit.plan.kpis import Kpi

ALL = "all"  # the key of all customers together
SHARES = ("share", "median", "customers")  # what is compared as a share of rows or of customers
DIGITS = 6  # a parallel sum may differ in its last bits from run to run
CONTRIBUTIONS = [f"value{end}" for end in (OF_A_MEAN, LARGEST, SECOND)]
WITHOUT_TWO = [f"value{end}" for end in (FLOOR, CEILING)]
VALUE_COLUMNS = ["kpi", "text", "unit", "better", "value", "low", "high", "customer_count"]
VALUE_COLUMNS += ["row_count", "unknown_count", "period", *CONTRIBUTIONS, *WITHOUT_TWO]
LACK_COLUMNS = ["kpi", "text", "lack"]
NO_DATA = "No KPI that is followed has data."
SEGMENT_COLUMNS = ["kpi", "text", "unit", "better", "segment_name", "segment_count"]
SEGMENT_COLUMNS += ["customer_count", "rests_on_count", "value", "low", "high", "base_value"]
SEGMENT_COLUMNS += ["p_value", "p_value_corrected", "stands", "period"]
SEGMENT_COLUMNS += [*CONTRIBUTIONS, *WITHOUT_TWO]


@dataclass(frozen=True)
class Summed:
    """What customers add to one KPI, each in a place of its own.

    Attributes
    ----------
    followed : Followed
    part, whole, rows : ndarray of float, (n,)
        Of each customer: the two sums, and the rows that count.
    unnamed : tuple of float
        The same three of rows that name no customer.
    unknown : int
        Rows whose condition could not be decided.
    medians : mapping of str to tuple of float
        Of a median: by segment, and of all, the median and the ends of its interval.
    lack : str
        Why there is nothing; the rest is empty then.
    """

    followed: Followed
    part: np.ndarray = field(default_factory=lambda: np.zeros(0))
    whole: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0))
    unnamed: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unknown: int = 0
    medians: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    lack: str = ""

    @property
    def kpi(self) -> Kpi:
        """What is measured."""
        return self.followed.kpi


@dataclass(frozen=True)
class KpiSums:
    """What customers add to all KPIs, and the segment of each.

    ``segment`` (n,) is missing for customers without one.
    """

    customer_id: pd.Series
    segment: pd.Series
    summed: tuple[Summed, ...]
    as_of: datetime.date


def sum_kpis(followed: Sequence[Followed], source: Source, segments: pd.DataFrame) -> KpiSums:
    """Sum what each customer adds to each KPI, in one query a table.

    Parameters
    ----------
    followed : sequence of Followed
        See `segkit.evidence.kpi_definitions.list_followed`.
    source : Source
        The tables, the customers and the last day counted.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    """
    people = source.customers["customer_id"].astype(str).sort_values(ignore_index=True)
    of_customer = segments.set_index(segments["customer_id"].astype(str))["segment_name"]
    segment = people.map(of_customer)
    found: dict[str, Summed] = {}
    for over in dict.fromkeys(one.kpi.over for one in followed):
        rows = source.open_rows(over)
        here = [one for one in followed if one.kpi.over == over]
        built = {one.name: compile_kpi(one.kpi, rows) for one in here}
        lacks = {one.name: built[one.name] for one in here if isinstance(built[one.name], str)}
        found |= {one.name: Summed(one, lack=lacks[one.name]) for one in here if one.name in lacks}
        usable = [one for one in here if one.name not in lacks]
        if usable:
            parts = [built[one.name] for one in usable]
            sums = _sum_rows(rows, parts, people, segment, as_of=source.as_of)
            found |= {one.name: Summed(one, **sums[one.name]) for one in usable}
    return KpiSums(people, segment, tuple(found[one.name] for one in followed), source.as_of)


def _sum_rows(
    rows: ir.Table,
    compiled: Sequence[Compiled],
    people: pd.Series,
    segment: pd.Series,
    *,
    as_of: datetime.date,
) -> dict[str, dict[str, Any]]:
    """Return the sums of the KPIs of one table, by KPI."""
    medians = [one for one in compiled if one.kpi.measure == "median"]
    points = _find_medians(rows, medians, as_of=as_of)
    columns = {}
    nothing = ibis.null("float64")
    for number, one in enumerate(compiled):
        is_in = one.is_in(as_of)
        part = one.part
        if one.kpi.name in points:  # a median is compared by the share of values below it
            part = ibis.ifelse(part.isnull(), part, (part <= points[one.kpi.name]).cast("float64"))
        columns[f"part{number}"] = ibis.ifelse(is_in, part, nothing)
        columns[f"whole{number}"] = ibis.ifelse(is_in, one.whole, nothing)
        columns[f"unknown{number}"] = (one.unknown & is_in).fill_null(False)
    has_customers = "customer_id" in rows.columns
    who = rows.customer_id.cast("string") if has_customers else ibis.null("string")
    table = rows.select(customer_id=who, **columns)
    measures = {}
    for number in range(len(compiled)):
        for name in (f"part{number}", f"whole{number}"):
            measures[name] = table[name].sum().fill_null(0.0).round(DIGITS)
        measures[f"rows{number}"] = table[f"whole{number}"].count()
        measures[f"unknown{number}"] = table[f"unknown{number}"].sum()
    sums = table.group_by("customer_id").agg(**measures).to_pandas()
    is_named = sums["customer_id"].isin(people)
    named = sums[is_named].set_index("customer_id").reindex(people).astype(float).fillna(0)
    rest = sums.loc[~is_named, list(measures)].astype(float).sum()
    found = {}
    for number, one in enumerate(compiled):
        columns = [f"{name}{number}" for name in ("part", "whole", "rows")]
        part, whole, counts = (named[column].to_numpy(float) for column in columns)
        found[one.kpi.name] = {
            "part": part,
            "whole": whole,
            "rows": counts,
            "unnamed": tuple(float(rest[column]) for column in columns),
            "unknown": int(named[f"unknown{number}"].sum() + rest[f"unknown{number}"]),
        }
    _add_medians(rows, medians, found, people, segment, as_of=as_of)
    return found


def _find_medians(
    rows: ir.Table, medians: Sequence[Compiled], *, as_of: datetime.date
) -> dict[str, float]:
    """Return the median of all rows of each KPI that is one; none where there are no rows."""
    if not medians:
        return {}
    asked = {one.kpi.name: one.part.median(where=one.is_in(as_of)) for one in medians}
    found = rows.agg(**asked).to_pandas().iloc[0].astype(float)
    return found.dropna().to_dict()


def _add_medians(
    rows: ir.Table,
    medians: Sequence[Compiled],
    found: dict[str, dict[str, Any]],
    people: pd.Series,
    segment: pd.Series,
    *,
    as_of: datetime.date,
) -> None:
    """Add the median of each segment with its interval, all in one query."""
    if not medians:
        return
    members = pd.DataFrame({"customer_id": people, "kpi_segment_": segment}).dropna()
    if "customer_id" in rows.columns and len(members):
        table = ibis.memtable(members.rename(columns={"customer_id": "kpi_member_"}))
        rows = rows.mutate(kpi_customer_=rows.customer_id.cast("string"))
        rows = rows.left_join(table, rows.kpi_customer_ == table.kpi_member_)
    else:
        rows = rows.mutate(kpi_segment_=ibis.null("string"))
    groups = [ALL, *sorted(members["kpi_segment_"].unique())]
    asked = {}
    for number, one in enumerate(medians):
        again = compile_kpi(one.kpi, rows)
        for place, group in enumerate(groups):
            levels = _find_levels(found[one.kpi.name], segment, group)
            where = again.is_in(as_of)
            if group != ALL:
                where &= (rows.kpi_segment_ == group).fill_null(False)
            for end, level in enumerate((0.5, *levels)):
                if not np.isnan(level):
                    asked[f"{number}_{place}_{end}"] = again.part.quantile(level, where=where)
    figures = rows.agg(**asked).to_pandas().iloc[0].astype(float)
    for number, one in enumerate(medians):
        found[one.kpi.name]["medians"] = {
            group: tuple(float(figures.get(f"{number}_{place}_{end}", np.nan)) for end in range(3))
            for place, group in enumerate(groups)
        }


def _find_levels(sums: Mapping[str, Any], segment: pd.Series, group: str) -> tuple[float, float]:
    """Return the levels of the quantiles that bound the median of a group.

    A row that names no customer is a draw of its own.
    """
    chosen = np.ones(len(segment), bool) if group == ALL else (segment == group).to_numpy()
    effective = count_effective(sums["part"][chosen], sums["whole"][chosen])
    unnamed = sums["unnamed"][1] if group == ALL else 0.0
    return find_median_levels(effective + unnamed)


def name_period(kpi: Kpi, as_of: datetime.date) -> str:
    """Name the time that a KPI's value speaks of.

    >>> name_period(Kpi(name="visits", text="Visits", over="events", measure="count", days=30),
    ...     datetime.date(2026, 6, 30))
    'the last 30 days to 2026-06-30'
    """
    if kpi.days == "all":
        return name_all_time(as_of)
    return name_last_days(as_of, kpi.days)


def measure_values(sums: KpiSums) -> pd.DataFrame:
    """Return what each KPI is of all customers; those without data are in `list_lacks`.

    Returns
    -------
    DataFrame
        One row a KPI: kpi, text, unit, better, value, low and high (its 95 % interval, by customer;
        missing where rows without a customer count in it), customer_count (who have a row),
        row_count, unknown_count (rows of a share whose condition could not be decided, in neither
        part), period, and for the gate the sum behind the value, its
        two largest contributions and what is left without two customers.
    """
    rows = []
    for one in sums.summed:
        if one.lack:
            continue
        kpi = one.kpi
        row = {"kpi": kpi.name, "text": kpi.text, "unit": one.followed.unit, "better": kpi.better}
        rows.append({**row, "period": name_period(kpi, sums.as_of), **_measure_all(one)})
    if not rows:
        return empty_table(VALUE_COLUMNS, NO_DATA)
    return pd.DataFrame(rows)[VALUE_COLUMNS]


def list_lacks(sums: KpiSums) -> pd.DataFrame:
    """Return the KPIs without data: ``kpi``, ``text``, and in ``lack`` what is missing."""
    lacks = [(one.kpi.name, one.kpi.text, one.lack) for one in sums.summed if one.lack]
    if not lacks:
        return empty_table(LACK_COLUMNS, "Every KPI that is followed has data.")
    return pd.DataFrame(lacks, columns=LACK_COLUMNS)


def _measure_all(one: Summed) -> dict[str, object]:
    """Return the value of all customers, and rows without a customer."""
    part0, whole0, rows0 = one.unnamed
    kpi = one.kpi
    part, whole, rows = one.part, one.whole, one.rows
    everybody = np.ones(len(part), bool)
    found = {
        "customer_count": int((rows > 0).sum()),
        "row_count": int(rows.sum() + rows0),
        "unknown_count": one.unknown,
        **_list_contributions(one, everybody),
    }
    if kpi.measure == "median":
        value, low, high = one.medians.get(ALL, (np.nan,) * 3)
    elif kpi.measure == "customers":
        value = float((rows > 0).sum())
        low, high = (len(rows) * end for end in _bound(one, everybody))
    elif kpi.measure in TOTALS:
        value = float(part.sum() + part0)
        low, high = (np.nan, np.nan) if rows0 else bound_total(part)
    else:
        total = len(part) if kpi.measure == "per_customer" else whole.sum() + whole0
        value = float((part.sum() + part0) / total) if total > 0 else np.nan
        low, high = _bound(one, everybody)
        if rows0:
            low, high = _bound_with_unnamed(one)
    if not found["row_count"] and kpi.measure not in (*TOTALS, "per_customer"):
        value = low = high = np.nan
    return {**found, "value": value, "low": low, "high": high}


def _bound_with_unnamed(one: Summed) -> tuple[float, float]:
    """Bound a share of rows of which some name no customer, each of these a draw of its own."""
    part0, whole0, _ = one.unnamed
    if one.kpi.measure != "share":
        return np.nan, np.nan
    loose = np.concatenate([np.ones(round(part0)), np.zeros(round(whole0 - part0))])
    if len(loose) > MOST_LOOSE:  # as many draws tell the interval; more would only fill memory
        scale = MOST_LOOSE / len(loose)
        loose = np.concatenate(
            [np.ones(round(part0 * scale)), np.zeros(round((whole0 - part0) * scale))]
        )
    hits = np.concatenate([one.part, loose])
    return bound_clustered_share(hits, np.concatenate([one.whole, np.ones(len(loose))]))


MOST_LOOSE = 100_000


def _choose_arrays(one: Summed, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is divided by what, of some customers: rows, or the customers themselves."""
    part, whole, rows = one.part[chosen], one.whole[chosen], one.rows[chosen]
    if one.kpi.measure == "customers":
        return (rows > 0).astype(float), np.ones(len(rows))
    if one.kpi.measure in (*TOTALS, "per_customer"):
        return part, np.ones(len(part))
    counts = rows > 0
    return part[counts], whole[counts]


def _bound(one: Summed, chosen: np.ndarray) -> tuple[float, float]:
    """Return both ends of the interval of a rate of some customers."""
    part, whole = _choose_arrays(one, chosen)
    if one.kpi.measure in SHARES:
        every = find_design_effect(*_choose_arrays(one, np.ones(len(chosen), bool)))
        return bound_clustered_share(part, whole, other=every)
    return bound_ratio(part, whole)


def _list_contributions(one: Summed, chosen: np.ndarray) -> dict[str, float]:
    """Return the sum behind a figure, its two largest contributions, and it without two customers.

    A share and a median rest on rows, of which one customer may have most.
    """
    behind = one.whole if one.kpi.measure in ("share", "median") else one.part
    if one.kpi.measure == "customers":
        behind = (one.rows > 0).astype(float)
    amounts = pd.Series(behind[chosen])
    amounts = amounts[amounts != 0]
    sums = [float(amounts.sum()), *find_largest(amounts)]
    ends = (np.nan, np.nan)
    if one.kpi.measure != "median":
        ends = bound_without_two(*_choose_arrays(one, chosen))
    return dict(zip(CONTRIBUTIONS, sums, strict=True)) | dict(zip(WITHOUT_TWO, ends, strict=True))


def compare_segments(sums: KpiSums) -> pd.DataFrame:
    """Return what each KPI is in each segment, and whether that differs from all others.

    A total (count, customers, sum) is told as that of a customer of the segment. The comparisons of
    all KPIs and segments are corrected together (Holm 1979).

    Returns
    -------
    DataFrame
        One row a KPI and segment: segment_count (all its customers), customer_count (who have a
        row), rests_on_count (these, or all where nobody has one), value, low and high (its 95 %
        interval, by customer), base_value (of all segments), p_value and p_value_corrected, stands
        (*higher* or *lower* than all other segments, or *alike*: not told apart), and for the gate
        what `measure_values` has too.
    """
    names = sorted(sums.segment.dropna().unique())
    known = [one for one in sums.summed if not one.lack]
    if not names or not known:
        return empty_table(SEGMENT_COLUMNS, NO_DATA if names else "There are no segments.")
    is_placed = sums.segment.notna().to_numpy()
    rows: list[dict[str, object]] = []
    for one in known:
        base = _find_rate(one, is_placed, ALL)
        for name in names:
            chosen = (sums.segment == name).to_numpy()
            rows.append(_compare(one, chosen, is_placed, name) | {"base_value": base})
            rows[-1]["period"] = name_period(one.kpi, sums.as_of)
    table = pd.DataFrame(rows)
    corrected = correct_p_values(table["p_value"].to_numpy(float))
    is_apart = corrected < ALPHA
    direction = np.where(table["value"] > table["base_value"], "higher", "lower")
    stands = np.where(is_apart, direction, np.where(np.isnan(corrected), "", "alike"))
    return table.assign(p_value_corrected=corrected, stands=stands)[SEGMENT_COLUMNS]


def _find_rate(one: Summed, chosen: np.ndarray, name: str) -> float:
    if one.kpi.measure == "median":
        return one.medians.get(name, (np.nan,))[0]
    part, whole = _choose_arrays(one, chosen)
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else np.nan


def _compare(
    one: Summed, chosen: np.ndarray, is_placed: np.ndarray, name: str
) -> dict[str, object]:
    """Return the row of one KPI and segment."""
    kpi = one.kpi
    value = _find_rate(one, chosen, name)
    low, high = (
        one.medians.get(name, (np.nan,) * 3)[1:] if kpi.measure == "median" else _bound(one, chosen)
    )
    part, whole = _spread(one)
    counts = is_placed if kpi.measure in (*TOTALS, "per_customer") else is_placed & (one.rows > 0)
    find = find_clustered_share_p_value if kpi.measure in SHARES else find_ratio_p_value
    p_value = np.nan
    if len(set(chosen[is_placed])) > 1 and counts.any():
        p_value = find(part[counts], whole[counts], chosen[counts])
    customer_count = int((one.rows[chosen] > 0).sum())
    return {
        "kpi": kpi.name,
        "text": name_rate_text(one.followed),
        "unit": name_rate_unit(one.followed),
        "better": kpi.better,
        "segment_name": name,
        "segment_count": int(chosen.sum()),
        "customer_count": customer_count,
        "rests_on_count": customer_count or int(chosen.sum()),
        "value": value,
        "low": low,
        "high": high,
        "p_value": p_value,
        **_list_contributions(one, chosen),
    }


def _spread(one: Summed) -> tuple[np.ndarray, np.ndarray]:
    """Return what is divided by what, of all customers in their places."""
    if one.kpi.measure == "customers":
        return (one.rows > 0).astype(float), np.ones(len(one.rows))
    if one.kpi.measure in (*TOTALS, "per_customer"):
        return one.part, np.ones(len(one.part))
    return one.part, one.whole


def name_rate_unit(followed: Followed) -> str:
    """Return the unit of a KPI by segment: of customers who have a row it is a share."""
    return "share" if followed.kpi.measure == "customers" else followed.unit


def name_rate_text(followed: Followed) -> str:
    """Return what a KPI is called by segment, where a total is told as that of a customer.

    >>> name_rate_text(Followed(Kpi(name="n", text="Tickets", over="tickets", measure="count")))
    'Tickets, a customer of the segment'
    """
    if followed.kpi.measure == "customers":
        return f"{followed.text}, as a share of the segment"
    if followed.kpi.measure in TOTALS:
        return f"{followed.text}, a customer of the segment"
    return followed.text
