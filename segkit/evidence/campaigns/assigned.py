"""Who was assigned to which arm of which campaign, and what was recorded of them.

The unit is a customer in a campaign, however many messages there were; everybody who was assigned
counts, whether reached or not. Rows stay in the engine: one query brings sums and counts of cells,
a cell being a campaign, an arm, a segment and a fold.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.core.absence import is_missing
from segkit.core.periods import YEAR_DAYS, name_days
from segkit.core.settings import Settings
from segkit.features.expressions import count_true, sum_money
from segkit.features.sales import is_sale, leave_out_taken_back
from segkit.plan.campaigns import AMOUNTS, CONTROL, SENT_OUTCOMES, Campaigns

FOLDS = 5
ONE_CAMPAIGN = "all messages"  # where the messages do not tell of campaigns
WINDOW_OUTCOMES = ("visited", "ordered", "spend")
# The tables in which these are seen, with the column of their time.
WHERE_SEEN = (
    ("order_lines", "ordered_at", ("ordered", "spend")),
    ("events", "occurred_at", ("visited",)),
)
# What was known of a customer before the message, in the year before its day.
PRIORS = ("prior_spend", "prior_orders", "prior_recency")
NO_SEGMENT = ""
NOTHING_COMPARED = "No campaign here has customers of two arms that the plan compares."
NO_MESSAGES = (
    "There is no table of messages. To measure campaigns, keep a row a customer and campaign "
    "with the arm, those of a control group included, who get nothing."
)
NO_ARMS = (
    "No message says which arm its customer was in. To measure campaigns, draw by lot who gets "
    "nothing, and keep a row with the arm control for each of them too."
)
CELL = ["campaign", "arm", "segment_name", "fold"]


@dataclass(frozen=True)
class Assigned:
    """Customers in the arms of campaigns.

    Attributes
    ----------
    plan : Campaigns
        What the plan says of campaigns.
    at : Settings
    rows : ibis.Table or None
        One row a customer and campaign: customer_id, campaign, arm, segment_name (empty without
        one), fold, the outcomes and what was known before; those in one arm only.
    cells : DataFrame
        One row a campaign, arm, segment_name and fold: size, and of each measure ``known_``,
        ``sum_`` and ``square_``; sums over the customers of whom it is known.
    campaigns : DataFrame
        One row a campaign: campaign, first_on, last_on, size, arm_count, is_running.
    left_out : DataFrame
        One row a kind of rows that do not count, or of what cannot be: what, row_count, treatment.
    outcomes : tuple of str
        Those of the plan that the tables record.
    reason : str
        Why nothing can be measured; empty where something can.
    """

    plan: Campaigns
    at: Settings
    rows: ir.Table | None = None
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)
    campaigns: pd.DataFrame = field(default_factory=pd.DataFrame)
    left_out: pd.DataFrame = field(default_factory=pd.DataFrame)
    outcomes: tuple[str, ...] = ()
    reason: str = ""

    @property
    def comparisons(self) -> list[tuple[str, str]]:
        """Which arm is compared with which, of those that have customers in one campaign."""
        if self.cells.empty:
            return []
        there = self.cells.groupby("campaign")["arm"].agg(set)
        pairs = self.plan.list_comparisons()
        return [pair for pair in pairs if any(set(pair) <= arms for arms in there)]

    @property
    def primary(self) -> str:
        """The outcome that decides: the plan's, or the first that is recorded."""
        if self.plan.primary in self.outcomes:
            return str(self.plan.primary)
        return self.outcomes[0] if self.outcomes else ""

    @property
    def period(self) -> str:
        """The days on which the messages were sent."""
        if self.campaigns.empty:
            return ""
        first, last = self.campaigns["first_on"].min(), self.campaigns["last_on"].max()
        return name_days(first, last)

    def list_measures(self) -> list[str]:
        """Return the outcomes, and what is known of the time before."""
        return [*self.outcomes, *(name for name in PRIORS if f"known_{name}" in self.cells)]


def assign_customers(
    tables: Mapping[str, ir.Table], segments: pd.DataFrame, *, plan: Campaigns, at: Settings
) -> Assigned:
    """Find who was assigned to which arm of which campaign, and what was recorded of them.

    Orders, spend and visits count in the plan's ``window_days`` days from the day of the message
    on, net of what had been taken back by ``as_of``; 0 where there were none. A campaign whose
    window is not over on ``as_of`` is still running: these outcomes are not told of it. Customers
    in two arms of a campaign are left out of it and counted.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``messages``; ``order_lines`` and ``events`` where there are any.
    segments : DataFrame
        ``customer_id`` and ``segment_name``. Customers without a segment count among all.
    plan : Campaigns
    at : Settings
        The last day counted, and the seed of the folds.
    """
    messages = tables.get("messages")
    if messages is None:
        return Assigned(plan, at, reason=NO_MESSAGES)
    if is_missing(messages, "arm", "customer_id", "sent_at"):
        return Assigned(plan, at, reason=NO_ARMS)
    has_campaigns = "campaign_id" in messages.columns
    named = messages.campaign_id if has_campaigns else ibis.literal(ONE_CAMPAIGN)
    messages = messages.mutate(campaign=named, day=messages.sent_at.date())
    flags = [name for name in plan.outcomes if name in messages.columns]
    left_out, has_arms = _count_left_out(messages, flags)
    if not has_arms:
        return Assigned(plan, at, reason=NO_ARMS)
    rows = _group_messages(messages, flags).cache()  # it is joined three times
    rows = _join_outcomes(rows, tables, plan=plan, as_of=at.as_of)
    rows = _join_segments(rows, segments, random_state=at.random_state).cache()
    measures = [name for name in (*plan.outcomes, *PRIORS) if name in rows.columns]
    cells = _count_cells(rows, measures)
    twice = int(cells.loc[cells["is_twice"], "size"].sum())
    cells = cells[~cells["is_twice"]].drop(columns="is_twice").reset_index(drop=True)
    campaigns = _list_campaigns(cells, plan, as_of=at.as_of)
    left_out += _count_unknown(cells, [name for name in flags if name in measures])
    early = _list_early(tables, campaigns, measures)
    left_out += _count_running(campaigns, measures, early)
    cells = _forget_unseen(cells, campaigns, measures, early=early)
    left_out.append(("customers in two arms of a campaign", twice, "left out of the campaign"))
    told = pd.DataFrame(left_out, columns=["what", "row_count", "treatment"])
    assigned = Assigned(
        plan,
        at,
        rows=rows.filter(~rows.is_twice),
        cells=cells.drop(columns=["first_on", "last_on"]),
        campaigns=campaigns,
        left_out=told[told["row_count"] > 0].reset_index(drop=True),
        outcomes=tuple(name for name in measures if name not in PRIORS),
    )
    if assigned.comparisons and assigned.outcomes:
        return assigned
    return Assigned(plan, at, left_out=assigned.left_out, reason=NOTHING_COMPARED)


def _count_left_out(messages: ir.Table, flags: list[str]) -> tuple[list[tuple], bool]:
    """Count the messages that cannot count, and what is recorded where it cannot be."""
    is_control = messages.arm == CONTROL
    counted = {
        "arms": messages.arm.count(),
        "no_arm": messages.arm.isnull().sum(),
        "no_campaign": messages.campaign.isnull().sum(),
    }
    recorded = [name for name in flags if name in SENT_OUTCOMES]
    counted |= {name: count_true(is_control & messages[name]) for name in recorded}
    found = messages.aggregate(**counted).to_pandas().iloc[0].fillna(0)
    told = [
        ("messages without an arm", int(found["no_arm"]), "left out"),
        ("messages without a campaign", int(found["no_campaign"]), "left out"),
    ]
    told += [
        (
            f"messages of the control group with “{name.replace('_', ' ')}”",
            int(found[name]),
            "not compared: nothing was sent to them, so either the arm or the record is wrong",
        )
        for name in recorded
    ]
    return told, bool(found["arms"])


def _group_messages(messages: ir.Table, flags: list[str]) -> ir.Table:
    """Return one row a customer and campaign; what is true of one message is true."""
    sent = messages.filter(
        messages.arm.notnull() & messages.campaign.notnull() & messages.customer_id.notnull()
    )
    recorded = {name: sent[name].cast("int8").max() for name in flags}
    return sent.group_by("campaign", "customer_id").agg(
        arm=_.arm.min(), is_twice=_.arm.nunique() > 1, sent_on=_.day.min(), **recorded
    )


def _join_outcomes(
    rows: ir.Table, tables: Mapping[str, ir.Table], *, plan: Campaigns, as_of: datetime.date
) -> ir.Table:
    """Add what followed the message within the window, and what was known before it."""
    lines = tables.get("order_lines")
    if not is_missing(lines, "customer_id", "ordered_at", "line_amount"):
        rows = _join_days(rows, _sum_days(lines, as_of), _list_order_sums(plan))
    events = tables.get("events")
    is_wanted = "visited" in plan.outcomes and not is_missing(events, "customer_id", "occurred_at")
    if is_wanted:
        known = events.filter(events.customer_id.notnull())
        days = known.select("customer_id", day=known.occurred_at.date()).distinct()
        is_in = (_.offset >= 0) & (_.offset < plan.window_days)
        rows = _join_days(rows, days, {"visited": is_in.any().cast("int8")})
    return rows


def _sum_days(lines: ir.Table, as_of: datetime.date) -> ir.Table:
    """Return what each customer ordered and spent on each day, net."""
    lines = leave_out_taken_back(lines, as_of)
    lines = lines.filter(lines.customer_id.notnull())
    lines = lines.mutate(day=lines.ordered_at.date())
    return lines.group_by("customer_id", "day").agg(
        amount=sum_money(_.line_amount), orders=_.order_id.nunique(where=is_sale(_))
    )


def _list_order_sums(plan: Campaigns) -> dict[str, ibis.Deferred]:
    """Return what is summed of each customer's days, by its name."""
    is_in = (_.offset >= 0) & (_.offset < plan.window_days)
    is_before = (_.offset < 0) & (_.offset >= -YEAR_DAYS)
    sums = {
        "ordered": (is_in & (_.orders > 0)).any().cast("int8"),
        "spend": sum_money(_.amount, where=is_in),
    }
    wanted = {name: value for name, value in sums.items() if name in plan.outcomes}
    return wanted | {
        "prior_spend": sum_money(_.amount, where=is_before),
        "prior_orders": _.orders.sum(where=is_before),
        "prior_recency": -_.offset.max(where=is_before & (_.orders > 0)),
    }


def _join_days(rows: ir.Table, days: ir.Table, sums: Mapping[str, ibis.Deferred]) -> ir.Table:
    """Add sums over a customer's days, told by their ``offset`` from the day of the message."""
    both = rows.select("campaign", "customer_id", "sent_on").inner_join(days, "customer_id")
    both = both.mutate(offset=both.day.delta(both.sent_on, unit="day"))
    found = both.group_by("campaign", "customer_id").agg(**sums)
    joined = rows.left_join(found, ["campaign", "customer_id"])
    joined = joined.drop("campaign_right", "customer_id_right")
    zeros = {name: joined[name].fill_null(0) for name in sums if name != "prior_recency"}
    return joined.mutate(**zeros)


def _join_segments(rows: ir.Table, segments: pd.DataFrame, *, random_state: int) -> ir.Table:
    """Add each customer's segment and fold."""
    members = segments[["customer_id", "segment_name"]].drop_duplicates("customer_id")
    members = members.astype({"customer_id": str, "segment_name": str})
    folds = draw_folds(members["customer_id"], random_state=random_state)
    table = ibis.memtable(members.assign(fold=folds), schema=MEMBERS)
    joined = rows.left_join(table, "customer_id").drop("customer_id_right")
    return joined.mutate(
        segment_name=joined.segment_name.fill_null(NO_SEGMENT), fold=joined.fold.fill_null(-1)
    )


MEMBERS = ibis.schema({"customer_id": "string", "segment_name": "string", "fold": "int64"})


def draw_folds(customer_ids: pd.Series, *, random_state: int) -> np.ndarray:
    """Return the fold of each customer, by a hash of the id and the seed.

    >>> draw_folds(pd.Series(["a", "b", "c"]), random_state=0).tolist()
    [1, 0, 3]
    """
    key = str(random_state).encode()
    digests = (hashlib.blake2b(one.encode(), digest_size=4, key=key) for one in customer_ids)
    numbers = np.fromiter((int.from_bytes(one.digest(), "big") for one in digests), dtype=np.int64)
    return numbers % FOLDS


def _count_cells(rows: ir.Table, measures: list[str]) -> pd.DataFrame:
    """Count and sum up the rows of each cell."""
    sums = {"size": _.count(), "first_on": _.sent_on.min(), "last_on": _.sent_on.max()}
    for name in measures:
        value = rows[name].cast("float64")
        sums[f"known_{name}"] = value.count()
        sums[f"sum_{name}"] = value.sum().fill_null(0.0).round(4)
        sums[f"square_{name}"] = (value * value).sum().fill_null(0.0).round(4)
    found = rows.group_by(*CELL, "is_twice").agg(**sums).to_pandas()
    for name in ("first_on", "last_on"):
        found[name] = pd.to_datetime(found[name]).dt.date
    return found.sort_values([*CELL, "is_twice"], ignore_index=True)


def _list_campaigns(cells: pd.DataFrame, plan: Campaigns, *, as_of: datetime.date) -> pd.DataFrame:
    """Return one row a campaign; it is running until the last window is over."""
    found = cells.groupby("campaign", as_index=False).agg(
        first_on=("first_on", "min"),
        last_on=("last_on", "max"),
        size=("size", "sum"),
        arm_count=("arm", "nunique"),
    )
    last = as_of - datetime.timedelta(days=plan.window_days - 1)
    found["is_running"] = [day > last for day in found["last_on"]]
    return found.sort_values(["first_on", "campaign"], ignore_index=True)


def _list_early(
    tables: Mapping[str, ir.Table], campaigns: pd.DataFrame, measures: list[str]
) -> dict[str, list[str]]:
    """Return, by outcome, the campaigns that began before its table does: nothing could follow."""
    early = {}
    for table, column, outcomes in WHERE_SEEN:
        wanted = [name for name in outcomes if name in measures]
        if not wanted:
            continue
        first = tables[table][column].min().execute()
        if pd.isna(first):
            continue
        days = campaigns["first_on"]
        names = campaigns.loc[[day < first.date() for day in days], "campaign"]
        early |= {outcome: list(names) for outcome in wanted}
    return early


def _forget_unseen(
    cells: pd.DataFrame,
    campaigns: pd.DataFrame,
    measures: list[str],
    *,
    early: Mapping[str, list[str]],
) -> pd.DataFrame:
    """Return the cells without what followed messages where not all of it could be seen.

    Their window is not over, or begins before the orders do. What no message can do where none was
    sent is forgotten of the control group. What is known of some of a campaign's arm counts as not
    done by the others: everybody counts.
    """
    running = cells["campaign"].isin(campaigns.loc[campaigns["is_running"], "campaign"])
    is_control = cells["arm"] == CONTROL
    arms = [cells["campaign"], cells["arm"]]
    cells = cells.copy()
    for name in measures:
        known = cells[f"known_{name}"]
        if name != "prior_recency":
            known = cells["size"].where(known.groupby(arms).transform("sum") > 0, 0)
        if name in WINDOW_OUTCOMES:
            known = known.mask(running | cells["campaign"].isin(early.get(name, [])), 0)
        if name in SENT_OUTCOMES:
            known = known.mask(is_control, 0)
        cells[f"known_{name}"] = known.astype(float)
    return cells


def _count_unknown(cells: pd.DataFrame, flags: list[str]) -> list[tuple]:
    """Count of whom an outcome is not recorded, though it is of others of their arm."""
    told = []
    for name in flags:
        sums = cells.groupby(["campaign", "arm"])[["size", f"known_{name}"]].sum()
        known = sums[sums[f"known_{name}"] > 0]
        missing = int((known["size"] - known[f"known_{name}"]).sum())
        what = f"customers in a campaign without a record of “{name.replace('_', ' ')}”"
        told.append((what, missing, "taken as no, for others of their arm have one"))
    return told


def _count_running(
    campaigns: pd.DataFrame, measures: list[str], early: Mapping[str, list[str]]
) -> list[tuple]:
    """Count the campaigns whose window is not over or begins too early, and those with one arm."""
    is_told = any(name in WINDOW_OUTCOMES for name in measures)
    running = int(campaigns["is_running"].sum()) if is_told else 0
    before = {name for names in early.values() for name in names}
    alone = int((campaigns["arm_count"] < 2).sum())
    return [
        ("campaigns still running", running, "their orders, spend and visits are left out"),
        (
            "campaigns sent before the first order or visit that is known",
            len(before),
            "their orders, spend or visits are left out",
        ),
        ("campaigns of one arm", alone, "compared with nothing"),
    ]


def is_amount(measure: str) -> bool:
    """Say whether a measure is a number, and no share of customers."""
    return measure in (*AMOUNTS, *PRIORS)
