"""Sentences on the market: where it goes, who serves it, what we hold, what is open."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from segkit.evidence.missing import explain_empty
from segkit.report.findings import format_money, format_number, format_share, join_words, plural

MOST_NAMES = 5


def format_small_share(value: float) -> str:
    """Write a share with two digits that count, however small it is.

    >>> format_small_share(0.1234), format_small_share(0.000012), format_small_share(0)
    ('12.3%', '0.0012%', '0%')
    """
    if value is None or not np.isfinite(value):
        return format_share(None)
    if value == 0:
        return "0%"
    return format_share(value, max(1, 1 - math.floor(math.log10(abs(100 * value)))))


def format_large(value: float, currency: str = "") -> str:
    """Write an amount in millions, billions or trillions with three digits that count.

    >>> format_large(637_856_980), format_large(2.5e9), format_large(9_500)
    ('638 million', '2.50 billion', '9\u202f500')
    """
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value is not None and abs(value) >= size:
            digits = max(0, 2 - math.floor(math.log10(abs(value) / size)))
            return f"{format_money(value / size, currency, decimals=digits)} {word}"
    return format_money(value, currency)


def state_trends(trends: pd.DataFrame) -> list[str]:
    """Say how many trends rise, and which moves fastest up and down."""
    if trends.empty:
        return [explain_empty(trends)]
    known = trends.dropna(subset=["growth_rate"]).sort_values("growth_rate", ascending=False)
    if known.empty:
        return ["No trend has two years with figures above zero, so none can be said to move."]
    rising = int((known["growth_rate"] > 0).sum())
    sentences = [f"{rising} of {plural(len(known), 'trend')} rise over their years."]
    for row, word in ((known.iloc[0], "rises"), (known.iloc[-1], "falls")):
        if (row["growth_rate"] > 0) == (word == "rises") and row["growth_rate"] != 0:
            sentences.append(
                f"{_name_trend(row)} {word} fastest, by {format_share(abs(row['growth_rate']))} a "
                f"year from {row['first_year']} to {row['last_year']}, to "
                f"{_write_figure(row['last_value'])} {row['unit']}".rstrip()
                + "."
            )
    return sentences


def state_players(players: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say how many competitors there are, and which is the largest."""
    if players.empty:
        return [explain_empty(players)]
    sentences = [f"{plural(len(players), 'competitor')} are listed."]
    first = players.iloc[0]
    if pd.notna(first["estimated_sales"]):
        sentences.append(
            f"The largest is {first['competitor']}, with {format_share(first['mean_share'])} of "
            f"{plural(int(first['weighted_cell_count']), 'cell')} with a known value, about "
            f"{format_large(first['estimated_sales'], currency)} a year."
        )
    elif pd.notna(first["mean_share"]):
        sentences.append(
            f"The largest by its plain mean share is {first['competitor']}, with "
            f"{format_share(first['mean_share'])}; no cell has a value to weigh by."
        )
    silent = players.loc[players["segments_served"] == "", "competitor"].tolist()
    if silent:
        sentences.append(f"How it segments is not recorded for {_name_some(silent)}.")
    return sentences


def state_penetration(
    penetration: pd.DataFrame, *, currency: str = "", smallest_cell: int = 5
) -> list[str]:
    """Say what share of the market we hold, where most and where least, and what did not join."""
    if penetration.empty:
        return [explain_empty(penetration)]
    market = penetration[penetration["matched"] != "ours only"]
    sentences = [_state_share(market, currency)]
    ours = market[(market["customer_count"] >= smallest_cell) & market["index"].notna()]
    if len(ours) > 1:
        best, least = ours.loc[ours["index"].idxmax()], ours.loc[ours["index"].idxmin()]
        sentences.append(
            f"Among cells with {smallest_cell} customers of ours or more, our share is highest in "
            f"{best['cell']} (index {format_number(best['index'])}, our average is 100) and lowest "
            f"in {least['cell']} ({format_number(least['index'])})."
        )
    absent = market.loc[market["matched"] == "market only", "cell"].tolist()
    if absent:
        sentences.append(
            f"We sold nothing in {plural(len(absent), 'cell')}, the largest first: "
            f"{_name_some(absent)}."
        )
    return [*sentences, *_state_unmatched(penetration, currency, smallest_cell)]


def _state_share(market: pd.DataFrame, currency: str) -> str:
    for size, own, noun in (
        ("market_value", "spend", "value"),
        ("buyer_count", "customer_count", "buyers"),
    ):
        sized = market.dropna(subset=[size])
        total = sized[size].sum()
        if total > 0:
            share = format_small_share(sized[own].sum() / total)
            write = format_large if noun == "value" else lambda x, _: format_number(x)
            years = sized["year"].dropna()
            when = f", latest year {years.max()}" if len(years) else ""
            return (
                f"We hold {share} of the market's {noun}: {write(sized[own].sum(), currency)} in "
                f"the last 365 days against {write(total, currency)} a year{when}."
            )
    return "The market table has neither value nor buyers, so no share can be measured."


def _state_unmatched(penetration: pd.DataFrame, currency: str, smallest_cell: int) -> list[str]:
    unmatched = penetration[penetration["matched"] == "ours only"]
    if unmatched.empty:
        return ["Every cell where we sell has a figure in the market table."]
    spend, total = unmatched["spend"].sum(), penetration["spend"].sum()
    share = spend / total if total > 0 else math.nan
    amount = ""
    if unmatched["customer_count"].sum() >= smallest_cell:
        amount = (
            f", with {format_large(spend, currency)} or {format_small_share(share)} of our spend"
        )
    names = unmatched.sort_values("spend", ascending=False)["cell"].tolist()
    return [
        f"{plural(len(unmatched), 'cell')} of ours did not join the market table and are left out "
        f"of the shares{amount}: {_name_some(names)}."
    ]


def state_white_space(cells: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say which cells pass all four rules and what they could bring; else which comes nearest."""
    if cells.empty:
        return [explain_empty(cells)]
    chosen = cells[cells["white_space"]]
    if chosen.empty:
        rules = ["large", "growing", "open_to_us", "open_from_rivals"]
        passed = cells[rules].sum(axis=1)
        near = cells.loc[passed.idxmax()]
        failed = [rule.replace("_", " ") for rule in rules if not near[rule]]
        return [
            f"None of {plural(len(cells), 'cell')} is white space. {near['cell']} comes nearest; "
            f"it fails on: {join_words(failed)}."
        ]
    money = cells["measure"].iloc[0] == "market_value"
    first, total = chosen.iloc[0], chosen["opportunity"].sum()
    unit = "a year" if money else "buyers"
    amounts = [
        format_large(x, currency) if money else format_number(x)
        for x in (first["opportunity"], total)
    ]
    blind = cells["rival_share"].isna().all()
    rules = "the three rules that can be tested without competitors" if blind else "all four rules"
    sentences = [
        f"{len(chosen)} of {plural(len(cells), 'cell')} pass {rules}: "
        f"{_name_some(chosen['cell'].tolist())}.",
        f"At our own average share {first['cell']} would bring {amounts[0]} {unit} more"
        + (f"; all of them {amounts[1]}." if len(chosen) > 1 else "."),
    ]
    unknown = chosen.loc[chosen["rival_share"].isna(), "cell"].tolist()
    if blind:
        sentences.append(
            "No competitor is recorded anywhere, so any of these cells may be taken already."
        )
    elif unknown:
        sentences.append(
            f"No competitor is recorded for {_name_some(unknown)}; that may be a gap in the table "
            "and not in the market."
        )
    sources = [text for text in dict.fromkeys(chosen["source"]) if text]
    if sources:
        sentences.append(f"Size and growth are taken from: {_name_some(sources)}.")
    return sentences


def state_gaps(missing: pd.DataFrame) -> list[str]:
    """Say which tables are missing and what each would answer."""
    absent = missing[missing["state"] != "there"] if len(missing) else missing
    return [
        f"Without {row.table} nothing is said on: {row.answers}." for row in absent.itertuples()
    ]


def pick_findings(pairs: list[tuple[pd.DataFrame, list[str]]], *, most: int = 1) -> list[str]:
    """Keep the first sentences on each table that has rows, for the report's summary."""
    return [text for table, sentences in pairs if len(table) for text in sentences[:most]]


def headline_market(
    trends: pd.DataFrame, penetration: pd.DataFrame, cells: pd.DataFrame, *, currency: str = ""
) -> dict[str, str]:
    """Return the figures for the report's summary; those that are not known are left out."""
    headline = {}
    market = penetration[penetration["matched"] != "ours only"] if len(penetration) else penetration
    value = market["market_value"].sum() if len(market) else 0
    if value > 0:
        sized = market.dropna(subset=["market_value"])
        headline["Share of the market"] = format_small_share(sized["spend"].sum() / value)
    if len(cells):
        chosen = cells[cells["white_space"]]
        headline["White space"] = plural(len(chosen), "cell")
        if len(chosen) and cells["measure"].iloc[0] == "market_value":
            amount = format_large(chosen["opportunity"].sum(), currency)
            headline["Opportunity a year"] = amount
    if len(trends) and trends["growth_rate"].notna().any():
        headline["Rising trends"] = f"{(trends['growth_rate'] > 0).sum()} of {len(trends)}"
    return headline


def _write_figure(value: float) -> str:
    return format_large(value) if abs(value) >= 1e6 else format_number(value, 1)


def _name_trend(row: pd.Series) -> str:
    return f"{row['country']}: {row['trend']}" if row["country"] else str(row["trend"])


def _name_some(names: list[str]) -> str:
    names = [str(name) for name in names]
    if len(names) <= MOST_NAMES:
        return join_words(names)
    return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
