"""A KPI for each goal, with its target."""

from __future__ import annotations

import ibis
import pandas as pd

from segkit.core.absence import is_missing
from segkit.evidence.segment_summaries import keep_delivered
from segkit.features.journey import mark_lapsed
from segkit.features.purchases import find_mean_order_value
from segkit.plan.models import MEASURES, Goal

# The features that a measure of buyers reads, beside their orders.
NEEDED = {
    "total_spend": "spend_last_365_days",
    "mean_order_value": "mean_order_value",
    "active_customers": "recency_days",
}
LOWER_IS_BETTER = {"lapsed_share", "resolution_hours"}
YEAR_DAYS = 365


def measure_kpi(
    measure: str, customers: pd.DataFrame, tables: dict[str, ibis.Table]
) -> float | None:
    """Compute one of :data:`segkit.plan.models.MEASURES`; ``None`` if its table is missing."""
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
    if measure == "mean_order_value":
        return find_mean_order_value(buyers)
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
    """Measure each goal's KPI against its target; ``met`` is yes, no, no target or no data."""
    rows = []
    for goal in goals:
        value = measure_kpi(goal.kpi, customers, tables)
        met = "no data" if value is None else "no target"
        if value is not None and goal.target is not None:
            sign = -1 if goal.kpi in LOWER_IS_BETTER else 1
            met = "yes" if sign * value >= sign * goal.target else "no"
        rows.append((goal.name, goal.text, goal.kpi, MEASURES[goal.kpi], value, goal.target, met))
    columns = ["goal", "text", "kpi", "measure", "value", "target", "met"]
    return pd.DataFrame(rows, columns=columns)


def choose_value(customers: pd.DataFrame) -> str:
    """Return the column of value: profit where 19 customers in 20 have one, else net spend."""
    known = customers["total_profit"].notna().mean() if "total_profit" in customers else 0.0
    return "total_profit" if known >= 0.95 else "total_spend"
