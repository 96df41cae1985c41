"""Sentences on what segments buy, do, ask for and say."""

from __future__ import annotations

import pandas as pd

from segkit.evidence.missing import explain_empty
from segkit.evidence.spending import ABOVE_WALLET
from segkit.report.findings import format_money, format_number, format_share, join_words, plural


def _shown(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Rows whose figures are not hidden and not missing."""
    if any(column not in table.columns for column in columns):
        return table.iloc[:0]
    return table.dropna(subset=list(columns))


def _quote(names: list[str]) -> str:
    return join_words([f"“{name}”" for name in names])


def _state_hidden(table: pd.DataFrame, what: str) -> list[str]:
    hidden = table.loc[table["note"] != "", "segment_name"].unique().tolist()
    if not hidden:
        return []
    note = table.loc[table["note"] != "", "note"].iloc[0]
    return [f"Hidden, because they rest on {note} customers {what}: {_quote(hidden)}."]


def _compare(
    table: pd.DataFrame, column: str, what: str, write, *, least: str = "least"
) -> list[str]:
    rows = _shown(table, column)
    if len(rows) < 2:
        return []
    top, low = rows.loc[rows[column].idxmax()], rows.loc[rows[column].idxmin()]
    if top[column] == low[column]:
        return [f"{what}: alike in all segments, {write(top[column])}."]
    return [
        f"{what}: most in “{top['segment_name']}” ({write(top[column])}), {least} in "
        f"“{low['segment_name']}” ({write(low[column])})."
    ]


def state_spend(spend: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say which segment brings the most, and where spend, basket and returns are high or low."""
    if spend.empty:
        return [explain_empty(spend)]
    rows = _shown(spend, "spend", "spend_share")
    sentences = []
    if len(rows):
        top = rows.loc[rows["spend"].idxmax()]
        share = top["customer_count"] / rows["customer_count"].sum()
        sentences.append(
            f"“{top['segment_name']}” brings most: {format_share(top['spend_share'])} of the spend "
            f"with {format_share(share)} of the customers."
        )

    def write(value: float) -> str:
        return format_money(value, currency)

    return [
        *sentences,
        *_compare(spend, "spend_per_customer", "Spend a customer", write),
        *_compare(spend, "mean_order_value", "Mean order value", write),
        *_compare(spend, "return_share", "Share of sales returned", format_share),
        *_state_hidden(spend, "in the segment"),
    ]


def state_categories(categories: pd.DataFrame) -> list[str]:
    """Say for each segment which category it buys more of than everybody."""
    if categories.empty:
        return [explain_empty(categories)]
    rows = _shown(categories, "index", "share")
    sentences = []
    for name, part in rows.groupby("segment_name", sort=True):
        top = part.loc[part["index"].idxmax()]
        if top["index"] > 110:
            sentences.append(
                f"“{name}” buys more {top['category']} than customers on average: "
                f"{format_share(top['share'])} of its sales against "
                f"{format_share(top['base_share'])}."
            )
    return sentences or ["No segment's leading categories stand out from everybody's."]


def state_messages(messages: pd.DataFrame) -> list[str]:
    """Say who opens, clicks and unsubscribes, and whether the intervals keep segments apart."""
    if messages.empty:
        return [explain_empty(messages)]
    sentences = []
    names = {"open": "opened", "click": "clicked", "unsubscribe": "unsubscribed from"}
    for name, verb in names.items():
        rows = _shown(messages, f"{name}_share")
        if len(rows) < 2:
            continue
        top = rows.loc[rows[f"{name}_share"].idxmax()]
        low = rows.loc[rows[f"{name}_share"].idxmin()]
        if top[f"{name}_low"] > low[f"{name}_high"]:
            sentences.append(
                f"Delivered messages {verb}: most in “{top['segment_name']}” "
                f"({_write_interval(top, name)}), least in “{low['segment_name']}” "
                f"({_write_interval(low, name)}); the intervals do not overlap."
            )
        else:
            sentences.append(
                f"Delivered messages {verb}: no clear difference between segments, from "
                f"{format_share(low[f'{name}_share'])} to {format_share(top[f'{name}_share'])}; "
                "the intervals of the highest and the lowest overlap."
            )
    return [*sentences, *_state_hidden(messages, "with a message")]


def _write_interval(row: pd.Series, name: str) -> str:
    share, low, high = (format_share(row[f"{name}_{part}"]) for part in ("share", "low", "high"))
    return f"{share}, {low} to {high}"


def state_events(events: pd.DataFrame, devices: pd.DataFrame) -> list[str]:
    """Say who visits, and on which device each segment stands out."""
    if events.empty:
        return [explain_empty(events)]

    def write(value: float) -> str:
        return format_number(value, 1)

    sentences = _compare(events, "visits_per_customer", "Visits a customer", write)
    sentences += _compare(events, "carts_per_customer", "Carts a customer", write)
    rows = _shown(devices, "share", "base_share") if len(devices) else devices
    if len(rows):
        apart = (rows["share"] - rows["base_share"]).astype("float64")
        top = rows.loc[apart.idxmax()]
        sentences.append(
            f"The widest gap in devices: “{top['segment_name']}” on {top['value']}, "
            f"{format_share(top['share'])} against {format_share(top['base_share'])} of all."
        )
    return [*sentences, *_state_hidden(events, "with an event")]


def state_tickets(tickets: pd.DataFrame, topics: pd.DataFrame) -> list[str]:
    """Say who needs support most, who waits longest, and what about."""
    if tickets.empty:
        return [explain_empty(tickets)]

    def write(value: float) -> str:
        return format_number(value, 1)

    sentences = _compare(tickets, "tickets_per_100_customers", "Tickets a hundred customers", write)
    sentences += _compare(
        tickets, "median_hours_to_resolve", "Median hours to resolve", write, least="fewest"
    )
    sentences += _compare(tickets, "mean_satisfaction", "Mean satisfaction, 1 to 5", write)
    rows = _shown(topics, "share") if len(topics) else topics
    tops = [
        f"“{row.segment_name}” {row.value} ({format_share(row.share)})"
        for row in rows.itertuples()
        if row.rank == 1
    ]
    if tops:
        sentences.append(f"The most frequent topic of each: {'; '.join(tops)}.")
    return [*sentences, *_state_hidden(tickets, "with a ticket")]


def state_responses(
    responses: pd.DataFrame, questions: pd.DataFrame, *, most: int = 5
) -> list[str]:
    """Say which answers set segments furthest from everybody, beyond their intervals."""
    if responses.empty:
        return [explain_empty(responses)]
    rows = _shown(responses, "value", "base_value", "low", "high")
    outside = rows[(rows["base_value"] < rows["low"]) | (rows["base_value"] > rows["high"])]
    number = outside["kind"] == "number"
    spread = (outside["high"] - outside["low"]).where(outside["high"] > outside["low"])
    gap = ((outside["value"] - outside["base_value"]) / spread).abs().astype("float64")
    order = gap.sort_values(ascending=False, kind="stable").index
    sentences = []
    count = (
        f"Of {plural(len(rows), 'figure')} by segment, {len(outside)} lie further from that of all "
        f"customers than their interval reaches; about {format_number(0.05 * len(rows))} would by "
        "chance."
    )
    for index in order[:most]:
        row = outside.loc[index]
        if number.loc[index]:
            value, base = (format_number(row[c], 1) for c in ("value", "base_value"))
            answer = f"mean {value}, against {base}"
        else:
            value, base = (format_share(row[c]) for c in ("value", "base_value"))
            answer = f"{row['answer']} {value}, against {base}"
        sentences.append(
            f"“{row['segment_name']}” on “{row['question']}”: {answer} of all "
            f"(n = {format_number(row['customer_count'])})."
        )
    sentences.append(count)
    verbatim = questions[questions["kind"] == "free text"] if len(questions) else questions
    if len(verbatim):
        sentences.append(
            f"{plural(len(verbatim), 'question')} in the customers' own words "
            f"({format_number(verbatim['answer_count'].sum())} answers) are not shown here."
        )
    return sentences


def state_wallet(wallet: pd.DataFrame) -> list[str]:
    """Say of whose wallet we have most and least; the rest is the competitors'."""
    if wallet.empty:
        return [explain_empty(wallet)]
    sentences = _compare(wallet, "wallet_share", "Our share of the wallet", format_share)
    above = wallet.loc[wallet["note"] == ABOVE_WALLET, "segment_name"].tolist()
    if above:
        sentences.append(
            f"{_quote(above)}: these customers spend more with us than the market's mean buyer "
            "spends anywhere, so market figures cannot tell what else they buy."
        )
    return sentences or ["Too few segments have a wallet to compare."]


def headline_experience(
    spend: pd.DataFrame, messages: pd.DataFrame, tickets: pd.DataFrame, *, currency: str = ""
) -> dict[str, str]:
    """Return the figures for the report's summary; those that are not known are left out."""
    headline = {}
    rows = _shown(spend, "spend_per_customer") if len(spend) else spend
    if len(rows) > 1:
        top = rows.loc[rows["spend_per_customer"].idxmax()]
        amount = format_money(top["spend_per_customer"], currency)
        headline["Highest spend a customer"] = f"{top['segment_name']}, {amount}"
    rows = _shown(messages, "open_share") if len(messages) else messages
    if len(rows) > 1:
        top = rows.loc[rows["open_share"].idxmax()]
        headline["Opens most"] = f"{top['segment_name']}, {format_share(top['open_share'])}"
    rows = _shown(tickets, "tickets_per_100_customers") if len(tickets) else tickets
    if len(rows) > 1:
        top = rows.loc[rows["tickets_per_100_customers"].idxmax()]
        tickets_text = format_number(top["tickets_per_100_customers"], 0)
        headline["Needs most support"] = f"{top['segment_name']}, {tickets_text} per 100"
    return headline
