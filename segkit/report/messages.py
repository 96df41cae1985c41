"""Which messages fit each segment, what selected each, and how large a test of it is."""

from __future__ import annotations

import pandas as pd

from segkit.core.findings import Figure, Finding
from segkit.core.measures import FIGURE
from segkit.core.privacy import NOTE, Published, Shape
from segkit.features.own_features import describe_feature
from segkit.features.wording import Labels, capitalise, name_feature
from segkit.report.shared.numbers import format_number, format_share, join_words, plural
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

SHARES = ("share",)  # units that are written in percent
EVIDENCE = View(
    Shape(
        "message_evidence",
        within=("message", "name"),
        by=("segment_name",),
        wholes=("segment_count",),
        adds_up=False,
        measures={"feature": "label", "level": "label"},
    ),
    {
        "segment_name": Column(),
        "message": Column("Message"),
        "what": Column("What is known"),
        "value_text": Column("In the segment"),
        "base_text": Column("Of all"),
        "index": Column("Index, all = 100", "integer"),
        "effect_size": Column("Effect size", "number"),
        "customer_count": Column("Customers", "integer"),
        NOTE: Column(),
    },
)
MESSAGES = View(
    Shape(
        "messages_proposed",
        within=("message",),
        by=("segment_name",),
        wholes=("segment_count",),
        adds_up=False,
        shown=("place",),
        measures={"needed_count": FIGURE, "arm_count": FIGURE},
    ),
    {
        "segment_name": Column(),
        "message_words": Column("Message"),
        "goal": Column("Goal"),
        "benefit": Column("Benefit"),
        "tone": Column("Tone"),
        "offer": Column("Offer"),
        "channel": Column("Channel"),
        "text": Column("A"),
        "other_text": Column("B"),
        "differs_in": Column("They differ in"),
        "contact_count": Column("May be contacted there", "integer", always=True),
        "arm_count": Column("Each variant", "integer", always=True),
        "seen_difference": Column("A test sees, points", "points", always=True),
        "needed_count": Column("Needed for the plan's effect", "integer"),
        NOTE: Column(),
    },
)
TEXT_COLUMNS = (
    *("segment_name", "message_words", "goal", "offer", "text", "other_text", "differs_in", NOTE),
)
TEST_COLUMNS = (
    *("segment_name", "message_words", "benefit", "tone", "channel", "contact_count"),
    *("arm_count", "seen_difference", "needed_count", NOTE),
)


def name_messages(messages: Published) -> Published:
    """Return the messages with their names as words, segment by segment in their order."""
    if messages.empty:
        return messages
    words = messages.frame["message"].astype(str).str.replace("_", " ")
    return reshape_published(messages, messages.frame.assign(message_words=words), messages.view)


def list_evidence(evidence: Published, *, labels: Labels | None = None) -> Published:
    """Return the figures that selected each message, written as words."""
    if evidence.empty:
        return evidence
    rows = evidence.frame
    names = [name_feature(name, labels) for name in rows["feature"]]
    levels = rows["level"].astype(object).where(rows["level"].notna(), "")
    what = [
        capitalise(f"{name}: {level}" if level else name)
        for name, level in zip(names, levels, strict=True)
    ]
    written = {
        f"{column.removesuffix('_value') if column == 'base_value' else column}_text": [
            _write(value, feature, bool(level))
            for value, feature, level in zip(rows[column], rows["feature"], levels, strict=True)
        ]
        for column in ("value", "base_value")
    }
    frame = rows.assign(what=what, **written)
    frame["message"] = frame["message"].astype(str).str.replace("_", " ")
    return reshape_published(evidence, frame, evidence.view)


def _write(value: object, feature: str, is_share: bool) -> str:
    if pd.isna(value):
        return "–"
    number = float(value)  # type: ignore[arg-type]
    if is_share or describe_feature(feature).unit in SHARES:
        return format_share(number)
    return format_number(number, 0 if abs(number) >= 100 else 2)


def state_messages(
    messages: Published,
    evidence: Published,
    *,
    decisions: Published | None = None,
    labels: Labels | None = None,
) -> list[Finding]:
    """Say of each segment which message has most evidence, on what it rests, and what a test sees.

    Where of no segment it is known how many may be contacted, that is said once.

    Parameters
    ----------
    messages, evidence : Published
        What `propose_messages` returned, published by :data:`MESSAGES` and :data:`EVIDENCE`.
    decisions : Published, optional
        The segments that messages were sought for: of those without one it is said.
    labels : mapping, optional
        The plan's words for features.
    """
    if messages.empty:
        return [explain_absence(messages)]
    told = []
    shown = messages.frame.dropna(subset=["customer_count"])
    is_test_known = shown["contact_count"].notna().any()
    for _segment, own in shown.groupby("segment_name", sort=False):
        first = own[own["place"] == own["place"].min()].iloc[0]
        told.append(_state_first(evidence, first, plural(len(own), "message"), labels))
        if is_test_known:
            told.append(_state_test(messages, first))
    if decisions is not None:
        told += _state_without(messages, decisions)
    if len(shown) and not is_test_known:
        told.append(write_finding("messages.proposed.no_tests"))
    return told


def _state_without(messages: Published, decisions: Published) -> list[Finding]:
    """Name the segments for which no message fits, of those that may be seen."""
    seen = decisions.frame.dropna(subset=["customer_count"])["segment_name"]
    names = [name for name in seen if name not in set(messages.frame["segment_name"])]
    if not names:
        return []
    words = {"segments": join_words([f"“{name}”" for name in names])}
    return [write_finding("messages.proposed.none", words=words)]


def _state_first(
    evidence: Published, row: pd.Series, count_words: str, labels: Labels | None
) -> Finding:
    where = {"segment_name": row["segment_name"], "message": row["message"]}
    frame = evidence.frame
    own = frame[
        (frame["segment_name"] == row["segment_name"]) & (frame["message"] == row["message"])
    ]
    own = own.dropna(subset=["value", "base_value"])
    read: list[Figure] = []
    parts = []
    for place in own.to_dict("records"):
        at = where | {"name": place["name"]}
        is_level = isinstance(place["level"], str) and place["level"] != ""
        is_share = is_level or describe_feature(place["feature"]).unit in SHARES
        written = _choose_kind(place["feature"], place["value"], is_share=is_share)
        value = evidence.read_figure("value", where=at, name="value", **written)
        base = evidence.read_figure("base_value", where=at, name="base", **written)
        count = evidence.read_figure("customer_count", where=at, kind="count", name="known")
        name = name_feature(place["feature"], labels)
        words = {"what": f"{name} “{place['level']}”" if is_level else name}
        kind = "level" if is_level else "mean"
        part = write_finding(f"messages.evidence.{kind}", [value, base, count], words=words)
        parts.append(part.text)
        read += [value, base, count]
    words = {
        "segment_name": row["segment_name"],
        "messages": count_words,
        "message": str(row["message"]).replace("_", " "),
        "goal": row["goal"],
        "evidence": join_words(parts),
    }
    kind = "first" if parts else "first_without"
    return write_finding(
        f"messages.proposed.{kind}", read, count=int(row["customer_count"]), words=words
    )


def _choose_kind(feature: str, value: float, *, is_share: bool) -> dict[str, object]:
    """Return how a figure is written: a share, money, or a number."""
    if is_share:
        return {"kind": "share"}
    if describe_feature(feature).unit == "currency":
        return {"kind": "money"}
    return {"decimals": 0 if abs(value) >= 100 else 2}


def _state_test(messages: Published, row: pd.Series) -> Finding:
    """Say how large a test of the message's two variants is, as far as that is known."""
    where = {"segment_name": row["segment_name"], "message": row["message"]}
    words = {"segment_name": row["segment_name"], "channel": row["channel"]}
    words |= {"differs_in": row["differs_in"]}
    if pd.isna(row["contact_count"]) or pd.isna(row["channel"]):
        return write_finding("messages.proposed.no_channel", words=words)
    read = [messages.read_figure("arm_count", where=where, kind="count", unit="customer")]
    if pd.isna(row["answer_share"]):
        return write_finding("messages.proposed.no_answers", read, count=read[0], words=words)
    if pd.isna(row["seen_difference"]):
        return write_finding("messages.proposed.too_few", read, count=read[0], words=words)
    read.append(messages.read_figure("seen_difference", where=where, kind="points"))
    kind = "test"
    if pd.notna(row["needed_count"]):
        read.append(messages.read_figure("needed_count", where=where, kind="count"))
        kind = "test_enough" if bool(row["is_enough"]) else "test_small"
    return write_finding(f"messages.proposed.{kind}", read, count=read[0], words=words)
