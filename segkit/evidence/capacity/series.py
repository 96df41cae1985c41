"""What each goal's KPI was at the end of each quarter of a year, as far back as orders go.

A quarter here is 91 days, counted back from the last day counted, so that the last one is whole.
Money is left to the KPIs of the experience step, which know who makes a sum.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import pandas as pd
from ibis import _

from segkit.core.absence import is_missing
from segkit.core.settings import Settings
from segkit.evidence.segment_summaries import keep_delivered
from segkit.features.expressions import days_until, keep_until
from segkit.features.rhythm import list_orders
from segkit.plan.models import Goal

QUARTER_DAYS = 91
FEWEST_POINTS = 4  # so many quarters tell what was seen
COLUMNS = ("goal", "kpi", "quarter", "value", "customer_count")
OF_ORDERS = ("repeat_share", "orders_per_customer")


def collect_series(
    goals: tuple[Goal, ...], tables: Mapping[str, ibis.Table], *, at: Settings
) -> pd.DataFrame:
    """Return what the goals' KPIs were at the end of each quarter, all time until then.

    They are the share of buyers with two orders or more, the orders of a buyer, and the share of
    delivered messages that were opened (of the quarter alone). The last point of the first two is
    the KPI as it is now.

    Returns
    -------
    DataFrame
        ``goal``, ``kpi``, ``quarter`` (0 for the last one, 1 for the one before ...), ``value`` and
        ``customer_count``, the oldest first; goals with another KPI have no rows.
    """
    parts = []
    kpis = {goal.kpi for goal in goals}
    if kpis & set(OF_ORDERS) and "order_lines" in tables:
        parts.append(_follow_orders(tables["order_lines"], at))
    if "open_share" in kpis and not is_missing(tables.get("messages"), "opened", "sent_at"):
        parts.append(_follow_opens(tables["messages"], at))
    rows = [
        found[found["kpi"] == goal.kpi].assign(goal=goal.name) for goal in goals for found in parts
    ]
    if not rows:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(rows, ignore_index=True)[list(COLUMNS)]


def _follow_orders(order_lines: ibis.Table, at: Settings) -> pd.DataFrame:
    """Return the KPIs of orders at the end of each quarter, by counts of the engine."""
    lines = keep_until(order_lines, "ordered_at", at.as_of).filter(_.customer_id.notnull())
    orders = list_orders(lines).filter(_.is_sale_)
    turn = ibis.row_number().over(group_by="customer_id", order_by=[orders.at_, orders.order_])
    quarter = (days_until(orders.day_, at.as_of) // QUARTER_DAYS).cast("int64")
    dated = orders.mutate(turn=turn, quarter=quarter)
    counted = dated.group_by("quarter").aggregate(
        first=(_.turn == 0).sum(), second=(_.turn == 1).sum(), orders=_.count()
    )
    table = counted.to_pandas().sort_values("quarter", ascending=False, ignore_index=True)
    # The oldest quarter is rarely whole, and whoever ordered in it is new in it.
    sums = table.set_index("quarter").astype(float).cumsum()
    shares = {
        "repeat_share": sums["second"] / sums["first"],
        "orders_per_customer": sums["orders"] / sums["first"],
    }
    return pd.concat(
        [
            pd.DataFrame({"value": values, "customer_count": sums["first"].astype(int)})
            .reset_index()
            .assign(kpi=kpi)
            for kpi, values in shares.items()
        ],
        ignore_index=True,
    )


def _follow_opens(messages: ibis.Table, at: Settings) -> pd.DataFrame:
    """Return the share of each quarter's delivered messages that were opened."""
    sent = keep_delivered(keep_until(messages, "sent_at", at.as_of))
    quarter = (days_until(sent.sent_at.date(), at.as_of) // QUARTER_DAYS).cast("int64")
    counted = sent.group_by(quarter=quarter).aggregate(
        value=_.opened.fill_null(False).mean(), customer_count=_.customer_id.nunique()
    )
    table = counted.to_pandas().sort_values("quarter", ascending=False, ignore_index=True)
    return table.assign(kpi="open_share")
