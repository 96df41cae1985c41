"""Tables in memory that take the same expressions as an engine's table.

How a model places a row is written once, for columns of an Ibis table. Where the rows are in memory
already, the same lines run on these classes: they have the names of Ibis's methods and do what
DuckDB does, to the last bit, but at once and without a query. Compiling one takes seconds where a
model reads hundreds of columns.

The rules of an engine that numpy has not: a missing value makes a result missing, and truths have
three values (Codd 1979); NaN is equal to itself and above all other numbers, as in DuckDB and
PostgreSQL; a logarithm is the one of the system's library, as numpy's own differs in the last bit.
"""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import ibis.expr.datatypes as dt
import numpy as np
import pandas as pd
from scipy.special import xlogy

Plain = bool | float | int | str
# What a missing value is held as: its result is masked, and must raise no alarm before.
_HELD = {"f": 0.0, "i": 0, "b": False, "O": ""}
_TYPES = {"f": dt.float64, "i": dt.int64, "b": dt.boolean, "O": dt.string}
_CASTS = {"float64": np.float64, "int64": np.int64, "int32": np.int32}


class ArrayValue:
    """A column of numbers, truths or texts.

    Parameters
    ----------
    values : ndarray of float64, an integer, bool or object (texts), (n,)
    is_missing : ndarray of bool, (n,), optional
        Where there is no value; what ``values`` holds there means nothing. Without it all are
        there.
    """

    __slots__ = ("is_missing", "values")
    __array_ufunc__ = None  # a number of numpy on the left leaves the operation to this class
    __hash__ = None

    def __init__(self, values: np.ndarray, is_missing: np.ndarray | None = None):
        self.values = values
        self.is_missing = is_missing

    def __len__(self) -> int:
        return len(self.values)

    # ------------------------------------------------------------ kinds

    def type(self) -> dt.DataType:
        """Return Ibis's type of the values."""
        return _TYPES[self.values.dtype.kind]

    def cast(self, target: str) -> ArrayValue:
        """Return the values as another type: float64, int64, int32, boolean or string."""
        if target == "string":
            return ArrayValue(_write_texts(self.values), self.is_missing)
        if target == "boolean":
            return ArrayValue(self.values != 0, self.is_missing)
        return ArrayValue(self.values.astype(_CASTS[target]), self.is_missing)

    # ------------------------------------------------------------ missing values

    def isnull(self) -> ArrayValue:
        """Say which values are missing."""
        if self.is_missing is None:
            return ArrayValue(np.zeros(len(self), dtype=bool))
        return ArrayValue(self.is_missing)

    def notnull(self) -> ArrayValue:
        """Say which values are there."""
        return ~self.isnull()

    def fill_null(self, value: Plain) -> ArrayValue:
        """Put a value where one is missing."""
        if self.is_missing is None:
            return self
        return ArrayValue(np.where(self.is_missing, value, self.values))

    def nullif(self, value: Plain) -> ArrayValue:
        """Take away what equals a value."""
        found = (self == value).values
        return _mask(self.values, found if self.is_missing is None else found | self.is_missing)

    @property
    def _there(self) -> np.ndarray | bool:
        return True if self.is_missing is None else ~self.is_missing

    # ------------------------------------------------------------ arithmetic

    def _count(self, other: object, work: Callable) -> ArrayValue:
        right = other.values if isinstance(other, ArrayValue) else other
        with np.errstate(all="ignore"):  # an engine says nothing of infinite numbers
            return ArrayValue(work(self.values, right), _join_missing(self, other))

    def __add__(self, other: object) -> ArrayValue:
        return self._count(other, operator.add)

    def __radd__(self, other: object) -> ArrayValue:
        return self._count(other, lambda own, left: left + own)

    def __sub__(self, other: object) -> ArrayValue:
        return self._count(other, operator.sub)

    def __rsub__(self, other: object) -> ArrayValue:
        return self._count(other, lambda own, left: left - own)

    def __mul__(self, other: object) -> ArrayValue:
        return self._count(other, operator.mul)

    def __rmul__(self, other: object) -> ArrayValue:
        return self._count(other, lambda own, left: left * own)

    def __truediv__(self, other: object) -> ArrayValue:
        return self._count(other, operator.truediv)

    def __rtruediv__(self, other: object) -> ArrayValue:
        return self._count(other, lambda own, left: left / own)

    def __neg__(self) -> ArrayValue:
        return ArrayValue(-self.values, self.is_missing)

    def abs(self) -> ArrayValue:
        """Return the sizes of numbers."""
        return ArrayValue(np.abs(self.values), self.is_missing)

    def sign(self) -> ArrayValue:
        """Return -1, 0 or 1."""
        return ArrayValue(np.sign(self.values), self.is_missing)

    def sqrt(self) -> ArrayValue:
        """Return square roots."""
        return ArrayValue(np.sqrt(self.values), self.is_missing)

    def ln(self) -> ArrayValue:
        """Return natural logarithms."""
        return ArrayValue(xlogy(1.0, self.values), self.is_missing)

    def exp(self) -> ArrayValue:
        """Return powers of e."""
        powers = np.fromiter(map(_exp, self.values.tolist()), float, len(self))
        return ArrayValue(powers, self.is_missing)

    # ------------------------------------------------------------ comparisons

    def _compare(self, other: object, work: Callable) -> ArrayValue:
        value = other.values if isinstance(other, ArrayValue) else other
        is_missing = _join_missing(self, other)
        own_nan = _find_nan(self.values)
        other_nan = _find_nan(value)
        if own_nan is None and other_nan is None:
            return ArrayValue(work(self.values, value), is_missing)
        # NaN is a one beside the noughts of all other numbers, and the number itself is nothing.
        first = np.zeros(len(self), dtype=bool) if own_nan is None else own_nan
        second = np.zeros(len(self), dtype=bool) if other_nan is None else other_nan
        some = first | second
        return ArrayValue(np.where(some, work(first, second), work(self.values, value)), is_missing)

    def __eq__(self, other: object) -> ArrayValue:
        return self._compare(other, operator.eq)

    def __ne__(self, other: object) -> ArrayValue:
        return self._compare(other, operator.ne)

    def __lt__(self, other: object) -> ArrayValue:
        return self._compare(other, operator.lt)

    def __le__(self, other: object) -> ArrayValue:
        return self._compare(other, operator.le)

    def __gt__(self, other: object) -> ArrayValue:
        return self._compare(other, operator.gt)

    def __ge__(self, other: object) -> ArrayValue:
        return self._compare(other, operator.ge)

    def isin(self, values: Iterable[Plain]) -> ArrayValue:
        """Say which are among plain values."""
        found = pd.Series(self.values, copy=False).isin(list(values)).to_numpy()
        return ArrayValue(found, self.is_missing)

    def isnan(self) -> ArrayValue:
        """Say which numbers are NaN."""
        return ArrayValue(np.isnan(self.values), self.is_missing)

    # ------------------------------------------------------------ truths of three values

    def __invert__(self) -> ArrayValue:
        return ArrayValue(~self.values, self.is_missing)

    def __and__(self, other: ArrayValue) -> ArrayValue:
        is_missing = _join_missing(self, other)
        if is_missing is None:
            return ArrayValue(self.values & other.values)
        # What is surely false decides, whatever the other may be.
        false = (~self.values & self._there) | (~other.values & other._there)
        return _mask(self.values & other.values & ~false, is_missing & ~false)

    def __or__(self, other: ArrayValue) -> ArrayValue:
        return ~(~self & ~other)

    # ------------------------------------------------------------ texts

    def lower(self) -> ArrayValue:
        """Return texts in small letters."""
        return self._rewrite(str.lower)

    def left(self, size: int) -> ArrayValue:
        """Return the first characters of texts."""
        return self._rewrite(lambda text: text[:size])

    def like(self, pattern: str) -> ArrayValue:
        """Say which texts are like a pattern: % is anything, _ is one character."""
        signs = {"%": ".*", "_": "."}
        like = re.compile("".join(signs.get(sign) or re.escape(sign) for sign in pattern), re.S)
        return self._rewrite(lambda text: like.fullmatch(text) is not None, bool)

    def _rewrite(self, work: Callable[[str], Plain], kind: type = object) -> ArrayValue:
        return ArrayValue(np.array([*map(work, self.values)], dtype=kind), self.is_missing)


class ArrayTable:
    """Columns of one length, by name; what is done to it gives another table.

    Examples
    --------
    >>> value = ArrayValue(np.array([1.0, 0.0, 4.0]), np.array([False, True, False]))
    >>> table = ArrayTable({"spend": value}, 3)
    >>> table.mutate(is_high=table["spend"] * 2.0 > 5.0).to_pandas()["is_high"].tolist()
    [False, None, True]
    """

    def __init__(self, columns: dict[str, ArrayValue], row_count: int):
        self._columns = columns
        self.row_count = row_count

    def __getitem__(self, name: str) -> ArrayValue:
        return self._columns[name]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def mutate(self, **columns: ArrayValue) -> ArrayTable:
        """Add columns, or replace those of their names."""
        return ArrayTable({**self._columns, **columns}, self.row_count)

    def select(self, *kept: str, **columns: ArrayValue) -> ArrayTable:
        """Return some columns and further ones."""
        return ArrayTable({**{name: self[name] for name in kept}, **columns}, self.row_count)

    def split(self, size: int) -> Iterator[ArrayTable]:
        """Return rows in parts of a size, in their order; one part at least."""
        for begin in range(0, max(self.row_count, 1), size):
            part = slice(begin, begin + size)
            columns = {
                name: ArrayValue(
                    value.values[part], None if value.is_missing is None else value.is_missing[part]
                )
                for name, value in self._columns.items()
            }
            yield ArrayTable(columns, min(size, self.row_count - begin))

    def to_pandas(self) -> pd.DataFrame:
        """Return the columns as a DataFrame: a missing number is NaN, a text None."""
        columns = {}
        for name, value in self._columns.items():
            values = value.values
            if value.is_missing is not None and value.is_missing.any():
                nothing = None if values.dtype.kind in "Ob" else np.nan
                values = np.where(value.is_missing, nothing, values)
            columns[name] = values
        return pd.DataFrame(columns, index=range(self.row_count))


def read_array(values: pd.Series) -> ArrayValue:
    """Return a column of doubles, of pandas' booleans or of texts; NaN is missing."""
    is_missing = values.isna().to_numpy()
    if values.dtype == np.float64:
        return _mask(values.to_numpy(), is_missing)
    kind = np.dtype(bool if isinstance(values.dtype, pd.BooleanDtype) else object)
    held = values.to_numpy(kind, na_value=_HELD[kind.kind])
    return ArrayValue(held, is_missing if is_missing.any() else None)


def repeat_constant(value: Plain | None, kind: str, *, like: ArrayValue) -> ArrayValue:
    """Return a column of one value, or of nothing, as long as another."""
    size = len(like)
    if value is None:
        return ArrayValue(np.zeros(size, dtype=_CASTS[kind]), np.ones(size, dtype=bool))
    return ArrayValue(np.full(size, value, dtype=_CASTS[kind]))


def drop_nan(value: ArrayValue) -> ArrayValue:
    """Take NaN as missing."""
    found = _find_nan(value.values)
    return value if found is None else _mask(value.values, value.isnull().values | found)


def match_arrays(cases: Sequence[tuple[ArrayValue, object]], otherwise: object) -> ArrayValue:
    """Return what belongs to the first condition that is true, else another value or nothing."""
    size = len(cases[0][0])
    values, is_missing = _spread(otherwise, size)
    if otherwise is None:  # of the kind of the others
        values = np.zeros(size, dtype=np.asarray(_spread(cases[0][1], 1)[0]).dtype)
    for condition, value in reversed(cases):
        is_met = condition.values & condition._there
        own_values, own_missing = _spread(value, size)
        values = np.where(is_met, own_values, values)
        if is_missing is not None or own_missing is not None:
            is_missing = np.where(
                is_met,
                False if own_missing is None else own_missing,
                False if is_missing is None else is_missing,
            )
    return _mask(values, is_missing)


def choose_extreme(values: Sequence[ArrayValue], work: np.ufunc) -> ArrayValue:
    """Return the least or the greatest of several; a missing one is passed over."""
    return functools.reduce(lambda one, other: _choose_one(one, other, work), values)


def _choose_one(one: ArrayValue, other: ArrayValue, work: np.ufunc) -> ArrayValue:
    if one.is_missing is None and other.is_missing is None:
        return ArrayValue(work(one.values, other.values))
    first = one.isnull().values
    second = other.isnull().values
    chosen = np.where(first, other.values, work(one.values, other.values))
    return _mask(np.where(second, one.values, chosen), first & second)


def _spread(value: object, size: int) -> tuple[object, np.ndarray | None]:
    """Return what stands for a case's value, and where it is missing."""
    if isinstance(value, ArrayValue):
        return value.values, value.is_missing
    if value is None:
        return 0, np.ones(size, dtype=bool)
    return (np.array(value, dtype=object) if isinstance(value, str) else value), None


def _mask(values: np.ndarray, is_missing: np.ndarray | None) -> ArrayValue:
    """Return a value with something harmless where it is missing."""
    if is_missing is None or not is_missing.any():
        return ArrayValue(values)
    return ArrayValue(np.where(is_missing, _HELD[values.dtype.kind], values), is_missing)


def _join_missing(one: ArrayValue, other: object) -> np.ndarray | None:
    """Return where one of two is missing."""
    if not isinstance(other, ArrayValue) or other.is_missing is None:
        return one.is_missing
    return other.is_missing if one.is_missing is None else one.is_missing | other.is_missing


def _find_nan(values: object) -> np.ndarray | None:
    """Return where numbers are NaN; None if none is."""
    if isinstance(values, float):
        return np.bool_(True) if math.isnan(values) else None
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
        return None
    found = np.isnan(values)
    return found if found.any() else None


def _write_texts(values: np.ndarray) -> np.ndarray:
    """Write values as DuckDB does: true, 3.0, 1e+16 or the text itself."""
    if values.dtype.kind == "O":
        return values
    if values.dtype.kind == "b":
        return np.where(values, "true", "false").astype(object)
    return np.array([repr(value) for value in values.tolist()], dtype=object)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
