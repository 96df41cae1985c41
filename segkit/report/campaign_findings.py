"""What is said of campaigns: each sentence from one row of a published table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import Published
from segkit.plan.campaigns import Campaigns
from segkit.report.campaigns import SCALES, Tables
from segkit.report.shared.sentences import explain_absence, find_sentence, write_finding

MOST_TOLD = 4  # outcomes of each comparison of which a difference is told, beside the primary one
ENDS = ("difference_low", "difference_high")
GAINS = ("gain_low", "gain_high")


def state_campaigns(tables: Tables, *, plan: Campaigns) -> list[Finding]:
    """Say what followed in which arm: the primary outcome first, then where a difference is shown.

    In plans whose arms were not drawn by lot each sentence says so.

    Parameters
    ----------
    tables : Tables
        The published tables, see `segkit.report.campaigns.Tables`.
    plan : Campaigns
    """
    if tables.effects.empty and tables.amounts.empty:
        return [explain_absence(tables.effects)]
    told = [_state_effect(*one, plan=plan) for one in _choose_effects(tables)]
    told += _state_heterogeneity(tables.heterogeneity, plan)
    return told


def state_checks(tables: Tables) -> list[Finding]:
    """Say whether arms are as large as planned and were alike before; nothing without campaigns."""
    if tables.sizes.empty:
        return []
    told = [_state_sizes(tables.sizes)]
    if not tables.balance.empty and "is_unbalanced" in tables.balance.frame:
        told.append(_state_balance(tables.balance))
    return [finding for finding in told if finding is not None]


def state_policies(tables: Tables) -> list[Finding]:
    """Say what a policy by segment brings more than everybody, and nobody; power before that."""
    if tables.effects.empty and tables.amounts.empty:
        return []
    told = _state_power(tables)
    if tables.policies.empty and tables.policy_amounts.empty:
        return [*told, explain_absence(tables.policies)]
    for table, ending in ((tables.policies, ""), (tables.policy_amounts, "_money")):
        if not table.empty:
            rows = table.frame.dropna(subset=["gain"]).to_dict("records")
            told += [_state_policy(table, row, ending) for row in rows]
    return [*told, *_state_curve(tables.curve)]


def _state_curve(curve: Published) -> list[Finding]:
    """Say how far the uplift curve lies above the line of chance; nothing where it is not known."""
    if curve.empty or curve.frame["qini"].isna().all():
        return []
    last = [Condition("qini", "known")]
    is_money = curve.view.find_kind("gain") == "money"
    figure = curve.read_figure("qini", where=last, kind="money" if is_money else "points")
    count = curve.read_figure("rests_on_count", where=last, kind="count")
    ending = "_money" if is_money else ""
    return [write_finding(f"campaigns.policies.qini{ending}", [figure], count=count)]


def _choose_effects(tables: Tables) -> list[tuple[Published, dict[str, Any]]]:
    """Return the rows that are told, with their tables: the primary one, then those that differ."""
    rows = []
    for table in (tables.effects, tables.amounts):
        if not table.empty:
            known = table.frame.dropna(subset=["difference", "difference_low"])
            rows += [(table, row) for row in known.to_dict("records")]
    first = [one for one in rows if _is_true(one[1]["is_primary"])]
    by_comparison: dict[tuple, list] = {}
    for table, row in rows:
        own = by_comparison.setdefault((row["treated"], row["baseline"]), [])
        if _is_true(row["differs"]) and not _is_true(row["is_primary"]):
            own.append((table, row))
    return [*first, *(one for own in by_comparison.values() for one in own[:MOST_TOLD])]


def _is_true(value: object) -> bool:
    return bool(not pd.isna(value) and value)


def _state_effect(table: Published, row: dict[str, Any], *, plan: Campaigns) -> Finding:
    """Say of one comparison and outcome how the arms differ."""
    place = {name: row[name] for name in ("treated", "baseline", "outcome")}
    is_money = table.view.find_kind("difference") == "money"
    kinds = ("money", "money") if is_money else ("share", "points")
    read = [
        table.read_figure("treated_value", where=place, kind=kinds[0]),
        table.read_figure("baseline_value", where=place, kind=kinds[0]),
        table.read_figure("difference", where=place, kind=kinds[1], interval=ENDS),
        table.read_figure("treated_count", where=place, kind="count"),
        table.read_figure("baseline_count", where=place, kind="count"),
    ]
    kind = "amount" if is_money else "share"
    if not _is_true(row["differs"]):
        kind += "_none"
        read.append(table.read_figure("detectable", where=place, kind=kinds[1]))
    words = {**place, "assigned": word_assigned(plan)}
    count = table.read_figure("rests_on_count", where=place, kind="count")
    return write_finding(f"campaigns.effects.{kind}", read, count=count, words=words)


def word_assigned(plan: Campaigns) -> str:
    """Return what a sentence says of how customers came into arms; nothing if by lot."""
    return find_sentence(f"campaigns.assigned.{plan.assigned.replace(' ', '_')}")


def _state_heterogeneity(table: Published, plan: Campaigns) -> list[Finding]:
    """Say whether segments answer differently: the primary test, its ratios, others that show it.

    The ratios are told of the comparison and outcome of the primary test only.
    """
    if table.empty:
        return []
    frame = table.frame.dropna(subset=["p_value"])
    is_first = frame["is_primary"].map(_is_true)
    primary = frame[is_first]
    is_own = pd.Series(True, index=frame.index)
    for name in ("treated", "baseline", "outcome"):
        is_own &= frame[name].isin(primary[name])
    is_difference = frame["scale"] == SCALES["difference"]
    chosen = frame[is_own | (frame["differs"].map(_is_true) & is_difference)]
    told = [_state_test(table, row, plan) for row in chosen.to_dict("records")]
    return [*told, write_finding("campaigns.segments.made_later")] if told else []


def _state_test(table: Published, row: dict[str, Any], plan: Campaigns) -> Finding:
    place = {name: row[name] for name in ("treated", "baseline", "outcome", "scale")}
    read = [
        table.read_figure("segment_count", where=place, kind="count"),
        table.read_figure("q", where=place, decimals=1),
        table.read_figure("p_value", where=place, decimals=3),
        table.read_figure("i_squared", where=place, kind="share"),
    ]
    kind = "differ" if _is_true(row["differs"]) else "alike"
    if row["scale"] == SCALES["ratio"]:
        kind += "_ratio"
    words = {name: row[name] for name in ("treated", "baseline", "outcome")}
    words["assigned"] = word_assigned(plan)
    count = table.read_figure("rests_on_count", where=place, kind="count")
    return write_finding(f"campaigns.segments.{kind}", read, count=count, words=words)


def _state_sizes(sizes: Published) -> Finding | None:
    tested = [Condition("p_value", "known")]
    if not sizes.frame["p_value"].notna().any():
        return write_finding("campaigns.checks.no_shares")
    wrong = [*tested, Condition("is_mismatch", "==", True)]
    unit = "campaign"
    count = sizes.read_figure(
        "campaign", where=tested, how="rows", kind="count", name="campaign_count", unit=unit
    )
    missed = sizes.read_figure(
        "campaign", where=wrong, how="rows", kind="count", name="mismatch_count", unit=unit
    )
    kind = "mismatch" if missed.value else "sizes"
    return write_finding(f"campaigns.checks.{kind}", [count, missed])


def _state_balance(balance: Published) -> Finding:
    known = [Condition("standardised_difference", "known")]
    wrong = [*known, Condition("is_unbalanced", "==", True)]
    figures = [
        balance.read_figure(
            "known_before", where=known, how="rows", kind="count", name="row_count"
        ),
        balance.read_figure(
            "known_before", where=wrong, how="rows", kind="count", name="unbalanced_count"
        ),
    ]
    kind = "unbalanced" if figures[1].value else "balanced"
    return write_finding(f"campaigns.checks.{kind}", figures)


def _state_power(tables: Tables) -> list[Finding]:
    """Say how large a control group must be for the smallest effect that is worth acting on."""
    for table in (tables.effects, tables.amounts):
        if table.empty or "wanted_effect" not in table.frame:
            continue
        frame = table.frame.dropna(subset=["wanted_effect"])
        chosen = frame[frame["is_primary"].map(_is_true)]
        if len(chosen):
            return [_state_size(table, chosen.iloc[0])]
    return []


def _state_size(table: Published, row: pd.Series) -> Finding:
    place = {name: row[name] for name in ("treated", "baseline", "outcome")}
    is_money = table.view.find_kind("difference") == "money"
    figures: Sequence[Figure] = [
        table.read_figure("wanted_effect", where=place, kind="money" if is_money else "points"),
        table.read_figure("control_size", where=place, kind="count"),
        table.read_figure("total_needed", where=place, kind="count"),
    ]
    kind = "too_few" if pd.isna(row["control_size"]) else "control"
    figures = [one for one in figures if one.value is not None]
    words = {"outcome": row["outcome"]}
    ending = "_money" if is_money else ""
    return write_finding(f"campaigns.power.{kind}{ending}", figures, words=words)


def _state_policy(table: Published, row: dict[str, Any], ending: str) -> Finding:
    place = {name: row[name] for name in ("outcome", "policy")}
    kind = "money" if ending else "points"
    figure = table.read_figure("gain", where=place, kind=kind, interval=GAINS)
    count = table.read_figure("rests_on_count", where=place, kind="count")
    if row["gain_low"] == row["gain_high"] == 0:  # the policy by segment is this one
        return write_finding("campaigns.policies.same", [figure], count=count, words=place)
    word = "none"
    if row["gain_low"] > 0:
        word = "more"
    elif row["gain_high"] < 0:
        word = "less"
    return write_finding(f"campaigns.policies.{word}{ending}", [figure], count=count, words=place)
