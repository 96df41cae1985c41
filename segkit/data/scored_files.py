"""A file of customers to be placed in segments, read as the checks read the tables of a plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pandas as pd

from segkit.contract.definitions import Column, Table
from segkit.data.booleans import convert_boolean
from segkit.data.columns import Source, quote
from segkit.data.convert import convert_source
from segkit.data.notices import Notice
from segkit.data.numbers import convert_number
from segkit.data.repeats import find_twins
from segkit.data.sources import open_file
from segkit.data.texts import KEEPS_NA, NO_CATEGORY, NO_NUMBER, NO_TEXT, list_literals, trim_column
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
        self, path: Path, kinds: Mapping[str, str], spec: TableSpec, con: duckdb.DuckDBPyConnection
    ):
        columns = [Column(name, KINDS.get(kind, kind), "") for name, kind in kinds.items()]
        if CUSTOMER not in kinds:
            columns.append(Column(CUSTOMER, "id", ""))
        table = Table("customers", meaning="", key=(), columns=tuple(columns))
        super().__init__(table, spec, path.name, con)
        self.wanted = table

    def match(self, names: Sequence[str]) -> None:
        """Give every column of the file a plain name."""
        self.names = tuple(names)
        faults = self._find_repeated_names()
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
        truths = self._settle_numbers(numbers)
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
        odd = [
            f"""count(CASE WHEN TRY_CAST({name} AS DOUBLE) IS NULL
                AND trim({name}) NOT IN ({list_literals(NO_NUMBER)}) THEN 1 END)"""
            for name in names
        ]
        (counts,) = self.con.execute(f"SELECT {', '.join(odd)} FROM {self.raw}").fetchall()
        plain = [name for name, count in zip(names, counts, strict=True) if not count]
        cast = [
            f"CASE WHEN isfinite(TRY_CAST({n} AS DOUBLE)) THEN TRY_CAST({n} AS DOUBLE) END AS {n}"
            for n in plain
        ]
        if cast:
            self.con.execute(f"ALTER VIEW {self.raw} RENAME TO found_{self.name}")
            query = f"SELECT * REPLACE ({', '.join(cast)}) FROM found_{self.name}"
            self.con.execute(f"CREATE VIEW {self.raw} AS {query}")
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

    def _settle_numbers(self, names: Sequence[str]) -> list[str]:
        """Find the file's decimal mark, if none is declared; return the columns of yes and no.

        Raises
        ------
        SegkitError
            If the mark may be either, and the numbers are others then.
        """
        if not names:
            return []
        counts = []
        for name in names:
            text = f"trim({name})"
            point = convert_number(text, ".")
            comma = convert_number(text, ",")
            counts += [f"count({point})", f"count({comma})", f"count({convert_boolean(text)})"]
            counts.append(f"count(CASE WHEN {point} <> {comma} THEN 1 END)")
        query = f"SELECT {', '.join(counts)} FROM {self.raw}"
        (found,) = self.con.execute(query).fetchall()
        rows = {name: found[4 * place : 4 * place + 4] for place, name in enumerate(names)}
        truths = [name for name, row in rows.items() if row[2] > max(row[:2])]
        points, commas, _, differing = map(sum, zip(*rows.values(), strict=True))
        if "decimal" not in self.spec.model_fields_set:
            if points == commas and differing:
                unsure = next(name for name, row in rows.items() if row[3])
                self.label = self.locate(unsure)
                fix = "Give --decimal . or --decimal , (and look at what the other rows have)."
                raise self.fail("the decimal mark may be a point or a comma", "", fix)
            mark = "," if commas > points else "."
            self.spec = self.spec.model_copy(update={"decimal": mark})
        return truths


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
    source = ScoredFile(path, kinds, spec, con)
    open_file(source, path, folder)
    carried = source.choose_kinds()
    query, notices = convert_source(source, carried)
    con.execute(f"CREATE TEMP {'TABLE' if source.is_copied else 'VIEW'} converted AS {query}")
    theirs = source.name_columns()
    shown = [f"{quote(plain)} AS {quote(name)}" for plain, name in theirs.items()]
    named = f"SELECT {', '.join(shown)} FROM converted"
    con.execute(f"CREATE TEMP VIEW read_customers AS {named}")
    unreadable = _count_unreadable(source)
    notices += [*source.notices, *_tell_left_out(source), *_find_repeated(source)]
    return "read_customers", unreadable, [notice for notice in notices if notice.row_count]


def _count_unreadable(source: ScoredFile) -> dict[str, int]:
    """Return how many values of each converted column could not be read."""
    query = "SELECT * FROM converted LIMIT 0"
    there = source.con.execute(query).description
    faulty = [name for name, *_ in there if name.startswith("faulty_")]
    if not faulty:
        return {}
    counts = ", ".join(f"count(CASE WHEN {name} THEN 1 END)" for name in faulty)
    (found,) = source.con.execute(f"SELECT {counts} FROM converted").fetchall()
    names = [source.columns[name.removeprefix("faulty_")] for name in faulty]
    return dict(zip(names, found, strict=True))


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


def _find_repeated(source: ScoredFile) -> list[Notice]:
    """Warn of customers who are there more than once."""
    plain = {name.lower(): plain for plain, name in reversed(source.columns.items())}
    plain |= {name: plain for plain, name in source.columns.items() if name == CUSTOMER}
    if CUSTOMER not in plain:
        return []
    name = quote(plain[CUSTOMER])
    rows = f"FROM converted WHERE {name} IS NOT NULL"
    twins = find_twins(source, f"hash({name})", rows)
    if not len(twins):
        return []
    source.con.register("twins", pd.DataFrame({"twin": twins}))
    query = f"SELECT count(*), count(DISTINCT {name}) {rows} AND hash({name}) IN (FROM twins)"
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
