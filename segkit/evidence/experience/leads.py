"""Who is a customer, who is a lead, and who has no segment: nobody is left out unseen."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.features.expressions import count_true, find_column, keep_known, keep_until

NO_PEOPLE = "There is no table of customers."
NO_BUYERS = "Without orders of customers nobody can be told from a lead."


def count_people(
    tables: Mapping[str, Table], segments: pd.DataFrame, *, as_of: datetime.date
) -> pd.DataFrame:
    """Count who is a customer and who is a lead, and how many of them have no segment.

    A lead is somebody in the table of customers who has no order until the last day. The columns
    are customer_type (businesses or others), stage (``customer`` or ``lead``), customer_count,
    unplaced_count (without a segment) and unplaced_share.
    """
    columns = ["customer_type", "stage", "customer_count", "unplaced_count", "unplaced_share"]
    customers = tables.get("customers")
    if customers is None:
        return empty_table(columns, NO_PEOPLE)
    lines = tables.get("order_lines")
    if is_missing(lines, "customer_id"):
        return empty_table(columns, NO_BUYERS)
    people = keep_known(customers, "signed_up_on", as_of)
    is_business = find_column(people, "customer_type", "string").fill_null("") == "business"
    buyers = keep_until(lines, "ordered_at", as_of).filter(_.customer_id.notnull())
    is_buyer = people.customer_id.isin(buyers.customer_id)
    members = ibis.memtable(segments[["customer_id"]])
    told = people.select(
        customer_type=ibis.ifelse(is_business, "businesses", "others"),
        stage=ibis.ifelse(is_buyer, "customer", "lead"),
        is_placed=people.customer_id.isin(members.customer_id),
    )
    counted = told.group_by("customer_type", "stage").agg(
        customer_count=_.count(), unplaced_count=count_true(~_.is_placed)
    )
    table = counted.order_by("customer_type", "stage").to_pandas()
    if table.empty:
        return empty_table(columns, "The table of customers has no rows until the last day.")
    table["unplaced_share"] = table["unplaced_count"] / table["customer_count"]
    return table[columns]
