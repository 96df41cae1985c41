"""The market's own tables: its trends, its players and the size of its cells; all are small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from segkit.contract.tables import TABLES
from segkit.core.absence import empty_table, explain_empty, is_missing
from segkit.core.csvfiles import write_rows_as_csv
from segkit.core.errors import SegkitError

MARKET_TABLES = ("market_cells", "competitors", "trends")
AXES = ("country", "category")


def make_key(values: pd.Series) -> pd.Series:
    """Spell names alike for joining: no outer space, no capitals."""
    return values.astype("string").str.strip().str.casefold().fillna("")


def make_cell_keys(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return each row's country and category, spelt alike for joining."""
    return list(zip(*(make_key(table[axis]) for axis in AXES), strict=True))


def read_columns(table: ibis.Table, columns: Sequence[str]) -> pd.DataFrame:
    """Read these columns of a small table; an absent one is empty, and names are never missing."""
    frame = table.to_pandas().reindex(columns=list(columns))
    texts = [c for c in (*AXES, "unit") if c in frame]
    return frame.assign(**{c: frame[c].astype("string").fillna("").astype(object) for c in texts})


def _join_texts(values: pd.Series) -> str:
    return "; ".join(dict.fromkeys(str(v).strip() for v in values.dropna() if str(v).strip()))


def _yearly_rate(first: float, last: float, years: float) -> float:
    """Return the constant yearly rate between two figures; missing unless both are above 0."""
    if years <= 0 or first <= 0 or last <= 0:
        return np.nan
    return (last / first) ** (1 / years) - 1


def describe_template(tables: Mapping[str, ibis.Table]) -> pd.DataFrame:
    """List the columns of each missing market table: table, column, meaning, unit."""
    columns = ["table", "column", "meaning", "unit"]
    rows = [
        (name, column.name, column.meaning, column.unit)
        for name in MARKET_TABLES
        for column in TABLES[name].columns
        if name not in tables
    ]
    if not rows:
        return empty_table(columns, "The plan names every market table, so none is left to fill.")
    return pd.DataFrame(rows, columns=columns)


def write_templates(tables: Mapping[str, ibis.Table], folder: Path) -> list[str]:
    """Write a CSV with the headers of each missing market table; return the files' names."""
    for name, rows in describe_template(tables).groupby("table"):
        folder.mkdir(parents=True, exist_ok=True)
        write_rows_as_csv(folder / f"{name}.csv", rows["column"].tolist())
    return [f"{name}.csv" for name in MARKET_TABLES if name not in tables]


def collect_trends(trends: ibis.Table | None, *, most: int | None = None) -> pd.DataFrame:
    """Return one figure a trend, country and year; several sources of one figure are averaged.

    With ``most`` only so many are kept, those whose index ends furthest from 100. The columns are
    trend, country (empty where none is named), unit, year, value, source, line (the country and the
    trend) and index (the first year is 100; empty if that is not positive).
    """
    columns = ["trend", "country", "unit", "year", "value", "source"]
    if is_missing(trends, "trend", "year", "value"):
        return empty_table([*columns, "line", "index"], "There is no table of trends.")
    table = read_columns(trends, columns).dropna(subset=["trend", "year", "value"])
    if table.empty:
        return empty_table([*columns, "line", "index"], "The table of trends has no figures.")
    keys = ["trend", "country", "unit"]
    table = table.groupby([*keys, "year"], as_index=False).agg(
        value=("value", "mean"), source=("source", _join_texts)
    )
    first = table.groupby(keys)["value"].transform("first")
    table["line"] = table["country"].where(table["country"] == "", table["country"] + ": ")
    table["line"] += table["trend"]
    table["index"] = 100 * table["value"] / first.where(first > 0)
    moves = (table.groupby("line")["index"].last() / 100).map(np.log).abs()
    kept = moves.sort_values(ascending=False, kind="stable").index[:most]
    return table[table["line"].isin(kept)].reset_index(drop=True)


def summarise_trends(trends: ibis.Table | None) -> pd.DataFrame:
    """Summarise each trend by its first and its latest figure, fastest growth first.

    The columns are trend, country, unit, first_year, first_value, last_year, last_value,
    growth_rate (the constant yearly rate from the first to the last, empty where one is not
    positive) and source.
    """
    columns = ["trend", "country", "unit", "first_year", "first_value", "last_year", "last_value"]
    points = collect_trends(trends)
    if points.empty:
        return empty_table([*columns, "growth_rate", "source"], explain_empty(points))
    table = points.groupby(columns[:3], as_index=False).agg(
        first_year=("year", "first"),
        first_value=("value", "first"),
        last_year=("year", "last"),
        last_value=("value", "last"),
        source=("source", _join_texts),
    )
    table["growth_rate"] = [
        _yearly_rate(row.first_value, row.last_value, row.last_year - row.first_year)
        for row in table.itertuples()
    ]
    table = table.sort_values("growth_rate", ascending=False, kind="stable", ignore_index=True)
    return table[[*columns, "growth_rate", "source"]]


def latest_cells(market_cells: ibis.Table | None, *, by: Sequence[str] = AXES) -> pd.DataFrame:
    """Return the market by cell in its latest year, added up to the axes in ``by``.

    A row that names only the axes in ``by`` is a total and is preferred; otherwise the finer rows
    are added up, but for buyers, who would count twice: of them the largest row is taken.
    ``growth_rate`` is the latest year's, weighted by value; where no row states one it is
    computed from the cell's first and latest year. The columns are country, category, year,
    market_value, buyer_count, growth_rate, source.
    """
    if not by or not set(by) <= set(AXES):
        raise SegkitError("the market is cut by country, by category or by both", found=str(by))
    columns = [*AXES, "year", "market_value", "buyer_count", "growth_rate", "source"]
    if market_cells is None:
        return empty_table(columns, "There is no table of market cells.")
    named = list(by)
    rest = [axis for axis in AXES if axis not in named]
    table = read_columns(market_cells, columns).fillna({"year": 0})
    table = table[(table[named] != "").all(axis=1)]
    rows = []
    for names, cell in table.groupby(named):
        row = dict.fromkeys(AXES, "")
        row.update(zip(named, names, strict=True))
        is_total = (cell[rest] == "").all(axis=1)
        row.update(_summarise_cell(cell[is_total] if is_total.any() else cell))
        rows.append(row)
    if not rows:
        return empty_table(columns, f"No market cell names its {' and '.join(named)}.")
    return pd.DataFrame(rows, columns=columns).astype({"year": "Int64"})


def _summarise_cell(cell: pd.DataFrame) -> dict[str, object]:
    """Return a cell's size and growth in its latest year, from its rows."""
    last = cell[cell["year"] == cell["year"].max()]
    return {
        "year": int(last["year"].iloc[0]) or pd.NA,
        "market_value": last["market_value"].sum() or np.nan,
        "buyer_count": last["buyer_count"].max() or np.nan,
        "growth_rate": _measure_growth(cell, last),
        "source": _join_texts(last["source"]),
    }


def _measure_growth(cell: pd.DataFrame, last: pd.DataFrame) -> float:
    """Return the growth stated for the latest year, or that from the first year to the latest."""
    stated = last.dropna(subset=["growth_rate"])
    if len(stated):
        values = stated["market_value"].fillna(0)
        weights = values if values.sum() > 0 else None
        return float(np.average(stated["growth_rate"], weights=weights))
    for column in ("market_value", "buyer_count"):
        yearly = cell.groupby("year")[column].sum(min_count=1).dropna()
        if len(yearly) > 1:
            return _yearly_rate(yearly.iloc[0], yearly.iloc[-1], yearly.index[-1] - yearly.index[0])
    return np.nan


def list_players(
    competitors: ibis.Table | None, market_cells: ibis.Table | None = None
) -> pd.DataFrame:
    """List the competitors with their share, and how each segments and serves its customers.

    The columns are competitor, cell_count, mean_share (over the cells where the competitor is,
    weighted by their market value; the plain mean where none has a value), estimated_sales (share
    times value, summed), segments_served, offer, source; the largest comes first.
    """
    columns = ["competitor", "cell_count", "mean_share", "estimated_sales"]
    columns += ["segments_served", "offer", "source"]
    if is_missing(competitors, "competitor"):
        return empty_table(columns, "There is no table of competitors.")
    table = read_columns(competitors, [*columns, *AXES, "market_share"])
    values = {}
    for by in (AXES, ("country",), ("category",)):
        cells = latest_cells(market_cells, by=by)
        values |= dict(zip(make_cell_keys(cells), cells["market_value"], strict=True))
    table["cell"] = make_cell_keys(table)
    table["size"] = table["cell"].map(values).astype("float64").where(table["market_share"].notna())
    table["estimated_sales"] = table["market_share"] * table["size"]
    players = table.groupby("competitor", as_index=False).agg(
        cell_count=("cell", "nunique"),
        plain_share=("market_share", "mean"),
        size=("size", "sum"),
        estimated_sales=("estimated_sales", lambda sales: sales.sum(min_count=1)),
        segments_served=("segments_served", _join_texts),
        offer=("offer", _join_texts),
        source=("source", _join_texts),
    )
    weighted = players["estimated_sales"] / players["size"]
    players["mean_share"] = weighted.fillna(players["plain_share"])
    order = ["estimated_sales", "mean_share"]
    players = players.sort_values(order, ascending=False, kind="stable", ignore_index=True)
    return players[columns]
