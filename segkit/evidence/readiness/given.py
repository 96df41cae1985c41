"""What practices are scored from, and what was found of one: a figure that may be seen.

Figures of customers are told to the whole percent or to two digits, and those of a few, or of all
but a few, in words: the scorecard names no small group.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from segkit.core.absence import is_missing
from segkit.core.settings import Settings
from segkit.features.who import count_who
from segkit.plan.models import Plan
from segkit.plan.names import NAME_CUSTOMERS

KEY = "customer_id"
HARDLY_ANY = "hardly any"
NEARLY_ALL = "nearly all"
TOO_FEW = "too few customers to tell"


@dataclass(frozen=True)
class Found:
    """What was found of a practice.

    Attributes
    ----------
    value : float
        What the thresholds are held against.
    evidence : str
        What was found, in words that may be seen.
    told : float
        The value as it may be seen; NaN where it may not.
    improve : str
        What to do here, where what the practice says would be more than that.
    """

    value: float
    evidence: str
    told: float = np.nan
    improve: str = ""


@dataclass(frozen=True)
class Given:
    """What the practices are scored from.

    Attributes
    ----------
    plan : Plan
    tables : mapping of str to ibis.Table
        The accepted rows.
    inventory : DataFrame
        One row a table, by its name: row_count, first_on, last_on, days_since_last.
    gaps : DataFrame
        One row a base: ``base``, ``ready``.
    quality : DataFrame
        One row a rule: table, rule, row_count.
    counts : DataFrame
        One row a table: table, read, accepted.
    at : Settings
        ``as_of`` is the last day counted.
    measured : frozenset of str
        The goals whose KPI the tables tell.
    earlier_days : tuple of datetime.date
        The last days counted of the runs that the history keeps, those before ``as_of``.
    """

    plan: Plan
    tables: Mapping[str, ibis.Table]
    inventory: pd.DataFrame
    gaps: pd.DataFrame
    quality: pd.DataFrame
    counts: pd.DataFrame
    at: Settings
    measured: frozenset[str] = frozenset()
    earlier_days: tuple[datetime.date, ...] = ()

    def has_rows(self, *names: str) -> bool:
        """Return whether each of these tables has rows."""
        rows = self.inventory["row_count"]
        return all(rows.get(name, 0) > 0 for name in names)

    def has(self, table: str, *columns: str) -> bool:
        """Return whether a table has rows and these columns."""
        return self.has_rows(table) and not is_missing(self.tables.get(table), *columns)

    def list_ready(self) -> set[str]:
        """Return the bases that can be used."""
        return set(self.gaps.loc[self.gaps["ready"].astype(bool), "base"])

    def tell_share(self, hits: int, total: int, what: str) -> Found:
        """Return a share of customers as it may be seen, with ``what`` they do."""
        found = tell_share(hits, total, smallest=self.at.smallest_cell)
        if found.evidence == TOO_FEW:
            return found
        return Found(found.value, f"{found.evidence} {what}", found.told)


def count_people(tables: Mapping[str, ibis.Table], *, as_of: datetime.date) -> dict[str, int]:
    """Count whom a scheme can be of, by its ``who``: buyers, everybody.

    Without order lines both are all whom the first table that names customers has.
    """
    if "order_lines" in tables:
        counted = count_who(tables, as_of=as_of)["customer_count"]
        return {"buyers": int(counted.iloc[0]), "everybody": int(counted.sum())}
    named = (tables[name] for name in NAME_CUSTOMERS if not is_missing(tables.get(name), KEY))
    table = next(named, None)
    count = 0 if table is None else int(table[KEY].nunique().execute())
    return {"buyers": count, "everybody": count}


def tell_share(hits: int, total: int, *, smallest: int) -> Found:
    """Return a share of customers as it may be seen: to the whole percent, a few in words.

    Parameters
    ----------
    hits, total : int
        How many customers are counted, and of how many.
    smallest : int
        The fewest customers that may be told of.

    Examples
    --------
    >>> tell_share(7123, 9876, smallest=5).evidence
    '72% of customers'
    >>> tell_share(9874, 9876, smallest=5).evidence
    'nearly all customers'
    """
    value = hits / total if total else 0.0
    if not total:
        return Found(0.0, "no customers", 0.0)
    if total < 2 * smallest:
        return Found(value, TOO_FEW)
    if 0 < hits < smallest:
        return Found(value, f"{HARDLY_ANY} customers")
    if 0 < total - hits < smallest:
        return Found(value, f"{NEARLY_ALL} customers")
    told = float(np.floor(100 * value + 0.5)) / 100
    if told in (0.0, 1.0) and 0 < hits < total:
        return Found(value, f"{NEARLY_ALL if told else HARDLY_ANY} customers")
    return Found(value, f"{told:.0%} of customers", told)


def tell_count(count: int, *, smallest: int, what: str) -> Found:
    """Return a count of customers as it may be seen: its first two digits.

    ``what`` names them in the plural.

    >>> tell_count(4376, smallest=5, what="repeat buyers").evidence
    'about 4,400 repeat buyers'
    >>> tell_count(3, smallest=5, what="repeat buyers").evidence
    'fewer than 5 repeat buyers'
    """
    if count < smallest:
        return Found(float(count), f"fewer than {smallest} {what}")
    step = 10 ** max(len(str(count)) - 2, 0)
    told = int(np.floor(count / step + 0.5)) * step
    about = "about " if step > 1 else ""
    return Found(float(count), f"{about}{told:,} {what}", float(told))


def tell_part(part: int, whole: int, what: str) -> Found:
    """Return a share of what is no person, such as rows or goals, with both its counts.

    >>> tell_part(1, 2, "goals have a scheme").evidence
    '1 of 2 goals have a scheme'
    """
    value = part / whole if whole else 0.0
    return Found(value, f"{part:,} of {whole:,} {what}", value)
