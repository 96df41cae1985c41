"""Who would be on the lists for the mail tool and the CRM, and why the others would not."""

from __future__ import annotations

import pandas as pd

from segkit.action.lists.counting import ListCounts
from segkit.action.lists.sorting import EXPORTED, HELD_OUT, STATES
from segkit.core.absence import EmptyTable
from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import Published, Shape
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

HEADINGS = {
    "without_consent": "Said no",
    "unknown_consent": "Consent not known",
    "suppressed": "On the suppression list",
    "without_address": "No usable address",
    "shared_address": "Address shared with one who said no, or twice",
    "in_other_list": "On another list",
    "resting": "On this list lately",
    HELD_OUT: "Held out",
    EXPORTED: "On the list",
}
LISTS = View(
    Shape(
        "lists_by_segment",
        by=("segment_name", "state"),
        wholes=("segment_count",),
        measures={"share": COUNT},
    )
)
BY_SEGMENT = View(
    LISTS.shape,
    {
        "segment_name": Column(),
        **{state: Column(heading) for state, heading in HEADINGS.items()},
        "list_share": Column("Share on the list", kind="share"),
    },
)
OF_ALL = View(
    Shape("lists_of_all", by=("state",), measures={"share": COUNT}),
    {
        "state": Column("Where customers go"),
        "customer_count": Column("Customers"),
        "share": Column("Share", kind="share", bar=True),
    },
)


def name_states(counts: ListCounts) -> pd.DataFrame:
    """Return the counts of all customers with the states in words, to be published."""
    if isinstance(counts.of_all, EmptyTable):
        return counts.of_all
    return counts.of_all.assign(state=counts.of_all["state"].map(HEADINGS))


def spread_lists(lists: Published) -> Published:
    """Return the published counts by segment with a row a segment."""
    if lists.frame.empty:
        nothing = pd.DataFrame(columns=list(BY_SEGMENT.columns))
        return reshape_published(lists, nothing, BY_SEGMENT)
    wide = lists.frame.pivot(index="segment_name", columns="state", values="customer_count")
    wide = wide.reindex(columns=[state for state in STATES if state in wide.columns])
    shares = lists.frame[lists.frame["state"] == EXPORTED].set_index("segment_name")
    wide["list_share"] = shares["share"].astype(float)
    return reshape_published(lists, wide.reset_index(), BY_SEGMENT)


def state_lists(of_all: Published, counts: ListCounts) -> list[Finding]:
    """Say how many would be on a list, who is left out and why, and how many are held out."""
    seen = of_all.frame.dropna(subset=["customer_count"]) if not of_all.empty else of_all.frame
    if seen.empty:
        return [explain_absence(of_all)]
    told = []
    words = {"layout": counts.layout, "campaign": counts.campaign}
    if (seen["state"] == HEADINGS[EXPORTED]).any():
        told.append(_state(of_all, "lists.of_all.exported", EXPORTED, words))
    for state, reason in STATES.items():
        where = seen["state"] == HEADINGS[state]
        if state not in (EXPORTED, HELD_OUT) and (seen.loc[where, "customer_count"] > 0).any():
            told.append(_state(of_all, "lists.of_all.left_out", state, {"reason": reason}))
    if counts.campaign and (seen["state"] == HEADINGS[HELD_OUT]).any():
        told.append(_state(of_all, "lists.of_all.held_out", HELD_OUT, words))
    elif not counts.campaign:
        told.append(write_finding("lists.of_all.no_control"))
    return told


def _state(of_all: Published, kind: str, state: str, words: dict[str, str]) -> Finding:
    where = {"state": HEADINGS[state]}
    read = [
        of_all.read_figure("customer_count", where=where, kind="count", unit="customer"),
        of_all.read_figure("share", where=where, kind="share"),
    ]
    return write_finding(kind, read, count=read[0], words=words)
