"""The last day counted, where the plan leaves it to the data.

It is the last day of the rows that tell of purchases or, where there are none, of what else was
done. Dates that are few and lie far beyond all others, such as a year mistyped or 9999-12-31, do
not count; nor does a thin trail of rows after the last day of a busy shop, such as orders entered
for later. Nothing depends on the day on which it is worked out, so that the same tables have the
same last day whenever they are read.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping
from typing import NamedTuple

import duckdb
import pandas as pd

from segkit.contract.tables import TABLES

# The tables that may tell the last day, the first that does so counts.
DATED = ("order_lines", "orders", "events", "messages", "responses", "tickets", "customers")
# A quarter of a year without a row, and twice any other such time, is no lull of the trade.
FAR_DAYS = 90
FAR_TIMES = 2
# A day with less than a twentieth of the usual rows is none of trade, where there usually are some;
# a week of such days, and twice any stretch of them before, is a trail.
THIN_SHARE = 0.05
THIN_DAYS = 7
BUSY_ROWS = 5
# One row in a hundred, or a single one: more than these are no slips of the pen.
FEW_SHARE = 0.01


class LastDay(NamedTuple):
    """The last day in the data, the table that told it, and the rows whose dates lie far beyond.

    ``first_beyond`` is the first of these days; None without any.
    """

    day: datetime.date
    table: str
    beyond_count: int = 0
    first_beyond: datetime.date | None = None


def find_time(table: str) -> str:
    """Return the column that tells when a row of a table was: its first with a day; else nothing.

    Examples
    --------
    >>> find_time("order_lines"), find_time("products")
    ('ordered_at', '')
    """
    times = (c.name for c in TABLES[table].columns if c.kind in ("date", "datetime"))
    return next(times, "")


def count_days(
    con: duckdb.DuckDBPyConnection, relation: str, column: str, *, amount: str = "0.0"
) -> pd.DataFrame:
    """Count the rows of each day, in order, and sum their amounts.

    Returns
    -------
    pandas.DataFrame
        ``day``, ``row_count`` and ``amount``, one row a day.
    """
    rows = con.execute(
        f"""SELECT {column}::DATE AS day, count(*) AS row_count, sum({amount}) AS amount
        FROM {relation} WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    return pd.DataFrame(rows, columns=["day", "row_count", "amount"])


def find_last_day(days: pd.DataFrame, table: str) -> LastDay | None:
    """Return the last day of a table's rows; None if no row has one.

    Parameters
    ----------
    days : DataFrame
        ``day`` and ``row_count``, in order, see `count_days`.
    table : str
        The table's name.

    Examples
    --------
    >>> day = datetime.date
    >>> days = pd.DataFrame({"day": [day(2024, 1, 1), day(2024, 1, 9), day(9999, 12, 31)],
    ...                      "row_count": [150, 149, 1]})
    >>> str(find_last_day(days, "order_lines").day)
    '2024-01-09'
    """
    if days.empty:
        return None
    few = max(1.0, FEW_SHARE * days["row_count"].sum())
    kept = _drop_far(days, few)
    kept = _drop_trail(kept, few)
    beyond = days.iloc[len(kept) :]
    first_beyond = None if beyond.empty else beyond["day"].iloc[0]
    return LastDay(kept["day"].iloc[-1], table, int(beyond["row_count"].sum()), first_beyond)


def _drop_far(days: pd.DataFrame, few: float) -> pd.DataFrame:
    """Return the days without the last ones that are few and far beyond the rest."""
    gaps = measure_gaps(days)
    kept = len(days)
    for place in range(len(days) - 1, 0, -1):
        if days["row_count"].iloc[place:].sum() > few:
            break
        longest = max(gaps[: place - 1], default=0)
        if gaps[place - 1] > max(FAR_DAYS, FAR_TIMES * longest):
            kept = place
    return days.iloc[:kept]


def _drop_trail(days: pd.DataFrame, few: float) -> pd.DataFrame:
    """Return a busy shop's days without a thin trail of rows after them."""
    usual = days["row_count"].median()
    if usual < BUSY_ROWS:
        return days
    is_busy = days["row_count"] >= max(2.0, THIN_SHARE * usual)
    busy = days[is_busy]
    trail = days.iloc[is_busy.to_numpy().nonzero()[0][-1] + 1 :]
    if trail.empty or trail["row_count"].sum() > few:
        return days
    length = (trail["day"].iloc[-1] - busy["day"].iloc[-1]).days
    longest = max(measure_gaps(busy), default=0)
    is_trail = length > max(THIN_DAYS, FAR_TIMES * longest)
    return days.iloc[: len(days) - len(trail)] if is_trail else days


def measure_gaps(days: pd.DataFrame) -> list[int]:
    """Return the days from each day with rows to the next one."""
    dates = list(days["day"])
    return [(after - before).days for before, after in itertools.pairwise(dates)]


def list_dated(columns: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """Return the tables that may tell the last day, with the column of each.

    ``columns`` are, by table, those that it carries.
    """
    found = []
    for table in DATED:
        time = find_time(table)
        if time in columns.get(table, {}):
            found.append((table, time))
    return found
