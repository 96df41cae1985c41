"""Dates that stand for nothing, such as 1900-01-01 and 9999-12-31.

A program writes its first or last day where it knows none. A day of the list is one of these
unless as many rows lie within a year of it: then the data are of that time.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import NamedTuple

from segkit.contract.definitions import Column, Table
from segkit.data.columns import Source
from segkit.data.notices import Notice, say_column

# Few are set aside without ado; more are warned of; of a needed date, most are refused.
FEW_PLACEHOLDERS = 0.05
MOST_PLACEHOLDERS = 0.5
# The first and last days of databases, spreadsheets and languages, and those that people write.
PROGRAM_DAYS = """
    0001-01-01 0001-01-02 0001-01-03 1000-01-01 1111-11-11 1582-10-15 1600-01-01 1601-01-01
    1677-09-21 1753-01-01 1800-01-01 1850-01-01 1899-12-30 1899-12-31 1900-01-01 1900-01-02
    1901-01-01 1904-01-01 1969-12-31 1970-01-01 1970-01-02
    2038-01-19 2049-12-31 2050-12-31 2078-12-31 2079-06-06 2099-01-01 2099-12-30 2099-12-31
    2100-01-01 2100-12-31 2199-12-31 2200-01-01 2222-02-22 2262-04-11 2299-12-31 2500-01-01
    2500-12-31 2999-01-01 2999-12-31 3000-01-01 3000-12-31 3999-12-31 4000-01-01 4712-12-31
    9999-01-01 9999-12-30 9999-12-31
"""
DAYS = frozenset(map(datetime.date.fromisoformat, PROGRAM_DAYS.split()))
# Only days outside are looked at, which in a table of other days are none.
IS_FAR = "{0} < '1971-02-01' OR {0} >= '2037-01-01'"
NEAR = datetime.timedelta(days=366)
ZEROS = "'[0/.: T-]*0[0/.: T-]*'"  # 0000-00-00 00:00:00


class Placeholders(NamedTuple):
    """The rows of each day that stands for nothing, and those of dates written as zeros."""

    days: dict[datetime.date, int]
    zeros: int = 0

    @property
    def count(self) -> int:
        """All their rows."""
        return sum(self.days.values()) + self.zeros

    def test(self, value: str, text: str) -> str:
        """Return the test for them, of a date as read and of its text."""
        tests = []
        if self.days:
            days = ", ".join(f"DATE '{day.isoformat()}'" for day in self.days)
            tests.append(f"coalesce({value}::DATE IN ({days}), false)")
        if self.zeros:
            tests.append(f"coalesce(regexp_full_match({text}, {ZEROS}), false)")
        return f"({' OR '.join(tests)})"


NO_PLACEHOLDERS = Placeholders({})


def find_placeholders(counts: Mapping[datetime.date, int], zeros: int = 0) -> Placeholders:
    """Return which of the days stand for nothing; ``counts`` are the rows of days that are far."""
    found = {}
    for day in sorted(DAYS & set(counts)):
        near = 0
        for other, rows in counts.items():
            if other not in DAYS and abs(other - day) <= NEAR:
                near += rows
        if near < counts[day]:
            found[day] = counts[day]
    return Placeholders(found, zeros)


def is_needed(table: Table, column: Column) -> bool:
    """Say whether a row without this date cannot be used."""
    is_line = table.name == "order_lines" and column.name == "ordered_at"
    return column.required or is_line


def tell_placeholders(
    source: Source, column: Column, found: Placeholders, *, value_count: int
) -> list[Notice]:
    """Name the dates that stand for nothing with their counts.

    Raises
    ------
    SegkitError
        If a date that is needed is one of them in most rows.
    """
    name = column.name
    words = say_column(name)
    share = found.count / value_count
    named = [f"{day.isoformat()} ({rows:,} rows)" for day, rows in found.days.items()]
    if found.zeros:
        named.append(f"zeros ({found.zeros:,} rows)")
    listed = ", ".join(named)
    needed = is_needed(source.table, column)
    if needed and share > MOST_PLACEHOLDERS:
        source.label = source.locate(name)
        fix = "Map another column, or export the table again with its dates."
        raise source.fail("most dates stand for nothing", listed, fix)
    treatment = "Read as unknown."
    if needed:
        treatment = "Set aside where no other table tells the date."
    return [
        Notice(
            f"placeholder_dates_{name}",
            severity="note" if share <= FEW_PLACEHOLDERS else "warning",
            row_count=found.count,
            reason=f"The {words} stands for nothing: {listed}.",
            treatment=treatment,
        )
    ]
