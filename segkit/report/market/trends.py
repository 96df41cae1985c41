"""Where the industry goes: trends as an index, and their yearly rates with intervals."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.evidence.market.trends import FALLS, NO_DIRECTION, RISES, TOO_FEW
from segkit.report.shared import charts
from segkit.report.shared.numbers import format_share
from segkit.report.shared.sentences import explain_absence, name_some, write_finding
from segkit.report.shared.views import Column, View

RATE_ENDS = ("growth_rate_low", "growth_rate_high")
TREND_POINTS = View(Shape("trend_points", population="market", by=("line", "year")))
TRENDS = View(
    Shape("trends", population="market", by=("trend", "country", "unit")),
    {
        "trend": Column(),
        "country": Column(),
        "unit": Column(),
        "first_year": Column(),
        "last_year": Column(),
        "last_value": Column(kind="number"),
        "growth_rate": Column("Growth a year", "share"),
        "growth_interval": Column("From, to", "share", interval=RATE_ENDS),
        "direction": Column(),
        "mark": Column("Mind"),
        "source": Column(),
    },
)


def plot_trends(points, *, title: str = "Trends of the industry") -> Axes:
    """Draw each trend as an index of its first year.

    How to read it: a line that climbs is a growing trend; lines begin at their own first year.
    The table has a row a trend and year: ``line`` (its name), ``year`` and ``index``.
    """
    name = "index, first year = 100"
    return charts.plot_trend(
        points, x="year", y="index", group="line", value_name=name, title=title
    )


def state_trends(trends: Published) -> list[Finding]:
    """Say how many trends surely rise and fall, which is fastest, and which figures are weak."""
    if trends.empty:
        return [explain_absence(trends)]
    told = [_state_directions(trends)]
    frame = trends.frame
    for direction, kind, is_top in ((RISES, "fastest", True), (FALLS, "fastest_fall", False)):
        rows = frame[frame["direction"] == direction]
        rows = rows.sort_values("growth_rate", ascending=not is_top, kind="stable")
        if len(rows) and not _is_shared(rows["growth_rate"]):
            told.append(_state_trend(trends, rows.iloc[0].to_dict(), kind))
    return [*told, *_state_marks(trends)]


def _is_shared(rates: pd.Series) -> bool:
    """Return whether the first of some rates is written like the next: then it is no extreme."""
    return len(rates) > 1 and format_share(rates.iloc[0]) == format_share(rates.iloc[1])


def _state_directions(trends: Published) -> Finding:
    """Say how many trends rise, fall, show no clear direction, and have too few years."""
    directions = {"rising": RISES, "falling": FALLS, "open": NO_DIRECTION, "short": TOO_FEW}
    found = [count_trends(trends)]
    found += [_count_direction(trends, word, f"{name}_count") for name, word in directions.items()]
    return write_finding("market.trends.directions", found)


def count_trends(trends: Published) -> Figure:
    """Count the trends."""
    return trends.read_figure("trend", how="rows", kind="count", unit="trend", name="trend_count")


def count_rising(trends: Published) -> Figure:
    """Count the trends that surely rise."""
    return _count_direction(trends, RISES, "rising_count")


def _count_direction(trends: Published, direction: str, name: str) -> Figure:
    where = [Condition("direction", "==", direction)]
    return trends.read_figure("direction", where=where, how="rows", kind="count", name=name)


def _state_trend(trends: Published, row: dict, kind: str) -> Finding:
    """Say how fast a trend rises or falls, from when to when, and where it stands."""
    place = {name: row[name] for name in ("trend", "country", "unit")}
    is_large = abs(row["last_value"]) >= 1e6
    found = [
        trends.read_figure("growth_rate", where=place, kind="share", interval=RATE_ENDS),
        trends.read_figure("first_year", where=place, kind="text"),
        trends.read_figure("last_year", where=place, kind="text"),
        trends.read_figure("point_count", where=place, kind="count", unit="year"),
        trends.read_figure(
            "last_value", where=place, kind="large" if is_large else "number", unit="", decimals=1
        ),
    ]
    words = {
        "trend": f"{row['country']}: {row['trend']}" if row["country"] else row["trend"],
        "unit": f" {row['unit']}" if row["unit"] else "",
    }
    return write_finding(f"market.trends.{kind}", found, words=words)


def _state_marks(trends: Published) -> list[Finding]:
    """Say which trends rest on figures that are old, without a source, or that differ."""
    told = []
    for word, kind in (("old", "old"), ("no source", "unsourced"), ("sources differ", "differing")):
        is_marked = trends.frame["mark"].str.split(", ").map(lambda marks, word=word: word in marks)
        names = trends.frame.loc[is_marked, "trend"].unique()
        if len(names):
            words = {"names": name_some(names)}
            told.append(write_finding(f"market.trends.{kind}", [count_trends(trends)], words=words))
    return told
