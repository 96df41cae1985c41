"""What every figure of a run rests on: the last day counted, the seed, the smallest group."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from segkit.core.periods import GIVEN, name_all_time, name_last_days, name_next_days


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
    margin_share : float or None
        The part of net spend that is left after the costs of goods, as the plan says; what the
        tables tell of costs does not count beside it.
    has_purchases : bool
        Whether there are order lines, so that it is known when what was bought.
    """

    as_of: datetime.date
    random_state: int = 0
    smallest_cell: int = 5
    currency: str = ""
    has_purchases: bool = True
    margin_share: float | None = None

    def describe_period(self, days: int | None = None) -> str:
        """Return the time that a figure speaks of: the last ``days`` days, or all until ``as_of``.

        >>> Settings(datetime.date(2026, 3, 31)).describe_period(365)
        'the last 365 days to 2026-03-31'
        >>> Settings(datetime.date(2026, 3, 31)).describe_period()
        'all time to 2026-03-31'
        """
        if days is not None:
            return name_last_days(self.as_of, days)
        return name_all_time(self.as_of) if self.has_purchases else GIVEN

    def name_next_year(self) -> str:
        """Return the year after the last day counted, as a period.

        >>> Settings(datetime.date(2026, 3, 31)).name_next_year()
        'the 365 days after 2026-03-31'
        """
        return name_next_days(self.as_of)
