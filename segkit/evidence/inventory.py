"""Which tables there are, how fresh and complete they are, and who consented."""

from __future__ import annotations

import datetime

import ibis
import pandas as pd

from segkit.contract.tables import TABLES
from segkit.core.absence import empty_table, is_missing
from segkit.data.consent import settle_consent
from segkit.features.own_features import list_own


def build_inventory(
    tables: dict[str, ibis.Table], counts: pd.DataFrame, *, as_of: datetime.date
) -> pd.DataFrame:
    """Summarise every table of the contract: is it there, how complete, how fresh.

    The columns are table, answers, row_count, column_count, complete_share (filled cells among the
    columns given), first_on, last_on and days_since_last. One aggregate a table runs in the engine.
    """
    rows = []
    accepted = dict(zip(counts["table"], counts["accepted"], strict=True))
    for name in TABLES:
        row = {"table": name, "answers": TABLES[name].answers, "row_count": 0, "column_count": 0}
        if name in tables and accepted.get(name, 0):
            table = tables[name]
            known = [c for c in table.columns if c in TABLES[name].column_names]
            known += list_own(table.columns) if name == "customers" else []
            measures = {f"filled_{c}": table[c].notnull().mean() for c in known}
            days = (c.name for c in TABLES[name].columns if c.kind in ("date", "datetime"))
            day = next(days, None)
            if day in table.columns:
                measures["first_on"] = table[day].min().cast("date")
                measures["last_on"] = table[day].max().cast("date")
            found = table.aggregate(**measures).to_pandas().iloc[0]
            row["row_count"], row["column_count"] = int(accepted[name]), len(known)
            row["complete_share"] = float(found[[f"filled_{c}" for c in known]].mean())
            if day in table.columns and pd.notna(found["last_on"]):
                row["first_on"] = pd.Timestamp(found["first_on"]).date()
                row["last_on"] = pd.Timestamp(found["last_on"]).date()
                row["days_since_last"] = (as_of - row["last_on"]).days
        rows.append(row)
    columns = ["table", "answers", "row_count", "column_count", "complete_share"]
    return pd.DataFrame(rows, columns=[*columns, "first_on", "last_on", "days_since_last"])


def measure_consent(tables: dict[str, ibis.Table], column: str | None) -> pd.DataFrame:
    """Count customers by whether they consented; see `segkit.data.consent` for the rule.

    Returns
    -------
    pandas.DataFrame
        ``answer`` (yes, no, unknown) and ``customer_count``; no rows without such a column.
    """
    if not column or is_missing(tables.get("customers"), column):
        reason = "No consent is recorded, so no list of customers can be exported."
        return empty_table(["answer", "customer_count"], reason)
    settled = settle_consent(tables["customers"], column)
    consent = settled["consent"]
    counts = settled.aggregate(everybody=settled.count(), yes=consent.sum(), no=(~consent).sum())
    everybody, yes, no = (int(count) for count in counts.to_pandas().fillna(0).iloc[0])
    answers = {"yes": yes, "no": no, "unknown": everybody - yes - no}
    return pd.DataFrame(answers.items(), columns=["answer", "customer_count"])
