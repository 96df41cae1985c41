"""Sentences on what segments buy, do, ask for and say."""

from __future__ import annotations

import pandas as pd

from segkit.core.absence import explain_empty
from segkit.report.old_sentences import write_sentences
from segkit.report.shared.figures import write_value
from segkit.report.shared.tables import VIEWS

# The measures that are compared between segments: what each is called and how it is written.
MEASURES = VIEWS["measures"]


def state_segments(table: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say of each measure where it is highest and lowest, and whether intervals keep them apart.

    ``table`` has one row a segment: segment_name, any of :data:`MEASURES`, and note.
    """
    if table.empty:
        return [explain_empty(table)]
    ends = []
    for column in [column for column in table if column in MEASURES]:
        name, kind = MEASURES[column]
        rows = table.dropna(subset=[column])
        if len(rows) < 2:
            continue
        top, least = rows.loc[rows[column].idxmax()], rows.loc[rows[column].idxmin()]
        low, high = (f"{column.removesuffix('_share')}_{end}" for end in ("low", "high"))
        overlap = bool(top[low] <= least[high]) if low in table else None
        columns = [c for c in (column, low, high) if c in table]
        texts = ([write_value(row[c], kind, currency) for c in columns] for row in (top, least))
        names = top["segment_name"], least["segment_name"]
        ends.append((name, list(zip(names, texts, strict=True)), overlap))
    notes = table[table["note"] != ""].groupby("note")["segment_name"].unique()
    hidden = [(note, [f"“{name}”" for name in names]) for note, names in notes.items()]
    return write_sentences("experience.segments", ends=ends, hidden=hidden)


def state_spend(spend: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Say which segment brings the most, and where spend, basket and returns are high or low."""
    shares = spend["customer_count"] / spend["customer_count"].sum()
    first = spend.assign(customer_share=shares).dropna(subset=["spend_share"]).head(1)
    told = write_sentences("experience.spend", rows=first.to_dict("records"))
    return [*told, *state_segments(spend, currency=currency)]


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
    rows = tops.to_dict("records")
    return write_sentences("experience.shares", rows=rows, column=column, of=of)


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
    return write_sentences(
        "experience.responses",
        rows=outside.loc[order[:most]].to_dict("records"),
        figure_count=len(rows),
        outside_count=len(outside),
        verbatim_count=int((questions["kind"] == "free text").sum()),
    )
