"""Place the customers of a file in the segments of a kept segmentation, inside the engine."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import ibis
from ibis import expr as ir

from segkit.errors import SegkitError
from segkit.segments.segmentation import Segmentation, read_segmentation

KINDS = (".parquet", ".csv", ".csv.gz")


def score_table(segmentation: str | Path, table: str | Path, out: str | Path) -> dict[str, int]:
    """Write a customer table with each customer's segment.

    The file is streamed through DuckDB, so it may be larger than memory. In a CSV only the columns
    that the segmentation reads become numbers; identifiers stay text.

    Parameters
    ----------
    segmentation : path
        The JSON document of a fitted segmentation.
    table : path
        One row a customer with the columns that the segmentation reads: Parquet or CSV.
    out : path
        Parquet or CSV to write, whole or not at all.

    Returns
    -------
    dict of str to int
        Customers of each segment.

    Raises
    ------
    SegkitError
        If a file cannot be read or written, or lacks a column.
    """
    model, table, out = read_segmentation(segmentation), Path(table), Path(out)
    for path in (table, out):
        if not path.name.lower().endswith(KINDS):
            fix = "Name a .parquet, .csv or .csv.gz file."
            raise SegkitError("the kind of this file is not known", where=str(path), fix=fix)
    if not table.is_file():
        raise SegkitError("there is no such file", where=str(table))
    aside = out.with_name(f".partial-{out.name}")
    connection = ibis.duckdb.connect()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        placed = model.assign(_open_table(connection, table, model))
        if out.suffix.lower() == ".parquet":
            connection.to_parquet(placed, aside)
        else:
            connection.to_csv(placed, aside)
        written = _open_written(connection, aside)
        counts = written.group_by("segment_name").agg(n=written.count()).to_pandas()
        os.replace(aside, out)
    except (duckdb.Error, OSError) as error:
        lines = str(error).splitlines()
        raise SegkitError(
            "the customers cannot be placed",
            where=str(table),
            found=(lines[0] if lines else type(error).__name__)[:300],
            fix="Mind the file's format, and room and permissions where it is written.",
        ) from None
    finally:
        connection.disconnect()
        aside.unlink(missing_ok=True)
    found = dict(zip(counts["segment_name"], counts["n"].astype(int).tolist(), strict=True))
    return {segment.name: found.get(segment.name, 0) for segment in model.segments}


def _open_table(
    connection: ibis.BaseBackend, path: Path, model: Segmentation
) -> ir.types.relations.Table:
    if path.suffix.lower() == ".parquet":
        return connection.read_parquet(path)
    table = connection.read_csv(path, all_varchar=True)
    numbers = [column for column in model.columns if column in table.columns]
    return table.mutate(**{name: table[name].try_cast("float64") for name in numbers})


def _open_written(connection: ibis.BaseBackend, path: Path) -> ir.types.relations.Table:
    if path.name.lower().endswith(".parquet"):
        return connection.read_parquet(path)
    return connection.read_csv(path, all_varchar=True)
