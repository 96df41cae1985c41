"""Rows that repeat an earlier one: its key or, in a table without one, all of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.data.columns import Source
from segkit.data.engine import SqlTables

HASHES_AT_ONCE = 2**27  # a gigabyte


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
        twins = find_twins(source, hashed, rows)
        source.con.register("twins", pd.DataFrame({"twin": twins}))
        rows += f" AND {hashed} IN (FROM twins)"
    tables.create(
        f"repeats_{name}",
        f"""SELECT source_row, row_hash <> first_hash AS differs FROM (
            SELECT source_row, row_hash, row_number() OVER earlier AS place,
                first_value(row_hash) OVER earlier AS first_hash {rows}
            WINDOW earlier AS (PARTITION BY {", ".join(group)} ORDER BY source_row)
        ) WHERE place > 1""",
        "VIEW" if is_on_spark else "TABLE",
    )


def find_twins(source: Source, hashed: str, rows: str) -> np.ndarray:
    """Return the hashes that are there twice or more.

    Sorting them takes a fraction of the time and memory of grouping the rows by them. Those of a
    large table are sorted in parts, by their remainder.
    """
    part_count = 1 + source.raw_count // HASHES_AT_ONCE
    twins = []
    for part in range(part_count):
        query = f"SELECT {hashed} AS h {rows} AND {hashed} % {part_count} = {part}"
        in_order = np.sort(source.con.sql(query).to_arrow_table()["h"].to_numpy())
        is_repeated = in_order[1:] == in_order[:-1]
        twins.append(np.unique(in_order[1:][is_repeated]))
    return np.concatenate(twins)
