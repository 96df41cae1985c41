"""The page for stakeholders: each segment, what to do next, how it is measured, what is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from segkit.action.next_steps import MESSAGE, PLAY
from segkit.core.findings import ABSENCE, Finding
from segkit.core.privacy import Published
from segkit.report.decisions import name_measure
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import write_finding
from segkit.report.shared.views import Column, View, reshape_published

STEPS_COLUMNS = {
    "segment_name": Column("Segment"),
    "customer_count": Column("Customers", "integer"),
    "customer_share": Column("Share of customers", "share"),
    "spend_share": Column("Share of net spend", "share"),
    "next": Column("Next", "text"),
    "measured": Column("How it is measured", "text"),
    "unknown": Column("Not known", "text"),
}


@dataclass(frozen=True)
class Known:
    """The published tables that next steps are read from.

    ``sizes`` of segments, ``parts`` (customers by first play), ``messages`` proposed with their
    words, and ``decisions`` (the one matrix that decides).
    """

    sizes: Published
    parts: Published
    messages: Published
    decisions: Published


def state_next_steps(steps: pd.DataFrame, known: Known) -> dict[str, Finding]:
    """Say for each segment what to do next, by the segment's name.

    ``steps`` is that of `segkit.action.next_steps.choose_next_steps`.
    """
    return {row["segment_name"]: _tell_step(row, known) for _, row in steps.iterrows()}


def state_measuring(steps: pd.DataFrame, known: Known) -> dict[str, Finding]:
    """Say for each segment how what is done next is measured, by the segment's name."""
    return {name: _tell_test(name, known) for name in steps["segment_name"]}


def lay_out_next_steps(
    next_steps: Mapping[str, Finding], measuring: Mapping[str, Finding], known: Known
) -> Published:
    """Return the segments on one page: size and worth, what next, how measured, what is unknown."""
    frame = known.sizes.frame
    names = frame["segment_name"]
    words = _map_unknown(known.decisions)
    told = frame.filter(list(STEPS_COLUMNS)).assign(
        next=[_read(next_steps, name) for name in names],
        measured=[_read(measuring, name) for name in names],
        unknown=[words.get(name, "") for name in names],
    )
    columns = {name: column for name, column in STEPS_COLUMNS.items() if name in told}
    return reshape_published(known.sizes, told[list(columns)], View(known.sizes.shape, columns))


def list_unknown(known: Known, campaigns: Sequence[Finding]) -> list[Finding]:
    """Say what is not known of the segments, and if no campaign measured what an offer adds.

    ``campaigns`` is what the experience data found of campaigns; an absence where there is none.
    """
    findings = []
    if all(finding.kind == ABSENCE for finding in campaigns):
        findings.append(write_finding("next_steps.unknown.no_campaign"))
    measures = _list_unknown(known.decisions)
    if measures:
        words = {"measures": join_words(measures)}
        findings.append(write_finding("next_steps.unknown.measures", words=words))
    return findings


def _tell_step(row: pd.Series, known: Known) -> Finding:
    name = row["segment_name"]
    if row["kind"] == PLAY:
        where = {"segment_name": name, "play": row["play"]}
        count = known.parts.read_figure(
            "customer_count", where=where, kind="count", unit="customer"
        )
        return write_finding("next_steps.told.play", [count], count=count, words=where)
    if row["kind"] == MESSAGE:
        own = known.messages.frame
        own = own[(own["segment_name"] == name) & (own["message"] == row["message"])].iloc[0]
        words = {"segment_name": name, "message": own["message_words"], "goal": own["goal"]}
        figure = known.messages.read_figure(
            "message",
            where={"segment_name": name, "message": row["message"]},
            how="rows",
            kind="count",
            name="message_count",
        )
        return write_finding("next_steps.told.message", [figure], words=words)
    size = known.sizes.frame.set_index("segment_name").loc[name, "customer_count"]
    kind = "hidden" if pd.isna(size) else "nothing"
    where = {"segment_name": name}
    figure = known.sizes.read_figure(
        "segment_name", where=where, how="rows", kind="count", name="segment_count"
    )
    return write_finding(f"next_steps.told.{kind}", [figure], words=where)


def _tell_test(name: str, known: Known) -> Finding:
    """Say how large a control group is and what it shows; that it is not known, otherwise."""
    frame = known.decisions.frame
    own = frame[frame["segment_name"] == name]
    needed = ["contact_count", "control_count", "detectable_effect"]
    where = {"segment_name": name}
    if own.empty or not set(needed) <= set(own) or own[needed].isna().any(axis=None):
        return write_finding("next_steps.measure.unknown", words=where)
    read = [
        known.decisions.read_figure("contact_count", where=where, kind="count", unit="customer"),
        known.decisions.read_figure("control_count", where=where, kind="count"),
        known.decisions.read_figure("detectable_effect", where=where, kind="points"),
    ]
    words = where | {"channel": own["channel"].iloc[0], "answer": own["answer"].iloc[0]}
    return write_finding("next_steps.measure.test", read, count=read[0], words=words)


def _map_unknown(decisions: Published) -> dict[str, str]:
    """Return what is not known of each segment, in words."""
    frame = decisions.frame
    if frame.empty or "unknown_words" not in frame:
        return {}
    words = frame["unknown_words"].fillna("").astype(str)
    return dict(zip(frame["segment_name"], words, strict=True))


def _list_unknown(decisions: Published) -> list[str]:
    """Return, in words, each measure that is not known of some segment."""
    frame = decisions.frame
    if frame.empty or "unknown" not in frame:
        return []
    names = ", ".join(frame["unknown"].dropna().astype(str)).split(", ")
    return [name_measure(name) for name in dict.fromkeys(names) if name]


def _read(findings: Mapping[str, Finding], name: str) -> str:
    return findings[name].text if name in findings else ""
