"""A reader that looks at nothing: each cell by itself, each row as it stands.

Told the style in which a good table is written it finds the truth, and of a table with a fault
another: so it shows that the fault is one.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import io
from pathlib import Path

import openpyxl
import pandas as pd

from segkit.contract.tables import TABLES
from tests.doors.case import Case
from tests.doors.facts import Facts, find_facts
from tests.doors.styles import DATES

YES = ("yes", "true", "1", "y")
NO = ("no", "false", "0", "n")
NOTHING = ("", "NA", "NULL")


def read_naively(case: Case, folder: Path) -> Facts:
    """Return the facts of a case's files; of a table that cannot be read there are none."""
    tables = {}
    for name in case.tables:
        try:
            header, rows = _read_rows(folder / case.name_file(name), case)
            tables[name] = _take_columns(name, header, rows, case)
        except (ValueError, KeyError, OSError, EOFError, csv.Error) as error:
            return {"unreadable": str(error)}
    try:
        return find_facts(_turn_lines(tables, case), as_of=case.as_of)
    except (KeyError, TypeError, ValueError) as error:
        return {"unreadable": str(error)}


def _read_rows(path: Path, case: Case) -> tuple[list, list[list]]:
    if case.style.container == "parquet":
        table = pd.read_parquet(path)
        return list(table), table.astype(object).to_numpy().tolist()
    if case.style.container == "xlsx":
        book = openpyxl.load_workbook(path, read_only=True)
        header, *rows = (list(row) for row in book.worksheets[0].iter_rows(values_only=True))
        book.close()
        return header, rows
    content = path.read_bytes()
    content = gzip.decompress(content) if case.style.container == "gz" else content
    text = content.decode(case.naive_encoding or case.style.encoding, "replace")
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=case.style.delimiter)
    return header, rows


def _take_columns(name: str, header: list, rows: list[list], case: Case) -> pd.DataFrame:
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    mapped = {case.spell(column): column for column in case.tables[name] if column in kinds}
    mapped |= {theirs: column for column, theirs in case.mapped.get(name, {}).items()}
    known = [c for c in case.tables[name] if c in kinds or c in (case.features or {})]
    wanted = [*known, *case.mapped.get(name, {})]
    taken = {}
    unread: set[int] = set()
    for place, theirs in enumerate(header):
        column = mapped.get(theirs, theirs)
        if column not in wanted or (column in taken and not case.naive_last_name):
            continue
        cells = [row[place] if place < len(row) else None for row in rows]
        values = [_read_cell(cell, kinds.get(column, "own"), case) for cell in cells]
        taken[column] = values
        pairs = enumerate(zip(cells, values, strict=True))
        unread |= {n for n, (cell, value) in pairs if value is None and not _is_nothing(cell)}
    table = pd.DataFrame(taken, columns=[c for c in wanted if c in taken], dtype=object)
    if case.naive_drops:
        table = table.drop(index=sorted(unread)).reset_index(drop=True)
    for column, kind in kinds.items():
        if column in table and kind in ("date", "datetime"):
            table[column] = pd.to_datetime(table[column], errors="coerce")
        if column in table and kind in ("number", "money", "integer"):
            table[column] = table[column].astype(float)
    return table


def _is_nothing(cell: object) -> bool:
    return cell is None or cell != cell or cell in NOTHING


def _read_cell(cell: object, kind: str, case: Case) -> object:
    if _is_nothing(cell):
        return None
    if kind in ("number", "money", "integer"):
        return _read_number(cell, case)
    if kind in ("date", "datetime"):
        return _read_time(cell, case)
    if kind == "boolean":
        text = str(cell).lower()
        return True if text in YES else False if text in NO else None
    if kind == "own":
        number = _read_number(cell, case)
        if cell in case.style.truths:
            return cell == case.style.truths[0]
        return cell if number is None or isinstance(cell, bool) else number
    return cell if isinstance(cell, str) else str(cell)


def _read_number(cell: object, case: Case) -> float | None:
    if isinstance(cell, (int, float)) and not case.naive_through_text:
        return float(cell)
    mark = case.naive_mark or case.style.mark
    text = str(cell)
    for sign in (" ", "\xa0", "'", "." if mark == "," else ","):
        text = text.replace(sign, "")
    try:
        return float(text.replace(mark, "."))
    except ValueError:
        return None


def _read_time(cell: object, case: Case) -> datetime.datetime | None:
    if isinstance(cell, datetime.datetime):
        return cell.replace(tzinfo=None)
    date_format, _ = DATES[case.naive_date or case.style.date]
    for wanted in (date_format, "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"):
        try:
            time = datetime.datetime.strptime(str(cell), wanted)
        except ValueError:
            continue
        if time.tzinfo is None or case.naive_clock == "local":
            return time.replace(tzinfo=None)
        return time.astimezone(datetime.UTC).replace(tzinfo=None)
    return None


def _turn_lines(tables: dict[str, pd.DataFrame], case: Case) -> dict[str, pd.DataFrame]:
    """Let the prefixes of the plan decide alone what a line is, as they do."""
    prefix = case.policies.get("cancelled_order_prefix", "")
    lines = tables.get("order_lines")
    if lines is not None and prefix:
        is_back = lines["order_id"].astype(str).str.startswith(prefix)
        lines = lines.assign(
            quantity=lines["quantity"].abs().where(~is_back, -lines["quantity"].abs())
        )
        tables = {**tables, "order_lines": lines}
    if lines is not None and case.naive_left_out:
        is_kept = ~lines["product_id"].isin(case.naive_left_out)
        tables = {**tables, "order_lines": lines[is_kept]}
    book_keeping = case.policies.get("adjustment_order_prefix", "")
    if lines is not None and book_keeping:
        is_kept = ~tables["order_lines"]["order_id"].astype(str).str.startswith(book_keeping)
        tables = {**tables, "order_lines": tables["order_lines"][is_kept]}
    return tables
