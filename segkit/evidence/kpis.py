"""A KPI for each goal, with its target."""

from __future__ import annotations

import ibis
import pandas as pd

from segkit.core.absence import is_missing
from segkit.evidence.by_segment import keep_delivered
from segkit.plan.models import MEASURES, Goal

# The feature that each measure of buyers reads, beside their orders.
READ = {"total_spend": "spend_last_365_days", "mean_order_value": "mean_order_value"}
READ |= {"active_customers": "recency_days", "lapsed_share": "recency_days"}
LOWER_IS_BETTER = {"lapsed_share", "resolution_hours"}
LAPSED_DAYS = 180
YEAR_DAYS = 365


def measure_kpi(
    measure: str, customers: pd.DataFrame, tables: dict[str, ibis.Table]
) -> float | None:
    """Compute one of :data:`segkit.plan.models.MEASURES`; ``None`` if its table is missing."""
    messages, tickets = tables.get("messages"), tables.get("tickets")
    if measure == "open_share":
        if is_missing(messages, "opened"):
            return None
        return _read_number(keep_delivered(messages)["opened"].fill_null(False).mean())
    if measure == "resolution_hours":
        if is_missing(tickets, "resolved_at"):
            return None
        seconds = tickets["resolved_at"].epoch_seconds() - tickets["opened_at"].epoch_seconds()
        return _read_number((seconds / 3600).median())
    column = READ.get(measure, "order_count")
    if not {"order_count", column} <= set(customers) or not (customers["order_count"] > 0).any():
        return None
    buyers = customers[customers["order_count"] > 0]
    orders, read = buyers["order_count"], buyers[column]
    values = {
        "total_spend": customers[column].sum(),
        "active_customers": (read < YEAR_DAYS).sum(),
        "repeat_share": (orders >= 2).mean(),
        "mean_order_value": (read * orders).sum() / orders.sum(),
        "orders_per_customer": orders.mean(),
        "lapsed_share": (read >= LAPSED_DAYS).mean(),
    }
    return float(values[measure])


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
