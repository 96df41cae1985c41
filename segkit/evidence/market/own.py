"""Our own buyers and spend by cell; the lines stay in the engine."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import ibis
import pandas as pd
from ibis import _

from segkit.contract.market import AXIS_NAMES
from segkit.core.absence import NO_PURCHASES, empty_table
from segkit.core.errors import SegkitError
from segkit.core.measures import LARGEST, SECOND
from segkit.core.periods import YEAR_DAYS
from segkit.evidence.segment_summaries import keep_days
from segkit.features.demographic import describe_age
from segkit.features.expressions import find_contributions
from segkit.features.geographic import describe_place, name_territories
from segkit.plan.market import Market

# Where a line's place on an axis stands, the first that knows it; each but the lines by its key.
KEYS = {"customers": "customer_id", "orders": "order_id", "products": "product_id"}
HOMES = ("customers", "order_lines", "orders", "products")
CONTRIBUTIONS = (f"spend{LARGEST}", f"spend{SECOND}")
SQUARES = "spend_squares"  # of what each customer spends, for the interval of the sum
CUBES = "spend_cubes"
IS_BUYER = _.has_bought.fill_null(False) & _.customer_id.notnull()


def list_own_axes(
    tables: Mapping[str, ibis.Table],
    *,
    market: Market | None = None,
    territories: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the axes of a market that our own tables know."""
    market = market or Market()
    known = add_homes(tables, territories=territories or {})
    return [axis for axis in AXIS_NAMES if _list_homes(known, _name_column(axis, market))]


def add_homes(
    tables: Mapping[str, ibis.Table],
    *,
    as_of: datetime.date = datetime.date.max,
    territories: Mapping[str, str],
) -> dict[str, ibis.Table]:
    """Return the tables where customers have their age band, climate and territory too."""
    known = {name: tables[name] for name in HOMES if name in tables}
    customers = known.get("customers")
    if customers is not None:
        found = describe_place(customers) | describe_age(customers, as_of)
        made = {name: found[name] for name in ("climate_zone", "age_band") if name in found}
        for name in set(made).intersection(customers.columns):
            made[name] = ibis.coalesce(customers[name], made[name])
        known["customers"] = name_territories(customers.mutate(**made), territories)
    return known


def _name_column(axis: str, market: Market) -> str:
    """Return the column of ours that an axis is; empty where the plan does not name it."""
    return market.level if axis == "level" else axis


def _list_homes(tables: Mapping[str, ibis.Table], column: str) -> list[str]:
    """Return the tables that have a column, and the key by which a line finds it."""
    return [
        name
        for name in HOMES
        if name in tables
        and column in tables[name].columns
        and (name not in KEYS or KEYS[name] in tables[name].columns)
    ]


def count_own_cells(
    tables: Mapping[str, ibis.Table],
    *,
    as_of: datetime.date,
    by: Sequence[str] = ("country", "category"),
    market: Market | None = None,
    territories: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Count our own buyers and spend of the last 365 days by cell, in the engine.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Ours.
    as_of : datetime.date
        The last day counted.
    by : sequence of str
        The axes: what a customer is (their own country, else that of the line, else that of the
        order; their age band, industry and so on) and what they buy (the product's category).
    market : Market, optional
        The plan's; it says which column the axis ``level`` is.
    territories : mapping of str to str, optional
        The plan's, by place.

    Returns
    -------
    DataFrame
        The columns of ``by`` (empty where not known), customer_count (with a sale) and spend (net
        of returns, lines without a customer included), with the largest contributions to spend for
        the gate, and spend_squares and spend_cubes, the sums of these powers of what each customer
        spends.
    """
    by = list(by)
    if "order_lines" not in tables:
        columns = [*by, "customer_count", "spend", *CONTRIBUTIONS, SQUARES, CUBES]
        return empty_table(columns, NO_PURCHASES)
    each = _sum_customers(tables, as_of=as_of, by=by, market=market, territories=territories)
    cells = each.group_by(*by).agg(
        customer_count=IS_BUYER.sum().cast("int64"),
        spend=_.amount.sum(),
        **{SQUARES: (_.amount**2).sum(), CUBES: (_.amount**3).sum()},
    )
    found = cells.to_pandas().astype({"customer_count": "int64"})
    tops = find_contributions(each, _.amount.sum(), name="spend", by=by)
    return found.merge(tops, on=by, how="left").sort_values(by, ignore_index=True)


def count_buyers(
    tables: Mapping[str, ibis.Table],
    *,
    as_of: datetime.date,
    by: Sequence[str],
    market: Market | None = None,
    territories: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Count our own buyers of the last 365 days by cell: the columns of ``by``, customer_count.

    The parameters are those of `count_own_cells`.
    """
    by = list(by)
    if "order_lines" not in tables:
        return empty_table([*by, "customer_count"], NO_PURCHASES)
    each = _sum_customers(tables, as_of=as_of, by=by, market=market, territories=territories)
    counts = each.group_by(*by).agg(customer_count=IS_BUYER.sum().cast("int64"))
    return counts.to_pandas().sort_values(by, ignore_index=True)


def _sum_customers(
    tables: Mapping[str, ibis.Table],
    *,
    as_of: datetime.date,
    by: Sequence[str],
    market: Market | None,
    territories: Mapping[str, str] | None,
) -> ibis.Table:
    """Return what each customer spent in each cell in 365 days, and whether they bought."""
    market = market or Market()
    homes = add_homes(tables, as_of=as_of, territories=territories or {})
    lines = keep_days(tables["order_lines"], "ordered_at", as_of=as_of, days=YEAR_DAYS)
    if "is_product" in lines.columns:
        lines = lines.filter(_.is_product.fill_null(True))
    lines = _place_lines(lines, homes, axes=by, market=market)
    return lines.group_by(*by, "customer_id").agg(
        amount=_.line_amount.sum(), has_bought=(_.line_type == "sale").any()
    )


def _place_lines(
    lines: ibis.Table, homes: Mapping[str, ibis.Table], *, axes: Sequence[str], market: Market
) -> ibis.Table:
    """Return the lines with their place on each axis, from the first table that knows it."""
    columns = {axis: _name_column(axis, market) for axis in axes}
    if "level" in columns and not _list_homes(homes, columns["level"]):
        raise SegkitError(
            "the market is cut by level, and no column of ours has its levels",
            where="plan, [market]",
            found=columns["level"] or "no column",
            fix='Name the column of customers or products: level = "city".',
        )
    homes = {n: t for n, t in homes.items() if n not in KEYS or KEYS[n] in lines.columns}
    places = {axis: [f"{n}_{axis}" for n in _list_homes(homes, columns[axis])] for axis in axes}
    keys = [key for key in KEYS.values() if key in lines.columns and key != "customer_id"]
    own = {f"order_lines_{axis}": name for axis, name in columns.items() if name in lines.columns}
    lines = lines.select("customer_id", "line_amount", "line_type", *keys, **own)
    for name in KEYS:
        found = {place: columns[a] for a in axes for place in places[a] if place == f"{name}_{a}"}
        if found:
            lookup = homes[name].select(KEYS[name], **found)
            lines = lines.left_join(lookup, KEYS[name]).drop(f"{KEYS[name]}_right")
    told = {
        axis: ibis.coalesce(*(lines[place].cast("string") for place in found), ibis.literal(""))
        for axis, found in places.items()
    }
    return lines.select("customer_id", "line_amount", "line_type", **told)
