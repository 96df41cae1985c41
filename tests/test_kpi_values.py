"""KPIs by hand: values of all customers and by segment, what is missing, and what sets apart."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest

from segkit.core.errors import SegkitError
from segkit.evidence.experience.promoter import bound_score
from segkit.evidence.kpi_definitions import find_kpi, list_followed, list_ready_made
from segkit.evidence.kpi_rows import Source
from segkit.evidence.kpi_sums import sum_kpis
from segkit.evidence.kpi_values import compare_segments, list_lacks, measure_values
from segkit.evidence.kpis import measure_kpi, measure_kpis
from segkit.plan.kpis import MEASURES, Kpi
from segkit.plan.models import Goal

AS_OF = datetime.date(2026, 6, 30)
CUSTOMERS = pd.DataFrame({"customer_id": ["A", "B", "C", "D"], "order_count": [3, 1, 0, 2]})
SEGMENTS = pd.DataFrame({"customer_id": ["A", "B", "C"], "segment_name": ["X", "X", "Y"]})
TICKETS = pd.DataFrame(
    [
        ("1", "A", "2026-06-01", "2026-06-01 12:00", "delivery", 1.0),
        ("2", "A", "2026-06-02", "2026-06-03", "delivery", 5.0),
        ("3", "B", "2026-05-01", None, "delivery", None),
        ("4", "C", "2026-04-01", "2026-04-03", "billing", 2.0),
        ("5", None, "2026-06-05", "2026-06-05 06:00", "delivery", 2.0),
        ("6", "C", "2024-01-01", "2024-01-02", "delivery", 1.0),
        ("7", "A", "2026-07-01", "2026-07-02", "billing", 1.0),  # after the last day
    ],
    columns=["ticket_id", "customer_id", "opened_at", "resolved_at", "topic", "satisfaction"],
)
for _name in ("opened_at", "resolved_at"):
    TICKETS[_name] = pd.to_datetime(TICKETS[_name], format="ISO8601")


def make_source(customers: pd.DataFrame = CUSTOMERS, **tables: pd.DataFrame) -> Source:
    made = {name: ibis.memtable(table) for name, table in tables.items()}
    return Source(made, customers, AS_OF)


def measure(kpi: Kpi, source: Source, segments: pd.DataFrame = SEGMENTS):
    sums = sum_kpis([find_kpi(kpi.name, [kpi])], source, segments)
    return measure_values(sums), compare_segments(sums), list_lacks(sums)


def make_kpi(measure: str = "share", over: str = "tickets", **parts) -> Kpi:
    return Kpi(name="own", text="Own", over=over, measure=measure, **parts)


def test_a_share_is_of_the_rows_that_meet_when_and_are_decided():
    kpi = make_kpi(where="satisfaction <= 2", when="topic = 'delivery'")
    values, by_segment, _ = measure(kpi, make_source(tickets=TICKETS))
    row = values.iloc[0]
    # Of the last 365 days: A 1 and 5, B not answered, and 2 of nobody.
    assert (row["value"], row["row_count"], row["unknown_count"]) == (2 / 3, 3, 1)
    assert row["customer_count"] == 1
    assert row["period"] == "the last 365 days to 2026-06-30"
    rows = by_segment.set_index("segment_name")
    assert rows["value"]["X"] == 0.5
    assert rows["customer_count"].to_dict() == {"X": 1, "Y": 0}
    assert rows["rests_on_count"].to_dict() == {"X": 1, "Y": 1}


@pytest.mark.parametrize(
    ("kpi", "value"),
    [
        (make_kpi("count"), 5),
        (make_kpi("count", days="all"), 6),
        (make_kpi("count", days=30), 3),  # the last 30 days begin on the first of June
        (make_kpi("count", where="topic = 'delivery'"), 4),
        (make_kpi("customers"), 3),
        (make_kpi("sum", of="satisfaction"), 10),
        (make_kpi("mean", of="satisfaction"), 2.5),
        (make_kpi("mean", of="satisfaction * 2 - 1"), 4),
        (make_kpi("median", of="hours_to_resolve"), 18),  # of 6, 12, 24 and 48
        (make_kpi("ratio", of="satisfaction", per="hours_to_resolve"), 10 / 90),
        (make_kpi("per_customer"), 5 / 4),
        (make_kpi("per_customer", of="satisfaction"), 10 / 4),
        (make_kpi("count", date="resolved_at", days=30), 3),
        (make_kpi("share", where="resolved_at is null"), 1 / 5),
        (make_kpi("share", where="opened_at >= '2026-06-01'"), 3 / 5),
    ],
)
def test_each_measure_is_what_a_hand_works_out(kpi, value):
    values, _, lacks = measure(kpi, make_source(tickets=TICKETS))
    assert lacks.empty
    assert values["value"].iloc[0] == pytest.approx(value)


def test_a_total_by_segment_is_that_of_a_customer():
    _, by_segment, _ = measure(make_kpi("count"), make_source(tickets=TICKETS))
    assert by_segment.set_index("segment_name")["value"].to_dict() == {"X": 1.5, "Y": 1.0}
    assert by_segment["text"].iloc[0] == "Own, a customer of the segment"
    assert by_segment["base_value"].iloc[0] == 4 / 3


def test_a_segment_without_a_row_keeps_its_line():
    kpi = make_kpi("mean", of="satisfaction", days=30)
    _, by_segment, _ = measure(kpi, make_source(tickets=TICKETS))
    last = by_segment.set_index("segment_name").loc["Y"]
    assert np.isnan(last["value"])
    assert (last["customer_count"], last["stands"]) == (0, "")


def test_what_is_missing_is_told_and_where_to_collect_it():
    kpi = make_kpi(where="satisfaction <= 2")
    lack = measure(kpi, make_source())[2]["lack"].iloc[0]
    assert lack == "there is no table “tickets” (the help desk)"
    few = TICKETS.drop(columns="satisfaction")
    lack = measure(kpi, make_source(tickets=few))[2]["lack"].iloc[0]
    assert lack == "the table “tickets” has no “satisfaction” (the help desk)"
    undated = pd.DataFrame({"customer_id": ["A"], "question": ["Q"], "answer": ["3"]})
    answers = make_kpi("mean", "responses", of="answer_number")
    assert "“answered_at”" in measure(answers, make_source(responses=undated))[2]["lack"].iloc[0]
    answers = make_kpi("mean", "responses", of="answer_number", days="all")
    assert measure(answers, make_source(responses=undated))[0]["value"].iloc[0] == 3


def test_empty_tables_and_no_segments_give_no_value_and_no_fault():
    source = make_source(tickets=TICKETS.head(0))
    values, by_segment, lacks = measure(make_kpi("mean", of="satisfaction"), source)
    assert lacks.empty
    assert np.isnan(values["value"].iloc[0])
    assert by_segment["value"].isna().all()
    values, _, _ = measure(make_kpi("count"), source)
    assert values["value"].iloc[0] == 0
    nobody = SEGMENTS.head(0)
    assert measure(make_kpi("count"), make_source(tickets=TICKETS), nobody)[1].empty
    no_customers = make_source(CUSTOMERS.head(0), tickets=TICKETS)
    values, _, _ = measure(make_kpi(where="satisfaction <= 2"), no_customers, nobody)
    assert values["value"].iloc[0] == 0.75


def test_one_segment_alone_is_compared_with_nobody():
    one = SEGMENTS.assign(segment_name="X")
    _, by_segment, _ = measure(make_kpi("count"), make_source(tickets=TICKETS), one)
    assert by_segment["stands"].tolist() == [""]


def test_huge_and_missing_amounts_do_not_break_a_kpi():
    table = TICKETS.assign(satisfaction=[1e300, 1e300, np.nan, -1e300, np.inf, 1.0, 1.0])
    values, _, _ = measure(make_kpi("mean", of="satisfaction"), make_source(tickets=table))
    assert len(values) == 1
    missing = TICKETS.assign(satisfaction=np.nan)
    values, _, _ = measure(make_kpi(where="satisfaction <= 2"), make_source(tickets=missing))
    assert np.isnan(values["value"].iloc[0])
    assert values["unknown_count"].iloc[0] == 5


def test_text_that_is_markup_is_text():
    table = TICKETS.assign(topic="<script>alert('x')</script>")
    kpi = make_kpi(where="topic = '<script>alert(''x'')</script>'")
    assert measure(kpi, make_source(tickets=table))[0]["value"].iloc[0] == 1


def test_a_condition_that_the_data_does_not_carry_is_told_in_words():
    kpi = Kpi(name="own", text="Own", over="customers", measure="count", where="order_count = 'x'")
    with pytest.raises(SegkitError, match="KPI 'own' of the plan: '=' does not go with"):
        measure(kpi, make_source())


LINES = pd.DataFrame(
    {
        "order_id": ["1", "1", "2", "3", "4"],
        "customer_id": ["A", "A", "A", "B", "B"],
        "product_id": ["P", "Q", "P", "P", "P"],
        "ordered_at": pd.to_datetime(
            ["2026-06-01", "2026-06-01", "2025-03-01", "2025-01-05", "2026-06-02"]
        ),
        "line_amount": [10.0, 20.0, 6.0, 8.0, -8.0],
        "line_type": ["sale", "sale", "sale", "sale", "return"],
    }
)
PRODUCTS = pd.DataFrame({"product_id": ["P", "Q"], "category": ["Tents", "Maps"]})


def test_orders_are_made_of_lines_and_told_beside_the_orders_table():
    orders = pd.DataFrame({"order_id": ["1", "2", "3"], "channel": ["app", "web", "app"]})
    source = make_source(order_lines=LINES, orders=orders, products=PRODUCTS)
    app = make_kpi("share", "orders", where="channel = 'app'", days="all")
    assert measure(app, source)[0]["value"].iloc[0] == pytest.approx(2 / 3)
    value = make_kpi("mean", "orders", of="order_value", days="all")
    assert measure(value, source)[0]["value"].iloc[0] == pytest.approx((30 + 6 + 8) / 3)
    tents = make_kpi("sum", "order_lines", of="line_amount", where="category = 'Tents'")
    assert measure(tents, source)[0]["value"].iloc[0] == pytest.approx(10 - 8)


def test_retention_is_of_those_who_bought_in_the_year_before():
    source = make_source(order_lines=LINES)
    followed = list_followed([], [Kpi(name="retention_share")])
    row = measure_values(sum_kpis(followed, source, SEGMENTS)).iloc[0]
    assert (row["value"], row["row_count"]) == (0.5, 2)  # A came again, B sent back


def follow(name: str) -> list:
    return list_followed([], [Kpi(name=name)])


def test_the_net_promoter_score_is_of_each_customer_s_last_answer():
    question = "Would you recommend us?"
    answers = pd.DataFrame({"customer_id": list("ABCDD"), "answer": ["10", "9", "6", "2", "7"]})
    answers["question"] = question
    answers["answered_at"] = pd.to_datetime(["2026-01-01"] * 4 + ["2026-02-01"])
    tables = {"responses": ibis.memtable(answers)}
    source = Source(tables, CUSTOMERS, AS_OF, recommendation=question)
    row = measure_values(sum_kpis(follow("net_promoter_score"), source, SEGMENTS)).iloc[0]
    assert (row["value"], row["row_count"]) == (25, 4)  # two of four, less one
    low, high = bound_score(np.array([2]), np.array([1]), np.array([1]))
    assert (row["low"], row["high"]) == pytest.approx((low[0], high[0]))
    unasked = Source(tables, CUSTOMERS, AS_OF)
    lack = list_lacks(sum_kpis(follow("net_promoter_score"), unasked, SEGMENTS))["lack"].iloc[0]
    assert "write its question under [surveys]" in lack


def test_tickets_that_still_wait_count_in_the_median_time():
    tickets = pd.DataFrame(
        {
            "ticket_id": list("1234"),
            "customer_id": ["A", "B", "C", "D"],
            "opened_at": pd.Timestamp("2026-06-01"),
            "resolved_at": pd.to_datetime(["2026-06-02", "2026-06-03", None, None]),
        }
    )
    source = make_source(tickets=tickets)
    row = measure_values(sum_kpis(follow("resolution_hours"), source, SEGMENTS)).iloc[0]
    assert row["value"] == 48  # of the resolved ones alone it would be 36
    assert (row["row_count"], row["customer_count"]) == (4, 4)
    kpi = make_kpi("median", of="hours_to_resolve")
    assert measure(kpi, source)[0]["value"].iloc[0] == 36
    by_segment = compare_segments(sum_kpis(follow("resolution_hours"), source, SEGMENTS))
    assert set(by_segment["stands"]) == {""}  # tested where waiting is told
    undated = make_source(tickets=tickets.drop(columns="resolved_at"))
    lacks = list_lacks(sum_kpis(follow("resolution_hours"), undated, SEGMENTS))
    assert len(lacks) in (0, 1)


def test_what_happened_after_the_last_day_is_not_known():
    tickets = TICKETS.assign(resolved_at=pd.Timestamp("2026-07-03"))
    kpi = make_kpi("share", where="resolved_at is null")
    assert measure(kpi, make_source(tickets=tickets))[0]["value"].iloc[0] == 1
    kpi = make_kpi("mean", of="hours_to_resolve")
    assert np.isnan(measure(kpi, make_source(tickets=tickets))[0]["value"].iloc[0])


def test_deals_and_contracts_are_as_they_stood_on_the_last_day():
    deals = pd.DataFrame(
        {
            "deal_id": list("1234"),
            "customer_id": list("ABCD"),
            "opened_on": pd.to_datetime(["2026-01-01"] * 4),
            "closed_on": pd.to_datetime(["2026-02-01", "2026-03-01", "2026-07-05", None]),
            "outcome": ["won", "lost", "won", "open"],
        }
    )
    contracts = pd.DataFrame(
        {
            "contract_id": list("123"),
            "customer_id": list("ABC"),
            "started_on": pd.to_datetime(["2025-01-01"] * 3),
            "ends_on": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-12-31"]),
            "renewed": [True, None, None],
        }
    )
    source = make_source(deals=deals, contracts=contracts)
    followed = [*follow("win_rate"), *follow("renewal_share")]
    values = measure_values(sum_kpis(followed, source, SEGMENTS)).set_index("kpi")
    assert values["value"].to_dict() == {"win_rate": 0.5, "renewal_share": 0.5}
    assert values["row_count"].to_dict() == {"win_rate": 2, "renewal_share": 2}
    won = make_kpi("count", "deals", where="outcome = 'won'", date="opened_on")
    assert measure(won, source)[0]["value"].iloc[0] == 1  # the other was won after the last day


def test_every_ready_made_kpi_has_its_words_and_says_what_it_lacks():
    assert set(list_ready_made()) == set(MEASURES)
    followed = [find_kpi(name) for name in MEASURES]
    nobody = make_source(pd.DataFrame({"customer_id": ["A"]}))
    sums = sum_kpis(followed, nobody, SEGMENTS)
    assert set(list_lacks(sums)["kpi"]) == set(MEASURES)
    assert all(one.text == MEASURES[one.name] for one in followed)


def test_new_customers_and_retention_take_two_years_of_orders():
    few = make_source(CUSTOMERS.assign(tenure_days=[100.0, 20, None, 40]), order_lines=LINES)
    followed = [*follow("new_customers"), *follow("retention_share")]
    lacks = list_lacks(sum_kpis(followed, few, SEGMENTS))
    assert lacks["lack"].str.startswith("it takes two years of orders, and there are 101").all()
    long = make_source(CUSTOMERS.assign(tenure_days=[800.0, 20, None, 40]), order_lines=LINES)
    values = measure_values(sum_kpis(followed, long, SEGMENTS)).set_index("kpi")
    assert values["value"]["new_customers"] == 2


def test_customers_that_are_counted_are_a_share_of_their_segment():
    kpi = Kpi(name="own", text="Own", over="customers", measure="count", where="order_count > 0")
    values, by_segment, _ = measure(kpi, make_source())
    assert values["value"].iloc[0] == 3
    assert by_segment["value"].tolist() == [1, 0]
    assert by_segment["unit"].tolist() == ["share", "share"]


# Goals.


def test_a_goal_is_judged_by_the_direction_of_its_kpi_and_says_what_it_lacks():
    kpi = make_kpi(where="satisfaction <= 2", better="lower")
    tables = {"tickets": ibis.memtable(TICKETS)}
    goals = [
        Goal(name="a", text="Fewer", kpi="own", target=0.8),
        Goal(name="b", text="Fewer still", kpi="own", target=0.1),
        Goal(name="c", text="Open", kpi="open_share", target=0.1),
    ]
    found = measure_kpis(goals, CUSTOMERS, tables, kpis=[kpi], as_of=AS_OF)
    assert found["met"].tolist() == ["yes", "no", "no data"]
    assert found["value"].iloc[0] == 0.75
    assert found["lack"].tolist() == ["", "", "there is no table “messages” (the mail tool's log)"]
    assert found["measure"].tolist()[:2] == ["Own", "Own"]


def test_a_kpi_of_customers_reads_their_features():
    assert measure_kpi("repeat_share", CUSTOMERS, {}) == pytest.approx(2 / 3)
    assert measure_kpi("orders_per_customer", CUSTOMERS, {}) == 2
    consenting = CUSTOMERS.assign(consent=[True, None, False, True])
    assert measure_kpi("consent_share", consenting, {}) == 0.5  # an unknown answer counts as no


# What sets segments apart.


def test_segments_that_differ_are_told_apart_and_those_alike_are_not():
    rng = np.random.default_rng(4)
    size = 300
    customers = pd.DataFrame({"customer_id": [f"{n:03}" for n in range(size)]})
    segments = customers.assign(segment_name=np.repeat(["X", "Y", "Z"], size // 3))
    rows = customers.loc[np.repeat(np.arange(size), 4)].reset_index(drop=True)
    rows["ticket_id"] = rows.index.astype(str)
    rows["opened_at"] = pd.Timestamp("2026-06-01")
    is_x = rows["customer_id"] < "100"
    rows["satisfaction"] = np.where(rng.random(len(rows)) < np.where(is_x, 0.9, 0.5), 1.0, 5.0)
    source = Source({"tickets": ibis.memtable(rows)}, customers, AS_OF)
    stands = {}
    for kpi in (make_kpi(where="satisfaction <= 2"), make_kpi("mean", of="satisfaction")):
        found = measure(kpi, source, segments)[1].set_index("segment_name")
        stands[kpi.measure] = found["stands"].to_dict()
        inside = (found["low"] <= found["value"]) & (found["value"] <= found["high"])
        assert inside.all()
    assert (stands["share"]["X"], stands["mean"]["X"]) == ("higher", "lower")
    found = measure(make_kpi("count"), source, segments)[1]
    assert found["stands"].tolist() == ["alike"] * 3
