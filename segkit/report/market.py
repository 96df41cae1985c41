"""The market: where it goes, who serves it, what we hold of it, and what is open."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.periods import name_span
from segkit.core.privacy import Published, Shape
from segkit.report.market_ends import CELL, MARKET, state_ends
from segkit.report.shared import charts, figures
from segkit.report.shared.figures import GREY, ORANGE, chart
from segkit.report.shared.numbers import format_money, format_share, plural
from segkit.report.shared.sentences import explain_absence, name_some, write_finding
from segkit.report.shared.views import Column, View

GROWTH = Column("Growth a year", "share")
INDEX = Column("Index, average = 100", "integer")
OF_THE_MARKET = ("year", "market_value", "buyer_count", "growth_rate", "measure", "source")

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
        "growth_rate": GROWTH,
        "source": Column(),
    },
)
PLAYERS = View(Shape("players", population="market", by=("competitor",)))
PENETRATION = View(
    Shape(
        "penetration",
        by=CELL,
        count="rests_on_count",
        repeats=True,
        shown=("cell", "matched", *OF_THE_MARKET),
    ),
    {
        "cell": Column(),
        "market_value": Column("Market value, its latest year", "money"),
        "buyer_count": Column(kind="integer"),
        "growth_rate": GROWTH,
        "customer_count": Column(kind="integer"),
        "spend": Column("Our net sales", "money"),
        "index": INDEX,
    },
)
# What did not join is no part of the share of the market, so the two are not added up.
PENETRATION_TOTALS = View(
    Shape(
        "penetration_totals",
        by=("part",),
        adds_up=False,
        shown=("measure", "cell_count", "size", "year", "days", "smallest_cell"),
    )
)
TEMPLATE = View(Shape("template", population="columns", by=("table", "column")))

UNMATCHED = {"part": "ours only"}
WHITE_SPACE = (Condition("white_space", "==", True),)


def view_white_space(cells: pd.DataFrame) -> View:
    """Return the view of the cells: sizes are money, or buyers where no value is known.

    The gate has hidden our figures in :data:`PENETRATION` already; the same rows are hidden here,
    and the opportunity is sized without them.
    """
    is_money = set(cells["measure"]) == {"market_value"}
    size = Column(kind="money" if is_money else "integer")
    shape = Shape(
        "white_space",
        by=CELL,
        count="rests_on_count",
        adds_up=False,
        shown=(
            *("cell", "measure", "size", "growth_rate", "rival_share", "large", "growing"),
            *("open_to_us", "open_from_rivals", "fails_on", "white_space", "opportunity", "source"),
        ),
    )
    columns = {
        "cell": Column(),
        "size": size,
        "growth_rate": GROWTH,
        "index": INDEX,
        "rival_share": Column("Competitors' share", "share"),
        "fails_on": Column(),
        "opportunity": size,
        "source": Column(),
    }
    return View(shape, columns)


def plot_trends(points, *, title: str = "Trends of the industry") -> Axes:
    """Draw each trend as an index of its first year.

    How to read it: a line that climbs is a growing trend; lines begin at their own first year.
    The table has a row a trend and year: ``line`` (its name), ``year`` and ``index``.
    """
    name = "index, first year = 100"
    return charts.plot_trend(
        points, x="year", y="index", group="line", value_name=name, title=title
    )


def plot_country_shares(
    by_country, *, title: str = "Where our share is above and below our average"
) -> Axes:
    """Draw our share by country as an index of our average share.

    How to read it: twice the length is twice the share; one hundred is our own average.
    The table has a row a country: ``country`` and ``index``.
    """
    name = "index of our share of the market, our average = 100"
    return charts.plot_bars(
        by_country, label="country", value="index", value_name=name, title=title
    )


def plot_cell_shares(cells, *, title: str = "Our share, average = 100") -> Axes:
    """Draw our share of each cell as an index of our average share.

    How to read it: the darker a cell, the stronger we are there; a dash means that nothing is
    known, or that too few customers buy there to show it.
    The table has a row a cell: ``country``, ``category`` and ``index``.
    """
    return charts.plot_cells(
        cells,
        row="country",
        column="category",
        value="index",
        kind="integer",
        value_name="index of our share of the market, our average = 100",
        title=title,
    )


@chart("cell", "size", "growth_rate", values=["white_space"])
def plot_white_space(
    table, *, currency: str = "", title: str = "Market cells by size and growth"
) -> Axes:
    """Draw market cells by size and growth; white space is an orange, named diamond.

    How to read it: right is a larger market, up is a growing one. A named diamond is a cell that
    is large, growing and hardly served; the other cells are grey circles.
    The table has a row a cell: ``cell`` (its name), ``size`` (currency a year, or buyers where
    ``measure`` says so), ``growth_rate`` (share a year) and ``white_space`` (boolean).
    """
    counts_buyers = "measure" in table and set(table["measure"]) == {"buyer_count"}
    unit = "buyers" if counts_buyers else currency
    rows = table.sort_values("size", ascending=False, kind="stable")
    is_chosen = rows["white_space"].fillna(False).astype(bool)
    others = rows[~is_chosen]
    found = rows[is_chosen]
    ax = figures.new_axes(title, height=4.4)
    ax.axhline(0, color=GREY, linewidth=1)
    ax.scatter("size", "growth_rate", s=46, color=GREY, alpha=0.75, linewidth=0, data=others)
    ax.scatter("size", "growth_rate", s=90, marker="D", color=ORANGE, edgecolor="white", data=found)
    ax.margins(x=0.16, y=0.16)
    ax.grid(True)
    scale = figures.set_numbers(ax.xaxis, "money", largest=rows["size"].max())
    figures.set_numbers(ax.yaxis, "share")
    ax.set_xlabel(figures.join_unit("size of the market", unit, scale))
    figures.name_values(ax, "growth a year")
    named = found[["cell", "size", "growth_rate"]].head(8).to_numpy()
    figures.name_points(ax, named[:, 1:].astype(float), named[:, 0])
    points = []
    for name, size, growth in named:
        text = plural(size, "buyer") if counts_buyers else format_money(size, currency)
        points.append(f"{name}, {text}, growth {format_share(growth)}")
    said = f"Market size against growth of {plural(len(rows), 'cell')}"
    return figures.describe_chart(ax, f"{said}; {len(found)} marked as white space", points)


def state_trends(trends: Published) -> list[Finding]:
    """Say how many trends rise, and which moves fastest up and down."""
    if trends.empty:
        return [explain_absence(trends)]
    known_count = trends.read_figure(
        "growth_rate",
        where=[Condition("growth_rate", "known")],
        how="rows",
        kind="count",
        unit="trend",
        name="known_count",
    )
    told = [write_finding("market.trends.rising", [_count_rising(trends), known_count])]
    known = trends.frame.dropna(subset=["growth_rate"])
    known = known.sort_values("growth_rate", ascending=False, kind="stable")
    rising = known[known["growth_rate"] > 0]
    falling = known[known["growth_rate"] < 0]
    for rows, moves in ((rising, "rises"), (falling[::-1], "falls")):
        if len(rows) and not _is_shared(rows["growth_rate"].abs(), format_share):
            told.append(_state_trend(trends, rows.iloc[0].to_dict(), moves))
    return told


def _is_shared(values: pd.Series, write: Callable[[float], str]) -> bool:
    """Return whether the first of some values is written like the next: then it is no extreme."""
    return len(values) > 1 and write(values.iloc[0]) == write(values.iloc[1])


def _count_rising(trends: Published) -> Figure:
    rising = [Condition("growth_rate", ">", 0)]
    return trends.read_figure("growth_rate", where=rising, how="rows", name="rising_count")


def _state_trend(trends: Published, row: dict, moves: str) -> Finding:
    """Say how fast a trend rises or falls, from when to when, and where it stands."""
    place = {name: row[name] for name in ("trend", "country", "unit")}
    is_large = row["last_value"] >= 1e6
    found = [
        trends.read_figure("growth_rate", where=place, how="absolute", kind="share"),
        trends.read_figure("first_year", where=place, kind="text"),
        trends.read_figure("last_year", where=place, kind="text"),
        trends.read_figure(
            "last_value", where=place, kind="large" if is_large else "number", unit="", decimals=1
        ),
    ]
    words = {
        "trend": f"{row['country']}: {row['trend']}" if row["country"] else row["trend"],
        "moves": moves,
        "unit": f" {row['unit']}" if row["unit"] else "",
    }
    return write_finding("market.trends.fastest", found, words=words)


def state_players(players: Published) -> list[Finding]:
    """Say how many competitors there are, and which is the largest."""
    if players.empty:
        return [explain_absence(players)]
    first = players.frame.iloc[0]
    place = {"competitor": first["competitor"]}
    found = [
        players.read_figure(
            "competitor", how="rows", kind="count", unit="competitor", name="player_count"
        ),
        players.read_figure("mean_share", where=place, kind="share"),
        players.read_figure("cell_count", where=place, kind="count", unit="cell"),
    ]
    measure = "mean_share" if pd.isna(first["estimated_sales"]) else "estimated_sales"
    if _is_shared(players.frame[measure], str):
        return [write_finding("market.players.several_largest", found[:1])]
    if pd.isna(first["estimated_sales"]):
        return [write_finding("market.players.largest", found, words=place)]
    found.append(players.read_figure("estimated_sales", where=place, kind="large"))
    return [write_finding("market.players.largest_with_sales", found, words=place)]


def state_penetration(penetration: Published, totals: Published) -> list[Finding]:
    """Say what share of the market we hold, where most and where least, and what did not join."""
    if penetration.empty:
        return [explain_absence(penetration)]
    market = totals.frame.set_index("part").loc["market"]
    if not market["size"]:
        return [write_finding("market.penetration.no_size")]
    told = [_state_held(totals), *state_ends(penetration, int(market["smallest_cell"]), totals)]
    return [*told, *_state_unmatched(penetration, totals)]


def _state_held(totals: Published) -> Finding:
    is_money = totals.frame["measure"].iloc[0] == "market_value"
    kind = "large" if is_money else "count"
    unit = totals.currency if is_money else ""
    count = totals.read_figure("customer_count", where=MARKET, kind="count", unit="customer")
    year = totals.read_figure("year", where=MARKET, kind="text", period="")
    found = [
        _read_held_share(totals),
        totals.read_figure("ours", where=MARKET, kind=kind, unit=unit),
        totals.read_figure("days", where=MARKET, kind="count", unit="day"),
        totals.read_figure(
            "size", where=MARKET, kind=kind, unit=unit, period=f"the year {year.value}"
        ),
        year,
        count,
    ]
    words = {"measured": "value" if is_money else "buyers"}
    words["net"] = " net of returns" if is_money else ""
    return write_finding("market.penetration.held", found, count=count, words=words)


def _read_held_share(totals: Published) -> Figure:
    return totals.read_figure("share", where=MARKET, kind="small share")


def _state_unmatched(penetration: Published, totals: Published) -> list[Finding]:
    """Say which cells of ours did not join, with their spend where it may be seen."""
    names = penetration.frame.loc[penetration.frame["matched"] == "ours only", "cell"]
    if names.empty:
        return []
    words = {"names": name_some(names)}
    found = [
        penetration.read_figure(
            "cell",
            where={"matched": "ours only"},
            how="rows",
            kind="count",
            unit="cell",
            name="unmatched_count",
        )
    ]
    spend = totals.read_figure("spend", where=UNMATCHED, kind="large")
    if spend.value is None:
        return [write_finding("market.penetration.unmatched", found, words=words)]
    found += [spend, totals.read_figure("spend_share", where=UNMATCHED, kind="small share")]
    count = totals.read_figure("customer_count", where=UNMATCHED)
    kind = "market.penetration.unmatched_with_spend"
    return [write_finding(kind, found, count=count, words=words)]


def state_white_space(cells: Published) -> list[Finding]:
    """Say which cells pass all four rules and what they could bring; else which comes nearest."""
    if cells.empty:
        return [explain_absence(cells)]
    frame = cells.frame
    chosen = frame[frame["white_space"]]
    if chosen.empty:
        failed = frame["fails_on"].str.count(",")
        if (failed == failed.min()).sum() > 1:
            return [write_finding("market.white_space.none_nearest", [_count_cells(cells)])]
        nearest = frame.loc[failed.idxmin()]
        words = {"cell": nearest["cell"], "fails_on": nearest["fails_on"]}
        return [write_finding("market.white_space.none", [_count_cells(cells)], words=words)]
    counts = [_count_white_space(cells), _count_cells(cells)]
    told = [
        write_finding(
            "market.white_space.cells", counts, words={"names": name_some(chosen["cell"])}
        ),
        *_state_opportunity(cells, chosen),
    ]
    unknown = chosen.loc[chosen["rival_share"].isna(), "cell"]
    if len(unknown):
        words = {"names": name_some(unknown)}
        told.append(write_finding("market.white_space.no_rivals", words=words))
    words = {"sources": name_some(chosen["source"].unique())}
    return [*told, write_finding("market.white_space.sources", words=words)]


def _state_opportunity(cells: Published, chosen: pd.DataFrame) -> list[Finding]:
    """Say what the first of the cells would bring, and all together where all may be seen."""
    known = chosen.dropna(subset=["opportunity"])
    if known.empty:
        return []
    first = known.iloc[0]
    is_money = first["measure"] == "market_value"
    place = {axis: first[axis] for axis in CELL}
    words = {"cell": first["cell"], "yearly": " a year" if is_money else " buyers"}
    kind = "large" if is_money else "count"
    unit = cells.currency if is_money else ""
    found = [cells.read_figure("opportunity", where=place, kind=kind, unit=unit, name="first")]
    every = cells.read_figure(
        "opportunity", where=WHITE_SPACE, how="sum", kind=kind, unit=unit, name="every"
    )
    if every.value is None:
        return [write_finding("market.white_space.first_opportunity", found, words=words)]
    return [write_finding("market.white_space.opportunity", [*found, every], words=words)]


def _count_white_space(cells: Published, *, unit: str = "") -> Figure:
    return cells.read_figure(
        "cell", where=WHITE_SPACE, how="rows", kind="count", unit=unit, name="chosen_count"
    )


def _count_cells(cells: Published) -> Figure:
    return cells.read_figure("cell", how="rows", kind="count", unit="cell", name="cell_count")


def list_headline(trends: Published, totals: Published, cells: Published) -> dict[str, Finding]:
    """Return the figures for the first page, by label; those that are not known are left out."""
    headline = {}
    if not cells.empty:
        held = [_read_held_share(totals)]
        label = f"Share of the market, {name_span(held[0].period)}"
        headline[label] = write_finding("market.headline.held", held)
        found = [_count_white_space(cells, unit="cell")]
        headline["White space"] = write_finding("market.headline.white_space", found)
        chosen = cells.frame[cells.frame["white_space"]]
        if len(chosen) and chosen["measure"].iloc[0] == "market_value":
            every = cells.read_figure(
                "opportunity", where=WHITE_SPACE, how="sum", kind="large", name="every"
            )
            if every.value is not None:
                headline["Opportunity a year"] = write_finding(
                    "market.headline.opportunity", [every]
                )
    if not trends.empty:
        found = [_count_rising(trends), trends.read_figure("trend", how="rows", name="trend_count")]
        headline["Rising trends"] = write_finding("market.headline.trends", found)
    return headline
