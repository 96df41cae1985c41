"""The one gate through which everything that is published passes.

A table leaves for the report as a `Published` one: `publish_table` hides what rests on too few
customers and what a total would give away, and keeps a record of each cell. Tables, charts,
sentences, alternative texts and facts are made from published tables only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from segkit.core.absence import EmptyTable, explain_empty
from segkit.core.cell_records import list_cells, list_no_cells
from segkit.core.errors import SegkitError
from segkit.core.findings import HIDDEN, Cell, Condition, Figure, read_cell

CUSTOMERS = "customers"
NOTE = "note"


@dataclass(frozen=True)
class Shape:
    """What the rows of a table are, so that the gate knows what must not be seen.

    Attributes
    ----------
    name : str
        The table's name in the run.
    population : str
        Whom or what a row counts: ``customers``, or something that is no person, such as ``rows``
        read, ``market`` or ``plan``. Only customers are hidden.
    by : tuple of str
        Columns whose values say which group a row is. Groups are taken to add up to a total that
        is known: the last column is one direction, those before it together the other.
    within : tuple of str
        Columns that part the table into tables that do not add up with each other, such as one
        for each question.
    count : str
        The column with the number of customers that a row rests on.
    adds_up : bool
        Whether groups are apart from each other and their total is known or shown, so that one
        hidden count could be worked out from the others.
    shown : tuple of str
        Columns that tell nothing of the row's customers, such as the base's mean; they stay.
    wholes : tuple of str
        Columns with the number of customers of whom the row counts a part, such as all of its
        segment. Where one of them is too small or hidden, the row is hidden even if it counts
        nobody.
    covered : tuple of str
        Columns of ``by`` whose values are hidden with their row, such as an answer that few gave.
    rests : mapping of str to str
        Columns that rest on other customers than the row, each with the column that counts those,
        such as an index that would tell of the few whose level is unknown.
    """

    name: str
    population: str = CUSTOMERS
    by: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    count: str = "customer_count"
    adds_up: bool = True
    shown: tuple[str, ...] = ()
    wholes: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    rests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """A table that passed the gate.

    Attributes
    ----------
    frame : DataFrame
        The rows; what is hidden is missing, and ``note`` says why. Not to be changed.
    shape : Shape
        What its rows are.
    view : object
        How the report shows it; the gate does not look at it.
    period : str
        The time that its figures speak of.
    currency : str
        The currency of its amounts.
    records : DataFrame
        One row a cell: table, population, dimensions, measure, value, rounding, hidden.
    """

    frame: pd.DataFrame
    shape: Shape
    view: Any = None
    period: str = ""
    currency: str = ""
    records: pd.DataFrame = field(repr=False, default_factory=pd.DataFrame)

    @property
    def empty(self) -> bool:
        """Whether there are no rows."""
        return self.frame.empty

    @property
    def reason(self) -> str:
        """Why there are no rows."""
        return explain_empty(self.frame)

    def keep(self, rows: pd.Series | pd.DataFrame) -> Published:
        """Return some of the rows, chosen by a mask or as a part of ``frame``, in its order."""
        chosen = self.frame[rows] if isinstance(rows, pd.Series) else rows
        if not set(chosen.columns) <= set(self.frame.columns):
            raise SegkitError(
                "these rows are not of the published table",
                where=self.shape.name,
                found=", ".join(map(str, chosen.columns.difference(self.frame.columns))),
                fix="Publish the table that they are from.",
            )
        return replace(self, frame=chosen)

    def read_figure(
        self,
        column: str,
        *,
        where: Mapping[str, Any] | Sequence[Condition] = (),
        how: str = "value",
        over: Cell | None = None,
        minus: Cell | None = None,
        interval: tuple[str, str] | None = None,
        **written: Any,
    ) -> Figure:
        """Read one figure, so that it carries where it came from.

        Parameters
        ----------
        column : str
            The column that is read.
        where : mapping, or sequence of Condition
            Which rows: values by column, or conditions.
        how : str
            What is made of the rows, see `segkit.core.findings.Cell`.
        over, minus : Cell, optional
            What the result is divided by, and what is taken off it first.
        interval : tuple of str, optional
            The columns with the interval's ends; read of a single row only.
        **written
            ``name``, ``kind``, ``unit``, ``decimals`` and ``period`` of the figure. The unit of
            money is the table's currency where it is not given.
        """
        if written.get("kind") in ("money", "large"):
            written.setdefault("unit", self.currency)
        cell = self.locate(column, where=where, how=how)
        cell = replace(cell, over=over, minus=minus)
        low = high = None
        if interval is not None:
            low, high = (
                read_cell(replace(cell, column=end, over=None, minus=None), self._find)
                for end in interval
            )
        return Figure(
            name=written.pop("name", column),
            value=read_cell(cell, self._find),
            low=low,
            high=high,
            period=written.pop("period", self.period),
            cell=cell,
            **written,
        )

    def locate(
        self,
        column: str,
        *,
        where: Mapping[str, Any] | Sequence[Condition] = (),
        how: str = "value",
    ) -> Cell:
        """Return where a figure stands, without reading it."""
        if isinstance(where, Mapping):
            where = [Condition(name, "==", value) for name, value in where.items()]
        return Cell(self.shape.name, column, where=tuple(where), how=how)

    def _find(self, name: str) -> pd.DataFrame:
        if name != self.shape.name:
            raise SegkitError("a figure is read from its own table", where=name)
        return self.frame


def publish_table(
    table: pd.DataFrame,
    shape: Shape,
    *,
    smallest_cell: int,
    roundings: Mapping[str, float] | None = None,
    view: Any = None,
    period: str = "",
    currency: str = "",
) -> Published:
    """Let a finished table through the gate.

    Where a row rests on fewer than ``smallest_cell`` customers, its figures are missing and the
    column ``note`` says so. Where groups add up, a lone hidden row of a line is joined by the next
    smallest one, as in `suppress_cells`. Rows of a table that was made from a published one stay
    hidden, with their note.

    Parameters
    ----------
    table : DataFrame
        The rows; it is not changed.
    shape : Shape
        What the rows are.
    smallest_cell : int
        The fewest customers that may be seen.
    roundings : mapping of str to float, optional
        The step to which each column is shown rounded, for the records.
    view, period, currency
        Handed on with the published table.

    Returns
    -------
    Published
        The rows in their order, and a record a cell: population, dimensions and levels, measure,
        value, rounding, and whether it is hidden.

    Raises
    ------
    SegkitError
        If the table lacks a column that its shape names.
    """
    if isinstance(table, EmptyTable) or table.empty:
        published = Published(table, shape, view=view, period=period, currency=currency)
        return replace(published, records=list_no_cells())
    _check_columns(table, shape)
    shown = table
    hidden = pd.Series(False, index=table.index)
    alone = pd.DataFrame(index=table.index)  # what is hidden of rows that are shown
    if shape.population == CUSTOMERS:
        small = _find_small(table, shape, smallest_cell)
        hidden = small | _find_telling(table, shape, smallest_cell)
        alone = _find_alone(table, shape, smallest_cell)
        shown = _hide_columns(_hide_rows(table, shape, hidden), alone)
        because = np.where(small, f"fewer than {smallest_cell} customers", "")
        is_telling = hidden & (~small | _find_unknown(table, shape))
        because = np.where(is_telling, "would tell of a hidden one", because)
        given = shown[NOTE].fillna("") if NOTE in shown else pd.Series("", index=shown.index)
        is_new = hidden & ~_find_hidden_before(table)
        note = pd.Series(because, index=shown.index).where(is_new, given)
        shown = shown.assign(**{NOTE: note, HIDDEN: hidden | alone.any(axis=1)})
    covered = _list_hidden(shown, shape, hidden, alone)
    records = list_cells(
        shown.drop(columns=[NOTE, HIDDEN], errors="ignore"),
        covered,
        levels=[*shape.within, *shape.by],
        about={"table": shape.name, "population": shape.population},
        roundings=roundings or {},
    )
    published = Published(shown, shape, view=view, period=period, currency=currency)
    return replace(published, records=records)


def _find_hidden_before(table: pd.DataFrame) -> pd.Series:
    """Return which rows were hidden when a table that this one was made from was published."""
    if HIDDEN not in table:
        return pd.Series(False, index=table.index)
    return table[HIDDEN].astype("boolean").fillna(False).astype(bool)


def _find_small(table: pd.DataFrame, shape: Shape, smallest_cell: int) -> pd.Series:
    """Return which rows rest on too few customers, or are a part of too few."""
    small = _is_small(table[shape.count], smallest_cell) | _find_hidden_before(table)
    for column in shape.wholes:
        small |= ~(table[column] >= smallest_cell).fillna(False).astype(bool)
    return small


def _find_unknown(table: pd.DataFrame, shape: Shape) -> pd.Series:
    """Return which rows count a part of customers whose number is hidden elsewhere."""
    return table[list(shape.wholes)].isna().any(axis=1)


def suppress_cells(grid: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Hide counts from 1 to below ``smallest_cell``, and what would give them away.

    A lone hidden cell in a row or column is found by subtraction from its sum, so the next
    smallest count there is hidden too, until no row or column has just one.
    """
    return grid.astype(float).mask(_find_hidden(grid.to_numpy(float), smallest_cell))


def _find_hidden(counts: np.ndarray, smallest_cell: int) -> np.ndarray:
    hidden = (counts > 0) & (counts < smallest_cell)
    changed = True
    while changed:
        changed = False
        for covered, line in zip([*hidden.T, *hidden], [*counts.T, *counts], strict=True):
            shown = np.where(covered | (line == 0), np.inf, line)
            if covered.sum() == 1 and np.isfinite(shown).any():
                covered[shown.argmin()] = changed = True  # a view: it marks the grid
    return hidden


def _is_small(counts: pd.Series, smallest_cell: int) -> pd.Series:
    """Return where there are too few customers, or it is not known how many."""
    return ~(counts >= smallest_cell).fillna(False).astype(bool) & (counts != 0).fillna(True)


def _find_alone(table: pd.DataFrame, shape: Shape, smallest_cell: int) -> pd.DataFrame:
    """Return where the columns that rest on other customers than their row are hidden."""
    small = {
        column: _is_small(table[count], smallest_cell)
        for column, count in shape.rests.items()
        if column in table
    }
    return pd.DataFrame(small, index=table.index, dtype=bool)


def _find_telling(table: pd.DataFrame, shape: Shape, smallest_cell: int) -> pd.Series:
    """Return which rows must be hidden where groups add up to a total."""
    hidden = pd.Series(False, index=table.index)
    if not shape.adds_up or not shape.by:
        return hidden
    parts = table.groupby(list(shape.within), dropna=False) if shape.within else [((), table)]
    for _, part in parts:
        *rows, column = shape.by
        row = part.groupby(rows, dropna=False).ngroup() if rows else np.zeros(len(part), dtype=int)
        place = part.groupby(column, dropna=False).ngroup()
        counts = np.zeros((np.max(row) + 1, place.max() + 1))
        cells = np.asarray(row), np.asarray(place)
        np.add.at(counts, cells, part[shape.count].fillna(0).to_numpy(float))
        covered = _find_hidden(counts, smallest_cell)
        hidden.loc[part.index] = covered[cells]
    return hidden


def _hide_rows(table: pd.DataFrame, shape: Shape, hidden: pd.Series) -> pd.DataFrame:
    """Return the table with the figures of hidden rows missing."""
    if not hidden.any():
        return table
    kept = {*shape.by, *shape.within, *shape.shown, NOTE}.difference(shape.covered)
    covered = [column for column in table.columns if column not in kept]
    return _hide_columns(table, pd.DataFrame(dict.fromkeys(covered, hidden)))


def _hide_columns(table: pd.DataFrame, alone: pd.DataFrame) -> pd.DataFrame:
    """Return the table with some figures missing, each column by its own mask."""
    covered = {}
    for column in alone:
        values = table[column]
        if pd.api.types.is_bool_dtype(values) or pd.api.types.is_integer_dtype(values):
            values = values.convert_dtypes()
        covered[column] = values.mask(alone[column])
    return table.assign(**covered)


def _list_hidden(
    table: pd.DataFrame, shape: Shape, hidden: pd.Series, alone: pd.DataFrame
) -> pd.DataFrame:
    """Return, for each cell of a published table, whether it is hidden."""
    found = pd.DataFrame(False, index=table.index, columns=table.columns)
    for column in found:
        if column not in shape.shown:
            found[column] = hidden
        if column in alone:
            found[column] |= alone[column]
    return found


def _check_columns(table: pd.DataFrame, shape: Shape) -> None:
    needed = [*shape.by, *shape.within]
    if shape.population == CUSTOMERS:
        needed.extend([shape.count, *shape.wholes])
        needed += [count for column, count in shape.rests.items() if column in table.columns]
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise SegkitError(
            "the table does not have the columns that its shape names",
            where=f"table {shape.name}",
            found=f"no {', '.join(missing)}",
            fix="Name the columns of its groups and of its count in the Shape.",
        )
