"""How a column is prepared for a model: one expression, fitted numbers and levels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from segkit.core.errors import SegkitError, suggest_name
from segkit.models.expressions import AnyTable, AnyValue, add_up, drop_nan, limit_value, match_cases
from segkit.models.kinds import find_kind, holds_times
from segkit.models.transformations import (
    Measure,
    Transform,
    Transformation,
    choose_transformation,
    find_steps,
    refine_measure,
    transform_expression,
    transform_values,
)

OUTER_SHARE = 0.005
OTHER = "(other)"
MISSING = "(missing)"
# A level of fewer customers is pooled: it would make noise, and might tell of a person.
RARE_COUNT = 5
RARE_SHARE = 0.005
MOST_LEVELS = 50
# Of the known values of a column: if more than this differ, they tell who somebody is.
MOST_DIFFERENT = 0.5
FEWEST_JUDGED = 20  # known values; of fewer nothing can be said

Scaling = Literal["sd", "steps", "none"]


class Document(BaseModel):
    """A frozen part of a segmentation's document; unknown keys and infinite numbers are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Preparation(Document):
    """Fill a missing value, limit it, take its log where it is skewed, and bring it to scale.

    Without ``fill`` a missing value stays missing. ``smallest`` and ``largest`` are the fit's own.
    ``origin`` and ``width`` are those of ``scaled_log``, see `choose_transformation`. ``mean`` and
    ``sd`` are taken off and divided by; a column that stays as it is has 0 and 1, one in steps of
    its scale its lowest value and the step.
    """

    column: str
    kind: Literal["number", "boolean"] = "number"
    fill: float | None
    smallest: float
    largest: float
    lower: float
    upper: float
    transform: Transform
    origin: float = 0.0
    width: float = Field(1.0, gt=0)
    mean: float
    sd: float

    @property
    def transformation(self) -> Transformation:
        """The transformation with its numbers."""
        return Transformation(self.transform, self.origin, self.width)

    def take(self, table: AnyTable) -> AnyValue:
        """Return the column as double; NaN becomes null."""
        kind = table[self.column].type()
        if not (kind.is_numeric() or kind.is_boolean()):
            raise SegkitError(f"column '{self.column}' is not a number", found=str(kind))
        return take_number(table, self.column)

    def find_new(self, value: AnyValue) -> AnyValue:
        """Say whether a value lies beyond all values of the fit; never null."""
        return ((value < self.smallest) | (value > self.largest)).fill_null(False)

    def apply(self, value: AnyValue) -> AnyValue:
        """Return the prepared value of a number without NaN; null only if there is no fill."""
        value = value if self.fill is None else value.fill_null(self.fill)
        value = limit_value(value, self.lower, self.upper)
        value = transform_expression(value, self.transformation)
        return (value - self.mean) / self.sd


class Levels(Document):
    """The levels of a category, most frequent first; rare ones are pooled as ``(other)``.

    A missing value is the level ``(missing)`` if the fit had one, else it is ignored. A level that
    was never seen counts as ``(other)`` if there is one, else it differs from every level.
    ``pooled`` are the rare levels that are common enough to be named.
    """

    column: str
    kind: Literal["text", "number", "boolean"]
    levels: tuple[str, ...]
    pooled: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[str, ...]:
        """The levels that are values of the column."""
        return tuple(level for level in self.levels if level not in (OTHER, MISSING))

    def take(self, table: AnyTable) -> AnyValue:
        """Return the column as text, or as double where the levels are numbers."""
        value = table[self.column]
        if self.kind == "number":
            return take_number(table, self.column)
        if value.type().is_numeric():
            value = take_number(table, self.column)
            value = value.cast("boolean" if self.kind == "boolean" else "string")
        if value.type().is_boolean():
            return match_cases((value, "true"), (~value, "false"))
        return value.cast("string").lower() if self.kind == "boolean" else value.cast("string")

    def match(self, value: AnyValue, level: str) -> AnyValue:
        """Say whether a taken value is of a level; never null."""
        if level == MISSING:
            return value.isnull()
        if level == OTHER:
            return value.notnull() & ~self._is_in(value, self.kept)
        return (value == self._read(level)).fill_null(False)

    def find_new(self, value: AnyValue) -> AnyValue:
        """Say whether a taken value is a level that the fit did not name; never null."""
        return value.notnull() & ~self._is_in(value, (*self.kept, *self.pooled))

    def _is_in(self, value: AnyValue, levels: tuple[str, ...]) -> AnyValue:
        return value.isin([self._read(level) for level in levels]).fill_null(False)

    def _read(self, level: str) -> str | float:
        return float(level) if self.kind == "number" else level


def learn_levels(
    customers: pd.DataFrame,
    column: str,
    *,
    missing: Literal["own", "ignore"] = "own",
    smallest_level: int = RARE_COUNT,
) -> tuple[Levels, np.ndarray]:
    """Learn the levels of a column, and return each customer's level as a code (int32).

    A level of fewer than ``smallest_level`` customers, or of less than half a per cent, is pooled,
    and so are all but the fifty most frequent. The code is -1 where a missing value is ignored.

    Raises
    ------
    SegkitError
        If the column is not there, has no value at all or holds times, or if nearly every customer
        has another value, or none that ``smallest_level`` customers share.
    """
    require_column(customers, column)
    if holds_times(customers[column]):
        raise SegkitError(
            f"column '{column}' holds times, of which each would be a level of its own",
            found=str(customers[column].dtype),
            fix="Turn it into a number, such as days before a date, or leave it out of the scheme.",
        )
    values = tidy_columns(customers, [column])[column]
    kind = find_kind(values)
    texts = values.map(write_level, na_action="ignore").astype(object)
    counts = texts.value_counts()
    if counts.empty:
        raise SegkitError(f"column '{column}' has no values", fix="Leave it out of the scheme.")
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    _refuse_identifier(column, counts, smallest_level)
    named = counts[counts >= smallest_level].index
    kept = counts.index[counts >= max(RARE_SHARE * len(customers), smallest_level)]
    kept = list(kept[:MOST_LEVELS]) or list(named[:1])
    levels = [*kept, OTHER] if len(kept) < len(counts) else [*kept]
    codes = texts.map({level: code for code, level in enumerate(kept)})
    codes = codes.where(codes.notna() | texts.isna(), len(kept))
    if missing == "own" and texts.isna().any():
        codes = codes.fillna(len(levels))
        levels.append(MISSING)
    pooled = tuple(level for level in named if level not in kept)[:1000]
    learned = Levels(
        column=column, kind="text" if kind == "category" else kind, levels=levels, pooled=pooled
    )
    return learned, codes.fillna(-1).to_numpy(np.int32)


def _refuse_identifier(column: str, counts: pd.Series, smallest_level: int) -> None:
    """Raise a fault where the values of a column tell who somebody is rather than of what kind."""
    known = counts.sum()
    if known >= FEWEST_JUDGED and len(counts) > MOST_DIFFERENT * known:
        raise SegkitError(
            f"column '{column}' is no category: nearly every customer has another value",
            found=f"{len(counts):,} different values of {known:,} customers",
            fix="It looks like an identifier. Leave it out of the scheme.",
        )
    if counts.iloc[0] < smallest_level:
        raise SegkitError(
            f"column '{column}' has no value that {smallest_level} customers share",
            found=f"{len(counts):,} different values of {known:,} customers",
            fix="Leave it out of the scheme, or join its levels.",
        )


def write_level(value: object) -> str:
    """Write a value of a category as text: true, false, 3, 2.5 or the text itself."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value)


def tidy_columns(customers: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return columns as double, as boolean where they are, or else as text; missing as such."""
    tidy = {}
    for column in columns:
        require_column(customers, column)
        values = customers[column]
        kind = find_kind(values)
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(object)
        if kind == "boolean":
            tidy[column] = values.astype("boolean")
        elif values.isna().all():  # of dates too, whose NaT is a number to numpy
            tidy[column] = np.full(len(values), np.nan)
        elif kind == "number":
            tidy[column] = values.to_numpy(dtype=float, na_value=np.nan)
        else:
            tidy[column] = values.map(str, na_action="ignore").astype("str")
    return pd.DataFrame(tidy, index=customers.index)


def require_column(customers: pd.DataFrame, column: str) -> None:
    """Raise an error with the nearest name if the column is not there."""
    if column not in customers.columns:
        fix = suggest_name(column, customers.columns)
        raise SegkitError(f"the customer table has no column '{column}'", fix=fix)


def learn_preparation(
    customers: pd.DataFrame,
    column: str,
    *,
    missing: Literal["own", "ignore"] = "own",
    measure: Measure = "number",
    scaling: Scaling = "sd",
) -> tuple[Preparation, np.ndarray]:
    """Learn how to prepare a column, and return its prepared values as well.

    A missing value becomes the median, or stays NaN if ``missing`` is "ignore".

    Parameters
    ----------
    measure : str
        What the column measures, which says what may be done to a skewed one, see
        `choose_transformation`.
    scaling : {"sd", "steps", "none"}
        "sd": values beyond the outer half per cent on either side count as that limit, skewed
        columns are transformed, and all are standardised. "steps": counted in steps of the column's
        even scale from its lowest value. "none": as they are.

    Raises
    ------
    SegkitError
        If the column is not there, is not a number or has no value at all.
    """
    values = read_numbers(customers, column)
    known = read_known(customers, column)
    fill, lower, upper = np.quantile(known, [0.5, OUTER_SHARE, 1 - OUTER_SHARE])
    if lower == upper or scaling != "sd":
        lower = known.min()
        upper = known.max()
    if missing == "own":
        values = np.where(np.isnan(values), fill, values)
    values = np.clip(values, lower, upper)
    steps = find_steps(known)
    transformation = Transformation()
    mean = 0.0
    sd = 1.0
    if scaling == "sd":
        # Sorted, for the last bits of a mean depend on the order of summing.
        in_order = np.sort(values[~np.isnan(values)])
        transformation = choose_transformation(in_order, refine_measure(measure, steps))
        values = transform_values(values, transformation)
        in_order = np.sort(values[~np.isnan(values)])
        mean = in_order.mean()
        sd = in_order.std() if lower < upper else 1.0
    elif scaling == "steps":
        mean = lower
        sd = 1.0 if steps is None else steps.step
    learned = Preparation(
        column=column,
        kind="boolean" if find_kind(customers[column]) == "boolean" else "number",
        fill=fill if missing == "own" else None,
        smallest=known.min(),
        largest=known.max(),
        lower=lower,
        upper=upper,
        transform=transformation.name,
        origin=transformation.origin,
        width=transformation.width,
        mean=mean,
        sd=sd,
    )
    return learned, (values - mean) / sd


@dataclass(frozen=True)
class PreparedColumns:
    """Columns as a model takes them: ``numbers`` (n, p) to scale, ``codes`` (n, q) of levels.

    A missing value is NaN, or -1, where it is ignored.
    """

    preparations: tuple[Preparation, ...]
    levels: tuple[Levels, ...]
    numbers: np.ndarray
    codes: np.ndarray

    def take(self, rows: np.ndarray) -> PreparedColumns:
        """Return chosen rows, in the order given."""
        return replace(self, numbers=self.numbers[rows], codes=self.codes[rows])

    def leave_out(self, column: str) -> PreparedColumns:
        """Return the other columns."""
        numbers = [own.column != column for own in self.preparations]
        codes = [own.column != column for own in self.levels]
        return PreparedColumns(
            preparations=tuple(itertools.compress(self.preparations, numbers)),
            levels=tuple(itertools.compress(self.levels, codes)),
            numbers=np.ascontiguousarray(self.numbers[:, numbers]),
            codes=np.ascontiguousarray(self.codes[:, codes]),
        )

    def count_different(self) -> int:
        """Count the different rows of sorted rows."""
        if not len(self.numbers):
            return 0
        changed = (self.codes[1:] != self.codes[:-1]).any(axis=1)
        numbers = np.nan_to_num(self.numbers, nan=np.inf)
        return 1 + int((changed | (numbers[1:] != numbers[:-1]).any(axis=1)).sum())


def share_known(parts: Sequence[Preparation | Levels], values: Sequence[AnyValue]) -> AnyValue:
    """Return the share of columns whose taken value is neither missing nor new."""
    known = [
        (value.notnull() & ~part.find_new(value)).cast("int32")
        for part, value in zip(parts, values, strict=True)
    ]
    return add_up(known).cast("float64") / len(known)


def read_known(customers: pd.DataFrame, column: str) -> np.ndarray:
    """Return the finite values of a column; a column without any is an error."""
    values = read_numbers(customers, column)
    values = values[np.isfinite(values)]
    if not len(values):
        raise SegkitError(f"column '{column}' has no values", fix="Leave it out of the scheme.")
    return values


def read_numbers(customers: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column as floats, missing as NaN."""
    require_column(customers, column)
    is_number = find_kind(customers[column]) in ("number", "boolean")
    if not is_number and customers[column].notna().any():
        raise SegkitError(f"column '{column}' is not a number", fix="Choose a numeric column.")
    return customers[column].to_numpy(dtype=float, na_value=np.nan)


def take_number(table: AnyTable, column: str) -> AnyValue:
    """Return a column of an engine's table as double; NaN becomes null."""
    value = table[column]
    if value.type().is_boolean():  # Postgres makes no other number of a truth than an integer
        value = value.cast("int32")
    return drop_nan(value.cast("float64"))
