"""Whether segments are groups, in words: what they are, and what speaks for and against it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published
from segkit.features.wording import name_features
from segkit.plan.models import LEARNING_METHODS
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import write_finding


def locate(row: Mapping[str, object]) -> dict[str, object]:
    """Return where a candidate's figures stand."""
    return {"scheme": str(row["scheme"]), "segment_count": int(row["segment_count"])}


def state_what(candidates: Published, row: pd.Series, *, topic: str = "choice.what") -> Finding:
    """Say whether segments are groups, and if not, along which columns customers are cut.

    ``topic`` names where the sentences stand: whole ones, or parts of the conclusion.
    """
    if row["kind"] == "constructive" and row["method"] in LEARNING_METHODS:
        return write_finding(f"{topic}.nothing")
    if row["kind"] != "reproducible":
        return write_finding(f"{topic}.{row['kind']}")
    share, direction = state_direction(candidates, row)
    if not direction:
        return write_finding(f"{topic}.reproducible_unnamed")
    words = {"direction": direction}
    return write_finding(f"{topic}.reproducible", [share], words=words)


def state_direction(candidates: Published, row: pd.Series) -> tuple[Figure, str]:
    """Return how much of the differences along a cut's columns it explains, and their names.

    No names where it is not known in which columns customers are cut.
    """
    share = candidates.read_figure("direction_share", where=locate(row), kind="share", decimals=0)
    if not row["direction"] or share.value is None:
        return share, ""
    return share, join_words(name_features(str(row["direction"]).split(", "), candidates.labels))


def state_evidence(candidates: Published, row: pd.Series) -> list[Finding]:
    """Say what speaks for groups and what against: the null, and the valleys between segments."""
    place = locate(row)
    beyond = candidates.read_figure("beyond_null", where=place, kind="share", decimals=0)
    if row["method"] not in LEARNING_METHODS or beyond.value is None:
        return []
    if not beyond.value > 0:
        return [write_finding("choice.evidence.nothing_beyond", [beyond])]
    valley = candidates.read_figure("valley", where=place, kind="share", decimals=0)
    if valley.value is None:
        return [write_finding("choice.evidence.answers", [beyond])]
    sentence = "parted" if row["kind"] == "natural" else "not_parted"
    return [write_finding(f"choice.evidence.{sentence}", [beyond, valley])]


def state_nesting(candidates: Published, row: pd.Series) -> list[Finding]:
    """Say of groups that lie inside fewer groups that they do."""
    outer = candidates.read_figure("outer_count", where=locate(row), kind="count")
    if not outer.value or not row["beyond_null"] > 0:
        return []
    count = candidates.read_figure("segment_count", where=locate(row), kind="count")
    return [write_finding("choice.evidence.nested", [count, outer])]
