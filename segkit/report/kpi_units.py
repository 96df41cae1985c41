"""How a KPI is written: as a share, as money, or as a number with its unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from segkit.core.findings import Figure
from segkit.core.privacy import Published
from segkit.evidence.kpi_definitions import MONEY, SHARE
from segkit.report.shared.numbers import (
    MISSING,
    format_money,
    format_number,
    format_points,
    format_share,
    is_missing_value,
)


def write_amount(value: float | None, unit: str, currency: str = "") -> str:
    """Write a KPI's value in its unit.

    >>> write_amount(0.125, "share"), write_amount(20.37, "hours"), write_amount(None, "share")
    ('12.5%', '20.37 hours', '–')
    """
    if is_missing_value(value):
        return MISSING
    if unit == SHARE:
        return format_share(value)
    if unit == MONEY:
        return format_money(value, currency)
    text = format_number(value, count_decimals(float(value)))
    return f"{text} {unit}" if unit else text


def write_change(value: float | None, unit: str, currency: str = "") -> str:
    """Write a change in its unit, with its sign; of shares in percentage points.

    >>> write_change(0.012, "share"), write_change(3.0, "hours")
    ('+1.2 points', '+3 hours')
    """
    if is_missing_value(value):
        return MISSING
    if unit == SHARE:
        return f"{format_points(value)} points"
    sign = "+" if value > 0 else ""
    return f"{sign}{write_amount(value, unit, currency)}"


def count_decimals(value: float) -> int:
    """Return how many decimals a number is written with."""
    return 0 if value.is_integer() or abs(value) >= 100 else 2


def write_amounts(table: pd.DataFrame, column: str, *, currency: str) -> list[str]:
    """Write a column, each value in the ``unit`` of its row."""
    pairs = zip(table[column], table["unit"], strict=True)
    return [write_amount(value, unit, currency) for value, unit in pairs]


def write_ends(
    lows: Iterable, highs: Iterable, units: Iterable[str], *, currency: str, write=write_amount
) -> list[str]:
    """Write intervals, each in its unit; a dash where an end is missing."""
    texts = []
    for low, high, unit in zip(lows, highs, units, strict=True):
        is_known = not is_missing_value(low) and not is_missing_value(high)
        ends = f"{write(low, unit, currency)} to {write(high, unit, currency)}"
        texts.append(ends if is_known else MISSING)
    return texts


def read_amount_figure(
    published: Published,
    column: str,
    *,
    row: Mapping[str, Any],
    where: Mapping[str, Any],
    **more: Any,
) -> Figure:
    """Read a figure of a KPI, written in the ``unit`` of its row.

    ``more`` is as in `Published.read_figure`.
    """
    unit = row["unit"]
    value = row[column]
    if unit == SHARE:
        return published.read_figure(column, where=where, kind="share", **more)
    if unit == MONEY:
        return published.read_figure(column, where=where, kind="money", **more)
    decimals = None if is_missing_value(value) else count_decimals(float(value))
    return published.read_figure(
        column, where=where, kind="number", unit=unit, decimals=decimals, **more
    )
