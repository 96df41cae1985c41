"""Settings that people give to functions and estimators, checked where they come in.

Python takes ``True`` for 1 and lets NaN through every comparison, so that a setting of the wrong
kind gives a result all the same. These checks say what was given instead.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Sequence

from segkit.core.errors import SegkitError, suggest_name


class SettingError(SegkitError, ValueError):
    """A setting, a column or an argument that cannot be taken; a ValueError, as peers raise."""


def require_whole(
    name: str, value: object, *, least: int = 1, most: int | None = None, fix: str = ""
) -> int:
    """Return a setting that is a whole number, of Python's or of numpy's.

    Parameters
    ----------
    name : str
        What the setting is called.
    value : object
        What was given. Truth values, text and fractions, 3.0 too, are no whole numbers.
    least, most : int
        The ends of what is allowed.
    fix : str
        What to write instead.

    Raises
    ------
    SettingError
        If it is none, or lies outside.

    Examples
    --------
    >>> require_whole("n_init", 3)
    3
    >>> require_whole("n_init", True)
    Traceback (most recent call last):
    ...
    segkit.core.arguments.SettingError: n_init is a whole number above 0. Found: True.
    """
    number = _read_scalar(value)
    is_inside = isinstance(number, int) and number >= least and (most is None or number <= most)
    if not isinstance(number, int) or not is_inside:
        reach = f"from {least}" if least != 1 or most is not None else "above 0"
        reach += "" if most is None else f" to {most}"
        raise SettingError(f"{name} is a whole number {reach}", found=repr(value), fix=fix)
    return number


def require_number(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    fix: str = "",
) -> float:
    """Return a setting that is a finite number, of Python's or of numpy's.

    Parameters
    ----------
    name : str
        What the setting is called.
    value : object
        What was given. Truth values, text, NaN and infinity are no numbers.
    least, above, below : float
        It is at least ``least``, and lies above ``above`` and below ``below``.
    fix : str
        What to write instead.

    Raises
    ------
    SettingError
        If it is none, or lies outside.

    Examples
    --------
    >>> require_number("horizon_days", 90, above=0)
    90.0
    >>> require_number("horizon_days", -30, above=0)
    Traceback (most recent call last):
    ...
    segkit.core.arguments.SettingError: horizon_days is a number above 0. Found: -30.
    """
    number = _read_scalar(value)
    if number is None or not (
        abs(number) < math.inf and number >= least and above < number < below
    ):
        parts = (("from", least), ("above", above), ("below", below))
        reach = " and ".join(f"{word} {end:g}" for word, end in parts if math.isfinite(end))
        raise SettingError(f"{name} is a number {reach}".rstrip(), found=repr(value), fix=fix)
    return float(number)


def require_choice(name: str, value: object, known: Sequence[str]) -> str:
    """Return a setting that is one of some words; an error names the nearest.

    Raises
    ------
    SettingError
        If it is none of them.

    Examples
    --------
    >>> require_choice("missing", "own", ["own", "ignore"])
    'own'
    """
    if not isinstance(value, str) or value not in known:
        fix = suggest_name(str(value), known)
        raise SettingError(f"unknown {name}", found=repr(value), fix=fix)
    return value


def require_names(name: str, value: object) -> list[str]:
    """Return names of columns as a list; a single text is no list of them.

    Raises
    ------
    SettingError
        If it is a single text, no list at all, an empty one, or a name in it is no text or stands
        there twice.

    Examples
    --------
    >>> require_names("columns", ("plan", "channel"))
    ['plan', 'channel']
    """
    if isinstance(value, str | bytes):
        raise SettingError(
            f"{name} is a list of names, not one text", found=repr(value), fix=f"Write [{value!r}]."
        )
    if not isinstance(value, Iterable):
        raise SettingError(f"{name} is a list of names", found=repr(value))
    names = list(value)
    wrong = [own for own in names if not isinstance(own, str)]
    if wrong:
        raise SettingError(f"{name} is a list of names", found=repr(wrong[0]))
    if not names:
        raise SettingError(f"{name} names no column", found=repr(value))
    doubled = [own for own in dict.fromkeys(names) if names.count(own) > 1]
    if doubled:
        raise SettingError(f"{name} names a column twice", found=repr(doubled[0]))
    return names


def require_date(name: str, value: object) -> datetime.date:
    """Return a setting that is a day; of a point in time its day.

    Raises
    ------
    SettingError
        If it is no date, text too.

    Examples
    --------
    >>> require_date("as_of", datetime.datetime(2026, 3, 31, 12, 0))
    datetime.date(2026, 3, 31)
    """
    # A missing point in time passes for one, but is not equal to itself.
    if not isinstance(value, datetime.date) or value != value:
        raise SettingError(
            f"{name} is a date",
            found=repr(value),
            fix="Write datetime.date(2026, 3, 31), or datetime.date.fromisoformat of a text.",
        )
    return value.date() if isinstance(value, datetime.datetime) else value


def read_date(name: str, value: object, *, where: str = "") -> datetime.date:
    """Return a day that is given as text, as a date or as a point in time.

    Parameters
    ----------
    name : str
        What the setting is called.
    value : object
        YYYY-MM-DD, or what `require_date` takes.
    where : str
        Where it was given, for the message.

    Raises
    ------
    SettingError
        If it is none.

    Examples
    --------
    >>> read_date("as_of", "2026-03-31")
    datetime.date(2026, 3, 31)
    """
    try:
        if isinstance(value, str):
            return datetime.date.fromisoformat(value)
        return require_date(name, value)
    except ValueError:
        fix = "Write it as YYYY-MM-DD."
        message = f"{name} is not a date"
        raise SettingError(message, where=where, found=repr(value), fix=fix) from None


def _read_scalar(value: object) -> int | float | None:
    """Return a number of Python's or of numpy's as Python's; None for anything else."""
    if isinstance(value, bool) or type(value).__module__ not in ("builtins", "numpy"):
        return None
    number = value.item() if hasattr(value, "item") and not getattr(value, "ndim", 0) else value
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None
