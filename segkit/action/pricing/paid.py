"""What each segment pays: a price index of its own basket, and how much of it was on offer.

The index compares each product with itself, so that what is bought makes no difference: the money
that a segment paid, over what the same units would have cost at the mean price that all customers
paid for the same product at the same time (Paasche's index; Diewert 1993, *Essays in Index Number
Theory*, chapter 2), over the same figure of all others. A customer is one draw, not a line.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.action.pricing.lines import Priced
from segkit.action.pricing.sums import SUMS
from segkit.core.absence import empty_table
from segkit.core.clustered import bound_ratio_of_sums, find_ratio_p_value
from segkit.core.contrasts import bound_ratio_of_estimates
from segkit.core.measures import LARGEST, SECOND, add_contributions
from segkit.core.skewed_means import bound_ratio
from segkit.core.statistics import ALPHA, correct_p_values
from segkit.features.expressions import find_contributions, sum_money

EVERYBODY = "all customers"
DIGITS = 9  # of a ratio; sums in the engine may differ in their last bits from run to run
# What is told, with the sums whose ratio it is, and whether it is a part of something.
RATIOS = {
    "price_level": ("compared", "expected", False),
    "discount_share": ("discount", "regular", True),
    "on_offer_share": ("on_offer", "regular", True),
    "compared_share": ("compared", "paid", True),
}
COLUMNS = [
    "segment_name", "rests_on_count", "paid", "price_index", "price_index_low",
    "price_index_high", "discount_share", "discount_share_low", "discount_share_high",
    "on_offer_share", "on_offer_share_low", "on_offer_share_high", "compared_share",
    "p_value", "adjusted_p_value", "differs",
]  # fmt: skip


def measure_paid(priced: Priced) -> pd.DataFrame:
    """Return what each segment pays, all customers last.

    ``price_index`` is 1 where a segment pays what all others pay for the same product in the same
    month, or, where fewer than five customers bought it then, in the same year; ``compared_share``
    is the part of its money that could be compared so. ``discount_share`` is the discount over the
    regular value, ``on_offer_share`` the part of that value that was bought with one. Intervals are
    by customer, see `bound_ratio` and `bound_ratio_of_estimates`; ``differs`` says whether the
    index of a segment is another than 1, after Holm's correction.
    """
    if priced.reason:
        return empty_table(COLUMNS, priced.reason)
    each = sum_customers(priced)
    names = sorted(each["segment_name"].unique())
    rows = []
    for name in [*names, EVERYBODY]:
        is_own = np.full(len(each), name == EVERYBODY) | (each["segment_name"] == name).to_numpy()
        row = {"segment_name": name, "rests_on_count": int(is_own.sum())}
        row["paid"] = float(each.loc[is_own, "paid"].sum())
        row |= _describe_ratios(each[is_own])
        compared = _compare_levels(row, _describe_ratios(each[~is_own]))
        row |= {name: float(value) for name, value in compared.items()}
        row["p_value"] = np.nan
        if name != EVERYBODY and len(names) > 1:
            parts = (each["compared"].to_numpy(), each["expected"].to_numpy())
            seed = priced.at.random_state
            row["p_value"] = find_ratio_p_value(*parts, is_own, random_state=seed)
        rows.append(row)
    table = pd.DataFrame(rows)
    table["adjusted_p_value"] = correct_p_values(table["p_value"].to_numpy(float))
    table["differs"] = table["adjusted_p_value"] < ALPHA
    table = table[COLUMNS]
    marked = add_contributions(
        table, each["paid"], each["segment_name"], key="segment_name", name="paid"
    )
    whole = add_contributions(
        table, each["paid"], pd.Series(EVERYBODY, index=each.index), key="segment_name", name="paid"
    )
    return marked.fillna(whole[[f"paid{LARGEST}", f"paid{SECOND}"]])


def sum_customers(priced: Priced) -> pd.DataFrame:
    """Return one row a customer: customer_id, segment_name and the sums of `SUMS`, in money."""
    sums = priced.sums
    found = sums.group_by("customer_id", "segment_name").agg(
        **{name: sum_money(sums[name]) for name in SUMS}
    )
    return found.to_pandas().sort_values("customer_id", ignore_index=True)


def measure_paid_groups(priced: Priced) -> pd.DataFrame:
    """Return the same by product group and segment; all customers last in each group.

    Only sums over customers come from the engine, of squares and products too; the intervals are
    those of ratios of sums, see `bound_ratio_of_sums`.
    """
    columns = ["product_group", *COLUMNS[:-3]]
    if priced.reason or not priced.has_groups:
        lacks = f"No table of products has a {priced.plan.group}, so nothing is told by group."
        return empty_table(columns, priced.reason or lacks)
    each = priced.sums
    sums = each.group_by("product_group", "segment_name").agg(**_list_moments(each)).to_pandas()
    moments = [c for c in sums.columns if c not in ("product_group", "segment_name")]
    whole = sums.groupby("product_group", as_index=False)[moments].sum()
    whole["segment_name"] = EVERYBODY
    table = pd.concat([sums, whole], ignore_index=True)
    totals = table[["product_group"]].merge(whole, on="product_group", how="left")
    others = _divide_sums(totals[moments] - table[moments])
    table = table.assign(**_divide_sums(table))
    table = table.assign(**_compare_levels(table, others))
    table["rests_on_count"] = table["rests_on_count"].astype(int)
    table = _add_largest(priced, table[columns])
    table["is_whole"] = table["segment_name"] == EVERYBODY
    order = ["product_group", "is_whole", "segment_name"]
    return table.sort_values(order, ignore_index=True).drop(columns="is_whole")


def _divide_sums(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the ratios with their intervals, made of sums over customers."""
    found = {}
    for name, (part, base, is_share) in RATIOS.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (table[part] / table[base].where(table[base] > 0)).to_numpy(float)
        low, high = bound_ratio_of_sums(
            table[part],
            table[base],
            part_squares=table[f"{part}_{part}"],
            products=table[f"{part}_{base}"],
            whole_squares=table[f"{base}_{base}"],
            clusters=table["rests_on_count"],
        )
        high = np.minimum(high, 1) if is_share else high
        ends = (("", ratio), ("_low", np.maximum(low, 0)), ("_high", high))
        found |= {f"{name}{end}": np.round(values, DIGITS) for end, values in ends}
    return found


def _compare_levels(own: Mapping, others: Mapping) -> dict[str, np.ndarray]:
    """Return the price index: the level of prices over that of all others, with its interval."""
    ends = ("", "_low", "_high")
    one, other = ([found[f"price_level{end}"] for end in ends] for found in (own, others))
    found = bound_ratio_of_estimates(tuple(one), tuple(other))
    return {f"price_index{end}": value for end, value in zip(ends, found, strict=True)}


def _list_moments(each: ir.Table) -> dict[str, ir.Value]:
    """Return the sums over customers that the ratios and their intervals are made of."""
    found = {"rests_on_count": _.count(), **{name: each[name].sum() for name in SUMS}}
    for part, base, _is_share in RATIOS.values():
        for one, other in ((part, part), (part, base), (base, base)):
            found[f"{one}_{other}"] = (each[one] * each[other]).sum()
    return found


def _add_largest(priced: Priced, table: pd.DataFrame) -> pd.DataFrame:
    """Add the two largest contributions to what was paid, for the gate."""
    by = ["product_group", "segment_name"]
    tops = find_contributions(priced.sums, sum_money(_.paid), name="paid", by=by)
    everybody = priced.sums.mutate(segment_name=ibis.literal(EVERYBODY))
    whole = find_contributions(everybody, sum_money(_.paid), name="paid", by=by)
    return table.merge(pd.concat([tops, whole], ignore_index=True), on=by, how="left")


def _describe_ratios(own: pd.DataFrame) -> dict[str, float]:
    """Return the ratios of some customers with their intervals."""
    row = {}
    for name, (part, base, is_share) in RATIOS.items():
        parts, bases = own[part].to_numpy(float), own[base].to_numpy(float)
        total = bases.sum()
        row[name] = float(parts.sum() / total) if total > 0 else np.nan
        low, high = bound_ratio(parts, bases)
        row[f"{name}_low"] = low
        row[f"{name}_high"] = min(high, 1.0) if is_share else high
    return row
