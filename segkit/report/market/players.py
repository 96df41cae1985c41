"""Who else serves the market: the players, the map of their cells, and their prices."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.absence import empty_table
from segkit.core.findings import Finding
from segkit.core.privacy import Published, Shape
from segkit.report.shared import charts, figures
from segkit.report.shared.figures import BLUE, GREY, ORANGE, chart
from segkit.report.shared.numbers import format_number, format_share, plural
from segkit.report.shared.sentences import explain_absence, name_some, write_finding
from segkit.report.shared.views import Column, View

OURS = "we"
MOST_CELLS = 14  # in the map of competitors; the largest
PLAYERS = View(
    Shape("players", population="market", by=("competitor",)),
    {
        "competitor": Column(),
        "cell_count": Column("Cells", "integer"),
        "mean_share": Column("Share of its cells", "share"),
        "estimated_sales": Column("Estimated sales a year", "money"),
        "price_level": Column("Price level, average = 100", "integer"),
        "channels": Column(),
        "segments_served": Column("How it segments"),
        "offer": Column("How it serves"),
        "year": Column(),
        "source": Column(),
    },
)
RIVALS = View(
    Shape("rivals", population="market", by=("cell", "competitor")),
    {
        "cell": Column(),
        "competitor": Column(),
        "market_share": Column("Share of the cell", "share"),
    },
)
PRICES = View(
    Shape("prices", population="market", by=("competitor",)),
    {
        "competitor": Column(),
        "price_level": Column("Price level, average = 100", "integer"),
        "mean_share": Column("Share of its cells", "share"),
    },
)


def keep_largest_cells(rivals: Published, *, most: int = MOST_CELLS) -> Published:
    """Return the competitors' shares of the first cells, which are the largest."""
    if rivals.empty:
        return rivals
    cells = rivals.frame["cell"].drop_duplicates().head(most)
    return rivals.keep(rivals.frame["cell"].isin(cells))


def plot_rivals(rivals, *, title: str = "Who holds which cell") -> Axes:
    """Draw each competitor's share of each cell of the market.

    How to read it: the darker a cell, the more of it the competitor holds; a dash means that no
    share is recorded, which is not the same as none.
    The table has a row a cell and competitor: ``cell``, ``competitor`` and ``market_share``.
    """
    return charts.plot_cells(
        rivals,
        row="cell",
        column="competitor",
        value="market_share",
        kind="share",
        value_name="competitor's share of the cell",
        period="",  # theirs is that of the market's tables
        title=title,
    )


def list_prices(
    players: Published, totals: Published, *, price_level: float | None
) -> pd.DataFrame:
    """Return each competitor's price level and share, and ours where the plan has the level.

    Our share is that of all cells together, where it may be seen and is of the same market.

    Returns
    -------
    DataFrame
        competitor (ours is called ``we``), price_level (100 is the market's average), mean_share,
        is_ours.
    """
    columns = ["competitor", "price_level", "mean_share", "is_ours"]
    if players.empty:
        return empty_table(columns, players.reason)
    known = players.frame.dropna(subset=["price_level"])
    table = known[columns[:-1]].assign(is_ours=False)
    if price_level is not None:
        row = {"competitor": OURS, "price_level": price_level, "mean_share": _read_share(totals)}
        table = pd.concat([table, pd.DataFrame([{**row, "is_ours": True}])], ignore_index=True)
    if known.empty:
        return empty_table(columns, "No price level of a competitor is recorded.")
    return table.sort_values(["price_level", "competitor"], ignore_index=True)


def _read_share(totals: Published) -> float | None:
    """Return our share of the market where it is told; else nothing."""
    if totals.empty:
        return None
    market = totals.frame.set_index("part").loc["market"]
    return float(market["share"]) if market["told"] and pd.notna(market["share"]) else None


@chart("competitor", "price_level", values=["mean_share"])
def plot_prices(table, *, title: str = "Share and price of each player") -> Axes:
    """Draw the players by price level and share of the cells that they serve.

    How to read it: right of the line is dearer than the market's average, up is a larger share. We
    are the orange diamond, where the plan has our price level and our share may be shown.
    The table has a row a player: ``competitor``, ``price_level`` (100 is the average),
    ``mean_share`` (0 to 1) and ``is_ours`` (boolean).
    """
    rows = table.dropna(subset=["mean_share"])
    is_ours = rows["is_ours"].astype(bool) if "is_ours" in rows else rows["mean_share"].isna()
    ax = figures.new_axes(title, height=4.0)
    ax.axvline(100, color=GREY, linewidth=1)
    others = {"s": 60, "color": BLUE, "edgecolor": "white"}
    ours = {"s": 90, "marker": "D", "color": ORANGE, "edgecolor": "white"}
    ax.scatter("price_level", "mean_share", data=rows[~is_ours], **others)
    ax.scatter("price_level", "mean_share", data=rows[is_ours], **ours)
    ax.margins(x=0.16, y=0.18)
    ax.grid(True)
    figures.set_numbers(ax.xaxis, "integer")
    figures.set_numbers(ax.yaxis, "share")
    ax.set_xlabel("price level, market's average = 100")
    figures.name_values(ax, "share of the cells that it serves")
    places = rows[["price_level", "mean_share"]].to_numpy(dtype=float)
    figures.name_points(ax, places, rows["competitor"])
    points = [
        f"{row.competitor}, price level {format_number(row.price_level)}, "
        f"share {format_share(row.mean_share)}"
        for row in rows.itertuples()
    ]
    return figures.describe_chart(
        ax, f"Price level against share of {plural(len(rows), 'player')}", points
    )


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
    if pd.isna(first[measure]):
        told = write_finding("market.players.no_shares", found[:1])
    elif _is_shared(players.frame[measure]):
        told = write_finding("market.players.several_largest", found[:1])
    elif measure == "mean_share":
        told = write_finding("market.players.largest", found, words=place)
    else:
        found.append(players.read_figure("estimated_sales", where=place, kind="large"))
        told = write_finding("market.players.largest_with_sales", found, words=place)
    return [told, *_state_unsourced(players)]


def _is_shared(values: pd.Series) -> bool:
    """Return whether the first of some values is the next one's too: then it is no extreme."""
    return len(values) > 1 and bool(values.iloc[0] == values.iloc[1])


def _state_unsourced(players: Published) -> list[Finding]:
    """Say of which competitors some figures have no source."""
    if "unsourced" not in players.frame:
        return []
    names = players.frame.loc[players.frame["unsourced"].astype(bool), "competitor"]
    if names.empty:
        return []
    return [write_finding("market.players.unsourced", words={"names": name_some(names)})]


def state_prices(prices: Published) -> list[Finding]:
    """Say between which price levels the players are, and where ours is."""
    rows = prices.frame
    others = rows[~rows["is_ours"].astype(bool)] if len(rows) else rows
    if len(others) < 2 or others["price_level"].iloc[0] == others["price_level"].iloc[-1]:
        return []
    ends = (("cheapest", others.iloc[0]), ("dearest", others.iloc[-1]))
    found = [
        prices.read_figure(
            "price_level", where={"competitor": row["competitor"]}, kind="index", name=name
        )
        for name, row in ends
    ]
    words = {f"{name}_name": row["competitor"] for name, row in ends}
    told = [write_finding("market.players.prices", found, words=words)]
    if rows["is_ours"].astype(bool).any():
        ours = prices.read_figure("price_level", where={"competitor": OURS}, kind="index")
        told.append(write_finding("market.players.our_price", [ours]))
    return told
