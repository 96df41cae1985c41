"""What all documents do alike when they place the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import pandas as pd
from ibis import ir

from segkit.core.errors import SegkitError
from segkit.models.array_table import ArrayTable, read_array
from segkit.models.columns import tidy_columns
from segkit.models.expressions import AnyTable, AnyValue
from segkit.models.own_columns import choose_prefix

# Rows of a DataFrame that are placed together, so that their columns stay in the processor's cache.
ROWS_AT_ONCE = 16_384


class Model(Protocol):
    """What places rows: a document of prototypes, classes or rules."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""

    def place(self, table: AnyTable, *, keep: Iterable[str] | None = None) -> AnyTable:
        """Add what it finds to the columns to keep."""


def select_placed(table: AnyTable, keep: Iterable[str], **results: AnyValue) -> AnyTable:
    """Select the columns to keep and the results, which replace columns of their names."""
    kept = [column for column in keep if column not in results]
    refuse_other_case(kept, results)
    return table.select(*kept, **results)


def refuse_other_case(columns: Iterable[str], results: Iterable[str]) -> None:
    """Raise an error if a column differs from a result in nothing but its case.

    Most engines cannot hold both, and would mistake one for the other.
    """
    results = set(results)
    for column in columns:
        added = column.lower()
        if added in results and column not in results:
            raise SegkitError(
                f"column '{column}' differs from '{added}', which is added, only in case",
                fix="Rename it: an engine does not tell them apart.",
            )


def read_columns(frame: pd.DataFrame, columns: Sequence[str]) -> ArrayTable:
    """Return columns of a DataFrame as a table in memory, tidied; NaN is missing.

    Raises
    ------
    SegkitError
        If a column is not there, or two differ in nothing but their case.
    """
    found: dict[str, str] = {}
    for column in columns:
        other = found.setdefault(column.lower(), column)
        if other != column:
            raise SegkitError(
                f"columns '{other}' and '{column}' differ only in case",
                fix="Rename one: an engine does not tell them apart.",
            )
    tidy = tidy_columns(frame, columns)
    return ArrayTable({column: read_array(tidy[column]) for column in columns}, len(frame))


def place_frame(model: Model, frame: pd.DataFrame) -> pd.DataFrame:
    """Place the rows of a DataFrame by the model's own expression, without a query.

    Returns what the model adds, with the rows of ``frame`` in their order.
    """
    table = read_columns(frame, model.columns)
    placed = [model.place(part, keep=()).to_pandas() for part in table.split(ROWS_AT_ONCE)]
    return pd.concat(placed, ignore_index=True).set_index(frame.index)


def count_unusual(model: Model, table: ir.Table | pd.DataFrame) -> pd.DataFrame:
    """Count the missing and the new values of a model's columns, see `Segmentation`."""
    if isinstance(table, pd.DataFrame):
        rows = read_columns(table, model.columns)
        found = {key: int(truth.values.sum()) for key, truth in _list_unusual(model, rows)}
        row_count = len(table)
    else:
        found, row_count = _count_in_engine(table, _list_unusual(model, table))
    return pd.DataFrame(
        {
            "column": model.columns,
            "customer_count": row_count,
            "missing_count": [found["missing", column] for column in model.columns],
            "new_count": [found.get(("new", column), 0) for column in model.columns],
        }
    )


def _list_unusual(model: Model, table: AnyTable) -> Iterator[tuple[tuple[str, str], AnyValue]]:
    """Give the conditions that a value is missing, or new, with their names; they are never null.

    What is new is known of the columns that a model prepares, and not of those that rules read.
    """
    parts = {part.column: part for part in getattr(model, "parts", ())}
    for column in model.columns:
        part = parts.get(column)
        value = table[column] if part is None else part.take(table)
        yield ("missing", column), value.isnull()
        if part is not None:
            yield ("new", column), part.find_new(value)


def _count_in_engine(
    table: ir.Table, conditions: Iterable[tuple[tuple[str, str], ir.BooleanValue]]
) -> tuple[dict[tuple[str, str], int], int]:
    """Return how many rows meet each condition, and how many there are."""
    keys, truths = zip(*conditions, strict=True)
    # The prefix is for engines that would take the name of a sum for a column of that name.
    own = choose_prefix(table.columns)
    sums = {f"{own}sum{i}": truth.sum() for i, truth in enumerate(truths)}
    found = table.aggregate(**{f"{own}all": table.count()}, **sums).to_pandas().iloc[0]
    found = found.fillna(0).astype(int)
    return {key: int(found[f"{own}sum{i}"]) for i, key in enumerate(keys)}, int(found[f"{own}all"])
