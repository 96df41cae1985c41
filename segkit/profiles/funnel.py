"""How far the customers came, from a visit to a second order."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import pandas as pd
from ibis import _, ir

from segkit.features.engagement import TIMES
from segkit.features.expressions import keep_known, keep_until
from segkit.features.visits import FUNNEL, find_funnel_step


def count_funnel(
    tables: Mapping[str, ir.Table], *, as_of: datetime.date, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count the customers whom any table names by how far they came, from a visit to orders.

    Who took a step counts for the steps before it too. A step that fewer than ``smallest_cell``
    customers reached, or fewer than that did not reach of those before, is put with the one before.

    Returns
    -------
    pandas.DataFrame
        ``step``, ``customer_count``, ``known_share`` (of all known), ``step_share`` (of those who
        took the step before).
    """
    parts = []
    for name, column in {**TIMES, "customers": "signed_up_on"}.items():
        if name in tables and "customer_id" in tables[name].columns:
            known = keep_known(tables[name], column, as_of)
            parts.append(known.select("customer_id", step=ibis.literal(0, "int64")))
    if "events" in tables and "customer_id" in tables["events"].columns:
        events = keep_until(tables["events"], "occurred_at", as_of)
        parts.append(events.select("customer_id", step=find_funnel_step(events.event_type)))
    if "order_lines" in tables:
        lines = keep_until(tables["order_lines"], "ordered_at", as_of)
        lines = lines.filter(lines.line_type == "sale").group_by("customer_id")
        several = lines.aggregate(orders=_.order_id.nunique()).mutate(more=_.orders > 1)
        order, last = (ibis.literal(FUNNEL.index(name), "int64") for name in FUNNEL[-2:])
        parts.append(several.select("customer_id", step=ibis.ifelse(_.more, last, order)))
    columns = ["step", "customer_count", "known_share", "step_share"]
    if not parts:
        return pd.DataFrame(columns=columns)
    reached = ibis.union(*parts) if len(parts) > 1 else parts[0]
    reached = reached.filter(_.customer_id.notnull()).group_by("customer_id")
    furthest = reached.aggregate(step=_.step.max()).group_by("step")
    counts = furthest.aggregate(count=_.customer_id.count()).to_pandas().set_index("step")["count"]
    rows: list[tuple[str, int]] = []
    for place, name in enumerate(FUNNEL):
        count = int(counts[counts.index >= place].sum())
        before = rows[-1][1] if rows else count + smallest_cell
        if count >= smallest_cell and (before == count or before - count >= smallest_cell):
            rows.append((name, count))
    table = pd.DataFrame(rows, columns=columns[:2])
    table["known_share"] = table["customer_count"] / table["customer_count"].max()
    table["step_share"] = table["customer_count"] / table["customer_count"].shift()
    return table
