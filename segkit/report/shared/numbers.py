"""How numbers are written in sentences, tables and charts alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from numbers import Real

from segkit.core.periods import word_spend

THIN_SPACE = "\u202f"
"""A narrow space that does not break: 1 234 567 is read as one number in every language."""
MISSING = "–"
MOST_EXACT = 1e15  # beyond it a float has no decimals


def round_once(value: Real, decimals: int = 0, *, hundredfold: bool = False) -> float:
    """Round a number as people do, half away from zero, from the digits that it is written with.

    Texts, tables and charts all round here, and from the figure itself, so that it reads the same
    everywhere. With ``hundredfold`` a share is rounded as a percentage.

    >>> round_once(0.5), round_once(-2.5), round_once(0.7395, 1, hundredfold=True)
    (1.0, -3.0, 74.0)
    """
    if abs(float(value)) >= MOST_EXACT:
        return float(value) * (100 if hundredfold else 1)
    exact = Decimal(repr(float(value))).scaleb(2 if hundredfold else 0)
    return float(exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def format_number(value: Real | None, decimals: int = 0) -> str:
    """Write a number with thin spaces between thousands; a missing one as a dash.

    >>> format_number(1234567.8).replace(THIN_SPACE, " ")
    '1 234 568'
    >>> format_number(-0.004, 2)
    '0.00'
    >>> format_number(None)
    '–'
    """
    if is_missing_value(value):
        return MISSING
    return _write_rounded(round_once(value, decimals), decimals)


def _write_rounded(rounded: float, decimals: int) -> str:
    text = f"{rounded + 0.0:,.{decimals}f}".replace(",", THIN_SPACE)
    return text.replace("-", "\N{MINUS SIGN}")


def format_share(value: Real | None, decimals: int = 1) -> str:
    """Write a share between 0 and 1 as a percentage.

    >>> format_share(0.1234)
    '12.3%'
    """
    if is_missing_value(value):
        return MISSING
    return f"{_write_rounded(round_once(value, decimals, hundredfold=True), decimals)}%"


def format_money(value: Real | None, currency: str = "", decimals: int | None = None) -> str:
    """Write an amount; whole units from 1,000 on, otherwise two decimals.

    >>> format_money(1234.5, "EUR").replace(THIN_SPACE, " ")
    'EUR 1 235'
    >>> format_money(12.5)
    '12.50'
    """
    if is_missing_value(value):
        return MISSING
    if decimals is None:
        decimals = 0 if abs(float(value)) >= 1000 else 2
    text = format_number(value, decimals)
    return f"{currency}{THIN_SPACE}{text}" if currency else text


def format_small_share(value: float) -> str:
    """Write a share with two digits that count, however small it is.

    >>> format_small_share(0.1234), format_small_share(0.000012), format_small_share(0)
    ('12.3%', '0.0012%', '0.0%')
    """
    known = math.isfinite(value) and value != 0
    return format_share(value, max(1, -1 - math.floor(math.log10(abs(value)))) if known else 1)


def format_points(value: Real | None) -> str:
    """Write a difference of shares in percentage points, with its sign.

    >>> format_points(0.0123), format_points(-0.2), format_points(0.0001)
    ('+1.2', '−20.0', '0.0')
    """
    if is_missing_value(value):
        return MISSING
    points = round_once(value, 1, hundredfold=True)
    return ("+" if points > 0 else "") + _write_rounded(points, 1)


def format_large(value: float, currency: str = "") -> str:
    """Write an amount in millions, billions or trillions with three digits that count.

    >>> format_large(637_856_980), format_large(2.5e9), format_large(9_500)
    ('638 million', '2.50 billion', '9\u202f500')
    """
    if is_missing_value(value):
        return MISSING
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            digits = max(0, 2 - math.floor(math.log10(abs(value) / size)))
            return f"{format_money(value / size, currency, decimals=digits)} {word}"
    return format_money(value, currency)


def plural(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun.

    >>> plural(1, "customer"), plural(3, "customer"), plural(2, "category", "categories")
    ('1 customer', '3 customers', '2 categories')
    """
    return f"{format_number(count)} {one if count == 1 else many or one + 's'}"


def join_period(name: str, period: str) -> str:
    """Join what is shown and the time that it speaks of, where one is given.

    >>> join_period("net spend", "all time to 2026-06-30"), join_period("net spend", "")
    ('net spend; all time to 2026-06-30', 'net spend')
    """
    name = word_spend(name, period)
    return f"{name}; {period}" if period else name


def join_words(words: list[str], last: str = "and") -> str:
    """Join words as a sentence does.

    >>> join_words(["reach", "value", "size"])
    'reach, value and size'
    """
    words = list(words)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def write_ranges(lows: Iterable, highs: Iterable, write: Callable[[Real], str]) -> list[str]:
    """Write intervals; where an end is missing, nothing.

    >>> write_ranges([0.1, None], [0.2, None], format_share)
    ['10.0% to 20.0%', '']
    """
    ends = zip(lows, highs, strict=True)
    return ["" if is_missing_value(low) else f"{write(low)} to {write(high)}" for low, high in ends]


def is_missing_value(value: object) -> bool:
    """Tell whether a single value is missing: None, NaN, NaT or pandas' NA."""
    if value is None:
        return True
    try:
        return not math.isfinite(float(value))
    except (TypeError, ValueError):
        return not isinstance(value, str)
