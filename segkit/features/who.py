"""Who is in a scheme: its buyers, or everybody whom the tables know.

A scheme says ``who = "everybody"`` where people without an order shall have a segment too, such as
leads. What counts or sums up orders is 0 for them, since there is none; whatever else tells of
orders, such as the days since the last one, is not known of them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

import ibis
import pandas as pd
from ibis import _, ir

from segkit.core.absence import empty_table
from segkit.features.expressions import keep_known, keep_until
from segkit.features.sales import is_sale, leave_out_taken_back
from segkit.plan.models import Scheme

BUYERS = "buyers"
EVERYBODY = "everybody"
NEVER_STAGE = "never bought"
# What is 0 for a customer without an order, beside counts and the spend of the last days.
SUMS = ("total_spend", "total_profit")
WITH_ORDER = "with an order"
WITHOUT_ORDER = "without an order"
COLUMNS = ("who", "customer_count")


def asks_everybody(schemes: Iterable[Scheme]) -> bool:
    """Return whether a scheme is of everybody, so that people without orders are to be read."""
    return any(scheme.who == EVERYBODY for scheme in schemes)


def add_people(purchases: ir.Table, others: ir.Table | None) -> ir.Table:
    """Add to what customers bought a row for each of the others, who bought nothing.

    ``purchases`` is what `summarise_purchases` returned, ``others`` any table of customers. Counts
    and sums are 0 in the new rows, the stage is "never bought" and the rest null.
    """
    if others is None:
        return purchases
    known = others.filter(_.customer_id.notnull()).select("customer_id")
    people = known.union(purchases.select("customer_id"), distinct=True)
    joined = people.left_join(purchases, "customer_id").drop("customer_id_right")
    zeros = {name: joined[name].fill_null(0) for name in purchases.columns if _is_sum(name)}
    joined = joined.mutate(**zeros)
    if "journey_stage" in joined.columns:
        joined = joined.mutate(journey_stage=joined.journey_stage.fill_null(NEVER_STAGE))
    return joined


def _is_sum(name: str) -> bool:
    """Return whether a column of purchases is truly 0 where there are none."""
    return (
        name in SUMS or name.endswith("_count") or name.startswith(("order_count_", "spend_last"))
    )


def count_who(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> pd.DataFrame:
    """Count the customers with and without an order until ``as_of``.

    Everybody is whom the customers' table, the order lines, or without the former any other table
    names. Who sent back all is without an order.

    Returns
    -------
    pandas.DataFrame
        Two rows: ``who``, ``customer_count``; none without order lines, for then all are in.
    """
    if "order_lines" not in tables:
        return empty_table(COLUMNS, "There are no orders, so every customer is in.")
    lines = keep_until(leave_out_taken_back(tables["order_lines"], as_of), "ordered_at", as_of)
    lines = lines.filter(_.customer_id.notnull())
    buyers = lines.filter(is_sale(lines)).select("customer_id").distinct()
    people = [lines.select("customer_id"), *_list_others(tables, as_of)]
    everybody = ibis.union(*people, distinct=True) if len(people) > 1 else people[0].distinct()
    bought = int(buyers.count().execute())
    counts = [bought, int(everybody.count().execute()) - bought]
    return pd.DataFrame({"who": [WITH_ORDER, WITHOUT_ORDER], "customer_count": counts})


def _list_others(tables: Mapping[str, ir.Table], as_of: datetime.date) -> list[ir.Table]:
    """Return ``customer_id`` of those whom other tables than the order lines name."""
    if "customers" in tables:
        known = keep_known(tables["customers"], "signed_up_on", as_of)
        return [known.filter(_.customer_id.notnull()).select("customer_id")]
    times = {"events": "occurred_at", "messages": "sent_at", "tickets": "opened_at"}
    times["responses"] = "answered_at"
    found = []
    for name, column in times.items():
        if name in tables and "customer_id" in tables[name].columns:
            known = keep_known(tables[name], column, as_of)
            found.append(known.filter(_.customer_id.notnull()).select("customer_id"))
    return found
