"""Sentences on what sets segments apart, whether they can be told apart, and the short quiz."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.report.findings import format_number, format_share, join_words, plural
from segkit.segments.quiz import Quiz
from segkit.segments.reach import Surrogate
from segkit.segments.separation import Separation

DIFFERENCE_HEADINGS = {
    "segment_name": "Segment",
    "feature": "Column",
    "mean_text": "Mean",
    "base_text": "Mean of all",
    "effect_size": "Effect size",
    "interval": "95% interval",
    "evidence": "Evidence",
}
LEVEL_HEADINGS = {
    "segment_name": "Segment",
    "descriptor": "Descriptor",
    "value": "Level",
    "share": "Share of the segment",
    "index": "Index",
    "interval": "Above others, 95% interval",
    "evidence": "Evidence",
}
SURROGATE_HEADINGS = {
    "segment_name": "Segment",
    "rule": "Rule",
    "customer_count": "Customers",
    "hit_share": "Who belong there",
}


def list_differences(profile: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Return each segment's largest differences, with the interval and the evidence in words."""
    rows = profile.dropna(subset=["effect_size"])
    order = rows["effect_size"].abs().sort_values(ascending=False, kind="stable").index
    rows = rows.loc[order].groupby("segment", sort=True).head(count)
    rows = rows.sort_values("segment", kind="stable", ignore_index=True)
    ends = zip(rows["effect_low"], rows["effect_high"], strict=True)
    return rows.assign(
        feature=rows["feature"].str.replace("_", " "),
        mean_text=[_write_mean(*pair) for pair in zip(rows["mean"], rows["unit"], strict=True)],
        base_text=[
            _write_mean(*pair) for pair in zip(rows["base_mean"], rows["unit"], strict=True)
        ],
        interval=[f"{format_number(a, 2)} to {format_number(b, 2)}" for a, b in ends],
        evidence=_write_evidence(rows),
    )


def _write_mean(mean: float, unit: str) -> str:
    """Write a mean with the decimals that it needs: columns of one table differ in unit."""
    if unit == "share":
        return format_share(mean)
    return format_number(mean, 0 if abs(mean) >= 1000 else 1 if abs(mean) >= 10 else 2)


def write_levels(levels: pd.DataFrame) -> pd.DataFrame:
    """Add the interval and the evidence in words to the levels of descriptors."""
    ends = zip(levels["difference_low"], levels["difference_high"], strict=True)
    return levels.assign(
        descriptor=levels["descriptor"].str.replace("_", " "),
        interval=[f"{format_share(a)} to {format_share(b)}" for a, b in ends],
        evidence=_write_evidence(levels),
    )


def _write_evidence(rows: pd.DataFrame) -> np.ndarray:
    """Say of each comparison what may be concluded."""
    made, sure = rows["by_construction"].astype(bool), rows["set_apart"].astype(bool)
    words = ["made the segments", "holds after correction"]
    return np.select([made, sure], words, "may be chance")


def state_differences(profile: pd.DataFrame) -> list[str]:
    """Say how many differences hold, and which column sets each segment apart most surely."""
    tested = profile.dropna(subset=["p_value"])
    if tested.empty:
        return ["No column but those that made the segments can be compared."]
    sure = tested[tested["set_apart"]]
    sentences = [
        f"Of {plural(len(tested), 'comparison')} of a segment with all other customers, in columns "
        f"that did not make the segments, {format_number(len(sure))} hold after the correction for "
        f"so many."
    ]
    for name, rows in sure.dropna(subset=["effect_size"]).groupby("segment_name", sort=False):
        row = rows.loc[rows["effect_size"].abs().idxmax()]
        word = "higher" if row["effect_size"] > 0 else "lower"
        sentences.append(
            f"{name}: {row['feature'].replace('_', ' ')} is "
            f"{format_number(abs(row['effect_size']), 1)} standard deviations {word} than among "
            f"other customers (95% interval of the difference "
            f"{format_number(row['effect_low'], 2)} to {format_number(row['effect_high'], 2)})."
        )
    apart = set(sure["segment_name"])
    others = [name for name in tested["segment_name"].unique() if name not in apart]
    if others:
        sentences.append(f"Nothing but what made it sets apart: {join_words(others)}.")
    return sentences


def state_separation(separation: Separation) -> list[str]:
    """Say how much the two axes show, and which segments lie over others."""
    if separation.axes.empty:
        return [str(separation.axes.attrs["reason"])]
    shown = separation.axes["explained_share"].sum()
    sentences = [f"The two axes show {format_share(shown)} of all differences between customers."]
    known = separation.centres.dropna(subset=["overlap_share"])
    if len(known) > 1:
        low, high = known["overlap_share"].idxmin(), known["overlap_share"].idxmax()
        apart, over = known.loc[low], known.loc[high]
        sentences.append(
            f"On them {apart['segment_name']} lies most apart: "
            f"{format_share(apart['overlap_share'])} of its customers are within another segment's "
            f"outline; of {over['segment_name']} {format_share(over['overlap_share'])} are."
        )
    return sentences


def state_descriptors(ranked: pd.DataFrame) -> list[str]:
    """Say which descriptor goes furthest with the segments."""
    if ranked.empty:
        return ["There is no descriptor that did not make the segments."]
    first = ranked.iloc[0]
    sure = int(ranked["set_apart_count"].sum())
    return [
        f"{first['descriptor'].replace('_', ' ').capitalize()} goes furthest with the segments "
        f"(Cramer's V {format_number(first['cramers_v'], 2)}); over all descriptors "
        f"{plural(sure, 'difference holds', 'differences hold')} after the correction."
    ]


def state_reach(surrogate: Surrogate, *, by: str) -> list[str]:
    """Say how well customers are placed by some columns, named by ``by``, against guessing."""
    if surrogate.by_segment.empty:
        return [str(surrogate.by_segment.attrs["reason"])]
    guess = format_share(surrogate.baseline_accuracy)
    reached = (
        f"By {by}, a few plain rules place {format_share(surrogate.accuracy)} of unseen customers "
        f"in their segment (95% interval {format_share(surrogate.accuracy_low)} to "
        f"{format_share(surrogate.accuracy_high)}); naming the largest segment for everybody "
        f"places {guess}."
    )
    if surrogate.accuracy_low <= surrogate.baseline_accuracy:
        return [reached, f"That is no better than guessing: by {by} they cannot be told apart."]
    known = surrogate.by_segment.dropna(subset=["recall"])
    if known.empty:
        return [reached]
    hardest = known.loc[known["recall"].idxmin()]
    return [
        reached,
        f"Hardest to find is {hardest['segment_name']}: {format_share(hardest['recall'])} of its "
        f"customers are placed there.",
    ]


def state_quiz(quiz: Quiz) -> list[str]:
    """Say how few questions suffice, and how well they place a newcomer."""
    if quiz.rules.empty:
        return [str(quiz.rules.attrs["reason"])]
    names = join_words([name.replace("_", " ") for name in quiz.questions])
    row = quiz.steps.iloc[quiz.step_count - 1]
    reached = row["accuracy"] >= quiz.wanted_accuracy
    limits = f"{format_share(row['accuracy_low'])} to {format_share(row['accuracy_high'])}"
    return [
        f"{plural(len(quiz.questions), 'question')} ({names}) "
        f"{'place' if len(quiz.questions) > 1 else 'places'} "
        f"{format_share(row['accuracy'])} of unseen customers in their segment (95% interval "
        f"{limits}); all columns place {format_share(quiz.full_accuracy)}, guessing "
        f"{format_share(quiz.baseline_accuracy)}.",
        f"Wanted was {format_share(quiz.wanted_accuracy)}: "
        + ("fewer questions do not reach it." if reached else "no quiz this short reaches it."),
    ]
