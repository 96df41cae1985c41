"""By which channels segments are reached, where they order, and how they answer there."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.action.channels import MAY_CONTACT, NOT_ASKED, ORDERED
from segkit.core.findings import Finding
from segkit.core.measures import COUNT, FIGURE
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.differences import CHANCE, HOLDS
from segkit.report.shared import charts
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

COUNTED = ("share", "base_share", "index", "difference", "adjusted_p_value")
DIFFERENCE = {
    "share": Column("Share", "share"),
    "interval": Column("Interval", "share", interval=("share_low", "share_high")),
    "base_share": Column("Of all", "share"),
    "index": Column("Index, all = 100", "integer"),
    "difference": Column("Above others, points", "points"),
    "difference_interval": Column(
        "Interval", "points", interval=("difference_low", "difference_high")
    ),
    "evidence": Column("Evidence"),
}
CHANNELS = View(
    Shape(
        "channels",
        within=("what", "channel"),
        by=("segment_name", "answer"),
        wholes=("segment_count",),
        shown=("is_sent",),
        measures=dict.fromkeys(COUNTED, COUNT),
    ),
    {
        "segment_name": Column(),
        "channel": Column("Channel"),
        "answer": Column("What"),
        "customer_count": Column("Customers", "integer"),
        **DIFFERENCE,
        NOTE: Column(),
    },
)
ANSWERS = View(
    Shape(
        "channel_answers",
        within=("answer", "channel"),
        by=("segment_name",),
        wholes=("segment_count",),
        measures={"delivered_count": FIGURE},
    ),
    {
        "segment_name": Column(),
        "channel": Column("Channel"),
        "answer": Column("What"),
        "customer_count": Column("Customers", "integer"),
        "delivered_count": Column("Delivered", "integer"),
        **DIFFERENCE,
        NOTE: Column(),
    },
)
MOST_TOLD = 2  # channels of each kind of answer
TOLD = {MAY_CONTACT: "reach", NOT_ASKED: "reach_not_asked", ORDERED: "orders"}


def keep_telling(table: Published) -> Published:
    """Return the rows that say something of a channel, with how sure their differences are.

    Those that are left out are what remains of a segment: not reached, or no order there.
    """
    frame = table.frame
    if frame.empty:
        return table
    if "what" in frame:
        frame = frame[frame["answer"].isin(TOLD)]
    sure = frame["set_apart"].astype("boolean").fillna(False).to_numpy(bool)
    known = frame["adjusted_p_value"].notna().to_numpy()
    rows = frame.assign(evidence=np.select([sure, known], [HOLDS, CHANCE], ""))
    order = ["segment_name", "channel", "answer"]
    return reshape_published(table, rows.sort_values(order, ignore_index=True), table.view)


def keep_contacts(channels: Published) -> Published:
    """Return the rows of those who may be contacted, or are reached where nobody was asked."""
    frame = channels.frame
    return channels.keep(frame["answer"].isin([MAY_CONTACT, NOT_ASKED])) if len(frame) else channels


def name_contacts(contacts: Published) -> str:
    """Return what a picture of `keep_contacts` shows: who may be contacted, or is reached."""
    if _is_asked(contacts.frame):
        return "Share of each segment that may be contacted, by channel."
    return "Share of each segment that is reached, by channel; consent is not recorded."


def _is_asked(rows: pd.DataFrame) -> bool:
    return "answer" not in rows or not rows["answer"].eq(NOT_ASKED).any()


def plot_channels(contacts, *, title: str = "") -> Axes:
    """Draw which share of each segment may be contacted by each channel.

    How to read it: the darker a cell, the more of the segment can be met there. A dash is a cell
    of too few customers to be shown.
    The table has a row a segment and channel: ``segment_name``, ``channel``, ``share``; where its
    ``answer`` says that consent is not recorded, the title says it too.
    """
    rows = contacts.frame if isinstance(contacts, Published) else contacts
    asked = "Who may be contacted, by channel"
    told = asked if _is_asked(rows) else "Who is reached, by channel; consent not recorded"
    return charts.plot_cells(
        contacts,
        row="segment_name",
        column="channel",
        value="share",
        kind="share",
        value_name="share of the segment's customers",
        title=title or told,
    )


def state_channels(channels: Published, answers: Published) -> list[Finding]:
    """Say which segments stand out most in a channel, and what is no evidence of an effect."""
    if channels.empty:
        return [explain_absence(channels)]
    told = _state_rows(channels)
    told += [explain_absence(answers)] if answers.empty else _state_rows(answers)
    if not any(finding.figures for finding in told):
        told.append(write_finding("channels.channels.alike"))
    return [*told, write_finding("channels.channels.levels")]


def _state_rows(table: Published) -> list[Finding]:
    """Say of each kind of answer where segments lie furthest above others, beyond chance."""
    known = ["share", "share_low", "difference", "difference_low"]
    frame = table.frame.dropna(subset=known)
    apart = frame["set_apart"].astype("boolean").fillna(False).astype(bool)
    above = frame[apart & (frame["difference"].astype(float) > 0)]
    if "what" in above:
        above = above[above["answer"].isin(TOLD)]
    above = above.sort_values("difference", ascending=False, kind="stable")
    first = above.drop_duplicates(["answer", "channel"]).groupby("answer", sort=True)
    first = first.head(MOST_TOLD).sort_values(["answer", "channel"])
    read = table.keep(first)  # few rows, which are read quickly
    return [_state_row(read, row) for row in first.to_dict("records")]


def _state_row(table: Published, row: dict) -> Finding:
    where = {name: row[name] for name in ("segment_name", "channel", "answer")}
    ends = ("difference_low", "difference_high")
    read = [
        table.read_figure("share", where=where, kind="share", interval=("share_low", "share_high")),
        table.read_figure("base_share", where=where, kind="share"),
        table.read_figure("difference", where=where, kind="points", interval=ends),
    ]
    kind = TOLD.get(row["answer"], "answers")
    counted = "customer_count" if kind == "answers" else "segment_count"
    count = table.read_figure(counted, where=where, kind="count", name="count")
    return write_finding(f"channels.channels.{kind}", [*read, count], count=count, words=where)
