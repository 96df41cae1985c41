"""KPIs of all customers and by segment: tables, and what sets a segment apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from segkit.core.findings import Finding
from segkit.core.measures import FIGURE
from segkit.core.periods import name_span
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.kpi_units import read_amount_figure, write_amounts, write_ends
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

STANDS = {
    "higher": "higher than the rest",
    "lower": "lower than the rest",
    "alike": "not told apart",
}
VALUES = View(
    Shape(
        "kpi_values",
        by=("kpi",),
        adds_up=False,
        shown=("text", "unit", "better", "period"),
        measures={"row_count": FIGURE, "unknown_count": FIGURE},
    ),
    {
        "text": Column("KPI"),
        "value_text": Column("Value"),
        "range_text": Column("95% interval"),
        "customer_count": Column("Customers with a row", "integer"),
        "row_count": Column("Rows", "integer"),
        "unknown_count": Column("Rows not decided", "integer"),
        "period": Column("Period"),
        NOTE: Column(),
    },
)
LACKS = View(
    Shape("kpi_lacks", population="plan", by=("kpi",)),
    {"text": Column("KPI"), "lack": Column("No data, for")},
)
SEGMENTS = View(
    Shape(
        "kpi_segments",
        by=("segment_name",),
        within=("kpi",),
        count="rests_on_count",
        wholes=("segment_count",),
        shown=("text", "unit", "better", "base_value", "period"),
    ),
    {
        "text": Column("KPI"),
        "segment_name": Column(),
        "customer_count": Column("Customers with a row", "integer"),
        "value_text": Column("Value"),
        "range_text": Column("95% interval"),
        "stands_text": Column("Against the other segments"),
        NOTE: Column(),
    },
)


def write_values(values: Published, view: View = VALUES) -> Published:
    """Add the values and their intervals as texts, each in its own unit."""
    frame = values.frame
    if frame.empty:
        return values
    currency = values.currency
    frame = frame.assign(
        value_text=write_amounts(frame, "value", currency=currency),
        range_text=write_ends(frame["low"], frame["high"], frame["unit"], currency=currency),
    )
    if "stands" in frame:
        frame = frame.assign(stands_text=frame["stands"].map(STANDS).fillna(""))
    if "unknown_count" in frame and not frame["unknown_count"].fillna(0).any():
        frame = frame.drop(columns="unknown_count")
    return reshape_published(values, frame, view)


def write_segments(segments: Published) -> Published:
    """Add the values, their intervals and where each segment stands as texts."""
    return write_values(segments, SEGMENTS)


def state_values(values: Published, lacks: Published) -> list[Finding]:
    """Say what to mind of the values of all customers: their table has the others.

    Told are rows of which it is not known whether they count, a value without an interval, and the
    KPIs of which there is no data.
    """
    if values.empty and lacks.empty:
        return [explain_absence(values)]
    rows = values.frame.to_dict("records") if not values.empty else []
    told = [
        _state_value(values, row)
        for row in rows
        if pd.notna(row["value"]) and (row["unknown_count"] or pd.isna(row["low"]))
    ]
    for row in lacks.frame.to_dict("records"):
        words = {"text": row["text"], "lack": row["lack"]}
        told.append(write_finding("kpis.values.lack", words=words))
    return told


def _state_value(values: Published, row: Mapping[str, Any]) -> Finding:
    where = {"kpi": row["kpi"]}
    has_interval = pd.notna(row["low"]) and pd.notna(row["high"])
    interval = ("low", "high") if has_interval else None
    value = read_amount_figure(
        values, "value", row=row, where=where, interval=interval, period=row["period"]
    )
    figures = [value]
    has_customers = bool(row["customer_count"])
    name = "customer_count" if has_customers else "row_count"
    unit = "customer" if has_customers else "row"
    figures.append(
        values.read_figure(
            name, where=where, kind="count", unit=unit, name="count", period=row["period"]
        )
    )
    kind = "alone"
    if pd.notna(row["unknown_count"]) and row["unknown_count"]:
        figures.append(
            values.read_figure(
                "unknown_count",
                where=where,
                kind="count",
                unit="row",
                name="unknown",
                period=row["period"],
            )
        )
        kind = "undecided" if has_interval else "undecided_alone"
    count = int(row["customer_count"]) if has_customers else None
    words = {"text": row["text"], "span": word_span(row["text"], row["period"])}
    return write_finding(f"kpis.values.{kind}", figures, count=count, words=words)


def state_segments(segments: Published) -> list[Finding]:
    """Say of each KPI which segments stand apart from the others; one sentence a KPI."""
    if segments.empty:
        return [explain_absence(segments)]
    told = []
    for _kpi, rows in segments.frame.groupby("kpi", sort=False):
        shown = rows[rows["value"].notna()]
        if len(shown) < 2:
            words = {"text": rows["text"].iloc[0]}
            told.append(write_finding("kpis.segments.few", words=words))
            continue
        if not (shown["stands"] != "").any():
            words = {"text": rows["text"].iloc[0]}
            told.append(write_finding("kpis.segments.elsewhere", words=words))
            continue
        told.append(_state_kpi(segments, shown))
    return told


def _state_kpi(segments: Published, shown: pd.DataFrame) -> Finding:
    """Say which segments are higher than all others together in one KPI, and which lower."""
    first = shown.iloc[0]
    words = {"text": first["text"], "span": word_span(first["text"], first["period"])}
    figures = []
    parts = {}
    for side in ("higher", "lower"):
        rows = shown[shown["stands"] == side]
        told = [_state_segment(segments, row) for row in rows.to_dict("records")]
        figures += [figure for part in told for figure in part.figures]
        parts[side] = "; ".join(part.text for part in told)
    kind = "both" if all(parts.values()) else next((s for s in parts if parts[s]), "alike")
    count = int(shown.loc[shown["stands"].isin(list(parts)), "customer_count"].sum())
    return write_finding(f"kpis.segments.{kind}", figures, count=count, words=words | parts)


def word_span(text: str, period: str) -> str:
    """Return the time that a figure speaks of, unless its heading says it already.

    >>> word_span("Orders", "the last 365 days to 2026-06-30")
    ', over the last 365 days'
    >>> word_span("Orders in the last 365 days", "the last 365 days to 2026-06-30")
    ''
    """
    span = name_span(period)
    return "" if span in text else f", over {span}"


def _state_segment(segments: Published, row: Mapping[str, Any]) -> Finding:
    """Say where one segment stands, as a part of a sentence."""
    where = {"kpi": row["kpi"], "segment_name": row["segment_name"]}
    has_interval = pd.notna(row["low"]) and pd.notna(row["high"])
    figures = [
        read_amount_figure(
            segments,
            "value",
            row=row,
            where=where,
            interval=("low", "high") if has_interval else None,
            period=row["period"],
        ),
        segments.read_figure(
            "customer_count", where=where, kind="count", unit="customer", name="count"
        ),
    ]
    words = {"segment": row["segment_name"]}
    kind = "part" if has_interval else "part_alone"
    return write_finding(f"kpis.segments.{kind}", figures, words=words)
