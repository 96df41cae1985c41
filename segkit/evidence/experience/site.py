"""How far visits to the site come: from a view to an order, by segment, device and source.

Each step counts the visits in which it was itself recorded. A step that no event names is missing:
it is not filled from later steps, and not from orders, which may have been placed elsewhere.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.measures import LARGEST, SECOND, bound_contributions
from segkit.core.statistics import bound_clustered_share
from segkit.evidence.experience.engagement import NO_EVENTS
from segkit.evidence.experience.message_shares import find_few
from segkit.features.expressions import count_true, fetch, keep_until

STEPS = ("view", "cart", "checkout", "order")
PARTS = ("share", "low", "high")
UNKNOWN = "not known"


def summarise_visits(
    events: Table | None,
    segments: pd.DataFrame | None = None,
    *,
    as_of: datetime.date | None = None,
    by: str = "segment_name",
    recorded: Sequence[str] | None = None,
    smallest_cell: int = 1,
) -> pd.DataFrame:
    """Summarise in how many visits each step towards an order was taken.

    A visit is a session; without sessions it is all that a customer did on one day. Several visits
    of a customer are not independent, so intervals are of visitors; who is not known counts as a
    visitor of that visit alone.

    Parameters
    ----------
    events : ibis.Table or None
        ``event_type``, and ``session_id`` or ``customer_id`` and ``occurred_at``.
    segments : DataFrame, optional
        ``customer_id`` and ``segment_name``; needed for ``by="segment_name"``, and left out
        otherwise, so that visits of people whom nobody knows count as well.
    as_of : date, optional
        The last day counted.
    by : str, optional
        ``segment_name``, or a column of events such as ``device`` or ``source``; of more than six
        values the rarer ones are "others".
    recorded : sequence of str, optional
        The steps that events name, see `list_recorded_steps`; found out, if not given.
    smallest_cell : int, optional
        A share that fewer visitors, but some, make is missing, and where it is the only one the
        next smallest as well.

    Returns
    -------
    DataFrame
        The group, visitor_count, visit_count, and of each step view_share, cart_share,
        checkout_share and order_share (of the visits) with a 95 % interval in ``view_low`` and so
        on, missing where no event names the step; with the largest contributions for the gate.
    """
    columns = [by, "visitor_count", "visit_count"]
    columns += [f"{step}_{part}" for step in STEPS for part in PARTS]
    columns += [f"visit_count{LARGEST}", f"visit_count{SECOND}"]
    if events is None or is_missing(events, "event_type"):
        return empty_table(columns, NO_EVENTS)
    if by != "segment_name" and is_missing(events, by):
        return empty_table(columns, f"The events have no column of the {by}.")
    if as_of is not None and "occurred_at" in events.columns:
        events = keep_until(events, "occurred_at", as_of)
    visits = _list_visits(events, segments, by)
    if visits is None:
        return empty_table(columns, "The events have neither sessions nor customers with a time.")
    found = _sum_visits(visits, by)
    if found.empty:
        return empty_table(columns, NO_EVENTS)
    recorded = list_recorded_steps(events) if recorded is None else recorded
    table = _describe_steps(found, recorded, by=by, smallest_cell=smallest_cell)
    return table.reindex(columns=columns)


def list_recorded_steps(events: Table | None) -> list[str]:
    """List the steps that any event names."""
    if events is None or is_missing(events, "event_type"):
        return []
    kinds = fetch(events.agg(**{step: count_true(_.event_type == step) for step in STEPS})).iloc[0]
    return [step for step in STEPS if kinds[step] > 0]


def _list_visits(events: Table, segments: pd.DataFrame | None, by: str) -> Table | None:
    """Return one row a visit: the group, the visitor, and which steps were taken."""
    has_customers = "customer_id" in events.columns
    if by == "segment_name":
        if not has_customers or segments is None:
            return None
        members = ibis.memtable(segments[["customer_id", "segment_name"]].astype(str))
        events = events.inner_join(members, "customer_id")
    else:
        events = _name_groups(events, by)
    if "session_id" in events.columns:
        events = events.filter(_.session_id.notnull()).mutate(visit_=_.session_id.cast("string"))
        visitor = ibis.coalesce(_.customer_id, _.visit_) if has_customers else _.visit_
        keys = ["visit_"]
    elif has_customers and "occurred_at" in events.columns:
        events = events.filter(_.customer_id.notnull()).mutate(visit_=_.occurred_at.cast("date"))
        visitor = _.customer_id
        keys = ["customer_id", "visit_"]
    else:
        return None
    measures = {step: (_.event_type == step).any().cast("int64") for step in STEPS}
    # A session in which the device changed counts where the first by name is.
    grouped = events.mutate(visitor_=visitor).group_by(keys)
    return grouped.agg(**{by: _[by].min(), "visitor_": _.visitor_.min()}, **measures)


def _name_groups(events: Table, by: str) -> Table:
    """Return events with the rarer values of a column called others."""
    named = events[by].cast("string").fill_null(UNKNOWN)
    counts = named.name("value").as_table().group_by("value").agg(count=_.count())
    found = fetch(counts.order_by([ibis.desc("count"), "value"]).limit(8))
    common = found["value"].astype(str).tolist()
    if len(common) > 6:
        named = ibis.ifelse(named.isin(common[:6]), named, "others")
    return events.mutate(**{by: named})


def _sum_visits(visits: Table, by: str) -> pd.DataFrame:
    """Sum each visitor's visits and steps in the engine, and then these and their squares."""
    sums = {step: _[step].sum() for step in STEPS}
    each = visits.group_by([by, "visitor_"]).agg(visits=_.count(), **sums)
    measures = {
        "visitor_count": _.count(),
        "visit_count": _.visits.sum(),
        "visit_squares": (_.visits * _.visits).sum(),
        "most": _.visits.max(),
    }
    for step in STEPS:
        measures |= {
            step: _[step].sum(),
            f"{step}_squares": (_[step] * _[step]).sum(),
            f"{step}_products": (_[step] * _.visits).sum(),
            f"{step}_people": count_true(_[step] > 0),
        }
    found = fetch(each.group_by(by).agg(**measures))
    return found.sort_values(by, ignore_index=True)


def _describe_steps(
    found: pd.DataFrame, recorded: Sequence[str], *, by: str, smallest_cell: int
) -> pd.DataFrame:
    table = found[[by, "visitor_count", "visit_count"]].astype(
        {"visitor_count": "int64", "visit_count": "int64"}
    )
    ends = [f"visit_count{LARGEST}", f"visit_count{SECOND}"]
    table[ends] = bound_contributions(table["visit_count"], found["most"])
    visits = found["visit_count"].astype(float)
    for step in STEPS:
        if step not in recorded:
            table[[f"{step}_{part}" for part in PARTS]] = np.nan
            continue
        hits = found[step].astype(float)
        low, high = bound_clustered_share(
            hits,
            visits,
            hit_squares=found[f"{step}_squares"],
            products=found[f"{step}_products"],
            trial_squares=found["visit_squares"],
            clusters=found["visitor_count"],
        )
        is_few = find_few(found[f"{step}_people"], smallest_cell)
        for part, values in zip(PARTS, (hits / visits, low, high), strict=True):
            table[f"{step}_{part}"] = pd.Series(values, index=found.index).mask(is_few)
    return table


def list_missing_steps(visits: pd.DataFrame) -> list[str]:
    """List the steps that no event names, of a table of `summarise_visits`."""
    if visits.empty:
        return []
    return [step for step in STEPS if visits[f"{step}_share"].isna().all()]
