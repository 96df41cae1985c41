"""Why a candidate is refused, and why further segments do not earn their place, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published
from segkit.report.shared.sentences import write_figure, write_finding

# How a criterion's figure is written: its kind, and the fewest decimals.
WRITTEN = {
    "placed_share": ("share", 1),
    "smallest_customer_share": ("share", 1),
    "smallest_value_share": ("share", 1),
    "stability": ("number", 2),
    "weakest_jaccard": ("number", 2),
    "reach": ("share", 0),
}
MOST_DECIMALS = 6


def place_candidate(row: Mapping[str, object]) -> dict[str, object]:
    """Return where a candidate's figures stand."""
    return {"scheme": str(row["scheme"]), "segment_count": int(row["segment_count"])}


def count_segments(candidates: Published, place: Mapping[str, object]) -> Figure:
    """Return how many segments a candidate has."""
    return candidates.read_figure("segment_count", where=place, kind="count", unit="segment")


def state_faults(candidates: Published, row: pd.Series, limits: Published) -> list[Finding]:
    """Say which criteria a candidate misses, in parts of a sentence."""
    codes = [code for code in str(row["faults"]).split(", ") if code]
    return [_state_fault(code, candidates, row, limits) for code in codes]


def _state_fault(code: str, candidates: Published, row: pd.Series, limits: Published) -> Finding:
    place = place_candidate(row)
    if code == "most_segments":
        count = count_segments(candidates, place)
        most = limits.read_figure("limit", where={"criterion": code}, kind="count", name="most")
        return write_finding("choice.faults.most_segments", [count, most])
    if code == "structure":
        return _state_structure(candidates, place, limits)
    if code in ("no_spend", "one_class"):
        return write_finding(f"choice.faults.{code}")
    segments = ("smallest_segment", "poorest_segment", "weakest_segment")
    words = {name: row[name] for name in segments}
    kind, fewest = WRITTEN[code]
    figure = candidates.read_figure(code, where=place, kind=kind, decimals=fewest)
    if code == "placed_share":
        return write_finding("choice.faults.placed_share", [figure])
    if figure.value is None:
        return write_finding(f"choice.faults.{code}_hidden", words=words)
    limit = limits.read_figure("limit", where={"criterion": code}, kind=kind, decimals=fewest)
    return write_finding(f"choice.faults.{code}", tell_apart(figure, limit), words=words)


def _state_structure(
    candidates: Published, place: Mapping[str, object], limits: Published
) -> Finding:
    """Say by how little clusters are tighter than in shuffled columns."""
    figure = candidates.read_figure("structure", where=place, kind="share")
    limit = limits.read_figure("limit", where={"criterion": "structure"}, kind="share", decimals=0)
    if figure.value is None or figure.value <= 0:
        return write_finding("choice.faults.no_structure", [figure, limit])
    return write_finding("choice.faults.structure", [figure, limit])


def tell_apart(figure: Figure, limit: Figure) -> list[Figure]:
    """Return two figures with as many decimals as it takes to see that they differ.

    >>> found = Figure("stability", 0.598, decimals=2)
    >>> [write_figure(told) for told in tell_apart(found, Figure("limit", 0.6, decimals=2))]
    ['0.598', '0.600']
    """
    for decimals in range(figure.decimals or 0, MOST_DECIMALS + 1):
        told = [replace(figure, decimals=decimals), replace(limit, decimals=decimals)]
        if write_figure(told[0]) != write_figure(told[1]):
            break
    return told


def state_objection(
    code: str,
    table: Published,
    place: Mapping[str, object],
    *,
    limits: Published,
    named: Mapping[str, object],
) -> Finding:
    """Say why further segments do not earn their place, in a part of a sentence.

    Parameters
    ----------
    code : str
        As `segkit.validation.verdict.find_objection` gives it, or ``refused``.
    table : Published
        With ``weakest_jaccard`` of the candidate at ``place``.
    named : mapping of str to object
        With the name of the candidate's ``weakest_segment``.
    """
    if code != "weak_segment":
        return write_finding(f"choice.objections.{code}")
    figure = table.read_figure("weakest_jaccard", where=place, decimals=2)
    limit = limits.read_figure("limit", where={"criterion": "step_jaccard"}, decimals=2)
    words = {"weakest_segment": named["weakest_segment"]}
    return write_finding("choice.objections.weak_segment", tell_apart(figure, limit), words=words)
