"""Place the customers of a file in the segments of a kept segmentation, inside the engine."""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
import pandas as pd
from ibis import ir

from segkit.core.csvfiles import neutralise_table, neutralise_text
from segkit.core.errors import SegkitError, explain_faults
from segkit.core.files import refuse_to_replace, replace_alone
from segkit.data.engine import open_csv, open_parquet
from segkit.data.places import name_plainly
from segkit.segmentation.documents import read_segmentation

KINDS = (".parquet", ".csv", ".csv.gz")


def score_table(
    segmentation: str | Path, table: str | Path, out: str | Path
) -> tuple[dict[str, int], pd.DataFrame]:
    """Write the customers of ``table`` with their segments to ``out``, whole or not at all.

    Both are Parquet or CSV. The file is streamed through DuckDB, so it may be larger than memory.
    In a CSV only the columns that the segmentation reads become numbers; identifiers stay text. A
    CSV is written as `segkit.core.csvfiles` says, so that no cell runs in a spreadsheet.

    Returns
    -------
    tuple of dict and pandas.DataFrame
        Customers of each segment, and what the fit did not know, see `Segmentation.count_unusual`.

    Raises
    ------
    SegkitError
        If a file cannot be read or written, or lacks a column, or ``out`` is one that is read.
    BusyError
        If another process is writing ``out``.
    """
    model = read_segmentation(segmentation)
    table = Path(table)
    out = Path(out)
    for path in (table, out):
        if not path.name.lower().endswith(KINDS):
            fix = "Name a .parquet, .csv or .csv.gz file."
            raise SegkitError("the kind of this file is not known", where=str(path), fix=fix)
    if not table.is_file():
        raise SegkitError("there is no such file", where=str(table))
    refuse_to_replace(out, files=[table, Path(segmentation)])
    message = "the customers cannot be placed"
    fix = "Mind the file's format, and room and permissions where it is written."
    connection = ibis.duckdb.connect()
    try:
        with (
            explain_faults(message, duckdb.Error, where=table, fix=fix),
            replace_alone(out) as aside,
        ):
            rows = _open(connection, table)
            is_typed = _is_parquet(table)
            if not is_typed:
                numbers = [
                    column
                    for column, kind in model.model.kinds.items()
                    if kind == "number" and column in rows.columns
                ]
                rows = rows.mutate(**{name: rows[name].try_cast("float64") for name in numbers})
            placed = model.assign(rows)
            place = name_plainly(aside.parent) / aside.name
            if _is_parquet(out):
                connection.to_parquet(placed, place)
            else:
                connection.to_csv(neutralise_table(placed, has_kinds=is_typed), place)
            counts = _count_segments(connection, aside)
            unusual = model.count_unusual(rows)
    finally:
        connection.disconnect()
    shown = str if _is_parquet(out) else neutralise_text
    return {s.name: int(counts.get(shown(s.name), 0)) for s in model.segments}, unusual


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _open(connection: ibis.BaseBackend, path: Path) -> ir.Table:
    name = ibis.util.gen_name("opened")
    if _is_parquet(path):
        return open_parquet(connection, path, name)
    return open_csv(connection, path, name)


def _count_segments(connection: ibis.BaseBackend, path: Path) -> pd.Series:
    """Count the customers of each segment in what was written."""
    if _is_parquet(path):
        rows = _open(connection, path)
    else:
        written = name_plainly(path)
        rows = connection.read_csv(written, all_varchar=True, header=True, delim=",", quote='"')
    return rows.segment_name.value_counts(name="n").to_pandas().set_index("segment_name")["n"]
