"""A KPI for each goal, ready-made or of the plan's own, with its target."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

import ibis
import pandas as pd

from segkit.evidence.kpi_definitions import Followed, find_kpi
from segkit.evidence.kpi_rows import Source, open_source
from segkit.evidence.kpi_sums import sum_kpis
from segkit.evidence.kpi_values import CONTRIBUTIONS, list_lacks, measure_values
from segkit.plan.kpis import Kpi
from segkit.plan.models import Goal, Plan

# Where no last day is given, nothing is later.
NO_LAST_DAY = datetime.date(9999, 12, 30)
GROSS = "gross_value"
MEASURED = ["value", "unit", "customer_count", *CONTRIBUTIONS]
GOAL_COLUMNS = ["goal", "text", "kpi", "measure", "value", "target", "met", "lack", "unit"]


def measure_kpi(
    name: str,
    customers: pd.DataFrame,
    tables: Mapping[str, ibis.Table],
    *,
    as_of: datetime.date = NO_LAST_DAY,
) -> float | None:
    """Measure a ready-made KPI of all customers; ``None`` where what it needs is missing.

    The mean order value is net of returns; a plan without order lines has the one that it gives.
    """
    followed = find_kpi(name, has_lines="order_lines" in tables)
    found = _measure([followed], open_source(tables, customers, as_of=as_of)).iloc[0]
    return None if pd.isna(found["value"]) else float(found["value"])


def measure_kpis(
    goals: Sequence[Goal],
    customers: pd.DataFrame,
    tables: Mapping[str, ibis.Table],
    *,
    plan: Plan | None = None,
    kpis: Sequence[Kpi] = (),
    as_of: datetime.date = NO_LAST_DAY,
) -> pd.DataFrame:
    """Measure each goal's KPI against its target; ``met`` is yes, no, no target or no data.

    A mean order value is net of returns, and meets a target or misses it as such; where both are
    known ``gross_value`` has it before returns, and ``gross_met`` what that would have said.

    Parameters
    ----------
    goals : sequence of Goal
    customers : DataFrame
        One row a customer with the features.
    tables : mapping of str to ibis.Table
        The accepted rows.
    plan : Plan, optional
        Its own KPIs, and what it says of consent, support and surveys.
    kpis : sequence of Kpi, optional
        Further ones of one's own.
    as_of : datetime.date, optional
        The last day counted.

    Returns
    -------
    DataFrame
        One row a goal: goal, text, kpi, measure (what it is in words), value, target, met, lack
        (what is missing and what to collect), unit, customer_count, gross_value and gross_met, and
        for the gate the sums behind both values with their largest contributions.
    """
    has_lines = "order_lines" in tables
    own = [*kpis, *(plan.kpis if plan else ())]
    followed = [find_kpi(goal.kpi, own, has_lines=has_lines) for goal in goals]
    source = open_source(tables, customers, plan, as_of=as_of)
    gross_one = find_kpi("mean_order_value", has_lines=False)
    *found, gross = _measure([*followed, gross_one], source).to_dict("records")
    rows = []
    for goal, one, measured in zip(goals, followed, found, strict=True):
        value = None if pd.isna(measured["value"]) else measured["value"]
        met = _meet(goal, value, one.kpi.better)
        row = {"goal": goal.name, "text": goal.text, "kpi": goal.kpi, "measure": one.text}
        row |= {**measured, "target": goal.target, "met": met}
        if goal.kpi == "mean_order_value" and has_lines and pd.notna(gross["value"]):
            row |= {GROSS: gross["value"], "gross_met": _meet(goal, gross["value"], "higher")}
            row |= {name.replace("value", GROSS, 1): gross[name] for name in CONTRIBUTIONS}
        rows.append(row)
    columns = [*GOAL_COLUMNS, "customer_count", *CONTRIBUTIONS]
    columns += [GROSS, "gross_met", *(name.replace("value", GROSS, 1) for name in CONTRIBUTIONS)]
    return pd.DataFrame(rows).reindex(columns=columns).astype({GROSS: float})


def _measure(followed: Sequence[Followed], source: Source) -> pd.DataFrame:
    """Return the values of KPIs in their order, one row each, with what they lack."""
    # A KPI that serves two goals is measured once for each: its place is its name here.
    placed = [_rename(one, f"goal{place}") for place, one in enumerate(followed)]
    nobody = pd.DataFrame({"customer_id": [], "segment_name": []}, dtype=str)
    sums = sum_kpis(placed, source, nobody)
    values = measure_values(sums).set_index("kpi").reindex([one.name for one in placed])
    lacks = list_lacks(sums).set_index("kpi")["lack"].reindex(values.index)
    values["unit"] = [one.unit for one in followed]
    return values.reset_index(drop=True)[MEASURED].assign(lack=lacks.fillna("").to_numpy())


def _rename(followed: Followed, name: str) -> Followed:
    return dataclasses.replace(followed, kpi=followed.kpi.model_copy(update={"name": name}))


def name_measure(kpi: str, *, has_lines: bool, kpis: Sequence[Kpi] = ()) -> str:
    """Name what a KPI measures; what is not summed from order lines is as the plan gives it."""
    return find_kpi(kpi, kpis, has_lines=has_lines).text


def _meet(goal: Goal, value: float | None, better: str) -> str:
    """Say whether a value meets a goal's target."""
    if value is None:
        return "no data"
    if goal.target is None:
        return "no target"
    sign = -1 if better == "lower" else 1
    return "yes" if sign * value >= sign * goal.target else "no"


def choose_value(customers: pd.DataFrame) -> str:
    """Return the column of value: profit where 19 customers in 20 have one, else net spend."""
    known = customers["total_profit"].notna().mean() if "total_profit" in customers else 0.0
    return "total_profit" if known >= 0.95 else "total_spend"
