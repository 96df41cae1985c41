"""What a table, a column, a base and a feature of the contract are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from segkit.contract.bases import BASES as BASE_ROWS

# Groups of contract columns, each met by one of its columns; all groups must be met.
Needs = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Column:
    """One column of the contract.

    ``kind`` is one of ``id``, ``text``, ``category``, ``integer``, ``number``, ``money``, ``date``,
    ``datetime`` and ``boolean``; of a feature of one's own the values decide.
    A value outside ``minimum`` to ``maximum`` or ``allowed`` is none: it is unknown, or rejects the
    row where the table needs it, see `Table.decisive_names`; one outside ``usual_minimum`` to
    ``usual_maximum`` is kept with a warning.
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
    need not be unique. ``answers`` is what the table tells, ``collect`` where to find it.
    ``decides`` are further columns without which a row would be counted at the wrong place.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    one_of: tuple[tuple[str, ...], ...] = ()
    answers: str = ""
    collect: str = ""
    decides: tuple[str, ...] = ()

    @property
    def decisive_names(self) -> frozenset[str]:
        """Names of the columns of which a value that cannot be read rejects the row."""
        required = {column.name for column in self.columns if column.required}
        grouped = {name for group in self.one_of for name in group}
        return frozenset(required | grouped | set(self.decides))

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in the contract's order."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Feature:
    """One column of the customer table.

    ``kind`` is ``number``, ``category``, ``boolean`` or ``date``; only a number has a ``unit``.

    The others are its words in sentences. ``label`` names it: "orders". Of a number ``more`` and
    ``less`` say what a segment has beside others, "more orders" and "older", and ``none`` what it
    has where nobody has any: "no orders". Who is told of stands after "those": ``yes`` and ``no``
    of yes and no, "with pets", and ``level`` of a value: "aged {}", "who buy mostly by {}". Where
    no ``level`` is given it is made of the label. ``high`` and ``low`` are shorter words for the
    names of segments.
    """

    name: str
    base: str
    meaning: str
    needs: Needs
    unit: str = ""
    kind: str = "number"
    label: str = ""
    more: str = ""
    less: str = ""
    none: str = ""
    yes: str = ""
    no: str = ""
    level: str = ""
    high: str = ""
    low: str = ""


@dataclass(frozen=True)
class Base:
    """A kind of characteristic to segment by, and its features, if the plan alone makes none."""

    name: str
    answers: str
    needs: Needs
    features: tuple[Feature, ...] = ()

    @property
    def row(self) -> str:
        """Its number, B1 to B16."""
        return BASE_ROWS[self.name]


def all_of(*columns: str) -> Needs:
    """Return the needs that are met where each of these columns is there."""
    return tuple((column,) for column in columns)


def any_of(*columns: str) -> Needs:
    """Return the needs that are met where one of these columns is there."""
    return (columns,)


def any_read_by(features: Iterable[Feature]) -> Needs:
    """Return the needs that are met where one column that the features read is there."""
    columns = [column for feature in features for group in feature.needs for column in group]
    by_table = sorted(dict.fromkeys(columns), key=lambda column: column.split(".")[0])
    return any_of(*by_table)
