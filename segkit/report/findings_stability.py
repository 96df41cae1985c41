"""Sentences and headings of the evidence: do the segments hold?"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from segkit.report.findings import format_money, format_number, format_share, join_words
from segkit.segments.criteria import MEANINGS
from segkit.segments.stability import STABLE

GATE_HEADINGS = {
    "scheme": "Scheme",
    "requirement": "What is counted",
    "found": "Found",
    "needed": "Refused below",
    "wanted": "Thin below",
    "missing_count": "Missing to enough",
    "status": "Status",
}
STEP_HEADINGS = {
    "scheme": "Scheme",
    "segment_count": "Segments",
    "added_explained_share": "More differences explained",
    "added_spend_share": "More spend explained",
    "added_stability": "Stability, change",
    "weakest_jaccard": "Jaccard of the weakest",
    "closest_difference_sd": "Difference of the closest two, sd",
    "earns_place": "Earns its place",
    "objection": "Why not",
}
COLUMN_HEADINGS = {
    "column": "Column left out",
    "agreement": "Agreement with all columns",
    "stability": "Stability without it",
    "stability_with_all": "Stability with all",
}


def state_kinds(table: pd.DataFrame) -> list[str]:
    """Say of each scheme with several numbers of segments what was found at which of them.

    And how many customers were fitted, if not all.
    """
    sentences = []
    if counts := table.attrs.get("sampled"):
        sentences.append(
            "Fitted to {:,} customers, drawn by their identifiers from all {:,}; everybody is "
            "placed by what was found in them.".format(*counts)
        )
    for scheme, own in table.groupby("scheme", sort=False):
        kinds = own.groupby("kind", sort=False)["segment_count"].agg(list)
        parts = [
            f"{kind} with {join_words([str(count) for count in counts])}"
            for kind, counts in kinds.items()
        ]
        sentences.append(f"{scheme.replace('_', ' ')}: {join_words(parts)}.")
    kinds = [kind for kind in MEANINGS if kind in set(table["kind"])]
    return [*sentences, *(f"{kind.capitalize()} means {MEANINGS[kind]}." for kind in kinds)]


def state_ratings(ratings: pd.DataFrame) -> list[str]:
    """Say which segments are found again and which are not."""
    weak = ratings[ratings["jaccard"] < STABLE]
    if weak.empty:
        least = ratings["jaccard"].min()
        return [
            f"Every segment is found again in other samples; the least Jaccard is "
            f"{format_number(least, 2)}."
        ]
    return [
        f"{row.segment_name} is {row.rating}: its Jaccard is {format_number(row.jaccard, 2)}, and "
        f"it dissolves in {format_share(row.dissolved_share, 0)} of the solutions."
        for row in weak.itertuples()
    ]


def state_paths(nodes: pd.DataFrame) -> list[str]:
    """Say of each further number of segments which segments stay, split off or merge."""
    sentences, last = [], nodes["segment_count"].min()
    for count, own in nodes[nodes["segment_count"] > last].groupby("segment_count"):
        parts = []
        words = {
            "stays": "stay as they are",
            "splits off": "split off",
            "merges": "are new mixtures",
        }
        for change, verb in words.items():
            there = (own["change"] == change).sum()
            parts += [f"{there} of them {verb}"] if there else []
        worst = own.loc[own["continuity"].idxmin()]
        sentences.append(
            f"With {count} segments: {join_words(parts)}; the least continuity is "
            f"{format_number(worst['continuity'], 2)} ({worst['segment_name']})."
        )
    return sentences


def state_columns(left_out: pd.DataFrame, duplicates: pd.DataFrame) -> list[str]:
    """Say which column the segments hang on most, and which columns say the same."""
    sentences = []
    if len(left_out):
        worst = left_out.loc[left_out["agreement"].idxmin()]
        sentences.append(
            f"The segments hang most on {worst['column'].replace('_', ' ')}: without it the "
            f"agreement with the segments of all columns is "
            f"{format_number(worst['agreement'], 2)} (1 is full)."
        )
    for row in duplicates.itertuples():
        sentences.append(
            f"{row.column.replace('_', ' ')} and {row.other.replace('_', ' ')} say nearly the "
            f"same (association {format_number(row.association, 2)}), so that it counts twice."
        )
    return sentences


def state_confidence(confidence: pd.Series) -> list[str]:
    """Say how many customers keep their segment in the bootstrap solutions."""
    sure = (confidence >= 0.9).mean()
    return [
        f"{format_share(sure, 0)} of customers keep their segment in at least nine in ten "
        f"bootstrap solutions; {format_share((confidence < 0.5).mean())} in less than half."
    ]


def state_targets(targets: pd.DataFrame) -> list[str]:
    """Say which segment comes first, and from which measures."""
    best = targets.iloc[0]
    measures = {name: targets.attrs.get(name, []) for name in ("attractiveness", "fit")}
    told = [
        f"{name} is measured by {join_words([m.replace('_', ' ') for m in own])}"
        for name, own in measures.items()
        if own
    ]
    return [
        f"{best['segment_name']} comes first: attractiveness "
        f"{format_number(best['attractiveness'], 2)}, fit {format_number(best['fit'], 2)}.",
        *([f"{join_words(told).capitalize()}."] if told else []),
    ]


def add_intervals(
    sizes: pd.DataFrame, intervals: pd.DataFrame, ratings: pd.DataFrame
) -> pd.DataFrame:
    """Add the intervals of share and mean spend as text, and each segment's rating."""
    shares, means = [], []
    for row in intervals.itertuples():
        shares.append(_write_range(row.customer_share_low, row.customer_share_high, format_share))
        ends = (row.mean_value_low, row.mean_value_high)
        means.append(_write_range(*ends, format_money))
    own = intervals[["segment"]].assign(share_interval=shares, mean_interval=means)
    table = sizes.merge(own, on="segment", how="left")
    table = table.merge(ratings[["segment", "rating"]], on="segment", how="left")
    return table if "mean_spend" in sizes else table.drop(columns="mean_interval")


def _write_range(low: float, high: float, write: Callable[[float], str]) -> str:
    return "" if pd.isna(low) else f"{write(low)} to {write(high)}"
