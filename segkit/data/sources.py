"""Open the tables that a plan names: text, Parquet, Excel, a database, or a query over files.

Every source gets its mapped columns under the contract's names, as they were found: text stays
text, so that 00123 keeps its zeros. The checks convert them later. Parquet is read where it lies;
any other source is copied into DuckDB once.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
from python_calamine import CalamineError, CalamineWorkbook

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError, suggest_name
from segkit.data.columns import Source, mask_passwords, quote, text_literal
from segkit.data.engine import open_locked
from segkit.data.failed_cells import count_failed_cells
from segkit.data.input_hashes import find_files, name_kind
from segkit.data.notices import tell_failed
from segkit.data.places import name_plainly
from segkit.data.queries import read_query
from segkit.data.textfiles import DELIMITERS, TextFile, open_text, split_names, split_records
from segkit.data.unread import LINES_SEARCHED, match_header, tell_encoding, tell_sheets, tell_unread
from segkit.plan.models import Plan, TableSpec

BATCH_ROWS = 100_000
LINE_BYTES = 2_000_000  # longer lines are read with a larger buffer


def open_source(name: str, plan: Plan, *, con: duckdb.DuckDBPyConnection, folder: Path) -> Source:
    """Copy one of the plan's tables into DuckDB; ``folder`` is for temporary copies.

    Raises
    ------
    SegkitError
        With what is wrong with the file; a DataError with every fault of the columns.
    """
    spec = plan.tables[name]
    source = Source(TABLES[name], spec, _name_place(name, spec), con)
    source.time_zone = spec.time_zone or plan.time_zone
    source.joins_capitals = plan.policies.join_capitals
    source.arms = plan.campaigns.list_spellings()
    with _explain_reading(source):
        files, kind = find_files(plan, spec)
        if kind == "database":
            _read_database(source, plan, folder)
        elif kind == "query":
            read_query(source, plan, folder)
        else:
            _read_files(source, files, kind, folder)
    source.notices += tell_unread(source)
    if source.read == 0:
        fix = f"Export it again, or take [tables.{name}] out of the plan."
        raise source.fail("the table has a header but no rows", fix=fix)
    if source.raw_count == 0:
        line, text = con.execute(f"SELECT line, raw_line FROM {source.malformed}").fetchall()[0]
        source.label += f", line {line}"
        fix = "Check the delimiter and the header."
        raise source.fail("no line has as many fields as the header", repr(text[:80]), fix)
    return source


def open_file(source: Source, path: Path, folder: Path) -> None:
    """Open one file as a source, as `open_source` does for a plan.

    Raises
    ------
    SegkitError
        With what is wrong with the file.
    """
    with _explain_reading(source):
        _read_files(source, [path], name_kind(path, str(path)), folder)


@contextlib.contextmanager
def _explain_reading(source: Source) -> Iterator[None]:
    """Make room for broken lines, and turn what goes wrong with a file into a message."""
    source.con.execute(
        f"CREATE TABLE {source.malformed} (source_row BIGINT, line BIGINT, raw_line VARCHAR)"
    )
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:  # the last two of a broken gzip file
        fix = "Check that it is there and whole, and that you may read it."
        found = getattr(error, "strerror", None) or error
        raise source.fail("the file cannot be read", found, fix) from None
    except UnicodeError as error:
        fix = "Correct encoding in the plan, or leave it out to have it detected."
        raise source.fail("the file is not in its encoding", error, fix) from None


def _read_files(source: Source, files: list[Path], kind: str, folder: Path) -> None:
    if kind == "parquet":
        _read_parquet(source, files)
    elif kind == "excel":
        _read_excel(source, files[0], folder)
    else:
        _read_text(source, files[0], folder)


def _name_place(name: str, spec: TableSpec) -> str:
    """Return where a table is, for messages."""
    if spec.query is not None:
        return f"query of [tables.{name}]"
    if spec.connection is not None:
        return f"{mask_passwords(spec.connection)}, table '{spec.table}'"
    return spec.path if spec.path is not None else spec.pattern


def _read_text(source: Source, path: Path, folder: Path) -> None:
    spec = source.spec
    wanted = [spec.columns.get(name) or name for name in source.table.column_names]
    file = open_text(path, source.label, wanted, delimiter=spec.delimiter, encoding=spec.encoding)
    match_header(source, file.names, _list_top(file))
    if file.encoding == "utf-8" and file.starts_with_header:
        cells = [f"c{index}" for index in range(len(file.names))]
        try:
            relation = _read_csv(path, cells, has_header=True, delimiter=file.delimiter)
            source.keep(relation, file.names, cells=cells)
            if source.raw_count == file.count_lines() - 1:
                return
        except duckdb.Error:
            pass  # a line is broken, or in another encoding
    records = split_records(file.read_lines(), file.delimiter, len(file.names))
    next(records, None)  # the header
    _keep_records(source, file.names, records, folder)
    source.notices += tell_encoding(file)


def _list_top(file: TextFile) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of the lines below the first, as each delimiter parts them."""
    lines = list(itertools.islice(file.read_lines(), LINES_SEARCHED))[1:]
    for delimiter in dict.fromkeys([file.delimiter, *DELIMITERS]):
        for number, line in enumerate(lines, start=2):
            yield number, split_names(line, delimiter)


def _keep_records(
    source: Source,
    names: Sequence[str],
    records: Iterable,
    folder: Path,
    *,
    number_places: Sequence[int] = (),
) -> None:
    """Keep numbered records, and apart from them those without fields, which are broken.

    After its fields a record has the numbers of the columns at ``number_places``.
    """
    good = folder / f"{source.name}.good.csv"
    bad = folder / f"{source.name}.bad.csv"
    with (
        good.open("w", encoding="utf-8", newline="") as good_stream,
        bad.open("w", encoding="utf-8", newline="") as bad_stream,
    ):
        good_rows = csv.writer(good_stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        bad_rows = csv.writer(bad_stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        longest = 0
        for number, (line, fields, text) in enumerate(records, start=1):
            length = len(text) if fields is None else sum(map(len, fields))
            longest = max(longest, length)
            if fields is not None:
                good_rows.writerow([number, *fields])
            else:
                bad_rows.writerow([number, line, text])
                source.malformed_count += 1
    cells = ["source_row", *(f"c{index}" for index in range(len(names)))]
    numbers = {f"c{place}": f"n{place}" for place in number_places}
    # A sign may take four bytes, and a quote is written twice.
    longest_line = max(LINE_BYTES, 4 * longest + 4 * len(names) + 100)
    every = [*cells, *numbers.values()]
    rows = _read_csv(good, every, numbers=numbers.values(), longest_line=longest_line)
    source.keep(rows, names, cells=cells, numbers=numbers)
    lines = _read_csv(bad, ["source_row", "line", "raw_line"], longest_line=longest_line)
    source.con.execute(f"INSERT INTO {source.malformed} FROM {lines}")
    good.unlink()
    bad.unlink()


def _read_csv(
    path: Path,
    cells: Sequence[str],
    *,
    numbers: Collection[str] = (),
    has_header: bool = False,
    delimiter: str = ",",
    longest_line: int = LINE_BYTES,
) -> str:
    """Return the relation of a clean CSV file; every cell is text but numbers and the row's."""
    kinds = [_name_kind(cell, numbers) for cell in cells]
    columns = ", ".join(f"'{cell}': '{kind}'" for cell, kind in zip(cells, kinds, strict=True))
    header = "true" if has_header else "false"
    return (
        f"read_csv({text_literal(name_plainly(path))}, header={header}, "
        f"delim={text_literal(delimiter)}, hive_partitioning=false, max_line_size={longest_line}, "
        f"""quote='"', escape='"', auto_detect=false, strict_mode=true, columns={{{columns}}})"""
    )


def _name_kind(cell: str, numbers: Collection[str]) -> str:
    if cell == "source_row":
        return "BIGINT"
    return "DOUBLE" if cell in numbers else "VARCHAR"


def _read_excel(source: Source, path: Path, folder: Path) -> None:
    """Read one sheet of an Excel file, every cell as text, and cells that are numbers as these."""
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheets = workbook.sheet_names
            sheet = source.spec.sheet or sheets[0]
            if sheet not in sheets:
                hint = suggest_name(sheet, sheets)
                raise source.fail(f"there is no sheet '{sheet}'", ", ".join(sheets), hint)
            found = workbook.get_sheet_by_name(sheet)
            first_line, first_place = (0, 0) if found.start is None else found.start
            rows = found.to_python(skip_empty_area=True)
            is_declared = source.spec.sheet is not None
            notices = tell_sheets(workbook, sheet, is_declared=is_declared, label=source.label)
    except CalamineError as error:
        fix = "Save it again as .xlsx, or rename it to what it is."
        message = "this is not an Excel file, although it is named so"
        raise source.fail(message, error, fix) from None
    if not rows:
        raise source.fail("the sheet is empty", f"sheet '{sheet}'")
    source.notices += notices
    names = [show_cell(cell).strip() for cell in rows[0]]
    top = enumerate(rows[1:LINES_SEARCHED], start=first_line + 2)
    match_header(source, names, top)
    places = find_fractions(rows[1:])
    texts = (show_row(row, places) for row in rows[1:])
    records = ((0, row, "") for row in texts if any(row))
    _keep_records(source, names, records, folder, number_places=places)
    failed = count_failed_cells(path, sheet)
    for ours, theirs in source.columns.items():
        count = failed.get(first_place + names.index(theirs))
        if count:
            source.notices.append(tell_failed(ours, count))


def find_fractions(rows: Iterable[Sequence[object]]) -> list[int]:
    """Return the places at which cells are numbers that are not whole.

    Examples
    --------
    >>> find_fractions([[1.0, 2.5, "2.5"], [3.0, "x", ""]])
    [1]
    """
    places = set()
    for row in rows:
        for place, cell in enumerate(row):
            if isinstance(cell, float) and not cell.is_integer():
                places.add(place)
    return sorted(places)


def show_row(row: Sequence[object], number_places: Sequence[int]) -> list[str]:
    """Return an Excel row's cells as texts, and then those at some places that are numbers.

    Examples
    --------
    >>> show_row(["a", 2.5, "2.5"], [1, 2])
    ['a', '2.5', '2.5', '2.5', '']
    """
    numbers = [repr(row[place]) if isinstance(row[place], float) else "" for place in number_places]
    return [*map(show_cell, row), *numbers]


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


def _read_parquet(source: Source, files: list[Path]) -> None:
    con = source.con
    places = [name_plainly(path) for path in files]
    paths = f"[{', '.join(map(text_literal, places))}]"
    relation = f"read_parquet({paths}, union_by_name=true, hive_partitioning=false)"
    try:
        query = f"SELECT file_name, num_rows FROM parquet_file_metadata({paths})"
        row_counts = dict(con.execute(query).fetchall())
        row = "file_row_number + 1"
        if len(places) > 1:
            rows_before = [0, *itertools.accumulate(row_counts[str(path)] for path in places)]
            row = f"{rows_before}[file_index::BIGINT + 1] + {row}"
        source.keep(relation, con.sql(f"FROM {relation}").columns, row=row)
    except (duckdb.Error, RuntimeError, UnicodeError) as error:  # names that are no text, too
        fix = "Export it again, whole, or rename it to what it is."
        raise source.fail("this is not a whole Parquet file", error, fix) from None


def _read_database(source: Source, plan: Plan, folder: Path) -> None:
    """Read a database's table, in batches; ``folder`` is for what does not fit into memory."""
    address = source.spec.connection
    schema, _, name = source.spec.table.rpartition(".")
    scheme, mark, rest = address.partition("://")
    if not mark:
        fix = "Write it like postgres://user@host/database, sqlite://file or duckdb://file."
        raise source.fail("this is not the address of a database", mask_passwords(address), fix)
    with contextlib.ExitStack() as stack:
        try:
            if scheme == "duckdb":
                path = _find_database(source, plan, rest)
                locked = open_locked(path, plan, folder, beside=source.con, read_only=True)
                con = stack.enter_context(locked)
                _keep_locked(source, con, schema or "main", name)
                return
            backend = _connect(source, plan, scheme, rest)
            stack.callback(backend.disconnect)
            _keep_incoming(source, backend, schema, name)
        except (SegkitError, duckdb.OutOfMemoryException):
            raise
        except Exception as error:  # each driver has its own
            fix = "Check the rights of the user, and the types of the table's columns."
            raise source.fail("the database's table cannot be read", error, fix) from None


def _find_database(source: Source, plan: Plan, rest: str) -> Path:
    """Return the file of a database that is one; a question mark may begin its parameters."""
    for place in (rest, rest.split("?")[0]):
        path = plan.resolve_path(place)
        if path.is_file():
            return path
    raise source.fail("there is no such database file", path)


def _keep_locked(source: Source, con: duckdb.DuckDBPyConnection, schema: str, name: str) -> None:
    """Copy a table of a DuckDB file, or what a view of it makes of the file's own tables."""
    query = "SELECT table_schema, table_name FROM information_schema.tables"
    there = con.execute(f"{query} WHERE table_catalog = current_database()").fetchall()
    _check_there(source, name, [table for place, table in there if place == schema])
    rows = con.sql(f"FROM {quote(schema)}.{quote(name)}")
    _keep_batches(source, rows.to_arrow_reader(BATCH_ROWS))


def _keep_incoming(source: Source, backend: Any, schema: str, name: str) -> None:
    """Copy a table that Ibis reads, in batches."""
    database = schema or None
    _check_there(source, name, backend.list_tables(database=database))
    rows = backend.table(name, database=database)
    _keep_batches(source, rows.to_pyarrow_batches(chunk_size=BATCH_ROWS))


def _keep_batches(source: Source, batches: Any) -> None:
    source.con.register("incoming", batches)
    try:
        source.keep("incoming", source.con.sql("FROM incoming").columns)
    finally:
        source.con.unregister("incoming")


def _check_there(source: Source, name: str, names: Sequence[str]) -> None:
    if name not in names:
        found = ", ".join(sorted(names)) or "no tables"
        raise source.fail(f"the database has no table '{name}'", found, suggest_name(name, names))


def _connect(source: Source, plan: Plan, scheme: str, rest: str) -> Any:
    import ibis  # takes half a second, for which files need not wait

    if scheme == "sqlite":
        path = _find_database(source, plan, rest)
        return ibis.sqlite.connect(path)
    try:
        return ibis.connect(source.spec.connection)
    except Exception as error:  # each driver has its own
        fix = (
            "Write it like postgres://user@host/database, sqlite://file or duckdb://file. "
            f"The driver comes with: pip install 'ibis-framework[{scheme}]'."
        )
        raise source.fail("the database does not answer", error, fix) from None
