"""What every figure of a run rests on: the last day counted, the seed, the smallest group."""

from __future__ import annotations

import datetime
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The settings that a run hands to everything that computes or shows.

    Attributes
    ----------
    as_of : datetime.date
        The last day counted.
    random_state : int
        The seed of every random step.
    smallest_cell : int
        The fewest customers that a figure which is shown may rest on.
    currency : str
        The currency of all amounts; empty where there are none.
    """

    as_of: datetime.date
    random_state: int = 0
    smallest_cell: int = 5
    currency: str = ""

    def describe_period(self, days: int | None = None) -> str:
        """Return the time that a figure speaks of: the last ``days`` days, or all until ``as_of``.

        >>> Settings(datetime.date(2026, 3, 31)).describe_period(365)
        '2025-04-01 to 2026-03-31'
        >>> Settings(datetime.date(2026, 3, 31)).describe_period()
        'until 2026-03-31'
        """
        if days is None:
            return f"until {self.as_of}"
        first = self.as_of - datetime.timedelta(days=days - 1)
        return f"{first} to {self.as_of}"
