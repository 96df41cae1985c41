"""What a missing table could have answered, and where to find it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import ibis
import pandas as pd

from segkit.contract.tables import TABLES

# The tables that tell what customers buy, do, ask for and say.
EXPERIENCE_TABLES = (
    "order_lines",
    "products",
    "messages",
    "events",
    "tickets",
    "ticket_events",
    "responses",
    "deals",
    "deal_stages",
    "contracts",
)


def describe_missing(tables: Mapping[str, ibis.Table], names: Collection[str]) -> pd.DataFrame:
    """Say of each named table: state (missing, empty, there), row_count, answers and collect."""
    rows = []
    for name in names:
        count = int(tables[name].count().execute()) if name in tables else 0
        state = "missing"
        if name in tables:
            state = "there" if count else "empty"
        rows.append(
            {
                "table": name,
                "state": state,
                "row_count": count,
                "answers": TABLES[name].answers,
                "collect": TABLES[name].collect,
            }
        )
    return pd.DataFrame(rows, columns=["table", "state", "row_count", "answers", "collect"])
