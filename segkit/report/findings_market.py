"""Sentences on the market: where it goes, who serves it, what we hold, what is open."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from segkit.features.missing import explain_empty
from segkit.report.findings import format_money, format_number, format_share, join_words, plural

MOST_NAMES = 5


def format_small_share(value: float) -> str:
    """Write a share with two digits that count, however small it is.

    >>> format_small_share(0.1234), format_small_share(0.000012), format_small_share(0)
    ('12.3%', '0.0012%', '0.0%')
    """
    known = math.isfinite(value) and value != 0
    return format_share(value, max(1, -1 - math.floor(math.log10(abs(value)))) if known else 1)


def format_large(value: float, currency: str = "") -> str:
    """Write an amount in millions, billions or trillions with three digits that count.

    >>> format_large(637_856_980), format_large(2.5e9), format_large(9_500)
    ('638 million', '2.50 billion', '9\u202f500')
    """
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            digits = max(0, 2 - math.floor(math.log10(abs(value) / size)))
            return f"{format_money(value / size, currency, decimals=digits)} {word}"
    return format_money(value, currency)


def state_trends(trends: pd.DataFrame) -> list[str]:
    """Say how many trends rise, and which moves fastest up and down."""
    if trends.empty:
        return [explain_empty(trends)]
    known = trends.dropna(subset=["growth_rate"]).sort_values("growth_rate", ascending=False)
    rising = int((known["growth_rate"] > 0).sum())
    sentences = [f"{rising} of {plural(len(known), 'trend')} rise over their years."]
    for word, rows in (("rises", known.head(min(rising, 1))), ("falls", known[rising:].tail(1))):
        for row in rows[rows["growth_rate"] != 0].itertuples():
            last = format_number(row.last_value, 1) if row.last_value < 1e6 else ""
            sentences.append(
                f"{row.country + ': ' if row.country else ''}{row.trend} {word} fastest, by "
                f"{format_share(abs(row.growth_rate))} a year from {row.first_year} to "
                f"{row.last_year}, to {last or format_large(row.last_value)} {row.unit}."
            )
    return sentences


def state_players(players: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say how many competitors there are, and which is the largest."""
    if players.empty:
        return [explain_empty(players)]
    first, cells = players.iloc[0], plural(players["cell_count"].iloc[0], "cell")
    sales = first["estimated_sales"]
    amount = f", about {format_large(sales, currency)} a year" if pd.notna(sales) else ""
    return [
        f"{plural(len(players), 'competitor')} are listed; the largest is {first['competitor']}, "
        f"with {format_share(first['mean_share'])} of {cells}{amount}."
    ]


def state_penetration(
    penetration: pd.DataFrame, *, currency: str = "", smallest_cell: int = 5
) -> list[str]:
    """Say what share of the market we hold, where most and where least, and what did not join."""
    if penetration.empty:
        return [explain_empty(penetration)]
    market = penetration[penetration["matched"] != "ours only"]
    ours, size = _sum_market(market)
    if not size:
        return ["The market table has neither value nor buyers, so no share can be measured."]
    by_value = market["measure"].iloc[0] == "market_value"
    amounts = [format_large(x, currency) if by_value else format_number(x) for x in (ours, size)]
    known = market[(market["customer_count"] >= smallest_cell) & market["index"].notna()]
    unmatched = penetration[penetration["matched"] == "ours only"]
    sentences = [
        f"We hold {format_small_share(ours / size)} of the market's "
        f"{'value' if by_value else 'buyers'}: {amounts[0]} in the last 365 days against "
        f"{amounts[1]} a year, latest year {market['year'].max()}."
    ]
    if len(known) > 1:
        best, least = known.loc[known["index"].idxmax()], known.loc[known["index"].idxmin()]
        sentences.append(
            f"Among cells with {smallest_cell} customers of ours or more, our share is highest in "
            f"{best['cell']} (index {format_number(best['index'])}, our average is 100) and lowest "
            f"in {least['cell']} ({format_number(least['index'])})."
        )
    if len(unmatched):
        spend, count = unmatched[["spend", "customer_count"]].sum()
        share = format_small_share(spend / penetration["spend"].sum())
        amount = f", with {format_large(spend, currency)} or {share} of our spend"
        amount = amount if count >= smallest_cell else ""
        sentences.append(
            f"{plural(len(unmatched), 'cell')} of ours did not join the market table and are left "
            f"out of the shares{amount}: {_name_some(unmatched['cell'])}."
        )
    return sentences


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
        return [
            f"None of {plural(len(cells), 'cell')} is white space. {near['cell']} comes nearest; "
            f"it fails on: {near['fails_on']}."
        ]
    money = cells["measure"].iloc[0] == "market_value"
    unit = "a year" if money else "buyers"
    sizes = chosen["opportunity"].iloc[0], chosen["opportunity"].sum()
    texts = (format_large(x, currency) if money else format_number(x) for x in sizes)
    first, every = (f"{text} {unit}" for text in texts)
    sentences = [
        f"{len(chosen)} of {plural(len(cells), 'cell')} are white space: "
        f"{_name_some(chosen['cell'])}.",
        f"At our own average share {chosen['cell'].iloc[0]} would bring {first} more, and all of "
        f"them together {every}.",
    ]
    unknown = chosen.loc[chosen["rival_share"].isna(), "cell"]
    if len(unknown):
        sentences.append(
            f"No competitor is recorded for {_name_some(unknown)}; that may be a gap in the table "
            "and not in the market."
        )
    return [*sentences, f"Size and growth are taken from: {_name_some(chosen['source'].unique())}."]


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


def _name_some(names: Iterable) -> str:
    names = [str(name) for name in names if name]
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return join_words([*names[:MOST_NAMES], *more])
