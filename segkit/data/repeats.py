"""Rows that repeat an earlier one: its key or, in a table without one, all of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.data.columns import Source, quote
from segkit.data.engine import SqlTables

HASHES_AT_ONCE = 2**26  # half a gigabyte, and as much for the rows' numbers
LAST_BITS = np.uint64(2**20 - 1)


def find_repeats(source: Source, tables: SqlTables) -> None:
    """Create ``repeats_<table>``: ``source_row`` of each, and ``differs`` from the first one.

    A table with a key repeats its key; another one the whole row.
    """
    name = source.name
    is_on_spark = tables.spark is not None
    by = "row_hash"
    group = ["row_hash", *source.columns]
    rows = f"FROM {source.raw}"
    if source.table.key:
        (by,) = source.table.key
        group = [by]
    if source.table.key or is_on_spark:
        rows = f"FROM typed_{name}"
    rows += f" WHERE {by} IS NOT NULL"
    if is_on_spark:
        rows += f" AND {by} IN (SELECT {by} {rows} GROUP BY {by} HAVING count(*) > 1)"
    else:
        hashed = f"hash({by})" if source.table.key else by
        source.con.register("twins", find_twins(source, hashed, rows))
        if not source.table.key:  # the hashes need not be worked out again
            own = ", ".join(map(quote, ["source_row", *source.columns]))
            rows = f"FROM (SELECT {own} FROM {source.raw}) JOIN twins USING (source_row)"
        else:
            rows += " AND source_row IN (SELECT source_row FROM twins)"
    tables.create(
        f"repeats_{name}",
        f"""SELECT source_row, row_hash <> first_hash AS differs FROM (
            SELECT source_row, row_hash, row_number() OVER earlier AS place,
                first_value(row_hash) OVER earlier AS first_hash {rows}
            WINDOW earlier AS (PARTITION BY {", ".join(group)} ORDER BY source_row)
        ) WHERE place > 1""",
        "VIEW" if is_on_spark else "TABLE",
    )


def find_twins(source: Source, hashed: str, rows: str) -> pd.DataFrame:
    """Return ``source_row`` and ``row_hash`` of rows whose hash is there twice or more.

    Sorting hashes takes a fraction of the time and memory of grouping the rows by them. Those of a
    large table are sorted in parts, by their remainder.
    """
    part_count = 1 + source.raw_count // HASHES_AT_ONCE
    twins = []
    for part in range(part_count):
        query = f"SELECT source_row, {hashed} AS row_hash {rows}"
        if part_count > 1:
            query += f" AND {hashed} % {part_count} = {part}"
        found = source.con.sql(query).to_arrow_table()
        hashes = found["row_hash"].to_numpy()
        in_order = np.sort(hashes)
        repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
        places = _find_places(hashes, repeated)
        twins.append(found.take(places).to_pandas())
    return pd.concat(twins)


def _find_places(hashes: np.ndarray, sought: np.ndarray) -> np.ndarray:
    """Return where among hashes one of the sought is; most are told apart by their last bits."""
    if not len(sought):
        return np.empty(0, np.int64)
    ends = np.zeros(LAST_BITS + 1, bool)
    ends[sought & LAST_BITS] = True
    near = np.flatnonzero(ends[hashes & LAST_BITS])
    return near[np.isin(hashes[near], sought)]
