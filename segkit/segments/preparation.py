"""How a column is prepared for measuring distances: one expression, fitted numbers."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Literal

import ibis
import numpy as np
import pandas as pd
from ibis import ir
from pydantic import BaseModel, ConfigDict
from scipy.stats import skew

from segkit.errors import SegkitError, suggest_name

OUTER_SHARE = 0.005
SKEW_LIMIT = 1.0


class Document(BaseModel):
    """A frozen part of a segmentation's document; unknown keys and infinite numbers are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Preparation(Document):
    """Fill a missing value, limit it, take its log where it is skewed, and standardise it."""

    column: str
    fill: float
    lower: float
    upper: float
    transform: Literal["none", "signed_log"]
    mean: float
    sd: float

    def apply(self, value: ir.FloatingValue) -> ir.FloatingValue:
        """Return the prepared value of a number without NaN; never null."""
        value = value.fill_null(self.fill).clip(self.lower, self.upper)
        if self.transform == "signed_log":
            value = value.sign() * (value.abs() + 1.0).ln()
        return (value - self.mean) / self.sd


def learn_preparations(customers: pd.DataFrame, columns: tuple[str, ...]) -> list[Preparation]:
    """Learn how to prepare each column.

    A missing value becomes the median; values beyond the outer half per cent on either side count
    as that limit; a column whose skewness then exceeds 1 is taken as sign(x) * log(1 + abs(x)).

    Raises
    ------
    SegkitError
        If a column is not there, is not a number or has no value at all.
    """
    return [_learn(customers, column) for column in columns]


def _learn(customers: pd.DataFrame, column: str) -> Preparation:
    # Sorted, for the last bits of a mean depend on the order of summing; NaN goes last.
    values = np.sort(read_numbers(customers, column))
    known = values[np.isfinite(values)]
    if not len(known):
        raise SegkitError(f"column '{column}' has no values", fix="Leave it out of the scheme.")
    fill = float(np.median(known))
    lower, upper = (float(q) for q in np.quantile(known, [OUTER_SHARE, 1 - OUTER_SHARE]))
    if lower == upper:
        lower, upper = float(known.min()), float(known.max())
    limited = np.clip(np.where(np.isnan(values), fill, values), lower, upper)
    skewed = np.ptp(limited) > 0 and abs(skew(limited)) > SKEW_LIMIT
    if skewed:
        limited = np.sign(limited) * np.log1p(np.abs(limited))
    sd = float(limited.std())
    return Preparation(
        column=column,
        fill=fill,
        lower=lower,
        upper=upper,
        transform="signed_log" if skewed else "none",
        mean=float(limited.mean()),
        sd=sd if sd > 0 else 1.0,
    )


def prepare_columns(customers: pd.DataFrame, preparations: Sequence[Preparation]) -> np.ndarray:
    """Return the prepared columns as an array of one row a customer, in the given order."""
    columns = list(dict.fromkeys(p.column for p in preparations))
    table = ibis.memtable(customers[columns].assign(row_=np.arange(len(customers))))
    table = add_prepared(table, preparations)
    names = [f"z{i}_" for i in range(len(preparations))]
    frame = table.select("row_", *names).to_pandas().sort_values("row_")
    return frame.drop(columns="row_").to_numpy(float)


def add_prepared(table: ir.Table, preparations: Sequence[Preparation]) -> ir.Table:
    """Add the numbers as ``x0_``, ``x1_`` ... (null if missing) and prepared as ``z0_`` ..."""
    raw = {f"x{i}_": take_number(table, p.column) for i, p in enumerate(preparations)}
    table = table.mutate(**raw)
    return table.mutate(**{f"z{i}_": p.apply(table[f"x{i}_"]) for i, p in enumerate(preparations)})


def read_numbers(customers: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column as floats, missing as NaN."""
    numeric = customers.select_dtypes(["number", "bool"]).columns
    if column not in customers.columns:
        raise SegkitError(
            f"the customer table has no column '{column}'", fix=suggest_name(column, numeric)
        )
    if column not in numeric:
        raise SegkitError(f"column '{column}' is not a number", fix="Choose a numeric column.")
    return customers[column].to_numpy(dtype=float, na_value=np.nan)


def take_number(table: ir.Table, column: str) -> ir.FloatingValue:
    """Return a column of an engine's table as double; NaN becomes null."""
    value = table[column].cast("float64")
    return ibis.ifelse(value.isnan(), ibis.null("float64"), value)


def add_up(terms: list[ir.Value]) -> ir.Value:
    """Add expressions in the given order."""
    return functools.reduce(operator.add, terms)
