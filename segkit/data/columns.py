"""A source in DuckDB, its columns matched with the contract's."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from segkit.contract.definitions import Column, Table
from segkit.contract.tables import TABLES
from segkit.core.errors import PlanError, SegkitError, suggest_name
from segkit.data.notices import Notice
from segkit.data.running_index import find_counters, number_rows, tell_counters
from segkit.data.unread_columns import TELLING_TABLES, find_telling, tell_unread_columns
from segkit.plan.campaigns import Campaigns
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
    ``known`` is ``raw`` without the plan's words for unknown, ``rows`` is ``known`` without rows
    that only repeat the names of the columns.
    ``columns`` maps the contract's names to the user's, ``names`` are all of the user's, ``types``
    are DuckDB's types of the mapped columns, ``plain_ids`` the columns of identifiers that are read
    as they were found, ``plus_ids`` those in which some hold a plus, and ``id_counts`` names, by
    column, a table of identifiers as they were found, with their ``rows``; ``counts_ids`` says
    whether they are counted. ``notices`` tell what was not read, and ``unnamed`` how many values
    columns without a name hold, by their place from 1.
    Of a mapped column in which cells are numbers ``raw`` has these alone too, as
    ``number <column>``.
    ``arms`` has the arm of a campaign that each spelling means.
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
    is_copied: bool = True
    unnamed: dict[int, int] = field(default_factory=dict)
    time_zone: str | None = None
    joins_capitals: bool = False
    counts_ids: bool = True
    plain_ids: frozenset[str] = frozenset()
    plus_ids: frozenset[str] = frozenset()
    id_counts: dict[str, str] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    arms: Mapping[str, str] = field(default_factory=Campaigns().list_spellings)

    def __post_init__(self) -> None:
        self.name = self.table.name
        self.raw = f"raw_{self.name}"
        self.known = self.raw
        self.rows = self.raw
        self.malformed = f"malformed_{self.name}"

    @property
    def read(self) -> int:
        """Rows read, malformed lines included."""
        return self.raw_count + self.malformed_count

    def locate(self, column: str) -> str:
        """Return where ``column`` is, for messages: the file and the user's name for it."""
        return f"{self.label}, column '{self.columns.get(column, column)}'"

    def fail(self, message: str, found: object = "", fix: str = "") -> SegkitError:
        """Return an error about the source; of a library's error only the first line is told."""
        text = str(found).strip()
        if not text and found != "":
            text = type(found).__name__  # an error without words
        first_line = mask_passwords(text.split("\n")[0])
        return SegkitError(message, where=self.label, found=first_line[:200].rstrip("."), fix=fix)

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
        self.names = tuple(names)
        own, matched = self._match_names()
        further = [Column(name, OWN, "A feature of one's own") for name in own if own[name]]
        contract = TABLES[self.name]
        self.table = dataclasses.replace(contract, columns=(*contract.columns, *further))
        self.columns = {
            column: theirs for column, theirs in matched.items() if theirs and theirs in names
        }
        faults = [
            *self._find_repeated_names(matched),
            *self._find_unknown_names(matched),
            *self._find_missing(matched),
        ]
        if faults:
            raise DataError(faults)

    def _match_names(self) -> tuple[dict[str, str], dict[str, str | None]]:
        """Return the user's name of each feature of one's own, and that of all columns."""
        contract = TABLES[self.name].column_names
        features = self.spec.features
        mapped = dict(self.spec.columns)
        if features != "all":
            mapped |= features
        free = [name for name in self.names if name not in mapped.values()]
        by_letters = {name.lower(): name for name in reversed(free)}
        by_name = by_letters | {name: name for name in free}
        matched = {column: mapped.get(column, by_name.get(column)) for column in contract}
        if features == "all":
            left = [name for name in self.names if name and name not in matched.values()]
            features = name_harmlessly(left, contract)
        return features, matched | features

    def _find_repeated_names(self, matched: dict[str, str | None]) -> list[SegkitError]:
        """Find mapped names that two of the source's columns have."""
        there = ", ".join(self.names)
        counts = Counter(name for name in self.names if name)
        repeated = sorted(name for name, count in counts.items() if count > 1)
        read = set(matched.values())
        return [
            self.fail(f"two columns are called '{name}'", there, "Give each its own name.")
            for name in repeated
            if name in read
        ]

    def _find_unknown_names(self, matched: dict[str, str | None]) -> list[SegkitError]:
        """Find names that the plan maps to a column and that the source has not."""
        there = ", ".join(self.names)
        return [
            self.fail(
                f"there is no column '{theirs}', which the plan maps to {column}",
                there,
                suggest_name(theirs, self.names),
            )
            for column, theirs in matched.items()
            if theirs and theirs not in self.names
        ]

    def _find_missing(self, matched: dict[str, str | None]) -> list[SegkitError]:
        """Find needed columns, and groups of which one is needed, that nothing stands for."""
        contract = TABLES[self.name]
        needed = [(column.name,) for column in contract.columns if column.required]
        return [
            self.explain_missing(" or ".join(group))
            for group in (*needed, *contract.one_of)
            if not any(matched[column] for column in group)
        ]

    def keep(
        self,
        relation: str,
        names: Sequence[str],
        *,
        cells: Sequence[str] = (),
        numbers: Mapping[str, str] | None = None,
        row: str = "",
    ) -> None:
        """Keep a relation's rows in order, under the contract's names.

        ``names`` are the user's names of its columns, ``cells`` the relation's where they differ;
        ``numbers`` names, by cell, the relation's column of those that are numbers, not texts.
        The relation may number its rows itself, in a column ``source_row`` before the others. One
        that can be read again, and tells each row's number as ``row``, is not copied.
        """
        self.match(names)
        cells = cells or names
        is_numbered = len(cells) > len(names)
        if is_numbered:
            cells = cells[1:]
        cell_of = dict(zip(names, cells, strict=True))
        self.unnamed = self._count_unnamed(relation, names, cells)
        if self.name in TELLING_TABLES:
            telling = find_telling(self._list_free(), list(self.columns))
            self.notices += tell_unread_columns(self.con, relation, cells=cell_of, found=telling)
        row_hash = f"hash({', '.join(map(quote, cells))}) AS row_hash"
        mapped = [f"{quote(cell_of[name])} AS {quote(ours)}" for ours, name in self.columns.items()]
        mapped += [
            f"{quote(numbers[cell_of[name]])} AS {quote(f'number {ours}')}"
            for ours, name in self.columns.items()
            if numbers and cell_of[name] in numbers
        ]
        counters = find_counters(names, self.columns.values())
        bare = [cell_of[name] for name in names if name not in counters]
        kept = [row_hash, *mapped]
        if counters and bare:
            kept.append(f"hash({', '.join(map(quote, bare))}) AS bare_hash")
            kept += [
                f"{quote(cell_of[name])} AS counter_{place}" for place, name in enumerate(counters)
            ]
        self.is_copied = not row or "file_row_number" in names
        if self.is_copied:
            copied = ["source_row", *kept] if is_numbered else kept
            query = f"SELECT {', '.join(copied)} FROM {relation}"
            self.con.execute(f"CREATE OR REPLACE TABLE kept_{self.name} AS {query}")
            relation = f"kept_{self.name}"
            kept = ["*"]
            row = "" if is_numbered else "rowid + 1"
        if row:
            kept = [f"{row} AS source_row", *kept]
        query = f"SELECT {', '.join(kept)} FROM {relation}"
        if counters and bare:
            told = [
                *self.columns,
                *(
                    f"number {ours}"
                    for ours, name in self.columns.items()
                    if numbers and cell_of[name] in numbers
                ),
            ]
            query = self._compare_without(counters, query, told)
        self.con.execute(f"CREATE OR REPLACE VIEW {self.raw} AS {query}")
        types = self.con.execute(f"DESCRIBE {self.raw}").fetchall()
        self.types = {name: kind for name, kind, *_ in types}
        self.raw_count = self.con.execute(f"SELECT count(*) FROM {self.raw}").fetchall()[0][0]

    def _list_free(self) -> list[str]:
        """Return the user's names, each once, that stand for none of the contract's columns."""
        taken = self.columns.values()
        return [name for name in self.names if name not in taken and self.names.count(name) == 1]

    def _count_unnamed(
        self, relation: str, names: Sequence[str], cells: Sequence[str]
    ) -> dict[int, int]:
        """Return how many values a relation's columns without a name hold, by their place."""
        places = [place for place, name in enumerate(names) if not name]
        if not places:
            return {}
        counts = [f"count(nullif(trim({quote(cells[place])}::VARCHAR), ''))" for place in places]
        (found,) = self.con.execute(f"SELECT {', '.join(counts)} FROM {relation}").fetchall()
        return {place + 1: count for place, count in zip(places, found, strict=True) if count}

    def _compare_without(self, counters: Sequence[str], query: str, told: Sequence[str]) -> str:
        """Return a query's columns, with a hash without the counters if these number the rows."""
        columns = ", ".join(["source_row", *map(quote, told)])
        if not number_rows(self.con, query, counters):
            return f"SELECT row_hash, {columns} FROM ({query})"
        count = self.con.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0]
        self.notices.append(tell_counters(counters, count))
        return f"SELECT bare_hash AS row_hash, {columns} FROM ({query})"


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
        if not OWN_NAME.fullmatch(stem):
            stem = f"own_{stem}".strip("_")
        harmless = stem
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
