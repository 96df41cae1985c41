"""KPIs then and now: beside those that the last run of an earlier day kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from segkit.core.findings import Figure, Finding
from segkit.core.privacy import NOTE, Published, Shape
from segkit.evidence.kpi_definitions import MONEY, SHARE
from segkit.evidence.kpi_sums import ALL
from segkit.report.kpi_units import (
    count_decimals,
    read_amount_figure,
    write_amounts,
    write_change,
    write_ends,
)
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

EVERYBODY = "all customers"
MOVED = {"rose": "rose", "fell": "fell", "alike": "may be chance"}
RISEN = {"rose": "higher", "fell": "lower"}
CHANGES = View(
    Shape(
        "kpi_changes",
        by=("segment_name",),
        within=("kpi",),
        adds_up=False,
        shown=("text", "unit", "better", "then_on", "remark"),
    ),
    {
        "text": Column("KPI"),
        "whose": Column("Of"),
        "then_on": Column("Day of the earlier run"),
        "then_text": Column("Then"),
        "value_text": Column("Now"),
        "change_text": Column("Change"),
        "range_text": Column("95% interval"),
        "moved_text": Column("Moved"),
        "remark": Column("Not compared, for"),
        NOTE: Column(),
    },
)


def write_changes(changes: Published) -> Published:
    """Add the values then and now, the change and its interval as texts, each in its own unit."""
    frame = changes.frame
    if frame.empty:
        return changes
    currency = changes.currency
    pairs = zip(frame["change"], frame["unit"], strict=True)
    frame = frame.assign(
        whose=frame["segment_name"].replace({ALL: EVERYBODY}),
        value_text=write_amounts(frame, "value", currency=currency),
        then_text=write_amounts(frame, "then_value", currency=currency),
        change_text=[write_change(value, unit, currency) for value, unit in pairs],
        range_text=write_ends(
            frame["change_low"],
            frame["change_high"],
            frame["unit"],
            currency=currency,
            write=write_change,
        ),
        moved_text=frame["moved"].map(MOVED).fillna(""),
    )
    return reshape_published(changes, frame, CHANGES)


def state_changes(changes: Published) -> list[Finding]:
    """Say of each KPI what has changed of all customers, and in the segments where it moved."""
    if changes.empty:
        return [explain_absence(changes)]
    frame = changes.frame
    known = frame[frame["change_low"].notna() & frame["change_high"].notna()]
    is_told = (known["segment_name"] == ALL) | known["moved"].isin(list(RISEN))
    told = [_state_change(changes, row) for row in known[is_told].to_dict("records")]
    return told or [write_finding("kpis.changes.nothing")]


def _state_change(changes: Published, row: Mapping[str, Any]) -> Finding:
    where = {"kpi": row["kpi"], "segment_name": row["segment_name"]}
    figures = [
        read_amount_figure(changes, "value", row=row, where=where),
        read_amount_figure(
            changes, "then_value", row=row, where=where, period=f"all time to {row['then_on']}"
        ),
        _read_change(changes, row, where),
        changes.read_figure("customer_count", where=where, kind="count", name="count"),
    ]
    whose = "" if row["segment_name"] == ALL else f" of “{row['segment_name']}”"
    kind = "points" if row["unit"] == SHARE else "amount"
    words = {"text": row["text"], "whose": whose, "then_on": row["then_on"]}
    if row["moved"] in RISEN:
        words["judged"] = "better" if RISEN[row["moved"]] == row["better"] else "worse"
        kind = f"{kind}_moved"
    count = int(row["customer_count"]) if pd.notna(row["customer_count"]) else None
    return write_finding(f"kpis.changes.{kind}", figures, count=count, words=words)


def _read_change(changes: Published, row: Mapping[str, Any], where: Mapping[str, Any]) -> Figure:
    """Read the change with its interval: of shares in points, of others in their unit."""
    interval = ("change_low", "change_high")
    if row["unit"] == SHARE:
        return changes.read_figure("change", where=where, kind="points", interval=interval)
    if row["unit"] == MONEY:
        return changes.read_figure("change", where=where, kind="money", interval=interval)
    decimals = max(count_decimals(float(row[name])) for name in ("change", *interval))
    return changes.read_figure(
        "change", where=where, kind="number", unit=row["unit"], decimals=decimals, interval=interval
    )
