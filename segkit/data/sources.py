"""Open the tables that a plan names: text, Parquet, Excel, a database, or a query over files.

Every source gets its mapped columns under the contract's names, as they were found: text stays
text, so that 00123 keeps its zeros. The checks convert them later. Parquet is read where it lies;
any other source is copied into DuckDB once.
"""

from __future__ import annotations

import csv
import itertools
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
from python_calamine import CalamineError, CalamineWorkbook

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError, suggest_name
from segkit.data.columns import Source, mask_passwords, quote, text_literal
from segkit.data.inputs import ENDINGS, find_files
from segkit.data.textfiles import open_text, split_records
from segkit.plan.models import Plan

BATCH_ROWS = 100_000


def open_source(name: str, plan: Plan, con: duckdb.DuckDBPyConnection, folder: Path) -> Source:
    """Copy one of the plan's tables into DuckDB; ``folder`` is for temporary copies.

    Raises
    ------
    SegkitError
        With what is wrong with the file; a DataError with every fault of the columns.
    """
    spec = plan.tables[name]
    label = spec.path or f"{mask_passwords(spec.connection or '')}, table '{spec.table}'"
    if spec.query is not None:
        label = f"query of [tables.{name}]"
    source = Source(TABLES[name], spec, label, con)
    con.execute(
        f"CREATE TABLE {source.malformed} (source_row BIGINT, line BIGINT, raw_line VARCHAR)"
    )
    try:
        files, kind = find_files(plan, spec)
        if kind == "database":
            _read_database(source, plan)
        elif kind in ("parquet", "query"):
            {"parquet": _read_parquet, "query": _read_query}[kind](source, files)
        else:
            {"text": _read_text, "excel": _read_excel}[kind](source, files[0], folder)
    except (OSError, EOFError, zlib.error) as error:  # the last two of a broken gzip file
        fix = "Check that it is there and whole, and that you may read it."
        found = getattr(error, "strerror", None) or error
        raise source.fail("the file cannot be read", found, fix) from None
    if source.read == 0:
        fix = f"Export it again, or take [tables.{name}] out of the plan."
        raise source.fail("the table has a header but no rows", fix=fix)
    if source.raw_count == 0:
        line, text = con.execute(f"SELECT line, raw_line FROM {source.malformed}").fetchall()[0]
        source.label += f", line {line}"
        fix = "Check the delimiter and the header."
        raise source.fail("no line has as many fields as the header", repr(text[:80]), fix)
    return source


def _read_text(source: Source, path: Path, folder: Path) -> None:
    spec = source.spec
    wanted = [spec.columns.get(name) or name for name in source.table.column_names]
    file = open_text(path, source.label, wanted, spec.delimiter, spec.encoding)
    source.match(file.names)
    if file.encoding == "utf-8" and file.starts_with_header:
        cells = [f"c{index}" for index in range(len(file.names))]
        try:
            source.keep(_read_csv(path, cells, "true", file.delimiter), file.names, cells)
            if source.raw_count == file.count_lines() - 1:
                return
        except duckdb.Error:
            pass  # a line is broken, or in another encoding
    records = split_records(file.read_lines(), file.delimiter, len(file.names))
    next(records, None)  # the header
    _keep_records(source, file.names, records, folder)
    source.foreign_lines = file.foreign_lines


def _keep_records(source: Source, names: Sequence[str], records: Iterable, folder: Path) -> None:
    """Keep numbered records, and apart from them those without fields, which are broken."""
    good, bad = (folder / f"{source.name}.{kind}.csv" for kind in ("good", "bad"))
    options = {"mode": "w", "encoding": "utf-8", "newline": ""}
    with good.open(**options) as good_stream, bad.open(**options) as bad_stream:
        style = {"lineterminator": "\n", "quoting": csv.QUOTE_NONNUMERIC}
        write_good = csv.writer(good_stream, **style).writerow
        write_bad = csv.writer(bad_stream, **style).writerow
        for number, (line, fields, text) in enumerate(records, start=1):
            if fields is not None:
                write_good([number, *fields])
            else:
                write_bad([number, line, text])
                source.malformed_count += 1
    cells = ["source_row", *(f"c{index}" for index in range(len(names)))]
    source.keep(_read_csv(good, cells), names, cells)
    lines = _read_csv(bad, ["source_row", "line", "raw_line"])
    source.con.execute(f"INSERT INTO {source.malformed} FROM {lines}")
    good.unlink()
    bad.unlink()


def _read_csv(path: Path, cells: Sequence[str], header: str = "false", delimiter: str = ",") -> str:
    kinds = ("BIGINT" if cell == "source_row" else "VARCHAR" for cell in cells)
    columns = ", ".join(f"'{cell}': '{kind}'" for cell, kind in zip(cells, kinds, strict=True))
    return (
        f"read_csv({text_literal(path)}, header={header}, delim={text_literal(delimiter)}, "
        f"""quote='"', escape='"', auto_detect=false, strict_mode=true, columns={{{columns}}})"""
    )


def _read_excel(source: Source, path: Path, folder: Path) -> None:
    """Read one sheet of an Excel file, every cell as text."""
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheets = workbook.sheet_names
            sheet = source.spec.sheet or sheets[0]
            if sheet not in sheets:
                hint = suggest_name(sheet, sheets)
                raise source.fail(f"there is no sheet '{sheet}'", ", ".join(sheets), hint)
            rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=True)
    except CalamineError as error:
        fix = "Save it again as .xlsx, or rename it to what it is."
        message = "this is not an Excel file, although it is named so"
        raise source.fail(message, error, fix) from None
    if not rows:
        raise source.fail("the sheet is empty", f"sheet '{sheet}'")
    texts = (list(map(show_cell, row)) for row in rows)
    names = [name.strip() for name in next(texts)]
    source.match(names)
    _keep_records(source, names, ((0, row, "") for row in texts if any(row)), folder)


def show_cell(value: object) -> str:
    """Return an Excel cell as text; a whole number without its point.

    Examples
    --------
    >>> show_cell(17850.0), show_cell(2.5), show_cell(True), show_cell(None)
    ('17850', '2.5', 'true', '')
    """
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _read_parquet(source: Source, files: list[Path]) -> None:
    con, paths = source.con, f"[{', '.join(map(text_literal, files))}]"
    relation = f"read_parquet({paths}, union_by_name=true)"
    try:
        query = f"SELECT file_name, num_rows FROM parquet_file_metadata({paths})"
        rows = dict(con.execute(query).fetchall())
        before = [0, *itertools.accumulate(rows[str(path)] for path in files)]
        row = (
            f"{before}[file_index::BIGINT + 1] + file_row_number + 1"
            if files[1:]
            else "file_row_number + 1"
        )
        source.keep(relation, con.sql(f"FROM {relation}").columns, row=row)
    except duckdb.Error as error:
        fix = "Export it again, whole, or rename it to what it is."
        raise source.fail("this is not a whole Parquet file", error, fix) from None


def _read_query(source: Source, files: list[Path]) -> None:
    """Run a query over files; in text files every column is text, so identifiers keep zeros."""
    views = []
    for name, path in zip(source.spec.files, files, strict=True):
        text = text_literal(path)
        is_parquet = path.suffix.lower() in ENDINGS["parquet"]
        reader = f"read_parquet({text})" if is_parquet else f"read_csv({text}, all_varchar=true)"
        views.append(f"{quote(name)} AS (FROM {reader})")
    relation = f"(WITH {', '.join(views)} SELECT * FROM ({source.spec.query}))"
    try:
        source.keep(relation, source.con.sql(f"FROM {relation}").columns)
    except duckdb.Error as error:
        fix = "Mend the query in the plan; in text files every column is text."
        raise source.fail("the query cannot be run", error, fix) from None


def _read_database(source: Source, plan: Plan) -> None:
    """Read a database's table: a DuckDB file's as it is, any other's through Ibis in batches."""
    con, address = source.con, source.spec.connection
    schema, _, name = source.spec.table.rpartition(".")
    scheme, _, rest = address.partition("://")
    if scheme in ("duckdb", "sqlite"):
        path = plan.resolve_path(rest.split("?")[0])
        if not path.is_file():
            raise source.fail("there is no such database file", path)
        address = f"{scheme}://{path}"
    backend = None if scheme == "duckdb" else _connect(source, address, scheme)
    try:
        if backend is None:
            con.execute(f"ATTACH {text_literal(path)} AS attached (READ_ONLY)")
            query = "SELECT table_schema, table_name FROM information_schema.tables"
            there = con.execute(f"{query} WHERE table_catalog = 'attached'").fetchall()
            names = [table for place, table in there if place == (schema or "main")]
        else:
            place = {"database": schema} if schema else {}
            names = backend.list_tables(**place)
        if name not in names:
            found, hint = ", ".join(sorted(names)) or "no tables", suggest_name(name, names)
            raise source.fail(f"the database has no table '{name}'", found, hint)
        relation = f"attached.{quote(schema or 'main')}.{quote(name)}"
        if backend is not None:
            rows, relation = backend.table(name, **place), "incoming"
            con.register(relation, rows.to_pyarrow_batches(chunk_size=BATCH_ROWS))
        source.keep(relation, con.sql(f"FROM {relation}").columns)
    except SegkitError:
        raise
    except Exception as error:  # each driver has its own
        fix = "Check the rights of the user, and the types of the table's columns."
        raise source.fail("the database's table cannot be read", error, fix) from None
    finally:
        con.execute("DETACH DATABASE IF EXISTS attached")
        if backend is not None:
            backend.disconnect()


def _connect(source: Source, address: str, scheme: str) -> Any:
    import ibis  # takes half a second, for which files need not wait

    try:
        return ibis.connect(address)
    except Exception as error:  # each driver has its own
        fix = "Write it like postgres://user@host/database, sqlite://file or duckdb://file. "
        fix += f"The driver comes with: pip install 'ibis-framework[{scheme}]'."
        raise source.fail("the database does not answer", error, fix) from None
