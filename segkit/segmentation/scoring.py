"""Place the customers of a file in the segments of a kept segmentation, inside the engine."""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
import pandas as pd
from ibis import ir

from segkit.core.errors import SegkitError, explain_faults
from segkit.core.files import replace_whole
from segkit.data.engine import open_csv, open_parquet
from segkit.data.places import name_plainly
from segkit.segmentation.documents import read_segmentation

KINDS = (".parquet", ".csv", ".csv.gz")


def score_table(
    segmentation: str | Path, table: str | Path, out: str | Path
) -> tuple[dict[str, int], pd.DataFrame]:
    """Write the customers of ``table`` with their segments to ``out``, whole or not at all.

    Both are Parquet or CSV. The file is streamed through DuckDB, so it may be larger than memory.
    In a CSV only the columns that the segmentation reads become numbers; identifiers stay text.

    Returns
    -------
    tuple of dict and pandas.DataFrame
        Customers of each segment, and what the fit did not know, see `Segmentation.count_unusual`.

    Raises
    ------
    SegkitError
        If a file cannot be read or written, or lacks a column.
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
    message = "the customers cannot be placed"
    fix = "Mind the file's format, and room and permissions where it is written."
    connection = ibis.duckdb.connect()
    try:
        with (
            explain_faults(message, duckdb.Error, where=table, fix=fix),
            replace_whole(out) as aside,
        ):
            rows = _open(connection, table)
            if table.suffix.lower() != ".parquet":
                numbers = [
                    column
                    for column, kind in model.model.kinds.items()
                    if kind == "number" and column in rows.columns
                ]
                rows = rows.mutate(**{name: rows[name].try_cast("float64") for name in numbers})
            placed = model.assign(rows)
            place = name_plainly(aside.parent) / aside.name
            if out.suffix.lower() == ".parquet":
                connection.to_parquet(placed, place)
            else:
                connection.to_csv(placed, place)
            names = _open(connection, aside).segment_name.value_counts(name="n").to_pandas()
            unusual = model.count_unusual(rows)
    finally:
        connection.disconnect()
    counts = names.set_index("segment_name")["n"]
    return {s.name: int(counts.get(s.name, 0)) for s in model.segments}, unusual


def _open(connection: ibis.BaseBackend, path: Path) -> ir.Table:
    name = ibis.util.gen_name("opened")
    if path.suffix.lower() == ".parquet":
        return open_parquet(connection, path, name)
    return open_csv(connection, path, name)
