"""A KPI for each goal, with its target."""

from __future__ import annotations

import ibis
import pandas as pd

from segkit.core.absence import is_missing
from segkit.core.periods import YEAR_DAYS
from segkit.evidence.segment_summaries import keep_delivered
from segkit.features.journey import mark_lapsed
from segkit.features.purchases import divide_by_orders, find_mean_order_value
from segkit.plan.kpis import MEASURES
from segkit.plan.models import Goal

# The features that a measure of buyers reads, beside their orders.
NEEDED = {
    "total_spend": "spend_last_365_days",
    "net_order_value": "total_spend",
    "gross_order_value": "mean_order_value",
    "active_customers": "recency_days",
}
NET = "net_order_value"
GROSS = "gross_order_value"
AS_GIVEN = "Mean order value, as the customers table gives it"
LOWER_IS_BETTER = {"lapsed_share", "resolution_hours"}


def measure_kpi(
    measure: str, customers: pd.DataFrame, tables: dict[str, ibis.Table]
) -> float | None:
    """Compute one of :data:`segkit.plan.models.MEASURES`; ``None`` if its table is missing.

    The mean order value is net of returns; a plan without order lines has the one that it gives.
    """
    if measure == "mean_order_value":
        measure = NET if "order_lines" in tables else GROSS
    if measure == "open_share":
        return _measure_open_share(tables.get("messages"))
    if measure == "resolution_hours":
        return _measure_resolution(tables.get("tickets"))
    return _measure_buyers(measure, customers)


def _measure_open_share(messages: ibis.Table | None) -> float | None:
    if is_missing(messages, "opened"):
        return None
    return _read_number(keep_delivered(messages)["opened"].fill_null(False).mean())


def _measure_resolution(tickets: ibis.Table | None) -> float | None:
    """Return the median of the hours until a ticket was resolved."""
    if is_missing(tickets, "resolved_at"):
        return None
    seconds = tickets["resolved_at"].epoch_seconds() - tickets["opened_at"].epoch_seconds()
    return _read_number((seconds / 3600).median())


def _measure_buyers(measure: str, customers: pd.DataFrame) -> float | None:
    """Return a measure of the customer table; spend is that of all rows, returns included."""
    if not {"order_count", NEEDED.get(measure, "order_count")} <= set(customers):
        return None
    buyers = customers[customers["order_count"] > 0]
    if buyers.empty:
        return None
    orders = buyers["order_count"]
    if measure == "total_spend":
        return float(customers["spend_last_365_days"].sum())
    if measure == GROSS:
        return find_mean_order_value(buyers)
    if measure == NET:
        return find_net_order_value(customers)
    if measure == "active_customers":
        return float((buyers["recency_days"] < YEAR_DAYS).sum())
    if measure == "lapsed_share":
        is_lapsed = mark_lapsed(buyers)
        return None if is_lapsed is None else float(is_lapsed.mean())
    return float((orders >= 2).mean() if measure == "repeat_share" else orders.mean())


def _read_number(figure: ibis.Scalar) -> float | None:
    number = figure.execute()
    return None if pd.isna(number) else float(number)


def measure_kpis(
    goals: tuple[Goal, ...], customers: pd.DataFrame, tables: dict[str, ibis.Table]
) -> pd.DataFrame:
    """Measure each goal's KPI against its target; ``met`` is yes, no, no target or no data.

    A mean order value is net of returns, and meets a target or misses it as such; where both are
    known ``gross_value`` has it before returns, and ``gross_met`` what that would have said.
    """
    rows = []
    for goal in goals:
        value = measure_kpi(goal.kpi, customers, tables)
        has_lines = "order_lines" in tables
        measure = name_measure(goal.kpi, has_lines=has_lines)
        is_both = goal.kpi == "mean_order_value" and has_lines
        gross = _measure_buyers(GROSS, customers) if is_both else None
        row = (goal.name, goal.text, goal.kpi, measure, value, goal.target, _meet(goal, value))
        rows.append((*row, gross, _meet(goal, gross)))
    columns = ["goal", "text", "kpi", "measure", "value", "target", "met"]
    columns += ["gross_value", "gross_met"]
    return pd.DataFrame(rows, columns=columns).astype({"gross_value": float})


def name_measure(kpi: str, *, has_lines: bool) -> str:
    """Name what a KPI measures; what is not summed from order lines is as the plan gives it."""
    return AS_GIVEN if kpi == "mean_order_value" and not has_lines else MEASURES[kpi]


def _meet(goal: Goal, value: float | None) -> str:
    """Say whether a value meets a goal's target."""
    if value is None:
        return "no data"
    if goal.target is None:
        return "no target"
    sign = -1 if goal.kpi in LOWER_IS_BETTER else 1
    return "yes" if sign * value >= sign * goal.target else "no"


def find_net_order_value(customers: pd.DataFrame) -> float:
    """Return all customers' spend, net of returns, over their orders; NaN without orders."""
    known = customers[["total_spend", "order_count"]].astype(float).dropna()
    return float(divide_by_orders(known["total_spend"].sum(), known["order_count"].sum()))


def choose_value(customers: pd.DataFrame) -> str:
    """Return the column of value: profit where 19 customers in 20 have one, else net spend."""
    known = customers["total_profit"].notna().mean() if "total_profit" in customers else 0.0
    return "total_profit" if known >= 0.95 else "total_spend"
