"""What of the market is missing, and the empty tables to fill."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

import ibis
import pandas as pd

from segkit.contract.market import AXIS_NAMES
from segkit.contract.tables import TABLES
from segkit.core.absence import empty_table
from segkit.core.csvfiles import write_rows_as_csv
from segkit.evidence.market.own import list_own_axes

MARKET_TABLES = ("market_cells", "competitors", "trends")
USUAL_AXES = ("country", "category")


def list_template_columns(name: str, tables: Mapping[str, ibis.Table]) -> list[str]:
    """Return the columns to fill of one market table.

    Of the axes those that our own tables know, for no other can be set beside us; country and
    category, where we know none.
    """
    known = [axis for axis in USUAL_AXES if axis in list_own_axes(tables)] or list(USUAL_AXES)
    columns = TABLES[name].column_names
    return [column for column in columns if column not in AXIS_NAMES or column in known]


def describe_template(tables: Mapping[str, ibis.Table]) -> pd.DataFrame:
    """List the columns of each missing market table: table, column, meaning, unit."""
    columns = ["table", "column", "meaning", "unit"]
    rows = []
    for name in MARKET_TABLES:
        if name in tables:
            continue
        chosen = set(list_template_columns(name, tables))
        rows += [
            (name, column.name, column.meaning, column.unit)
            for column in TABLES[name].columns
            if column.name in chosen
        ]
    if not rows:
        return empty_table(columns, "The plan names every market table, so none is left to fill.")
    return pd.DataFrame(rows, columns=columns)


def write_templates(tables: Mapping[str, ibis.Table], folder: Path) -> list[str]:
    """Write a CSV with the headers of each missing market table; return the files' names."""
    for name, rows in describe_template(tables).groupby("table"):
        folder.mkdir(parents=True, exist_ok=True)
        write_rows_as_csv(folder / f"{name}.csv", rows["column"].tolist())
    return [f"{name}.csv" for name in MARKET_TABLES if name not in tables]


def count_later_rows(tables: Mapping[str, ibis.Table], *, as_of: datetime.date) -> pd.DataFrame:
    """Count the rows of each market table that are of a year after ``as_of``, and are not read.

    The columns are table and later_count; tables without such rows are left out.
    """
    rows = []
    for name in MARKET_TABLES:
        if name in tables and "year" in tables[name].columns:
            is_later = (tables[name].year > as_of.year).fill_null(False)
            count = int(is_later.sum().fill_null(0).execute())
            rows += [(name, count)] if count else []
    if not rows:
        return empty_table(["table", "later_count"], "No figure is of a later year.")
    return pd.DataFrame(rows, columns=["table", "later_count"])
