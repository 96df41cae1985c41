"""One part of the customers after the other, where memory is short."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
from ibis import ir

# What the sums of one order line take at most, and the share of the memory that they may take.
LINE_BYTES, MEMORY_SHARE = 160, 0.6
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def count_parts(lines: ir.Table) -> int:
    """Return the number of parts that keeps the sums of all lines within DuckDB's memory limit.

    Any other engine looks after its memory itself, and gets all customers in one part.
    """
    connection = lines.get_backend()
    if connection.name != "duckdb":
        return 1
    query = "SELECT current_setting('memory_limit')"
    number, unit = re.fullmatch(
        r"([\d.]+)\s*(\w+)", connection.con.sql(query).fetchall()[0][0]
    ).groups()
    limit = float(number) * _UNITS[unit] * MEMORY_SHARE
    return max(math.ceil(lines.count().execute() * LINE_BYTES / limit), 1)


def fetch(table: ir.Table) -> pd.DataFrame:
    """Return a table of the engine as a DataFrame, by way of Arrow.

    ``Table.to_pandas`` makes a Python object of each value in a column with nulls.
    """
    return table.to_pyarrow().to_pandas(date_as_object=False)


def collect_customers(
    build: Callable[[Mapping[str, ir.Table]], ir.Table],
    tables: Mapping[str, ir.Table],
    *,
    parts: int | None = None,
) -> pd.DataFrame:
    """Run what ``build`` makes of the tables, one part of the customers after the other.

    What is built must have a row a customer, worked out from the customer's own rows only. For more
    than one part the order lines are first written to a temporary folder, in a file a part, so
    that each is read once more and not as often as there are parts; they are gone afterwards.
    """
    lines = tables["order_lines"]
    parts = parts or count_parts(lines)
    if parts == 1:
        return fetch(build(tables))
    connection, frames = lines.get_backend(), []
    with tempfile.TemporaryDirectory() as folder:
        numbered = lines.mutate(part_=(lines.customer_id.hash() % parts).abs())
        connection.to_parquet(numbered, folder, partition_by="part_")
        for path in sorted(Path(folder).glob("part_=*")):
            part = connection.read_parquet(f"{path}/*.parquet", hive_partitioning=False)
            frames.append(fetch(build({**tables, "order_lines": part})))
    return pd.concat(frames, ignore_index=True)
