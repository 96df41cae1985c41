"""The device customers use most, their first and last source, their last moment (B5, B11, B15)."""

from __future__ import annotations

import datetime

import ibis
from ibis import _, ir

from segkit.features.expressions import days_until

USED = ("device", "operating_system", "browser")
TOUCHES = ("source", "medium", "campaign")


def choose_values(events: ir.Table, as_of: datetime.date, moments: tuple[str, ...]) -> ir.Table:
    """Choose the most used device and the like, first and last source, and the last moment.

    Events are first summed by customer and value, once for all three; ties go to the alphabet.
    """
    columns = [name for name in (*USED, *TOUCHES) if name in events.columns]
    parts = [_sum_values(events, name, name) for name in columns]
    of_moments = events.filter(events.event_type.isin(moments))
    parts.append(_sum_values(of_moments, "event_type", "last_moment"))
    sums = ibis.union(*parts) if len(parts) > 1 else parts[0]
    sums = sums.mutate(
        most_place=_rank_values(ibis.desc("count")),
        first_place=_rank_values(ibis.asc("first")),
        last_place=_rank_values(ibis.desc("last")),
    )

    def take(name: str, place: str) -> ir.Value:
        return sums["value"].max(where=(sums["name"] == name) & (sums[place] == 0))

    chosen = {}
    for name in columns:
        if name in USED:
            chosen[name] = take(name, "most_place")
        else:
            chosen[name] = take(name, "first_place")
            chosen[f"last_{name}"] = take(name, "last_place")
    chosen["last_moment"] = take("last_moment", "last_place")
    moment = sums["last"].max(where=sums["name"] == "last_moment")
    chosen["days_since_moment"] = days_until(moment, as_of)
    return sums.group_by("customer_id").aggregate(**chosen)


def _sum_values(events: ir.Table, column: str, name: str) -> ir.Table:
    """Count each customer's events by the value of a column, which is called ``name``."""
    known = events.filter(events[column].notnull())
    groups = known.group_by(_.customer_id, value=known[column], name=ibis.literal(name))
    return groups.aggregate(count=_.count(), first=_.occurred_at.min(), last=_.occurred_at.max())


def _rank_values(order: ir.Value) -> ir.Value:
    """Return the place of a value among those of its customer and name; ties by alphabet."""
    order_by = [order, ibis.asc("value")]
    return ibis.row_number().over(group_by=["customer_id", "name"], order_by=order_by)
