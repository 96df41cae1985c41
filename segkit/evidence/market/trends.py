"""Where the industry goes: each trend over all its years, with its yearly rate."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd

from segkit.core.absence import empty_table, explain_empty, is_missing
from segkit.core.yearly_rates import FEWEST_POINTS, fit_yearly_rate
from segkit.evidence.market.cells import find_own_year, join_texts, read_columns

KEYS = ["trend", "country", "unit"]
NO_TRENDS = "There is no table of trends."
RISES = "rises"
FALLS = "falls"
NO_DIRECTION = "no clear direction"
TOO_FEW = "too few years"
NO_RATE = "has no rate"  # a figure is not above 0


def collect_trends(
    trends: ibis.Table | None, *, most: int | None = None, as_of: datetime.date | None = None
) -> pd.DataFrame:
    """Return one figure a trend, country and year; several sources of one figure are averaged.

    Parameters
    ----------
    trends : ibis.Table or None
        The table of trends.
    most : int, optional
        Only so many trends are kept, those whose index ends furthest from 100.
    as_of : datetime.date, optional
        No later year is read.

    Returns
    -------
    DataFrame
        trend, country (empty where none is named), unit, year, value, spread (how far sources of
        the figure are apart, over the largest), source, unsourced, line (the country and the trend,
        and the unit where two trends differ by it only) and index (the first year is 100; empty if
        that is not positive).
    """
    columns = [*KEYS, "year", "value", "spread", "source", "unsourced", "line", "index"]
    if is_missing(trends, "trend", "year", "value"):
        return empty_table(columns, NO_TRENDS)
    table = read_columns(trends, [*KEYS, "year", "value", "source"])
    table = table.dropna(subset=["trend", "year", "value"])
    if as_of is not None:
        table = table[table["year"] <= as_of.year]
    if table.empty:
        return empty_table(columns, "The table of trends has no figures.")
    table["unsourced"] = table["source"].str.strip() == ""
    table = table.groupby([*KEYS, "year"], as_index=False).agg(
        value=("value", "mean"),
        least=("value", "min"),
        largest=("value", "max"),
        source=("source", join_texts),
        unsourced=("unsourced", "any"),
    )
    apart = table["largest"] - table["least"]
    scale = table[["least", "largest"]].abs().max(axis=1)
    table["spread"] = (apart / scale.where(scale > 0)).fillna(0)
    first = table.groupby(KEYS)["value"].transform("first")
    table["line"] = _name_lines(table)
    table["index"] = 100 * table["value"] / first.where(first > 0)
    last = table.groupby("line")["index"].last() / 100
    moves = np.log(last.where(last > 0)).abs()
    kept = moves.sort_values(ascending=False, kind="stable").index[:most]
    return table[table["line"].isin(kept)].reset_index(drop=True)[columns]


def _name_lines(table: pd.DataFrame) -> pd.Series:
    """Return what each trend's line is called; the unit is told where it alone tells two apart."""
    line = table["country"].where(table["country"] == "", table["country"] + ": ") + table["trend"]
    units = table["unit"].groupby(line).transform("nunique")
    return line.where(units < 2, line + ", " + table["unit"])


def summarise_trends(
    trends: ibis.Table | None, *, as_of: datetime.date | None = None, stale_years: int = 3
) -> pd.DataFrame:
    """Summarise each trend by its yearly rate over all its years, fastest growth first.

    Parameters
    ----------
    trends : ibis.Table or None
        The table of trends.
    as_of : datetime.date, optional
        No later year is read; a trend whose last year is more than ``stale_years`` before ours is
        marked.
    stale_years : int
        See above.

    Returns
    -------
    DataFrame
        trend, country, unit, first_year, last_year, point_count, last_value, growth_rate (the
        log-linear rate, see `segkit.core.yearly_rates`), growth_rate_low and growth_rate_high
        (which hold together for all trends with 95 %), direction (``rises`` or ``falls`` where the
        interval leaves out 0, else ``no clear direction``; ``too few years``, ``has no rate``),
        mark (what is wrong with the figures) and source.
    """
    columns = [*KEYS, "first_year", "last_year", "point_count", "last_value", "growth_rate"]
    columns += ["growth_rate_low", "growth_rate_high", "direction", "mark", "source"]
    points = collect_trends(trends, as_of=as_of)
    if points.empty:
        return empty_table(columns, explain_empty(points))
    table = points.groupby(KEYS, as_index=False).agg(
        first_year=("year", "first"),
        last_year=("year", "last"),
        point_count=("year", "size"),
        last_value=("value", "last"),
        spread=("spread", "max"),
        unsourced=("unsourced", "any"),
        source=("source", join_texts),
    )
    many = int((table["point_count"] >= FEWEST_POINTS).sum())
    series = [part for _, part in points.groupby(KEYS)]
    fitted = [fit_yearly_rate(one["year"], one["value"], comparison_count=many) for one in series]
    table["growth_rate"] = [one.rate for one in fitted]
    table["growth_rate_low"] = [one.low for one in fitted]
    table["growth_rate_high"] = [one.high for one in fitted]
    table["direction"] = _name_directions(table)
    ours = None if as_of is None else find_own_year(as_of)
    table["mark"] = [_mark(row, ours, stale_years) for row in table.itertuples()]
    table = table.sort_values("growth_rate", ascending=False, kind="stable", ignore_index=True)
    return table[columns]


def _name_directions(table: pd.DataFrame) -> pd.Series:
    """Return where each trend goes, as far as its interval tells."""
    direction = pd.Series(NO_DIRECTION, index=table.index, dtype=object)
    direction = direction.mask(table["growth_rate_low"] > 0, RISES)
    direction = direction.mask(table["growth_rate_high"] < 0, FALLS)
    direction = direction.mask(table["growth_rate"].isna(), NO_RATE)
    return direction.mask(table["point_count"] < FEWEST_POINTS, TOO_FEW)


def _mark(row, ours: int | None, stale_years: int) -> str:
    """Say what is wrong with a trend's figures."""
    found = []
    if row.unsourced:
        found.append("no source")
    if ours is not None and ours - row.last_year > stale_years:
        found.append("old")
    if row.spread > 0.1:
        found.append("sources differ")
    return ", ".join(found)
