"""Where the plan asks more than the data can carry: each with what is asked and what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from segkit.core.settings import Settings
from segkit.evidence.capacity.series import FEWEST_POINTS
from segkit.plan.models import Plan

LEAST_FILL = 0.5
COLUMNS = ("kind", "subject", "asked", "carried", "customer_count", "words")
# Kinds, each with a sentence of its own.
NO_SCHEME = "no_scheme"
SEGMENTS_BEYOND_CRITERIA = "segments_beyond_criteria"
SEGMENTS_BEYOND_CUSTOMERS = "segments_beyond_customers"
COLUMNS_BEYOND_CUSTOMERS = "columns_beyond_customers"
PATTERNS_BEYOND_CUSTOMERS = "patterns_beyond_customers"
COLUMN_NOT_FILLED = "column_not_filled"
TARGET_MET = "target_met"
TARGET_BEYOND_SERIES = "target_beyond_series"
STEP_TOO_SMALL = "step_too_small"
HORIZON_BEYOND_HISTORY = "horizon_beyond_history"
DUE_IS_PAST = "due_is_past"


def find_overreach(
    plan: Plan,
    *,
    room: pd.DataFrame,
    power: pd.DataFrame,
    series: pd.DataFrame,
    goals: pd.DataFrame,
    fill: Mapping[str, float],
    inventory: pd.DataFrame,
    at: Settings,
) -> pd.DataFrame:
    """Find where the plan asks more than the data can carry.

    That each column of a scheme can be computed is asked before, see
    `segkit.segmentation.schemes.require_schemes`.

    Parameters
    ----------
    plan : Plan
    room, power, series, goals : DataFrame
        See `room.measure_room`, `goals.measure_power`, `series.collect_series` and
        `goals.measure_goals`.
    fill : mapping of str to float
        Of how many of the customers each column is known that a scheme reads.
    inventory : DataFrame
        One row a table: ``first_on`` and ``last_on`` of the orders say how far back they go.
    at : Settings
        The last day counted.

    Returns
    -------
    DataFrame
        One row a warning: ``kind``, ``subject`` (the scheme or goal, in words), ``asked`` and
        ``carried`` (what the plan asks and what there is, in the unit of the kind),
        ``customer_count`` (whom that rests on; missing where on nobody) and ``words`` (what else
        the sentence names).
    """
    found = [
        *_judge_schemes(plan),
        *_judge_room(room),
        *_judge_fill(plan, fill, room),
        *_judge_goals(plan, find_history_days(inventory), at),
        *_judge_targets(goals, series),
        *_judge_power(power),
    ]
    table = pd.DataFrame([{**EMPTY, **row} for row in found], columns=list(COLUMNS))
    return table.astype({"asked": float, "carried": float, "customer_count": "Int64"})


WARNINGS = (
    NO_SCHEME,
    SEGMENTS_BEYOND_CRITERIA,
    SEGMENTS_BEYOND_CUSTOMERS,
    COLUMNS_BEYOND_CUSTOMERS,
    PATTERNS_BEYOND_CUSTOMERS,
    COLUMN_NOT_FILLED,
    TARGET_MET,
    TARGET_BEYOND_SERIES,
    STEP_TOO_SMALL,
    HORIZON_BEYOND_HISTORY,
    DUE_IS_PAST,
)
EMPTY: dict[str, Any] = {"asked": np.nan, "carried": np.nan, "customer_count": None, "words": ""}


def find_history_days(inventory: pd.DataFrame) -> float:
    """Return how many days of orders there are, both ends included; NaN without any."""
    orders = inventory[(inventory["table"] == "order_lines") & inventory["last_on"].notna()]
    if orders.empty:
        return np.nan
    row = orders.iloc[0]
    return float((row["last_on"] - row["first_on"]).days + 1)


def _say(name: str) -> str:
    return name.replace("_", " ")


def _judge_schemes(plan: Plan) -> list[dict[str, Any]]:
    """Find segments beyond the criteria, and goals without a scheme."""
    most = plan.criteria.most_segments
    found = [
        {
            "kind": SEGMENTS_BEYOND_CRITERIA,
            "subject": _say(scheme.name),
            "asked": scheme.segments[1],
            "carried": most,
        }
        for scheme in plan.schemes
        if scheme.segments[1] > most
    ]
    served = {scheme.goal for scheme in plan.schemes}
    unserved = [goal.name for goal in plan.goals if goal.name not in served]
    return [*found, *({"kind": NO_SCHEME, "subject": _say(name)} for name in unserved)]


def _judge_room(room: pd.DataFrame) -> list[dict[str, Any]]:
    """Find schemes that ask for more segments or columns than the customers carry."""
    found = []
    for row in room[room["columns_asked"].notna()].to_dict("records"):
        told = {"subject": row["scheme"], "customer_count": row["customer_count"]}
        pairs = (
            (SEGMENTS_BEYOND_CUSTOMERS, row["segments_asked"], row["most_segments"]),
            (COLUMNS_BEYOND_CUSTOMERS, row["columns_asked"], row["most_columns"]),
        )
        for kind, asked, carried in pairs:
            if asked > carried:
                found.append({**told, "kind": kind, "asked": asked, "carried": carried})
        if pd.notna(row["by_patterns"]) and row["by_patterns"] > row["customer_count"]:
            told |= {"asked": row["by_patterns"], "carried": row["customer_count"]}
            found.append({**told, "kind": PATTERNS_BEYOND_CUSTOMERS})
    return found


def _judge_fill(plan: Plan, fill: Mapping[str, float], room: pd.DataFrame) -> list[dict[str, Any]]:
    """Find schemes with a column that is known of less than half of the customers."""
    counts = dict(zip(room["scheme"], room["customer_count"], strict=True))
    found = []
    for scheme in plan.schemes:
        for name in scheme.columns:
            if fill.get(name, 1.0) < LEAST_FILL:
                row = {"kind": COLUMN_NOT_FILLED, "subject": _say(scheme.name), "words": name}
                row |= {"asked": LEAST_FILL, "carried": round(fill[name], 2)}
                found.append({**row, "customer_count": counts[_say(scheme.name)]})
    return found


def _judge_goals(plan: Plan, history_days: float, at: Settings) -> list[dict[str, Any]]:
    """Find goals that are due before the last day counted, or further off than orders go back."""
    found = []
    for goal in plan.goals:
        if goal.due is None:
            continue
        days = (goal.due - at.as_of).days
        row = {"subject": goal.text, "asked": days, "words": goal.due.isoformat()}
        if days <= 0:
            found.append({**row, "kind": DUE_IS_PAST})
        elif days > history_days:
            found.append({**row, "kind": HORIZON_BEYOND_HISTORY, "carried": history_days})
    return found


def _judge_targets(goals: pd.DataFrame, series: pd.DataFrame) -> list[dict[str, Any]]:
    """Find targets that are met already, and those beyond all that was seen."""
    found = []
    for row in goals.to_dict("records"):
        told = {"subject": row["text"], "asked": row["target"], "words": row["kpi"]}
        if row["met"] == "yes":
            found.append({**told, "kind": TARGET_MET, "carried": row["value"]})
            continue
        seen = series[series["goal"] == row["goal"]]
        if row["met"] != "no" or len(seen) < FEWEST_POINTS:
            continue
        is_lower = row["is_lower"]
        best = seen.loc[seen["value"].idxmin() if is_lower else seen["value"].idxmax()]
        is_beyond = row["target"] < best["value"] if is_lower else row["target"] > best["value"]
        if is_beyond:
            count = int(best["customer_count"])
            told |= {"carried": best["value"], "customer_count": count}
            found.append({**told, "kind": TARGET_BEYOND_SERIES})
    return found


def _judge_power(power: pd.DataFrame) -> list[dict[str, Any]]:
    """Find goals whose step no test of all who are there could show."""
    rows = power[~power["is_enough"].astype(bool)].to_dict("records")
    return [
        {
            "kind": STEP_TOO_SMALL,
            "subject": row["text"],
            "asked": 2 * row["arm_size"],
            "carried": row["customer_count"],
            "customer_count": row["customer_count"],
        }
        for row in rows
    ]
