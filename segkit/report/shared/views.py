"""How a table is shown, and what the gate must know of it: a view is written once, by topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from segkit.core.absence import ALL_HIDDEN, EmptyTable, empty_table
from segkit.core.privacy import Published, Shape, find_covered

if TYPE_CHECKING:
    import pandas as pd

FEATURE = "feature"  # the kind of a column that names features: they are shown by their labels
RULE = "rule"  # the kind of a column of rules in words: they name features by their labels
# How finely a value of each kind is written, for the gate's records.
ROUNDINGS = {
    "integer": 1.0,
    "count": 1.0,
    "index": 1.0,
    "share": 0.001,
    "points": 0.001,
    "money": 0.01,
}


@dataclass(frozen=True)
class Column:
    """A column that is shown.

    ``kind`` is how it is written: integer, share, money, number, date or text, feature or rule, by
    their labels; empty: told from its name and type. ``interval`` names the columns with the ends
    of an interval that are written in one cell. With ``bar`` each number has a bar beside it. With
    ``always`` the column is shown even if all its values are missing.
    """

    heading: str = ""
    kind: str = ""
    interval: tuple[str, str] | None = None
    bar: bool = False
    always: bool = False


@dataclass(frozen=True)
class View:
    """What a table's rows are, and how its columns are headed and written, in their order.

    Columns that the table does not have, or that are all missing, are left out. With no columns
    named all are shown, headed from their names.
    """

    shape: Shape
    columns: Mapping[str, Column] = field(default_factory=dict)

    def rename(self, name: str) -> View:
        """Return the view for another table of the same shape."""
        return replace(self, shape=replace(self.shape, name=name))

    def find_kind(self, column: str) -> str:
        """Return how a column is written; empty where the view does not say."""
        shown = self.columns.get(column)
        return shown.kind if shown else ""

    def list_roundings(self) -> dict[str, float]:
        """Return the step to which each column that the view names is rounded."""
        kinds = {name: column.kind for name, column in self.columns.items()}
        return {name: ROUNDINGS[kind] for name, kind in kinds.items() if kind in ROUNDINGS}


def reshape_published(published: Published, frame: pd.DataFrame, view: View) -> Published:
    """Return a published table laid out otherwise.

    ``frame`` is made of the published table's own figures, such as a pivot or with a column of
    words; nothing else may be in it. Where no row is left since what they hold is hidden, or the
    table is left out, the empty table says so.
    """
    if frame.empty:
        frame = _keep_reason(published.frame, frame)
    return replace(published, frame=frame, view=view, _bounds=None)


def _keep_reason(before: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table without rows, with the reason why there are none."""
    if isinstance(before, EmptyTable):
        return empty_table(list(frame.columns), before.reason)
    if find_covered(before).any():
        return empty_table(list(frame.columns), ALL_HIDDEN)
    return frame


def view_of(published: Any) -> View:
    """Return the view that a published table carries."""
    return published.view if isinstance(published.view, View) else View(published.shape)
