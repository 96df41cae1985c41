"""Open the tables that a plan names: CSV, Parquet, Excel, or a database.

Every source is copied into DuckDB once, its mapped columns under the contract's names and as they
were found: text stays text, so that 00123 keeps its zeros. The checks convert them later.
"""

from __future__ import annotations

import glob
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from segkit.data import databases
from segkit.data.columns import DataError
from segkit.data.contract import TABLES
from segkit.data.queries import list_query_files
from segkit.data.readers import (
    Staging,
    stage_database,
    stage_excel,
    stage_parquet,
    stage_query,
    stage_text,
)
from segkit.errors import SegkitError, suggest_name
from segkit.plan import Plan, TableSpec

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".tab", ".psv")
PARQUET_ENDINGS = (".parquet", ".pq")
EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


@dataclass(frozen=True)
class Source:
    """One table as it was found, in DuckDB.

    ``raw`` names a relation with ``source_row`` (from 1), ``row_hash`` (of all the source's
    columns) and the mapped columns; ``malformed`` one with ``source_row``, ``line`` and
    ``raw_line``. ``columns`` maps the contract's names to the user's, ``names`` are all of the
    user's.
    """

    name: str
    label: str
    columns: dict[str, str]
    names: tuple[str, ...]
    raw: str
    malformed: str
    raw_count: int
    malformed_count: int
    foreign_lines: int = 0

    @property
    def read(self) -> int:
        """Rows read, malformed lines included."""
        return self.raw_count + self.malformed_count

    def locate(self, column: str) -> str:
        """Return where ``column`` is, for messages: the file and the user's name for it."""
        return f"{self.label}, column '{self.columns.get(column, column)}'"


def open_source(name: str, plan: Plan, con: duckdb.DuckDBPyConnection, folder: Path) -> Source:
    """Copy one of the plan's tables into DuckDB.

    Parameters
    ----------
    name : str
        The table's name in the contract and the plan.
    plan : Plan
        Says where the table is and what its columns are called there.
    con : duckdb.DuckDBPyConnection
        The database that receives it.
    folder : Path
        For temporary copies.

    Raises
    ------
    DataError
        With every fault found in the table's file or columns.
    """
    spec = plan.tables[name]
    label = _label_source(name, spec)
    staging = Staging(name, TABLES[name], spec, label, con, folder)
    con.execute(
        f"CREATE OR REPLACE TABLE {staging.malformed} "
        "(source_row BIGINT, line BIGINT, raw_line VARCHAR)"
    )
    foreign_lines = 0
    try:
        if spec.connection is not None:
            stage_database(staging, plan.folder)
        elif spec.query is not None:
            stage_query(staging, plan)
        else:
            files, kind = find_files(plan, spec)
            if kind == "parquet":
                stage_parquet(staging, files)
            elif kind == "excel":
                stage_excel(staging, files[0])
            else:
                foreign_lines = stage_text(staging, files[0])
    except OSError as error:
        fault = SegkitError(
            "the file cannot be read",
            where=label,
            found=error.strerror or type(error).__name__,
            fix="Check that it exists and that you may read it.",
        )
        raise DataError([fault]) from None
    except DataError:
        raise
    except SegkitError as error:
        raise DataError([error]) from None
    raw_count, malformed_count = (
        con.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]
        for relation in (staging.raw, staging.malformed)
    )
    source = Source(
        name,
        label,
        staging.columns,
        staging.names,
        staging.raw,
        staging.malformed,
        raw_count,
        malformed_count,
        foreign_lines,
    )
    _refuse_unusable(source, staging)
    return source


def _label_source(name: str, spec: TableSpec) -> str:
    if spec.query is not None:
        return f"query of [tables.{name}]"
    return spec.path or f"{databases.mask(spec.connection)}, table '{spec.table}'"


def find_files(plan: Plan, spec: TableSpec) -> tuple[list[Path], str]:
    """Return a table's files in order, and their kind: text, parquet or excel.

    Raises
    ------
    SegkitError
        If there is no such file, or its ending is not known.
    """
    if spec.query is not None:
        return list(list_query_files(plan, spec).values()), "query"
    path = plan.resolve_path(spec.path)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in PARQUET_ENDINGS)
        if not files:
            raise SegkitError(
                "this is a folder without Parquet files",
                where=spec.path,
                fix="Name one CSV or Excel file, or a folder of Parquet files.",
            )
        return files, "parquet"
    if not path.exists() and re.search(r"[*?\[]", spec.path):
        files = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
        if not files:
            raise SegkitError("no file matches this pattern", where=spec.path)
        wrong = [file for file in files if file.suffix.lower() not in PARQUET_ENDINGS]
        if wrong:
            raise SegkitError(
                "a pattern may match Parquet files only", where=spec.path, found=wrong[0].name
            )
        return files, "parquet"
    if not path.exists():
        there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = suggest_name(path.name, there) if there else "Its folder does not exist either."
        raise SegkitError(
            "there is no such file",
            where=spec.path,
            fix=hint if hint.startswith(("Did", "Its")) else "Correct the path in the plan.",
        )
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    for kind, endings in (
        ("text", TEXT_ENDINGS),
        ("parquet", PARQUET_ENDINGS),
        ("excel", EXCEL_ENDINGS),
    ):
        if ending in endings:
            return [path], kind
    raise SegkitError(
        "the kind of file is not known",
        where=spec.path,
        found=repr(path.suffix),
        fix="Use .csv, .tsv, .txt (also .gz), .parquet or .xlsx.",
    )


def _refuse_unusable(source: Source, staging: Staging) -> None:
    if source.read == 0:
        raise DataError(
            [
                SegkitError(
                    "the table has a header but no rows",
                    where=source.label,
                    fix=f"Export it again, or take [tables.{source.name}] out of the plan.",
                )
            ]
        )
    if source.raw_count == 0:
        line, text = staging.con.execute(
            f"SELECT line, raw_line FROM {source.malformed} ORDER BY source_row LIMIT 1"
        ).fetchall()[0]
        raise DataError(
            [
                SegkitError(
                    "no line has as many fields as the header",
                    where=f"{source.label}, line {line}",
                    found=repr(text[:80]),
                    fix="Check the delimiter and the header.",
                )
            ]
        )


def hash_file(path: Path, cache: dict[str, list]) -> str:
    """Return the hash of a file's content; ``cache`` knows files of unchanged size and time."""
    stat = path.stat()
    known = cache.get(str(path))
    if known is None or known[:2] != [stat.st_size, stat.st_mtime_ns]:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "blake2b").hexdigest()[:32]
        known = cache[str(path)] = [stat.st_size, stat.st_mtime_ns, digest]
    return known[2]
