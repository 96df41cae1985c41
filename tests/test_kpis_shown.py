"""KPIs as they are shown: each in its own unit, and about whom."""

from __future__ import annotations

import pandas as pd
from published import publish

from segkit.report import kpis


def make_kpis(**values: float | None) -> pd.DataFrame:
    rows = [(name, name, name, name, value, 1.0, "no") for name, value in values.items()]
    columns = ["goal", "text", "kpi", "measure", "value", "target", "met"]
    return pd.DataFrame(rows, columns=columns)


CUSTOMERS = pd.DataFrame({"customer_id": range(100)})


def test_each_kpi_is_written_in_its_own_unit():
    table = make_kpis(total_spend=12.5, repeat_share=0.5, resolution_hours=9.25, open_share=None)
    shown = publish(kpis.count_kpis(table, CUSTOMERS), kpis.KPIS)
    written = kpis.write_kpis(shown).frame
    assert written["value_text"].str.replace("\u202f", " ").tolist() == [
        "EUR 12.50",
        "50.0%",
        "9.25 hours",
        "–",
    ]
    assert written["target_text"].tolist()[1] == "100.0%"


def test_a_kpi_that_counts_few_customers_is_not_shown():
    table = make_kpis(active_customers=3.0, repeat_share=0.5)
    shown = kpis.write_kpis(publish(kpis.count_kpis(table, CUSTOMERS), kpis.KPIS))
    first, other = kpis.list_kpis(shown)
    assert first["value"] is first["met"] is None
    assert first["value_text"] == "–"
    assert first["target"] == 1.0
    assert other["value"] == 0.5
