"""Who else serves each cell of the market: shares, prices, channels and segments."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd

from segkit.core.absence import empty_table, is_missing
from segkit.evidence.market.cells import (
    SIZES,
    find_own_year,
    join_keys,
    join_texts,
    latest_cells,
    list_axes,
    read_columns,
)
from segkit.evidence.market.penetration import OURS_ONLY

NO_COMPETITORS = "There is no table of competitors."
NO_SHARES = "The table of competitors has no shares of these cells."


def read_competitors(
    competitors: ibis.Table | None, *, as_of: datetime.date | None = None
) -> pd.DataFrame:
    """Return one row a competitor and cell, of the year nearest to ours.

    Parameters
    ----------
    competitors : ibis.Table or None
        The table of competitors.
    as_of : datetime.date, optional
        The last day counted; no later year is read. The latest year, if not given.

    Returns
    -------
    DataFrame
        competitor, the axes that the table has, market_share and price_level (the mean of several
        sources), channels, segments_served, offer and source (joined), year (0 where not known),
        unsourced. Rows of one competitor and cell that differ in their year only are one.
    """
    columns = ["competitor", "market_share", "price_level", "channels", "segments_served", "offer"]
    columns += ["source", "year", "unsourced"]
    if is_missing(competitors, "competitor"):
        return empty_table(columns, NO_COMPETITORS)
    axes = list_axes(competitors)
    rows = read_columns(competitors, ["competitor", *axes, *columns[1:-1]])
    numbers = ["market_share", "price_level", "year"]
    rows = rows.astype(dict.fromkeys(numbers, "float64")).dropna(subset=["competitor"])
    rows["year"] = rows["year"].fillna(0).astype(int)
    if as_of is not None:
        rows = rows[rows["year"] <= as_of.year]
    if rows.empty:
        return empty_table([*columns, *axes], "The table of competitors has no rows to read.")
    wanted = rows["year"].max() if as_of is None else find_own_year(as_of)
    rows["distance"] = (rows["year"] - wanted).abs()
    rows["key"] = join_keys(rows, axes)
    cells = rows.groupby(["competitor", "key"])
    nearest = cells["distance"].transform("min")
    rows = rows[rows["distance"] == nearest]
    rows = rows.assign(unsourced=rows["source"].str.strip() == "")
    texts = ["channels", "segments_served", "offer", "source"]
    told = rows.groupby(["competitor", "key"], as_index=False).agg(
        **{axis: (axis, "first") for axis in axes},
        **{name: (name, "mean") for name in numbers[:2]},
        **{name: (name, join_texts) for name in texts},
        year=("year", "max"),
        unsourced=("unsourced", "any"),
    )
    return told.drop(columns="key")


def list_players(
    competitors: ibis.Table | None,
    market_cells: ibis.Table | None = None,
    *,
    as_of: datetime.date | None = None,
) -> pd.DataFrame:
    """List the competitors with their share, and how each segments and serves its customers.

    The columns are competitor, cell_count, mean_share (over the cells where the competitor is,
    weighted by their market value; the plain mean where none has a value), estimated_sales (share
    times value, summed), price_level (100 is the market's average; weighted alike), channels,
    segments_served, offer, year (the earliest), unsourced and source; the largest comes first.
    """
    columns = ["competitor", "cell_count", "mean_share", "estimated_sales", "price_level"]
    columns += ["channels", "segments_served", "offer", "year", "unsourced", "source"]
    table = read_competitors(competitors, as_of=as_of)
    if table.empty:
        return empty_table(columns, table.reason)
    axes = list_axes(table)
    table["cell"] = join_keys(table, axes)
    table["size"] = _find_sizes(table, market_cells, as_of=as_of)
    table["estimated_sales"] = table["market_share"] * table["size"]
    table["sized"] = table["size"].where(table["market_share"].notna())
    table["weight"] = table["estimated_sales"].where(table["price_level"].notna())
    table["weighted_price"] = table["price_level"] * table["weight"]
    table["dated"] = table["year"].where(table["year"] > 0)
    sums = ("sized", "estimated_sales", "weight", "weighted_price")
    added = table.groupby("competitor")[list(sums)].sum(min_count=1)
    players = table.groupby("competitor").agg(
        cell_count=("cell", "nunique"),
        plain_share=("market_share", "mean"),
        plain_price=("price_level", "mean"),
        channels=("channels", join_texts),
        segments_served=("segments_served", join_texts),
        offer=("offer", join_texts),
        year=("dated", "min"),
        unsourced=("unsourced", "any"),
        source=("source", join_texts),
    )
    players = players.join(added).reset_index()
    players["mean_share"] = (players["estimated_sales"] / players["sized"]).fillna(
        players["plain_share"]
    )
    players["price_level"] = (players["weighted_price"] / players["weight"]).fillna(
        players["plain_price"]
    )
    players["year"] = players["year"].astype("Int64")
    order = ["estimated_sales", "mean_share"]
    players = players.sort_values(order, ascending=False, kind="stable", ignore_index=True)
    return players[columns]


def _find_sizes(
    table: pd.DataFrame, market_cells: ibis.Table | None, *, as_of: datetime.date | None
) -> pd.Series:
    """Return the market value of the cell that each row names, by the axes that the row fills."""
    sizes = pd.Series(np.nan, index=table.index)
    for axes, rows in _split_by_axes(table):
        cells = latest_cells(market_cells, by=axes, as_of=as_of)
        if not cells.empty:
            values = dict(zip(join_keys(cells, axes), cells[SIZES[0]], strict=True))
            sizes.loc[rows.index] = join_keys(rows, axes).map(values).astype("float64")
    return sizes


def _split_by_axes(table: pd.DataFrame) -> list[tuple[list[str], pd.DataFrame]]:
    """Return the rows that fill the same axes, those that fill few first; not those with none."""
    axes = list_axes(table)
    filled = table[axes] != ""
    names = filled.apply(lambda row: tuple(axis for axis in axes if row[axis]), axis=1)
    cuts = sorted({cut for cut in names if cut}, key=lambda cut: (len(cut), cut))
    return [(list(cut), table[names == cut]) for cut in cuts]


def map_rivals(
    penetration: pd.DataFrame, competitors: ibis.Table | None, *, as_of: datetime.date | None = None
) -> pd.DataFrame:
    """Return each competitor's share of each cell of the market.

    A row of the competitors' table counts for all cells that it names: one of a country for all the
    country's; one of the very cell goes before it.

    Returns
    -------
    DataFrame
        One row a cell and competitor: cell, the axes, competitor, market_share; the cells in the
        order of ``penetration``, the competitor with the largest sum first.
    """
    axes = list_axes(penetration)
    columns = ["cell", *axes, "competitor", "market_share"]
    rivals = read_competitors(competitors, as_of=as_of)
    if rivals.empty:
        return empty_table(columns, rivals.reason)
    rivals = rivals.dropna(subset=["market_share"])
    found = _spread_shares(penetration, rivals, axes)
    if found.empty:
        return empty_table(columns, NO_SHARES)
    sums = found.groupby("competitor")["market_share"].sum()
    found["rank"] = -found["competitor"].map(sums)
    found = found.sort_values(["place", "rank", "competitor"], ignore_index=True)
    return found[columns]


def _spread_shares(cells: pd.DataFrame, rivals: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """Return the share of each competitor in each cell: the row that names most axes counts."""
    market = cells[cells["matched"] != OURS_ONLY]
    market = market.assign(place=range(len(market)))
    parts = []
    for named, rows in _split_by_axes(rivals):
        if not set(named) <= set(axes):
            continue
        own = market.assign(key=join_keys(market, named))[["cell", *axes, "place", "key"]]
        theirs = rows.assign(key=join_keys(rows, named), depth=len(named))
        parts.append(own.merge(theirs[["key", "competitor", "market_share", "depth"]], on="key"))
    if not parts:
        return pd.DataFrame(columns=["cell", *axes, "place", "competitor", "market_share"])
    found = pd.concat(parts).sort_values(["place", "competitor", "depth"], kind="stable")
    return found.drop_duplicates(["place", "competitor"], keep="last")


def sum_rivals(mapped: pd.DataFrame) -> pd.DataFrame:
    """Return, by cell, the competitors' share together (1 at most), their number and the largest.

    The columns are cell, rival_share, rival_count, first_rival and first_rival_share.
    """
    columns = ["cell", "rival_share", "rival_count", "first_rival", "first_rival_share"]
    if mapped.empty:
        return pd.DataFrame(columns=columns)
    order = mapped.sort_values(["market_share", "competitor"], ascending=[False, True])
    first = order.drop_duplicates("cell").set_index("cell")
    cells = mapped.groupby("cell").agg(
        rival_share=("market_share", "sum"), rival_count=("competitor", "nunique")
    )
    cells["rival_share"] = cells["rival_share"].clip(upper=1.0)
    cells["first_rival"] = first["competitor"]
    cells["first_rival_share"] = first["market_share"]
    return cells.reset_index()[columns]
