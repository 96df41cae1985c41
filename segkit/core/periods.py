"""Which time a figure speaks of: the one set of words for it.

A period is a phrase with its dates that reads after a preposition: net spend *in* "the last 365
days to 2026-06-30", *over* "all time to 2026-06-30". A day is counted from its midnight to its end,
so the last 365 days to a day begin 364 days before it.
"""

from __future__ import annotations

import datetime

import pandas as pd

YEAR_DAYS = 365
"""A year, wherever "the last year" or "the next year" is said: so many days."""


GIVEN = "the time that the tables cover"
"""Of what a plan without order lines gives a customer, segkit does not know the time."""
GIVEN_WORDS = {"net spend": "spend", "Net spend": "Spend", " net of returns": ""}


def name_all_time(as_of: datetime.date) -> str:
    """Name everything until a day, that day included.

    >>> name_all_time(datetime.date(2026, 6, 30))
    'all time to 2026-06-30'
    """
    return f"all time to {as_of}"


def name_last_days(as_of: datetime.date, days: int = YEAR_DAYS) -> str:
    """Name the last ``days`` days up to a day, that day included.

    >>> name_last_days(datetime.date(2026, 6, 30))
    'the last 365 days to 2026-06-30'
    """
    return f"the last {days} days to {as_of}"


def name_next_days(as_of: datetime.date, days: int = YEAR_DAYS) -> str:
    """Name the ``days`` days after a day.

    >>> name_next_days(datetime.date(2026, 6, 30))
    'the 365 days after 2026-06-30'
    """
    return f"the {days} days after {as_of}"


def name_days(first: datetime.date, last: datetime.date) -> str:
    """Name the days from one to another, both included.

    >>> name_days(datetime.date(2026, 1, 1), datetime.date(2026, 6, 30))
    'the time from 2026-01-01 to 2026-06-30'
    """
    return f"the time from {first} to {last}"


def name_months(months: pd.Series) -> str:
    """Name the calendar months from the first to the last of a column; nothing where it is empty.

    >>> name_months(pd.Series(pd.to_datetime(["2024-07-01", "2026-06-01"])))
    'the months from 2024-07 to 2026-06'
    """
    if months.empty:
        return ""
    first, last = pd.Timestamp(months.min()), pd.Timestamp(months.max())
    return f"the months from {first:%Y-%m} to {last:%Y-%m}"


def name_span(period: str) -> str:
    """Return a period without its last day, for a sentence whose page says the day.

    >>> name_span("the last 365 days to 2026-06-30"), name_span("all time to 2026-06-30")
    ('the last 365 days', 'all time')

    A period from one day to another is named in full; of what is given as it is, no more is known.
    """
    if period == GIVEN:
        return "as given"
    if " from " in period:
        return period
    span, _, _ = period.partition(" to ")
    return span


def word_spend(text: str, period: str) -> str:
    """Return a text that speaks of net spend as it holds for a period.

    What is summed from order lines is net of returns; of what the tables give, that is not known.

    >>> word_spend("8.3% of net spend", "all time to 2026-06-30"), word_spend("net spend", GIVEN)
    ('8.3% of net spend', 'spend')
    """
    if period != GIVEN:
        return text
    for word, plain in GIVEN_WORDS.items():
        text = text.replace(word, plain)
    return text
