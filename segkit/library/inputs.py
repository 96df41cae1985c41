"""What the front door is given: tables of any kind, days, counts and seeds, read or refused."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from segkit.core.arguments import (
    SettingError,
    read_date,
    require_names,
    require_number,
    require_whole,
)
from segkit.core.errors import SegkitError, suggest_name

if TYPE_CHECKING:
    import pyarrow as pa

CUSTOMER_ID = "customer_id"
TABLE_KINDS = "Give a pandas or polars DataFrame, an Arrow table or an Ibis table."
LARGEST_SEED = 2**32 - 1


def is_expression(table: object) -> bool:
    """Whether a table is one of Ibis's, which need not be loaded for that to be known."""
    return type(table).__module__.partition(".")[0] == "ibis" and hasattr(table, "to_pyarrow")


def read_frame(table: Any, what: str) -> pd.DataFrame:
    """Return a table of any kind as a DataFrame; one of pandas is handed back as it is.

    Raises
    ------
    SegkitError
        If it is no table, has no rows, or two of its columns have one name.
    """
    if isinstance(table, pd.DataFrame):
        frame = table
    elif is_expression(table):
        frame = table.to_pyarrow().to_pandas(date_as_object=False)
    elif hasattr(table, "__arrow_c_stream__"):
        frame = read_arrow(table, what).to_pandas(date_as_object=False)
    else:
        raise refuse_table(table, what)
    refuse_repeated(frame.columns, what)
    if not all(isinstance(name, str) for name in frame.columns):
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if frame.empty:
        fix = "Look at what made it: a filter may have left nothing."
        found = f"{len(frame)} rows, {frame.shape[1]} columns"
        raise SegkitError("the table has no rows", where=what, found=found, fix=fix)
    return _read_decimals(frame)


def _read_decimals(frame: pd.DataFrame) -> pd.DataFrame:
    """Return exact decimals as numbers: as objects they would be taken for categories."""
    objects = [name for name in frame.columns if frame[name].dtype == object]
    decimals = [name for name in objects if isinstance(_find_first(frame[name]), Decimal)]
    return frame.astype(dict.fromkeys(decimals, float)) if decimals else frame


def _find_first(values: pd.Series) -> object:
    place = values.first_valid_index()
    return None if place is None else values[values.notna()].iloc[0]


def read_arrow(table: Any, what: str) -> pa.Table:
    """Return a table that has Arrow's stream interface, such as one of polars.

    Raises
    ------
    SegkitError
        If it is a single column.
    """
    import pyarrow as pa

    try:
        found = pa.table(table)
    except (pa.ArrowInvalid, TypeError, ValueError):
        raise refuse_table(table, what) from None
    # polars' texts and others that pandas would not take for texts
    kinds = {"string_view": pa.string(), "binary_view": pa.binary()}
    fields = [field.with_type(kinds.get(str(field.type), field.type)) for field in found.schema]
    return found.cast(pa.schema(fields))


def refuse_table(table: object, what: str) -> SegkitError:
    """Return the error that something is no table."""
    kind = type(table)
    place = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return SegkitError(
        "this is not a table", where=what, found=f"{place}{kind.__name__}", fix=TABLE_KINDS
    )


def refuse_repeated(columns: Iterable[object], what: str) -> None:
    """Raise an error if two columns have one name, or a name is not a text."""
    names = pd.Index(list(columns), tupleize_cols=False)
    if getattr(columns, "nlevels", 1) > 1:
        fix = "Flatten them: df.columns = df.columns.map('_'.join)."
        raise SegkitError("the columns have several levels", where=what, fix=fix)
    texts = names.map(str)
    if not texts.is_unique:
        repeated = sorted(set(texts[texts.duplicated()]))
        fix = "Give each column its own name."
        raise SegkitError("two columns have one name", where=what, found=repeated[0], fix=fix)


def read_customers(
    customers: Any, columns: Iterable[str] = (), *, what: str = "customers"
) -> pd.DataFrame:
    """Return customers as a DataFrame of one row a customer, with ``customer_id``.

    Where there is no such column, and none that looks like it, each row is a customer, numbered
    from 1.

    Raises
    ------
    SegkitError
        If it is no table, lacks one of the ``columns``, or names a customer twice or not at all.
    """
    frame = read_frame(customers, what)
    require_columns(frame, columns, what)
    if CUSTOMER_ID not in frame.columns:
        _refuse_likeness(frame, what)
        width = len(str(len(frame)))
        ids = [f"{number:0{width}d}" for number in range(1, len(frame) + 1)]
        return frame.assign(customer_id=ids)
    column: pd.Series[Any] = frame[CUSTOMER_ID]
    where = f"{what}, column 'customer_id'"
    if missing := int(column.isna().sum()):
        fix = "Drop these rows: customers[customers['customer_id'].notna()]."
        found = f"{missing:,} of {len(column):,} rows have none"
        raise SegkitError("a customer has no id", where=where, found=found, fix=fix)
    repeated = column[column.astype(str).duplicated()]
    if len(repeated):
        raise SegkitError(
            "there must be one row a customer, but some are named more than once",
            where=where,
            found=f"{len(repeated):,} rows too many, such as {str(repeated.iloc[0])!r}",
            fix="Of order lines make customers first: customers = build_customers(lines).",
        )
    return frame


def _refuse_likeness(frame: pd.DataFrame, what: str) -> None:
    """Refuse a table whose customers' ids have another name, in a column or in the index."""
    plain = {re.sub("[^a-z]", "", str(name).lower()): name for name in frame.columns}
    for likeness in ("customerid", "customer", "custid", "clientid", "userid"):
        if likeness in plain:
            name = plain[likeness]
            fix = f'Rename it: customers.rename(columns={{"{name}": "customer_id"}}).'
            message = "the customers' ids are in a column of another name"
            raise SegkitError(message, where=what, found=str(name), fix=fix)
    if frame.index.name == CUSTOMER_ID:
        fix = "Make it a column: customers.reset_index()."
        raise SegkitError("customer_id is the index", where=what, fix=fix)


def require_columns(frame: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Raise an error if the table lacks a column."""
    there = [str(name) for name in frame.columns]
    for column in columns:
        if column not in there:
            found = ", ".join(there[:30]) + (", ..." if len(there) > 30 else "")
            fix = suggest_name(column, there)
            raise SegkitError(f"there is no column '{column}'", where=what, found=found, fix=fix)


def read_names(names: Any, what: str) -> tuple[str, ...]:
    """Return names of columns, if there are any; a single text would be read letter by letter."""
    if isinstance(names, list | tuple) and not names:
        return ()
    return tuple(require_names(what, names))


def read_day(day: Any, what: str = "as_of") -> datetime.date | None:
    """Return a day that is given as text, date or time; None stays None.

    Examples
    --------
    >>> read_day("2026-03-31")
    datetime.date(2026, 3, 31)
    """
    return None if day is None else read_date(what, day)


def read_count(value: Any, what: str, *, least: int = 1, most: int | None = None) -> int:
    """Return a whole number within its bounds; True and False are none."""
    return require_whole(what, value, least=least, most=most, fix=f"Write {what}={max(least, 3)}.")


def read_seed(value: Any) -> int:
    """Return a seed."""
    fix = "Write random_state=0."
    return require_whole("random_state", value, least=0, most=LARGEST_SEED, fix=fix)


def read_number(value: Any, what: str, *, least: float, most: float, usual: float) -> float:
    """Return a number within its bounds."""
    fix = f"Write {what}={usual:g}."
    number = require_number(what, value, least=least, fix=fix)
    if number > most:
        message = f"{what} is a number from {least:g} to {most:g}"
        raise SettingError(message, found=repr(value), fix=fix)
    return number


def read_range(counts: Any, what: str = "n_segments", *, most: int = 20) -> tuple[int, int]:
    """Return the fewest and the most of a number, a pair or a range of whole numbers.

    Examples
    --------
    >>> read_range(4), read_range((2, 6)), read_range(range(2, 5))
    ((4, 4), (2, 6), (2, 4))
    """
    if isinstance(counts, range):
        counts = (counts.start, counts.stop - 1)
    if isinstance(counts, Sequence) and not isinstance(counts, str):
        if len(counts) == 2:
            fewest, last = (read_count(count, what, least=2, most=most) for count in counts)
            if fewest <= last:
                return fewest, last
        message = f"{what} is a number, or the fewest and the most"
        raise SegkitError(message, found=repr(counts), fix=f"Write {what}=(2, 6).")
    count = read_count(counts, what, least=2, most=most)
    return count, count
