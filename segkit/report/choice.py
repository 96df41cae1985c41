"""Which segmentation is used, the verdict on it with its reasons, and the schemes crossed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.plan.models import LEARNING_METHODS
from segkit.report.conclusion import state_remarks
from segkit.report.groups import locate, state_evidence, state_nesting, state_what
from segkit.report.shared.sentences import (
    count_points,
    find_sentence,
    name_column,
    write_figure,
    write_finding,
)
from segkit.report.shared.tables import spread_table
from segkit.report.shared.views import Column, View
from segkit.validation.stability import KINDS
from segkit.validation.verdict import SMALLEST_GAIN, SchemeChoice, choose_within, find_objection

STEPS = View(
    Shape("steps", population="candidates", by=("scheme", "segment_count")),
    {
        "scheme": Column("Scheme"),
        "segment_count": Column("Segments"),
        "added_explained_share": Column("More differences explained"),
        "added_spend_share": Column("More spend explained"),
        "added_stability": Column("Stability, change"),
        "weakest_jaccard": Column("Jaccard of the weakest"),
        "closest_difference_sd": Column("Difference of the closest two, sd"),
        "earns_place": Column("Earns its place"),
        "why_not": Column("Why not"),
    },
)
REFUSED = View(Shape("refused", population="plan", by=("scheme",)))
# Which segments were merged is not told, nor whom they took.
MERGED = View(Shape("merged", population="candidates", by=("scheme", "segment_count")))
CROSSED = View(Shape("crossed_schemes", by=("other_segment", "segment"), within=("other_scheme",)))
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


def state_choice(
    choice: SchemeChoice,
    candidates: Published,
    *,
    limits: Published,
    refused: Published,
    gates: Published,
    merged: Published,
) -> list[Finding]:
    """Say which scheme is used, whether the verdict is yes or no, and why.

    Why this candidate, why not its neighbours and the other schemes, what could not be fitted and
    of which candidates a segment was merged since it had too few customers to be shown.

    Parameters
    ----------
    choice : SchemeChoice
    candidates, limits, refused, gates, merged : Published
        The candidates, what they are measured against, what was not fitted, what refused it, and
        which are without a segment that was too small.
    """
    frame = candidates.frame
    is_chosen = frame["scheme"] == choice.scheme
    is_chosen &= frame["segment_count"] == choice.segment_count
    chosen = frame[is_chosen].iloc[0]
    told = [_state_verdict(choice, candidates, chosen), _state_chosen(candidates, chosen)]
    if chosen["passes"]:
        told += state_evidence(candidates, chosen) + state_nesting(candidates, chosen)
    told += _state_merged(merged, choice)
    if not chosen["passes"]:
        faults = _state_faults(candidates, chosen, limits)
        told.append(_join_parts("choice.reasons.refused_itself", "faults", faults))
    elif chosen["method"] not in LEARNING_METHODS:
        told.append(write_finding("choice.reasons.cut"))
    if choice.overruled:
        told.append(_state_recommended(choice, candidates))
    for _, row in frame[~is_chosen].iterrows():
        told.append(_state_other(candidates, row, chosen, limits, is_free=not choice.overruled))
    return told + state_refused(refused, gates)


def _state_merged(merged: Published, choice: SchemeChoice) -> list[Finding]:
    """Say which schemes are without a segment of too few customers, the chosen one first."""
    rows = merged.frame.to_dict("records")
    told = []
    for row in sorted(rows, key=lambda row: row["scheme"] != choice.scheme):
        figures = [
            _count_segments(merged, locate(row)),
            merged.read_figure("merged_count", where=locate(row), kind="count", unit="segment"),
        ]
        sentence = "one" if row["merged_count"] == 1 else "several"
        remedy = "by_rules" if row["by_rules"] else "by_count"
        words = {
            "scheme": name_column(row["scheme"]),
            "remedy": find_sentence(f"choice.merged.{remedy}"),
        }
        told.append(write_finding(f"choice.merged.{sentence}", figures, words=words))
    return told


def _count_segments(candidates: Published, place: Mapping[str, object]) -> Figure:
    return candidates.read_figure("segment_count", where=place, kind="count", unit="segment")


def _join_parts(
    kind: str,
    name: str,
    parts: list[Finding],
    *,
    figures: list[Figure] | None = None,
    words: Mapping[str, object] | None = None,
) -> Finding:
    """Make one finding of a sentence that names several parts, with ``;`` between them."""
    told = list(figures or [])
    for part in parts:
        told += [figure for figure in part.figures if figure not in told]
    text = "; ".join(part.text for part in parts)
    return write_finding(kind, told, words={**(words or {}), name: text})


def _state_verdict(choice: SchemeChoice, candidates: Published, chosen: pd.Series) -> Finding:
    """Say whether to use what was chosen and, of a yes, whether these are groups."""
    what = state_what(candidates, chosen)
    remarks = state_remarks(choice)
    sentence = "use" if choice.verdict == "yes" else "nearest"
    place = {"scheme": choice.scheme, "segment_count": choice.segment_count}
    return write_finding(
        f"choice.verdict.{sentence}",
        [_count_segments(candidates, place), *(what.figures if choice.verdict == "yes" else ())],
        words={
            "scheme": name_column(choice.scheme),
            "what": what.text,
            "remarks": "".join(f" {remark.text}" for remark in remarks),
        },
    )


def _state_chosen(candidates: Published, row: pd.Series) -> Finding:
    """Say what the chosen candidate is and holds."""
    place = locate(row)
    told = [
        _count_segments(candidates, place),
        candidates.read_figure("stability", where=place, decimals=2),
        candidates.read_figure("weakest_jaccard", where=place, decimals=2),
        candidates.read_figure("explained_share", where=place, kind="share"),
    ]
    further = {
        "spend": candidates.read_figure("explained_spend_share", where=place, kind="share"),
        "smallest": candidates.read_figure("smallest_customer_share", where=place, kind="share"),
    }
    words = {
        "scheme": name_column(row["scheme"]),
        "kind": row["kind"],
        "meaning": find_sentence(f"candidates.meanings.{row['kind']}"),
    }
    for name, figure in further.items():
        words[name] = ""
        if figure.value is not None:
            part = write_finding(f"choice.reasons.{name}", [figure])
            joint = "; " if name == "smallest" else " "
            words[name] = joint + part.text
            told.append(figure)
    return write_finding("choice.reasons.chosen", told, words=words)


def _state_recommended(choice: SchemeChoice, candidates: Published) -> Finding:
    """Say which scheme the plan overruled."""
    place = {"scheme": choice.recommended_scheme, "segment_count": choice.recommended_count}
    passes = candidates.read_figure("passes", where=place).value
    sentence = "asked_against_recommended" if passes else "asked_against_nearest"
    words = {
        "scheme": name_column(choice.scheme),
        "recommended": name_column(choice.recommended_scheme),
    }
    count = _count_segments(candidates, place)
    return write_finding(f"choice.reasons.{sentence}", [count], words=words)


def _state_other(
    candidates: Published, row: pd.Series, chosen: pd.Series, limits: Published, *, is_free: bool
) -> Finding:
    """Say why another candidate than the chosen one is not used.

    ``is_free`` says that the plan did not choose, so that an order of preference did.
    """
    count = _count_segments(candidates, locate(row))
    words = {"scheme": name_column(row["scheme"])}
    if not row["passes"]:
        faults = _state_faults(candidates, row, limits)
        return _join_parts("choice.reasons.refused", "faults", faults, figures=[count], words=words)
    explains = _state_explained(candidates, row, chosen)
    best = chosen
    if row["scheme"] != chosen["scheme"]:
        frame = candidates.frame
        best = choose_within(frame[frame["scheme"] == row["scheme"]])
    further = int(row["segment_count"] - best["segment_count"])
    if further <= 0:
        words["preferred"] = _say_preferred(row, chosen) if is_free and further == 0 else ""
        return _join_parts(
            "choice.reasons.also", "explains", [explains], figures=[count], words=words
        )
    objection = state_objection(
        find_objection(best, row), candidates, locate(row), limits=limits, named=row
    )
    words["objection"] = objection.text
    sentence = "further_one" if further == 1 else "further_more"
    counts = [count]
    if best is not chosen:
        best_count = replace(_count_segments(candidates, locate(best)), name="best_count")
        counts.append(best_count)
        sentence += "_of_another"
    return _join_parts(
        f"choice.reasons.{sentence}",
        "explains",
        [explains],
        figures=[*counts, *objection.figures],
        words=words,
    )


def _say_preferred(row: pd.Series, chosen: pd.Series) -> str:
    """Say why a candidate that explains about as much as the chosen one was not taken."""
    if chosen["explained_share"] - row["explained_share"] >= SMALLEST_GAIN:
        return ""
    if KINDS.index(row["kind"]) < KINDS.index(chosen["kind"]):
        words = {"kind": row["kind"], "chosen_kind": chosen["kind"]}
        return " " + write_finding("choice.reasons.weaker_kind", words=words).text
    if row["kind"] == chosen["kind"] and row["segment_count"] > chosen["segment_count"]:
        return " " + find_sentence("choice.reasons.more_segments")
    return ""


def _state_explained(candidates: Published, row: pd.Series, chosen: pd.Series) -> Finding:
    """Say how much more or less a candidate explains than the chosen one."""
    stability = candidates.read_figure("stability", where=locate(row), decimals=2)
    gained = candidates.read_figure(
        "explained_share",
        where=locate(row),
        minus=candidates.locate("explained_share", where=locate(chosen)),
        kind="gap",
        name="gained",
    )
    if not count_points(gained.value):
        return write_finding("choice.explains.as_much", [gained, stability])
    words = {"more": "more" if gained.value > 0 else "less"}
    return write_finding("choice.explains.differs", [gained, stability], words=words)


def _state_faults(candidates: Published, row: pd.Series, limits: Published) -> list[Finding]:
    """Say which criteria a candidate misses, in parts of a sentence."""
    codes = [code for code in str(row["faults"]).split(", ") if code]
    return [_state_fault(code, candidates, row, limits) for code in codes]


def _state_fault(code: str, candidates: Published, row: pd.Series, limits: Published) -> Finding:
    place = locate(row)
    if code == "most_segments":
        count = _count_segments(candidates, place)
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


def lay_out_steps(steps: Published, limits: Published) -> Published:
    """Return the published steps with ``why_not`` in words, for `show_table`."""
    why_not = []
    for row in steps.frame.to_dict("records"):
        text = ""
        if row["objection"]:
            code = row["objection"]
            text = state_objection(code, steps, locate(row), limits=limits, named=row).text
        why_not.append(text)
    return replace(steps, frame=steps.frame.assign(why_not=why_not))


def state_refused(refused: Published, gates: Published) -> list[Finding]:
    """Say which schemes could not be fitted, and why."""
    told = []
    for row in refused.frame.to_dict("records"):
        words = {"scheme": name_column(row["scheme"])}
        if not row["by_gate"]:
            words["why"] = row["why"]
            told.append(write_finding("choice.refused.why", words=words))
            continue
        lacks = _state_lacks(gates, row["scheme"])
        told.append(_join_parts("choice.refused.by_gate", "lacks", lacks, words=words))
    return told


def _state_lacks(gates: Published, scheme: str) -> list[Finding]:
    """Say what a scheme's data lack, in parts of a sentence."""
    frame = gates.frame
    lacks = frame[(frame["scheme"] == scheme) & (frame["status"] == "refused")]
    told = []
    for requirement in lacks["requirement"]:
        place = {"scheme": scheme, "requirement": requirement}
        found = gates.read_figure("found", where=place, kind="count")
        needed = gates.read_figure("needed", where=place, kind="count")
        sentence = "lacks_hidden" if found.value is None else "lacks"
        words = {"requirement": requirement}
        told.append(write_finding(f"choice.refused.{sentence}", [found, needed], words=words))
    return told


def lay_out_crossed(crossed: Published) -> Published:
    """Return the published crossing of schemes as a grid, for `show_table`."""
    return spread_table(
        crossed, rows=("other_scheme", "other_segment"), column="segment", value="customer_count"
    )
