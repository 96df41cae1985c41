"""What a persona may tell beside the columns of the customer table: one row a customer.

Orders, tickets, deals and answers stay in the engine; of each customer one value comes out, such as
the weekday on which most of the orders were placed. None is a sum of levels of another column, such
as the quarter of a month: beside the months it would tell those that are hidden.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.action.persona_headings import REASON
from segkit.core.absence import is_missing
from segkit.evidence.experience.promoter import EVERYBODY, SEGMENTS
from segkit.evidence.experience.reasons import find_named
from segkit.features.deals import WON, prepare_deals
from segkit.features.expressions import fetch, keep_until
from segkit.features.favourites import find_favourite
from segkit.features.sales import is_sale
from segkit.features.season import DAY_PARTS
from segkit.features.survey import find_answers, take_last
from segkit.features.tickets import prepare_tickets
from segkit.plan.labels import Label
from segkit.plan.models import Plan
from segkit.plan.surveys import Reasons

DECISION_BANDS = {30: "up to 30 days", 90: "31 to 90 days", np.inf: "over 90 days"}
LEVELS = ("segment_name", "value", "customer_count", "answered_count")
ALL_WON = "all"
SOME_WON = "some"
NONE_WON = "none"


def collect_traits(
    customers: pd.DataFrame, tables: Mapping[str, Table], *, plan: Plan, as_of: datetime.date
) -> pd.DataFrame:
    """Collect what a persona may tell beside the columns of the customer table.

    Parameters
    ----------
    customers : pandas.DataFrame
        The customer table; who is not in it is left out.
    tables : mapping of str to ibis.Table
        The accepted rows.
    plan : Plan
        Its words for tickets, and its questions on reasons not to buy.
    as_of : datetime.date
        The last day counted.

    Returns
    -------
    pandas.DataFrame
        One row a customer: ``customer_id`` and, as far as the tables tell, ``part_of_day`` (with
        most of the sales), ``favourite_weekday`` (on which most of the days with an order fall),
        ``ticket_topic`` (of most tickets), ``deals_won`` (all, some or none of those decided),
        ``decision_days`` (their mean, in bands), ``deal_source`` (of most deals) and for
        each reason not to buy whether the customer named it (``stops_`` and its number); missing
        where nothing is known. Of values that are as frequent the first in the alphabet counts, of
        parts of the day the earlier.
    """
    traits = customers[["customer_id"]].copy()
    traits["part_of_day"] = _find_part_of_day(customers)
    parts = [
        _find_weekdays(tables.get("order_lines"), as_of),
        _find_topics(tables, plan, as_of),
        *_describe_deals(tables.get("deals"), as_of),
        *_list_reasons(tables.get("responses"), plan, as_of),
    ]
    for part in parts:
        if part is not None:
            found = fetch(part).drop_duplicates("customer_id")
            traits = traits.merge(found, on="customer_id", how="left")
    known = traits.columns[traits.notna().any()]
    return traits[["customer_id", *known.drop("customer_id", errors="ignore")]]


def keep_counted(traits: pd.DataFrame) -> pd.DataFrame:
    """Return the traits whose levels are counted for the sheets: all but the reasons not to buy.

    How many name a reason is published with the survey; the sheets read it there, so that nothing
    that is hidden in one table shows in the other.
    """
    return traits[[name for name in traits if not name.startswith(REASON)]]


def read_reasons(reasons: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Read how many of each segment name each reason not to buy, as levels for `list_facts`.

    Parameters
    ----------
    reasons : pandas.DataFrame
        What `count_reasons` counted, as it was published.
    plan : Plan

    Returns
    -------
    pandas.DataFrame
        A row a segment and reason: ``descriptor`` (its column among the traits), ``segment_name``,
        ``value``, ``customer_count``, ``segment_count`` (of the segment, who answered),
        ``value_count`` and ``base_count`` (the same of all).
    """
    asked = [one for one in plan.surveys.reasons if one.about == "not buying"]
    keys = [(one.question, reason) for one in asked for reason in one.reasons]
    named = {key: column for key, (column, _) in zip(keys, _name_reasons(plan), strict=True)}
    columns = [*LEVELS, "descriptor", "value_count", "base_count"]
    if reasons.empty or not named:
        return pd.DataFrame(columns=columns).rename(columns={"answered_count": "segment_count"})
    pairs = zip(reasons["question"], reasons["reason"], strict=True)
    rows = reasons.assign(descriptor=[named.get(pair) for pair in pairs], value="True")
    rows = rows.dropna(subset=["descriptor"])
    whole = rows[rows["whom"] == EVERYBODY].set_index("descriptor")
    own = rows[rows["whom"] == SEGMENTS].copy()
    own["value_count"] = own["descriptor"].map(whole["customer_count"])
    own["base_count"] = own["descriptor"].map(whole["answered_count"])
    return own[columns].rename(columns={"answered_count": "segment_count"})


def label_traits(plan: Plan) -> dict[str, Label]:
    """Return the words for traits, as the plan gives them for features of its own."""
    labels = {
        "part_of_day": Label(label="part of the day", level="who buy mostly in the {}"),
        "favourite_weekday": Label(label="favourite weekday", level="who order mostly on {}"),
        "ticket_topic": Label(
            label="topic of most tickets", level="whose tickets are mostly on “{}”"
        ),
        "deals_won": Label(label="deals won", level="with {} of their deals won by us"),
        "decision_days": Label(label="days until a decision", level="who decide in {}"),
        "deal_source": Label(label="source of deals", level="whose deals come mostly from {}"),
    }
    for column, reason in _name_reasons(plan):
        words = f"naming “{reason}” as a reason not to buy".replace("_", " ")[:80]
        labels[column] = Label(label=words, yes=words, no=f"not {words}"[:80])
    return labels


def _find_part_of_day(customers: pd.DataFrame) -> pd.Series:
    """Return the part of the day with most of a customer's sales; missing without an hour."""
    shares = customers.reindex(columns=[f"{part}_share" for part in DAY_PARTS]).astype(float)
    known = shares[shares.notna().any(axis=1)]
    return known.idxmax(axis=1).str.removesuffix("_share").reindex(customers.index)


def _find_weekdays(lines: Table | None, as_of: datetime.date) -> Table | None:
    """Express the weekday on which most of a customer's days with an order fall."""
    if is_missing(lines, "customer_id", "ordered_at", "line_type"):
        return None
    kept = keep_until(lines, "ordered_at", as_of)
    sold = kept.filter(is_sale(kept), kept.customer_id.notnull())
    days = sold.select("customer_id", day_=sold.ordered_at.date()).distinct()
    named = days.mutate(weekday_=days.day_.day_of_week.full_name())
    found = find_favourite(named, "weekday_", ibis.literal(1.0), name="favourite_weekday")
    return found.select("customer_id", "favourite_weekday")


def _find_topics(tables: Mapping[str, Table], plan: Plan, as_of: datetime.date) -> Table | None:
    """Express the topic of most of a customer's tickets."""
    tickets = prepare_tickets(tables, as_of=as_of, support=plan.support)
    if is_missing(tickets, "customer_id", "topic"):
        return None
    known = tickets.filter(tickets.customer_id.notnull())
    found = find_favourite(known, "topic", ibis.literal(1.0), name="ticket_topic")
    return found.select("customer_id", "ticket_topic")


def _describe_deals(deals: Table | None, as_of: datetime.date) -> list[Table]:
    """Express how a customer's deals end, how long they take, and where they come from."""
    prepared = prepare_deals(deals, as_of=as_of)
    if is_missing(prepared, "customer_id"):
        return []
    known = prepared.filter(prepared.customer_id.notnull())
    decided = known.filter(known.is_decided)
    each = decided.group_by("customer_id").agg(
        won_=(_.fate == WON).cast("float64").mean(), days_=_.days.mean()
    )
    won = ibis.cases((each.won_ == 1, ALL_WON), (each.won_ == 0, NONE_WON), else_=SOME_WON)
    short, middle, long = DECISION_BANDS.items()
    days = ibis.cases(
        (each.days_ <= short[0], short[1]),
        (each.days_ <= middle[0], middle[1]),
        (each.days_.notnull(), long[1]),
    )
    told = each.select("customer_id", deals_won=won, decision_days=days)
    source = find_favourite(known, "source", ibis.literal(1.0), name="deal_source")
    return [told, source.select("customer_id", "deal_source")]


def _name_reasons(plan: Plan) -> list[tuple[str, str]]:
    """Return the column and the words of each reason not to buy."""
    asked = [one for one in plan.surveys.reasons if one.about == "not buying"]
    names = [reason for one in asked for reason in one.reasons]
    return [(f"{REASON}{number}", name) for number, name in enumerate(names, start=1)]


def _list_reasons(responses: Table | None, plan: Plan, as_of: datetime.date) -> list[Table]:
    """Express, a question, whether a customer who answered it named each reason not to buy."""
    rows = find_answers(responses, as_of)
    if rows is None:
        return []
    columns = iter(_name_reasons(plan))
    tables = []
    for asked in plan.surveys.reasons:
        if asked.about == "not buying":
            tables.append(_read_reasons(rows, asked, [next(columns)[0] for _one in asked.reasons]))
    return tables


def _read_reasons(rows: Table, asked: Reasons, columns: list[str]) -> Table:
    """Express whether each reason of one question was named in a customer's last answer."""
    last = take_last(rows.filter(rows.question == asked.question))
    words = zip(columns, asked.reasons.values(), strict=True)
    named = {column: find_named(last.answer, asked, one) for column, one in words}
    return last.select("customer_id", **named)
