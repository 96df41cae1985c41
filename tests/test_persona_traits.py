"""What personas read from other tables: one value a customer, by hand."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import ibis
import pandas as pd
import pytest

from segkit.action.persona_facts import TRAITS, list_facts
from segkit.action.persona_traits import collect_traits, keep_counted, label_traits, read_reasons
from segkit.evidence.experience.promoter import EVERYBODY, SEGMENTS
from segkit.plan.support import Support
from segkit.plan.surveys import Reasons

AS_OF = datetime.date(2026, 6, 30)
ASKED = Reasons(
    question="What nearly stopped you?",
    about="not buying",
    reasons={"delivery": ("delivery", "shipping"), "price_level": ("dear",)},
)
BUYING = Reasons(question="Why us?", about="buying", reasons={"service": ("service",)})
PLAN = SimpleNamespace(support=Support(), surveys=SimpleNamespace(reasons=(BUYING, ASKED)))
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "morning_share": [0.5, 0.2, None],
        "evening_share": [0.5, 0.8, None],
    }
)


def make_lines():
    rows = [
        # Two Mondays and one Sunday with several lines; what is sent back or later does not count.
        ("a", "2026-06-01 10:00", "sale"),
        ("a", "2026-06-08 10:00", "sale"),
        ("a", "2026-06-07 10:00", "sale"),
        ("a", "2026-06-07 12:00", "sale"),
        ("a", "2026-06-07 13:00", "sale"),
        ("a", "2026-06-05 10:00", "return"),
        ("b", "2026-06-03 09:00", "sale"),
        ("b", "2026-07-02 09:00", "sale"),
        ("b", "2026-07-09 09:00", "sale"),
        (None, "2026-06-05 09:00", "sale"),
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "line_type"])
    return ibis.memtable(table.assign(ordered_at=pd.to_datetime(table["ordered_at"])))


def make_tickets():
    rows = [("a", "returns"), ("a", "returns"), ("a", "delivery"), ("b", "invoice"), ("b", "app")]
    table = pd.DataFrame(rows, columns=["customer_id", "topic"])
    table["ticket_id"] = [f"t{number}" for number in range(len(table))]
    table["opened_at"] = pd.Timestamp("2026-05-01")
    return ibis.memtable(table)


def make_deals():
    rows = [
        ("a", "won", "2026-01-01", "2026-01-21", "fair"),
        ("a", "lost", "2026-02-01", "2026-03-23", "fair"),
        ("b", "won", "2026-01-01", "2026-06-01", "web"),
        ("c", None, "2026-06-01", None, "web"),
    ]
    columns = ["customer_id", "outcome", "opened_on", "closed_on", "source"]
    table = pd.DataFrame(rows, columns=columns)
    table["deal_id"] = [f"d{number}" for number in range(len(table))]
    for column in ("opened_on", "closed_on"):
        table[column] = pd.to_datetime(table[column])
    return ibis.memtable(table)


def make_responses():
    rows = [
        ("a", ASKED.question, "The shipping, and it was dear", "2026-06-01"),
        ("b", ASKED.question, "dear", "2026-05-01"),
        ("b", ASKED.question, "nothing", "2026-06-01"),
        ("c", "Why us?", "service", "2026-06-01"),
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "question", "answer", "answered_at"])
    return ibis.memtable(table.assign(answered_at=pd.to_datetime(table["answered_at"])))


def collect(**tables):
    found = collect_traits(CUSTOMERS, tables, plan=PLAN, as_of=AS_OF)
    assert found["customer_id"].tolist() == ["a", "b", "c"]
    return found.set_index("customer_id").astype(object).replace({float("nan"): None})


def test_the_part_of_the_day_is_that_of_most_sales_the_earlier_first():
    found = collect()
    assert found["part_of_day"].tolist() == ["morning", "evening", None]
    assert list(found) == ["part_of_day"]


def test_the_weekday_is_that_of_most_days_with_a_sale_until_the_last_day():
    assert collect(order_lines=make_lines())["favourite_weekday"].tolist() == [
        "Monday",
        "Wednesday",
        None,
    ]


def test_the_topic_is_that_of_most_tickets_the_first_in_the_alphabet_of_as_many():
    assert collect(tickets=make_tickets())["ticket_topic"].tolist() == ["returns", "app", None]


def test_deals_tell_how_they_end_how_long_they_take_and_where_they_come_from():
    found = collect(deals=make_deals())
    assert found["deals_won"].tolist() == ["some", "all", None]
    # A decides after 20 and 50 days, B after 151; C has not decided.
    assert found["decision_days"].tolist() == ["31 to 90 days", "over 90 days", None]
    assert found["deal_source"].tolist() == ["fair", "web", "web"]


def test_reasons_not_to_buy_are_read_from_the_last_answer_of_who_was_asked():
    found = collect(responses=make_responses())
    assert found["stops_1"].tolist() == [True, False, None]
    assert found["stops_2"].tolist() == [True, False, None]
    assert "stops_3" not in found, "why they buy does not stop them"
    labels = label_traits(PLAN)
    assert labels["stops_1"].yes == "naming “delivery” as a reason not to buy"
    assert labels["stops_2"].yes == "naming “price level” as a reason not to buy"


def test_how_many_name_a_reason_is_read_from_what_the_survey_published():
    rows = [
        (ASKED.question, "not buying", "all customers", "all customers", "delivery", 30, 100),
        (ASKED.question, "not buying", "segments", "Loyal", "delivery", 24, 40),
        (ASKED.question, "not buying", "segments", "New", "delivery", None, 60),
        (ASKED.question, "not buying", "segments", "Loyal", "none of these", 9, 40),
        (BUYING.question, "buying", "segments", "Loyal", "service", 9, 40),
    ]
    columns = ["question", "about", "whom", "segment_name", "reason", "customer_count"]
    table = pd.DataFrame(rows, columns=[*columns, "answered_count"])
    table["whom"] = table["whom"].replace({"all customers": EVERYBODY, "segments": SEGMENTS})
    levels = read_reasons(table, PLAN)
    assert set(levels["descriptor"]) == {"stops_1"}
    loyal = levels.set_index("segment_name").loc["Loyal"]
    assert loyal[["customer_count", "segment_count"]].tolist() == [24, 40]
    assert loyal[["value_count", "base_count"]].tolist() == [30, 100]
    facts = list_facts({TRAITS: levels}, pd.DataFrame({"mean": []}))
    (fact,) = facts.to_dict("records")
    assert fact["figure"] == 0.6
    assert fact["base_figure"] == 0.3
    assert fact["source"] == "persona_traits.stops_1"
    assert fact["differs"]
    assert read_reasons(table.head(0), PLAN).empty
    assert list(keep_counted(collect(responses=make_responses()))) == ["part_of_day"]


@pytest.mark.parametrize("name", ["order_lines", "tickets", "deals", "responses"])
def test_a_table_without_customers_tells_nothing(name):
    table = ibis.memtable(pd.DataFrame({"ticket_id": ["t"], "opened_at": [pd.Timestamp(AS_OF)]}))
    if name == "deals":
        table = make_deals().drop("customer_id")
    assert list(collect(**{name: table})) == ["part_of_day"]


def test_customers_of_whom_nothing_is_known_have_no_traits():
    nobody = pd.DataFrame({"customer_id": pd.Series(dtype=str)})
    assert collect_traits(nobody, {}, plan=PLAN, as_of=AS_OF).empty
    alone = pd.DataFrame({"customer_id": ["x"]})
    assert list(collect_traits(alone, {}, plan=PLAN, as_of=AS_OF)) == ["customer_id"]
