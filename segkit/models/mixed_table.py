"""A table of numbers and categories, as scikit-learn's users give it, read for an estimator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_complex_dtype
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from segkit.core.arguments import SettingError
from segkit.core.errors import suggest_name
from segkit.core.frames import read_frame
from segkit.models.kinds import find_kind, holds_times

TIMES_FIX = "Turn it into a number, such as days before a date, or leave it out."


def read_table(estimator: BaseEstimator, X: object, *, reset: bool) -> pd.DataFrame:
    """Return a table or an array as a DataFrame, checked as scikit-learn checks.

    Tables of polars, pyarrow and others come through Arrow. With ``reset`` the estimator learns
    the columns' names and number, without it they must be the same.
    """
    frame = read_frame(X)
    if frame is None:
        # The checks of numbers come later, when it is known which columns are.
        X = check_array(X, dtype=None, ensure_all_finite=False, estimator=estimator)
        frame = pd.DataFrame(X).infer_objects()
    else:
        X = frame
        doubled = frame.columns[frame.columns.duplicated()]
        if len(doubled):
            raise SettingError("two columns have the same name", found=repr(doubled[0]))
        if not all(frame.shape):
            check_array(np.empty(frame.shape), estimator=estimator)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    return frame


def find_categorical(frame: pd.DataFrame, categorical: object) -> list[int]:
    """Return the positions of the columns that are categories, in order.

    Parameters
    ----------
    frame : pandas.DataFrame
    categorical : list of names or positions, mask or None
        None: those that hold text, categories, yes and no, or anything else that is neither a
        number nor a time.

    Raises
    ------
    SettingError
        If ``categorical`` is a single name, a mask of another length or names no column; without
        it if a column holds times.
    """
    if categorical is None:
        return [i for i in range(frame.shape[1]) if _is_category(frame.iloc[:, i])]
    chosen = _list_chosen(frame, categorical)
    if chosen and all(isinstance(name, bool | np.bool_) for name in chosen):
        if len(chosen) != frame.shape[1]:
            raise SettingError(
                "categorical is a mask that does not fit the columns",
                found=f"{len(chosen)} truth values for {frame.shape[1]} columns",
                fix="Give one a column, or the names of the columns.",
            )
        return np.flatnonzero(chosen).tolist()
    return sorted({find_position(frame, name) for name in chosen})


def _is_category(column: pd.Series) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    if holds_times(column):
        raise SettingError(
            f"column {column.name!r} holds times, which are not numbers",
            found=str(column.dtype),
            fix=f"{TIMES_FIX} Name it in `categorical` if each is a level of its own.",
        )
    if is_complex_dtype(column.dtype):  # not numbers to take distances of, and no levels
        return False
    return find_kind(column) != "number"


def _list_chosen(frame: pd.DataFrame, categorical: object) -> list:
    """Return what was given as a list; a mask by name in the columns' order."""
    is_one = isinstance(categorical, str | bytes | int | np.integer)
    is_list = hasattr(categorical, "__iter__") and not isinstance(categorical, Mapping | Iterator)
    if is_one or not is_list or getattr(categorical, "ndim", 1) != 1:
        raise SettingError(
            "categorical is a list of names or positions, or a mask",
            found=repr(categorical),
            fix=f"Write categorical=[{categorical!r}]." if is_one else "",
        )
    is_mask = isinstance(categorical, pd.Series) and is_bool_dtype(categorical.dtype)
    if is_mask and categorical.index.sort_values().equals(frame.columns.sort_values()):
        categorical = categorical.reindex(frame.columns)
    return list(categorical)


def find_position(frame: pd.DataFrame, name: object, *, purpose: str = "take as categories") -> int:
    """Return the position of a column by its name, or by its position; a name comes first.

    Raises
    ------
    SettingError
        If there is no such column.
    """
    width = frame.shape[1]
    is_position = isinstance(name, int | np.integer) and not isinstance(name, bool)
    is_name = isinstance(name, str) or is_position
    if is_name and name in frame.columns:
        return frame.columns.get_loc(name)
    if is_position and -width <= name < width:
        return int(name) % width
    fix = suggest_name(str(name), map(str, frame.columns))
    raise SettingError(f"no such column to {purpose}", found=str(name), fix=fix)


def read_numbers(column: pd.Series) -> np.ndarray:
    """Return a column as float64, missing as NaN.

    Raises
    ------
    SettingError
        If it holds anything but numbers; truth values are 0 and 1.
    """
    try:
        if holds_times(column):
            raise TypeError("times are not numbers")
        if is_complex_dtype(column.dtype):
            raise TypeError("complex numbers have no order")
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"column {column.name!r} does not hold numbers",
            found=str(error),
            fix="Name it in `categorical` or turn it into numbers.",
        ) from None


def number_levels(column: pd.Series) -> tuple[np.ndarray, list]:
    """Number the levels of a column by first appearance; a missing value is -1."""
    try:
        codes, levels = pd.factorize(column)
    except TypeError:  # lists and the like, which have no hash, are told apart by their text
        codes, levels = pd.factorize(column.map(repr))
    return codes, levels.tolist()


def list_levels(column: pd.Series, missing: Literal["own", "ignore"]) -> list:
    """Return the levels of a column; None comes last where a missing value is a level."""
    codes, levels = number_levels(column)
    has_own_level = missing == "own" and (codes < 0).any()
    return [*levels, None] if has_own_level else levels


def code_levels(column: pd.Series, levels: list, missing: Literal["own", "ignore"]) -> np.ndarray:
    """Return a column's codes in known levels, int32; one never seen comes after them all.

    Raises
    ------
    SettingError
        If the levels are text and the column holds none, or the reverse: not one would be known.
    """
    local, found = number_levels(column)
    before = {isinstance(level, str) for level in levels if level is not None}
    now = {isinstance(level, str) for level in found}
    if before and now and before.isdisjoint(now):
        known = next(level for level in levels if level is not None)
        raise SettingError(
            f"column {column.name!r} holds values of another kind than the fit's",
            found=f"{found[0]!r}, where there was {known!r}",
            fix="Read the column as it was read for the fit.",
        )
    place = {level: code for code, level in enumerate(levels)}
    absent = -1 if missing == "ignore" else place.get(None, len(levels))
    # Code -1, of a missing value, takes the last place of the list.
    known = np.array([*(place.get(level, len(levels)) for level in found), absent])
    return known[local].astype(np.int32)
