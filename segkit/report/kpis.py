"""A KPI for each goal, in its own unit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segkit.core.findings import Finding
from segkit.core.measures import LARGEST, SECOND
from segkit.core.privacy import Published, Shape
from segkit.evidence.kpi_definitions import list_ready_made
from segkit.report.kpi_units import write_amount
from segkit.report.shared.sentences import write_finding
from segkit.report.shared.views import Column, View, reshape_published

VERDICTS = {"yes": "meets", "no": "misses"}
KPIS = View(
    Shape("kpis", by=("goal",), adds_up=False, shown=("text", "kpi", "measure", "target", "lack")),
    {
        "text": Column("Goal"),
        "measure": Column("Measured by"),
        "value_text": Column("Value"),
        "target_text": Column("Target"),
        "met": Column("Met"),
    },
)


def count_kpis(kpis: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Add ``customer_count`` where it is not known: whom a KPI tells of, all or those it counts."""
    counts = kpis["value"].where(kpis["kpi"] == "active_customers", len(customers))
    if "customer_count" in kpis:
        counts = kpis["customer_count"].fillna(counts)
    counted = kpis.assign(customer_count=counts.fillna(len(customers)))
    contributions = counted.filter(regex=f"({LARGEST}|{SECOND})$").columns
    return counted.astype(dict.fromkeys(contributions, float))


def write_kpis(kpis: Published) -> Published:
    """Add ``value_text`` and ``target_text``, written in the measure's own unit."""
    texts = {}
    units = _list_units(kpis.frame)
    for column in ("value", "target"):
        pairs = zip(kpis.frame[column], units, strict=True)
        texts[f"{column}_text"] = [
            write_amount(value, unit, kpis.currency) for value, unit in pairs
        ]
    return reshape_published(kpis, kpis.frame.assign(**texts), KPIS)


def _list_units(kpis: pd.DataFrame) -> list[str]:
    if "unit" in kpis:
        return list(kpis["unit"].fillna(""))
    known = list_ready_made()
    return [known[name].unit for name in kpis["kpi"]]


def state_kpis(kpis: Published) -> list[Finding]:
    """Say of each goal on the mean order value what it is before returns too, and which counts.

    Where one of the two meets the target and the other does not, the sentence says so.
    """
    frame = kpis.frame
    told = []
    if "gross_value" in frame:
        known = frame[frame["gross_value"].notna() & frame["value"].notna()]
        told += [_state_order_value(kpis, row) for row in known.to_dict("records")]
    if "lack" in frame:
        lacking = frame[frame["lack"].fillna("") != ""]
        for row in lacking.to_dict("records"):
            words = {"goal": row["text"], "lack": row["lack"]}
            told.append(write_finding("kpis.goals.lack", words=words))
    return told


def _state_order_value(kpis: Published, row: dict[str, Any]) -> Finding:
    place = {"goal": row["goal"]}
    read = [
        kpis.read_figure(column, where=place, kind="money") for column in ("value", "gross_value")
    ]
    count = kpis.read_figure("customer_count", where=place, kind="count")
    kind = "order_value"
    if pd.notna(row["target"]):
        read.append(kpis.read_figure("target", where=place, kind="money"))
        kind = "alike" if row["met"] == row["gross_met"] else "differ"
    words = {"goal": row["text"], "verdict": VERDICTS.get(row["met"], "")}
    words["gross_verdict"] = VERDICTS.get(row["gross_met"], "")
    return write_finding(f"kpis.goals.{kind}", read, count=count, words=words)


def list_kpis(kpis: Published) -> list[dict[str, Any]]:
    """Return the KPIs for the first page, one record each; what is hidden is None."""
    columns = ["goal", "text", "kpi", "measure", "value", "target", "met"]
    table = kpis.frame[[*columns, "value_text", "target_text"]].astype(object)
    return table.where(table.notna(), None).to_dict("records")
