"""Where customers stand: prospects, new, active, loyal, at risk, lapsed (base B14).

*Lapsed* has this one definition: overdue by more than nearly all customers ever were before they
came back (`Habits.lapsed_ratio`), and where too few gaps between orders are known to learn that,
no order for more than 365 days. The KPI and the ready-made rules follow it; the ``cuts`` of a plan
override it for their scheme alone.
"""

from __future__ import annotations

import ibis
import pandas as pd
from ibis import ir

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.features.habits import AT_RISK_SHARE, LAPSED_SHARE, LEAST_GAPS, Habits

NEW_DAYS = 90
# These two hold where nothing could be learned.
AT_RISK_DAYS = 180
LAPSED_DAYS = 365
LOYAL_ORDERS = 5
# What a stage is told from: where it makes segments, they differ in these by construction.
STAGE_COLUMNS = ("recency_days", "overdue_ratio", "tenure_days", "order_count")
CUT_COLUMNS = (
    "stage", "rule", "cut", "unit", "is_learned", "longer_share", "limit", "gap_count",
    "least_gap_count",
)  # fmt: skip


def name_stage(table: ir.Table, habits: Habits) -> ir.StringValue:
    """Name each customer's stage by ``recency_days``, ``overdue_ratio``, tenure and orders."""
    if habits.lapsed_ratio:
        is_lapsed = table.overdue_ratio > habits.lapsed_ratio
        is_at_risk = table.overdue_ratio > habits.at_risk_ratio
    else:
        is_lapsed = table.recency_days > LAPSED_DAYS
        is_at_risk = table.recency_days > AT_RISK_DAYS
    return ibis.cases(
        (table.recency_days.isnull(), "never bought"),
        (is_lapsed, "lapsed"),
        (is_at_risk, "at risk"),
        (table.tenure_days <= NEW_DAYS, "new"),
        (table.order_count == 1, "one order"),
        (table.order_count >= LOYAL_ORDERS, "loyal"),
        else_="active",
    )


def mark_lapsed(customers: pd.DataFrame) -> pd.Series | None:
    """Say who has lapsed, from the customer table: by stage, else by days since the last order.

    None where the table has neither.
    """
    if "journey_stage" in customers:
        return customers["journey_stage"] == "lapsed"
    if "recency_days" in customers:
        return customers["recency_days"] > LAPSED_DAYS
    return None


def list_cuts(customers: pd.DataFrame, habits: Habits) -> pd.DataFrame:
    """List the cut points of the journey stages that a customer table was built with.

    ``habits`` are those that it was built with, see `CustomerTable`.

    Returns
    -------
    pandas.DataFrame
        ``stage``, ``rule`` (in words), ``cut``, ``unit`` (days, orders, or times the expected gap),
        ``is_learned``, ``longer_share`` (of the gaps that ended, at most so many were longer than a
        learned cut), ``limit`` (cut and unit in words), ``gap_count`` (the gaps learned from) and
        ``least_gap_count`` (how many it takes to learn); the first rule that holds names the stage.
        No rows where nobody buys.
    """
    if "journey_stage" not in customers.columns:
        return empty_table(CUT_COLUMNS, NO_PURCHASES)
    if habits.lapsed_ratio is not None:
        unit = "times the expected gap"
        at_risk_share = 1 - AT_RISK_SHARE
        lapsed_share = 1 - LAPSED_SHARE
        rows = [
            ("lapsed", "no order for more than", habits.lapsed_ratio, unit, True, lapsed_share),
            ("at risk", "no order for more than", habits.at_risk_ratio, unit, True, at_risk_share),
        ]
    else:
        rows = [
            ("lapsed", "no order for more than", LAPSED_DAYS, "days", False, None),
            ("at risk", "no order for more than", AT_RISK_DAYS, "days", False, None),
        ]
    rows += [
        ("new", "first order ago, at most", NEW_DAYS, "days", False, None),
        ("one order", "orders, exactly", 1, "order", False, None),
        ("loyal", "orders, at least", LOYAL_ORDERS, "orders", False, None),
    ]
    table = pd.DataFrame(rows, columns=list(CUT_COLUMNS[:6]))
    return table.assign(
        longer_share=table["longer_share"].astype(float),
        limit=table["cut"].map("{:g} ".format) + table["unit"],
        gap_count=habits.gap_count,
        least_gap_count=LEAST_GAPS,
    )
