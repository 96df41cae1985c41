"""A source in DuckDB, its columns matched with the contract's."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from segkit.contract.definitions import Column, Table
from segkit.contract.tables import TABLES
from segkit.core.errors import PlanError, SegkitError, suggest_name
from segkit.plan.models import OWN_NAME, TableSpec

OWN = "own"  # the kind of a feature of one's own, until its values are seen


class DataError(PlanError):
    """The tables cannot be used; carries every fault that was found, not only the first."""

    subject = "The tables have"


@dataclass
class Source:
    """One table as it was found, in DuckDB.

    ``table`` is the contract's, with the plan's own features as further columns.
    ``raw`` names a view with ``source_row`` (from 1), ``row_hash`` (of all the source's columns)
    and the mapped columns; ``malformed`` a table with ``source_row``, ``line`` and ``raw_line``.
    ``columns`` maps the contract's names to the user's, ``names`` are all of the user's, ``types``
    are DuckDB's types of the mapped columns.
    """

    table: Table
    spec: TableSpec
    label: str
    con: duckdb.DuckDBPyConnection
    columns: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    types: dict[str, str] = field(default_factory=dict)
    raw_count: int = 0
    malformed_count: int = 0
    foreign_lines: int = 0
    is_copied: bool = True

    def __post_init__(self) -> None:
        self.name = self.table.name
        self.raw, self.malformed = f"raw_{self.name}", f"malformed_{self.name}"

    @property
    def read(self) -> int:
        """Rows read, malformed lines included."""
        return self.raw_count + self.malformed_count

    def locate(self, column: str) -> str:
        """Return where ``column`` is, for messages: the file and the user's name for it."""
        return f"{self.label}, column '{self.columns.get(column, column)}'"

    def fail(self, message: str, found: object = "", fix: str = "") -> SegkitError:
        """Return an error about the source; of a library's error only the first line is told."""
        text = str(found).strip() or type(found).__name__ if found != "" else ""
        text = mask_passwords(text.split("\n")[0])[:200].rstrip(".")
        return SegkitError(message, where=self.label, found=text, fix=fix)

    def explain_missing(self, column: str, more: str = "") -> SegkitError:
        """Return the fault of a column that nothing stands for."""
        first = column.split(" or ")[0]
        hint = suggest_name(first, self.names)
        name = hint.split("'")[1] if hint.startswith("Did") else "its name in the file"
        fix = f'Map it under [tables.{self.name}.columns]: {first} = "{name}".'
        return self.fail(f"the column {column} is missing{more}", ", ".join(self.names), fix)

    def match(self, names: Sequence[str]) -> None:
        """Match the contract's columns with the source's, or raise all that is wrong.

        A column is the one that the plan maps to it, else the one of the same name, else of the
        same name in other letters (upper or lower case). A source's column that is mapped stands
        for that only, and an empty name leaves a column out. "All" features are those that stand
        for no column, under names made harmless.
        """
        own, table, there = self.spec.features, TABLES[self.name], ", ".join(names)
        mapped = self.spec.columns | (own if own != "all" else {})
        self.names = tuple(names)
        faults = [
            self.fail(f"two columns are called '{name}'", there, "Give each its own name.")
            for name in sorted({name for name in names if name and self.names.count(name) > 1})
        ]
        free = {name: name for name in names if name not in mapped.values()}
        free = {name.lower(): name for name in reversed(free)} | free
        matched = {c: mapped.get(c, free.get(c)) for c in table.column_names}
        if own == "all":
            left = [name for name in names if name and name not in matched.values()]
            own = name_harmlessly(left, table.column_names)
        matched |= own
        further = [Column(name, OWN, "A feature of one's own") for name in own if own[name]]
        self.table = dataclasses.replace(table, columns=(*table.columns, *further))
        self.columns = {c: theirs for c, theirs in matched.items() if theirs and theirs in names}
        for column, theirs in matched.items():
            if theirs and theirs not in names:
                message = f"there is no column '{theirs}', which the plan maps to {column}"
                faults.append(self.fail(message, there, suggest_name(theirs, names)))
        needed = [(column.name,) for column in table.columns if column.required]
        for group in (*needed, *table.one_of):
            if not any(matched[column] for column in group):
                faults.append(self.explain_missing(" or ".join(group)))
        if faults:
            raise DataError(faults)

    def keep(
        self, relation: str, names: Sequence[str], cells: Sequence[str] = (), row: str = ""
    ) -> None:
        """Keep a relation's rows in order, under the contract's names.

        ``names`` are the user's names of its columns, ``cells`` the relation's where they differ.
        The relation may number its rows itself, in a column ``source_row`` before the others. One
        that can be read again, and tells each row's number as ``row``, is not copied.
        """
        self.match(names)
        cells = cells or names
        is_numbered = len(cells) > len(names)
        cells = cells[is_numbered:]
        theirs = dict(zip(names, cells, strict=True))
        kept = [f"{quote(theirs[name])} AS {quote(ours)}" for ours, name in self.columns.items()]
        kept.insert(0, f"hash({', '.join(map(quote, cells))}) AS row_hash")
        self.is_copied = not row or "file_row_number" in names
        if self.is_copied:
            query = f"SELECT {'source_row, ' * is_numbered}{', '.join(kept)} FROM {relation}"
            self.con.execute(f"CREATE OR REPLACE TABLE kept_{self.name} AS {query}")
            kept, relation = ["*"], f"kept_{self.name}"
            row = "" if is_numbered else "rowid + 1"
        kept = [f"{row} AS source_row", *kept] if row else kept
        query = f"SELECT {', '.join(kept)} FROM {relation}"
        self.con.execute(f"CREATE OR REPLACE VIEW {self.raw} AS {query}")
        types = self.con.execute(f"DESCRIBE {self.raw}").fetchall()
        self.types = {name: kind for name, kind, *_ in types}
        self.raw_count = self.con.execute(f"SELECT count(*) FROM {self.raw}").fetchall()[0][0]


def name_harmlessly(names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Give columns the names of features: small letters, digits and _; the columns by these.

    A name that then is ``taken`` is left out; of two that come out alike the later is numbered.

    Examples
    --------
    >>> name_harmlessly(["MntWines", "Café", "3D", "Income", "café!"], ["income"])
    {'mnt_wines': 'MntWines', 'cafe': 'Café', 'own_3d': '3D', 'cafe_2': 'café!'}
    """
    found: dict[str, str] = {}
    for name in names:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        words = re.sub("(?<=[a-z])(?=[A-Z])", "_", plain.replace("'", "")).lower()
        stem = re.sub("[^a-z0-9]+", "_", words)[:36].strip("_")
        stem = harmless = stem if OWN_NAME.fullmatch(stem) else f"own_{stem}".strip("_")
        number = 1
        while harmless in found:
            number += 1
            harmless = f"{stem}_{number}"
        if stem not in taken:
            found[harmless] = name
    return found


def quote(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str | Path) -> str:
    """Return a text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"


def mask_passwords(text: str) -> str:
    """Hide every password that stands in an address within ``text``.

    Examples
    --------
    >>> mask_passwords("postgres://ann:secret@host/shop?sslpassword=x")
    'postgres://ann:***@host/shop'
    """
    text = re.sub(r"(\w://[^?\s]*)\?\S*", r"\1", text)
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)
