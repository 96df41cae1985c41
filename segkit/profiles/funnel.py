"""How far the customers came, from a visit to a second order."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import pandas as pd
from ibis import _, ir

from segkit.core.absence import empty_table
from segkit.features.behavioural import FUNNEL, STEPS, find_funnel_step
from segkit.features.engagement import TIMES
from segkit.features.expressions import keep_known, keep_until

NOBODY = "No table names enough customers."
TOO_FEW_STEPS = (
    "Fewer than two steps are recorded of the customers, so how far they come is not told."
)
COLUMNS = ("step", "customer_count", "known_share", "step_share", "seen_count")
FEWEST_STEPS = 2
ORDER_STEPS = FUNNEL[-2:]


def count_funnel(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> pd.DataFrame:
    """Count the customers whom any table names by how far they came, from a visit to orders.

    Who took a step counts for the steps before it too; see `pool_steps` for what may be shown. A
    step that is recorded of nobody is left out: nothing is known of it, and who took a later one
    would be all that it counts.

    Returns
    -------
    pandas.DataFrame
        One row a recorded step, the first one first: ``step``, ``customer_count``, ``known_share``
        (of all known), ``step_share`` (of those who took the step before), ``seen_count`` (of whom
        the step itself is recorded). No rows where no table names customers, or fewer than two
        steps are recorded.
    """
    parts = _list_furthest(tables, as_of)
    if not parts:
        return empty_table(COLUMNS, NOBODY)
    reached = ibis.union(*parts) if len(parts) > 1 else parts[0]
    reached = reached.filter(_.customer_id.notnull())
    seen = reached.group_by("step").aggregate(count=_.customer_id.nunique())
    seen = _fetch_counts(seen)
    furthest = reached.group_by("customer_id").aggregate(step=_.step.max()).group_by("step")
    counts = _fetch_counts(furthest.aggregate(count=_.customer_id.count()))
    seen = _complete_seen(seen, known=int(counts.sum()))
    if len(seen) - 1 < FEWEST_STEPS:
        return empty_table(COLUMNS, TOO_FEW_STEPS)
    steps = [(FUNNEL[place], int(counts[counts.index >= place].sum())) for place in seen.index]
    funnel = _add_shares(pd.DataFrame(steps, columns=list(COLUMNS[:2])))
    return funnel.assign(seen_count=seen.to_numpy())


def _fetch_counts(counted: ir.Table) -> pd.Series:
    return counted.to_pandas().set_index("step")["count"].sort_index().astype(int)


def _complete_seen(seen: pd.Series, *, known: int) -> pd.Series:
    """Return of how many customers each recorded step is, by its place; all are known."""
    return pd.concat([pd.Series({0: known}), seen.drop(0, errors="ignore")])


def list_unrecorded(funnel: pd.DataFrame) -> list[str]:
    """List the steps that are recorded of nobody, in their order; none of a funnel without rows.

    ``funnel`` is what `count_funnel` returned.
    """
    if funnel.empty:
        return []
    return [step for step in FUNNEL if step not in set(funnel["step"])]


def pool_steps(funnel: pd.DataFrame, *, smallest_cell: int) -> pd.DataFrame:
    """Put each step that tells of few customers with the one before.

    Those who took a step are among those who took the one before, so the difference tells of
    those who stopped between. Neither they nor those who took it may be fewer than
    ``smallest_cell``, unless nobody stopped. Nor may those be few of whom a step is recorded, or
    of whom it is not.
    """
    if funnel.empty:
        return funnel
    kept = []
    before = None
    for place, count in funnel["customer_count"].items():
        enough_stopped = before in (None, count) or before - count >= smallest_cell
        if count >= smallest_cell and enough_stopped:
            kept.append(place)
            before = count
    if not kept:
        return empty_table(COLUMNS, NOBODY)
    return _cover_seen(_add_shares(funnel.loc[kept].reset_index(drop=True)), smallest_cell)


def _cover_seen(funnel: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Return the steps without a count of those seen that tells of few customers.

    All who are seen at a step on the site are seen on a visit, so that difference counts too.
    """
    seen = funnel["seen_count"].astype("Int64")
    visitors = seen[funnel["step"] == "visit"]
    wholes = [funnel["customer_count"].astype("Int64")]
    if len(visitors):
        on_site = funnel["step"].isin(STEPS) & (funnel["step"] != "visit")
        wholes.append(seen.mask(on_site, visitors.iloc[0]))
    is_few = seen < smallest_cell
    for whole in wholes:
        is_few |= (whole - seen).between(1, smallest_cell - 1)
    return funnel.assign(seen_count=seen.mask(is_few))


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
        visit = ibis.literal(FUNNEL.index("visit"), "int64")
        parts.append(events.select("customer_id", step=visit))
    if "order_lines" in tables:
        lines = keep_until(tables["order_lines"], "ordered_at", as_of)
        lines = lines.filter(lines.line_type == "sale").group_by("customer_id")
        buyers = lines.aggregate(orders=_.order_id.nunique())
        order, second = (ibis.literal(FUNNEL.index(name), "int64") for name in ORDER_STEPS)
        parts.append(buyers.select("customer_id", step=order))
        parts.append(buyers.filter(_.orders > 1).select("customer_id", step=second))
    return parts


def _add_shares(steps: pd.DataFrame) -> pd.DataFrame:
    counts = steps["customer_count"]
    return steps.assign(known_share=counts / counts.max(), step_share=counts / counts.shift())
