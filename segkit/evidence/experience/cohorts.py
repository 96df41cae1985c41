"""Cohorts: customers by when they first ordered, how many order again later, and what they spend.

Only whole periods count, so that the last one is no fall: a cohort has an age once the period in
which it has it has ended. Where history begins, nobody can tell a first order from one of a
customer who bought before; those cohorts are marked, and left out of what is compared.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ibis import Table, _, ir

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND
from segkit.core.skewed_means import bound_mean
from segkit.core.statistics import bound_share
from segkit.features.expressions import fetch, keep_until, sum_money
from segkit.features.sales import is_sale

MONTHS = {"month": 1, "quarter": 3, "year": 12}  # how many a period has
MOST_COHORTS = 14  # of so many a chart's labels stand apart
MOST_AGE = 12
EVERYBODY = "all customers"
TOO_SHORT = "The orders do not span enough whole {}s to follow anybody who is most likely new."
KEYS = ("cohort", "started_on", "grain", "is_truncated", "age")
RETENTION = ("customer_count", "active_count", "retention_share", "retention_low", "retention_high")
SPEND = (
    "customer_count",
    "spend_per_customer",
    "spend_per_customer_low",
    "spend_per_customer_high",
)
PARTS = tuple(f"spend_per_customer{end}" for end in (OF_A_MEAN, LARGEST, SECOND))


@dataclass(frozen=True, repr=False)
class Cohorts:
    """Each buyer's cohort, and what they did at each age.

    Attributes
    ----------
    customers : DataFrame
        ``customer_id``, ``cohort`` (the first day of the period of the first order), ``last_age``
        (the last age that was observed whole) and ``is_truncated`` (whether the data begin so near
        that the first order may not be the first).
    is_active : ndarray of bool, (n, ages)
        Whether the customer ordered in the period so many after the first; always at age 0.
    spend : ndarray of float, (n, ages)
        Net spend in that period.
    grain : str
        ``month``, ``quarter`` or ``year``.
    """

    customers: pd.DataFrame
    is_active: np.ndarray
    spend: np.ndarray
    grain: str


def read_cohorts(lines: Table | None, *, as_of: datetime.date, grain: str = "") -> Cohorts | None:
    """Sum each buyer's orders and net spend by age in the engine: one row a customer comes back.

    An order is one with a sale that was not taken back by ``as_of``, as everywhere. None without
    order lines, or where no period has ended with a buyer in it.

    Parameters
    ----------
    lines : ibis.Table or None
        ``customer_id``, ``order_id``, ``ordered_at``, ``line_amount`` and ``line_type``.
    as_of : date
        The last day counted; a period that ends later is not counted.
    grain : str, optional
        ``month``, ``quarter`` or ``year``; if not given, the finest of which there are 14 at most.
    """
    if lines is None:
        return None
    lines = keep_until(lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    sales = lines.filter(is_sale(lines))
    ends = sales.agg(first=_.ordered_at.min(), last=_.ordered_at.max()).to_pandas().iloc[0]
    if pd.isna(ends["first"]):
        return None
    grain = grain or choose_grain(ends["first"].date(), as_of)
    span = MONTHS[grain]
    last_period = _number_period(as_of + datetime.timedelta(days=1), span) - 1
    age_count = min(last_period - _number_period(ends["first"].date(), span), MOST_AGE) + 1
    if age_count < 1:
        return None
    found = fetch(_sum_by_age(lines, sales, span=span, age_count=age_count))
    return _arrange(found[found["period_"] <= last_period], last_period=last_period, grain=grain)


def choose_grain(first: datetime.date, as_of: datetime.date) -> str:
    """Return the finest period of which at most 14 lie between two days.

    >>> choose_grain(datetime.date(2025, 1, 1), datetime.date(2025, 12, 31))
    'month'
    >>> choose_grain(datetime.date(2023, 1, 1), datetime.date(2025, 12, 31))
    'quarter'
    """
    months = (as_of.year - first.year) * 12 + as_of.month - first.month + 1
    for grain, span in MONTHS.items():
        if months / span <= MOST_COHORTS:
            return grain
    return "year"


def _number_period(day: datetime.date, span: int) -> int:
    return (day.year * 12 + day.month - 1) // span


def _number_column(moment: ir.Value, span: int) -> ir.IntegerValue:
    months = moment.year().cast("int64") * 12 + moment.month().cast("int64") - 1
    return (months - months % span) // span


def _sum_by_age(lines: Table, sales: Table, *, span: int, age_count: int) -> Table:
    """One row a buyer: the period of the first sale, the days with one, and sums by age."""
    firsts = sales.group_by("customer_id").agg(
        first_=_.ordered_at.min(),
        last_=_.ordered_at.max(),
        day_count_=_.ordered_at.date().nunique(),
    )
    firsts = firsts.mutate(period_=_number_column(firsts.first_, span))
    joined = lines.join(firsts, "customer_id")
    age = _number_column(joined.ordered_at, span) - joined.period_
    sale = is_sale(joined)
    measures = {}
    for number in range(age_count):
        measures[f"active_{number}"] = (sale & (age == number)).any()
        measures[f"spend_{number}"] = sum_money(joined.line_amount, where=age == number)
    keys = ["customer_id", "period_", "first_", "last_", "day_count_"]
    return joined.group_by(keys).agg(**measures)


def _arrange(found: pd.DataFrame, *, last_period: int, grain: str) -> Cohorts | None:
    if found.empty:
        return None
    found = found.sort_values("customer_id", ignore_index=True)
    span = MONTHS[grain]
    period = found["period_"].astype("int64")
    month = period * span
    cohort = pd.to_datetime({"year": month // 12, "month": month % 12 + 1, "day": 1})
    probably_new = _find_probably_new(found)
    customers = pd.DataFrame(
        {
            "customer_id": found["customer_id"].astype(str),
            "cohort": cohort,
            "last_age": last_period - period,
            "is_truncated": (cohort < probably_new) | (period == period.min()),
        }
    )
    ages = range(sum(name.startswith("active_") for name in found))
    is_active = np.column_stack([found[f"active_{age}"].fillna(False) for age in ages]).astype(bool)
    spend = np.column_stack([found[f"spend_{age}"].to_numpy(float) for age in ages])
    return Cohorts(customers, is_active, spend, grain)


def _find_probably_new(found: pd.DataFrame) -> pd.Timestamp:
    """Return the day so long after the first as customers mostly wait between orders.

    Who came before it may be a customer of before the data, who would have come back by then. It is
    the mean of the customers' own mean gaps: among all gaps those of frequent buyers are the most.
    """
    first = pd.to_datetime(found["first_"]).dt.normalize()
    last = pd.to_datetime(found["last_"]).dt.normalize()
    gap_count = found["day_count_"] - 1
    gaps = (last - first).dt.days[gap_count > 0] / gap_count[gap_count > 0]
    return first.min() + pd.Timedelta(days=int(gaps.mean()) if len(gaps) else 0)


def summarise_cohort_retention(cohorts: Cohorts | None) -> pd.DataFrame:
    """Say how many of each cohort ordered again, by age; from the period after the first on.

    Returns
    -------
    DataFrame
        cohort (its period, such as "2026 Q1"), started_on (its first day), grain (month, quarter or
        year), is_truncated, age (periods since), customer_count (of the cohort), active_count (with
        an order in that period), retention_share with its 95 % Wilson interval in
        ``retention_low`` and ``retention_high``; a row a cohort and age that was observed whole.
    """
    columns = [*KEYS, *RETENTION]
    if cohorts is None:
        return empty_table(columns, NO_PURCHASES)
    rows = [
        keys | {"age": age, "customer_count": len(places), "active_count": int(active[age])}
        for keys, places, last_age in _list_cohorts(cohorts)
        for active in [cohorts.is_active[places].sum(axis=0)]
        for age in range(1, last_age + 1)
    ]
    if not rows:
        return empty_table(columns, TOO_SHORT.format(cohorts.grain))
    return _add_retention(pd.DataFrame(rows))[columns]


def summarise_cohort_spend(cohorts: Cohorts | None) -> pd.DataFrame:
    """Say what a customer of each cohort has spent up to each age, net.

    Returns
    -------
    DataFrame
        As of `summarise_cohort_retention`, from age 0 (the first order's own period) on, with
        spend_per_customer (net, from the first order to the end of that period), its 95 % interval
        (see `bound_mean`), and the largest contributions for the gate.
    """
    columns = [*KEYS, *SPEND, *PARTS]
    if cohorts is None:
        return empty_table(columns, NO_PURCHASES)
    reached = cohorts.spend.cumsum(axis=1)
    rows = [
        keys | {"age": age} | _describe_spend(reached[places, age])
        for keys, places, last_age in _list_cohorts(cohorts)
        for age in range(last_age + 1)
    ]
    return pd.DataFrame(rows, columns=columns)


def _list_cohorts(cohorts: Cohorts) -> list[tuple[dict, np.ndarray, int]]:
    """Return what each cohort is called, its rows, and its last age."""
    found = []
    for day, rows in cohorts.customers.groupby("cohort"):
        last_age = min(int(rows["last_age"].iloc[0]), cohorts.is_active.shape[1] - 1)
        keys = {
            "cohort": name_cohort(day, cohorts.grain),
            "started_on": day,
            "grain": cohorts.grain,
            "is_truncated": bool(rows["is_truncated"].iloc[0]),
        }
        found.append((keys, rows.index.to_numpy(), last_age))
    return found


def name_cohort(day: pd.Timestamp, grain: str) -> str:
    """Name the period that begins on a day.

    >>> [name_cohort(pd.Timestamp("2026-04-01"), grain) for grain in ("month", "quarter", "year")]
    ['2026-04', '2026 Q2', '2026']
    """
    names = {"month": f"{day:%Y-%m}", "quarter": f"{day.year} Q{day.quarter}"}
    return names.get(grain, f"{day.year}")


def _add_retention(table: pd.DataFrame) -> pd.DataFrame:
    counts = table["customer_count"].astype(float)
    active = table["active_count"].astype(float)
    low, high = bound_share(active, counts)
    return table.assign(retention_share=active / counts, retention_low=low, retention_high=high)


def _describe_spend(amounts: np.ndarray) -> dict[str, float]:
    """Return the mean of some customers' spend with its interval, and who makes most of it."""
    low, high = bound_mean(amounts)
    order = np.argsort(-np.abs(amounts), kind="stable")
    parts = [*amounts[order[:2]], np.nan, np.nan][:2]
    mean = float(amounts.mean())
    # A sum in another order differs in its last bits.
    total = round(float(amounts.sum()), 4)
    values = (len(amounts), mean, low, high, total, *parts)
    return dict(zip((*SPEND, *PARTS), values, strict=True))


def follow_groups(
    cohorts: Cohorts | None, groups: pd.DataFrame | None = None, *, by: str = "segment_name"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Follow the same customers from their first order on, by group: retention and spend by age.

    Followed are those who are most likely new (their cohort is not truncated) and were observed for
    half of the ages that there are, so that each point of a curve is of the same customers: it does
    not bend because others join or leave, and its end is no fall.

    Parameters
    ----------
    cohorts : Cohorts or None
        See `read_cohorts`.
    groups : DataFrame, optional
        ``customer_id`` and the column ``by``; without them all are one group.
    by : str, optional
        What a group is: a segment, a source.

    Returns
    -------
    tuple of DataFrame
        Retention, from the period after the first on: the group, grain, age, customer_count,
        active_count, retention_share with its interval. And spend: the group, grain, age,
        customer_count, spend_per_customer (net, up to that age) with its interval, and the largest
        contributions.
    """
    names = ([by, "grain", "age", *RETENTION], [by, "grain", "age", *SPEND, *PARTS])
    if cohorts is None:
        return tuple(empty_table(columns, NO_PURCHASES) for columns in names)
    followed, last_age = choose_followed(cohorts)
    members = _number_members(cohorts.customers[followed], groups, by)
    if last_age < 1 or members.empty:
        reason = TOO_SHORT.format(cohorts.grain)
        return tuple(empty_table(columns, reason) for columns in names)
    reached = cohorts.spend.cumsum(axis=1)
    counts, amounts = [], []
    for name, places in members.groupby(by)["place"]:
        rows = places.to_numpy()
        for age in range(last_age + 1):
            keys = {by: name, "grain": cohorts.grain, "age": age}
            amounts.append(keys | _describe_spend(reached[rows, age]))
            if age:
                active = int(cohorts.is_active[rows, age].sum())
                counts.append(keys | {"customer_count": len(rows), "active_count": active})
    return _add_retention(pd.DataFrame(counts))[names[0]], pd.DataFrame(amounts, columns=names[1])


def choose_followed(cohorts: Cohorts) -> tuple[np.ndarray, int]:
    """Return who is followed, (n,) of bool, and up to which age: half of those that there are."""
    is_new = ~cohorts.customers["is_truncated"].to_numpy()
    ages = cohorts.customers["last_age"].to_numpy()
    if not is_new.any():
        return is_new, 0
    last_age = min((int(ages[is_new].max()) + 1) // 2, cohorts.is_active.shape[1] - 1)
    return is_new & (ages >= last_age), last_age


def _number_members(customers: pd.DataFrame, groups: pd.DataFrame | None, by: str) -> pd.DataFrame:
    """Return each of some customers' group and row."""
    placed = customers[["customer_id"]].assign(place=customers.index)
    if groups is None:
        return placed.assign(**{by: EVERYBODY})
    return placed.merge(groups[["customer_id", by]].dropna(), on="customer_id")


def group_new(
    cohorts: Cohorts | None, groups: pd.DataFrame | None = None, *, by: str = "segment_name"
) -> pd.DataFrame:
    """Return ``customer_id`` and the group of the buyers who are most likely new.

    See `read_cohorts` and, for the groups, `follow_groups`. No rows where nobody is.
    """
    if cohorts is None:
        return empty_table(["customer_id", by], NO_PURCHASES)
    customers = cohorts.customers[~cohorts.customers["is_truncated"]]
    if customers.empty:
        return empty_table(["customer_id", by], TOO_SHORT.format(cohorts.grain))
    return _number_members(customers, groups, by)[["customer_id", by]]


def count_followed(cohorts: Cohorts | None) -> pd.DataFrame:
    """Count the buyers who are followed, and those who are not, with the reason.

    Returns
    -------
    DataFrame
        place (a word for people), customer_count; a row each that has customers.
    """
    columns = ["place", "customer_count", "customer_share"]
    if cohorts is None:
        return empty_table(columns, NO_PURCHASES)
    followed, _last_age = choose_followed(cohorts)
    is_truncated = cohorts.customers["is_truncated"].to_numpy()
    counts = {
        "followed": int(followed.sum()),
        "may have bought before the data begin": int(is_truncated.sum()),
        "too new to be followed so far": int((~followed & ~is_truncated).sum()),
    }
    table = pd.DataFrame(counts.items(), columns=columns[:2])
    table = table[table["customer_count"] > 0].reset_index(drop=True)
    return table.assign(customer_share=table["customer_count"] / table["customer_count"].sum())
