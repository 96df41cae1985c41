"""What is said of plays: each sentence from one row of a published table."""

from __future__ import annotations

import pandas as pd

from segkit.action.plays.book import CALLS, EVERYBODY, PlayBook
from segkit.core.findings import Condition, Finding
from segkit.core.periods import name_next_days
from segkit.core.privacy import Published
from segkit.core.settings import Settings
from segkit.report.plays import ENDS, Tables, name_play
from segkit.report.shared.sentences import explain_absence, find_sentence, write_finding

MOST_OFFERS = 3


def state_plays(plays: Published, *, book: PlayBook, at: Settings) -> list[Finding]:
    """Say of each play how many are in it, and what such customers brought.

    Parameters
    ----------
    plays : Published
        Of `segkit.report.plays.count_plays`.
    book : PlayBook
        Of which the plan and where the margin is from are read.
    at : Settings
    """
    told: list[Finding] = []
    if plays.empty:
        return [explain_absence(plays)]
    for play in book.plan.order:
        rows = plays.frame[plays.frame["play"] == name_play(play)]
        if rows.empty or rows["customer_count"].isna().any():
            continue
        told.append(_state_play(plays, rows.iloc[0], book=book, at=at, is_call=play == CALLS))
    if told:
        told.append(write_finding("plays.totals.added"))
    return [*_state_whole(plays, book), *told]


def _state_whole(plays: Published, book: PlayBook) -> list[Finding]:
    """Say what all customers brought, beside which the lists are read; nothing if not known."""
    where = {"play": EVERYBODY}
    rows = plays.frame[plays.frame["play"] == EVERYBODY]
    if rows.empty or rows[["mean_value", *ENDS]].isna().any(axis=None):
        return []
    value = plays.read_figure("mean_value", where=where, kind="money", interval=ENDS)
    count = plays.read_figure("earlier_count", where=where, kind="count")
    words = {"basis": find_sentence(f"plays.basis.{book.margin.kind}"), "period": value.period}
    return [write_finding("plays.lists.whole", [value, count], count=count, words=words)]


def _state_play(
    plays: Published, row: pd.Series, *, book: PlayBook, at: Settings, is_call: bool
) -> Finding:
    """Say of one play how many are in it, and what such customers brought where that is known."""
    where = {"play": row["play"]}
    count = plays.read_figure("customer_count", where=where, kind="count", unit="customer")
    kind = "calls" if is_call else "measured"
    is_known = not pd.isna(row[["mean_value", *ENDS]]).any()
    if not is_known:
        kind = "calls_unmeasured" if is_call else "unmeasured"
    words = {
        "play": row["play"],
        "horizon": int(row["horizon_days"]),
        "basis": find_sentence(f"plays.basis.{book.margin.kind}"),
    }
    read = [count]
    if is_known:
        period = {}
        if is_call:
            period = {"period": name_next_days(at.as_of, int(row["horizon_days"]))}
        value = plays.read_figure("mean_value", where=where, kind="money", interval=ENDS, **period)
        read.append(value)
        words["period"] = value.period
    if kind == "measured":
        read.append(plays.read_figure("earlier_count", where=where, kind="count"))
    return write_finding(f"plays.lists.{kind}", read, count=count, words=words)


def state_totals(firsts: Published, *, book: PlayBook) -> list[Finding]:
    """Say how many customers are in a play, each counted once, and what such brought together."""
    if firsts.empty:
        return []
    if (firsts.frame["play"] == name_play("none")).all():
        return []
    is_play = [Condition("play", "!=", name_play("none"))]
    count = firsts.read_figure(
        "customer_count", where=is_play, how="sum", kind="count", unit="customer"
    )
    if not count.value:
        return []
    rows = firsts.frame[firsts.frame["play"] != name_play("none")]
    words = {"basis": find_sentence(f"plays.basis.{book.margin.kind}")}
    if rows["expected_total"].isna().any():
        return [write_finding("plays.totals.counts", [count], count=count, words=words)]
    total = firsts.read_figure(
        "expected_total", where=is_play, how="sum", kind="money", name="first_total"
    )
    words["period"] = total.period
    return [write_finding("plays.totals.first", [count, total], count=count, words=words)]


def state_overdue(check: Published) -> list[Finding]:
    """Say whether as many later gaps were longer than the limit as was meant."""
    if check.empty or check.frame["over_low"].isna().any():
        return []
    found = [
        check.read_figure("over_share", kind="share", interval=("over_low", "over_high")),
        check.read_figure("stated_share", kind="share"),
        check.read_figure("gap_count", kind="count"),
        check.read_figure("limit_share", kind="share", name="share"),
    ]
    row = check.frame.iloc[0]
    # An interval of very many gaps is narrow: a point and a half beside it changes no list.
    is_near = row["over_low"] - 0.015 <= row["stated_share"] <= row["over_high"] + 0.015
    count = check.read_figure("customer_count", kind="count")
    return [write_finding(f"plays.overdue.{'holds' if is_near else 'off'}", found, count=count)]


def state_rewards(rewards: Published, *, book: PlayBook, at: Settings) -> list[Finding]:
    """Say what a reward costs beside what one of the loyal is expected to bring in a year."""
    if rewards.empty or rewards.frame["mean_worth"].isna().any():
        return []
    year = at.name_next_year()
    worth = rewards.read_figure("mean_worth", kind="money", period=year)
    count = rewards.read_figure("customer_count", kind="count")
    read = [worth, count]
    words = {"basis": find_sentence(f"plays.basis.{book.margin.kind}"), "period": year}
    if rewards.frame["reward_cost"].isna().any():
        return [write_finding("plays.rewards.no_cost", read, count=count, words=words)]
    read.append(rewards.read_figure("reward_cost", kind="money", period=year))
    read.append(rewards.read_figure("cost_share", kind="share", period=year))
    return [write_finding("plays.rewards.cost", read, count=count, words=words)]


def state_lifted(lifted: Published) -> list[Finding]:
    """Say what buyers in few and in many categories spent: an association."""
    if lifted.empty:
        return []
    rows = lifted.frame.dropna(subset=["mean_spend", "mean_low", "mean_high"])
    if len(rows) < 2:
        return []
    read, words = [], {}
    for name, row in (("low", rows.iloc[0]), ("high", rows.iloc[-1])):
        where = {"category_group": row["category_group"]}
        read.append(
            lifted.read_figure(
                "mean_spend",
                where=where,
                kind="money",
                interval=("mean_low", "mean_high"),
                name=f"{name}_spend",
            )
        )
        count = lifted.read_figure(
            "customer_count", where=where, kind="count", name=f"{name}_count"
        )
        read.append(count)
        words["few" if name == "low" else "many"] = row["category_group"]
    words["period"] = lifted.period
    return [write_finding("plays.lifted.told", read, count=read[1], words=words)]


def state_industries(industries: Published) -> list[Finding]:
    """Say what firms of an industry buy more than all firms, the highest lift first."""
    if industries.empty:
        return []
    rows = industries.frame.dropna(subset=["share", "lift"])
    rows = rows.sort_values("lift", ascending=False, kind="stable").head(MOST_OFFERS)
    told = []
    for row in rows.to_dict("records"):
        where = {"industry": row["industry"], "category": row["category"]}
        read = [
            industries.read_figure("share", where=where, kind="share"),
            industries.read_figure("industry_count", where=where, kind="count"),
            industries.read_figure("lift", where=where, decimals=1),
        ]
        told.append(write_finding("plays.industries.told", read, count=read[1], words=where))
    return told


def state_beside(
    firsts: Published, tables: Tables, lifted: Published, *, book: PlayBook, at: Settings
) -> list[Finding]:
    """Say what stands beside the lists: totals, the limit of waiting, rewards, offers, spend."""
    return [
        *state_totals(firsts, book=book),
        *state_overdue(tables.check),
        *state_rewards(tables.rewards, book=book, at=at),
        *state_industries(tables.industries),
        *state_lifted(lifted),
    ]
