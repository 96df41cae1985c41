"""The one gate through which everything that is published passes.

A table leaves for the report as a `Published` one: `publish_table` hides what rests on too few
customers and what a total would give away, and keeps a record of each cell. Tables, charts,
sentences, alternative texts and facts are made from published tables only.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from segkit.core.absence import EmptyTable, explain_empty
from segkit.core.carried import Bounds, collect_bounds
from segkit.core.cell_records import list_cells, list_no_cells
from segkit.core.errors import SegkitError
from segkit.core.findings import HIDDEN, Cell, Condition, Figure, Scalar, read_cell
from segkit.core.hiding import find_hidden, find_hidden_alone, find_hidden_before
from segkit.core.measures import drop_contributions
from segkit.core.shapes import CUSTOMERS, NOTE, TOO_FEW_FOR_AMOUNTS, Shape


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
    labels : mapping of str to object
        The plan's words for features, see `segkit.features.wording`; the gate does not look at it.
    records : DataFrame
        One row a cell: table, population, dimensions, measure, value, rounding, hidden.
    """

    frame: pd.DataFrame
    shape: Shape
    view: Any = None
    period: str = ""
    currency: str = ""
    labels: Mapping[str, Any] = field(repr=False, default_factory=dict)
    records: pd.DataFrame = field(repr=False, default_factory=pd.DataFrame)
    _bounds: Bounds | None = field(repr=False, default=None)
    # Which rows meet a condition: of one table many figures are read. Another table starts anew.
    _masks: dict = field(init=False, repr=False, compare=False, default_factory=dict)

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

    def is_made_by_few(self, column: str, row: Hashable) -> bool | None:
        """Return whether one or two customers make a figure; None where it is not known.

        Without them its sign or a fifth of it changes, see `segkit.core.carried`.

        Parameters
        ----------
        column : str
            The measure.
        row : hashable
            The row's label in ``frame``.
        """
        if self._bounds is None or not self._bounds.know(column, row):
            return None
        value = self.frame.at[row, column]
        return None if pd.isna(value) else self._bounds.is_made_by_few(column, row, float(value))

    def stays_beyond(
        self, column: str, row: Hashable, limit: float, *, is_above: bool
    ) -> bool | None:
        """Return whether a figure stays above, or below, a limit without two of its customers.

        None where it is not known.
        """
        if self._bounds is None or not self._bounds.know(column, row):
            return None
        return self._bounds.stays_beyond(column, row, limit, is_above=is_above)

    def keeps_place(
        self, column: str, row: Hashable, others: Iterable[Hashable], *, is_top: bool
    ) -> bool | None:
        """Return whether a figure stays the highest, or the lowest, without two customers.

        Two of the row's, and two of each of the ``others``, which are rows as well. None where it
        is not known.
        """
        others = list(others)
        bounds = self._bounds
        if bounds is None or not all(bounds.know(column, one) for one in (row, *others)):
            return None
        return bounds.keeps_place(column, row, others, is_top=is_top)

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
            ``name``, ``kind``, ``unit``, ``decimals``, ``period`` and ``carried`` of the figure.
            The unit of money is the table's currency where it is not given.
        """
        if written.get("kind") in ("money", "large"):
            written.setdefault("unit", self.currency)
        cell = self.locate(column, where=where, how=how)
        cell = replace(cell, over=over, minus=minus)
        low = high = None
        if interval is not None:
            low, high = (
                self._read(replace(cell, column=end, over=None, minus=None)) for end in interval
            )
        return Figure(
            name=written.pop("name", column),
            value=self._read(cell),
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

    def _read(self, cell: Cell) -> Scalar:
        return read_cell(cell, self._find, masks=self._masks)

    def _find(self, name: str) -> pd.DataFrame:
        if name != self.shape.name:
            raise SegkitError("a figure is read from its own table", where=name)
        return self.frame


def publish_table(
    table: pd.DataFrame,
    shape: Shape,
    *,
    smallest_cell: int,
    also_hidden: pd.Series | None = None,
    also_untold: pd.Series | None = None,
    roundings: Mapping[str, float] | None = None,
    view: Any = None,
    period: str = "",
    currency: str = "",
) -> Published:
    """Let a finished table through the gate.

    Where a row rests on fewer than ``smallest_cell`` customers, its figures are missing and the
    column ``note`` says so; rows of a table that was made from a published one stay hidden. Where
    groups add up, the next smallest rows of a line join it until the total does not tell what is
    hidden, see `segkit.core.hiding`. The note does not say which was the small one: that would tell
    it. Amounts need twice as many customers, of whom no one or two make them; extremes are never
    shown, see `segkit.core.measures`.

    Parameters
    ----------
    table : DataFrame
        The rows; it is not changed. Columns ``<sum>_largest`` and ``<sum>_second`` hold the largest
        contributions to a sum, ``<figure>_floor`` and ``<figure>_ceiling`` what a figure is without
        two customers; they are taken away.
    shape : Shape
        What the rows are.
    smallest_cell : int
        The fewest customers that may be seen.
    also_hidden : Series of bool, optional
        Rows that other tables would tell of.
    also_untold : Series of bool, optional
        Rows whose amounts other tables would tell of.
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
    require_columns(table, shape)
    shown = drop_contributions(table)
    hidden = pd.Series(False, index=table.index)
    alone = pd.DataFrame(index=table.index)  # what is hidden of rows that are shown
    if shape.population == CUSTOMERS:
        hidden = find_hidden(table, shape, smallest_cell)
        if also_hidden is not None:
            hidden |= also_hidden
        alone = find_hidden_alone(
            table, shape, hidden, smallest_cell=smallest_cell, also_untold=also_untold
        )
        shown = _hide_columns(_hide_rows(shown, shape, hidden), alone)
        is_new = hidden & ~find_hidden_before(table)
        shown = _write_notes(shown, hidden, alone, note=explain_hidden(smallest_cell), new=is_new)
    covered = _list_hidden(shown, shape, hidden, alone)
    records = list_cells(
        shown.drop(columns=[NOTE, HIDDEN], errors="ignore"),
        covered,
        levels=[*shape.within, *shape.by],
        about={"table": shape.name, "population": shape.population},
        roundings=roundings or {},
    )
    is_of_customers = shape.population == CUSTOMERS
    bounds = collect_bounds(table, count=shape.count) if is_of_customers else None
    published = Published(
        shown, shape, view=view, period=period, currency=currency, records=records, _bounds=bounds
    )
    return published


def find_covered(rows: pd.DataFrame) -> pd.Series:
    """Return in which rows of a published table something is hidden."""
    if HIDDEN not in rows:
        return pd.Series(False, index=rows.index)
    return rows[HIDDEN].astype("boolean").fillna(False).astype(bool)


def _write_notes(
    shown: pd.DataFrame, hidden: pd.Series, alone: pd.DataFrame, *, note: str, new: pd.Series
) -> pd.DataFrame:
    """Return the table with the reason of what is hidden, and a mark beside it."""
    given = shown[NOTE].fillna("") if NOTE in shown else pd.Series("", index=shown.index)
    lacks = alone.any(axis=1)
    notes = given.mask(lacks & ~hidden & (given == ""), TOO_FEW_FOR_AMOUNTS)
    return shown.assign(**{NOTE: notes.mask(new, note), HIDDEN: hidden | lacks})


def explain_hidden(smallest_cell: int) -> str:
    """Return why a row is hidden; whether it is itself the small one is not told."""
    return f"fewer than {smallest_cell} customers, or would tell of so few"


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
    nothing = pd.Series(False, index=table.index)
    found = {}
    for column in table.columns:
        mask = nothing if column in shape.shown else hidden
        found[column] = mask | alone[column] if column in alone else mask
    return pd.DataFrame(found, index=table.index, columns=table.columns)


def require_columns(table: pd.DataFrame, shape: Shape) -> None:
    """Raise an error if a table lacks a column that its shape names."""
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
