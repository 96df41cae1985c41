"""What an expression needs beside the methods of its values, for an engine and in memory alike.

A model's expression takes columns of an Ibis table, or those of
`segkit.models.array_table.ArrayTable`, and does not know which.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TypeAlias

import ibis
import numpy as np
from ibis import ir

from segkit.models import array_table
from segkit.models.array_table import ArrayTable, ArrayValue, Plain

# Either may stand where these do; within one expression all are of one kind.
AnyTable: TypeAlias = ir.Table | ArrayTable
AnyValue: TypeAlias = ir.Value | ArrayValue


def match_cases(
    *cases: tuple[AnyValue, AnyValue | Plain | None], otherwise: AnyValue | Plain | None = None
) -> AnyValue:
    """Return what stands beside the first condition that is true, else ``otherwise`` or nothing."""
    if isinstance(cases[0][0], ArrayValue):
        return array_table.match_arrays(cases, otherwise)
    return ibis.cases(*cases, else_=otherwise)


def take_least(values: Sequence[AnyValue]) -> AnyValue:
    """Return the least of several numbers."""
    if len(values) == 1:  # of which some engines refuse to take the least
        return values[0]
    if isinstance(values[0], ArrayValue):
        return array_table.choose_extreme(values, np.minimum)
    return ibis.least(*values)


def take_greatest(values: Sequence[AnyValue]) -> AnyValue:
    """Return the greatest of several numbers."""
    if len(values) == 1:
        return values[0]
    if isinstance(values[0], ArrayValue):
        return array_table.choose_extreme(values, np.maximum)
    return ibis.greatest(*values)


def repeat_constant(value: Plain | None, kind: str, *, like: AnyValue) -> AnyValue:
    """Return a value, or nothing, as a column beside ``like``; ``kind`` is float64 or int32."""
    if isinstance(like, ArrayValue):
        return array_table.repeat_constant(value, kind, like=like)
    if isinstance(value, float):  # written as text, for Ibis would leave out the cast of a number
        return ibis.literal(repr(value)).cast(kind)
    return ibis.null(kind) if value is None else ibis.literal(value)


def drop_nan(value: AnyValue) -> AnyValue:
    """Take NaN as missing."""
    if isinstance(value, ArrayValue):
        return array_table.drop_nan(value)
    return ibis.ifelse(value.isnan(), ibis.null("float64"), value)


def limit_value(value: AnyValue, lower: float, upper: float) -> AnyValue:
    """Bring a number between two limits; a missing one stays missing.

    Ibis's own ``clip`` repeats the value six times in SQL.
    """
    return match_cases((value < lower, lower), (value > upper, upper), otherwise=value)


def add_up(terms: Sequence[AnyValue | Plain]) -> AnyValue:
    """Add expressions in the given order."""
    return functools.reduce(operator.add, terms)
