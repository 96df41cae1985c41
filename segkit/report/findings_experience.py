"""Sentences on what segments buy, do, ask for and say."""

from __future__ import annotations

import pandas as pd

from segkit.features.missing import explain_empty
from segkit.report.figures import write_value
from segkit.report.findings import format_number, format_share, join_words, plural

# The measures that are compared between segments: what each is called and how it is written.
MEASURES = {
    "spend_per_customer": ("Spend a customer", "money"),
    "mean_order_value": ("Mean order value", "money"),
    "return_share": ("Share of sales returned", "share"),
    "wallet_share": ("Our share of the wallet", "share"),
    "open_share": ("Messages opened", "share"),
    "click_share": ("Messages clicked", "share"),
    "unsubscribe_share": ("Messages unsubscribed from", "share"),
    "visits_per_customer": ("Visits a customer", "number"),
    "carts_per_customer": ("Carts a customer", "number"),
    "tickets_per_100_customers": ("Tickets per 100 customers", "number"),
    "median_hours_to_resolve": ("Median hours to resolve", "number"),
    "mean_satisfaction": ("Mean satisfaction, 1 to 5", "number"),
}


def state_segments(table: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say of each measure where it is highest and lowest, and whether intervals keep them apart.

    ``table`` has one row a segment: segment_name, any of :data:`MEASURES`, and note.
    """
    if table.empty:
        return [explain_empty(table)]
    sentences = []
    for column in [column for column in table if column in MEASURES]:
        name, kind = MEASURES[column]
        rows = table.dropna(subset=[column])
        if len(rows) < 2:
            continue
        top, least = rows.loc[rows[column].idxmax()], rows.loc[rows[column].idxmin()]
        ends = [f"{column.removesuffix('_share')}_{end}" for end in ("low", "high")]
        high, low = (
            f"in “{row['segment_name']}” ({_write(row, [column, *ends], kind, currency)})"
            for row in (top, least)
        )
        apart = ""
        if ends[0] in table:
            overlap = top[ends[0]] <= least[ends[1]]
            apart = "; their intervals overlap" if overlap else "; their intervals do not overlap"
        sentences.append(f"{name}: highest {high}, lowest {low}{apart}.")
    for note, rows in table[table["note"] != ""].groupby("note"):
        names = join_words([f"“{name}”" for name in rows["segment_name"].unique()])
        sentences.append(f"Figures of {names} are left out: {note}.")
    return sentences


def _write(row: pd.Series, columns: list[str], kind: str, currency: str) -> str:
    value, *interval = (write_value(row[c], kind, currency) for c in columns if c in row)
    return f"{value}, {interval[0]} to {interval[1]}" if len(interval) == 2 else value


def state_spend(spend: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say which segment brings the most, and where spend, basket and returns are high or low."""
    shares = spend["customer_count"] / spend["customer_count"].sum()
    first = [
        f"“{row.segment_name}” brings most: {format_share(row.spend_share)} of the spend with "
        f"{format_share(shares[row.Index])} of the customers."
        for row in spend.dropna(subset=["spend_share"]).head(1).itertuples()
    ]
    return [*first, *state_segments(spend, currency=currency)]


def state_shares(table: pd.DataFrame, column: str, *, of: str) -> list[str]:
    """Say for each segment which value, such as a category, it has most above its share among all.

    ``of`` names what the shares are shares of, such as "sales".
    """
    if table.empty:
        return [explain_empty(table)]
    rows = table.dropna(subset=["share", "base_share"])
    rows = rows[rows["share"] > 1.1 * rows["base_share"]].astype({"share": "float64"})
    gap = (rows["share"] - rows["base_share"]).sort_values(ascending=False, kind="stable")
    tops = rows.loc[gap.index].drop_duplicates("segment_name").sort_values("segment_name")
    sentences = [
        f"“{row['segment_name']}” stands out for {row[column]}: {format_share(row['share'])} of "
        f"its {of}, against {format_share(row['base_share'])} among all."
        for row in tops.to_dict("records")
    ]
    return sentences or [f"No segment's {of} are split clearly otherwise than everybody's."]


def state_responses(
    responses: pd.DataFrame, questions: pd.DataFrame, *, most: int = 5
) -> list[str]:
    """Say which answers set segments furthest from everybody, beyond their intervals."""
    if responses.empty:
        return [explain_empty(responses)]
    rows = responses.dropna(subset=["value", "low", "high"])
    rows = rows.assign(gap=(rows["value"] - rows["base_value"]) / (rows["high"] - rows["low"]))
    outside = rows[(rows["base_value"] < rows["low"]) | (rows["base_value"] > rows["high"])]
    order = outside["gap"].astype("float64").abs().sort_values(ascending=False, kind="stable").index
    sentences = []
    for row in outside.loc[order[:most]].to_dict("records"):
        kind = "number" if row["kind"] == "number" else "share"
        value, base = (write_value(row[c], kind) for c in ("value", "base_value"))
        sentences.append(
            f"“{row['segment_name']}” on “{row['question']}”: {row['answer'] or 'mean'} {value}, "
            f"against {base} of all (n = {format_number(row['customer_count'])})."
        )
    sentences.append(
        f"Of {plural(len(rows), 'figure')} by segment, {len(outside)} lie further from that of all "
        f"customers than their interval reaches; about {format_number(0.05 * len(rows))} would by "
        "chance."
    )
    verbatim = plural((questions["kind"] == "free text").sum(), "question")
    return [*sentences, f"{verbatim} in the customers' own words: answers are not shown here."]
