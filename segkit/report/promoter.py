"""Would customers recommend us, and what speaks for buying or against it."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import NOTE, Published, Shape
from segkit.evidence.experience.promoter import EVERYBODY, SEGMENTS
from segkit.report.shared import charts
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import Column, View

MOST_TOLD = 3
MOST_REASONS = 3
GROUPS = View(
    Shape(
        "promoter_groups",
        by=("segment_name", "answer_group"),
        within=("whom",),
        wholes=("answered_count",),
        measures={"share": COUNT},
        rests={"refused_count": "refused_count"},
    ),
    {
        "segment_name": Column("Segment"),
        "answer_group": Column("Answer"),
        "customer_count": Column("Customers", "integer"),
        "answered_count": Column("Answered", "integer"),
        "share": Column("Share", "share"),
        NOTE: Column(),
    },
)
GROUP_SHARES = ("promoter_share", "passive_share", "detractor_share")
# Made of counts that are shown.
SCORES = View(
    Shape(
        "promoter_scores",
        by=("segment_name",),
        within=("whom",),
        adds_up=False,
        measures=dict.fromkeys((*GROUP_SHARES, "score", "low", "high", "other_score"), COUNT),
    ),
    {
        "segment_name": Column("Segment"),
        "customer_count": Column("Answered", "integer"),
        "promoter_share": Column("Promoters, 9 to 10", "share"),
        "passive_share": Column("Passives, 7 to 8", "share"),
        "detractor_share": Column("Detractors, 0 to 6", "share"),
        "score": Column("Net promoter score", "integer"),
        "interval": Column(kind="integer", interval=("low", "high")),
        "other_score": Column("Score of all others", "integer"),
        NOTE: Column(),
    },
)
REASONS = View(
    Shape(
        "reasons",
        by=("segment_name", "reason"),
        within=("question", "whom"),
        wholes=("answered_count",),
        repeats=True,
        shown=("about",),
        measures=dict.fromkeys(("share", "low", "high", "other_share"), COUNT),
    ),
    {
        "question": Column("Question"),
        "segment_name": Column("Segment"),
        "reason": Column("Reason"),
        "customer_count": Column("Named it", "integer"),
        "answered_count": Column("Answered", "integer"),
        "share": Column("Share", "share"),
        "interval": Column(kind="share", interval=("low", "high")),
        "other_share": Column("Share among all others", "share"),
        NOTE: Column(),
    },
)


def lay_out_scores(groups: Published, scores: Published) -> list[Exhibit]:
    """Return what is shown of the score; without answers the one line that says so."""
    if groups.empty:
        return [Exhibit(thing=[explain_absence(groups)])]
    told = Exhibit(thing=state_scores(groups, scores))
    if scores.empty:
        return [told]
    caption = "Shares of who answered, and the net promoter score with its interval"
    return [Exhibit(thing=scores, caption=caption), told]


def state_scores(groups: Published, scores: Published) -> list[Finding]:
    """Say the score of all, which segments stand apart, and how many answers were refused."""
    if groups.empty or scores.empty:
        return [explain_absence(groups if groups.empty else scores)]
    frame = scores.frame.dropna(subset=["score"])
    own = frame[frame["whom"] == SEGMENTS]
    told = [_state_whole(scores)] if (frame["whom"] == EVERYBODY).any() else []
    different = own[own["is_different"].fillna(False).astype(bool)]
    order = different["corrected_p_value"].astype(float).sort_values(kind="stable").index
    told += [_state_segment(scores, own.loc[row, "segment_name"]) for row in order[:MOST_TOLD]]
    if different.empty and len(own) > 1:
        told.append(write_finding("promoter.scores.alike"))
    whole = groups.frame[groups.frame["whom"] == EVERYBODY]
    if whole["refused_count"].fillna(0).gt(0).all():
        place = {"whom": EVERYBODY, "answer_group": "promoters"}
        refused = groups.read_figure("refused_count", where=place, kind="count", unit="customer")
        told.append(write_finding("promoter.scores.refused", [refused], count=refused))
    return [*told, write_finding("promoter.scores.crude")]


def _state_whole(scores: Published) -> Finding:
    place = {"whom": EVERYBODY}
    score = scores.read_figure("score", where=place, decimals=0, interval=("low", "high"))
    count = scores.read_figure("customer_count", where=place, kind="count")
    shares = [
        scores.read_figure(name, where=place, kind="share")
        for name in ("promoter_share", "detractor_share")
    ]
    return write_finding("promoter.scores.whole", [score, *shares, count], count=count)


def _state_segment(scores: Published, segment: str) -> Finding:
    place = {"whom": SEGMENTS, "segment_name": segment}
    score = scores.read_figure("score", where=place, decimals=0, interval=("low", "high"))
    other = scores.read_figure("other_score", where=place, decimals=0)
    count = scores.read_figure("customer_count", where=place, kind="count")
    words = {"segment": segment}
    return write_finding("promoter.scores.segment", [score, other, count], count=count, words=words)


def plot_reasons(reasons, *, title: str = "Reasons by segment") -> Axes:
    """Draw the share of each segment that names a reason.

    How to read it: compare cells within a row. Who names several reasons counts in each.
    The table has a row a reason and segment: ``reason``, ``segment_name`` and ``share``.
    """
    return charts.plot_cells(
        reasons, row="reason", column="segment_name", value="share", kind="share", title=title
    )


def lay_out_reasons(reasons: Published) -> list[Exhibit]:
    """Return a table of each question on reasons, a chart of the first, and what they say."""
    if reasons.empty:
        return [Exhibit(thing=[explain_absence(reasons)])]
    shown = []
    for question in reasons.frame["question"].unique():
        own = reasons.keep(reasons.frame["question"] == question)
        by_segment = own.keep((own.frame["whom"] == SEGMENTS) & own.frame["share"].notna())
        if not by_segment.empty and not shown:
            caption = f"“{question}”: share of each segment's answers that name a reason."
            shown.append(Exhibit(thing=plot_reasons(by_segment), caption=caption))
        caption = f"“{question}”: reasons, with intervals"
        columns = [name for name in REASONS.columns if name != "question"]
        shown.append(Exhibit(thing=own, caption=caption, columns=columns, max_rows=60, folded=True))
    return [*shown, Exhibit(thing=state_reasons(reasons))]


def state_reasons(reasons: Published) -> list[Finding]:
    """Say of each question which reasons are named, and which segments name one unlike others."""
    if reasons.empty:
        return [explain_absence(reasons)]
    frame = reasons.frame.dropna(subset=["share"])
    if frame.empty:
        return [hidden] if (hidden := explain_silence(reasons)) else []
    told = []
    for _question, own in frame.groupby("question", sort=False):
        whole = own[own["whom"] == EVERYBODY]
        order = whole["share"].astype(float).sort_values(ascending=False, kind="stable").index
        told += [_state_reason(reasons, "whole", whole.loc[row]) for row in order[:MOST_REASONS]]
        apart = own[(own["whom"] == SEGMENTS) & own["is_different"].fillna(False).astype(bool)]
        order = apart["corrected_p_value"].astype(float).sort_values(kind="stable").index
        told += [_state_reason(reasons, "segment", apart.loc[row]) for row in order[:MOST_TOLD]]
    return told


def _state_reason(reasons: Published, kind: str, row: pd.Series) -> Finding:
    place = {name: row[name] for name in ("question", "whom", "segment_name", "reason")}
    share = reasons.read_figure("share", where=place, kind="share", interval=("low", "high"))
    count = reasons.read_figure("answered_count", where=place, kind="count")
    figures = [share, count]
    if kind == "segment":
        figures.append(reasons.read_figure("other_share", where=place, kind="share"))
    words = {"question": row["question"], "segment": row["segment_name"], "reason": row["reason"]}
    return write_finding(f"promoter.reasons.{kind}", figures, count=count, words=words)
