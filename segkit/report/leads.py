"""What is shown and said of leads: how their score did on later ones, and who is ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.action.lead_reasons import LABELS
from segkit.action.leads import SCORE_COLUMNS, LeadScore
from segkit.core.absence import empty_table
from segkit.core.findings import Condition, Finding
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.shared import figures
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.figures import BLUE, GREY, chart
from segkit.report.shared.numbers import format_share
from segkit.report.shared.sentences import explain_absence, find_sentence, write_finding
from segkit.report.shared.views import Column, View

NOW, AS_IT_WAS, EARLIER = "refreshed", "as it was before", "before, on its own later leads"
LEADS = View(
    Shape(
        "leads",
        by=("kind",),
        repeats=True,
        rests={"ready_count": "ready_count"},
        shown=("reason", "horizon_days"),
    ),
    {
        "kind": Column("Leads"),
        "customer_count": Column("Today", "integer"),
        "ready_count": Column("Ready for a call", "integer"),
        "reason": Column("Why nobody is scored"),
        NOTE: Column(),
    },
)
JUDGED = View(
    Shape("lead_scores_judged", by=("kind", "score"), repeats=True, shown=("learned_until",)),
    {
        "kind": Column("Leads"),
        "score": Column("Score"),
        "learned_until": Column("Learned until", "date"),
        "customer_count": Column("Later leads", "integer"),
        "mean_chance": Column("Foretold", "share"),
        "event_share": Column("Came", "share"),
        "event_interval": Column("Interval", "share", interval=("event_low", "event_high")),
        "auc": Column("Ranked rightly (AUC)", "number"),
        "auc_interval": Column("Interval", "number", interval=("auc_low", "auc_high")),
        "brier": Column("Squared error (Brier)", "number"),
        "base_brier": Column("Of the share before", "number"),
        "intercept": Column("Calibration, intercept", "number"),
        "slope": Column("Slope", "number"),
        "slope_interval": Column("Interval", "number", interval=("slope_low", "slope_high")),
        NOTE: Column(),
    },
)
GROUPS = View(
    Shape("lead_reliability", within=("kind",), by=("group",)),
    {
        "kind": Column("Leads"),
        "group": Column("Fifth by chance", "integer"),
        "customer_count": Column("Later leads", "integer"),
        "mean_chance": Column("Foretold", "share"),
        "event_share": Column("Came", "share"),
        "event_interval": Column("Interval", "share", interval=("event_low", "event_high")),
        NOTE: Column(),
    },
)
POINTS = View(
    Shape(
        "lead_points",
        by=("kind", "characteristic", "level"),
        count="learned_count",
        adds_up=False,
        shown=("against",),
    ),
    {
        "kind": Column("Leads"),
        "characteristic": Column("Characteristic"),
        "level": Column("Level"),
        "against": Column("Against"),
        "odds_ratio": Column("Times the odds", "number"),
        "odds_interval": Column("Interval", "number", interval=("odds_low", "odds_high")),
        "learned_count": Column("Leads learned from", "integer"),
        NOTE: Column(),
    },
)
ONE_SD = "one standard deviation more"


@dataclass(frozen=True)
class Tables:
    """The published tables of leads, in the order of `list_tables`."""

    leads: Published
    judged: Published
    groups: Published
    points: Published


def name_kind(kind: str) -> str:
    """Return the words for a kind of leads."""
    return find_sentence(f"leads.kinds.{kind}")


def list_tables(leads: Sequence[LeadScore]) -> list[tuple[pd.DataFrame, View]]:
    """Return the tables of leads, each with its view, for `ws.publish_each`."""
    rows = [
        {
            "kind": name_kind(one.kind),
            "customer_count": one.lead_count,
            "ready_count": int(one.scores["is_ready"].astype(bool).sum()),
            "reason": one.reason,
            "horizon_days": one.horizon_days,
        }
        for one in leads
    ]
    parts: dict[str, list[pd.DataFrame]] = {"judged": [], "groups": [], "points": []}
    for one in leads:
        kind = name_kind(one.kind)
        if len(one.judged):
            parts["judged"].append(_name_scores(one.judged).assign(kind=kind))
            parts["groups"].append(one.groups.assign(kind=kind))
        if one.model is not None and len(one.scores):
            points = one.model.list_points()
            parts["points"].append(
                points.assign(
                    kind=kind,
                    characteristic=points["feature"].map(LABELS),
                    level=points["level"].replace("", ONE_SD),
                    learned_count=one.learned_count,
                ).drop(columns="feature")
            )
    views = (("judged", JUDGED), ("groups", GROUPS), ("points", POINTS))
    counted = pd.DataFrame(rows)
    if not any(one.lead_count or len(one.judged) for one in leads):
        reasons = " ".join(dict.fromkeys(one.reason for one in leads))
        counted = empty_table(LEADS.shape.by, reasons)
    tables = [(counted, LEADS)]
    for name, view in views:
        found = parts[name]
        table = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
        tables.append((table, view))
    return tables


def _name_scores(judged: pd.DataFrame) -> pd.DataFrame:
    """Name which score each row judges: today's, and the one of a horizon before."""
    is_same = judged["cut_on"] == judged["cut_on"].iloc[0]
    names = np.where(is_same, AS_IT_WAS, EARLIER)
    names[0] = NOW
    table = judged.assign(score=names).drop(columns=["cut_on", "judged_from"])
    return table.assign(learned_until=pd.to_datetime(table["learned_until"]).dt.date)


def name_tables(published: list[Published]) -> Tables:
    """Give the published tables of `list_tables` their names."""
    return Tables(*published)


def join_scores(leads: Sequence[LeadScore]) -> pd.DataFrame:
    """Return today's leads of all kinds with their scores; they are kept, and never shown."""
    scored = [one.scores for one in leads if len(one.scores)]
    return pd.concat(scored, ignore_index=True) if scored else pd.DataFrame(columns=SCORE_COLUMNS)


@chart("group", values=["mean_chance", "event_share", "event_low", "event_high"])
def plot_reliability(
    table: pd.DataFrame,
    *,
    period: str = "",
    title: str = "What was foretold of later leads, and what came",
) -> Axes:
    """Draw the share that came beside the chance that was foretold, in fifths of leads.

    How to read it: a dot is a fifth of the later leads, its line the 95 % interval of what came.
    Dots on the dashed line came as foretold; above it more came, below it less. The table has a row
    a group: ``group``, ``mean_chance``, ``event_share``, ``event_low``, ``event_high``.
    """
    columns = ["mean_chance", "event_share", "event_low", "event_high"]
    rows = table.astype(dict.fromkeys(columns, float)).dropna(subset=columns[:2])
    ax = figures.new_axes(title, height=3.8)
    ax.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (4, 3)), linewidth=1)
    ax.vlines(rows["mean_chance"], rows["event_low"], rows["event_high"], color=BLUE, linewidth=2)
    ax.scatter(rows["mean_chance"], rows["event_share"], s=50, color=BLUE, zorder=3)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_xlabel("chance foretold, 0 to 1")
    figures.name_values(ax, "share that came, 0 to 1", period=period)
    said = [
        f"Fifth {row.group}: {format_share(row.mean_chance)} foretold, "
        f"{format_share(row.event_share)} came"
        for row in rows.itertuples()
    ]
    return figures.describe_chart(ax, title, said)


def lay_out_leads(tables: Tables) -> list[Exhibit]:
    """Return what is shown of leads: the counts, a chart a kind, and the folded tables."""
    if tables.leads.empty:
        return []
    shown = [Exhibit(thing=tables.leads, caption="Leads of today, by what they may become")]
    if tables.judged.empty:
        return shown
    for kind in tables.judged.frame["kind"].unique():
        rows = tables.groups.frame
        own = rows[(rows["kind"] == kind) & rows["event_share"].notna()]
        scored = tables.leads.frame.set_index("kind").loc[kind, "reason"] == ""
        if scored and len(own):
            drawn = plot_reliability(tables.groups.keep(own), title=f"{kind}: foretold, and came")
            caption = "Chances that the score gave to later leads, and the share that came of them."
            shown.append(Exhibit(thing=drawn, caption=caption))
    for table, caption in (
        (tables.judged, "How the score did on later leads, and before it was refreshed"),
        (tables.groups, "What was foretold and what came, in fifths of later leads"),
        (tables.points, "What raises or lowers the odds of success, all else alike"),
    ):
        if not table.empty:
            shown.append(Exhibit(thing=table, caption=caption, folded=True, max_rows=40))
    return shown


def state_leads(tables: Tables, leads: Sequence[LeadScore]) -> list[Finding]:
    """Say of each kind of leads how many there are, how their score did, or why there is none.

    Parameters
    ----------
    tables : Tables
        The published tables.
    leads : sequence of LeadScore
        Of which only the kind, the reason and whether the chances hold are read.
    """
    if tables.leads.empty:
        return [explain_absence(tables.leads)]
    return [finding for one in leads for finding in _state_kind(tables, one)]


def _state_kind(tables: Tables, one: LeadScore) -> list[Finding]:
    kind = name_kind(one.kind)
    where = {"kind": kind}
    count = tables.leads.read_figure("customer_count", where=where, kind="count", unit="customer")
    words = {"kind": kind, "reason": one.reason}
    told = []
    if count.value is not None and not count.value:
        return [write_finding("leads.score.nobody", [count], words=words)]
    if one.reason and count.value is not None:
        told.append(write_finding("leads.score.refused", [count], count=count, words=words))
    if not tables.judged.empty:
        told += _state_judged(tables.judged, one, kind)
    if one.reason or count.value is None:
        return told
    ready = tables.leads.read_figure("ready_count", where=where, kind="count")
    if ready.value is not None:
        told.insert(0, write_finding("leads.score.ready", [count, ready], count=count, words=words))
    return told + _state_points(tables.points, kind)


def _state_judged(judged: Published, one: LeadScore, kind: str) -> list[Finding]:
    """Say how the score ranked later leads, whether its chances hold, and how it was before."""
    words = {"kind": kind, "horizon": one.horizon_days}
    words["success"] = find_sentence(f"leads.success.{one.kind}")
    rows = judged.frame[(judged.frame["kind"] == kind) & judged.frame["auc_low"].notna()]
    told = []
    names = {NOW: "ranked", AS_IT_WAS: "stale", EARLIER: "earlier"}
    for score in rows["score"]:
        if one.reason and score != NOW:
            continue
        where = {"kind": kind, "score": score}
        count = judged.read_figure("customer_count", where=where, kind="count")
        ends = ("auc_low", "auc_high")
        auc = judged.read_figure("auc", where=where, decimals=2, interval=ends)
        told.append(
            write_finding(f"leads.score.{names[score]}", [auc, count], count=count, words=words)
        )
        if score == NOW:
            told += _state_chances(judged, where, one, words)
    return told


def _state_chances(judged: Published, where: dict, one: LeadScore, words: dict) -> list[Finding]:
    if one.reason:
        return []
    came = judged.read_figure(
        "event_share", where=where, kind="share", interval=("event_low", "event_high")
    )
    found = [
        judged.read_figure("mean_chance", where=where, kind="share"),
        came,
        judged.read_figure("customer_count", where=where, kind="count"),
    ]
    brier = [
        judged.read_figure("brier", where=where, decimals=3),
        judged.read_figure("base_brier", where=where, decimals=3),
    ]
    name = "holds" if one.is_calibrated else "shifted"
    return [
        write_finding(f"leads.score.{name}", found, count=found[-1], words=words),
        write_finding("leads.score.brier", brier, count=found[-1], words=words),
    ]


def _state_points(points: Published, kind: str) -> list[Finding]:
    """Say which characteristics raise or lower the odds beyond chance, the two strongest."""
    if points.empty:
        return []
    rows = points.frame[points.frame["kind"] == kind].dropna(subset=["odds_low", "odds_high"])
    rows = rows[(rows["odds_low"] > 1) | (rows["odds_high"] < 1)].head(2)
    told = []
    for row in rows.to_dict("records"):
        where = [Condition(n, "==", row[n]) for n in ("kind", "characteristic", "level")]
        ends = ("odds_low", "odds_high")
        odds = points.read_figure("odds_ratio", where=where, decimals=2, interval=ends)
        count = points.read_figure("learned_count", where=where, kind="count")
        words = {"kind": kind, "characteristic": row["characteristic"]}
        words["level"] = f", {row['level']},"
        if row["level"] != ONE_SD:
            words["level"] = f": “{row['level']}” rather than “{row['against']}”"
        told.append(write_finding("leads.score.point", [odds, count], count=count, words=words))
    return told
