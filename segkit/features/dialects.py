"""Which features' expressions compile for which engine."""

from __future__ import annotations

import ibis
import pandas as pd
from ibis import ir

# Databricks stands for Spark too: Ibis compiles for pyspark only where that is installed.
DIALECTS = ("duckdb", "databricks", "snowflake", "bigquery", "postgres", "trino")


def list_dialects(features: ir.Table) -> pd.DataFrame:
    """List for each feature the dialects of SQL that its expression compiles for.

    ``features`` has ``customer_id`` and a column a feature, not computed yet. No warehouse is
    asked.

    Returns
    -------
    pandas.DataFrame
        One row a feature: ``feature``, and for each dialect "yes" or the reason why not.
    """
    names = [name for name in features.columns if name != "customer_id"]
    found = {"feature": names}
    for dialect in DIALECTS:
        if not (fault := _find_fault(features, dialect)):
            found[dialect] = ["yes"] * len(names)
        else:  # at least one does not; each by itself takes long
            alone = [_find_fault(features.select("customer_id", name), dialect) for name in names]
            found[dialect] = [reason or "yes" for reason in alone]
            assert any(alone), fault
    return pd.DataFrame(found)


def _find_fault(expression: ir.Table, dialect: str) -> str:
    try:
        ibis.to_sql(expression, dialect=dialect)
    except Exception as error:  # each backend has its own
        return str(error).splitlines()[0][:100] or type(error).__name__
    return ""
