"""A KPI for each goal, with its target."""

from __future__ import annotations

import ibis
import pandas as pd

from segkit.plan import MEASURES, Goal

LOWER_IS_BETTER = {"lapsed_share", "resolution_hours"}
LAPSED_DAYS = 180
YEAR_DAYS = 365


def measure_kpi(
    measure: str, customers: pd.DataFrame, tables: dict[str, ibis.Table]
) -> float | None:
    """Compute one measure of :data:`segkit.plan.MEASURES`; ``None`` if its table is missing.

    Parameters
    ----------
    measure : str
    customers : DataFrame
        One row a customer with ``order_count``, ``recency_days``, ``mean_order_value`` and
        ``spend_last_365_days``.
    tables : dict of str to ibis.Table
        Accepted rows; ``messages`` and ``tickets`` are read where the measure needs them.
    """
    buyers = customers[customers["order_count"] > 0]
    if measure == "open_share":
        return _measure_opens(tables)
    if measure == "resolution_hours":
        return _measure_resolution(tables)
    if buyers.empty:
        return None
    orders = buyers["order_count"].sum()
    values = {
        "total_spend": customers["spend_last_365_days"].sum(),
        "active_customers": (buyers["recency_days"] < YEAR_DAYS).sum(),
        "repeat_share": (buyers["order_count"] >= 2).mean(),
        "mean_order_value": (buyers["mean_order_value"] * buyers["order_count"]).sum() / orders,
        "orders_per_customer": orders / len(buyers),
        "lapsed_share": (buyers["recency_days"] >= LAPSED_DAYS).mean(),
    }
    return float(values[measure])


def _measure_opens(tables: dict[str, ibis.Table]) -> float | None:
    messages = tables.get("messages")
    if messages is None or "opened" not in messages.columns:
        return None
    if "arm" in messages.columns:
        messages = messages.filter(messages["arm"].fill_null("") != "control")
    if "bounced" in messages.columns:
        messages = messages.filter(~messages["bounced"].fill_null(False))
    share = messages["opened"].fill_null(False).mean().execute()
    return None if pd.isna(share) else float(share)


def _measure_resolution(tables: dict[str, ibis.Table]) -> float | None:
    tickets = tables.get("tickets")
    if tickets is None or "resolved_at" not in tickets.columns:
        return None
    hours = (tickets["resolved_at"].epoch_seconds() - tickets["opened_at"].epoch_seconds()) / 3600
    median = hours.median().execute()
    return None if pd.isna(median) else float(median)


def measure_kpis(
    goals: tuple[Goal, ...], customers: pd.DataFrame, tables: dict[str, ibis.Table]
) -> pd.DataFrame:
    """Measure each goal's KPI against its target.

    Returns
    -------
    DataFrame
        One row a goal: ``goal``, ``text``, ``kpi``, ``measure``, ``value``, ``target`` and ``met``
        (yes, no, or no target or no data).
    """
    rows = []
    for goal in goals:
        value = measure_kpi(goal.kpi, customers, tables)
        if value is None:
            met = "no data"
        elif goal.target is None:
            met = "no target"
        else:
            reached = value <= goal.target if goal.kpi in LOWER_IS_BETTER else value >= goal.target
            met = "yes" if reached else "no"
        rows.append((goal.name, goal.text, goal.kpi, MEASURES[goal.kpi], value, goal.target, met))
    columns = ["goal", "text", "kpi", "measure", "value", "target", "met"]
    return pd.DataFrame(rows, columns=columns)


def choose_value(customers: pd.DataFrame) -> str:
    """Return the column that measures a customer's value.

    Profit where it is known for nineteen customers in twenty, else spend net of returns.
    """
    known = customers["total_profit"].notna().mean() if "total_profit" in customers else 0.0
    return "total_profit" if known >= 0.95 else "total_spend"
