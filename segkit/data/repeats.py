"""Rows that repeat an earlier one: its key or, in a table without one, all of it."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from segkit.data.columns import Source, quote
from segkit.data.engine import SqlTables

HASHES_AT_ONCE = 2**27  # a gigabyte, as much for the rows' numbers, and as much to sort
BATCH_ROWS = 2**20
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
    large table are fetched in parts, by their remainder.
    """
    part_count = 1 + source.raw_count // HASHES_AT_ONCE
    twins = []
    for part in range(part_count):
        query = f"SELECT source_row, {hashed} AS row_hash {rows}"
        if part_count > 1:
            query += f" AND {hashed} % {part_count} = {part}"
        source_rows, hashes = _fetch_hashes(source.con.sql(query))
        places = _find_places(hashes, _find_repeated(hashes))
        twins.append(pd.DataFrame({"source_row": source_rows[places], "row_hash": hashes[places]}))
    return pd.concat(twins)


def _fetch_hashes(found: duckdb.DuckDBPyRelation) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows' numbers and hashes, however many the source has by now."""
    source_rows = [np.empty(0, np.int64)]
    hashes = [np.empty(0, np.uint64)]
    for batch in found.to_arrow_reader(BATCH_ROWS):
        source_rows.append(batch["source_row"].to_numpy())
        hashes.append(batch["row_hash"].to_numpy())
    return np.concatenate(source_rows), np.concatenate(hashes)


def _find_repeated(hashes: np.ndarray) -> np.ndarray:
    """Return the hashes that are there twice or more."""
    in_order = np.sort(hashes)
    return np.unique(in_order[1:][in_order[1:] == in_order[:-1]])


def _find_places(hashes: np.ndarray, sought: np.ndarray) -> np.ndarray:
    """Return where among hashes one of the sought is; most are told apart by their last bits."""
    if not len(sought):
        return np.empty(0, np.int64)
    ends = np.zeros(LAST_BITS + 1, bool)
    ends[sought & LAST_BITS] = True
    near = np.flatnonzero(ends[hashes & LAST_BITS])
    return near[np.isin(hashes[near], sought)]
