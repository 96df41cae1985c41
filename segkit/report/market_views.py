"""The charts and tables of the market review, each with its caption."""

from __future__ import annotations

import pandas as pd

from segkit.evidence.market import AXES
from segkit.evidence.penetration import hide_small_shares, select_largest
from segkit.report.charts import plot_bars, plot_cells, plot_trend, plot_white_space
from segkit.report.figures import show_chart
from segkit.report.tables import show_table

SHARE_HEADING = "Our share, average = 100"
RULES = ("large", "growing", "open_to_us", "open_from_rivals")


def show_gaps(gaps: pd.DataFrame, *, caption: str) -> None:
    """Table of :func:`segkit.evidence.missing.describe_missing`."""
    columns = {"table": "", "state": "", "row_count": "Rows", "answers": "What it answers"}
    columns |= {"collect": "Where to find it"}
    show_table(gaps, caption=caption, columns=columns)


def show_trend_lines(points: pd.DataFrame) -> None:
    """Chart of :func:`segkit.evidence.market.collect_trends`."""
    ax = plot_trend(
        points,
        x="year",
        y="index",
        group="line",
        value_name="index, first year = 100",
        title="Trends of the industry",
    )
    show_chart(ax, caption="Trends as an index; each line begins at its own first year.")


def show_trends(trends: pd.DataFrame) -> None:
    """Table of :func:`segkit.evidence.market.summarise_trends`."""
    columns = {"trend": "", "country": "", "unit": "", "first_year": "", "first_value": "First"}
    columns |= {"last_year": "Latest year", "last_value": "Latest"}
    columns |= {"growth_rate": "Growth a year", "source": ""}
    large = len(trends) > 0 and trends["first_value"].abs().min() >= 1000
    formats = dict.fromkeys(("first_value", "last_value"), "integer" if large else "number")
    caption = "Each trend in its own unit, fastest growth first"
    show_table(trends, caption=caption, columns=columns, formats=formats)


def show_players(players: pd.DataFrame, *, currency: str = "") -> None:
    """Table of :func:`segkit.evidence.market.list_players`."""
    columns = {"competitor": "", "cell_count": "Cells", "mean_share": "Mean share of its cells"}
    columns |= {"estimated_sales": "Estimated sales a year", "segments_served": "How it segments"}
    columns |= {"offer": "How it serves them", "source": ""}
    caption = "The main players, largest estimated sales first"
    show_table(players, caption=caption, columns=columns, currency=currency)


def show_share_bars(by_country: pd.DataFrame, *, smallest_cell: int = 5) -> None:
    """Chart of :func:`segkit.evidence.penetration.measure_penetration` by country."""
    table = hide_small_shares(by_country, smallest_cell)
    table = select_largest(table) if len(table) else table
    ax = plot_bars(
        table,
        label="country",
        value="index",
        value_name="our share, average = 100",
        title="Where our share is above and below our own average",
    )
    show_chart(
        ax, caption="Our share by country; 100 is our own average share of the whole market."
    )


def show_share_grid(share: pd.DataFrame, *, smallest_cell: int = 5) -> None:
    """Grid of :func:`segkit.evidence.penetration.measure_penetration` by country and category."""
    table = hide_small_shares(share, smallest_cell)
    table = select_largest(table) if len(table) else table
    ax = plot_cells(
        table,
        row="country",
        column="category",
        value="index",
        kind="integer",
        title="Our share by cell, average = 100",
    )
    show_chart(
        ax, caption="Our share of each cell; 100 is our own average share of the whole market."
    )


def show_largest_cells(share: pd.DataFrame, *, currency: str = "", smallest_cell: int = 5) -> None:
    """Table of :func:`segkit.evidence.penetration.measure_penetration`."""
    columns = {"cell": "", "market_value": "Market value", "buyer_count": "Buyers"}
    columns |= {"growth_rate": "Growth a year", "customer_count": "Our customers"}
    columns |= {"spend": "Our spend", "index": SHARE_HEADING}
    table = hide_small_shares(share, smallest_cell)
    show_table(
        table[table["matched"] != "ours only"] if len(table) else table,
        caption="The largest cells of the market, and what we sell there",
        columns=columns,
        formats={"index": "integer", "customer_count": "integer"},
        currency=currency,
        max_rows=15,
    )


def show_unmatched(unmatched: pd.DataFrame, *, currency: str = "", smallest_cell: int = 5) -> None:
    """Table of :func:`segkit.evidence.penetration.list_unmatched`."""
    axes = [a for a in AXES if unmatched.empty or (unmatched[a] != "not known").any()]
    columns = {**dict.fromkeys(axes, ""), "customer_count": "Our customers"}
    columns |= {"spend": "Our spend"}
    caption = "Our own cells that the market table does not have"
    formats = {"customer_count": "integer"}
    shown = hide_small_shares(unmatched, smallest_cell)
    show_table(shown, caption=caption, columns=columns, formats=formats, currency=currency)


def show_cell_map(cells: pd.DataFrame, *, currency: str = "") -> None:
    """Chart of :func:`segkit.evidence.penetration.find_white_space`."""
    ax = plot_white_space(
        cells,
        label="cell",
        value="size",
        growth="growth_rate",
        highlight="white_space",
        currency=currency,
    )
    show_chart(ax, caption="Each point is a cell of the market, by its size and its yearly growth.")


def show_white_space(cells: pd.DataFrame, *, currency: str = "") -> None:
    """Table of :func:`segkit.evidence.penetration.find_white_space`."""
    columns = {"cell": "", "size": "Size a year", "growth_rate": "Growth a year"}
    columns |= {"index": SHARE_HEADING, "rival_share": "Competitors' share"}
    columns |= {"fails_on": "Fails on", "opportunity": "Opportunity a year", "source": ""}
    money = len(cells) > 0 and cells["measure"].iloc[0] == "market_value"
    formats = dict.fromkeys(("size", "opportunity"), "money" if money else "integer")
    formats["index"] = "integer"
    fails = [
        ", ".join(name.replace("_", " ") for name in RULES if not row[name])
        for row in cells.to_dict("records")
    ]
    show_table(
        cells.assign(fails_on=fails),
        caption="Cells of the market: white space first, then by opportunity",
        columns=columns,
        formats=formats,
        currency=currency,
        max_rows=12,
    )


def show_template(template: pd.DataFrame) -> None:
    """Table of :func:`segkit.evidence.market.describe_template`."""
    caption = "Columns to fill, with made-up examples"
    show_table(template, caption=caption, max_rows=40)
