"""What the first page says of the market."""

from __future__ import annotations

from segkit.core.findings import Finding
from segkit.core.periods import name_span
from segkit.core.privacy import Published, Shape
from segkit.report.market.penetration import read_held_share
from segkit.report.market.trends import count_rising, count_trends
from segkit.report.market.white_space import WHITE_SPACE, count_white_space
from segkit.report.shared.sentences import name_column, write_finding
from segkit.report.shared.views import View

LATER = View(Shape("later_rows", population="rows", by=("table",)))
TEMPLATE = View(Shape("template", population="columns", by=("table", "column")))


def list_headline(trends: Published, totals: Published, cells: Published) -> dict[str, Finding]:
    """Return the figures for the first page, by label; those that say nothing are left out."""
    headline = {}
    if not cells.empty:
        held = [read_held_share(totals)]
        if totals.frame.set_index("part").loc["market", "told"]:
            label = f"Share of the market, {name_span(held[0].period)}"
            headline[label] = write_finding("market.headline.held", held)
        found = [count_white_space(cells, unit="cell")]
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
        found = [count_rising(trends), count_trends(trends)]
        headline["Rising trends"] = write_finding("market.headline.trends", found)
    return headline


def state_later(later: Published) -> list[Finding]:
    """Say how many rows of each market table are of years after the last day counted."""
    told = []
    for table in later.frame["table"]:
        count = later.read_figure(
            "later_count", where={"table": table}, kind="count", unit="row", period=""
        )
        words = {"table": name_column(table)}
        told.append(write_finding("market.tables.later", [count], words=words))
    return told
