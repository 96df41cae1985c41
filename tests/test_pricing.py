"""What segments pay, and what a discount has to bring: by hand, and where inputs are missing."""

from __future__ import annotations

import datetime
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest
from ibis.expr.types import Table

from segkit.action.pricing.break_even import ABOVE, BELOW, EITHER, NEVER, NOT_KNOWN, find_break_even
from segkit.action.pricing.changes import find_levels
from segkit.action.pricing.lines import RECORDED, USUAL, price_lines
from segkit.action.pricing.measured import measure_prices
from segkit.action.pricing.paid import EVERYBODY, measure_paid, measure_paid_groups
from segkit.action.pricing.response import EVERYTHING
from segkit.core.settings import Settings
from segkit.plan.pricing import Pricing

AT = Settings(datetime.date(2026, 3, 31))
SEGMENTS = pd.DataFrame(
    {"customer_id": [f"c{one}" for one in range(10)], "segment_name": ["a"] * 5 + ["b"] * 5}
)


def make_lines(rows: list[tuple], **columns) -> Table:
    """Return order lines of (customer, product, day, quantity, amount)."""
    names = ["customer_id", "product_id", "ordered_at", "quantity", "line_amount"]
    frame = pd.DataFrame(rows, columns=names).assign(line_type="sale", **columns)
    frame["ordered_at"] = pd.to_datetime(frame["ordered_at"])
    return ibis.memtable(frame.astype({"quantity": float, "line_amount": float}))


def make_shop(**columns) -> dict[str, Table]:
    """Return ten customers who buy one tent each; those of b pay 90 for it, those of a 100."""
    rows = [(f"c{one}", "tent", "2026-03-10", 1, 100 if one < 5 else 90) for one in range(10)]
    products = pd.DataFrame({"product_id": ["tent"], "category": ["tents"], "unit_cost": [60.0]})
    return {"order_lines": make_lines(rows, **columns), "products": ibis.memtable(products)}


def test_the_index_compares_the_same_product_at_the_same_time():
    priced = price_lines(make_shop(), SEGMENTS, plan=Pricing(), at=AT)
    paid = measure_paid(priced).set_index("segment_name")
    assert paid.loc[["a", "b"], "price_index"].round(4).to_dict() == {"a": 1.1111, "b": 0.9}
    assert np.isnan(paid.loc[EVERYBODY, "price_index"])  # there is nobody else
    assert paid["paid"].to_dict() == {"a": 500, "b": 450, EVERYBODY: 950}
    assert paid["compared_share"].tolist() == [1, 1, 1]
    assert paid.loc["a", ["paid_largest", "paid_second"]].tolist() == [100, 100]
    assert paid["rests_on_count"].tolist() == [5, 5, 10]


def test_what_is_bought_makes_no_difference_to_the_index():
    rows = [
        (f"c{one}", product, "2026-03-10", count, count * price)
        for one in range(10)
        for product, price in (("cheap", 1), ("dear", 100))
        for count in (1 if one < 5 else 7,)
    ]
    priced = price_lines({"order_lines": make_lines(rows)}, SEGMENTS, plan=Pricing(), at=AT)
    assert measure_paid(priced)["price_index"].head(2).round(9).tolist() == [1, 1]


def test_recorded_discounts_make_the_regular_price():
    discounts = [0.0] * 5 + [10.0, 10, 0, 0, -10]  # some write them below 0
    priced = price_lines(make_shop(discount_amount=discounts), SEGMENTS, plan=Pricing(), at=AT)
    assert priced.regular_from == RECORDED
    paid = measure_paid(priced).set_index("segment_name")
    # b paid 450 for what had cost 480: 30 were given, on lines of a regular value of 300
    assert paid.loc["b", "discount_share"] == pytest.approx(30 / 480)
    assert paid.loc["b", "on_offer_share"] == pytest.approx(300 / 480)
    assert paid.loc["a", "on_offer_share"] == 0


def test_without_recorded_discounts_the_usual_price_is_the_median():
    rows = [(f"c{one}", "tent", "2026-03-10", 2, 200 if one < 7 else 160) for one in range(10)]
    priced = price_lines({"order_lines": make_lines(rows)}, SEGMENTS, plan=Pricing(), at=AT)
    assert priced.regular_from == USUAL
    paid = measure_paid(priced).set_index("segment_name")
    assert paid.loc["b", "on_offer_share"] == pytest.approx(3 / 5)
    assert paid.loc["b", "discount_share"] == pytest.approx(120 / 1000)


def test_a_product_that_few_bought_is_compared_within_the_year_or_not_at_all():
    rows = [(f"c{one}", "tent", f"2026-0{1 + one % 3}-10", 1, 100) for one in range(10)]
    rows.append(("c1", "rare", "2026-03-01", 1, 50))
    priced = price_lines({"order_lines": make_lines(rows)}, SEGMENTS, plan=Pricing(), at=AT)
    paid = measure_paid(priced).set_index("segment_name")
    assert paid.loc["a", "compared_share"] == pytest.approx(500 / 550)
    assert paid["price_index"].head(2).tolist() == [1, 1]


def test_groups_have_the_figures_of_their_own_lines():
    priced = price_lines(make_shop(), SEGMENTS, plan=Pricing(), at=AT)
    groups = measure_paid_groups(priced)
    assert groups[["product_group", "segment_name", "rests_on_count"]].values.tolist() == [
        ["tents", "a", 5],
        ["tents", "b", 5],
        ["tents", EVERYBODY, 10],
    ]
    assert groups["price_index"].head(2).round(4).tolist() == [1.1111, 0.9]
    # nobody of b differs from another, nor of a: the interval is the figure itself
    assert groups.loc[1, ["price_index_low", "price_index_high"]].round(4).tolist() == [0.9] * 2


def test_returns_gifts_and_lines_of_others_are_no_prices():
    rows = [
        ("c1", "tent", "2026-03-10", 1, 100),
        ("c2", "tent", "2026-03-10", -1, -100),
        ("c3", "tent", "2026-03-10", 1, 0),
        ("other", "tent", "2026-03-10", 1, 1),
        ("c4", "tent", "2026-04-02", 1, 1),
        (None, "tent", "2026-03-10", 1, 1),
    ]
    priced = price_lines({"order_lines": make_lines(rows)}, SEGMENTS, plan=Pricing(), at=AT)
    assert priced.rows.select("customer_id", "paid").to_pandas().values.tolist() == [["c1", 100.0]]


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"order_lines": make_lines([("c1", "tent", "2026-03-10", 1, 5)]).drop("line_amount")},
        {"order_lines": make_lines([("c1", "tent", "2026-03-10", -1, -5)])},
        {"order_lines": make_lines([("nobody", "tent", "2026-03-10", 1, 5)])},
    ],
    ids=["no table", "no amounts", "returns only", "of nobody"],
)
def test_without_prices_every_table_says_why(tables):
    prices = measure_prices(tables, SEGMENTS, plan=Pricing(), at=AT)
    for table in (
        prices.paid,
        prices.paid_groups,
        prices.response.elasticities,
        prices.response.tests,
        prices.response.changes,
        prices.break_even,
        prices.survey.points,
    ):
        assert table.empty
        assert len(table.reason) > 20


def test_one_customer_of_one_segment_has_no_interval_and_no_error():
    rows = [("c1", "tent", "2026-03-10", 1, 1e12)]
    prices = measure_prices(
        {"order_lines": make_lines(rows)}, SEGMENTS.head(2), plan=Pricing(), at=AT
    )
    assert prices.paid["rests_on_count"].tolist() == [1, 1]
    assert prices.paid["price_index"].isna().all()  # fewer than five bought it
    assert not prices.paid["differs"].any()


# --- break-even ------------------------------------------------------------------------------


def elasticities(low: float, middle: float, high: float) -> pd.DataFrame:
    row = {
        "product_group": EVERYTHING,
        "segment_name": "a",
        "elasticity": middle,
        "elasticity_low": low,
        "elasticity_high": high,
        "drawn_elasticity": np.nan,
        "drawn_low": np.nan,
        "drawn_high": np.nan,
    }
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    ("ends", "reading"),
    [((-9.0, -8.0, -7.0), ABOVE), ((-2.0, -1.0, 0.0), BELOW), ((-9.0, -3.0, 1.0), EITHER)],
)
def test_a_discount_needs_its_size_over_what_is_left_of_the_margin(ends, reading):
    plan = Pricing(discounts=(0.1,))
    priced = price_lines(make_shop(discount_amount=0.0), SEGMENTS, plan=plan, at=AT)
    table = find_break_even(priced, elasticities(*ends)).set_index("segment_name")
    # a pays 100 for what costs 60: a margin of .4, and .1 / (.4 - .1) more units
    assert table.loc["a", "margin"] == pytest.approx(0.4)
    assert table.loc["a", "needed_rise"] == pytest.approx(1 / 3)
    assert table.loc["a", "rise"] == pytest.approx(0.9 ** ends[1] - 1)
    assert table.loc["a", "rise_low"] == pytest.approx(0.9 ** ends[2] - 1)
    assert table.loc["a", "in_full_share"] == 1
    assert table["reading"].to_dict() == {"a": reading, "b": NOT_KNOWN, EVERYBODY: NOT_KNOWN}


def test_a_discount_as_large_as_the_margin_never_pays():
    plan = Pricing(discounts=(0.4, 0.5))
    priced = price_lines(make_shop(discount_amount=0.0), SEGMENTS, plan=plan, at=AT)
    table = find_break_even(priced, elasticities(-9, -8, -7))
    own = table[table["segment_name"] == "a"]
    assert own["reading"].tolist() == [NEVER, NEVER]
    assert own["needed_rise"].isna().all()


def test_without_costs_the_margin_is_the_plans_or_not_known():
    shop = {"order_lines": make_shop()["order_lines"]}
    priced = price_lines(shop, SEGMENTS, plan=Pricing(), at=AT)
    assert "cost of a unit" in find_break_even(priced, pd.DataFrame()).reason
    priced = price_lines(shop, SEGMENTS, plan=Pricing(), at=replace(AT, margin_share=0.5))
    assert find_break_even(priced, pd.DataFrame())["margin"].unique().tolist() == [0.5]


# --- levels of prices ------------------------------------------------------------------------


def levels(prices: list[float], offers: list[float] | None = None, **plan):
    table = pd.DataFrame({"product_id": "p", "product_group": "g", "price": prices})
    table["period"] = range(len(prices))
    table["on_offer_share"] = offers or 0.0
    cells, products = find_levels(table.dropna(), plan=Pricing(**plan))
    return cells, products.iloc[0]


def test_a_price_that_held_and_another_that_held_are_a_change():
    cells, product = levels([10, 10, 10, 12, 12])
    assert product["has_change"]
    assert not product["has_offers"]
    assert cells["price"].round(6).tolist() == [10, 10, 10, 12, 12]


def test_an_offer_is_no_change_and_is_left_out():
    cells, product = levels([10, 10, 8, 10, 10])
    assert not product["has_change"]
    assert product["has_offers"]
    assert cells["period"].tolist() == [0, 1, 3, 4]


def test_an_offer_that_held_for_long_is_one_if_the_former_price_came_back():
    cells, product = levels([10, 10, 8, 8, 8, 10, 10])
    assert not product["has_change"]
    assert cells["period"].tolist() == [0, 1, 5, 6]


def test_the_price_of_an_offer_at_the_end_of_the_record_is_one_too():
    assert not levels([10, 10, 8, 10, 10, 8, 8])[1]["has_change"]
    assert levels([10, 10, 8, 10, 10, 7, 7])[1]["has_change"]


def test_a_change_smaller_than_the_plans_is_none():
    assert not levels([100, 100, 103, 103])[1]["has_change"]
    assert levels([100, 100, 103, 103], smallest_change=0.02)[1]["has_change"]


def test_periods_at_recorded_discounts_are_left_out_and_those_without_sales_filled():
    cells, product = levels([10, 10, np.nan, 10, 10], offers=[0, 0, 0, 0.9, 0.1])
    assert cells["period"].tolist() == [0, 1, 2, 4]
    assert product["has_offers"]
    assert not product["has_change"]


def test_costs_with_few_decimals_are_multiplied_as_numbers():
    shop = make_shop(discount_amount=0.0)
    products = shop["products"].mutate(unit_cost=shop["products"].unit_cost.cast("decimal(3, 1)"))
    priced = price_lines({**shop, "products": products}, SEGMENTS, plan=Pricing(), at=AT)
    assert priced.rows.cost.sum().execute() == 600
