"""How a column is prepared for measuring distances: one expression, fitted numbers."""

from __future__ import annotations

import functools
import operator
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


def learn_preparation(customers: pd.DataFrame, column: str) -> tuple[Preparation, np.ndarray]:
    """Learn how to prepare a column, and return its prepared values as well.

    A missing value becomes the median; values beyond the outer half per cent on either side count
    as that limit; a column whose skewness then exceeds 1 is taken as sign(x) * log(1 + abs(x)).

    Raises
    ------
    SegkitError
        If the column is not there, is not a number or has no value at all.
    """
    values = read_numbers(customers, column)
    known = read_known(customers, column)
    fill, lower, upper = np.quantile(known, [0.5, OUTER_SHARE, 1 - OUTER_SHARE])
    if lower == upper:
        lower, upper = known.min(), known.max()
    values = np.clip(np.where(np.isnan(values), fill, values), lower, upper)
    # Sorted, for the last bits of a mean depend on the order of summing.
    skewed = lower < upper and abs(skew(np.sort(values))) > SKEW_LIMIT
    if skewed:
        values = np.sign(values) * np.log(np.abs(values) + 1.0)
    mean, sd = np.sort(values).mean(), np.sort(values).std() if lower < upper else 1.0
    fitted = {"fill": fill, "lower": lower, "upper": upper, "mean": mean, "sd": sd}
    transform = "signed_log" if skewed else "none"
    return Preparation(column=column, transform=transform, **fitted), (values - mean) / sd


def read_known(customers: pd.DataFrame, column: str) -> np.ndarray:
    """Return the finite values of a column; a column without any is an error."""
    values = read_numbers(customers, column)
    values = values[np.isfinite(values)]
    if not len(values):
        raise SegkitError(f"column '{column}' has no values", fix="Leave it out of the scheme.")
    return values


def read_numbers(customers: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column as floats, missing as NaN."""
    numeric = customers.select_dtypes(["number", "bool"]).columns
    if column not in customers.columns:
        raise SegkitError(
            f"the customer table has no column '{column}'", fix=suggest_name(column, numeric)
        )
    if column not in numeric and customers[column].notna().any():
        raise SegkitError(f"column '{column}' is not a number", fix="Choose a numeric column.")
    return customers[column].to_numpy(dtype=float, na_value=np.nan)


def take_number(table: ir.Table, column: str) -> ir.FloatingValue:
    """Return a column of an engine's table as double; NaN becomes null."""
    value = table[column].cast("float64")
    return ibis.ifelse(value.isnan(), ibis.null("float64"), value)


def add_up(terms: list[ir.Value]) -> ir.Value:
    """Add expressions in the given order."""
    return functools.reduce(operator.add, terms)
