"""Each goal's KPI now, when it is met, and whether a test could see the step to its target."""

from __future__ import annotations

import re
from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd
from ibis import _

from segkit.contract.features import FEATURES
from segkit.core.absence import empty_table, is_missing
from segkit.core.arm_sizes import find_arm_size, find_seen_share
from segkit.core.periods import YEAR_DAYS
from segkit.core.settings import Settings
from segkit.evidence.kpi_definitions import SHARE, Followed, find_kpi
from segkit.evidence.kpis import measure_kpis
from segkit.evidence.segment_summaries import keep_days, keep_delivered
from segkit.features.customer_table import build_customers, express_customers, learn_from_tables
from segkit.features.expressions import (
    count_true,
    days_until,
    fetch,
    keep_until,
    round_ratio,
    share_of,
    sum_money,
)
from segkit.features.own_features import list_own
from segkit.features.rhythm import list_orders
from segkit.features.sales import is_sale
from segkit.plan.kpis import DATES
from segkit.plan.models import Plan
from segkit.plan.names import NAME_CUSTOMERS

# What the KPIs of buyers are measured from: a few columns of the customer table.
READ = (
    "order_count",
    "total_spend",
    "spend_last_365_days",
    "mean_order_value",
    "recency_days",
    "tenure_days",
)
MONTH_DAYS = YEAR_DAYS / 12
NO_STEP = "No goal that is told by a share is still to be met."
KEY = "customer_id"
LAPSED = "is_lapsed"  # which KPIs work out from the stage of the journey
WORD = re.compile(r"[a-z_][a-z0-9_]*")
QUOTED = re.compile(r"'[^']*'")
# What only the whole customer table has.
LIFETIME = ("expected_order_count", "active_probability", "lifetime_value")


def fetch_buyers(plan: Plan, tables: Mapping[str, ibis.Table], *, at: Settings) -> pd.DataFrame:
    """Fetch what the goals' KPIs of customers are measured from: one row a customer, few columns.

    The columns are those of the customer table that the base analysis builds, and as they are
    there. Where sums of orders will do, nothing else is computed; a goal that asks for more gets
    it, and for what only the whole table has, the whole table.
    """
    wanted = list_features_read(plan, tables)
    if "order_lines" in tables and wanted <= set(READ):
        return fetch(sum_orders(tables["order_lines"], at=at).order_by(KEY))
    if "order_lines" in tables or "customers" in tables:
        used = tables if "order_lines" in tables else {"customers": tables["customers"]}
        return _select_features(plan, used, wanted, at)
    named = [name for name in NAME_CUSTOMERS if not is_missing(tables.get(name), KEY)]
    if not named:
        return pd.DataFrame({KEY: []}, dtype=str)
    known = tables[named[0]].select(KEY).distinct()
    return fetch(known.filter(known[KEY].notnull()).order_by(KEY))


def _select_features(
    plan: Plan, tables: Mapping[str, ibis.Table], wanted: set[str], at: Settings
) -> pd.DataFrame:
    """Return features of the customer table, those of `READ` that there are among them."""
    if wanted & set(LIFETIME):
        return build_customers(tables, as_of=at.as_of, settings=plan).frame
    habits = learn_from_tables(tables, as_of=at.as_of, settings=plan)
    expressed = express_customers(tables, as_of=at.as_of, settings=plan, habits=habits)
    chosen = [name for name in expressed.columns if name in wanted | set(READ)]
    return fetch(expressed.select(KEY, *chosen).order_by(KEY))


def list_features_read(plan: Plan, tables: Mapping[str, ibis.Table]) -> set[str]:
    """Return the features that the goals' KPIs of customers read."""
    words: set[str] = set()
    for followed in follow_goals(plan, tables):
        kpi = followed.kpi
        if kpi.over == "customers":
            told = " ".join((kpi.of, kpi.per, kpi.where, kpi.when, kpi.date))
            words |= set(WORD.findall(QUOTED.sub(" ", told)))
    if LAPSED in words:
        words.add("journey_stage")
    own = list_own(tables["customers"].columns) if "customers" in tables else []
    return words & {*FEATURES, *own}


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
        tenure_days=age.max(where=orders.is_sale_),
    )
    sums = sums.filter(sums.order_count > 0)
    mean = round_ratio(share_of(sums.gross_, sums.order_count))
    return sums.mutate(mean_order_value=mean).select("customer_id", *READ)


def follow_goals(plan: Plan, tables: Mapping[str, ibis.Table]) -> list[Followed]:
    """Return the KPI of each goal, ready-made or of the plan's own."""
    has_lines = "order_lines" in tables
    return [find_kpi(goal.kpi, plan.kpis, has_lines=has_lines) for goal in plan.goals]


def measure_goals(
    plan: Plan, buyers: pd.DataFrame, tables: Mapping[str, ibis.Table], *, at: Settings
) -> pd.DataFrame:
    """Measure each goal's KPI now, as the analysis does, and say when it is met.

    Returns
    -------
    DataFrame
        As `segkit.evidence.kpis.measure_kpis` returns it, with ``met_when`` ("at least", "at most"
        or empty without a target), ``is_lower`` (whether less of the KPI is better), ``is_share``,
        ``over`` (the table whose rows it counts) and ``due_on`` (the day by which it shall be;
        missing if none).
    """
    followed = follow_goals(plan, tables)
    measured = measure_kpis(plan.goals, buyers, tables, plan=plan, as_of=at.as_of)
    is_lower = [one.kpi.better == "lower" for one in followed]
    bounds = {True: "at most", False: "at least"}
    met_when = [
        "" if goal.target is None else bounds[lower]
        for goal, lower in zip(plan.goals, is_lower, strict=True)
    ]
    return measured.assign(
        met_when=met_when,
        is_lower=is_lower,
        is_share=[one.unit == SHARE for one in followed],
        over=[one.kpi.over for one in followed],
        due_on=[goal.due for goal in plan.goals],
    )


def measure_power(
    measured: pd.DataFrame, tables: Mapping[str, ibis.Table], *, at: Settings
) -> pd.DataFrame:
    """Count the customers that a test needs to see the step from a share now to its target.

    Two arms of one size, a two-sided test at 5 %, in which the step is seen four times in five.
    Each customer counts once, also where the share is of messages.

    Parameters
    ----------
    measured : DataFrame
        As `measure_goals` returns it.
    tables : mapping of str to ibis.Table
        The accepted rows.
    at : Settings
        The last day counted.

    Returns
    -------
    DataFrame
        One row a goal that has a share as its KPI and does not meet its target yet: ``goal``,
        ``text``, ``value``, ``target``, ``arm_size`` (customers that each arm needs),
        ``customer_count`` (whom the KPI counts, for both arms), ``is_enough``, ``seen_share`` (the
        nearest share that all of them could tell from now; missing where none could),
        ``monthly_count`` (customers of a month of the last 365 days, in the mean; 0 where rows have
        no day) and ``months`` (in which so many fill both arms).
    """
    rows = [
        _measure_step(row, tables, at)
        for row in measured.to_dict("records")
        if row["is_share"] and row["met"] == "no" and 0 <= row["target"] <= 1
    ]
    columns = ["goal", "text", "kpi", "value", "target", "arm_size", "customer_count", "is_enough"]
    columns += ["seen_share", "monthly_count", "months"]
    if not rows:
        return empty_table(columns, NO_STEP)
    return pd.DataFrame(rows, columns=columns)


def _measure_step(
    row: Mapping[str, object], tables: Mapping[str, ibis.Table], at: Settings
) -> dict[str, object]:
    """Return what a test of one goal's step needs."""
    value = float(row["value"])
    target = float(row["target"])
    arm_size = find_arm_size(value, target)
    count = int(row["customer_count"])
    monthly = count_monthly(str(row["over"]), tables, at=at)
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


def count_monthly(over: str, tables: Mapping[str, ibis.Table], *, at: Settings) -> float:
    """Count the customers that a month of the last 365 days brings, in the mean.

    They are those of the table ``over``; customers come with their orders. Where there is less than
    a year, the months with a row count; 0 where no row tells its day and customer.
    """
    name = "order_lines" if over in ("customers", "orders") else over
    table = tables.get(name)
    day = DATES[name]
    if not day or is_missing(table, day, KEY):
        return 0.0
    rows = keep_days(table, day, as_of=at.as_of, days=YEAR_DAYS).filter(_[KEY].notnull())
    if name == "order_lines":
        rows = rows.filter(is_sale(rows))
    if name == "messages":
        rows = keep_delivered(rows)
    ages = ibis.literal(at.as_of).delta(rows[day].cast("date"), unit="day")
    months = rows.mutate(month=(ages / MONTH_DAYS).floor().cast("int64"))
    counted = months.group_by("month").aggregate(n=_[KEY].nunique()).to_pandas()["n"]
    return float(counted.mean()) if len(counted) else 0.0
