"""Rows that repeat an earlier one: its key or, in a table without one, all of it."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from segkit.data.columns import Source
from segkit.data.engine import SqlTables

HASHES_AT_ONCE = 2**27  # a gigabyte


def find_repeats(source: Source, tables: SqlTables) -> None:
    """Create ``repeats_<table>``: ``source_row`` of each, and ``differs`` from the first one.

    A table with a key repeats its key; another one the whole row.
    """
    name, key, on_spark = source.name, source.table.key, tables.spark is not None
    by = key[0] if key else "row_hash"
    group = ", ".join([by, *(() if key else source.columns)])
    rows = f"FROM {f'typed_{name}' if key or on_spark else source.raw} WHERE {by} IS NOT NULL"
    if on_spark:
        rows += f" AND {by} IN (SELECT {by} {rows} GROUP BY {by} HAVING count(*) > 1)"
    else:
        hashed = f"hash({by})" if key else by
        parts = 1 + source.raw_count // HASHES_AT_ONCE
        queries = [
            f"SELECT {hashed} AS h {rows} AND {hashed} % {parts} = {n}" for n in range(parts)
        ]
        twins = np.concatenate([_find_twins(source.con.sql(query)) for query in queries])
        source.con.register("twins", pd.DataFrame({"twin": twins}))
        rows += f" AND {hashed} IN (FROM twins)"
    tables.create(
        f"repeats_{name}",
        f"""SELECT source_row, row_hash <> first_hash AS differs FROM (
            SELECT source_row, row_hash, row_number() OVER earlier AS place,
                first_value(row_hash) OVER earlier AS first_hash {rows}
            WINDOW earlier AS (PARTITION BY {group} ORDER BY source_row)
        ) WHERE place > 1""",
        "VIEW" if on_spark else "TABLE",
    )


def _find_twins(hashes: duckdb.DuckDBPyRelation) -> np.ndarray:
    """Return the hashes that are there twice or more.

    Sorting them takes a fraction of the time and memory of grouping the rows by them.
    """
    in_order = np.sort(hashes.to_arrow_table()["h"].to_numpy())
    return np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
