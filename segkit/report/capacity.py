"""The plan against the data, shown and told: room for schemes, steps of goals, what is too much."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from segkit.core.findings import Finding
from segkit.core.privacy import NOTE, Published, Shape
from segkit.evidence.capacity.overreach import (
    COLUMN_NOT_FILLED,
    COLUMNS_BEYOND_CUSTOMERS,
    DUE_IS_PAST,
    HORIZON_BEYOND_HISTORY,
    NO_SCHEME,
    PATTERNS_BEYOND_CUSTOMERS,
    SEGMENTS_BEYOND_CRITERIA,
    SEGMENTS_BEYOND_CUSTOMERS,
    STEP_TOO_SMALL,
    TARGET_BEYOND_SERIES,
    TARGET_MET,
)
from segkit.evidence.capacity.rules_of_thumb import RULES
from segkit.evidence.kpi_definitions import MONEY, SHARE
from segkit.features.wording import name_feature
from segkit.report.kpis import KPIS, write_kpis
from segkit.report.shared.sentences import write_finding
from segkit.report.shared.views import Column, View, reshape_published

GOALS = View(
    KPIS.shape,
    {
        "text": Column("Goal"),
        "measure": Column("Told by"),
        "value_text": Column("Now"),
        "met_text": Column("Met when"),
        "due_text": Column("By"),
        "met": Column("Met now"),
        "lack": Column("What is missing"),
        NOTE: Column(),
    },
)
NEEDS = tuple(rule.id for rule in RULES)
# Columns that come from the plan alone, and tell nothing of customers.
OF_PLAN = ("goal", "method", "columns_asked", "segments_asked", *NEEDS)
ROOM = View(
    Shape("room", by=("scheme",), adds_up=False, repeats=True, shown=OF_PLAN),
    {
        "scheme": Column("Scheme"),
        "method": Column("Method"),
        "customer_count": Column("Customers there", "integer"),
        "columns_asked": Column("Columns", "integer"),
        "segments_asked": Column("Segments, at most", "integer"),
        "by_70_columns": Column("By 70 a column", "integer"),
        "by_100_columns": Column("By 100 a column", "integer"),
        "by_columns_and_segments": Column("By 10 a column and segment", "integer"),
        "by_patterns": Column("By 5 a pattern of yes and no", "integer"),
        "met": Column("Rules met"),
        "most_columns": Column("Columns carried", "integer"),
        "most_segments": Column("Segments carried", "integer"),
        "even_size": Column("A segment if all are alike", "integer"),
        "least_size": Column("Smallest that the criteria allow", "integer"),
        "share_reach": Column("A share in it is known to within", "share"),
        NOTE: Column(),
    },
)
RULES_OF_THUMB = View(
    Shape("rules_of_thumb", population="rules", by=("rule",)),
    {"rule": Column("Rule of thumb"), "source": Column("Source")},
)
POWER = View(
    Shape(
        "power",
        by=("goal",),
        adds_up=False,
        repeats=True,
        shown=("text", "kpi", "target"),
        measures={"arm_size": "figure", "monthly_count": "figure"},
    ),
    {
        "text": Column("Goal"),
        "value": Column("Now", "share"),
        "target": Column("Target", "share"),
        "arm_size": Column("Customers each arm needs", "integer"),
        "customer_count": Column("Customers there", "integer"),
        "monthly_count": Column("Customers a month", "integer"),
        "months": Column("Months to fill both arms", "integer"),
        "seen_share": Column("Nearest share that all could tell from now", "share"),
        NOTE: Column(),
    },
)
KEYS = ("kind", "subject", "words")
ASKED_OF_PLAN = View(Shape("asked_of_plan", population="plan", by=KEYS))
ASKED_OF_CUSTOMERS = View(Shape("asked_of_customers", by=KEYS, adds_up=False, repeats=True))
# By kind: how what is asked and what there is are written.
WRITTEN = {
    NO_SCHEME: None,
    SEGMENTS_BEYOND_CRITERIA: {"kind": "count", "unit": "segment"},
    SEGMENTS_BEYOND_CUSTOMERS: {"kind": "count", "unit": "segment"},
    COLUMNS_BEYOND_CUSTOMERS: {"kind": "count", "unit": "column"},
    PATTERNS_BEYOND_CUSTOMERS: {"kind": "count", "unit": "customer"},
    COLUMN_NOT_FILLED: {"kind": "share", "decimals": 0},
    HORIZON_BEYOND_HISTORY: {"kind": "count", "unit": "day"},
    DUE_IS_PAST: None,
    STEP_TOO_SMALL: {"kind": "count", "unit": "customer"},
}


# The room is shown in two tables: what is needed, and what is carried.
NEEDED = ("scheme", "customer_count", "columns_asked", "segments_asked", *NEEDS, "met", NOTE)
CARRIED = ("scheme", "method", "most_columns", "most_segments", "even_size", "least_size")
CARRIED += ("share_reach", NOTE)


def list_rules_of_thumb() -> pd.DataFrame:
    """Return the rules that `ROOM` holds schemes against: ``rule`` in words and its ``source``."""
    return pd.DataFrame([(rule.words, rule.source) for rule in RULES], columns=["rule", "source"])


def write_goals(goals: Published) -> Published:
    """Write each goal's KPI in its own unit, and when it is met and by which day.

    ``goals`` is a published table of `segkit.evidence.capacity.goals.measure_goals`.
    """
    written = write_kpis(goals)
    frame = written.frame
    bounds = frame["met_when"].where(frame["met_when"] != "", "no target")
    targets = frame["target_text"].where(frame["target"].notna(), "")
    due = frame["due_on"].map(lambda day: "" if pd.isna(day) else str(day))
    texts = {"met_text": (bounds + " " + targets).str.strip(), "due_text": due}
    return reshape_published(written, frame.assign(**texts), GOALS)


def state_room(room: Published) -> list[Finding]:
    """Say how many schemes learn, how many rules of thumb they meet, and how small it may get."""
    frame = room.frame
    learning = frame[frame["columns_asked"].notna() & frame["most_columns"].notna()]
    if learning.empty:
        return []
    hardest = learning.sort_values("most_segments", kind="stable").iloc[0]
    place = {"scheme": hardest["scheme"]}
    count = room.read_figure("customer_count", where=place, kind="count", unit="customer")
    read = [
        count,
        room.read_figure("columns_asked", where=place, kind="count", unit="column"),
        room.read_figure("segments_asked", where=place, kind="count", unit="segment"),
        room.read_figure("most_segments", where=place, kind="count", unit="segment"),
        room.read_figure("most_columns", where=place, kind="count", unit="column"),
    ]
    words = {"scheme": hardest["scheme"], "met": hardest["met"]}
    told = [write_finding("capacity.room.hardest", read, count=count, words=words)]
    if pd.notna(hardest["share_reach"]):
        read = [
            room.read_figure("least_size", where=place, kind="count", unit="customer"),
            room.read_figure("share_reach", where=place, kind="gap"),
        ]
        told.append(write_finding("capacity.room.least", read, count=count, words=words))
    return told


def state_power(power: Published) -> list[Finding]:
    """Say of each goal on a share how many customers a test of its step needs."""
    told = []
    for row in power.frame.to_dict("records"):
        if pd.isna(row["arm_size"]) or pd.isna(row["value"]):
            continue
        place = {"goal": row["goal"]}
        count = power.read_figure("customer_count", where=place, kind="count", unit="customer")
        read = [
            power.read_figure("value", where=place, kind="share"),
            power.read_figure("target", where=place, kind="share"),
            power.read_figure("arm_size", where=place, kind="count", unit="customer"),
            count,
        ]
        kind = "step"
        if pd.notna(row["months"]):
            kind = "step_in_months"
            read.append(power.read_figure("months", where=place, kind="count", unit="month"))
        words = {"goal": row["text"]}
        told.append(write_finding(f"capacity.power.{kind}", read, count=count, words=words))
    return told


def part_overreach(overreach: pd.DataFrame) -> list[tuple[pd.DataFrame, View]]:
    """Return what is asked too much in two tables: what rests on no customer, and what does.

    Each comes with its view; the gate hides of the second what few customers carry.
    """
    is_of_plan = overreach["customer_count"].isna()
    of_plan = overreach[is_of_plan].drop(columns="customer_count").reset_index(drop=True)
    of_customers = overreach[~is_of_plan].reset_index(drop=True)
    return [(of_plan, ASKED_OF_PLAN), (of_customers, ASKED_OF_CUSTOMERS)]


def state_overreach(parts: Sequence[Published], goals: Published) -> list[Finding]:
    """Say where the plan asks more than the data can carry, each with its figures.

    ``parts`` are the published tables of `part_overreach`.
    """
    told = [_state_row(part, row, goals) for part in parts for row in part.frame.to_dict("records")]
    return told or [write_finding("capacity.overreach.nothing")]


def _state_row(overreach: Published, row: dict[str, object], goals: Published) -> Finding:
    """Say one warning."""
    kind = str(row["kind"])
    words = {"subject": row["subject"], "words": row["words"]}
    if kind in (TARGET_MET, TARGET_BEYOND_SERIES):
        return _state_target(overreach, row, goals)
    written = WRITTEN[kind]
    if kind == COLUMN_NOT_FILLED:
        words["words"] = name_feature(str(row["words"]), overreach.labels)
    if written is None:
        return write_finding(f"capacity.overreach.{kind}", words=words)
    place = {name: row[name] for name in KEYS}
    if pd.isna(row["carried"]):
        return write_finding("capacity.overreach.hidden", words=words)
    read = [
        overreach.read_figure(column, where=place, **written) for column in ("asked", "carried")
    ]
    return write_finding(f"capacity.overreach.{kind}", read, words=words)


def _state_target(overreach: Published, row: dict[str, object], goals: Published) -> Finding:
    """Say that a target is met already, or lies beyond all that was seen, in the KPI's unit."""
    kind = str(row["kind"])
    goal = goals.frame.loc[goals.frame["text"] == row["subject"]].iloc[0]
    measure = str(goal["measure"])
    words = {"subject": row["subject"], "measure": measure[0].lower() + measure[1:]}
    words["bound"] = goal["met_when"]
    style = find_style(str(goal["unit"]))
    place = {"goal": goal["goal"]}
    read = [goals.read_figure("target", where=place, **style)]
    count = goals.read_figure("customer_count", where=place, kind="count")
    seen = goals.read_figure("value", where=place, **style)
    if kind == TARGET_BEYOND_SERIES:
        place = {name: row[name] for name in KEYS}
        count = overreach.read_figure("customer_count", where=place, kind="count", unit="customer")
        seen = overreach.read_figure("carried", where=place, **style)
        read.append(count)
    if seen.value is None:
        return write_finding("capacity.overreach.hidden", words=words)
    return write_finding(f"capacity.overreach.{kind}", [*read, seen], count=count, words=words)


def find_style(unit: str) -> dict[str, object]:
    """Return how a KPI of a unit is written in a sentence."""
    if unit == SHARE:
        return {"kind": "share"}
    if unit == MONEY:
        return {"kind": "money"}
    return {"unit": unit}
