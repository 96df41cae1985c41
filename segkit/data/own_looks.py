"""What the values of features of one's own look like, beyond their kind.

A category may be amounts, percentages, dates or an identifier under another coat; as categories
they lose their order, or stand for one customer each, so that this is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from segkit.contract.definitions import Column
from segkit.data.columns import Source
from segkit.data.decimal_marks import COLUMNS_AT_ONCE
from segkit.data.notices import Notice
from segkit.data.texts import (
    NO_CATEGORY,
    NO_NUMBER,
    count_rows,
    empty_text,
    has_cells,
    is_typed,
    name_cells,
    trim_column,
)
from segkit.data.units import PERCENT, find_unit

MOSTLY = 0.9  # of the values look like something; then the column does
NEARLY_EACH = 0.95  # of the values are different: an identifier
FEWEST_VALUES = 30  # tell an identifier from a column of few customers
ROUGHLY = 0.85  # of an estimate of the different values; then they are counted
DATE = r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([T ].*)?"
NAMED_DATE = r"([0-9]{1,2}[-. ]+)?[A-Z][a-zé]{2,8}\.?[-, ]+([0-9]{1,2},? +)?[0-9]{2,4}"


class Looks(NamedTuple):
    """Counts of the values of one category: how many there are and what they look like.

    ``units`` have one unit beside a number, ``percents`` a per cent sign; ``first`` and ``last``
    are the first and last of these units in order. ``different`` is an estimate.
    """

    values: int
    units: int
    percents: int
    first: str | None
    last: str | None
    dates: int
    different: int

    @property
    def has_one_unit(self) -> bool:
        """Whether every value has the same unit beside it."""
        return 0 < self.units == self.values and self.first == self.last

    @property
    def unit(self) -> str:
        """The unit of all values."""
        return self.first or ""


def count_looks(source: Source, columns: Sequence[Column]) -> dict[str, Looks]:
    """Return what the values of categories look like."""
    found = {}
    for first in range(0, len(columns), COLUMNS_AT_ONCE):
        part = columns[first : first + COLUMNS_AT_ONCE]
        trimmed, emptied, read, counts = [], [], [], []
        for number, column in enumerate(part):
            text, unit = f"t{number}", f"u{number}"
            trimmed.append(f"{trim_column(column, source.types[column.name])} AS {text}")
            emptied.append(f"{empty_text(text, NO_NUMBER)} AS {text}")
            read += [text, f"nullif({find_unit(text)}, '') AS {unit}"]
            is_date = f"regexp_full_match({text}, '{DATE}|{NAMED_DATE}')"
            counts += [
                f"count({text})",
                f"count({unit})",
                count_rows(f"regexp_full_match({unit}, '{PERCENT}')"),
                f"min({unit})",
                f"max({unit})",
                count_rows(f"{is_date}"),
                f"approx_count_distinct({text})",
            ]
        query = source.rows
        for step in (trimmed, emptied, read, counts):
            query = f"(SELECT {', '.join(step)} FROM {query})"
        (row,) = source.con.execute(f"FROM {query}").fetchall()
        size = len(Looks._fields)
        for number, column in enumerate(part):
            found[column.name] = Looks(*row[size * number : size * (number + 1)])
    return found


def tell_looks(name: str, looks: Looks) -> list[Notice]:
    """Return a warning where a category looks like percentages, amounts or dates."""
    enough = MOSTLY * looks.values
    amounts = looks.units - looks.percents
    likely = {"percentages": looks.percents, "amounts of money": amounts, "dates": looks.dates}
    for words, count in likely.items():
        if looks.values and count >= enough:
            return [
                Notice(
                    f"looks_like_{words.split()[0]}_{name}",
                    severity="warning",
                    row_count=count,
                    reason=f"The values of {name} look like {words}.",
                    treatment="Read as categories, which have no order.",
                )
            ]
    return []


def find_identifiers(
    source: Source,
    columns: Sequence[Column],
    *,
    numbers: Mapping[str, Callable[[str], str]],
    looks: Mapping[str, Looks],
) -> list[Notice]:
    """Return a warning for each column in which nearly every customer has another value.

    Numbers are identifiers only if they are whole and run: half of all numbers in their range are
    there. ``numbers`` has how each column of numbers is read from text.
    """
    notices = []
    for column in columns:
        name = column.name
        if name in numbers:
            count = _count_running(source, column, numbers[name])
        else:
            count = _count_different(source, column, looks.get(name))
        if count:
            notices.append(
                Notice(
                    f"looks_like_identifier_{name}",
                    severity="warning",
                    row_count=count,
                    reason=f"Nearly every customer has another value of {name}: an identifier?",
                    treatment="Kept as a feature; leave it out of features if it is none.",
                )
            )
    return notices


def _count_different(source: Source, column: Column, looks: Looks | None) -> int:
    """Return how many different values a category has if nearly all differ, else 0."""
    if looks is None or looks.values < FEWEST_VALUES:
        return 0
    if looks.different < ROUGHLY * looks.values or looks.dates >= MOSTLY * looks.values:
        return 0
    text = empty_text("text", NO_CATEGORY)
    trimmed = trim_column(column, source.types[column.name])
    query = f"SELECT count(DISTINCT {text}) FROM (SELECT {trimmed} AS text FROM {source.rows})"
    ((count,),) = source.con.execute(query).fetchall()
    return count if count >= NEARLY_EACH * looks.values else 0


def _count_running(source: Source, column: Column, convert: Callable[[str], str]) -> int:
    """Return how many numbers a column has if they are a running number, else 0."""
    name = column.name
    kind = source.types[name]
    as_number = Column(name, "number", "")
    if is_typed(as_number, kind):
        value = "text::DOUBLE"
    else:
        value = convert(empty_text("text", NO_NUMBER))
    cell = name_cells(name) if has_cells(source, name) else "NULL"
    query = f"""SELECT coalesce(cell, {value}) AS number FROM (
        SELECT {trim_column(as_number, kind)} AS text, {cell} AS cell FROM {source.rows})"""
    counts = "count(number), approx_count_distinct(number), max(number) - min(number)"
    ((count, different, span, broken_count),) = source.con.execute(
        f"SELECT {counts}, {count_rows('number <> round(number)')} FROM ({query})"
    ).fetchall()
    is_likely = count >= FEWEST_VALUES and not broken_count and different >= ROUGHLY * count
    if not is_likely or span >= 2 * count:
        return 0
    ((different,),) = source.con.execute(f"SELECT count(DISTINCT number) FROM ({query})").fetchall()
    return count if different == count else 0
