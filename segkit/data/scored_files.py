"""A file of customers to be placed in segments, read as the checks read the tables of a plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from segkit.contract.definitions import Column, Table
from segkit.core.errors import SegkitError
from segkit.data.booleans import convert_boolean
from segkit.data.columns import Source, quote
from segkit.data.convert import convert_source
from segkit.data.notices import Notice
from segkit.data.repeats import find_twins
from segkit.data.sources import open_file
from segkit.data.texts import KEEPS_NA, NO_CATEGORY, NO_NUMBER, NO_TEXT, list_literals, trim_column
from segkit.data.unread import HEADER_ROW
from segkit.plan.models import OWN_NAME, TableSpec

CUSTOMER = "customer_id"
# The kinds of a segmentation's columns that a contract calls otherwise.
KINDS = {"text": "category"}


class ScoredFile(Source):
    """A file of customers with all its columns, some of which a segmentation reads.

    Each column of the file has a plain name inside, so that none is taken for what reading adds;
    ``theirs`` has the file's names by these.
    """

    def __init__(
        self,
        path: Path,
        kinds: Mapping[str, str],
        spec: TableSpec,
        *,
        con: duckdb.DuckDBPyConnection,
    ):
        columns = [Column(name, KINDS.get(kind, kind), "") for name, kind in kinds.items()]
        if CUSTOMER not in kinds:
            columns.append(Column(CUSTOMER, "id", ""))
        table = Table("customers", meaning="", key=(), columns=tuple(columns))
        super().__init__(table, spec, path.name, con, counts_ids=False)
        self.wanted = table

    def match(self, names: Sequence[str]) -> None:
        """Give every column of the file a plain name."""
        self.names = tuple(names)
        faults = self._find_repeated_names({name: name for name in names})
        if faults:
            raise faults[0]
        read = {column.name for column in self.wanted.columns}
        self.columns = {}
        for place, name in enumerate(names):
            is_plain = name in read and OWN_NAME.fullmatch(name)
            self.columns[name if is_plain else f"c{place}_"] = name

    def name_columns(self) -> dict[str, str]:
        """Return the file's names by the plain ones; one without a name is numbered."""
        return {
            plain: name or f"column{place}"
            for place, (plain, name) in enumerate(self.columns.items())
        }

    def choose_kinds(self) -> list[str]:
        """Say which columns are to be read from their texts; return the others, plain names all.

        A number that is written with words for yes and no is one of these.
        """
        kinds = {column.name: column.kind for column in self.wanted.columns}
        texts = [
            Column(plain, kinds[name], "")
            for plain, name in self.columns.items()
            if name in kinds and self.types[plain] == "VARCHAR"
        ]
        settled = self._cast_plain([column.name for column in texts if column.kind == "number"])
        if not self.is_copied:
            settled += self._find_tidy([column for column in texts if column.kind == "category"])
        columns = [column for column in texts if column.name not in settled]
        carried = list(set(self.columns) - {column.name for column in columns})
        numbers = [column.name for column in columns if column.kind == "number"]
        truths = self._find_truths(numbers)
        columns = [
            dataclasses.replace(column, kind="boolean") if column.name in truths else column
            for column in columns
        ]
        self.table = dataclasses.replace(self.wanted, columns=tuple(columns))
        return carried

    def _cast_plain(self, names: Sequence[str]) -> list[str]:
        """Turn columns whose texts are all plain numbers into these; return which they are."""
        if not names:
            return []
        tests = []
        for name in names:
            number = f"TRY_CAST({name} AS DOUBLE)"
            nothing = list_literals(NO_NUMBER)
            tests.append(f"{number} IS NULL AND trim({name}) NOT IN ({nothing})")
            # Three digits after each mark: then it may stand between thousands.
            tests.append(f"contains({name}, '.')")
            tests.append(f"contains({name}, '.') AND trim({name})[-4] <> '.'")
        counts = [f"count(CASE WHEN {test} THEN 1 END)" for test in tests]
        (found,) = self.con.execute(f"SELECT {', '.join(counts)} FROM {self.raw}").fetchall()
        plain = []
        for place, name in enumerate(names):
            odd, marked, sure = found[3 * place : 3 * place + 3]
            if not odd and (sure or not marked):
                plain.append(name)
        cast = [
            f"CASE WHEN isfinite(TRY_CAST({n} AS DOUBLE)) THEN TRY_CAST({n} AS DOUBLE) END AS {n}"
            for n in plain
        ]
        if cast:
            self.con.execute(f"ALTER VIEW {self.raw} RENAME TO found_{self.name}")
            query = f"SELECT * REPLACE ({', '.join(cast)}) FROM found_{self.name}"
            self.con.execute(f"CREATE VIEW {self.raw} AS {query}")
            self.types |= dict.fromkeys(plain, "DOUBLE")
        return plain

    def _find_tidy(self, columns: Sequence[Column]) -> list[str]:
        """Return categories whose texts read as they are; a file's levels are few."""
        tidy = []
        for column in columns:
            name = column.name
            read = trim_column(column, "VARCHAR")
            nothing = NO_TEXT if name in KEEPS_NA else NO_CATEGORY
            query = f"""SELECT 1 FROM (SELECT {name} FROM {self.raw} GROUP BY 1)
                WHERE {read} <> {name} OR {name} IN ({list_literals(nothing)}) LIMIT 1"""
            if not self.con.execute(query).fetchall():
                tidy.append(name)
        return tidy

    def _find_truths(self, names: Sequence[str]) -> list[str]:
        """Return which columns of numbers are written with words for yes and no."""
        if not names:
            return []
        counts = []
        for name in names:
            counts.append(f"count({convert_boolean(f'trim({name})')})")
            counts.append(f"count(TRY_CAST({name} AS DOUBLE))")
        (found,) = self.con.execute(f"SELECT {', '.join(counts)} FROM {self.raw}").fetchall()
        pairs = zip(found[::2], found[1::2], strict=True)
        return [
            name for name, (truths, numbers) in zip(names, pairs, strict=True) if truths > numbers
        ]


def open_scored(
    path: Path,
    kinds: Mapping[str, str],
    con: duckdb.DuckDBPyConnection,
    *,
    folder: Path,
    spec: TableSpec,
) -> tuple[str, dict[str, int], list[Notice]]:
    """Create the view ``read_customers`` of a file's rows under its own names.

    Parameters
    ----------
    path : Path
    kinds : mapping
        Of each column that is read: number, text, category, boolean or date. Where these are texts
        they are converted; all other columns but the customer's identifier stay as they are.
    con : duckdb.DuckDBPyConnection
    folder : Path
        For temporary copies.
    spec : TableSpec
        How the file is written, where that is not found by itself.

    Returns
    -------
    tuple of str, dict and list
        The name of the view, the values of each column that could not be read, and what was
        noticed.

    Raises
    ------
    SegkitError
        If the file cannot be read, or its decimal mark cannot be told.
    """
    source = ScoredFile(path, kinds, spec, con=con)
    open_file(source, path, folder)
    carried = source.choose_kinds()
    query, notices = _convert(source, carried)
    con.execute(f"CREATE TEMP {'TABLE' if source.is_copied else 'VIEW'} converted AS {query}")
    theirs = source.name_columns()
    shown = [f"{quote(plain)} AS {quote(name)}" for plain, name in theirs.items()]
    there = [name for name, *_ in con.execute("SELECT * FROM converted LIMIT 0").description]
    rows = "converted"
    if HEADER_ROW in there:
        rows = f"(FROM converted WHERE NOT {HEADER_ROW})"
        notices.append(_tell_headers(con))
    named = f"SELECT {', '.join(shown)} FROM {rows}"
    con.execute(f"CREATE TEMP VIEW read_customers AS {named}")
    unreadable = _count_unreadable(source, rows, there)
    notices += [*_tell_left_out(source), *_find_repeated(source, rows)]
    return "read_customers", unreadable, [notice for notice in notices if notice.row_count]


def _convert(source: ScoredFile, carried: Sequence[str]) -> tuple[str, list[Notice]]:
    """Convert a source; where its plan would have to say something, an option says it."""
    try:
        return convert_source(source, carried)
    except SegkitError as error:
        if "decimal = " not in error.fix:
            raise
        fix = "Give --decimal . or --decimal , as it is."
        raise SegkitError(error.message, where=error.where, found=error.found, fix=fix) from None


def _count_unreadable(source: ScoredFile, rows: str, there: Sequence[str]) -> dict[str, int]:
    """Return how many values of each converted column could not be read."""
    faulty = [name for name in there if name.startswith("faulty_")]
    if not faulty:
        return {}
    counts = ", ".join(f"count(CASE WHEN {name} THEN 1 END)" for name in faulty)
    (found,) = source.con.execute(f"SELECT {counts} FROM {rows}").fetchall()
    names = [source.columns[name.removeprefix("faulty_")] for name in faulty]
    return dict(zip(names, found, strict=True))


def _tell_headers(con: duckdb.DuckDBPyConnection) -> Notice:
    query = f"SELECT count(*) FROM converted WHERE {HEADER_ROW}"
    return Notice(
        "repeated_header",
        severity="warning",
        row_count=con.execute(query).fetchall()[0][0],
        reason="The row repeats the names of the columns.",
        treatment="Left out: nobody is placed by it.",
    )


def _tell_left_out(source: ScoredFile) -> list[Notice]:
    """Say which lines are no rows."""
    return [
        Notice(
            "malformed_line",
            severity="warning",
            row_count=source.malformed_count,
            reason="The line has another number of fields than the header, or an open quote.",
            treatment="Left out: nobody is placed by it.",
        )
    ]


def _find_repeated(source: ScoredFile, rows: str) -> list[Notice]:
    """Warn of customers who are there more than once."""
    plain = {name.lower(): plain for plain, name in reversed(source.columns.items())}
    plain |= {name: plain for plain, name in source.columns.items() if name == CUSTOMER}
    if CUSTOMER not in plain:
        return []
    name = quote(plain[CUSTOMER])
    rows = f"FROM {rows} WHERE {name} IS NOT NULL"
    twins = find_twins(source, f"hash({name})", rows)
    if not len(twins):
        return []
    source.con.register("twins", twins)
    twin_rows = "SELECT source_row FROM twins"
    query = f"SELECT count(*), count(DISTINCT {name}) {rows} AND source_row IN ({twin_rows})"
    row_count, customers = source.con.execute(query).fetchall()[0]
    return [
        Notice(
            "repeated_customer",
            severity="warning",
            row_count=row_count,
            reason=f"{customers:,} customers are there more than once.",
            treatment="Each row is placed by itself; one customer may be in two segments.",
        )
    ]
