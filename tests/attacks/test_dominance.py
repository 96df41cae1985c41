"""Kind: a sum or a mean that one customer makes nearly alone tells what that customer spends.

Each table of amounts is asked twice: where forty customers share an amount its figures are shown,
and where one of them has nearly all of it they are not.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.evidence.experience.engagement import (
    summarise_events_by_segment,
    summarise_messages_by_segment,
)
from segkit.evidence.experience.support import open_tickets, summarise_tickets_by_segment
from segkit.evidence.kpis import measure_kpis
from segkit.features.lifetime_value import fit_lifetime, summarise_lifetime_value
from segkit.features.purchases import summarise_months
from segkit.features.season import measure_season
from segkit.plan.models import Goal
from segkit.profiles.customer_counts import summarise_customers
from segkit.profiles.segment_profiles import profile_segments
from segkit.profiles.sizes import size_segments
from segkit.report import (
    customer_base,
    differences,
    engagement,
    kpis,
    lifetime_value,
    season,
    sizes,
    support,
    usefulness,
)
from segkit.validation.prediction import compare_predictors

sys.path.insert(0, str(Path(__file__).parents[1] / "simulations"))
from coverage_lifetime import draw_customers

AS_OF = datetime.date(2026, 6, 30)
MANY = [1.0] * 40
ONE = [1.0] * 39 + [1e5]
LIKE_MANY = pytest.mark.parametrize(("amounts", "is_shown"), [(MANY, True), (ONE, False)])
IDS = [f"c{i:02}" for i in range(40)]
# Three segments, so that a hidden one has another beside it.
SEGMENTS = pd.DataFrame(
    {
        "customer_id": IDS + [f"d{i:02}" for i in range(60)],
        "segment": [1] * 40 + [2] * 25 + [3] * 35,
        "segment_name": ["A"] * 40 + ["B"] * 25 + ["C"] * 35,
    }
)


def make_customers(amounts: list[float]) -> pd.DataFrame:
    spend = np.array([*amounts, *[1.0] * 60])
    total = 10 * spend + np.arange(100) % 7
    customers = SEGMENTS[["customer_id"]].assign(total_spend=total, spend_last_365_days=spend)
    customers = customers.assign(order_count=spend.astype(int), mean_order_value=10.0)
    return customers.assign(recency_days=np.arange(100) % 50, age_years=np.arange(100) % 60 + 20.0)


def make_rows(amounts: list[float], *, most: int = 2000, **columns: object) -> ibis.Table:
    """Return one row each, and of whom the amount is large many."""
    counts = [int(min(amount, most)) for amount in amounts] + [1] * 60
    customers = SEGMENTS["customer_id"].repeat(counts)
    frame = pd.DataFrame({"customer_id": customers.to_numpy()}).assign(**columns)
    return ibis.memtable(frame.assign(row_id=[f"r{i}" for i in range(len(frame))]))


def is_told(table: pd.DataFrame, column: str, **where: object) -> bool:
    """Return whether the figure of one row is shown."""
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return bool(table[column].notna().iloc[0])


@LIKE_MANY
def test_the_spend_and_the_orders_of_a_segment(amounts, is_shown):
    found = publish(size_segments(make_customers(amounts), SEGMENTS), sizes.SIZES).frame
    assert is_told(found, "mean_order_count", segment_name="A") == is_shown
    only_orders = make_customers(amounts).assign(total_spend=1.0)
    found = publish(size_segments(only_orders, SEGMENTS), sizes.SIZES).frame
    assert is_told(found, "mean_order_count", segment_name="A") == is_shown
    assert is_told(found, "customer_count", segment_name="A")


@pytest.mark.slow
@LIKE_MANY
def test_the_mean_of_a_feature_in_a_segment(amounts, is_shown):
    compared = profile_segments(make_customers(amounts), SEGMENTS)
    found = publish(compared.assign(segment_count=compared["known_count"]), differences.PROFILE)
    place = {"segment_name": "A", "feature": "total_spend"}
    for column in ("mean", "base_mean", "index", "effect_size"):
        assert is_told(found.frame, column, **place) == is_shown
    assert is_told(found.frame, "mean", segment_name="A", feature="age_years")
    kept = [column for column in found.frame if column.endswith(("_sum", "_largest", "_second"))]
    assert kept == []


def test_the_mean_of_all_is_not_told_beside_a_segment_that_the_dominant_one_is_not_in():
    compared = profile_segments(make_customers(ONE), SEGMENTS)
    found = publish(compared.assign(segment_count=compared["known_count"]), differences.PROFILE)
    assert not is_told(found.frame, "base_mean", segment_name="C", feature="total_spend")


@LIKE_MANY
def test_what_all_customers_spend(amounts, is_shown):
    found = publish(summarise_customers(make_customers(amounts)), customer_base.CUSTOMERS).frame
    assert is_told(found, "mean_spend") == is_shown
    assert is_told(found, "customer_count")
    assert list(found.filter(regex="_sum|_largest|_second")) == []


@LIKE_MANY
@pytest.mark.parametrize("kpi", ["total_spend", "mean_order_value", "orders_per_customer"])
def test_a_kpi_of_spend_or_orders(amounts, is_shown, kpi):
    customers = make_customers(amounts)
    goals = (Goal(name="g", text="Sell", kpi=kpi, target=2.0),)
    counted = kpis.count_kpis(measure_kpis(goals, customers, {}), customers)
    found = kpis.write_kpis(publish(counted, kpis.KPIS))
    assert is_told(found.frame, "value") == is_shown
    assert (found.frame["value_text"].iloc[0] != "–") == is_shown
    assert (kpis.list_kpis(found)[0]["value"] is not None) == is_shown


def test_a_kpi_that_sums_up_nothing_is_shown():
    customers = make_customers(ONE)
    goals = (Goal(name="g", text="Keep", kpi="repeat_share"),)
    counted = kpis.count_kpis(measure_kpis(goals, customers, {}), customers)
    assert is_told(publish(counted, kpis.KPIS).frame, "value")


def make_sales(large: dict[tuple[int, int], float]) -> ibis.Table:
    """Return a sale a month of each of forty customers; of the last one larger ones."""
    rows = [
        (customer, pd.Timestamp(year, month, 3), large.get((year, month), 1.0 + 0.1 * month))
        if customer == "c39"
        else (customer, pd.Timestamp(year, month, 3), 1.0 + 0.1 * month)
        for year in (2024, 2025)
        for month in range(1, 13)
        for customer in IDS
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "line_amount"])
    frame["order_id"] = [f"o{i}" for i in range(len(frame))]
    return ibis.memtable(frame.assign(line_type="sale"))


@pytest.mark.parametrize(("large", "is_shown"), [({}, True), ({(2024, 5): 700.0}, False)])
def test_the_months_and_the_season(large, is_shown):
    months = summarise_months(make_sales(large), as_of=datetime.date(2025, 12, 31))
    shown = publish(months, season.MONTHS).frame
    may = shown["month"] == "2024-05-01"
    assert shown.loc[may, "total_spend"].notna().all() == is_shown
    assert shown["total_spend"].notna().sum() >= 22, "the month, and one that hides it"
    by_month, test = measure_season(months)
    by_month = publish(by_month, season.SEASON)
    assert is_told(by_month.frame, "index", month="May") == is_shown
    assert is_told(by_month.frame, "index_percent", month="May") == is_shown
    told = " ".join(read_texts(season.state_season(by_month, publish(test, season.TEST))))
    assert ("May" in told) is False
    assert ("index" in told) == is_shown


def test_months_without_a_customer_or_a_sale_are_no_dominance():
    lines = make_sales({}).mutate(customer_id=ibis.null("string"))
    months = summarise_months(lines, as_of=datetime.date(2025, 12, 31))
    assert months["total_spend_largest"].fillna(0).eq(0).all()


@LIKE_MANY
def test_the_lifetime_value_of_a_group(amounts, is_shown):
    histories = draw_customers(300, 1)[0].reset_index(drop=True)
    model = fit_lifetime(histories)
    groups = pd.Series(["A"] * 40 + ["B"] * 120 + ["C"] * 140)
    own = histories.copy()
    if not is_shown:
        own.loc[0, ["repeat_count", "mean_repeat_value"]] = [20, amounts[-1] * 1e4]
        own.loc[0, "active_days"] = own.loc[0, "tenure_days"]
    values = summarise_lifetime_value(own, model, groups, random_state=1)
    found = publish(values, lifetime_value.VALUES)
    for column in ("total_lifetime_value", "mean_lifetime_value", "total_high", "mean_low"):
        assert is_told(found.frame, column, group="A") == is_shown
    told = " ".join(read_texts(lifetime_value.state_lifetime(found)))
    assert "but not their value" not in told


@LIKE_MANY
def test_the_tickets_of_a_segment(amounts, is_shown):
    opened = pd.Timestamp("2026-01-01")
    table = make_rows(amounts, opened_at=opened, resolved_at=opened, satisfaction=3.0)
    table = table.rename(ticket_id="row_id")
    tickets = open_tickets({"tickets": table}, as_of=AS_OF)
    found = publish(summarise_tickets_by_segment(tickets, SEGMENTS), support.TICKETS).frame
    for column in ("ticket_count", "tickets_per_100_customers", "mean_satisfaction"):
        assert is_told(found, column, segment_name="A") == is_shown
    assert is_told(found, "customer_count", segment_name="A")


@LIKE_MANY
def test_the_messages_to_a_segment(amounts, is_shown):
    table = make_rows(amounts, opened=True, clicked=False)
    found = publish(summarise_messages_by_segment(table, SEGMENTS), engagement.MESSAGES).frame
    for column in ("delivered_count", "open_share"):
        assert is_told(found, column, segment_name="A") == is_shown


@LIKE_MANY
def test_the_visits_of_a_segment(amounts, is_shown):
    table = make_rows(amounts, event_type="visit")
    found = publish(summarise_events_by_segment(table, SEGMENTS), engagement.EVENTS).frame
    assert is_told(found, "visits_per_customer", segment_name="A") == is_shown
    assert list(found.filter(regex="_sum|_largest|_second")) == []


@LIKE_MANY
def test_the_later_spend_that_the_first_customers_bring(amounts, is_shown):
    spend = np.array([*amounts, *[1.0] * 160]) + np.arange(200) % 3
    spend[:40] += 4  # they are found first
    group = pd.DataFrame({"level": np.arange(200) // 40})
    levels = {"nothing": pd.DataFrame(index=group.index), "segments": group}
    figures, gains = compare_predictors(
        levels,
        pd.DataFrame({"later_spend": spend}),
        reference="nothing",
        random_state=1,
        smallest_cell=5,
    )
    found = publish(figures.assign(customer_count=40), usefulness.FIGURES).frame
    place = {"outcome": "later_spend", "predictor": "segments"}
    assert is_told(found, "estimate", measure="top_fifth_share", **place) == is_shown
    assert is_told(found, "estimate", measure="explained_share", **place)
    assert list(found.filter(regex="_sum|_largest|_second")) == []
    perfect = gains[gains["predictor"] == "perfect knowledge"]
    apart = np.diff(perfect["customer_share"]) * 200
    assert (apart > 9.99).all(), "between two points are as many customers as amounts need"
    if is_shown:
        assert len(perfect) > 10
    else:  # of the largest spender's part nothing can be told from two points
        assert perfect.empty


def test_where_every_customer_may_be_seen_the_whole_curve_is():
    spend = pd.DataFrame({"later_spend": np.arange(60.0)})
    levels = {"nothing": pd.DataFrame(index=spend.index)}
    gains = compare_predictors(levels, spend, reference="nothing", random_state=1)[1]
    assert set(gains.groupby("predictor").size()) == {41}
