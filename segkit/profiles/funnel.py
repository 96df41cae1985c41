"""How far the customers came, from a visit to a second order."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import pandas as pd
from ibis import _, ir

from segkit.core.absence import empty_table
from segkit.features.behavioural import FUNNEL, find_funnel_step
from segkit.features.engagement import TIMES
from segkit.features.expressions import keep_known, keep_until

NOBODY = "No table names enough customers."
COLUMNS = ("step", "customer_count", "known_share", "step_share")


def count_funnel(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> pd.DataFrame:
    """Count the customers whom any table names by how far they came, from a visit to orders.

    Who took a step counts for the steps before it too; see `pool_steps` for what may be shown.

    Returns
    -------
    pandas.DataFrame
        One row a step, the first one first: ``step``, ``customer_count``, ``known_share`` (of all
        known), ``step_share`` (of those who took the step before). No rows where no table names
        customers.
    """
    parts = _list_furthest(tables, as_of)
    if not parts:
        return empty_table(COLUMNS, NOBODY)
    reached = ibis.union(*parts) if len(parts) > 1 else parts[0]
    reached = reached.filter(_.customer_id.notnull()).group_by("customer_id")
    furthest = reached.aggregate(step=_.step.max()).group_by("step")
    counts = furthest.aggregate(count=_.customer_id.count()).to_pandas().set_index("step")["count"]
    steps = [(name, int(counts[counts.index >= place].sum())) for place, name in enumerate(FUNNEL)]
    return _add_shares(pd.DataFrame(steps, columns=list(COLUMNS[:2])))


def pool_steps(funnel: pd.DataFrame, *, smallest_cell: int) -> pd.DataFrame:
    """Put each step that tells of few customers with the one before.

    Those who took a step are among those who took the one before, so the difference tells of
    those who stopped between. Neither they nor those who took it may be fewer than
    ``smallest_cell``, unless nobody stopped.
    """
    kept = []
    before = None
    for place, count in funnel["customer_count"].items():
        enough_stopped = before in (None, count) or before - count >= smallest_cell
        if count >= smallest_cell and enough_stopped:
            kept.append(place)
            before = count
    if not kept:
        return empty_table(COLUMNS, NOBODY)
    return _add_shares(funnel.loc[kept].reset_index(drop=True))


def _list_furthest(tables: Mapping[str, ir.Table], as_of: datetime.date) -> list[ir.Table]:
    """Return tables of ``customer_id`` and ``step``, the number of a step that was taken."""
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
    return parts


def _add_shares(steps: pd.DataFrame) -> pd.DataFrame:
    counts = steps["customer_count"]
    return steps.assign(known_share=counts / counts.max(), step_share=counts / counts.shift())
