"""What each customer adds to each KPI: sums that are made in the engine, one query a table.

Medians need one query more, and times of waiting those of their own. No row of orders, messages or
tickets leaves the engine.
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

from segkit.core.clustered import count_effective, find_median_levels
from segkit.core.survival import find_survival_median
from segkit.evidence.experience.waiting import add_segments, estimate_waits
from segkit.evidence.kpi_definitions import Followed, explain_lack
from segkit.evidence.kpi_rows import Compiled, Source, compile_kpi
from segkit.features.tickets import prepare_tickets
from segkit.plan.kpis import Kpi

ALL = "all"  # the key of all customers together
SHORT = (
    "it takes two years of orders, and there are {history:,} days (in fewer an earlier order may "
    "lie before the data begin)"
)
DIGITS = 6  # a parallel sum may differ in its last bits from run to run


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
    found = {one.name: _sum_waits(one, source, people, segment) for one in followed if one.wait}
    history = find_history_days(source.customers)
    short = [one for one in followed if history is not None and history < one.history_days]
    found |= {one.name: Summed(one, lack=SHORT.format(history=history)) for one in short}
    plain = [one for one in followed if one.name not in found]
    for over in dict.fromkeys(one.kpi.over for one in plain):
        rows = source.open_rows(over)
        here = [one for one in plain if one.kpi.over == over]
        built = {one.name: compile_kpi(one.kpi, rows) for one in here}
        lacks = {one.name: built[one.name] for one in here if isinstance(built[one.name], str)}
        found |= {one.name: Summed(one, lack=lacks[one.name]) for one in here if one.name in lacks}
        usable = [one for one in here if one.name not in lacks]
        if usable:
            parts = [built[one.name] for one in usable]
            sums = _sum_rows(rows, parts, people, segment, as_of=source.as_of)
            found |= {one.name: Summed(one, **sums[one.name]) for one in usable}
    return KpiSums(people, segment, tuple(found[one.name] for one in followed), source.as_of)


def find_history_days(customers: pd.DataFrame) -> int | None:
    """Return how many days of orders there are, by the customer who is known longest."""
    if "tenure_days" not in customers or customers["tenure_days"].isna().all():
        return None
    return int(customers["tenure_days"].max()) + 1


def _sum_waits(followed: Followed, source: Source, people: pd.Series, segment: pd.Series) -> Summed:
    """Return the median time that tickets wait, those that still do included, and who has any.

    Kaplan and Meier's (1958), see `segkit.evidence.experience.waiting`.
    """
    kpi = followed.kpi
    tickets = prepare_tickets(source.tables, as_of=source.as_of, support=source.support)
    if tickets is None:
        return Summed(followed, lack=explain_lack(kpi, None, ()))
    tickets = tickets.cache()
    known = tickets.filter(tickets[f"{followed.wait}_hours"].notnull())
    has_customers = "customer_id" in tickets.columns
    who = known.customer_id.cast("string") if has_customers else ibis.null("string")
    counts = known.group_by(who=who).agg(count=known.count()).to_pandas()
    if not counts["count"].sum():
        return Summed(followed, lack=explain_lack(kpi, tickets.columns, ["resolved_at"]))
    is_named = counts["who"].isin(people)
    named = counts[is_named].set_index("who")["count"].reindex(people).fillna(0).to_numpy(float)
    unnamed = float(counts.loc[~is_named, "count"].sum())
    medians = _find_wait_medians(tickets, followed.wait)
    members = pd.DataFrame({"customer_id": people, "segment_name": segment}).dropna()
    if has_customers and len(members):
        own = add_segments(tickets.mutate(customer_id=tickets.customer_id.cast("string")), members)
        medians |= _find_wait_medians(own, followed.wait, by="segment_name")
    return Summed(
        followed, np.zeros(len(people)), named, named, (0.0, unnamed, unnamed), medians=medians
    )


def _find_wait_medians(
    tickets: ir.Table, wait: str, *, by: str | None = None
) -> dict[str, tuple[float, float, float]]:
    """Return the median of each group with its interval; of all tickets, if there are none."""
    curve = estimate_waits(tickets, wait, by=by)
    if curve.empty:
        return {}
    found = find_survival_median(curve, by="group")
    groups = [ALL] if by is None else found["group"].astype(str)
    ends = found[["median", "low", "high"]].astype(float).itertuples(index=False, name=None)
    return dict(zip(groups, ends, strict=True))


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
