"""What a file holds that is not read: other sheets, columns without a name, lines above names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError
from segkit.data.columns import DataError, Source, quote, text_literal
from segkit.data.notices import Notice
from segkit.data.textfiles import TextFile
from segkit.data.texts import list_literals

HEADER_ROW = "rule_header"  # says of a row that it repeats the names of the columns
LINES_SEARCHED = 50  # for the names of the columns, from the top of a table
FEW = 5  # are told by name


def tell_unread(source: Source) -> list[Notice]:
    """Return notes of a source's columns that cannot be read for want of a name of their own."""
    notices = []
    if source.unnamed:
        places = [f"{place} ({count:,})" for place, count in source.unnamed.items()]
        notices.append(
            Notice(
                "column_without_name",
                severity="note",
                row_count=max(source.unnamed.values()),
                reason=f"Columns without a name hold values; by place: {_list_few(places)}.",
                treatment="Not read. Name them in the file's header to use them.",
            )
        )
    counts = Counter(name for name in source.names if name)
    repeated = [f"'{name}'" for name, count in counts.items() if count > 1]
    if repeated:
        notices.append(
            Notice(
                "columns_of_one_name",
                severity="note",
                row_count=source.read,
                reason=f"Two columns or more are called {_list_few(repeated)}.",
                treatment="Not read. Give each its own name to use them.",
            )
        )
    return notices


def tell_encoding(file: TextFile) -> list[Notice]:
    """Return what is to say of lines in another encoding; a file all in one other is a note."""
    if file.utf8_lines:
        return [
            Notice(
                "other_encoding",
                severity="warning",
                row_count=file.utf8_lines,
                reason=f"The line is UTF-8; the plan's encoding is {file.encoding}.",
                treatment="Read as the plan says, accents as two signs; leave encoding out.",
            )
        ]
    if not file.foreign_lines:
        return []
    if file.encoding == "utf-8" and not file.own_lines:
        reason = "The file is not in UTF-8; its lines make sense as Windows-1252."
        treatment = "Read as Windows-1252; declare encoding in the plan if it is another."
        return [Notice("western_encoding", "note", file.foreign_lines, reason, treatment)]
    reason = "The line is not in the file's encoding."
    treatment = "Read as Windows-1252; look whether accents are right."
    return [Notice("mixed_encoding", "warning", file.foreign_lines, reason, treatment)]


def tell_sheets(workbook: Any, sheet: str, *, is_declared: bool, label: str) -> list[Notice]:
    """Return what is to say of a workbook's sheets that were not read.

    One with the names of the sheet that was read may be a further part of the same table; that is
    a warning, unless the plan itself names the sheet to read.
    """
    header = _read_first(workbook, sheet)
    alike = []
    left = []
    row_counts = {}
    for name in _list_worksheets(workbook):
        row_counts[name] = workbook.get_sheet_by_name(name).height
        if name != sheet and row_counts[name]:
            part = alike if _are_alike(header, _read_first(workbook, name)) else left
            part.append(name)
    notices = []
    if alike:
        notices.append(
            Notice(
                "same_columns_in_sheet",
                severity="note" if is_declared else "warning",
                row_count=max(1, sum(row_counts[name] - 1 for name in alike)),
                reason=(
                    f"{_name_sheets(alike)} the same columns as '{sheet}', the sheet of {label} "
                    "that was read."
                ),
                treatment="Not read. Put all rows into one sheet, or name the sheet to read "
                f'in the plan: sheet = "{sheet}".',
            )
        )
    if left:
        told = _list_few([f"'{name}'" for name in left])
        notices.append(
            Notice(
                "sheet_not_read",
                severity="note",
                row_count=sum(row_counts[name] for name in left),
                reason=f"Of {label} only the sheet '{sheet}' was read, not {told}.",
                treatment='Not read. Name another sheet in the plan: sheet = "...".',
            )
        )
    return notices


def _list_worksheets(workbook: Any) -> list[str]:
    """Return the names of the sheets that hold cells, not only a chart or a macro."""
    sheets = zip(workbook.sheet_names, workbook.sheets_metadata, strict=True)
    return [name for name, about in sheets if str(about.typ).endswith("WorkSheet")]


def _read_first(workbook: Any, sheet: str) -> list:
    """Return the cells of a sheet's first row that is not empty."""
    return next(iter(workbook.get_sheet_by_name(sheet).to_python(nrows=1)), [])


def _name_sheets(names: Sequence[str]) -> str:
    told = _list_few([f"'{name}'" for name in names])
    return f"The sheet {told} has" if len(names) == 1 else f"The sheets {told} have"


def _are_alike(header: Iterable[object], other: Iterable[object]) -> bool:
    """Say whether two sheets begin with the same names, in whatever order."""
    names = {str(cell).strip().lower() for cell in header} - {""}
    others = {str(cell).strip().lower() for cell in other} - {""}
    return len(names) > 1 and names == others


def match_header(source: Source, names: Sequence[str], below: Iterator[tuple[int, list]]) -> None:
    """Match a table's first row of names, or raise where else the names stand.

    ``below`` gives the number and the cells of each line further down, once for each delimiter
    that they may have.

    Raises
    ------
    SegkitError
        If the wanted names stand in one of the lines below.
    DataError
        If they stand nowhere.
    """
    try:
        source.match(names)
    except DataError as error:
        wanted = _list_wanted(source)
        there = _count_wanted(names, wanted)
        best = (there, 0, [])
        for number, cells in below:
            count = _count_wanted(cells, wanted)
            if count > best[0]:
                best = (count, number, cells)
        count, number, cells = best
        if count < max(2, there + 1) or number == 0:
            raise error
        found = ", ".join(str(cell).strip() for cell in cells)
        raise source.fail(
            f"the names of the columns stand in line {number}, not in the first",
            found,
            "Delete the lines above it in the file.",
        ) from None


def _list_wanted(source: Source) -> set[str]:
    """Return the names that a header of a source may have, in small letters."""
    spec = source.spec
    mapped = [*spec.columns.values(), *(spec.features.values() if spec.features != "all" else ())]
    names = [name for name in TABLES[source.name].column_names if name not in spec.columns]
    return {name.strip().lower() for name in (*mapped, *names)} - {""}


def _count_wanted(cells: Iterable[object], wanted: Collection[str]) -> int:
    return len({str(cell).strip().lower() for cell in cells} & set(wanted))


def _list_few(names: Sequence[str]) -> str:
    """Return the first names, and how many there are beside."""
    more = len(names) - FEW
    told = ", ".join(names[:FEW])
    return f"{told} and {more} more" if more > 0 else told


def find_header_rows(source: Source) -> str:
    """Return the test for rows that repeat the names of a table's columns; empty without any.

    Files that were put together one below the other have such rows. They tell nothing of the
    columns' values: ``source.rows`` goes without them.

    Raises
    ------
    SegkitError
        If such a row has the names in another order.
    """
    kinds = {source.types[name] for name in source.columns}
    if not source.is_copied or kinds != {"VARCHAR"}:
        return ""
    _find_other_order(source)
    test = " AND ".join(
        f"coalesce(lower(trim({quote(ours)})) = {text_literal(theirs.lower())}, false)"
        for ours, theirs in source.columns.items()
    )
    rows = f"SELECT source_row FROM {source.raw} WHERE {test}"
    if not source.con.execute(f"{rows} LIMIT 1").fetchall():
        return ""
    source.rows = f"(FROM {source.known} WHERE NOT ({test}))"
    return f"source_row IN ({rows})"


def _find_other_order(source: Source) -> None:
    """Raise where a row repeats the names of a table's columns in another order."""
    names = list_literals(sorted({name.lower() for name in source.names if name}))
    cells = [f"lower(trim({quote(ours)}))" for ours in source.columns]
    own = [text_literal(theirs.lower()) for theirs in source.columns.values()]
    is_names = " AND ".join(f"coalesce({cell} IN ({names}), false)" for cell in cells)
    is_moved = " OR ".join(f"{cell} <> {name}" for cell, name in zip(cells, own, strict=True))
    query = f"FROM {source.raw} WHERE {is_names} AND ({is_moved}) AND {len(cells)} > 1"
    found = source.con.execute(f"SELECT min(source_row) {query}").fetchall()[0][0]
    if found is None:
        return
    row = source.con.execute(
        f"SELECT * EXCLUDE (source_row, row_hash) FROM {source.raw} WHERE source_row = {found}"
    ).fetchall()[0]
    raise SegkitError(
        "a row repeats the names of the columns in another order, so that the rows below it stand "
        "in other columns",
        where=f"{source.label}, data row {found}",
        found=", ".join(map(str, row)),
        fix="Export the rows again as one table, or put each part into a file of its own.",
    )
