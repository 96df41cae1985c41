"""What a discount has to bring to pay for itself, beside what prices and purchases say.

With a margin m, the part of the regular price that is left after the cost of the goods, and a
discount d of that price, as much profit is made if units rise by d / (m - d) (Nagle and Müller
2018, *The Strategy and Tactics of Pricing*, chapter on financial analysis).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from ibis import _

from segkit.action.pricing.lines import Priced
from segkit.action.pricing.paid import EVERYBODY
from segkit.action.pricing.response import EVERYTHING
from segkit.core.absence import empty_table
from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND, add_contributions
from segkit.features.expressions import sum_money

ABOVE = "above what is needed"
BELOW = "below what is needed"
EITHER = "may be either"
NOT_KNOWN = "not known"
NEVER = "never pays"
NO_COST = (
    "What the goods cost is not known. To see what a discount has to bring, add the cost of a unit "
    "to the products or the order lines, or write “margin_share” at the top of the plan."
)
COLUMNS = [
    "segment_name", "discount", "rests_on_count", "margin", "needed_rise", "in_full_share",
    "rise", "rise_low", "rise_high", "reading",
]  # fmt: skip


def find_break_even(priced: Priced, elasticities: pd.DataFrame) -> pd.DataFrame:
    """Return by segment and discount by how much units must rise for the discount to pay.

    ``margin`` is that of the segment's purchases at regular prices, or the plan's. ``needed_rise``
    is a part of the units at regular prices, missing where the discount is as large as the margin.
    ``in_full_share`` is the part of the regular value that the segment bought without a discount:
    these purchases would get the discount too. ``rise`` is what the elasticity over all products
    says of units at such a price, with its interval. It is an association; that a discount pays is
    **not measured** by it, whatever ``reading`` says.

    Parameters
    ----------
    priced : Priced
    elasticities : DataFrame
        Of `measure_response`; it may be empty.
    """
    if priced.reason:
        return empty_table(COLUMNS, priced.reason)
    each = _sum_margins(priced)
    margin_share = priced.at.margin_share
    if margin_share is None and not (each["valued"] > 0).any():
        return empty_table(COLUMNS, NO_COST)
    both = pd.concat([each, each.assign(segment_name=EVERYBODY)], ignore_index=True)
    table = both.groupby("segment_name", as_index=False).agg(
        rests_on_count=("customer_id", "nunique"),
        valued=("valued", "sum"),
        profit=("profit", "sum"),
        regular=("regular", "sum"),
        in_full=("in_full", "sum"),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        table["margin"] = table["profit"] / table["valued"]
    if margin_share is not None:
        table["margin"] = margin_share
    table["in_full_share"] = table["in_full"] / table["regular"]
    table = table.merge(_choose_elasticities(elasticities), on="segment_name", how="left")
    table = add_contributions(
        table, both["regular"], both["segment_name"], key="segment_name", name="margin"
    )
    table[f"margin{OF_A_MEAN}"] = table["regular"]
    table["is_whole"] = table["segment_name"] == EVERYBODY
    table = table.sort_values(["is_whole", "segment_name"], kind="stable")
    parts = [_weigh_discount(table, discount) for discount in priced.plan.discounts]
    found = pd.concat(parts, ignore_index=True)
    ends = [f"margin{end}" for end in (OF_A_MEAN, LARGEST, SECOND)]
    return found[[*COLUMNS, *ends]]


def _sum_margins(priced: Priced) -> pd.DataFrame:
    """Return one row a customer: regular value, that without a discount, and profit at it."""
    rows = priced.rows
    is_known = rows.cost.notnull()
    found = rows.group_by("customer_id", "segment_name").agg(
        valued=sum_money(_.regular, where=is_known),
        profit=sum_money((_.regular - _.cost).fill_null(0.0), where=is_known),
        regular=sum_money(_.regular),
        in_full=sum_money(_.regular, where=_.discount <= 0),
    )
    return found.to_pandas().sort_values("customer_id", ignore_index=True)


def _choose_elasticities(elasticities: pd.DataFrame) -> pd.DataFrame:
    """Return each segment's elasticity over all products; that drawn towards all where it is."""
    columns = ["segment_name", "slope", "slope_low", "slope_high"]
    if elasticities.empty:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in columns}).astype(
            {"segment_name": object}
        )
    own = elasticities[elasticities["product_group"] == EVERYTHING]
    found = {"segment_name": own["segment_name"]}
    for name, drawn, plain in (
        ("slope", "drawn_elasticity", "elasticity"),
        ("slope_low", "drawn_low", "elasticity_low"),
        ("slope_high", "drawn_high", "elasticity_high"),
    ):
        found[name] = own[drawn].astype(float).fillna(own[plain].astype(float))
    return pd.DataFrame(found)


def _weigh_discount(table: pd.DataFrame, discount: float) -> pd.DataFrame:
    """Return what one discount needs, and what the association says of it."""
    margin = table["margin"].astype(float)
    left = margin - discount
    table = table.assign(discount=discount)
    table["needed_rise"] = (discount / left).where(left > 1e-9)
    for name, slope in (("rise", "slope"), ("rise_low", "slope_high"), ("rise_high", "slope_low")):
        table[name] = (1 - discount) ** table[slope].astype(float) - 1
    needed = table["needed_rise"]
    readings = np.select(
        [
            margin.isna(),
            needed.isna(),
            table["rise"].isna(),
            table["rise_low"] > needed,
            table["rise_high"] < needed,
        ],
        [NOT_KNOWN, NEVER, NOT_KNOWN, ABOVE, BELOW],
        default=EITHER,
    )
    return table.assign(reading=readings)
