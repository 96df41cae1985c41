"""What is shown of plays: who is in them, why, and what such customers brought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.action.plays.book import CALLS, EVERYBODY, PlayBook
from segkit.core.absence import empty_table
from segkit.core.measures import COUNT, count_needed, find_dominated
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.consent import list_answers
from segkit.report.shared import figures
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.figures import BLUE, ORANGE, chart
from segkit.report.shared.numbers import format_money, write_ranges
from segkit.report.shared.sentences import find_sentence
from segkit.report.shared.views import Column, View, reshape_published

MOST_REASONS = 6
OTHER_REASONS = "other reasons"
SMALLEST_REASON = 0.05
NO_PLAYS = "The plan names no play."
MISSING_CAPTION = "Plays without a list, and what they need"
ENDS = ("mean_low", "mean_high")
PLAYS = View(
    Shape(
        "plays",
        by=("play",),
        repeats=True,
        rests=dict.fromkeys(("earlier_count", "mean_value", *ENDS), "earlier_count"),
        shown=("horizon_days",),
    ),
    {
        "play": Column("Play"),
        "customer_count": Column("Customers today", "integer"),
        "contact_count": Column("May be contacted", "integer"),
        "horizon_days": Column("Days ahead", "integer"),
        "mean_value": Column("Brought each", "money"),
        "mean_interval": Column("Interval", "money", interval=ENDS),
        "earlier_count": Column("Customers before", "integer"),
        NOTE: Column(),
    },
)
ANSWERS = View(
    Shape(
        "play_consent",
        within=("play",),
        by=("answer",),
        wholes=("play_count",),
        measures={"share": COUNT},
    )
)
REASONS = View(
    Shape(
        "play_reasons",
        within=("play",),
        by=("reason_kind",),
        wholes=("play_count",),
        measures={"share": COUNT},
    ),
    {
        "play": Column("Play"),
        "reason_kind": Column("Commonest reasons"),
        "customer_count": Column("Customers", "integer"),
        "share": Column("Share of the list", "share"),
        NOTE: Column(),
    },
)
MISSING = View(
    Shape("plays_missing", population="plan", by=("play",)),
    {"play": Column("Play"), "reason": Column("Why there is no list, and what to collect")},
)
CHECK = View(
    Shape(
        "overdue_check",
        adds_up=False,
        measures={"gap_count": COUNT},
        shown=("stated_share", "limit_share"),
    )
)
INDUSTRIES = View(
    Shape(
        "industry_offers",
        by=("industry", "category"),
        count="buyer_count",
        repeats=True,
        wholes=("industry_count",),
    ),
    {
        "industry": Column("Industry"),
        "category": Column("Category"),
        "industry_count": Column("Firms", "integer"),
        "buyer_count": Column("Bought it", "integer"),
        "share": Column("Share", "share"),
        "base_share": Column("Share among all firms", "share"),
        "lift": Column("Times as many", "number"),
        NOTE: Column(),
    },
)
REWARDS = View(Shape("play_rewards", by=("play",), repeats=True, shown=("reward_cost",)))
LIFTED = View(
    Shape("spend_by_categories", by=("category_group",)),
    {
        "category_group": Column("Bought in"),
        "customer_count": Column("Customers", "integer"),
        "mean_spend": Column("Mean net spend", "money"),
        "mean_interval": Column("Interval", "money", interval=("mean_low", "mean_high")),
        NOTE: Column(),
    },
)
PARTS = View(
    Shape("plays_by_segment", by=("segment_name", "play"), wholes=("segment_count",)),
    {
        "segment_name": Column("Segment"),
        "play": Column("First play"),
        "customer_count": Column("Customers", "integer"),
        "expected_total": Column("Such customers brought", "money"),
        NOTE: Column(),
    },
)

FIRSTS = View(
    Shape("plays_first", by=("play",)),
    {
        "play": Column("First play"),
        "customer_count": Column("Customers", "integer"),
        "expected_total": Column("Such customers brought", "money"),
        NOTE: Column(),
    },
)


@dataclass(frozen=True)
class Tables:
    """The published tables of plays, in the order of `list_tables`."""

    answers: Published
    reasons: Published
    missing: Published
    check: Published
    industries: Published
    rewards: Published


def name_play(play: str) -> str:
    """Return the words for a play."""
    return find_sentence(f"plays.names.{play}")


def count_plays(book: PlayBook) -> pd.DataFrame:
    """Count the members of each play today, beside what those of an earlier day brought.

    Publish it with the horizon's days. All customers, who are no play, are the last row. Of calls
    ``earlier_count`` is of the successes that were learned from.
    """
    if book.members.empty:
        reasons = book.missing["reason"].value_counts(sort=False)
        return empty_table(PLAYS.shape.by, str(reasons.idxmax()) if len(reasons) else NO_PLAYS)
    counts = book.members.groupby("play")["customer_id"].size()
    days = book.members.groupby("play")["horizon_days"].first()
    values = book.values.set_index("play")
    rows = []
    for play in (*book.plan.order, EVERYBODY):
        is_play = play != EVERYBODY
        if not is_play and play not in values.index:
            continue
        told = values.loc[play].to_dict() if play in values.index else {}
        size = int(counts.get(play, 0)) if is_play else book.buyer_count
        if size:
            horizon = int(days.get(play, book.plan.horizon_days))
            name = name_play(play) if is_play else EVERYBODY
            rows.append({"play": name, "customer_count": size, "horizon_days": horizon, **told})
            rows[-1]["play"] = name
    table = pd.DataFrame(rows)
    if "earlier_count" not in table:
        table["earlier_count"] = 0
    return table.fillna({"earlier_count": 0})


def list_tables(book: PlayBook, consent: pd.DataFrame) -> list[tuple[pd.DataFrame, View]]:
    """Return the other tables of plays, each with its view, for `ws.publish_each`.

    Parameters
    ----------
    book : PlayBook
    consent : DataFrame
        Of `count_consent` over the members, with plays for segments, see `name_lists`.
    """
    return [
        (_list_consent(consent), ANSWERS),
        (_count_reasons(book.members), REASONS),
        (book.missing.assign(play=book.missing["play"].map(name_play)), MISSING),
        (book.check.assign(limit_share=book.plan.overdue_share), CHECK),
        (book.industries, INDUSTRIES),
        (book.rewards.assign(play=book.rewards["play"].map(name_play)), REWARDS),
    ]


def name_tables(published: list[Published]) -> Tables:
    """Give the published tables of `list_tables` their names."""
    return Tables(*published)


def name_lists(book: PlayBook) -> pd.DataFrame:
    """Return the members with their play as ``segment_name``, for `count_consent`."""
    members = book.members[["customer_id", "play"]]
    named = members.assign(segment_name=members["play"].map(name_play))
    return named.drop(columns="play")


def list_parts(book: PlayBook, segments: pd.DataFrame, *, smallest_cell: int = 5) -> pd.DataFrame:
    """Count each segment's customers by their first play; everybody is in one row.

    Publish it with the sizes of the segments. ``expected_total`` is what so many members of an
    earlier day brought within the horizon; missing where that may not be told.

    Parameters
    ----------
    book : PlayBook
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    smallest_cell : int
        Means of fewer than twice as many, or that one or two make, are left out.
    """
    first = book.members[book.members["is_first_play"].astype(bool)]
    play = dict(zip(first["customer_id"], first["play"], strict=True))
    rows = pd.DataFrame(
        {
            "segment_name": segments["segment_name"].to_numpy(),
            "play": segments["customer_id"].astype(str).map(play).fillna("none").to_numpy(),
        }
    )
    table = rows.groupby(["segment_name", "play"]).size().rename("customer_count").reset_index()
    return _add_totals(table, book, smallest_cell, by=["segment_name"])


def list_firsts(book: PlayBook, segments: pd.DataFrame, *, smallest_cell: int = 5) -> pd.DataFrame:
    """Count all customers, and leads without a segment, by their first play; see `list_parts`."""
    first = book.members[book.members["is_first_play"].astype(bool)]
    counts = first.groupby("play").size().rename("customer_count").reset_index()
    is_in = segments["customer_id"].astype(str).isin(first["customer_id"])
    rest = pd.DataFrame({"play": ["none"], "customer_count": [int((~is_in).sum())]})
    table = pd.concat([counts, rest], ignore_index=True)
    return _add_totals(table, book, smallest_cell, by=[])


def _add_totals(
    table: pd.DataFrame, book: PlayBook, smallest_cell: int, *, by: list[str]
) -> pd.DataFrame:
    """Add what so many members of each play's earlier list brought, and name the plays."""
    order = {name: number for number, name in enumerate((*book.plan.order, "none"))}
    table = table.assign(place=table["play"].map(order))
    table = table.sort_values([*by, "place"], kind="stable", ignore_index=True)
    values = book.values.set_index("play")
    is_told = values["earlier_count"].astype(float) >= count_needed(smallest_cell)
    is_told &= ~find_dominated(
        values["mean_value_sum"], values["mean_value_largest"], values["mean_value_second"]
    )
    means = values["mean_value"].astype(float).where(is_told)
    table["expected_total"] = table["customer_count"] * table["play"].map(means).astype(float)
    return table.assign(play=table["play"].map(name_play)).drop(columns="place")


def _list_consent(consent: pd.DataFrame) -> pd.DataFrame:
    """Return the answers by play, a row an answer; those of a play add up to its members."""
    if consent.empty:
        return pd.DataFrame()
    listed = list_answers(consent)
    if listed.empty:
        return listed
    return listed.rename(columns={"segment_name": "play", "in_segment": "play_count"})


def _count_reasons(members: pd.DataFrame) -> pd.DataFrame:
    """Count each play's kinds of reasons; rare ones are others."""
    if members.empty:
        return pd.DataFrame()
    parts = []
    for play, own in members.groupby("play", sort=False):
        counts = own["reason_kind"].value_counts()
        counts = counts.sort_index().sort_values(ascending=False, kind="stable")
        common = counts[counts >= SMALLEST_REASON * len(own)].head(MOST_REASONS)
        rest = len(own) - int(common.sum())
        if rest:
            common = pd.concat([common, pd.Series({OTHER_REASONS: rest})])
        table = pd.DataFrame({"reason_kind": common.index, "customer_count": common.to_numpy()})
        parts.append(table.assign(play=name_play(play), play_count=len(own)))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(share=found["customer_count"] / found["play_count"])


def add_contacts(plays: Published, answers: Published) -> Published:
    """Return the published plays with how many of each may be contacted."""
    if plays.empty or answers.empty:
        return plays
    yes = answers.frame[answers.frame["answer"] == "with_consent"].set_index("play")
    frame = plays.frame.assign(contact_count=plays.frame["play"].map(yes["customer_count"]))
    return reshape_published(plays, frame, PLAYS)


@chart("play", values=["mean_value", "mean_low", "mean_high"])
def plot_plays(
    table: pd.DataFrame,
    *,
    currency: str = "",
    period: str = "",
    title: str = "What such customers brought each",
) -> Axes:
    """Draw what a member of each play's earlier list brought, with 95 % intervals.

    How to read it: a dot is the mean of those who would have been on the list, the line its
    interval; all customers are in orange. It is what they brought, not what the play added. The
    table has a row a play: ``play``, ``mean_value``, ``mean_low``, ``mean_high``.
    """
    rows = table.iloc[::-1].astype(dict.fromkeys(("mean_value", *ENDS), float))
    places = np.arange(len(rows))
    colours = np.where(rows["play"] == EVERYBODY, ORANGE, BLUE)
    ax = figures.new_axes(title, height=1.5 + 0.36 * len(rows))
    ax.hlines(places, rows["mean_low"], rows["mean_high"], color=colours, linewidth=2)
    ax.scatter(rows["mean_value"], places, s=60, color=colours, zorder=3)
    ax.set_xlim(left=min(0.0, float(np.nan_to_num(rows["mean_low"]).min())))
    figures.name_rows(ax, list(rows["play"]), bold=list(rows["play"] == EVERYBODY))
    texts = _write_values(rows, currency)
    figures.write_beside(ax, texts)
    figures.name_values(ax, "a customer", currency, period=period)
    said = [f"{name}: {text}" for name, text in zip(rows["play"], texts, strict=True)]
    return figures.describe_chart(ax, f"{title}, with 95% intervals", said[::-1])


def _write_values(rows: pd.DataFrame, currency: str) -> list[str]:
    """Write each value with its interval, where it is known."""

    def write(value: float) -> str:
        return format_money(value, currency)

    ranges = write_ranges(rows["mean_low"], rows["mean_high"], write)
    return [
        f"{write(one)} ({ends})" if ends else write(one)
        for one, ends in zip(rows["mean_value"], ranges, strict=True)
    ]


def lay_out_plays(
    plays: Published, parts: Published, tables: Tables, *, lifted: Published
) -> list[Exhibit]:
    """Return what is shown of plays: a chart, the table, and the folded ones."""
    shown: list[Exhibit] = []
    if plays.empty:
        # One line says why; the table is there where the plays lack different things.
        is_one = tables.missing.empty or tables.missing.frame["reason"].nunique() <= 2
        return [] if is_one else [_fold(tables.missing, MISSING_CAPTION)]
    drawn = plays.frame[plays.frame["play"] != name_play(CALLS)]
    known = drawn.dropna(subset=["mean_value"]) if "mean_value" in drawn else drawn.head(0)
    if len(known):
        chart_ = plot_plays(plays.keep(known))
        caption = "What a customer brought who would have been on the list a horizon earlier."
        shown.append(Exhibit(thing=chart_, caption=caption))
    caption = "The plays: who is in them, and what such customers brought, whatever was done"
    shown.append(Exhibit(thing=add_contacts(plays, tables.answers), caption=caption))
    for table, words in (
        (parts, "Each segment by the first play of its customers; everybody counts once"),
        (tables.reasons, "The commonest reasons in each play"),
        (tables.industries, "What firms of an industry buy more than all firms"),
        (lifted, "Spend of a year by the number of categories bought: an association"),
        (tables.missing, MISSING_CAPTION),
    ):
        if not table.empty:
            shown.append(_fold(table, words))
    return shown


def _fold(table: Published, caption: str) -> Exhibit:
    return Exhibit(thing=table, caption=caption, folded=True, max_rows=60)
