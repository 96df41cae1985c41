"""Which messages of the library fit a segment, with the evidence that selected each, and a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from segkit.action.message_figures import (
    EVIDENCE,
    FIXED,
    collect_evidence,
    list_kinds,
    spread_evidence,
)
from segkit.action.message_library import (
    ANY_CHANNEL,
    Message,
    find_library,
    read_condition,
    read_library,
)
from segkit.core.absence import empty_table
from segkit.core.arm_sizes import find_arm_size, find_seen_share
from segkit.models.kinds import find_kind
from segkit.models.rule_language import Predicate
from segkit.plan.campaigns import AMOUNTS, Campaigns
from segkit.plan.models import Plan

NONE_FIT = "No message of the library fits what is known of the segments."
TYPICAL_SHARE = 0.5  # of a segment, that a text may speak of as if it were all
CHOSEN = [
    "segment_name",
    "place",
    "message",
    "goal",
    "benefit",
    "tone",
    "offer",
    "channel",
    "customer_count",
    "segment_count",
    "text",
    "other_text",
    "differs_in",
    "contact_count",
    "answer_share",
    "arm_count",
    "seen_difference",
    "needed_count",
    "is_enough",
]


@dataclass(frozen=True)
class Evidence:
    """What messages are chosen by, as it passed the gate.

    Attributes
    ----------
    profile, levels : DataFrame
        Of `profile_segments` and `judge_levels`.
    contacts, channels : DataFrame
        Of `list_contacts` and `choose_channels`.
    """

    profile: pd.DataFrame
    levels: pd.DataFrame
    contacts: pd.DataFrame
    channels: pd.DataFrame


def propose_messages(
    customers: pd.DataFrame, decisions: pd.DataFrame, known: Evidence, *, plan: Plan
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Choose messages for each segment from the plan's library, or from segkit's.

    Parameters
    ----------
    customers : DataFrame
        One row a customer; only which columns there are is read.
    decisions : DataFrame
        Of `rank_segments`.
    known : Evidence
    plan : Plan

    Returns
    -------
    tuple of DataFrame
        The messages with their tests, see `plan_variants`, and the figures that selected each:
        those of `collect_evidence` with ``message``.

    Raises
    ------
    SegkitError
        If the library cannot be read.
    """
    columns = customers.columns.drop("customer_id", errors="ignore")
    kinds = list_kinds({name: find_kind(customers[name]) for name in columns})
    library = read_library(find_library(plan), kinds)
    evidence = collect_evidence(known.profile, known.levels)
    chosen, why = choose_messages(
        library, decisions, evidence=evidence, kinds=kinds, most=plan.targeting.most_messages
    )
    tests = plan_variants(chosen, known.contacts, best=known.channels, campaigns=plan.campaigns)
    return tests, why


def choose_messages(
    library: Sequence[Message],
    decisions: pd.DataFrame,
    *,
    evidence: pd.DataFrame,
    kinds: Mapping[str, str],
    most: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Choose the messages whose condition is true of a segment, those with most evidence first.

    How much evidence there is: of the figures that the condition reads the largest effect in
    standard deviations; of a share p against p0 of all it is (p - p0) / sqrt(p0 (1 - p0)). Of two
    messages with one goal the first counts, and ties go by the order of the library. What is not
    known of a segment makes a condition neither true nor false, so the message is not chosen; nor
    is one whose placeholder stands for nothing that at least half of the segment have.

    Returns
    -------
    tuple of DataFrame
        The chosen messages, a row a segment and message; and the figures that each rests on.
    """
    decisions = decisions.dropna(subset=["customer_count"])  # of a hidden segment nothing is said
    conditions = {message.name: read_condition(message, kinds) for message in library}
    figures = spread_evidence(evidence, decisions, kinds)
    met = _meet_conditions(conditions, figures, kinds)
    strengths = _measure_strengths(evidence)
    rows, reasons = [], []
    for number, segment in enumerate(decisions["segment_name"].astype(str)):
        own = figures.iloc[number]
        fitting = []
        for message in library:
            if not met.at[number, message.name]:
                continue
            if not _are_typical(message, own):
                continue
            read = [*conditions[message.name].columns, *message.list_placeholders()]
            base = _list_bases(read, evidence, segment)
            strength = max((strengths.get((segment, one), 0.0) for one in base), default=0.0)
            fitting.append((strength, message, base))
        fitting.sort(key=lambda one: -one[0])
        goals: set[str] = set()
        for _strength, message, base in fitting:
            if message.goal in goals or len(goals) == most:
                continue
            goals.add(message.goal)
            rows.append(_fill_texts(message, own) | {"segment_name": segment, "place": len(goals)})
            for one in base:
                reasons.append({"segment_name": segment, "message": message.name, "name": one})
    if not rows:
        return empty_table(CHOSEN, NONE_FIT), empty_table(["message", *EVIDENCE], NONE_FIT)
    counts = decisions[["segment_name", "customer_count"]]
    chosen = pd.DataFrame(rows).merge(counts, on="segment_name")
    chosen = chosen.assign(segment_count=chosen["customer_count"])
    why = pd.DataFrame(reasons, columns=["segment_name", "message", "name"])
    why = why.merge(evidence, on=["segment_name", "name"])
    return chosen, why[["message", *EVIDENCE]]


def _meet_conditions(
    conditions: Mapping[str, Predicate], figures: pd.DataFrame, kinds: Mapping[str, str]
) -> pd.DataFrame:
    """Return whether each message's condition is true of each segment; unknown is not true."""
    if figures.empty:
        return pd.DataFrame(columns=list(conditions))
    read = sorted({name for condition in conditions.values() for name in condition.columns})
    schema = {name: "float64" if kinds[name] == "number" else "string" for name in read}
    known = figures[read].assign(place_=np.arange(len(figures)))
    table = ibis.memtable(known, schema=schema | {"place_": "int64"})
    # A number is missing, never NaN, as conditions ask for.
    values = {
        name: table[name].nullif(float("nan")) if kinds[name] == "number" else table[name]
        for name in read
    }
    answers = {
        name: condition.apply(values).fill_null(False) for name, condition in conditions.items()
    }
    return table.select("place_", **answers).order_by("place_").to_pandas()


def _list_bases(read: Sequence[str], evidence: pd.DataFrame, segment: str) -> list[str]:
    """Return the names of evidence that a condition reads, each once."""
    own = set(evidence.loc[evidence["segment_name"] == segment, "name"])
    found = []
    for name in read:
        if name in FIXED:
            continue
        stems = [name.removesuffix(end) for end in ("_index", "_effect", "_share", "")]
        found += [stem for stem in [name, *stems] if stem in own][:1]
    return list(dict.fromkeys(found))


def _are_typical(message: Message, known: pd.Series) -> bool:
    """Return whether the segment has a value for each placeholder, and most of it have that."""
    for name in message.list_placeholders():
        share = known.get(f"{name}_share", np.nan)
        if pd.isna(known[name]) or not share >= TYPICAL_SHARE:
            return False
    return True


def _measure_strengths(evidence: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return how far each figure sets its segment apart, by segment and name."""
    base = evidence["base_value"].astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_share = (evidence["value"].astype(float) - base) / np.sqrt(base * (1 - base))
    is_level = (evidence["level"] != "").to_numpy()
    effect = evidence["effect_size"].astype(float).abs().fillna(0.0)
    strength = effect.where(~is_level, of_share.abs()).fillna(0.0)
    keys = zip(evidence["segment_name"].astype(str), evidence["name"], strict=True)
    return dict(zip(keys, strength, strict=True))


def _fill_texts(message: Message, known: pd.Series) -> dict[str, object]:
    """Return a message as a row, its placeholders filled."""
    row = message.model_dump(exclude={"when", "name"}) | {"message": message.name}
    for key in ("text", "other_text"):
        for name in message.list_placeholders():
            row[key] = str(row[key]).replace(f"{{{name}}}", str(known[name]))
    return row


def plan_variants(
    chosen: pd.DataFrame, contacts: pd.DataFrame, *, best: pd.DataFrame, campaigns: Campaigns
) -> pd.DataFrame:
    """Say how large a test of the two variants of each message is, and what it can see.

    A message for any channel goes by the segment's best one. Half of those who may be contacted
    there get each variant. ``seen_difference`` is the smallest rise of the share that answers which
    such a test sees in four cases of five (Fleiss, Levin and Paik 2003, equation 4.14), and
    ``needed_count`` how many customers both variants need together to see the plan's smallest
    effect, which is that of a share only. Not known is missing.

    Parameters
    ----------
    chosen : DataFrame
        Of `choose_messages`.
    contacts, best : DataFrame
        Of `list_contacts` and `choose_channels`.
    campaigns : Campaigns
        The plan's smallest effect.
    """
    if chosen.empty:
        return chosen
    first = best.drop_duplicates("segment_name").set_index("segment_name")["channel"]
    is_any = chosen["channel"] == ANY_CHANNEL
    channel = chosen["channel"].mask(is_any, chosen["segment_name"].map(first))
    table = chosen.assign(channel=channel.astype("string"))
    keys = ["segment_name", "channel"]
    for figures, column in ((contacts, "contact_count"), (best, "answer_share")):
        own = figures[[*keys, column]].astype({"channel": "string"})
        table = table.merge(own, on=keys, how="left")
    arm = (table["contact_count"].astype(float) // 2).astype(float)
    share = table["answer_share"].astype(float)
    seen = [
        find_seen_share(now, size, upwards=True) - now if np.isfinite(now) and size > 0 else np.nan
        for now, size in zip(share, arm, strict=True)
    ]
    effect = campaigns.smallest_effect
    needed = pd.Series(np.nan, index=table.index)
    if effect is not None and campaigns.primary not in AMOUNTS:
        needed = share.map(lambda now: 2 * find_arm_size(now, now + effect), na_action="ignore")
    is_enough = (needed <= 2 * arm).astype("boolean").mask(needed.isna() | arm.isna())
    table = table.assign(
        arm_count=arm.round().astype("Int64"),
        seen_difference=seen,
        needed_count=needed.astype(float),
        is_enough=is_enough,
    )
    return table[CHOSEN]
