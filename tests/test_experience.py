"""What segments buy, do, ask for and say."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import publish
from scipy import stats
from scipy.stats import binomtest

from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError
from segkit.core.statistics import find_skewed_reach
from segkit.evidence.experience.engagement import (
    summarise_events_by_segment,
    summarise_messages_by_segment,
)
from segkit.evidence.experience.spend import (
    add_categories,
    estimate_wallet_by_segment,
    summarise_months_by_segment,
    summarise_spend_by_segment,
)
from segkit.evidence.experience.support import open_tickets, summarise_tickets_by_segment
from segkit.evidence.experience.survey import classify_questions, summarise_responses_by_segment
from segkit.evidence.segment_summaries import add_interval, count_shares_by_segment, select_segments
from segkit.report import engagement, spend, survey

AS_OF = datetime.date(2026, 6, 15)
SEGMENTS = pd.DataFrame(
    {"customer_id": ["a", "b", "c", "d"], "segment_name": ["Loyal", "Loyal", "Rare", "Rare"]}
)


def make_tables(**frames: pd.DataFrame) -> dict[str, ibis.Table]:
    connection = ibis.duckdb.connect()
    return {name: connection.create_table(name, frame) for name, frame in frames.items()}


@pytest.fixture(scope="module")
def shop() -> dict[str, ibis.Table]:
    lines = pd.DataFrame(
        [
            ("o1", "a", "tent", "2026-06-10", 100.0, "sale"),
            ("o1", "a", "pan", "2026-06-10", 20.0, "sale"),
            ("o2", "a", "tent", "2026-05-10", 60.0, "sale"),
            ("o3", "a", "tent", "2026-05-20", -30.0, "return"),
            ("o4", "b", "pan", "2026-05-01", 20.0, "sale"),
            ("o5", "c", "pan", "2026-05-02", 10.0, "sale"),
            ("o6", "d", "tent", "2025-06-15", 500.0, "sale"),
            ("o7", "stranger", "tent", "2026-05-05", 900.0, "sale"),
            ("o8", None, "tent", "2026-05-05", 900.0, "sale"),
        ],
        columns=["order_id", "customer_id", "product_id", "ordered_at", "line_amount", "line_type"],
    )
    lines["ordered_at"] = pd.to_datetime(lines["ordered_at"])
    moment = pd.Timestamp("2026-05-01 08:00")
    return make_tables(
        order_lines=lines,
        products=pd.DataFrame(
            {"product_id": ["tent", "pan"], "category": ["Outdoor", "Household"]}
        ),
        messages=pd.DataFrame(
            [
                ("a", "segmented", True, False, False),
                ("a", "segmented", False, False, True),
                ("b", "segmented", None, True, False),
                ("b", "control", None, False, False),
                ("c", "unsegmented", False, False, False),
            ],
            columns=["customer_id", "arm", "opened", "bounced", "unsubscribed"],
        ),
        events=pd.DataFrame(
            [
                ("a", "view", "s1", "mobile"),
                ("a", "cart", "s1", "mobile"),
                ("a", "view", "s2", "desktop"),
                ("b", "view", "s3", "mobile"),
                (None, "view", "s4", "tablet"),
            ],
            columns=["customer_id", "event_type", "session_id", "device"],
        ),
        tickets=pd.DataFrame(
            {
                "ticket_id": ["t1", "t2", "t3"],
                "customer_id": ["a", "a", "c"],
                "opened_at": [moment] * 3,
                "resolved_at": [moment + pd.Timedelta(hours=h) for h in (2, 6, 48)],
                "topic": ["delivery", "delivery", "size"],
                "satisfaction": [5.0, 3.0, None],
            }
        ),
        responses=pd.DataFrame(
            [("a", "Age", "40"), ("b", "Age", " 50 "), ("c", "Age", "30")]
            + [("a", "Buys for", "me"), ("b", "Buys for", "me"), ("c", "Buys for", "gift")]
            + [(x, "Why?", f"my reason {i}, call 555{i}") for i, x in enumerate("abcd" * 4)],
            columns=["customer_id", "question", "answer"],
        ),
    )


def test_spend_is_that_of_the_last_365_days_and_of_customers_with_a_segment(shop):
    table = summarise_spend_by_segment(shop["order_lines"], SEGMENTS, as_of=AS_OF).set_index(
        "segment_name"
    )
    loyal = table.loc["Loyal"]
    assert loyal["spend"] == pytest.approx(100 + 20 + 60 - 30 + 20)
    assert loyal["orders_per_buyer"] == 3 / 2
    assert loyal["mean_order_value"] == pytest.approx(200 / 3)
    assert loyal["return_share"] == pytest.approx(30 / 200)
    assert loyal["spend_share"] == pytest.approx(170 / 180)
    assert table.loc["Rare", "buyer_share"] == 0.5


def test_a_segment_without_orders_keeps_its_row(shop):
    segments = pd.DataFrame({"customer_id": ["a", "z"], "segment_name": ["Loyal", "Silent"]})
    table = summarise_spend_by_segment(shop["order_lines"], segments, as_of=AS_OF).set_index(
        "segment_name"
    )
    assert table.loc["Silent", "buyer_share"] == 0
    assert np.isnan(table.loc["Silent", "mean_order_value"])


def test_a_small_segment_is_hidden_and_says_why(shop):
    table = summarise_spend_by_segment(shop["order_lines"], SEGMENTS, as_of=AS_OF)
    shown = publish(table, spend.SPEND, smallest_cell=3).frame
    figures = shown.drop(columns=["segment_name", "note", "is_hidden"])
    assert figures.isna().all(axis=None)
    assert set(shown["note"]) == {"fewer than 3 customers, or would tell of so few"}


def test_a_large_segment_with_a_single_buyer_does_not_show_what_he_spent(shop):
    table = summarise_spend_by_segment(shop["order_lines"], SEGMENTS, as_of=AS_OF)
    rests_on = table.set_index("segment_name")["rests_on_count"]
    assert rests_on.to_dict() == {"Loyal": 2, "Rare": 1}
    shown = publish(table, spend.SPEND, smallest_cell=2).frame.set_index("segment_name")
    assert shown.loc["Rare", "note"] == "fewer than 2 customers, or would tell of so few"
    assert shown.loc["Loyal", "note"] == "fewer than 2 customers, or would tell of so few"


def test_a_segment_without_a_buyer_shows_that_it_spends_nothing(shop):
    names = ["Loyal"] * 2 + ["Silent"] * 4
    segments = pd.DataFrame({"customer_id": list("abwxyz"), "segment_name": names})
    table = summarise_spend_by_segment(shop["order_lines"], segments, as_of=AS_OF)
    # Of Loyal's two customers the amounts are hidden; Silent's would tell them from the sum of all.
    shown = publish(table, spend.SPEND, smallest_cell=1).frame.set_index("segment_name")
    assert shown.loc["Silent", "spend"] == 0
    alone = table[table["segment_name"] == "Silent"]
    alone = publish(alone, spend.SPEND, smallest_cell=2).frame.set_index("segment_name")
    assert alone.loc["Silent", "spend"] == 0
    hidden = publish(table, spend.SPEND, smallest_cell=5).frame.set_index("segment_name")
    assert hidden.loc["Silent", ["spend", "customer_count"]].isna().all(), "four are too few"


def test_categories_are_indexed_against_all_segments(shop):
    sales = add_categories(shop["order_lines"], shop["products"], as_of=AS_OF)
    table = count_shares_by_segment(sales, SEGMENTS, "category", amount="sales")
    first = table.iloc[0]
    assert (first["segment_name"], first["category"]) == ("Loyal", "Outdoor")
    assert first["share"] == pytest.approx(160 / 200)
    assert first["base_share"] == pytest.approx(160 / 210)
    assert first["index"] == pytest.approx(105)


def test_only_whole_months_are_compared(shop):
    table = summarise_months_by_segment(shop["order_lines"], SEGMENTS, as_of=AS_OF)
    assert table["month"].max() == pd.Timestamp("2026-05-01")
    assert table.set_index(["segment_name", "month"]).loc[
        ("Loyal", pd.Timestamp("2026-05-01")), "spend"
    ] == pytest.approx(50)


def test_control_groups_are_not_sent_and_bounces_are_not_delivered(shop):
    table = summarise_messages_by_segment(shop["messages"], SEGMENTS).set_index("segment_name")
    loyal = table.loc["Loyal"]
    assert loyal["delivered_count"] == 2
    assert loyal["open_share"] == 0.5
    assert loyal["unsubscribe_share"] == 0.5
    assert np.isnan(loyal["open_low"]), "both messages are of one customer"
    assert table["click_share"].isna().all(), "there is no column of clicks"


@given(st.integers(0, 300), st.integers(1, 300))
def test_the_interval_is_wilsons(hits, more):
    trials = hits + more
    table = add_interval(pd.DataFrame({"k": [hits], "n": [trials]}), "open_", hits="k", trials="n")
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    assert table["open_low"].iloc[0] == pytest.approx(expected.low, abs=1e-6)
    assert table["open_high"].iloc[0] == pytest.approx(expected.high, abs=1e-6)


def test_events_are_divided_by_all_customers_of_the_segment(shop):
    table = summarise_events_by_segment(shop["events"], SEGMENTS)
    table = table.set_index("segment_name")
    assert table.loc["Loyal", "visits_per_customer"] == 1.5
    assert table.loc["Loyal", "views_per_customer"] == 1.5
    assert table.loc["Loyal", "carts_per_customer"] == 0.5
    assert table.loc["Loyal", "reached_share"] == 1
    assert table.loc["Rare", ["customer_count", "visits_per_customer"]].tolist() == [0, 0]
    assert table.loc["Rare", "rests_on_count"] == 2, "that nobody came is said of both"


def test_a_segment_whose_visitors_are_few_is_hidden():
    frame = pd.DataFrame({"customer_id": ["a", "c", "d"], "event_type": "visit"})
    table = summarise_events_by_segment(make_tables(events=frame)["events"], SEGMENTS)
    shown = publish(table, engagement.EVENTS, smallest_cell=2).frame.set_index("segment_name")
    assert shown.loc["Loyal", "note"] == "fewer than 2 customers, or would tell of so few"
    assert shown.loc["Rare", "note"] == "fewer than 2 customers, or would tell of so few"


def test_devices_split_to_one_within_a_segment(shop):
    table = count_shares_by_segment(shop["events"], SEGMENTS, "device")
    assert table["device"].tolist() == ["mobile", "desktop"]
    assert table["share"].tolist() == pytest.approx([0.75, 0.25])


def test_tickets_are_counted_a_hundred_customers_with_the_median_wait(shop):
    tickets = open_tickets(shop, as_of=AS_OF)
    table = summarise_tickets_by_segment(tickets, SEGMENTS).set_index("segment_name")
    assert table.loc["Loyal", "tickets_per_100_customers"] == 100
    assert table.loc["Loyal", "median_hours_to_resolve"] == 2  # half of two tickets are done then
    assert table.loc["Loyal", "rated_share"] == 1
    assert table.loc["Loyal", "mean_satisfaction"] == 4
    assert pd.isna(table.loc["Rare", "mean_satisfaction"])


def test_free_text_is_told_apart_and_never_shown(shop):
    kinds = classify_questions(shop["responses"]).set_index("question")["kind"]
    assert kinds.to_dict() == {"Age": "number", "Buys for": "choice", "Why?": "free text"}
    table = summarise_responses_by_segment(shop["responses"], SEGMENTS)
    assert "Why?" not in set(table["question"])
    assert not table.astype(str).apply(lambda c: c.str.contains("reason|555")).any(axis=None)


def test_an_answer_that_too_few_gave_is_hidden_with_its_words():
    rows = [(f"m{i}", "Buys for", "me") for i in range(10)]
    # Twelve gave three answers that are hidden: with two of them, or the shares of eight, the sum
    # would tell.
    for letter, words in (("a", "my own words"), ("b", "others of mine"), ("c", "mine again")):
        rows += [(f"{letter}{i}", "Buys for", words) for i in range(4)]
    frame = pd.DataFrame(rows, columns=["customer_id", "question", "answer"])
    segments = frame[["customer_id"]].assign(segment_name="All")
    table = summarise_responses_by_segment(make_tables(responses=frame)["responses"], segments)
    published = publish(table, survey.RESPONSES)
    shown = survey.keep_different(published).frame
    assert shown["answer"].dropna().tolist() == ["me"]
    assert shown["note"].tolist() == ["", "fewer than 5 customers, or would tell of so few"]
    assert (
        not published.records.astype(str)
        .apply(lambda c: c.str.contains("words|mine"))
        .any(axis=None)
    )


def test_numbers_are_averaged_and_choices_are_shared(shop):
    table = summarise_responses_by_segment(shop["responses"], SEGMENTS)
    table = table.set_index(["question", "segment_name", "answer"])
    assert table.loc[("Age", "Loyal", ""), "value"] == 45
    assert table.loc[("Age", "Loyal", ""), "base_value"] == 40
    assert table.loc[("Buys for", "Loyal", "me"), "value"] == 1
    assert table.loc[("Buys for", "Rare", "gift"), "base_value"] == pytest.approx(1 / 3)


def test_a_wallet_is_what_a_buyer_of_the_country_spends(shop):
    tables = shop | make_wallet_tables(shop)
    table = estimate_wallet_by_segment(tables, SEGMENTS, as_of=AS_OF)
    loyal = table.set_index("segment_name").loc["Loyal"]
    assert loyal["wallet_value"] == pytest.approx(2 * 50_000 / 50)
    assert loyal["wallet_share"] == pytest.approx(170 / 2000)
    assert loyal["customer_count"] == 2


def test_a_wallet_is_of_no_year_after_the_last_day(shop):
    tables = shop | make_wallet_tables(shop)
    cells = pd.DataFrame({"country": "Norway", "year": [AS_OF.year, AS_OF.year + 1]})
    cells = cells.assign(market_value=[5e4, 9e9], buyer_count=50.0)
    backend = shop["order_lines"].get_backend()
    tables["market_cells"] = backend.create_table("market_cells", cells, overwrite=True)
    table = estimate_wallet_by_segment(tables, SEGMENTS, as_of=AS_OF).set_index("segment_name")
    assert table.loc["Loyal", "wallet_value"] == pytest.approx(2 * 50_000 / 50)


def test_a_segment_above_the_mean_buyers_wallet_gets_no_share(shop):
    tables = shop | make_wallet_tables(shop, market_value=4e3)
    table = estimate_wallet_by_segment(tables, SEGMENTS, as_of=AS_OF)
    assert np.isnan(table["wallet_share"].iloc[0])
    assert table["note"].iloc[0].startswith("spends more")
    assert table["note"].iloc[1] == ""
    shown = publish(table, spend.WALLET, smallest_cell=3).frame
    assert set(shown["note"]) == {"fewer than 3 customers, or would tell of so few"}


def make_wallet_tables(shop, market_value=5e4) -> dict[str, ibis.Table]:
    backend = shop["order_lines"].get_backend()
    customers = pd.DataFrame(
        {"customer_id": ["a", "b", "c"], "country": ["Norway", "norway", "Oz"]}
    )
    cells = pd.DataFrame(
        {"country": ["Norway"], "market_value": [market_value], "buyer_count": [50.0]}
    )
    return {
        "customers": backend.create_table("customers", customers, overwrite=True),
        "market_cells": backend.create_table("market_cells", cells, overwrite=True),
    }


def test_missing_tables_give_empty_tables_with_the_reason(shop):
    empty = [
        count_shares_by_segment(
            add_categories(shop["order_lines"], None, as_of=AS_OF), SEGMENTS, "category"
        ),
        summarise_messages_by_segment(None, SEGMENTS),
        summarise_events_by_segment(None, SEGMENTS),
        count_shares_by_segment(None, SEGMENTS, "device"),
        summarise_tickets_by_segment(None, SEGMENTS),
        summarise_responses_by_segment(None, SEGMENTS),
        classify_questions(None),
        estimate_wallet_by_segment(shop, SEGMENTS, as_of=AS_OF),
    ]
    assert all(table.empty for table in empty)
    assert all(explain_empty(table).startswith(("There is no", "Share of")) for table in empty)


def test_an_unknown_scheme_is_refused_with_the_nearest_name():
    assigned = pd.DataFrame({"customer_id": ["a"], "scheme": ["value_tiers"], "segment": ["Top"]})
    assert select_segments(assigned, "value_tiers")["segment_name"].tolist() == ["Top"]
    with pytest.raises(SegkitError, match="Did you mean 'value_tiers'"):
        select_segments(assigned, "value_tier")


def test_online_retail_spend_by_segment_adds_up_to_all_spend(shared_data):
    con = ibis.duckdb.connect()
    lines = con.read_parquet(str(shared_data("online_retail/online_retail.parquet")))
    lines = lines.filter(lines.CustomerID.notnull()).select(
        order_id=lines.InvoiceNo.cast("string"),
        customer_id=lines.CustomerID.cast("string"),
        ordered_at=lines.InvoiceDate.cast("timestamp"),
        line_amount=lines.Quantity * lines.UnitPrice,
        line_type=ibis.ifelse(lines.Quantity > 0, "sale", "return"),
    )
    people = lines.select("customer_id").distinct().order_by("customer_id").to_pandas()
    segments = people.assign(segment_name=np.where(people.index % 2, "odd", "even"))
    as_of = datetime.date(2011, 12, 9)
    table = summarise_spend_by_segment(lines, segments, as_of=as_of, days=1000)
    assert table["spend"].sum() == pytest.approx(lines.line_amount.sum().execute(), abs=0.01)
    assert table["customer_count"].sum() == 4372


def test_the_interval_of_amounts_that_are_answered_reaches_further_up_than_down():
    amounts = np.random.default_rng(0).lognormal(3, 1, 60)
    rows = [(f"a{n}", "How much?", f"{amount:.6f}") for n, amount in enumerate(amounts)]
    frame = pd.DataFrame(rows, columns=["customer_id", "question", "answer"])
    segments = frame[["customer_id"]].assign(segment_name="All")
    responses = make_tables(responses=frame)["responses"]
    found = summarise_responses_by_segment(responses, segments).iloc[0]
    skewness = stats.skew(amounts) / np.sqrt(60)
    down, up = find_skewed_reach(skewness)
    error = stats.sem(amounts)
    assert found["low"] == pytest.approx(amounts.mean() - down * error, rel=1e-4)
    assert found["high"] == pytest.approx(amounts.mean() + up * error, rel=1e-4)
    assert found["high"] - found["value"] > 1.3 * (found["value"] - found["low"])
