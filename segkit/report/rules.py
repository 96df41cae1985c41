"""The rules of the schemes that are made of rules: whom each takes, and which never match."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from segkit.core.findings import Figure
from segkit.core.privacy import Published, Shape
from segkit.core.shapes import Limit
from segkit.report.shared.sentences import write_finding
from segkit.report.shared.views import Column, View

# Whom a rule takes adds up to all customers of its scheme; what one rule alone hides of those taken
# before or left open, the sums of `lay_out_rules` hide too.
RULES = View(
    Shape(
        "rules",
        by=("rule",),
        within=("scheme", "part"),
        shown=("segment_name", "when", "reads", "condition"),
        sums={"segment_name": {"part": "taken"}},
        # Those taken before, or left open before, were taken by earlier rules.
        limits=(
            Limit("part", ("taken_before", "undecided_before"), "taken"),
            Limit("part", ("went_on",), "taken", earlier=False),
        ),
    )
)
LAID_OUT = {
    "scheme": Column("Scheme"),
    "segment_name": Column("Segment"),
    "when": Column("Condition"),
    "matched_count": Column("Who meet it", "integer"),
    "customer_count": Column("Who are taken", "integer"),
    "customer_share": Column("Share of customers", "share"),
    "unknown_count": Column("Who cannot be decided", "integer"),
    "note": Column("Note"),
}


def lay_out_rules(rules: Published) -> Published:
    """Return the published parts of the rules as a row a rule, for `show_table`.

    A sum in which a part is hidden is hidden. A note says what never matches, who were taken
    before, and who went on for want of a value.
    """
    if rules.empty:
        return rules
    frame = rules.frame
    last = frame.groupby("scheme")["rule"].transform("max")
    heads = frame.assign(is_last=frame["rule"] == last)
    heads = heads.drop_duplicates(["scheme", "rule"])
    rows = [_lay_out_rule(rules, head) for head in heads.to_dict("records")]
    return replace(rules, frame=pd.DataFrame(rows), view=View(rules.shape, LAID_OUT))


def _lay_out_rule(rules: Published, head: dict[str, object]) -> dict[str, object]:
    place = {"scheme": head["scheme"], "rule": int(head["rule"])}
    taken = {**place, "part": "taken"}
    matched = rules.read_figure(
        "customer_count",
        where={**place, "condition": "met"},
        how="sum",
        kind="count",
        name="matched_count",
    )
    unknown = rules.read_figure(
        "customer_count", where={**place, "condition": "undecided"}, how="sum"
    )
    count = rules.read_figure("customer_count", where=taken, kind="count")
    notes = [_note_overlap(rules, head, matched=matched, taken=count), _note_undecided(rules, head)]
    return {
        "scheme": head["scheme"],
        "segment_name": head["segment_name"],
        "when": head["when"],
        "matched_count": matched.value,
        "customer_count": count.value,
        "customer_share": rules.read_figure("customer_share", where=taken).value,
        "unknown_count": unknown.value,
        "note": "; ".join(note for note in notes if note),
    }


def _note_overlap(
    rules: Published, head: dict[str, object], *, matched: Figure, taken: Figure
) -> str:
    """Say that a rule matches nobody, or who had been taken before."""
    if matched.value == 0:
        sentence = "nobody_left" if head["is_last"] else "never"
        return write_finding(f"rules.note.{sentence}").text
    place = {"scheme": head["scheme"], "rule": int(head["rule"]), "part": "taken_before"}
    before = rules.read_figure("customer_count", where=place, kind="count", name="before_count")
    if before.value == 0:
        return ""
    sentence = "shadowed" if taken.value == 0 else "taken_before"
    if before.value is None or matched.value is None:
        return write_finding(f"rules.note.{sentence}_by_some").text
    takers = rules.read_figure("taken_by", where=place, kind="text")
    return write_finding(f"rules.note.{sentence}", [before, matched, takers]).text


def _note_undecided(rules: Published, head: dict[str, object]) -> str:
    """Say how many went on to the next rule for want of a value."""
    place = {"scheme": head["scheme"], "rule": int(head["rule"]), "part": "went_on"}
    count = rules.read_figure("customer_count", where=place, kind="count")
    if count.value == 0:
        return ""
    sentence = "some_went_on" if count.value is None else "went_on"
    return write_finding(f"rules.note.{sentence}", [count], words={"columns": head["reads"]}).text
