"""The deliverables that the plan promises, ticked from what the run produced."""

from __future__ import annotations

from segkit.core.findings import Finding
from segkit.core.privacy import Published, Shape
from segkit.evidence.deliverables import FOR_THE_ANALYST, NOT_PRODUCED, PRODUCED
from segkit.report import STEPS
from segkit.report.shared.sentences import write_finding
from segkit.report.shared.views import Column, View, reshape_published

DELIVERABLES = View(
    Shape("deliverables", population="plan", by=("deliverable",)),
    {
        "deliverable": Column("Deliverable"),
        "shows": Column("Shown by"),
        "produced": Column("Produced"),
        "page": Column("Page"),
        "place": Column("Under"),
        "reason": Column("Why not"),
    },
)


def name_pages(ticked: Published) -> Published:
    """Name the page of each deliverable that was produced."""
    pages = ticked.frame["step"].map(STEPS).fillna("")
    return reshape_published(ticked, ticked.frame.assign(page=pages), DELIVERABLES)


def state_deliverables(ticked: Published) -> list[Finding]:
    """Say how many deliverables were produced, which were not and why, and which are left."""

    def count(what: str, name: str) -> object:
        return ticked.read_figure(
            "deliverable", where={"produced": what}, how="rows", kind="count", name=name
        )

    every = ticked.read_figure("deliverable", how="rows", name="promised_count")
    read = [count(PRODUCED, "produced_count"), count(FOR_THE_ANALYST, "open_count"), every]
    told = [write_finding("deliverables.ticked.counts", read)]
    rows = ticked.frame[ticked.frame["produced"] == NOT_PRODUCED].to_dict("records")
    for row in rows:
        words = {"deliverable": row["deliverable"], "reason": row["reason"]}
        told.append(write_finding("deliverables.ticked.missing", words=words))
    return told
