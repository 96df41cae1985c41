"""The market: its trends, its players, our share of each cell, and the white space.

Market tables are small and come to pandas at once. Our own customers and lines are counted in the
engine first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from segkit.data.contract import TABLES
from segkit.errors import SegkitError
from segkit.evidence.missing import empty_table, is_missing

MARKET_TABLES = ("market_cells", "competitors", "trends")
AXES = ("country", "category")
GRAINS = (AXES, ("country",), ("category",))
TREND_COLUMNS = [
    "trend",
    "country",
    "unit",
    "first_year",
    "first_value",
    "last_year",
    "last_value",
    "change",
    "growth_rate",
    "year_count",
    "source",
]
PLAYER_COLUMNS = [
    "competitor",
    "cell_count",
    "mean_share",
    "weighted_cell_count",
    "estimated_sales",
    "segments_served",
    "offer",
    "source",
]
EXAMPLES = {
    "country": "Sweden",
    "category": "Tents",
    "year": "2025",
    "buyer_count": "410000",
    "market_value": "62000000",
    "growth_rate": "0.04",
    "source": "Trade association, yearly report, table 3",
    "competitor": "Name of the firm",
    "market_share": "0.18",
    "segments_served": "Families; price-conscious",
    "offer": "Wide range, low price, own stores",
    "trend": "Nights spent camping",
    "value": "1250000",
    "unit": "nights",
}


def _join_texts(values: pd.Series) -> str:
    """Join the distinct texts of a column, in order of appearance."""
    return "; ".join(dict.fromkeys(str(v).strip() for v in values.dropna() if str(v).strip()))


def make_key(values: pd.Series) -> pd.Series:
    """Spell names alike for joining: no outer space, no capitals."""
    return values.astype("string").str.strip().str.casefold().fillna("")


def make_cell_keys(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return each row's country and category, spelt alike for joining."""
    return list(zip(*(make_key(table[axis]) for axis in AXES), strict=True))


def fill_columns(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the table with the optional columns that it lacks, empty."""
    return table.assign(**{c: np.nan for c in columns if c not in table.columns})


def fill_axes(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with both axes as text, empty where not named."""
    table = fill_columns(table, AXES)
    return table.assign(**{a: table[a].astype("string").fillna("").astype(object) for a in AXES})


def _yearly_rate(first: float, last: float, years: float) -> float:
    if years <= 0 or not first > 0 or not last > 0:
        return np.nan
    return (last / first) ** (1 / years) - 1


def market_template() -> dict[str, pd.DataFrame]:
    """Return one example row for each market table, with the contract's headers.

    Returns
    -------
    dict of str to DataFrame
        ``market_cells``, ``competitors`` and ``trends``; all values are text, made up, and there
        to be replaced.
    """
    return {
        name: pd.DataFrame({c: [EXAMPLES[c]] for c in TABLES[name].column_names})
        for name in MARKET_TABLES
    }


def describe_template(tables: Mapping[str, ibis.Table] | None = None) -> pd.DataFrame:
    """List the columns of the market tables to fill in: table, column, meaning, unit, example.

    Tables that are in ``tables`` already are left out.
    """
    rows = [
        (name, column.name, column.meaning, column.unit, EXAMPLES[column.name])
        for name in MARKET_TABLES
        for column in TABLES[name].columns
        if name not in (tables or {})
    ]
    columns = ["table", "column", "meaning", "unit", "example"]
    if not rows:
        return empty_table(columns, "The plan names every market table, so none is left to fill.")
    return pd.DataFrame(rows, columns=columns)


def write_templates(tables: Mapping[str, ibis.Table], folder: Path) -> list[str]:
    """Write a CSV file with headers and one made-up row for each market table that is missing.

    Returns
    -------
    list of str
        The names of the files in ``folder``.
    """
    missing = {name: table for name, table in market_template().items() if name not in tables}
    for name, table in missing.items():
        folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(folder / f"{name}.csv", index=False)
    return [f"{name}.csv" for name in missing]


def collect_trends(
    trends: ibis.Table | None, *, country: str = "", most: int | None = None
) -> pd.DataFrame:
    """Return one figure a trend, country and year; several sources of one figure are averaged.

    Parameters
    ----------
    trends : ibis.Table or None
        The contract's ``trends``.
    country : str, optional
        Keep this country and the figures that name none; empty keeps all.
    most : int, optional
        Keep only this many trends: those whose index ends furthest from 100. None keeps all.

    Returns
    -------
    DataFrame
        trend, country (empty where none is named), unit, year, value, source, line (the country and
        the trend) and index (the first year is 100; empty if that is not positive); sorted.
    """
    columns = ["trend", "country", "unit", "year", "value", "source"]
    reason = "There is no table of trends."
    if is_missing(trends, "trend", "year", "value"):
        return empty_table([*columns, "line", "index"], reason)
    table = fill_columns(trends.to_pandas(), columns).dropna(subset=["trend", "year", "value"])
    if country:
        named = make_key(table["country"])
        table = table[(named == country.strip().casefold()) | (named == "")]
        reason = "The table of trends has no figure for this country."
    if table.empty:
        return empty_table([*columns, "line", "index"], reason)
    table = table.assign(
        country=table["country"].astype("string").fillna("").astype(object),
        unit=table["unit"].astype("string").fillna("").astype(object),
    )
    keys = ["trend", "country", "unit", "year"]
    grouped = table.groupby(keys, sort=True)
    table = grouped.agg(value=("value", "mean"), source=("source", _join_texts)).reset_index()
    first = table.groupby(keys[:3])["value"].transform("first")
    place = (table["country"] + ": ").where(table["country"] != "", "")
    table = table.assign(
        line=place + table["trend"], index=100 * table["value"] / first.where(first > 0)
    )
    if most is None:
        return table
    moves = (table.groupby("line")["index"].last() / 100).map(np.log).abs()
    kept = moves.sort_values(ascending=False, kind="stable").index[:most]
    return table[table["line"].isin(kept)].reset_index(drop=True)


def summarise_trends(trends: ibis.Table | None, *, country: str = "") -> pd.DataFrame:
    """Summarise each trend by its first and its latest figure.

    ``change`` is latest / first - 1; ``growth_rate`` is the constant yearly rate that leads from
    the one to the other, (latest / first) ** (1 / years) - 1. Both are empty where the first
    figure is not positive or there is one year only.

    Parameters
    ----------
    trends : ibis.Table or None
        The contract's ``trends``.
    country : str, optional
        Keep this country and the figures that name none.

    Returns
    -------
    DataFrame
        One row a trend, country and unit, fastest growth first.
    """
    points = collect_trends(trends, country=country)
    if points.empty:
        return empty_table(TREND_COLUMNS, points.attrs["reason"])
    rows = []
    for (trend, place, unit), part in points.groupby(["trend", "country", "unit"], sort=True):
        first, last = part.iloc[0], part.iloc[-1]
        years = int(last["year"] - first["year"])
        rate = _yearly_rate(first["value"], last["value"], years)
        rows.append(
            {
                "trend": trend,
                "country": place,
                "unit": unit,
                "first_year": int(first["year"]),
                "first_value": float(first["value"]),
                "last_year": int(last["year"]),
                "last_value": float(last["value"]),
                "change": last["value"] / first["value"] - 1 if rate == rate else np.nan,
                "growth_rate": rate,
                "year_count": part["year"].nunique(),
                "source": _join_texts(part["source"]),
            }
        )
    table = pd.DataFrame(rows, columns=TREND_COLUMNS)
    return table.sort_values("growth_rate", ascending=False, kind="stable", ignore_index=True)


def latest_cells(market_cells: ibis.Table | None, *, by: Sequence[str] = AXES) -> pd.DataFrame:
    """Return the market by cell in its latest year, added up to the axes in ``by``.

    A row that names only the axes in ``by`` is a total and is preferred; otherwise the finer rows
    are added up. Values add up rightly. Buyers do not: who buys in two categories would count
    twice, so the largest single row is taken, the least number of buyers there can be.
    ``growth_rate`` is the latest year's, weighted by value; where no row states one it is
    computed from the cell's first and latest year.

    Parameters
    ----------
    market_cells : ibis.Table or None
        The contract's ``market_cells``.
    by : sequence of str
        ``country``, ``category`` or both.

    Returns
    -------
    DataFrame
        country, category, year, market_value, buyer_count, growth_rate, source.
    """
    by = check_axes(by)
    columns = [*AXES, "year", "market_value", "buyer_count", "growth_rate", "source"]
    if market_cells is None:
        return empty_table(columns, "There is no table of market cells.")
    table = fill_axes(fill_columns(market_cells.to_pandas(), columns))
    table = table[(table[list(by)] != "").all(axis=1)]
    table["year"] = table["year"].fillna(0)
    rows = []
    for names, cell in table.groupby(list(by), sort=True):
        rest = [axis for axis in AXES if axis not in by]
        totals = cell[(cell[rest] == "").all(axis=1)] if rest else cell
        cell = totals if len(totals) else cell
        last = cell[cell["year"] == cell["year"].max()]
        rows.append(
            {
                **dict.fromkeys(AXES, ""),
                **dict(zip(by, names, strict=True)),
                "year": last["year"].iloc[0],
                "market_value": last["market_value"].sum(min_count=1),
                "buyer_count": last["buyer_count"].max() if rest else last["buyer_count"].sum(),
                "growth_rate": _measure_growth(cell, last),
                "source": _join_texts(last["source"]),
            }
        )
    if not rows:
        return empty_table(columns, f"No market cell names its {' and '.join(by)}.")
    cells = pd.DataFrame(rows, columns=columns)
    for column in ("market_value", "buyer_count"):
        cells[column] = cells[column].where(cells[column] > 0)
    return cells.assign(year=cells["year"].astype("Int64").replace(0, pd.NA))


def _measure_growth(cell: pd.DataFrame, last: pd.DataFrame) -> float:
    """Return the growth stated for the latest year, or that from the first year to the latest."""
    stated = last.dropna(subset=["growth_rate"])
    if len(stated):
        weights = stated["market_value"].fillna(0)
        if weights.sum() > 0:
            return float(np.average(stated["growth_rate"], weights=weights))
        return float(stated["growth_rate"].mean())
    for column in ("market_value", "buyer_count"):
        yearly = cell.groupby("year")[column].sum(min_count=1).dropna()
        if len(yearly) > 1:
            years = yearly.index[-1] - yearly.index[0]
            return _yearly_rate(yearly.iloc[0], yearly.iloc[-1], years)
    return np.nan


def check_axes(by: Sequence[str]) -> tuple[str, ...]:
    """Return ``by`` as a tuple; an error names the axes that there are."""
    by = (by,) if isinstance(by, str) else tuple(by)
    if not by or any(axis not in AXES for axis in by):
        raise SegkitError(
            "the market is cut by country, by category or by both",
            where="parameter by",
            found=repr(list(by)),
            fix="Give ['country'], ['category'] or ['country', 'category'].",
        )
    return by


def list_players(
    competitors: ibis.Table | None, market_cells: ibis.Table | None = None
) -> pd.DataFrame:
    """List the competitors with their share, and how each segments and serves its customers.

    ``mean_share`` is over the cells where the competitor is present, weighted by their
    ``market_value``; ``weighted_cell_count`` says how many cells had a value. Where none had, it
    is the plain mean. ``estimated_sales`` is the sum of share times value over those cells.

    Parameters
    ----------
    competitors, market_cells : ibis.Table or None
        The contract's tables.

    Returns
    -------
    DataFrame
        One row a competitor, largest estimated sales first, then largest mean share.
    """
    if is_missing(competitors, "competitor"):
        return empty_table(PLAYER_COLUMNS, "There is no table of competitors.")
    table = competitors.to_pandas().dropna(subset=["competitor"])
    table = _add_cell_values(table, market_cells)
    if table.empty:
        return empty_table(PLAYER_COLUMNS, "The table of competitors has no rows.")
    rows = []
    for name, part in table.groupby("competitor", sort=True):
        known = part.dropna(subset=["market_share", "market_value"])
        sales = float((known["market_share"] * known["market_value"]).sum())
        total = float(known["market_value"].sum())
        rows.append(
            {
                "competitor": name,
                "cell_count": len(part[list(AXES)].drop_duplicates()),
                "mean_share": sales / total if total > 0 else part["market_share"].mean(),
                "weighted_cell_count": len(known),
                "estimated_sales": sales if total > 0 else np.nan,
                "segments_served": _join_texts(part["segments_served"]),
                "offer": _join_texts(part["offer"]),
                "source": _join_texts(part["source"]),
            }
        )
    table = pd.DataFrame(rows, columns=PLAYER_COLUMNS)
    order = ["estimated_sales", "mean_share"]
    return table.sort_values(order, ascending=False, kind="stable", ignore_index=True)


def _add_cell_values(table: pd.DataFrame, market_cells: ibis.Table | None) -> pd.DataFrame:
    """Add each competitor row's ``market_value``, at the grain that the row itself names."""
    wanted = ["market_share", "segments_served", "offer", "source"]
    table = fill_axes(fill_columns(table, wanted)).reset_index(drop=True)
    table["market_value"] = np.nan
    for by in GRAINS:
        cells = latest_cells(market_cells, by=by)
        values = dict(zip(make_cell_keys(cells), cells["market_value"], strict=True))
        same_grain = [(table[axis] != "") == (axis in by) for axis in AXES]
        rows = table[np.logical_and.reduce(same_grain)]
        table.loc[rows.index, "market_value"] = [
            values.get(key, np.nan) for key in make_cell_keys(rows)
        ]
    return table
