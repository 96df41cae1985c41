"""Each goal's KPI now, when it is met, and whether a test could see the step to its target."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd
from ibis import _

from segkit.core.absence import empty_table, is_missing
from segkit.core.periods import YEAR_DAYS
from segkit.core.settings import Settings
from segkit.core.statistics import find_arm_size, find_seen_share
from segkit.evidence.kpis import LOWER_IS_BETTER, NEEDED, measure_kpis
from segkit.evidence.segment_summaries import keep_days, keep_delivered
from segkit.features.customer_table import express_customers, learn_from_tables
from segkit.features.expressions import (
    count_true,
    days_until,
    fetch,
    keep_until,
    round_ratio,
    share_of,
    sum_money,
)
from segkit.features.rhythm import list_orders
from segkit.features.sales import is_sale
from segkit.plan.models import Goal, Plan

# What the KPIs of buyers are measured from: a few columns of the customer table.
READ = ("order_count", "total_spend", "spend_last_365_days", "mean_order_value", "recency_days")
STAGES = {"lapsed_share": "journey_stage"}
MONTH_DAYS = YEAR_DAYS / 12
NO_STEP = "No goal that is told by a share is still to be met."
OF_MESSAGES = ("open_share",)
OF_BUYERS = {*NEEDED, *STAGES, "repeat_share", "orders_per_customer", "mean_order_value"}


def fetch_buyers(plan: Plan, tables: Mapping[str, ibis.Table], *, at: Settings) -> pd.DataFrame:
    """Fetch what the goals' KPIs of buyers are measured from: one row a customer, few columns.

    The columns are those of the customer table that the base analysis builds, and as they are
    there, without the others, which take their time. Where a goal asks who has lapsed, the stages
    come with it.
    """
    kpis = {goal.kpi for goal in plan.goals}
    name = "order_lines" if "order_lines" in tables else "customers"
    if name not in tables or not kpis & OF_BUYERS:
        return pd.DataFrame()
    if name == "order_lines" and not kpis & set(STAGES):
        return fetch(sum_orders(tables[name], at=at).order_by("customer_id"))
    used = {name: tables[name]}
    habits = learn_from_tables(used, as_of=at.as_of, settings=plan)
    expressed = express_customers(used, as_of=at.as_of, settings=plan, habits=habits)
    wanted = [column for column in (*READ, *STAGES.values()) if column in expressed.columns]
    return fetch(expressed.select("customer_id", *wanted).order_by("customer_id"))


def sum_orders(order_lines: ibis.Table, *, at: Settings) -> ibis.Table:
    """Sum the orders of each buyer until the last day counted: the columns of `READ`.

    They are those of `segkit.features.purchases.summarise_purchases`; a test holds them equal.
    """
    lines = keep_until(order_lines, "ordered_at", at.as_of).filter(_.customer_id.notnull())
    orders = list_orders(lines)
    age = days_until(orders.day_, at.as_of)
    sums = orders.group_by("customer_id").aggregate(
        order_count=count_true(orders.is_sale_),
        total_spend=sum_money(orders.amount_),
        gross_=sum_money(orders.amount_, where=orders.is_sale_),
        spend_last_365_days=sum_money(orders.amount_, where=age < YEAR_DAYS),
        recency_days=age.min(where=orders.is_sale_),
    )
    sums = sums.filter(sums.order_count > 0)
    mean = round_ratio(share_of(sums.gross_, sums.order_count))
    return sums.mutate(mean_order_value=mean).select("customer_id", *READ)


def measure_goals(
    goals: tuple[Goal, ...], buyers: pd.DataFrame, tables: Mapping[str, ibis.Table]
) -> pd.DataFrame:
    """Measure each goal's KPI now, as the analysis does, and say when it is met.

    Returns
    -------
    DataFrame
        As `segkit.evidence.kpis.measure_kpis` returns it, with ``met_when`` ("at least", "at most"
        or empty without a target) and ``due_on`` (the day by which it shall be; missing if none).
    """
    measured = measure_kpis(goals, buyers, dict(tables))
    bounds = {True: "at most", False: "at least"}
    met_when = [
        "" if goal.target is None else bounds[goal.kpi in LOWER_IS_BETTER] for goal in goals
    ]
    return measured.assign(met_when=met_when, due_on=[goal.due for goal in goals])


def is_share(kpi: str) -> bool:
    """Return whether a KPI is a share of customers or messages, as its name says."""
    return kpi.endswith("_share")


def measure_power(
    measured: pd.DataFrame, buyers: pd.DataFrame, tables: Mapping[str, ibis.Table], *, at: Settings
) -> pd.DataFrame:
    """Count the customers that a test needs to see the step from a share now to its target.

    Two arms of one size, a two-sided test at 5 %, in which the step is seen four times in five.

    Parameters
    ----------
    measured : DataFrame
        As `measure_goals` returns it.
    buyers : DataFrame
        As `fetch_buyers` returns it.
    tables : mapping of str to ibis.Table
        The accepted rows.
    at : Settings
        The last day counted.

    Returns
    -------
    DataFrame
        One row a goal that has a share as its KPI and does not meet its target yet: ``goal``,
        ``text``, ``value``, ``target``, ``arm_size`` (customers that each arm needs),
        ``customer_count`` (who are there for both arms), ``is_enough``, ``seen_share`` (the nearest
        share that all who are there could tell from now; missing where none could),
        ``monthly_count`` (customers of a month of the last 365 days, in the mean) and ``months``
        (in which so many fill both arms).
    """
    rows = [
        _measure_step(row, buyers, tables, at)
        for row in measured.to_dict("records")
        if is_share(row["kpi"]) and row["met"] == "no" and 0 <= row["target"] <= 1
    ]
    columns = ["goal", "text", "kpi", "value", "target", "arm_size", "customer_count", "is_enough"]
    columns += ["seen_share", "monthly_count", "months"]
    if not rows:
        return empty_table(columns, NO_STEP)
    return pd.DataFrame(rows, columns=columns)


def _measure_step(
    row: Mapping[str, object], buyers: pd.DataFrame, tables: Mapping[str, ibis.Table], at: Settings
) -> dict[str, object]:
    """Return what a test of one goal's step needs."""
    value = float(row["value"])
    target = float(row["target"])
    arm_size = find_arm_size(value, target)
    count, monthly = _count_reached(str(row["kpi"]), buyers, tables, at)
    kept = {name: row[name] for name in ("goal", "text", "kpi")}
    return {
        **kept,
        "value": value,
        "target": target,
        "arm_size": arm_size,
        "customer_count": count,
        "is_enough": count >= 2 * arm_size,
        "seen_share": find_seen_share(value, count // 2, upwards=target > value),
        "monthly_count": monthly,
        "months": np.ceil(2 * arm_size / monthly) if monthly else np.nan,
    }


def _count_reached(
    kpi: str, buyers: pd.DataFrame, tables: Mapping[str, ibis.Table], at: Settings
) -> tuple[int, float]:
    """Return how many customers a KPI counts, and how many of them a month brings."""
    if kpi in OF_MESSAGES and not is_missing(tables.get("messages"), "sent_at"):
        messages = keep_days(tables["messages"], "sent_at", as_of=at.as_of)
        return _count_months(keep_delivered(messages), "sent_at", at)
    count = int((buyers["order_count"] > 0).sum()) if "order_count" in buyers else len(buyers)
    if "order_lines" not in tables:
        return count, 0.0
    lines = keep_days(tables["order_lines"], "ordered_at", as_of=at.as_of)
    return count, _count_months(lines.filter(is_sale(lines)), "ordered_at", at)[1]


def _count_months(table: ibis.Table, day: str, at: Settings) -> tuple[int, float]:
    """Return the customers of a table, and those of a month of the last year in the mean.

    Where there is less than a year, the months that there are count.
    """
    ages = ibis.literal(at.as_of).delta(table[day].cast("date"), unit="day")
    months = table.mutate(month=(ages / MONTH_DAYS).floor().cast("int64"))
    months = months.filter(_.customer_id.notnull())
    by_month = months.filter(_.month < 12).group_by("month").aggregate(n=_.customer_id.nunique())
    counted = by_month.to_pandas()["n"]
    everybody = int(months.customer_id.nunique().execute())
    return everybody, float(counted.mean()) if len(counted) else 0.0
