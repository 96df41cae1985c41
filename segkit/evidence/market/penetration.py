"""Our share of the market cell by cell: what we hold beside what our average share would be."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pandas as pd

from segkit.contract.market import GOODS_AXES
from segkit.core.absence import EmptyTable, empty_table, explain_empty
from segkit.core.periods import YEAR_DAYS
from segkit.core.settings import Settings
from segkit.evidence.market.cells import (
    AXES,
    choose_axes,
    find_own_year,
    join_keys,
    latest_cells,
    list_axes,
    make_key,
    require_axes,
)
from segkit.evidence.market.names import list_left_out, require_settled, settle_names
from segkit.evidence.market.own import CONTRIBUTIONS, count_own_cells, list_own_axes
from segkit.evidence.market.served import INDEX_BOUNDS, bound_index, judge_served, name_own_measure
from segkit.plan.market import Market

BOTH = "both"
MARKET_ONLY = "market only"
OURS_ONLY = "ours only"
MATCHED = {"both": BOTH, "left_only": MARKET_ONLY, "right_only": OURS_ONLY}
DIFFERENT_SOURCES = 0.1  # of a size; sources that differ by more are told
LEFT_OUT_REASON = "left out by the plan"
NO_NAME = "name not known"
NO_SUCH_NAME = "name not in the market table"
NO_SUCH_CELL = "names known, no such cell"


def compare_with_market(
    tables: Mapping[str, ibis.Table],
    *,
    at: Settings,
    by: Sequence[str] | None = None,
    market: Market | None = None,
    territories: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Set our customers and spend of the last 365 days beside the market, cell by cell.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Ours, and ``market_cells``.
    at : Settings
        ``as_of`` is the last day counted.
    by : sequence of str, optional
        The axes of the cells; the plan's, or those that both sides know, if not given.
    market : Market, optional
        What the plan says of the market.
    territories : mapping of str to str, optional
        The plan's, by place.

    Returns
    -------
    DataFrame
        As :func:`measure_penetration` returns it.
    """
    market = market or Market()
    axes = list(by) if by else find_axes(tables, market=market, territories=territories)
    own = count_own_cells(tables, as_of=at.as_of, by=axes, market=market, territories=territories)
    return measure_penetration(
        own, tables.get("market_cells"), by=axes, as_of=at.as_of, market=market
    )


def find_axes(
    tables: Mapping[str, ibis.Table],
    *,
    market: Market | None = None,
    territories: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the axes by which the market is cut: the plan's, or those that both sides know."""
    market = market or Market()
    own = list_own_axes(tables, market=market, territories=territories)
    return choose_axes(tables.get("market_cells"), own, chosen=market.axes)


def measure_penetration(
    own: pd.DataFrame,
    market_cells: ibis.Table | None,
    *,
    by: Sequence[str] = AXES,
    as_of: datetime.date | None = None,
    market: Market | None = None,
) -> pd.DataFrame:
    """Set our customers and spend beside the market, cell by cell; nothing is lost in the join.

    Names are joined without regard to capitals, accents and blanks, or as the plan settles them.

    Parameters
    ----------
    own : DataFrame
        From :func:`segkit.evidence.market.own.count_own_cells`, with the same ``by``.
    market_cells : ibis.Table or None
        The market's table.
    by : sequence of str
        The axes of the cells.
    as_of : datetime.date, optional
        The last day counted, for the year of the market's figures, see
        `segkit.evidence.market.cells.latest_cells`, and their age.
    market : Market, optional
        What the plan settles.

    Returns
    -------
    DataFrame
        One row a cell, largest market first: cell (its name), the columns of ``by``, matched
        (``both``, ``market only`` where our share is 0, ``ours only`` where it is not known),
        reason (why it did not join), year, market_value, buyer_count, growth_rate, measure
        (``market_value``, or ``buyer_count`` where no value is known), size, size_low and size_high
        (by source), customer_count, spend, expected (at our average share, in the measure), share,
        index (100 is our share of all cells together), served, mark (what is wrong with the
        market's figures), source and rests_on_count (our customers; one where there is spend and
        nobody is known to have bought); index_low and index_high, which hold together for all cells
        with 95 %, see `segkit.evidence.market.served.bound_index`; with the largest contributions
        to spend and what the index is without two customers for the gate.
    """
    by = require_axes(by)
    market = market or Market()
    columns = ["cell", *by, "matched", "reason", "year", "market_value", "buyer_count"]
    columns += ["growth_rate", "measure", "size", "size_low", "size_high", "customer_count"]
    columns += ["spend", "expected", "share", "index", "served", "mark", "source"]
    columns += ["rests_on_count", *CONTRIBUTIONS, *INDEX_BOUNDS]
    cells = latest_cells(market_cells, by=by, as_of=as_of)
    if cells.empty or isinstance(own, EmptyTable):
        return empty_table(columns, explain_empty(own if isinstance(own, EmptyTable) else cells))
    require_settled(cells, by, market)
    table = _join_cells(cells, settle_names(own, by, market), by)
    table["cell"] = name_cells(table, by)
    table["reason"] = _explain_unmatched(table, cells, axes=by, market=market)
    has_value = bool(cells["market_value"].notna().any())
    measure = "market_value" if has_value else "buyer_count"
    ends = ("value_low", "value_high") if has_value else ("buyers_low", "buyers_high")
    table["measure"] = measure
    table["size"] = table[measure].where(table[measure] > 0).astype(float)
    table["size_low"], table["size_high"] = table[ends[0]], table[ends[1]]
    ours = name_own_measure(measure)
    table["share"] = table[ours] / table["size"]
    average = measure_average(table)
    table["expected"] = table["size"] * average
    table["index"] = 100 * table["share"] / (average if average > 0 else np.nan)
    table = table.assign(**bound_index(table, ours, average=average))
    table["served"] = judge_served(table)
    table["mark"] = mark_cells(table, as_of=as_of, stale_years=market.stale_years)
    bought = table["customer_count"]
    table["rests_on_count"] = bought.mask((bought == 0) & (table["spend"] != 0), 1)
    order = ["size", "spend", "cell"]
    table = table.sort_values(order, ascending=[False, False, True], ignore_index=True)
    return table[columns]


def measure_average(cells: pd.DataFrame) -> float:
    """Return our share of all cells together whose size is known; NaN where none is."""
    sized = cells[cells["size"].notna()]
    if sized.empty:
        return np.nan
    return float(sized[name_own_measure(sized["measure"].iloc[0])].sum() / sized["size"].sum())


def mark_cells(table: pd.DataFrame, *, as_of: datetime.date | None, stale_years: int) -> list[str]:
    """Say what is wrong with the market's figures of each cell, several things after each other.

    They have no source, no year, are old, or sources differ by more than a tenth.
    """
    ours = None if as_of is None else find_own_year(as_of)
    marks = []
    for row in table.itertuples():
        found = []
        if row.matched != OURS_ONLY:
            if row.unsourced:
                found.append("no source")
            if pd.isna(row.year):
                found.append("no year")
            elif ours is not None and ours - row.year > stale_years:
                found.append("old")
            if row.size_high - row.size_low > DIFFERENT_SOURCES * row.size_high:
                found.append("sources differ")
            if row.share > 1:
                found.append("less than ours")
        marks.append(", ".join(found))
    return marks


def _join_cells(cells: pd.DataFrame, own: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Join the market's cells and our own by their names; cells of one side only are kept."""
    names = {axis: (axis, "first") for axis in by}
    own = own.assign(key=join_keys(own, by)).groupby("key", as_index=False)
    own = own.agg(
        **names,
        customer_count=("customer_count", "sum"),
        spend=("spend", "sum"),
        spend_largest=("spend_largest", "max"),
        spend_second=("spend_second", "max"),
        spend_squares=("spend_squares", "sum"),
        spend_cubes=("spend_cubes", "sum"),
    )
    cells = cells.assign(key=join_keys(cells, by))
    table = cells.merge(own, on="key", how="outer", suffixes=("", "_own"), indicator="matched")
    table["matched"] = table["matched"].astype(str).map(MATCHED)
    table = table.fillna({"customer_count": 0, "spend": 0}).astype({"customer_count": "int64"})
    for axis in by:
        table[axis] = table[axis].fillna(table[f"{axis}_own"])
    return table


def name_cells(table: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Return what each cell is called: its last name, with the others in brackets."""
    words = {axis: axis.replace("_", " ") for axis in by}
    named = {axis: table[axis].mask(table[axis] == "", f"{words[axis]} not known") for axis in by}
    *others, last = by
    if not others:
        return named[last]
    text = named[others[0]]
    for axis in others[1:]:
        text = text + ", " + named[axis]
    return named[last] + " (" + text + ")"


def _explain_unmatched(
    table: pd.DataFrame, cells: pd.DataFrame, *, axes: Sequence[str], market: Market
) -> pd.Series:
    """Say why each cell of ours did not join; nothing of the others."""
    there = {axis: set(make_key(cells[axis])) for axis in axes}
    left_out = list_left_out(market)
    keys = {axis: make_key(table[axis]) for axis in axes}
    is_empty = pd.concat([keys[axis] == "" for axis in axes], axis=1).any(axis=1)
    is_left = pd.concat([keys[axis].isin(left_out) for axis in axes], axis=1).any(axis=1)
    is_there = pd.concat([keys[axis].isin(there[axis]) for axis in axes], axis=1).all(axis=1)
    reason = pd.Series(NO_SUCH_NAME, index=table.index, dtype=object)
    reason = reason.mask(is_there, NO_SUCH_CELL).mask(is_empty, NO_NAME)
    reason = reason.mask(is_left, LEFT_OUT_REASON)
    return reason.where(table["matched"] == OURS_ONLY, "")


def total_penetration(
    penetration: pd.DataFrame, *, smallest_cell: int = 5, market: Market | None = None
) -> pd.DataFrame:
    """Add up what we hold of the market, and what of ours did not join it.

    Parameters
    ----------
    penetration : DataFrame
        From :func:`measure_penetration`.
    smallest_cell : int
        The fewest customers with which cells are compared.
    market : Market, optional
        The plan's; its ``smallest_share`` is the least that is told.

    Returns
    -------
    DataFrame
        Two rows, by ``part``. ``market``: ours (in the measure), size (of the cells whose size is
        known), share, first_year and year (the earliest and the latest of the market's), days (of
        ours), told (whether the share is of the same market as ours: from the least to 1), and how
        many cells are old, have no source, and whose sources differ. ``ours only``: spend and
        spend_share of all our spend. Both: measure, cell_count, smallest_cell and customer_count,
        which is at least so many: of customers who buy in several categories of a country only
        those of the largest are counted, so that nobody counts twice.
    """
    market = market or Market()
    columns = ["part", "measure", "cell_count", "customer_count", "ours", "size", "share"]
    columns += ["first_year", "year", "days", "smallest_cell", "spend", "spend_share", "told"]
    columns += ["smallest_share", "stale_years", *MARKS]
    if penetration.empty:
        return empty_table(columns, explain_empty(penetration))
    is_ours = penetration["matched"] == OURS_ONLY
    cells = penetration[~is_ours]
    measure = penetration["measure"].iloc[0]
    sized = cells[cells["size"].notna()]
    ours = sized[name_own_measure(measure)].sum()
    size = sized["size"].sum()
    share = ours / size if size else np.nan
    unmatched = penetration[is_ours]
    spend = unmatched["spend"].sum()
    every = penetration["spend"].sum()
    joined_row = {
        "part": "market",
        "measure": measure,
        "cell_count": len(cells),
        "customer_count": _count_at_least(sized),
        "ours": float(ours),
        "size": float(size),
        "share": share,
        "first_year": cells["year"].min(),
        "year": cells["year"].max(),
        "days": YEAR_DAYS,
        "smallest_cell": smallest_cell,
        "told": bool(market.smallest_share <= share <= 1),
        "smallest_share": market.smallest_share,
        "stale_years": market.stale_years,
    }
    marks = cells["mark"].str.split(", ").explode()
    joined_row |= {column: int((marks == word).sum()) for column, word in MARKS.items()}
    unmatched_row = {
        "part": OURS_ONLY,
        "measure": measure,
        "cell_count": len(unmatched),
        "customer_count": _count_at_least(unmatched),
        "spend": float(spend),
        "spend_share": spend / every if every else np.nan,
    }
    table = pd.DataFrame([joined_row, unmatched_row], columns=columns)
    whole = ("first_year", "year", "days", "smallest_cell", "stale_years", *MARKS)
    return table.astype(dict.fromkeys(whole, "Int64"))


# How many cells have a mark, by the column that says it.
MARKS = {
    "old_cells": "old",
    "undated_cells": "no year",
    "unsourced_cells": "no source",
    "differing_cells": "sources differ",
    "exceeded_cells": "less than ours",
}


def _count_at_least(cells: pd.DataFrame) -> int:
    """Count customers of several cells so that nobody counts twice."""
    goods = {axis.name for axis in GOODS_AXES}
    people = [axis for axis in list_axes(cells) if axis not in goods]
    counts = cells["rests_on_count"].fillna(0)
    if not people:
        return int(counts.max()) if len(counts) else 0
    return int(counts.groupby([cells[axis] for axis in people]).max().sum())


def select_largest(penetration: pd.DataFrame, *, most: int = 12) -> pd.DataFrame:
    """Keep the cells of those names, on each axis, under which we sell most, for a chart.

    A name that is empty is called "all", such as "all countries".
    """
    kept = penetration[penetration["matched"] != OURS_ONLY]
    for axis in list_axes(penetration):
        sums = kept.groupby(axis)[["spend", "market_value", "buyer_count"]].sum()
        order = sums.sort_values(list(sums.columns), ascending=False).index[:most]
        kept = kept[kept[axis].isin(order)]
    return kept
