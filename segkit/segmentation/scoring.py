"""Place the customers of a file in the segments of a kept segmentation, inside the engine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import duckdb
import ibis
import pandas as pd
from ibis import ir

from segkit.core.csvfiles import neutralise_table, neutralise_text
from segkit.core.errors import SegkitError, explain_faults
from segkit.core.files import refuse_to_replace, replace_alone
from segkit.core.leftovers import prefix_folder
from segkit.data.engine import open_csv, open_parquet
from segkit.data.input_hashes import ENDINGS, name_kind
from segkit.data.notices import Notice
from segkit.data.places import name_plainly, open_room
from segkit.data.scored_files import open_scored
from segkit.plan.models import TableSpec
from segkit.segmentation.documents import Segmentation, read_segmentation

OUT_KINDS = (".parquet", ".csv", ".csv.gz")


class Scored(NamedTuple):
    """Customers of each segment, what the fit did not know, and what was noticed on reading.

    ``unusual`` is that of `Segmentation.count_unusual`, with ``unreadable_count`` beside it: values
    that are there but are not what the column is; they count as missing too. ``notices`` has rule,
    severity, row_count, reason and treatment, as the quality table.
    """

    segments: dict[str, int]
    unusual: pd.DataFrame
    notices: pd.DataFrame


def score_table(
    segmentation: str | Path, table: str | Path, out: str | Path, *, spec: TableSpec | None = None
) -> Scored:
    """Write the customers of ``table`` with their segments to ``out``, whole or not at all.

    The table is read as the checks read one: text in any encoding, delimiter and decimal mark, also
    gzipped, Excel or Parquet, with the same words for yes, no and nothing. A value that cannot be
    read is missing. Columns have the names that the segmentation has for them. Identifiers keep
    their zeros. Parquet is streamed through DuckDB, and anything else by way of the disk, so the
    file may be larger than memory. The result is Parquet or CSV; a CSV is written as
    `segkit.core.csvfiles` says, so that no cell runs in a spreadsheet.

    Parameters
    ----------
    segmentation, table, out : str or Path
    spec : TableSpec, optional
        How the table is written, where that is not found by itself: sheet, encoding, delimiter,
        decimal, date_format and time_zone.

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
    _refuse_kinds(table, out)
    if not table.is_file():
        raise SegkitError("there is no such file", where=str(table))
    refuse_to_replace(out, files=[table, Path(segmentation)])
    message = "the customers cannot be placed"
    fix = "Mind the file's format, and room and permissions where it is written."
    with (
        explain_faults(message, duckdb.Error, where=table, fix=fix),
        replace_alone(out) as aside,
        tempfile.TemporaryDirectory(
            prefix=prefix_folder(), dir=aside.parent, ignore_cleanup_errors=True
        ) as work,
        open_room(Path(work)) as room,
    ):
        connection = ibis.duckdb.connect(room / "work.duckdb")
        try:
            return _place(model, table, aside, connection, spec or TableSpec(path=str(table)))
        finally:
            connection.disconnect()


def _refuse_kinds(table: Path, out: Path) -> None:
    """Raise an error if a file is of a kind that is not read, or not written."""
    name_kind(table, str(table))
    if not out.name.lower().endswith(OUT_KINDS):
        fix = "Name a .parquet, .csv or .csv.gz file."
        raise SegkitError("the kind of file is not known", where=str(out), fix=fix)


def _place(
    model: Segmentation, table: Path, aside: Path, connection: ibis.BaseBackend, spec: TableSpec
) -> Scored:
    """Read the customers, write them with their segments, and count."""
    con = connection.con
    con.execute("SET TimeZone = 'UTC'; PRAGMA disable_checkpoint_on_shutdown")
    view, unreadable, notices = open_scored(
        table, model.model.kinds, con, folder=aside.parent, spec=spec
    )
    rows = connection.table(view)
    placed = model.assign(rows)
    place = name_plainly(aside.parent) / aside.name
    if _is_parquet(aside):
        connection.to_parquet(placed, place)
    else:
        is_typed = table.suffix.lower() in ENDINGS["parquet"]
        connection.to_csv(neutralise_table(placed, has_kinds=is_typed), place)
    counts = _count_segments(connection, aside)
    unusual = model.count_unusual(rows)
    unusual["unreadable_count"] = [unreadable.get(name, 0) for name in unusual["column"]]
    shown = str if _is_parquet(aside) else neutralise_text
    segments = {s.name: int(counts.get(shown(s.name), 0)) for s in model.segments}
    return Scored(segments, unusual, pd.DataFrame(notices, columns=Notice._fields))


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
