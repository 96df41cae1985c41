"""Which answers go with an overall one, such as satisfaction."""

from __future__ import annotations

from segkit.core.findings import Finding
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import Column, View

MOST_TOLD = 3
ASSOCIATIONS = View(
    Shape("associations", by=("question",), adds_up=False),
    {
        "question": Column("Question"),
        "customer_count": Column("Answered both", "integer"),
        "correlation": Column("Correlation", "number"),
        "interval": Column(kind="number", interval=("low", "high")),
        NOTE: Column(),
    },
)


def lay_out_associations(associations: Published, *, question: str) -> list[Exhibit]:
    """Return the table of answers that go with one, and what it says; else one line."""
    if associations.empty:
        return [Exhibit(thing=[explain_absence(associations)])]
    caption = f"How far other answers go with “{question}”, with intervals"
    told = state_associations(associations, question=question)
    return [Exhibit(thing=associations, caption=caption, folded=True), Exhibit(thing=told)]


def state_associations(associations: Published, *, question: str) -> list[Finding]:
    """Say which answers go with one: the three that do most, either way."""
    if associations.empty:
        return [explain_absence(associations)]
    frame = associations.frame.dropna(subset=["correlation"])
    related = frame[frame["is_related"].fillna(False).astype(bool)]
    if related.empty:
        hidden = explain_silence(associations) if frame.empty else None
        none = write_finding("associations.answers.none", words={"overall": question})
        return [hidden or none]
    size = related["correlation"].astype(float).abs()
    order = size.sort_values(ascending=False, kind="stable").index[:MOST_TOLD]
    return [_state_answer(associations, related.at[row, "question"], question) for row in order]


def _state_answer(associations: Published, name: str, question: str) -> Finding:
    place = {"question": name}
    value = associations.read_figure(
        "correlation", where=place, decimals=2, interval=("low", "high")
    )
    count = associations.read_figure("customer_count", where=place, kind="count")
    words = {"question": name, "overall": question}
    return write_finding("associations.answers.related", [value, count], count=count, words=words)
