"""The customers at a glance: how many, who bought, what they spend, and where they stand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.core.measures import find_largest

NEVER = "never bought"
ONCE = "one order"
AGAIN = "several orders"


def summarise_customers(customers: pd.DataFrame) -> pd.DataFrame:
    """Summarise all customers in one row.

    Returns
    -------
    pandas.DataFrame
        ``customer_count``; where ``total_spend`` is there also ``spend_count`` (of whom it is
        known), ``median_spend`` and ``mean_spend`` (currency a customer), with the largest
        contributions to the spend for the gate.
    """
    table = pd.DataFrame({"customer_count": [len(customers)]})
    if "total_spend" not in customers:
        return table
    spend = customers["total_spend"].astype(float)
    largest, second = find_largest(spend)
    return table.assign(
        spend_count=int(spend.count()),
        median_spend=spend.median(),
        mean_spend=spend.mean(),
        mean_spend_sum=spend.sum(),
        mean_spend_largest=largest,
        mean_spend_second=second,
    )


def count_buyers(customers: pd.DataFrame) -> pd.DataFrame:
    """Count customers by how often they bought.

    Returns
    -------
    pandas.DataFrame
        ``buying`` ("never bought", "one order" or "several orders") and ``customer_count``. No
        rows without ``order_count``.
    """
    if "order_count" not in customers:
        return empty_table(["buying", "customer_count"], NO_PURCHASES)
    orders = customers["order_count"].to_numpy(float, na_value=np.nan)
    bought = int((orders > 0).sum())
    again = int((orders >= 2).sum())
    counts = [len(orders) - bought, bought - again, again]
    return pd.DataFrame({"buying": [NEVER, ONCE, AGAIN], "customer_count": counts})


def count_stages(customers: pd.DataFrame) -> pd.DataFrame:
    """Count customers by journey stage, in the order of the alphabet.

    Returns
    -------
    pandas.DataFrame
        ``journey_stage``, ``customer_count`` and ``customer_share`` (of those whose stage is
        known). No rows without ``journey_stage``.
    """
    if "journey_stage" not in customers:
        return empty_table(["journey_stage", "customer_count", "customer_share"], NO_PURCHASES)
    counts = customers["journey_stage"].value_counts(sort=False).sort_index()
    table = counts.rename("customer_count").rename_axis("journey_stage").reset_index()
    return table.assign(customer_share=table["customer_count"] / table["customer_count"].sum())
