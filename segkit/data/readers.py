"""Copy a CSV, Parquet or Excel file, or a database's table, into DuckDB as it was found."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from python_calamine import CalamineError, CalamineWorkbook

from segkit.data import databases
from segkit.data.columns import DataError, match_columns, quote, text_literal
from segkit.data.contract import Table
from segkit.data.queries import run_query
from segkit.data.textfiles import TextFile, clean_text, open_text
from segkit.errors import SegkitError, suggest_name
from segkit.plan import Plan, TableSpec


@dataclass
class Staging:
    """What all readers need: where to read to, and for which table."""

    name: str
    table: Table
    spec: TableSpec
    label: str
    con: duckdb.DuckDBPyConnection
    folder: Path
    columns: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def raw(self) -> str:
        return f"raw_{self.name}"

    @property
    def malformed(self) -> str:
        return f"malformed_{self.name}"

    @property
    def wanted(self) -> list[str]:
        mapped = self.spec.columns
        return [mapped.get(name) or name for name in self.table.column_names]

    def match(self, names: Sequence[str]) -> None:
        """Match the source's columns with the contract's, or raise all that is wrong."""
        self.names = tuple(names)
        self.columns, faults = match_columns(self.table, self.spec, names, self.label)
        if faults:
            raise DataError(faults)

    def select(self, positions: dict[str, str], every: Sequence[str]) -> str:
        """Return the SQL select list; ``positions`` maps the user's names to relation columns."""
        hashed = ", ".join(quote(name) for name in every)
        kept = [f"{quote(positions[theirs])} AS {ours}" for ours, theirs in self.columns.items()]
        return ", ".join([f"hash({hashed}) AS row_hash", *kept])


def stage_text(staging: Staging, path: Path) -> int:
    """Read a text file; return its lines that were in a foreign encoding."""
    spec = staging.spec
    file = open_text(
        path,
        label=staging.label,
        folder=staging.folder,
        wanted=staging.wanted,
        delimiter=spec.delimiter,
        encoding=spec.encoding,
    )
    staging.match(file.names)
    cells = [f"c{index}" for index in range(len(file.names))]
    positions = dict(zip(file.names, cells, strict=True))
    if not (file.starts_with_header and _stage_clean(staging, file, cells, positions)):
        good = staging.folder / f"{staging.name}.good.csv"
        bad = staging.folder / f"{staging.name}.bad.csv"
        clean_text(file, good, bad)
        reading = _read_csv(good, ["source_row", *cells], header=False)
        staging.con.execute(
            f"CREATE OR REPLACE TABLE {staging.raw} AS SELECT source_row::BIGINT AS source_row, "
            f"{staging.select(positions, cells)} FROM {reading}"
        )
        reading = _read_csv(bad, ["source_row", "line", "raw_line"], header=False)
        staging.con.execute(f"INSERT INTO {staging.malformed} SELECT * FROM {reading}")
        good.unlink()
        bad.unlink()
    if file.path != path:
        file.path.unlink()
    return file.foreign_lines


def _stage_clean(
    staging: Staging, file: TextFile, cells: list[str], positions: dict[str, str]
) -> bool:
    """Read the file as it is; return whether every one of its lines became a row."""
    reading = _read_csv(file.path, cells, header=True, delimiter=file.delimiter)
    try:
        _create_numbered(staging, f"SELECT {staging.select(positions, cells)} FROM {reading}")
    except duckdb.Error:
        return False
    count = staging.con.execute(f"SELECT count(*) FROM {staging.raw}").fetchall()[0][0]
    return count == file.line_count - 1


def _read_csv(path: Path, cells: Sequence[str], *, header: bool, delimiter: str = ",") -> str:
    columns = ", ".join(f"'{cell}': 'VARCHAR'" for cell in cells)
    return (
        f"read_csv({text_literal(path)}, header={header}, delim={text_literal(delimiter)}, "
        f"""quote='"', escape='"', auto_detect=false, strict_mode=true, columns={{{columns}}})"""
    )


def _create_numbered(staging: Staging, query: str) -> None:
    """Keep a query's rows in order and number them from 1 in a view."""
    staging.con.execute(f"CREATE OR REPLACE TABLE kept_{staging.name} AS {query}")
    staging.con.execute(
        f"CREATE OR REPLACE TEMP VIEW {staging.raw} AS "
        f"SELECT rowid + 1 AS source_row, * FROM kept_{staging.name}"
    )


def stage_parquet(staging: Staging, files: list[Path]) -> None:
    """Read Parquet files as one table, in the order given."""
    for file in files:
        with file.open("rb") as stream:
            if stream.read(4) != b"PAR1":
                raise SegkitError(
                    "this is not a Parquet file, although it is named so",
                    where=f"{staging.label}, {file.name}" if len(files) > 1 else staging.label,
                    fix="Export it again, or rename it to what it is.",
                )
    listing = "[" + ", ".join(text_literal(file) for file in files) + "]"
    reading = f"read_parquet({listing}, union_by_name=true)"
    try:
        names = [row[0] for row in staging.con.execute(f"DESCRIBE FROM {reading}").fetchall()]
        staging.match(names)
        positions = dict(zip(names, names, strict=True))
        _create_numbered(staging, f"SELECT {staging.select(positions, names)} FROM {reading}")
    except duckdb.Error as error:
        raise SegkitError(
            "the Parquet file is broken",
            where=staging.label,
            found=str(error).splitlines()[0][:200].rstrip("."),
            fix="Export it again, whole.",
        ) from None


def stage_excel(staging: Staging, path: Path) -> None:
    """Read one sheet of an Excel file, every cell as text."""
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheets = workbook.sheet_names
            sheet = staging.spec.sheet or sheets[0]
            if sheet not in sheets:
                raise SegkitError(
                    f"there is no sheet '{sheet}'",
                    where=staging.label,
                    found=", ".join(sheets),
                    fix=suggest_name(sheet, sheets),
                )
            rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=True)
    except CalamineError as error:
        raise SegkitError(
            "this is not an Excel file, although it is named so",
            where=staging.label,
            found=str(error)[:200].rstrip("."),
            fix="Save it again as .xlsx, or rename it to what it is.",
        ) from None
    if not rows:
        raise SegkitError("the sheet is empty", where=f"{staging.label}, sheet '{sheet}'")
    names = [show_cell(cell).strip() for cell in rows[0]]
    staging.match(names)
    cells = [f"c{index}" for index in range(len(names))]
    good = staging.folder / f"{staging.name}.good.csv"
    with good.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        for number, row in enumerate(rows[1:], start=1):
            texts = [show_cell(cell) for cell in row]
            if any(texts):
                writer.writerow([number, *texts])
    reading = _read_csv(good, ["source_row", *cells], header=False)
    positions = dict(zip(names, cells, strict=True))
    staging.con.execute(
        f"CREATE OR REPLACE TABLE {staging.raw} AS SELECT source_row::BIGINT AS source_row, "
        f"{staging.select(positions, cells)} FROM {reading}"
    )
    good.unlink()


def stage_query(staging: Staging, plan: Plan) -> None:
    """Run the query of a plan's table over its files."""
    incoming = f"incoming_{staging.name}"
    names = run_query(staging.con, plan, staging.spec, target=incoming, label=staging.label)
    staging.match(names)
    positions = dict(zip(names, names, strict=True))
    _create_numbered(staging, f"SELECT {staging.select(positions, names)} FROM {incoming}")
    staging.con.execute(f"DROP TABLE {incoming}")


def stage_database(staging: Staging, folder: Path) -> None:
    """Read a database's table; ``folder`` is where the paths of database files start."""
    spec = staging.spec
    incoming = f"incoming_{staging.name}"
    names = databases.copy_table(
        spec.connection or "",
        spec.table or "",
        into=staging.con,
        target=incoming,
        folder=folder,
        label=staging.label,
    )
    staging.match(names)
    positions = dict(zip(names, names, strict=True))
    _create_numbered(staging, f"SELECT {staging.select(positions, names)} FROM {incoming}")
    staging.con.execute(f"DROP TABLE {incoming}")


def show_cell(value: object) -> str:
    """Return an Excel cell as text; a whole number without its point.

    Examples
    --------
    >>> show_cell(17850.0), show_cell(2.5), show_cell(True), show_cell(None)
    ('17850', '2.5', 'true', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
