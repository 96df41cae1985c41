"""Sentences on the market: where it goes, who serves it, what we hold, what is open."""

from __future__ import annotations

import pandas as pd

from segkit.core.absence import explain_empty
from segkit.report.old_sentences import write_sentences
from segkit.report.shared.numbers import format_large, format_small_share, plural


def state_trends(trends: pd.DataFrame) -> list[str]:
    """Say how many trends rise, and which moves fastest up and down."""
    if trends.empty:
        return [explain_empty(trends)]
    known = trends.dropna(subset=["growth_rate"]).sort_values("growth_rate", ascending=False)
    rising = int((known["growth_rate"] > 0).sum())
    ends = (("rises", known.head(min(rising, 1))), ("falls", known[rising:].tail(1)))
    fastest = [
        (word, row) for word, rows in ends for row in rows.to_dict("records") if row["growth_rate"]
    ]
    return write_sentences("market.trends", known=len(known), rising=rising, fastest=fastest)


def state_players(players: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say how many competitors there are, and which is the largest."""
    if players.empty:
        return [explain_empty(players)]
    first = players.iloc[0].to_dict()
    values = {"count": len(players), "first": first, "currency": currency}
    sales = first["estimated_sales"] if pd.notna(first["estimated_sales"]) else None
    return write_sentences("market.players", sales=sales, **values)


def state_penetration(
    penetration: pd.DataFrame, *, currency: str = "", smallest_cell: int = 5
) -> list[str]:
    """Say what share of the market we hold, where most and where least, and what did not join."""
    if penetration.empty:
        return [explain_empty(penetration)]
    market = penetration[penetration["matched"] != "ours only"]
    known = market[(market["customer_count"] >= smallest_cell) & market["index"].notna()]
    order = known.sort_values("index", ascending=False, kind="stable").to_dict("records")
    unmatched = penetration[penetration["matched"] == "ours only"]
    spend, count = unmatched[["spend", "customer_count"]].sum()
    ours, size = _sum_market(market)
    return write_sentences(
        "market.penetration",
        ours=ours,
        size=size,
        money=market["measure"].iloc[0] == "market_value",
        year=market["year"].max(),
        currency=currency,
        smallest_cell=smallest_cell,
        ends=[order[0], order[-1]] if len(order) > 1 else [],
        unmatched=list(unmatched["cell"]),
        spend=spend if count >= smallest_cell else None,
        share=spend / penetration["spend"].sum(),
    )


def _sum_market(market: pd.DataFrame) -> tuple[float, float]:
    """Return what we sell in the cells whose size is known, and their size."""
    size = market["measure"].iloc[0]
    ours = "spend" if size == "market_value" else "customer_count"
    return market.loc[market[size].notna(), ours].sum(), market[size].sum()


def state_white_space(cells: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say which cells pass all four rules and what they could bring; else which comes nearest."""
    if cells.empty:
        return [explain_empty(cells)]
    chosen = cells[cells["white_space"]]
    if chosen.empty:
        near = cells.loc[cells["fails_on"].str.count(",").idxmin()]
        return write_sentences("market.no_white_space", count=len(cells), near=near.to_dict())
    return write_sentences(
        "market.white_space",
        count=len(cells),
        names=list(chosen["cell"]),
        money=cells["measure"].iloc[0] == "market_value",
        sizes=[chosen["opportunity"].iloc[0], chosen["opportunity"].sum()],
        currency=currency,
        unknown=list(chosen.loc[chosen["rival_share"].isna(), "cell"]),
        sources=list(chosen["source"].unique()),
    )


def pick_findings(pairs: list[tuple[pd.DataFrame, list[str]]], *, most: int = 1) -> list[str]:
    """Keep the first sentences on each table that has rows, for the report's summary."""
    return [text for table, sentences in pairs if len(table) for text in sentences[:most]]


def headline_market(
    trends: pd.DataFrame, penetration: pd.DataFrame, cells: pd.DataFrame, *, currency: str = ""
) -> dict[str, str]:
    """Return the figures for the report's summary; those that are not known are left out."""
    headline = {}
    if len(cells):
        ours, size = _sum_market(penetration[penetration["matched"] != "ours only"])
        chosen = cells[cells["white_space"]]
        headline["Share of the market"] = format_small_share(ours / size)
        headline["White space"] = plural(len(chosen), "cell")
        if len(chosen) and cells["measure"].iloc[0] == "market_value":
            headline["Opportunity a year"] = format_large(chosen["opportunity"].sum(), currency)
    if len(trends):
        headline["Rising trends"] = f"{(trends['growth_rate'] > 0).sum()} of {len(trends)}"
    return headline
