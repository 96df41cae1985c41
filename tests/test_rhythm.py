"""Orders in time, seasons and baskets: stated rules at their edges, and what all customers do."""

from __future__ import annotations

import dataclasses
import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published import publish, read_texts
from shops import AS_OF, make_lines, make_tables

from segkit.core.absence import NO_PURCHASES
from segkit.features.favourites import MOST_LEVELS
from segkit.features.habits import LEAST_GAPS, Habits, learn_habits
from segkit.features.journey import list_cuts
from segkit.features.purchases import summarise_purchases
from segkit.report import journey

PRODUCTS = {"tent": "camp", "lamp": "home", "mug": "home"}


def make_shop(rows: list[tuple]) -> ibis.Table:
    """Return lines of (customer, order, time, amount), and product and line type if told."""
    full = [(*row, *("tent", "sale")[len(row) - 4 :]) for row in rows]
    lines = [(o, p, c, at, 1.0, a, t, "FI") for c, o, at, a, p, t in full]
    return ibis.memtable(make_lines(lines).iloc[-len(lines) :])


def summarise(rows: list[tuple], **habits) -> pd.DataFrame:
    products = pd.DataFrame({"product_id": list(PRODUCTS), "category": list(PRODUCTS.values())})
    options = {"as_of": AS_OF, "products": ibis.memtable(products), "habits": Habits(**habits)}
    found = summarise_purchases(make_shop(rows), **options).to_pandas()
    return found.set_index("customer_id")


def test_orders_of_one_day_are_one_day_of_the_rhythm():
    days = ["2026-01-01", "2026-01-01", "2026-01-11", "2026-02-10"]
    rows = [("amy", f"A{n}", f"{day} 10:0{n}", 10.0) for n, day in enumerate(days)]
    amy = summarise(rows, mean_gap_days=50.0).loc["amy"]
    # Gaps of 10 and 30 days: mean 20, standard deviation sqrt(10 ** 2 + 10 ** 2) = 14.14.
    assert amy["order_count"] == 4
    assert amy["mean_days_between_orders"] == 20
    assert amy["gap_variation"] == pytest.approx(np.sqrt(200) / 20)
    assert amy["expected_gap_days"] == pytest.approx((2 * 50 + 40) / 4)
    assert amy["overdue_ratio"] == pytest.approx(140 / 35)  # 10 February to 30 June


@pytest.mark.slow
def test_one_order_has_no_rhythm_but_the_one_of_all_customers():
    amy = summarise([("amy", "A1", "2026-06-10 10:00", 10.0)], mean_gap_days=40.0).loc["amy"]
    assert amy[["mean_days_between_orders", "gap_variation"]].isna().all()
    assert (amy["expected_gap_days"], amy["overdue_ratio"]) == (40, 0.5)
    alone = summarise([("amy", "A1", "2026-06-10 10:00", 10.0)]).loc["amy"]
    assert alone[["expected_gap_days", "overdue_ratio", "quarter_1_share"]].isna().all()


def test_a_return_belongs_to_its_own_day_and_an_order_to_its_first():
    rows = [
        ("amy", "A1", "2026-05-30 23:50", 60.0),
        ("amy", "A1", "2026-06-02 00:10", 30.0, "lamp"),  # the same order, after midnight
        ("amy", "A1", "2026-06-29 10:00", -60.0, "tent", "return"),
        ("amy", "A2", "2025-12-01 10:00", 30.0),
    ]
    amy = summarise(rows).loc["amy"]
    assert (amy["order_count"], amy["recency_days"]) == (2, 31)
    assert (amy["spend_last_30_days"], amy["spend_last_90_days"]) == (-60, 30)
    assert amy["order_count_last_30_days"] == 0
    assert amy["spend_trend"] == pytest.approx((90 - 30) / (90 + 30))  # sales, without the return
    assert amy["product_count"] == 2


def test_a_trend_is_bounded_and_missing_without_sales():
    rows = [
        ("amy", "A1", "2026-06-01 10:00", 10.0),
        ("ben", "B1", "2025-09-01 10:00", 10.0),
        ("cid", "C1", "2024-09-01 10:00", 10.0),
    ]
    assert summarise(rows)["spend_trend"].fillna(9).to_dict() == {"amy": 1, "ben": -1, "cid": 9}


def test_midnight_tells_no_hour():
    rows = [
        ("amy", "A1", "2026-06-01 00:00", 70.0),
        ("amy", "A2", "2026-06-02 00:01", 10.0),
        ("amy", "A3", "2026-06-06 12:00", 20.0),  # a Saturday
        ("ben", "B1", "2026-06-07 00:00", 10.0),
    ]
    found = summarise(rows)
    parts = found[["night_share", "morning_share", "afternoon_share", "evening_share"]]
    assert parts.loc["amy"].tolist() == pytest.approx([1 / 3, 0, 2 / 3, 0])
    assert parts.loc["ben"].isna().all()
    assert found["weekend_share"].to_dict() == {"amy": 0.2, "ben": 1.0}


def test_christmas_is_two_years_and_nothing_else():
    rows = [
        ("two", "A1", "2024-11-15 10:00", 10.0),
        ("two", "A2", "2025-12-31 10:00", 10.0),
        ("one", "B1", "2025-12-01 10:00", 10.0),
        ("one", "B2", "2025-12-24 10:00", 10.0),
        ("off", "C1", "2024-12-24 10:00", 10.0),
        ("off", "C2", "2025-11-14 10:00", 10.0),
        ("ret", "D1", "2025-12-24 10:00", -10.0, "tent", "return"),
    ]
    only = summarise(rows)["buys_only_at_christmas"]
    assert only.to_dict() == {"two": True, "one": False, "off": False, "ret": False}


def test_seasons_are_shrunk_to_those_of_all_customers():
    base = (0.5, *[0.0] * 10, 0.5)
    rows = [("amy", f"A{n}", "2026-02-01 10:00", 5.0) for n in range(4)]
    rows += [("ben", "B1", "2026-03-01 10:00", 5.0), ("ben", "B2", "2026-02-01 10:00", 5.0)]
    found = summarise(rows, month_shares=base)
    # Half amy's own four orders, all in February, and half four orders like all customers'.
    assert found.loc["amy", "quarter_1_share"] == pytest.approx(0.5 * 1 + 0.5 * 0.5)
    assert found.loc["amy", "quarter_4_share"] == pytest.approx(0.25)
    # January .25 for .5, February .5 for 0, December .25 for .5.
    assert found.loc["amy", "season_concentration"] == pytest.approx(0.5)
    assert found["peak_month"].to_dict() == {"amy": "February", "ben": "February"}


def test_baskets_are_set_against_the_usual_price():
    rows = [
        ("amy", "A1", "2026-02-01 10:00", 30.0, "tent"),
        ("amy", "A1", "2026-02-01 10:00", 10.0, "lamp"),
        ("amy", "A1", "2026-02-01 10:00", 20.0, "mug"),
        ("amy", "A1", "2026-02-01 10:00", 20.0, "sofa"),  # no product that is known
        ("ret", "R1", "2026-02-01 10:00", -9.0, "mug", "return"),
    ]
    found = summarise(rows, prices=(("home", 10.0), ("camp", 20.0)))
    amy = found.loc["amy"]
    assert (amy["product_count"], amy["category_count"]) == (4, 2)
    # Camp and home both brought 30, and camp comes first in the alphabet.
    assert (amy["favourite_category"], amy["favourite_category_share"]) == ("camp", 0.5)
    assert amy[["category_share_home", "category_share_camp"]].tolist() == [0.5, 0.5]
    assert (amy["other_categories_share"], amy["category_diversity"]) == (0, 0.5)
    # Three units with a usual price cost 60 instead of 40.
    assert amy["price_level"] == pytest.approx((3 * 60 / 40 + 5) / (3 + 5))
    empty = found.loc["ret"]
    assert (empty["product_count"], empty["category_count"]) == (0, 0)
    assert empty[["favourite_category", "category_share_home", "price_level"]].isna().all()


def test_free_products_have_a_favourite_but_no_shares():
    amy = summarise([("amy", "A1", "2026-02-01 10:00", 0.0, "mug")]).loc["amy"]
    assert amy["favourite_category"] == "home"
    assert np.isnan(amy["favourite_category_share"])


def make_regulars(customers: int, late: int) -> list[tuple]:
    """Return customers with eleven orders every ten days; the last gap of ``late`` is 30 days."""
    rows = []
    for who in range(customers):
        days = [10 * n for n in range(11)]
        days[-1] += 20 * (who < late)
        start = pd.Timestamp("2026-01-01 10:00")
        rows += [
            (f"c{who}", f"{who}-{n}", f"{start + pd.Timedelta(days=day):%Y-%m-%d %H:%M}", 10.0)
            for n, day in enumerate(days)
        ]
    return rows


def state_cuts(cuts: pd.DataFrame) -> list[str]:
    return read_texts(journey.state_cuts(publish(cuts, journey.CUTS)))


def list_learned(habits: Habits) -> pd.DataFrame:
    customers = pd.DataFrame({"journey_stage": ["loyal"]})
    return list_cuts(customers, habits)


def test_cut_points_are_learned_from_the_gaps():
    # 400 gaps; 20 customers' mean gap is 10 days and 20 customers' 12, so the mean of all is 11.
    habits = learn_habits(make_shop(make_regulars(40, 20)), as_of=AS_OF)
    assert (habits.gap_count, habits.mean_gap_days) == (400, 11)
    # A gap of 10 among others of 10: 10 / ((2 x 11 + 90) / 11) = .98, and below .98 beside a long
    # one. The twenty long gaps, one in twenty, are 30 / (112 / 11) = 2.95.
    assert (habits.at_risk_ratio, habits.lapsed_ratio) == (1.0, 3.0)
    cuts = list_learned(habits).set_index("stage")
    assert cuts.loc["lapsed", ["cut", "unit"]].tolist() == [3.0, "times the expected gap"]
    assert cuts["is_learned"].tolist() == [True, True, False, False, False]
    said = state_cuts(cuts.reset_index())
    assert len(said) == 2
    assert said[0].startswith("Learned from 400 gaps between orders")
    assert "1.0 times the gap" in said[0]
    assert "lapsed after 3.0 times" in said[0]
    assert said[1].startswith("Of the gaps that ended with an order at most 10% were")


@pytest.mark.slow
def test_stages_follow_the_learned_cut_points():
    rows = [
        ("in", "A1", "2026-02-01 10:00", 5.0),
        ("risk", "B1", "2026-01-01 10:00", 5.0),
        ("gone", "C1", "2025-12-01 10:00", 5.0),
    ]
    learned = {"mean_gap_days": 100.0, "at_risk_ratio": 1.5, "lapsed_ratio": 2.0}
    # 149, 180 and 211 days, where 150 and 200 are the cut points.
    stages = summarise(rows, **learned)["journey_stage"].to_dict()
    assert stages == {"in": "one order", "risk": "at risk", "gone": "lapsed"}
    fixed = summarise(rows)["journey_stage"].to_dict()
    assert fixed == {"in": "one order", "risk": "one order", "gone": "at risk"}
    loyal = [("amy", f"A{n}", "2026-02-01 10:00", 5.0) for n in range(5)]
    assert summarise(loyal)["journey_stage"].to_dict() == {"amy": "loyal"}


def test_too_few_gaps_leave_the_fixed_cut_points():
    habits = learn_habits(make_shop(make_regulars(LEAST_GAPS // 10, 0)[:-1]), as_of=AS_OF)
    assert habits.gap_count == LEAST_GAPS - 1
    assert list_learned(habits)["cut"].tolist()[:2] == [365, 180]
    assert state_cuts(list_learned(habits)) == [
        "There are 199 gaps between orders, fewer than 200, so the cut points are fixed: a "
        "customer is called at risk after 180 days without an order, lapsed after 365 days. Nobody "
        "said that they left, and these data do not tell when customers come back."
    ]
    assert state_cuts(list_cuts(pd.DataFrame(), Habits())) == [NO_PURCHASES]


def test_nothing_is_learned_from_nothing():
    rows = [("amy", "A1", "2026-02-01 10:00", -5.0, "tent", "return")]
    assert learn_habits(make_shop(rows), as_of=AS_OF) == Habits()


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(as_of=st.dates(datetime.date(2025, 7, 1), datetime.date(2026, 7, 5)))
def test_later_rows_change_neither_habits_nor_features(as_of):
    day = as_of + datetime.timedelta(days=1)
    extra = [("N1", "tent", "ann", f"{day} 00:00", 9, 50.0, "sale", "NO")]
    extra += [("N2", "mug", "new", f"{day} 00:00", 9, 50.0, "sale", "NO")]
    found = []
    for tables in (make_tables(), make_tables(extra)):
        lines, options = tables["order_lines"], {"as_of": as_of, "products": tables["products"]}
        habits = learn_habits(lines, **options)
        table = summarise_purchases(lines, **options, habits=habits).order_by("customer_id")
        found.append((habits, table.to_pandas()))
    assert found[0][0] == found[1][0]
    pd.testing.assert_frame_equal(found[0][1], found[1][1])


LINES = st.lists(
    st.tuples(
        st.sampled_from(["amy", "bea"]),
        st.sampled_from([*PRODUCTS, "unknown", "nameless"]),
        st.sampled_from([0.0, 5.0, 5.0, 10.0, 7.35]),
        st.sampled_from(["sale", "sale", "sale", "return", "adjustment"]),
        st.sampled_from(["FI", "EE", "Ä", None]),
        st.sampled_from(["web", "store", None]),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(drawn=LINES)
def test_few_values_are_summed_like_many(drawn):
    """Countries, channels and categories: one row a customer, or first one for each value."""
    columns = ["customer_id", "product_id", "line_amount", "line_type", "country", "channel"]
    lines = pd.DataFrame(drawn, columns=[*columns, "is_product"])
    lines = lines.astype({"country": "str", "channel": "str"}).assign(
        order_id=[f"O{n}" for n in range(len(lines))], quantity=1.0, unit_price=1.0,
        ordered_at=pd.Timestamp("2026-05-01 10:00"),
    )  # fmt: skip
    known = {**PRODUCTS, "nameless": None}
    products = pd.DataFrame({"product_id": list(known), "category": list(known.values())})
    lines, products = ibis.memtable(lines), ibis.memtable(products)
    options = {"as_of": AS_OF, "products": products}
    habits = learn_habits(lines, **options)
    few, many = (
        summarise_purchases(lines, **options, habits=own).order_by("customer_id").to_pandas()
        for own in (habits, dataclasses.replace(habits, levels={}))
    )
    pd.testing.assert_frame_equal(few, many)
    sold = [row for row in drawn if row[3] == "sale"]
    assert habits.levels.get("country", ()) == tuple(sorted({row[4] for row in sold} - {None}))


def test_many_values_are_not_summed_one_by_one():
    rows = [
        (f"O{n}", "mug", "amy", "2026-05-01 10:00", 1, 5.0, "sale", f"C{n:02}") for n in range(30)
    ]
    few, many = (
        learn_habits(ibis.memtable(make_lines(some)), as_of=AS_OF).levels
        for some in (rows[:29], rows[:30])
    )
    assert len(few["country"]) == MOST_LEVELS  # the shop has three
    assert "country" not in many
