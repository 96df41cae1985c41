"""Who is in which play, and why: one list a play, from what is known of a day.

A reason is made of figures, and of names of products, categories and industries; never of what
customers wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from segkit.action.plays.offers import list_cross_sells, list_industry_offers
from segkit.action.plays.overdue import Rhythm
from segkit.plan.plays import Plays

LIST_COLUMNS = ["customer_id", "reason", "reason_kind", "rank"]
LOYAL_DAYS = 3  # days with a purchase before somebody can be loyal
LONG_TIMES = 2.0  # so many times the own limit is long overdue
NO_EVENTS = (
    "No attendance is recorded: events of none of the kinds that the plan names as attended stand "
    "in the table of events. Record who came to which event, one row each."
)
NO_LOYAL = "Nobody bought on three days or more and was not overdue."
NO_DUE = "Nobody bought one product three times or more and is due for it by its own rhythm."


@dataclass(frozen=True)
class Known:
    """What the lists of a day are made of.

    Attributes
    ----------
    histories : DataFrame
        Of `fetch_histories` on the day.
    rhythm : Rhythm
        Learned until the day.
    plan : Plays
    industries : Series
        The industry of each customer, by ``customer_id``; empty where none is known.
    products : mapping of str to str
        Names of products by their id, those that are known.
    lifetime : Series
        What each customer is expected to bring in a year, after costs, by ``customer_id``; empty
        where it is not known.
    smallest_cell : int
        The fewest customers that an offer by what others buy may rest on.
    """

    histories: pd.DataFrame
    rhythm: Rhythm
    plan: Plays
    industries: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))
    products: Mapping[str, str] = field(default_factory=dict)
    lifetime: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    smallest_cell: int = 5

    def find_limits(self) -> np.ndarray:
        """Return the days after which each customer is overdue; NaN where that is not known."""
        rows = self.histories
        if self.rhythm.reason:
            return np.full(len(rows), np.nan)
        return self.rhythm.find_limits(rows["day_count"] - 1, rows["active_days"])


def list_overdue(known: Known) -> tuple[pd.DataFrame, str]:
    """List who has waited longer than nine in ten gaps like theirs, who spent most a day first.

    Returns
    -------
    tuple of DataFrame and str
        `LIST_COLUMNS`, and why there is no list; empty where there is one.
    """
    if known.rhythm.reason:
        return _list_nobody(), known.rhythm.reason
    rows = known.histories.assign(limit=known.find_limits())
    rows = rows[rows["recency_days"] > rows["limit"]]
    share = f"{known.rhythm.share:.0%}"
    reasons = [
        f"{recency:.0f} days since the last purchase; {share} of gaps like this customer's ended "
        f"within {int(limit)}. Overdue for {_count(recency - int(limit), 'day')}, after "
        f"{_count(count, 'purchase')}."
        for recency, limit, count in zip(
            rows["recency_days"], rows["limit"], rows["day_count"], strict=True
        )
    ]
    is_long = rows["recency_days"] > LONG_TIMES * rows["limit"]
    kind = np.where(is_long, "overdue for as long again or more", "overdue for less than that")
    # Who bought often comes first, and of these who became overdue lately.
    rank = rows["day_count"] * 1e4 - (rows["recency_days"] - rows["limit"])
    return _make_list(rows, reasons, kind, rank), ""


def list_attended(known: Known) -> tuple[pd.DataFrame, str]:
    """List who attended an event lately, who attended most first; see `list_overdue`."""
    rows = known.histories
    if not (rows["attended_count"] > 0).any():
        return _list_nobody(), NO_EVENTS
    days = known.plan.attended_days
    rows = rows[(rows["attended_count"] > 0) & (rows["attended_days"] <= days)]
    reasons = [
        f"Attended {_count(count, 'event')}, the last {_count(since, 'day')} ago."
        for count, since in zip(rows["attended_count"], rows["attended_days"], strict=True)
    ]
    kind = np.where(rows["attended_count"] > 1, "attended more than once", "attended once")
    rank = rows["attended_count"] * 1e4 - rows["attended_days"]
    return _make_list(rows, reasons, kind, rank), ""


def list_due(known: Known) -> tuple[pd.DataFrame, str]:
    """List who is due for a product that they buy again and again; see `list_overdue`."""
    rows = known.histories
    rows = rows[rows["due_product"].notna()]
    if rows.empty:
        return _list_nobody(), NO_DUE
    names = [known.products.get(str(one), str(one)) for one in rows["due_product"]]
    reasons = [
        f"Bought {name} on {times:.0f} days, every {gap:.0f} days on average; last "
        f"{since:.0f} days ago."
        for name, times, gap, since in zip(
            names, rows["due_times"], rows["due_gap"], rows["due_since"], strict=True
        )
    ]
    is_past = rows["due_since"] > rows["due_gap"]
    kind = np.where(is_past, "past the own mean gap", "about to reach the own mean gap")
    return _make_list(rows, reasons, kind, rows["due_times"].astype(float)), ""


def list_loyal(known: Known) -> tuple[pd.DataFrame, str]:
    """List the loyal: those who spent most in a year, on three days or more, and are not overdue.

    Where the plan says what a reward costs, only those for whom it is at most the plan's share of
    what they are expected to bring in a year. See `list_overdue`.
    """
    rows = known.histories
    is_overdue = rows["recency_days"].to_numpy() > known.find_limits()
    rows = rows[(rows["day_count"] >= LOYAL_DAYS) & ~is_overdue & (rows["year_spend"] > 0)]
    if rows.empty:
        return _list_nobody(), NO_LOYAL
    cut = rows["year_spend"].quantile(1 - known.plan.loyal_share)
    rows = rows[rows["year_spend"] >= cut]
    cost = known.plan.reward_cost
    worth = rows["customer_id"].map(known.lifetime).astype(float)
    kind = np.full(len(rows), "among the highest spend of a year")
    told = [""] * len(rows)
    if cost is not None and worth.notna().any():
        is_worth = cost <= known.plan.most_reward_share * worth
        rows, worth = rows[is_worth], worth[is_worth]
        kind = kind[is_worth.to_numpy()]
        told = [f" The reward is {cost / one:.1%} of what a year is to bring." for one in worth]
    reasons = [
        f"Net spend of {spend:,.0f} in 365 days, on {days:.0f} days with a purchase in all; last "
        f"{since:.0f} days ago.{more}"
        for spend, days, since, more in zip(
            rows["year_spend"], rows["day_count"], rows["recency_days"], told, strict=True
        )
    ]
    return _make_list(rows, reasons, kind, rows["year_spend"]), ""


def list_by_industry(known: Known) -> tuple[pd.DataFrame, str]:
    """List firms that have not bought what firms of their industry buy more; see `list_overdue`."""
    return list_industry_offers(
        known.histories, known.industries, smallest_cell=known.smallest_cell
    )


def list_cross(known: Known) -> tuple[pd.DataFrame, str]:
    """List low spenders with a category that buyers of theirs also buy; see `list_overdue`."""
    return list_cross_sells(known.histories, smallest_cell=known.smallest_cell)


LISTS: dict[str, Callable[[Known], tuple[pd.DataFrame, str]]] = {
    "win_back": list_overdue,
    "invite_again": list_attended,
    "offer_from_purchases": list_due,
    "reward_loyal": list_loyal,
    "offer_by_industry": list_by_industry,
    "cross_sell": list_cross,
}


def list_plays(known: Known) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Make the list of each of the plan's plays but the calls; see `list_overdue`.

    Returns
    -------
    tuple of dict
        The lists by play, and why a play has none, by play.
    """
    lists, missing = {}, {}
    for play in known.plan.order:
        if play not in LISTS:
            continue
        found, reason = LISTS[play](known)
        lists[play] = found
        if reason:
            missing[play] = reason
    return lists, missing


def _make_list(
    rows: pd.DataFrame, reasons: list[str], kind: np.ndarray, rank: pd.Series
) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "customer_id": rows["customer_id"].to_numpy(),
            "reason": reasons,
            "reason_kind": kind,
            "rank": rank.to_numpy(float),
        }
    )
    return table.sort_values(["rank", "customer_id"], ascending=[False, True], ignore_index=True)


def _count(number: float, noun: str) -> str:
    """Return a number with its noun, as "1 day" or "2 days"."""
    return f"{number:,.0f} {noun}" if number == 1 else f"{number:,.0f} {noun}s"


def _list_nobody() -> pd.DataFrame:
    return pd.DataFrame(columns=LIST_COLUMNS)
