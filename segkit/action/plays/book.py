"""The book of plays: all lists of today, what such customers brought before, and what is missing.

What a member is expected to bring is what the members of the same play, as it would have been
listed a horizon earlier, brought within the horizon, whatever was done. It is not what the play
adds: that is measured by lot only.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from ibis import ir

from segkit.action.leads import LeadScore
from segkit.action.plays.histories import fetch_days, fetch_histories, has_lines, list_categories
from segkit.action.plays.lists import Known, list_plays
from segkit.action.plays.offers import compare_industries, measure_lifted, read_flags
from segkit.action.plays.overdue import check_rhythm, learn_rhythm
from segkit.core.absence import NO_PURCHASES
from segkit.core.measures import count_needed, find_largest
from segkit.core.periods import YEAR_DAYS
from segkit.core.settings import Settings
from segkit.core.skewed_means import bound_ratio
from segkit.plan.plays import Plays

CALLS = "call_leads"
EVERYBODY = "all customers"
NO_SEGMENT = "no segment"
VALUES = ("mean_value", "mean_low", "mean_high")
MOST_KNOWN_COSTS = 0.95
MEMBER_COLUMNS = [
    "customer_id", "segment_name", "play", "place", "reason", "reason_kind", "expected_value",
    "expected_low", "expected_high", "horizon_days", "is_measured", "is_first_play",
]  # fmt: skip
VALUE_COLUMNS = [
    "play", "earlier_count", "mean_value", "mean_low", "mean_high", "mean_value_sum",
    "mean_value_largest", "mean_value_second",
]  # fmt: skip
NO_READY = "No lead has a score: {reasons}"


@dataclass(frozen=True)
class Margin:
    """The part of net spend that counts, and where it is from: "plan", "costs" or "revenue"."""

    share: float = 1.0
    kind: str = "revenue"


@dataclass(frozen=True)
class PlayBook:
    """All plays of a day.

    Attributes
    ----------
    members : DataFrame
        One row a customer and play, in the plan's order of plays and then by place:
        `MEMBER_COLUMNS`. It names customers, so it is kept in the run and never shown.
    values : DataFrame
        One row a play, and one of all customers: `VALUE_COLUMNS`; what one of the members of an
        earlier day brought within the horizon, after costs where these are known.
    missing : DataFrame
        ``play`` and ``reason``: why a play has no list.
    check : DataFrame
        Of `check_rhythm`.
    industries, lifted, rewards : DataFrame
        Of `compare_industries` (what is offered), of `measure_lifted`, and what rewards cost.
    margin : Margin
    plan : Plays
    buyer_count : int
        Customers with a purchase until today.
    """

    members: pd.DataFrame
    values: pd.DataFrame
    missing: pd.DataFrame
    margin: Margin
    plan: Plays
    check: pd.DataFrame = field(default_factory=pd.DataFrame)
    industries: pd.DataFrame = field(default_factory=pd.DataFrame)
    lifted: pd.DataFrame = field(default_factory=pd.DataFrame)
    buyer_count: int = 0
    rewards: pd.DataFrame = field(default_factory=pd.DataFrame)


def make_plays(
    tables: Mapping[str, ir.Table],
    customers: pd.DataFrame,
    segments: pd.DataFrame,
    *,
    plan: Plays,
    leads: Sequence[LeadScore] = (),
    at: Settings,
) -> PlayBook:
    """Make the list of each of the plan's plays, and look at what such lists were followed by.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Of which ``order_lines``, ``products`` and ``events`` are read, those that are there.
    customers : DataFrame
        One row a customer: ``customer_id``, and of ``industry``, ``lifetime_value``,
        ``total_profit`` and ``total_spend`` those that are known.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    plan : Plays
    leads : sequence of LeadScore
        Of `segkit.action.leads.score_leads`.
    at : Settings
        The last day counted, and the smallest group.
    """
    margin = find_margin(customers, at.margin_share)
    lists, missing, values = {}, {}, []
    parts = {}
    if has_lines(tables):
        lists, missing, values, parts = _list_from_purchases(
            tables, customers, plan=plan, at=at, margin=margin
        )
    else:
        missing = {play: NO_PURCHASES for play in plan.order if play != CALLS}
    if CALLS in plan.order:
        lists[CALLS], reason = list_calls(leads, margin)
        if reason:
            missing[CALLS] = reason
    told = pd.DataFrame(values, columns=VALUE_COLUMNS)
    members = _join_members(lists, told, segments, plan=plan, smallest_cell=at.smallest_cell)
    horizon = next((one.horizon_days for one in leads), plan.horizon_days)
    members.loc[members["play"] == CALLS, "horizon_days"] = horizon
    members["horizon_days"] = members["horizon_days"].astype("int64")
    rows = [(play, missing[play]) for play in plan.order if play in missing]
    return PlayBook(
        members=members,
        values=pd.concat([told, _value_calls(members, leads)], ignore_index=True),
        missing=pd.DataFrame(rows, columns=["play", "reason"]),
        margin=margin,
        plan=plan,
        rewards=_price_rewards(members, customers, plan, margin),
        **parts,
    )


def find_margin(customers: pd.DataFrame, margin_share: float | None = None) -> Margin:
    """Return the part of net spend that is left after the costs of goods, and where it is from.

    The plan's ``margin_share``; else what costs in the tables leave, where they are known of nearly
    all; else all of it, which is revenue.

    >>> customers = pd.DataFrame({"total_spend": [100.0, 300.0], "total_profit": [40.0, 60.0]})
    >>> find_margin(customers)
    Margin(share=0.25, kind='costs')
    """
    if margin_share is not None:
        return Margin(margin_share, "plan")
    if {"total_profit", "total_spend"} <= set(customers.columns):
        known = customers[["total_profit", "total_spend"]].dropna()
        spend = float(known["total_spend"].sum())
        if len(known) >= MOST_KNOWN_COSTS * len(customers) and spend > 0:
            share = float(known["total_profit"].sum()) / spend
            if 0 < share <= 1:
                return Margin(share, "costs")
    return Margin()


def _list_from_purchases(
    tables: Mapping[str, ir.Table],
    customers: pd.DataFrame,
    *,
    plan: Plays,
    at: Settings,
    margin: Margin,
) -> tuple[dict, dict, list, dict]:
    """Return the lists of today, why some are missing, what earlier ones brought, and the rest."""
    categories = list_categories(tables, as_of=at.as_of)
    attended = [word.casefold() for word in plan.attended]
    industries = _read_column(customers, "industry")
    lifetime = _read_lifetime(customers, margin)  # it looks ahead from the last day
    earlier_day = at.as_of - datetime.timedelta(days=plan.horizon_days)
    found = {}
    for day in (at.as_of, earlier_day):
        histories = fetch_histories(
            tables,
            day,
            horizon_days=plan.horizon_days,
            as_of=at.as_of,
            categories=categories,
            attended=attended,
        )
        found[day] = Known(
            histories,
            learn_rhythm(tables, histories, until=day, share=plan.overdue_share),
            plan=plan,
            industries=industries,
            products=_name_products(tables) if day == at.as_of else {},
            lifetime=lifetime if day == at.as_of else lifetime.iloc[:0],
            smallest_cell=at.smallest_cell,
        )
    today, earlier = found[at.as_of], found[earlier_day]
    lists, missing = list_plays(today)
    before, _ = list_plays(earlier)
    later = earlier.histories.set_index("customer_id")["later_value"] * margin.share
    values = [measure_list(EVERYBODY, later)]
    values += [
        measure_list(play, later.reindex(list(one["customer_id"]))) for play, one in before.items()
    ]
    compared = compare_industries(
        read_flags(today.histories),
        today.histories["customer_id"].map(industries),
        smallest_cell=at.smallest_cell,
    )
    is_offered = compared["is_offered"].astype(bool)
    parts = {
        "check": _check_gaps(tables, today, at),
        "industries": compared[is_offered].reset_index(drop=True),
        "buyer_count": len(today.histories),
        "lifted": measure_lifted(today.histories) if categories else pd.DataFrame(),
    }
    return lists, missing, values, parts


def measure_list(play: str, later: pd.Series) -> tuple:
    """Return what the members of an earlier list brought each: a row of `VALUE_COLUMNS`.

    The interval is that of a mean of skewed values, see `segkit.core.skewed_means`.
    """
    amounts = later.to_numpy(float)
    if not len(amounts):
        return (play, 0, *[np.nan] * 6)
    low, high = bound_ratio(amounts)
    largest, second = find_largest(later)
    return (play, len(amounts), amounts.mean(), low, high, amounts.sum(), largest, second)


def list_calls(leads: Sequence[LeadScore], margin: Margin) -> tuple[pd.DataFrame, str]:
    """List the leads that are ready for a call, the highest chance first, and why there are none.

    A customer who is a lead in two ways is on the list once, by the first kind that is scored.
    """
    scored = [one.scores for one in leads if not one.reason]
    if not scored:
        reasons = " ".join(dict.fromkeys(one.reason for one in leads if one.reason))
        return pd.DataFrame(), NO_READY.format(reasons=reasons or "no lead is known.")
    ready = pd.concat(scored, ignore_index=True)
    ready = ready[ready["is_ready"].astype(bool)].drop_duplicates("customer_id")
    ready = ready.sort_values(["chance", "customer_id"], ascending=[False, True])
    # The amounts of deals are worth what is left of them, as spend is.
    worth = ready[["value", "value_low", "value_high"]].astype(float) * margin.share
    return ready.assign(rank=ready["chance"], **worth).reset_index(drop=True), ""


def _join_members(
    lists: Mapping[str, pd.DataFrame],
    values: pd.DataFrame,
    segments: pd.DataFrame,
    *,
    plan: Plays,
    smallest_cell: int,
) -> pd.DataFrame:
    """Put the lists together: places, what is expected, and which play is a customer's first."""
    names = dict(zip(segments["customer_id"].astype(str), segments["segment_name"], strict=True))
    by_play = values.set_index("play")
    tables = []
    for play in plan.order:
        one = lists.get(play)
        if one is None or one.empty:
            continue
        if play == CALLS:
            ends = [one[name].to_numpy(float) for name in ("value", "value_low", "value_high")]
        else:
            row = by_play.loc[play]
            is_enough = row["earlier_count"] >= count_needed(smallest_cell)
            ends = [row[name] if is_enough else np.nan for name in VALUES]
        tables.append(
            pd.DataFrame(
                {
                    "customer_id": one["customer_id"].astype(str).to_numpy(),
                    "play": play,
                    "place": np.arange(1, len(one) + 1),
                    "reason": one["reason"].to_numpy(),
                    "reason_kind": one["reason_kind"].to_numpy(),
                    "expected_value": ends[0],
                    "expected_low": ends[1],
                    "expected_high": ends[2],
                    "horizon_days": plan.horizon_days,
                }
            )
        )
    if not tables:
        return pd.DataFrame(columns=MEMBER_COLUMNS)
    members = pd.concat(tables, ignore_index=True)
    members["segment_name"] = members["customer_id"].map(names).fillna(NO_SEGMENT)
    members["is_measured"] = members[["expected_value", "expected_low"]].notna().all(axis=1)
    members["is_first_play"] = ~members["customer_id"].duplicated()
    return members[MEMBER_COLUMNS]


def _value_calls(members: pd.DataFrame, leads: Sequence[LeadScore]) -> pd.DataFrame:
    """Return what a lead that is ready for a call is to bring: a row of `VALUE_COLUMNS`."""
    own = members[members["play"] == CALLS]
    if own.empty:
        return pd.DataFrame(columns=VALUE_COLUMNS)
    largest, second = find_largest(own["expected_value"])
    successes = sum(one.success_count for one in leads if not one.reason)
    means = own[["expected_value", "expected_low", "expected_high"]].astype(float).mean()
    total = own["expected_value"].sum(min_count=1)
    row = (CALLS, successes, *means, total, largest, second)
    return pd.DataFrame([row], columns=VALUE_COLUMNS)


def _price_rewards(
    members: pd.DataFrame, customers: pd.DataFrame, plan: Plays, margin: Margin
) -> pd.DataFrame:
    """Return what rewards for the loyal cost, beside what they are expected to bring in a year."""
    columns = [
        "play", "customer_count", "mean_worth", "mean_worth_sum", "mean_worth_largest",
        "mean_worth_second", "reward_cost", "cost_share",
    ]  # fmt: skip
    lifetime = _read_lifetime(customers, margin)
    ids = members.loc[members["play"] == "reward_loyal", "customer_id"]
    worth = ids.map(lifetime).dropna().astype(float)
    if worth.empty:
        return pd.DataFrame(columns=columns)
    cost = plan.reward_cost if plan.reward_cost is not None else np.nan
    row = (
        "reward_loyal", len(worth), worth.mean(), worth.sum(), *find_largest(worth), cost,
        cost / worth.mean() if worth.mean() > 0 else np.nan,
    )  # fmt: skip
    return pd.DataFrame([row], columns=columns)


def _check_gaps(tables: Mapping[str, ir.Table], today: Known, at: Settings) -> pd.DataFrame:
    """Look at whether so many gaps of a later time were longer than the limit as was stated.

    The rhythm is learned until a year before the last day, or until the half of a shorter time.
    """
    nothing = pd.DataFrame(columns=["customer_count", "gap_count", "stated_share", "over_share"])
    if today.rhythm.reason:
        return nothing
    longest = int((today.histories["active_days"] + today.histories["recency_days"]).max())
    back = min(YEAR_DAYS, longest // 2)
    until = at.as_of - datetime.timedelta(days=back)
    earlier = learn_rhythm(tables, fetch_days(tables, until), until=until, share=today.rhythm.share)
    if earlier.reason:
        return nothing
    return check_rhythm(tables, earlier, learned_until=until, as_of=at.as_of)


def _read_column(customers: pd.DataFrame, name: str) -> pd.Series:
    """Return a column by ``customer_id``, known values only."""
    if name not in customers:
        return pd.Series(dtype=object)
    found = customers.set_index(customers["customer_id"].astype(str))[name].dropna()
    return found[~found.index.duplicated()]


def _read_lifetime(customers: pd.DataFrame, margin: Margin) -> pd.Series:
    """Return what each customer is expected to bring in a year, after costs, where it is known."""
    return _read_column(customers, "lifetime_value").astype(float) * margin.share


def _name_products(tables: Mapping[str, ir.Table]) -> dict[str, str]:
    """Return the names of products by their id, those that are known."""
    products = tables.get("products")
    if products is None or "name" not in products.columns:
        return {}
    named = products.select("product_id", "name").filter(products.name.notnull()).to_pandas()
    return dict(zip(named["product_id"].astype(str), named["name"].astype(str), strict=True))
