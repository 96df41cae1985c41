"""Sentences on what sets segments apart, whether they can be told apart, and the short quiz."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.core.absence import explain_empty
from segkit.profiles.quiz import Quiz
from segkit.report.old_sentences import write_sentences
from segkit.report.shared.numbers import format_number, format_share, write_ranges
from segkit.validation.reach import Surrogate
from segkit.validation.separation import Separation


def list_differences(profile: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Return each segment's largest differences, with the interval and the evidence in words."""
    rows = profile.dropna(subset=["effect_size"])
    order = rows["effect_size"].abs().sort_values(ascending=False, kind="stable").index
    rows = rows.loc[order].groupby("segment", sort=True).head(count)
    rows = rows.sort_values("segment", kind="stable", ignore_index=True)
    ends = rows["effect_low"], rows["effect_high"]
    return rows.assign(
        feature=rows["feature"].str.replace("_", " "),
        mean_text=[_write_mean(*pair) for pair in zip(rows["mean"], rows["unit"], strict=True)],
        base_text=[
            _write_mean(*pair) for pair in zip(rows["base_mean"], rows["unit"], strict=True)
        ],
        interval=write_ranges(*ends, lambda end: format_number(end, 2)),
        evidence=_write_evidence(rows),
    )


def _write_mean(mean: float, unit: str) -> str:
    """Write a mean with the decimals that it needs: columns of one table differ in unit."""
    if unit == "share":
        return format_share(mean)
    return format_number(mean, 0 if abs(mean) >= 1000 else 1 if abs(mean) >= 10 else 2)


def write_levels(levels: pd.DataFrame) -> pd.DataFrame:
    """Add the interval and the evidence in words to the levels of descriptors."""
    ends = levels["difference_low"], levels["difference_high"]
    return levels.assign(
        descriptor=levels["descriptor"].str.replace("_", " "),
        interval=write_ranges(*ends, format_share),
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
    known = sure.dropna(subset=["effect_size"])
    furthest = known["effect_size"].abs().groupby(known["segment_name"], sort=False).idxmax()
    others = tested.loc[~tested["segment_name"].isin(sure["segment_name"]), "segment_name"]
    return write_sentences(
        "profiles.differences",
        count=len(tested),
        sure=len(sure),
        rows=known.loc[furthest].to_dict("records"),
        others=list(others.unique()),
    )


def state_separation(separation: Separation) -> list[str]:
    """Say how much the two axes show, and which segments lie over others."""
    if separation.axes.empty:
        return [explain_empty(separation.axes)]
    shown = separation.axes["explained_share"].sum()
    known = separation.centres.dropna(subset=["overlap_share"])
    overlap = known["overlap_share"]
    ends = known.loc[[overlap.idxmin(), overlap.idxmax()]] if len(known) > 1 else known[:0]
    ends = ends.to_dict("records")
    return write_sentences("profiles.separation", shown=shown, ends=ends)


def state_descriptors(ranked: pd.DataFrame) -> list[str]:
    """Say which descriptor goes furthest with the segments."""
    if ranked.empty:
        return ["There is no descriptor that did not make the segments."]
    sure = int(ranked["set_apart_count"].sum())
    return write_sentences("profiles.descriptors", first=ranked.iloc[0], sure=sure)


def state_reach(surrogate: Surrogate, *, by: str) -> list[str]:
    """Say how well customers are placed by some columns, named by ``by``, against guessing."""
    if surrogate.by_segment.empty:
        return [explain_empty(surrogate.by_segment)]
    known = surrogate.by_segment.dropna(subset=["recall"])
    hardest = known.sort_values("recall", kind="stable").head(1).to_dict("records")
    values = {"found": surrogate, "by": by, "hardest": hardest[0] if hardest else None}
    return write_sentences("profiles.reach", **values)


def state_quiz(quiz: Quiz) -> list[str]:
    """Say how few questions suffice, and how well they place a newcomer."""
    if quiz.rules.empty:
        return [explain_empty(quiz.rules)]
    names = [name.replace("_", " ") for name in quiz.questions]
    step = quiz.steps.iloc[quiz.step_count - 1]
    return write_sentences("profiles.quiz", quiz=quiz, step=step, names=names)
