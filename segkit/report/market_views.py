"""The charts and tables of the market review, each with its caption."""

from __future__ import annotations

import pandas as pd

from segkit.evidence.penetration import select_largest
from segkit.report.charts import plot_bars, plot_cells, plot_trend, plot_white_space
from segkit.report.reasons import show_chart_or_reason, show_table_or_reason

SHARE_HEADING = "Our share, average = 100"


def show_trend_lines(points: pd.DataFrame) -> None:
    """Chart of :func:`segkit.evidence.market.collect_trends`."""
    show_chart_or_reason(
        plot_trend,
        points,
        caption="Trends as an index; each line begins at its own first year.",
        x="year",
        y="index",
        group="line",
        value_name="index, first year = 100",
        title="Trends of the industry",
    )


def show_trends(trends: pd.DataFrame) -> None:
    """Table of :func:`segkit.evidence.market.summarise_trends`."""
    columns = {"trend": "", "country": "", "unit": "", "first_year": "", "first_value": "First"}
    columns |= {"last_year": "Latest year", "last_value": "Latest"}
    columns |= {"growth_rate": "Growth a year", "source": ""}
    formats = {"first_value": "number", "last_value": "number"}
    caption = "Each trend in its own unit, fastest growth first"
    show_table_or_reason(trends, caption=caption, columns=columns, formats=formats)


def show_players(players: pd.DataFrame, *, currency: str = "") -> None:
    """Table of :func:`segkit.evidence.market.list_players`."""
    columns = {"competitor": "", "cell_count": "Cells", "mean_share": "Mean share of its cells"}
    columns |= {"estimated_sales": "Estimated sales a year", "segments_served": "How it segments"}
    columns |= {"offer": "How it serves them", "source": ""}
    caption = "The main players, largest estimated sales first"
    show_table_or_reason(players, caption=caption, columns=columns, currency=currency)


def show_share_bars(by_country: pd.DataFrame) -> None:
    """Chart of :func:`segkit.evidence.penetration.measure_penetration` by country."""
    table = select_largest(by_country) if len(by_country) else by_country
    show_chart_or_reason(
        plot_bars,
        table,
        caption="Our share by country; 100 is our own average share of the whole market.",
        label="country",
        value="index",
        value_name="our share, average = 100",
        title="Where our share is above and below our own average",
    )


def show_share_grid(share: pd.DataFrame) -> None:
    """Grid of :func:`segkit.evidence.penetration.measure_penetration` by country and category."""
    table = select_largest(share) if len(share) else share
    show_chart_or_reason(
        plot_cells,
        table,
        caption="Our share of each cell; 100 is our own average share of the whole market.",
        row="country",
        column="category",
        value="index",
        kind="integer",
        title="Our share by cell, average = 100",
    )


def show_largest_cells(share: pd.DataFrame, *, currency: str = "") -> None:
    """Table of :func:`segkit.evidence.penetration.measure_penetration`."""
    columns = {"cell": "", "year": "", "market_value": "Market value", "buyer_count": "Buyers"}
    columns |= {"growth_rate": "Growth a year", "customer_count": "Our customers"}
    columns |= {"spend": "Our spend", "index": SHARE_HEADING, "source": ""}
    show_table_or_reason(
        share[share["matched"] != "ours only"] if len(share) else share,
        caption="The largest cells of the market, and what we sell there",
        columns=columns,
        formats={"index": "integer", "year": "text"},
        currency=currency,
        max_rows=15,
    )


def show_unmatched(unmatched: pd.DataFrame, *, currency: str = "") -> None:
    """Table of :func:`segkit.evidence.penetration.list_unmatched`."""
    columns = {"country": "", "category": "", "customer_count": "Our customers"}
    columns |= {"spend": "Our spend", "spend_share": "Share of our spend"}
    caption = "Our own cells that the market table does not have"
    show_table_or_reason(unmatched, caption=caption, columns=columns, currency=currency)


def show_cell_map(cells: pd.DataFrame, *, currency: str = "") -> None:
    """Chart of :func:`segkit.evidence.penetration.find_white_space`."""
    show_chart_or_reason(
        plot_white_space,
        cells,
        caption="Each point is a cell of the market, by its size and its yearly growth.",
        label="cell",
        value="size",
        growth="growth_rate",
        highlight="white_space",
        currency=currency,
    )


def show_white_space(cells: pd.DataFrame, *, currency: str = "") -> None:
    """Table of :func:`segkit.evidence.penetration.find_white_space`."""
    columns = {"cell": "", "size": "Size a year", "growth_rate": "Growth a year"}
    columns |= {"own_share": "Our share", "rival_share": "Competitors' share", "large": ""}
    columns |= {"growing": "", "open_to_us": "", "open_from_rivals": "", "white_space": ""}
    columns |= {"opportunity": "Opportunity a year", "source": ""}
    money = len(cells) > 0 and cells["measure"].iloc[0] == "market_value"
    formats = dict.fromkeys(("size", "opportunity"), "money" if money else "integer")
    show_table_or_reason(
        cells,
        caption="Cells of the market: white space first, then by opportunity",
        columns=columns,
        formats=formats,
        currency=currency,
        max_rows=12,
    )


def show_template(template: pd.DataFrame) -> None:
    """Table of :func:`segkit.evidence.market.describe_template`."""
    caption = "Columns to fill, with made-up examples"
    show_table_or_reason(template, caption=caption, max_rows=40)
