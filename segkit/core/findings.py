"""A finding: one statement with its figures, the customers it rests on, and where they come from.

A figure knows the cell of a kept table that it was read from, so each claim can be worked out
again from what the run left.
"""

from __future__ import annotations

import datetime
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

from segkit.core.errors import SegkitError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ABSENCE = "absence"  # the kind of a finding that says why a table has no rows
HIDDEN = "is_hidden"  # marks the rows of a published table whose figures are hidden
Scalar = str | float | int | bool | None
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ORDERED = ("<", "<=", ">", ">=")
KINDS = (
    "count",
    "share",
    "small share",
    "points",
    "gap",
    "money",
    "large",
    "index",
    "number",
    "date",
    "text",
)


@dataclass(frozen=True)
class Condition:
    """Which rows of a table: those whose ``column`` compares with ``value`` as ``comparison`` says.

    ``comparison`` is one of ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, and ``known`` or
    ``missing``, which need no value. A missing value meets none but ``missing``.
    """

    column: str
    comparison: str
    value: Scalar = None

    def select(self, table: pd.DataFrame) -> pd.Series:
        """Return which rows of a table meet the condition."""
        column = table[self.column]
        if self.comparison == "known":
            return column.notna()
        if self.comparison == "missing":
            return column.isna()
        compare = COMPARISONS[self.comparison]
        return (column.notna() & compare(column, self.value)).fillna(False).astype(bool)


@dataclass(frozen=True)
class Cell:
    """Where a figure was read: a table of the run, a column, rows, and what was made of them.

    ``how`` is ``value`` (of the only row that is left), ``absolute`` (the same without its sign),
    ``sum``, ``mean``, ``median``, ``min``, ``max``, ``rows`` (how many) or ``different`` (how many
    different values). ``over`` is what the result is divided by, ``minus`` what is taken off.
    """

    table: str
    column: str
    where: tuple[Condition, ...] = ()
    how: str = "value"
    over: Cell | None = None
    minus: Cell | None = None


@dataclass(frozen=True)
class Figure:
    """One number, or one word, that a statement rests on.

    ``kind`` says how it is written: ``count``, ``share`` (0 to 1), ``small share``, ``points`` (a
    difference of shares, in hundredths, with its sign), ``gap`` (the same in whole points, without
    its sign), ``money``, ``large`` (money in millions), ``index``, ``number``, ``date`` or
    ``text``. ``unit`` is the currency of money, the noun of a count ("customer", or
    "category|categories"), or the unit of a number. ``low`` and ``high`` are the ends of its
    interval, ``period`` the time that it speaks of. ``cell`` is where it was read. ``carried`` says
    whether one or two customers make what is said of it: without them its sign, its place among the
    others or a fifth of it changes, see `segkit.core.carried`. It is None where that was not
    judged, as of a count; an extreme always is.
    """

    name: str
    value: Scalar
    kind: str = "number"
    unit: str = ""
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    period: str = ""
    cell: Cell | None = None
    carried: bool | None = None


@dataclass(frozen=True)
class Finding:
    """One statement as data: its text, its figures, the count it rests on, and its sources.

    ``kind`` names the sentence, such as "plan.quality". ``count`` is the number of customers whom
    the statement is about, None where it is about none. ``source`` has, by table of the run, the
    columns that were read.
    """

    kind: str
    text: str
    figures: tuple[Figure, ...] = ()
    count: int | None = None
    source: Mapping[str, tuple[str, ...]] | None = None

    def to_record(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return asdict(self)


def to_json_value(value: Any) -> Any:
    """Return facts as JSON values: findings and other records as dicts, also within others."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return {name: to_json_value(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_value(part) for part in value]
    return value


def list_sources(figures: tuple[Figure, ...]) -> dict[str, tuple[str, ...]]:
    """Return the columns that figures were read from, by table."""
    found: dict[str, set[str]] = {}

    def add(cell: Cell | None) -> None:
        if cell is None:
            return
        columns = found.setdefault(cell.table, set())
        columns.update(condition.column for condition in cell.where)
        if cell.column:
            columns.add(cell.column)
        add(cell.over)
        add(cell.minus)

    for figure in figures:
        add(figure.cell)
    return {table: tuple(sorted(columns)) for table, columns in sorted(found.items())}


def read_cell(
    cell: Cell,
    read_table: Callable[[str], pd.DataFrame],
    *,
    masks: dict[Any, np.ndarray] | None = None,
) -> Scalar:
    """Work a figure out from the table that it was read from.

    Parameters
    ----------
    cell : Cell
        Where it was read.
    read_table : callable
        Returns a table of the run by its name.
    masks : dict, optional
        Which rows of the one table that is read meet a condition; it is filled and used again.

    Raises
    ------
    SegkitError
        If a single value is asked for and the conditions leave no row, or several.
    """
    value = _aggregate(cell, read_table(cell.table), {} if masks is None else masks)
    if value is not None and cell.minus is not None:
        other = read_cell(cell.minus, read_table, masks=masks)
        value = None if other is None else value - other
    if value is not None and cell.over is not None:
        other = read_cell(cell.over, read_table, masks=masks)
        value = None if not other else value / other
    return value


def _aggregate(cell: Cell, table: pd.DataFrame, masks: dict[Any, np.ndarray]) -> Scalar:
    places = _find_places(cell.where, table, masks)
    if cell.how == "rows":
        return len(places)
    column = table[cell.column]
    if cell.how in ("value", "absolute"):
        if len(places) != 1:
            wanted = ", ".join(f"{c.column} {c.comparison} {c.value}" for c in cell.where)
            raise SegkitError(
                "a figure is read from one row",
                where=f"table {cell.table}, column {cell.column}",
                found=f"{len(places)} rows where {wanted or 'nothing is asked'}",
            )
        value = _plain(column.iloc[int(places[0])])
        return abs(value) if cell.how == "absolute" and value is not None else value
    column = column.iloc[places]
    if cell.how == "different":
        return int(column.nunique())
    if HIDDEN in table and (table[HIDDEN].iloc[places] & column.isna()).any():
        return None  # what is left would be no sum of all
    known = column.dropna()
    return None if known.empty else _plain(known.agg(cell.how))


def _find_places(
    where: tuple[Condition, ...], table: pd.DataFrame, masks: dict[Any, np.ndarray]
) -> np.ndarray:
    """Return the places of the rows that meet all conditions, one after the other."""
    import numpy as np

    places = np.arange(len(table))
    for condition in where:
        if condition.comparison in ORDERED:  # what those before leave out may be of another kind
            found = condition.select(table[[condition.column]].iloc[places]).to_numpy(bool)
            places = places[found]
            continue
        key = (condition.column, condition.comparison, type(condition.value), condition.value)
        if key not in masks:
            masks[key] = condition.select(table).to_numpy(bool)
        places = places[masks[key][places]]
    return places


def _plain(value: Any) -> Scalar:
    """Return a value of a table as Python and JSON know it; a missing or infinite one as None."""
    import pandas as pd

    if pd.isna(value) or (isinstance(value, float) and math.isinf(value)):
        return None
    if isinstance(value, (pd.Timestamp, datetime.date)):
        return str(value)[:10]
    return value.item() if hasattr(value, "item") else value


def read_findings(records: list[Mapping[str, Any]]) -> list[Finding]:
    """Return findings from the JSON values that `Finding.to_record` gave."""
    return [
        Finding(
            kind=record["kind"],
            text=record["text"],
            figures=tuple(_read_figure(figure) for figure in record["figures"]),
            count=record["count"],
            source={table: tuple(names) for table, names in (record["source"] or {}).items()},
        )
        for record in records
    ]


def _read_figure(record: Mapping[str, Any]) -> Figure:
    return Figure(**{**record, "cell": _read_cell_record(record["cell"])})


def _read_cell_record(record: Mapping[str, Any] | None) -> Cell | None:
    if record is None:
        return None
    return Cell(
        table=record["table"],
        column=record["column"],
        where=tuple(Condition(**condition) for condition in record["where"]),
        how=record["how"],
        over=_read_cell_record(record["over"]),
        minus=_read_cell_record(record["minus"]),
    )
