"""Sentences and headings of the evidence: do the segments hold?"""

from __future__ import annotations

import pandas as pd

from segkit.report.old_sentences import write_sentences
from segkit.report.shared.numbers import format_money, format_share, join_words, write_ranges
from segkit.validation.criteria import MEANINGS
from segkit.validation.stability import STABLE


def state_kinds(
    table: pd.DataFrame, fitted_count: int | None = None, customer_count: int | None = None
) -> list[str]:
    """Say of each scheme with several numbers of segments what was found at which of them.

    And how many customers were fitted, if not all.
    """
    schemes = []
    for scheme, own in table.groupby("scheme", sort=False):
        kinds = own.groupby("kind", sort=False)["segment_count"]
        parts = [f"{kind} with {join_words(counts.astype(str))}" for kind, counts in kinds]
        schemes.append((scheme, parts))
    meanings = [(kind, MEANINGS[kind]) for kind in MEANINGS if kind in set(table["kind"])]
    sampled = None if fitted_count == customer_count else (fitted_count, customer_count)
    return write_sentences("stability.kinds", schemes=schemes, meanings=meanings, sampled=sampled)


def state_ratings(ratings: pd.DataFrame) -> list[str]:
    """Say which segments are found again and which are not."""
    weak, least = ratings[ratings["jaccard"] < STABLE].to_dict("records"), ratings["jaccard"].min()
    return write_sentences("stability.ratings", weak=weak, least=least)


def state_paths(nodes: pd.DataFrame) -> list[str]:
    """Say of each further number of segments which segments stay, split off or merge."""
    words = {"stays": "stay as they are", "splits off": "split off", "merges": "are new mixtures"}
    rows, fewest = [], nodes["segment_count"].min()
    for count, own in nodes[nodes["segment_count"] > fewest].groupby("segment_count"):
        counts = own["change"].value_counts()
        parts = [f"{counts[name]} of them {verb}" for name, verb in words.items() if name in counts]
        rows.append((count, parts, own.loc[own["continuity"].idxmin()]))
    return write_sentences("stability.paths", rows=rows)


def state_columns(left_out: pd.DataFrame, duplicates: pd.DataFrame) -> list[str]:
    """Say which column the segments hang on most, and which columns say the same."""
    worst = left_out.sort_values("agreement", kind="stable").head(1).to_dict("records")
    rows = duplicates.to_dict("records")
    return write_sentences("stability.columns", worst=worst, duplicates=rows)


def state_confidence(confidence: pd.Series) -> list[str]:
    """Say how many customers keep their segment in the bootstrap solutions."""
    sure, unsure = (confidence >= 0.9).mean(), (confidence < 0.5).mean()
    return write_sentences("stability.confidence", sure=sure, unsure=unsure)


def add_intervals(
    sizes: pd.DataFrame, intervals: pd.DataFrame, ratings: pd.DataFrame
) -> pd.DataFrame:
    """Add the intervals of share and mean spend as text, and each segment's rating."""
    shares, means = (
        (intervals[f"{column}_low"], intervals[f"{column}_high"])
        for column in ("customer_share", "mean_value")
    )
    own = intervals[["segment"]].assign(
        share_interval=write_ranges(*shares, format_share),
        mean_interval=write_ranges(*means, format_money),
    )
    table = sizes.merge(own, on="segment", how="left")
    table = table.merge(ratings[["segment", "rating"]], on="segment", how="left")
    return table if "mean_spend" in sizes else table.drop(columns="mean_interval")
