"""The tables and columns that segkit understands, written once, in ``contract.txt``.

A plan maps the user's own names onto these. The checks, the data dictionary in the docs and the
gap list in the reports are all generated from there.

In ``contract.txt`` a table stands after the sign #: name | key | groups of which one column is
needed | what it answers | where to find it | what a row is. Below it stand its columns: name |
kind | unit | rules | meaning; a name alone stands for the last such line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Column:
    """One column of the contract.

    ``kind`` is one of ``id``, ``text``, ``category``, ``integer``, ``number``, ``money``, ``date``,
    ``datetime`` and ``boolean``; of a feature of one's own the values decide.
    A value outside ``minimum`` to ``maximum`` or ``allowed`` rejects the row; one outside
    ``usual_minimum`` to ``usual_maximum`` is kept with a warning.
    """

    name: str
    kind: str
    meaning: str
    unit: str = ""
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    usual_minimum: float | None = None
    usual_maximum: float | None = None
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the contract: what a row is, its key, its columns, and what it is good for.

    Of each group in ``one_of`` at least one column must be there. ``key`` is empty where rows
    need not be unique.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    one_of: tuple[tuple[str, ...], ...] = ()
    answers: str = ""
    collect: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in the contract's order."""
        return tuple(column.name for column in self.columns)


def _read_column(line: str) -> Column:
    """Read a column's line; a range is written like ``within 0..`` or ``usual 1920..2012``."""
    name, kind, unit, rules, meaning = (cell.strip() for cell in line.split("|", 4))
    given: dict = {"unit": unit}
    for rule in filter(None, rules.split("; ")):
        word, _, rest = rule.partition(" ")
        if word in ("required", "personal"):
            given[word] = True
        elif word == "among":
            given["allowed"] = tuple(rest.split(", "))
        else:
            start = "usual_" if word == "usual" else ""
            for end, limit in zip(("minimum", "maximum"), rest.split(".."), strict=True):
                given[start + end] = int(limit) if limit else None
    return Column(name, kind, meaning, **given)


def _read_tables() -> dict[str, Table]:
    tables: dict[str, Table] = {}
    lines: dict[str, str] = {}
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    for part in text.strip().removeprefix("# ").split("\n# "):
        header, *rows = part.splitlines()
        table, key, groups, *uses, meaning = (cell.strip() for cell in header.split("|"))
        names = [row.split(" | ")[0] for row in rows]
        lines |= {name: row for name, row in zip(names, rows, strict=True) if "|" in row}
        columns = tuple(_read_column(lines[column]) for column in names)
        one_of = tuple(tuple(group.split(" or ")) for group in groups.split("; ") if group)
        tables[table] = Table(table, meaning, (key,) if key else (), columns, one_of, *uses)
    return tables


TABLES: dict[str, Table] = _read_tables()
