"""A KPI for each goal, in its own unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from segkit.core.findings import Finding
from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND, find_largest
from segkit.core.privacy import Published, Shape
from segkit.evidence.kpis import AS_GIVEN, GROSS
from segkit.report.shared.numbers import format_money, format_number, format_share
from segkit.report.shared.sentences import write_finding
from segkit.report.shared.views import Column, View, reshape_published

VERDICTS = {"yes": "meets", "no": "misses"}
MONEY_KPIS = {"total_spend", "mean_order_value"}
# The columns of which a KPI sums up the product, a customer.
SUMMED = {
    "total_spend": ("spend_last_365_days",),
    "mean_order_value": ("total_spend",),
    GROSS: ("mean_order_value", "order_count"),
    "orders_per_customer": ("order_count",),
}
KPIS = View(
    Shape("kpis", by=("goal",), adds_up=False, shown=("text", "kpi", "measure", "target")),
    {
        "text": Column("Goal"),
        "measure": Column("Measured by"),
        "value_text": Column("Value"),
        "target_text": Column("Target"),
        "met": Column("Met"),
    },
)


def count_kpis(kpis: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Add ``customer_count``: whom a KPI tells of, all customers or those whom it counts.

    And the largest contributions to the sums that KPIs are, or are made of, for the gate.
    """
    counts = kpis["value"].where(kpis["kpi"] == "active_customers", len(customers))
    counted = kpis.assign(customer_count=counts.fillna(len(customers)))
    names = kpis["kpi"].mask(kpis["measure"] == AS_GIVEN, GROSS)
    counted = counted.join(_list_sums(names, customers, "value"))
    if "gross_value" not in kpis:
        return counted
    names = kpis["gross_value"].notna().map({True: GROSS, False: ""})
    return counted.join(_list_sums(names, customers, "gross_value"))


def _list_sums(kpis: pd.Series, customers: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the sums behind a column of KPIs with their largest contributions, for the gate."""
    sums = [_list_sum(kpi, customers) for kpi in kpis]
    columns = [f"{column}{end}" for end in (OF_A_MEAN, LARGEST, SECOND)]
    return pd.DataFrame(sums, columns=columns, index=kpis.index, dtype=float)


def _list_sum(kpi: str, customers: pd.DataFrame) -> tuple[float, float, float]:
    """Return the sum behind a KPI and its two largest contributions; NaN where there is none."""
    if kpi not in SUMMED or not set(SUMMED[kpi]) <= set(customers):
        return np.nan, np.nan, np.nan
    amounts = customers[list(SUMMED[kpi])].astype(float).prod(axis=1, skipna=False)
    return amounts.sum(), *find_largest(amounts)


def write_kpis(kpis: Published) -> Published:
    """Add ``value_text`` and ``target_text``, written in the measure's own unit."""
    texts = {}
    for column in ("value", "target"):
        pairs = zip(kpis.frame["kpi"], kpis.frame[column], strict=True)
        texts[f"{column}_text"] = [_write_kpi(kpi, value, kpis.currency) for kpi, value in pairs]
    return reshape_published(kpis, kpis.frame.assign(**texts), KPIS)


def _write_kpi(kpi: str, value: float | None, currency: str) -> str:
    if kpi in MONEY_KPIS:
        return format_money(value, currency)
    if kpi.endswith("_share"):
        return format_share(value)
    return format_number(value, 0 if kpi == "active_customers" else 1)


def state_kpis(kpis: Published) -> list[Finding]:
    """Say of each goal on the mean order value what it is before returns too, and which counts.

    Where one of the two meets the target and the other does not, the sentence says so.
    """
    frame = kpis.frame
    if "gross_value" not in frame:
        return []
    known = frame[frame["gross_value"].notna() & frame["value"].notna()]
    return [_state_order_value(kpis, row) for row in known.to_dict("records")]


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
