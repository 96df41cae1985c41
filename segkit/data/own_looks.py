"""What the values of features of one's own look like, beyond their kind.

A category may be amounts, percentages or dates under another coat; as categories they lose their
order, so that this is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from segkit.contract.definitions import Column
from segkit.data.columns import Source
from segkit.data.decimal_marks import COLUMNS_AT_ONCE
from segkit.data.notices import Notice
from segkit.data.texts import NO_NUMBER, count_rows, empty_text, trim_column
from segkit.data.units import PERCENT, find_unit

MOSTLY = 0.9  # of the values look like something; then the column does
_DAY = r"([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}"
_SHORT = r"|[0-9]{1,2}[-/][0-9]{1,2}[-/][0-9]{2}|[0-9]{2}[.][0-9]{2}[.][0-9]{2})"  # not 1.2.3
DATE = rf"{_DAY}{_SHORT}([T ].*)?"
NAMED_DATE = r"([0-9]{1,2}[-. ]+)?[A-Z][a-zé]{2,8}\.?[-, ]+([0-9]{1,2},? +)?[0-9]{2,4}"


class Looks(NamedTuple):
    """Counts of the values of one category: how many there are and what they look like.

    ``units`` have one unit beside a number, ``percents`` a per cent sign; ``first`` and ``last``
    are the first and last of these units in order.
    """

    values: int
    units: int
    percents: int
    first: str | None
    last: str | None
    dates: int

    @property
    def has_one_unit(self) -> bool:
        """Whether every value has the same unit beside it."""
        return 0 < self.units == self.values and self.first == self.last

    @property
    def is_dates(self) -> bool:
        """Whether the values look like dates."""
        return self.values > 0 and self.dates >= MOSTLY * self.values

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
