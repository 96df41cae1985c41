"""Which segmentation is used, the verdict on it with its reasons, and the schemes crossed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.plan.models import LEARNING_METHODS
from segkit.report.choice_faults import (
    count_segments,
    place_candidate,
    state_faults,
    state_objection,
)
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import count_points, find_sentence, name_column, write_finding
from segkit.report.shared.tables import spread_table
from segkit.report.shared.views import Column, View
from segkit.validation.verdict import SchemeChoice, find_objection

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
        told += _state_evidence(candidates, chosen) + _state_nesting(candidates, chosen)
    told += _state_merged(merged, choice)
    if not chosen["passes"]:
        faults = state_faults(candidates, chosen, limits)
        told.append(_join_parts("choice.reasons.refused_itself", "faults", faults))
    elif chosen["method"] not in LEARNING_METHODS:
        told.append(write_finding("choice.reasons.cut"))
    if choice.overruled:
        told.append(_state_recommended(choice, candidates))
    for _, row in frame[~is_chosen].iterrows():
        told.append(_state_other(candidates, row, chosen, limits))
    return told + state_refused(refused, gates)


def _state_merged(merged: Published, choice: SchemeChoice) -> list[Finding]:
    """Say which schemes are without a segment of too few customers, the chosen one first."""
    rows = merged.frame.to_dict("records")
    told = []
    for row in sorted(rows, key=lambda row: row["scheme"] != choice.scheme):
        figures = [
            count_segments(merged, place_candidate(row)),
            merged.read_figure(
                "merged_count", where=place_candidate(row), kind="count", unit="segment"
            ),
        ]
        sentence = "one" if row["merged_count"] == 1 else "several"
        remedy = "by_rules" if row["by_rules"] else "by_count"
        words = {
            "scheme": name_column(row["scheme"]),
            "remedy": find_sentence(f"choice.merged.{remedy}"),
        }
        told.append(write_finding(f"choice.merged.{sentence}", figures, words=words))
    return told


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
    what = _state_what(candidates, chosen)
    remarks = []
    if choice.overrule_reason:
        words = {"reason": choice.overrule_reason.rstrip(".")}
        remarks.append(write_finding("choice.verdict.overrules_verdict", words=words))
    if choice.overruled:
        remarks.append(write_finding("choice.verdict.overrules_scheme"))
    sentence = "use" if choice.verdict == "yes" else "nearest"
    place = {"scheme": choice.scheme, "segment_count": choice.segment_count}
    return write_finding(
        f"choice.verdict.{sentence}",
        [count_segments(candidates, place), *(what.figures if choice.verdict == "yes" else ())],
        words={
            "scheme": name_column(choice.scheme),
            "what": what.text,
            "remarks": "".join(f" {remark.text}" for remark in remarks),
        },
    )


def _state_what(candidates: Published, row: pd.Series) -> Finding:
    """Say whether segments are groups, and if not, along which columns customers are cut."""
    if row["kind"] != "reproducible":
        return write_finding(f"choice.what.{row['kind']}")
    share = candidates.read_figure(
        "direction_share", where=place_candidate(row), kind="share", decimals=0
    )
    if not row["direction"] or share.value is None:
        return write_finding("choice.what.reproducible_unnamed")
    columns = [name_column(column) for column in str(row["direction"]).split(", ")]
    words = {"direction": join_words(columns)}
    return write_finding("choice.what.reproducible", [share], words=words)


def _state_chosen(candidates: Published, row: pd.Series) -> Finding:
    """Say what the chosen candidate is and holds."""
    place = place_candidate(row)
    told = [
        count_segments(candidates, place),
        candidates.read_figure("stability", where=place, decimals=2),
        candidates.read_figure("weakest_jaccard", where=place, decimals=2),
        candidates.read_figure("explained_share", where=place, kind="share", decimals=0),
    ]
    further = {
        "spend": candidates.read_figure(
            "explained_spend_share", where=place, kind="share", decimals=0
        ),
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


def _state_evidence(candidates: Published, row: pd.Series) -> list[Finding]:
    """Say what speaks for groups and what against: the null, and the valleys between segments."""
    place = place_candidate(row)
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


def _state_nesting(candidates: Published, row: pd.Series) -> list[Finding]:
    """Say of groups that lie inside fewer groups that they do."""
    outer = candidates.read_figure("outer_count", where=place_candidate(row), kind="count")
    if not outer.value or not row["beyond_null"] > 0:
        return []
    count = candidates.read_figure("segment_count", where=place_candidate(row), kind="count")
    return [write_finding("choice.evidence.nested", [count, outer])]


def _state_recommended(choice: SchemeChoice, candidates: Published) -> Finding:
    """Say which scheme the plan overruled."""
    place = {"scheme": choice.recommended_scheme, "segment_count": choice.recommended_count}
    passes = candidates.read_figure("passes", where=place).value
    sentence = "asked_against_recommended" if passes else "asked_against_nearest"
    words = {
        "scheme": name_column(choice.scheme),
        "recommended": name_column(choice.recommended_scheme),
    }
    count = count_segments(candidates, place)
    return write_finding(f"choice.reasons.{sentence}", [count], words=words)


def _state_other(
    candidates: Published, row: pd.Series, chosen: pd.Series, limits: Published
) -> Finding:
    """Say why another candidate than the chosen one is not used."""
    count = count_segments(candidates, place_candidate(row))
    words = {"scheme": name_column(row["scheme"])}
    if not row["passes"]:
        faults = state_faults(candidates, row, limits)
        return _join_parts("choice.reasons.refused", "faults", faults, figures=[count], words=words)
    explains = _state_explained(candidates, row, chosen)
    further = int(row["segment_count"] - chosen["segment_count"])
    if row["scheme"] != chosen["scheme"] or further < 0:
        return _join_parts(
            "choice.reasons.also", "explains", [explains], figures=[count], words=words
        )
    objection = state_objection(
        find_objection(chosen, row), candidates, place_candidate(row), limits=limits, named=row
    )
    words["objection"] = objection.text
    sentence = "further_one" if further == 1 else "further_more"
    return _join_parts(
        f"choice.reasons.{sentence}",
        "explains",
        [explains],
        figures=[count, *objection.figures],
        words=words,
    )


def _state_explained(candidates: Published, row: pd.Series, chosen: pd.Series) -> Finding:
    """Say how much more or less a candidate explains than the chosen one."""
    stability = candidates.read_figure("stability", where=place_candidate(row), decimals=2)
    gained = candidates.read_figure(
        "explained_share",
        where=place_candidate(row),
        minus=candidates.locate("explained_share", where=place_candidate(chosen)),
        kind="gap",
        name="gained",
    )
    if not count_points(gained.value):
        return write_finding("choice.explains.as_much", [gained, stability])
    words = {"more": "more" if gained.value > 0 else "less"}
    return write_finding("choice.explains.differs", [gained, stability], words=words)


def lay_out_steps(steps: Published, limits: Published) -> Published:
    """Return the published steps with ``why_not`` in words, for `show_table`."""
    why_not = []
    for row in steps.frame.to_dict("records"):
        text = ""
        if row["objection"]:
            code = row["objection"]
            text = state_objection(code, steps, place_candidate(row), limits=limits, named=row).text
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
