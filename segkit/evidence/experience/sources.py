"""Where customers came from: by UTM source, or by the channel of the first order."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.features.expressions import fetch, keep_until
from segkit.features.sales import is_sale


def find_sources(tables: Mapping[str, Table], *, as_of: datetime.date) -> pd.DataFrame:
    """Find where each customer came from: the UTM source, else the channel of the first order.

    Returns
    -------
    DataFrame
        ``customer_id``, ``source``; those of whom nothing is known are "not known", and beyond the
        six largest sources all are "others". No rows, with the reason, where neither is a column.
    """
    columns = ["customer_id", "source"]
    customers = tables.get("customers")
    lines = tables.get("order_lines")
    if not is_missing(customers, "customer_id", "source"):
        found = fetch(customers.select("customer_id", "source"))
    elif not is_missing(lines, "customer_id", "channel"):
        sales = keep_until(lines, "ordered_at", as_of)
        sales = sales.filter(is_sale(sales) & sales.customer_id.notnull())
        # Of several channels at the first moment the first by name.
        firsts = sales.group_by("customer_id").agg(first_=_.ordered_at.min())
        at_first = sales.join(firsts, "customer_id").filter(_.ordered_at == _.first_)
        found = fetch(at_first.group_by("customer_id").agg(source=_.channel.min()))
    else:
        return empty_table(columns, "No column tells where customers came from.")
    sources = found["source"].astype(object).where(found["source"].notna(), "not known")
    return pd.DataFrame(
        {"customer_id": found["customer_id"].astype(str), "source": keep_largest(sources)}
    )


def keep_largest(values: pd.Series, *, most: int = 6) -> pd.Series:
    """Return values with those beyond the ``most`` frequent ones called "others".

    >>> keep_largest(pd.Series(["a", "a", "b", "c"]), most=1).tolist()
    ['a', 'a', 'others', 'others']
    """
    counts = values.value_counts().reset_index()
    counts.columns = ["value", "count"]
    counts = counts.sort_values(["count", "value"], ascending=[False, True])
    return values.where(values.isin(counts["value"].head(most)), "others")
