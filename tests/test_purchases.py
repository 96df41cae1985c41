"""What customers buy, against numbers worked out on paper (see shops.py)."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shops import AS_OF, make_lines, make_tables

from segkit.features.purchases import summarise_months, summarise_purchases


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    tables = make_tables()
    found = summarise_purchases(tables["order_lines"], as_of=AS_OF, products=tables["products"])
    return found.to_pandas().set_index("customer_id").sort_index()


def test_every_buyer_has_one_row_and_lines_without_a_customer_have_none(shop):
    assert list(shop.index) == ["ann", "bob", "cat", "dan", "eve", "fay"]


@pytest.mark.parametrize(
    ("feature", "expected"),
    {
        # Days to 30 June 2026 from 1 May, 31 March, 30 June, 1 October 2025, 1 June 2025.
        "recency_days": [30 + 30, 30 + 31 + 30, 0, None, 272, 394],
        "tenure_days": [180, 91, 0, None, 272, 394],
        "active_days": [120, 0, 0, None, 0, 0],
        "order_count": [2, 2, 1, 0, 1, 1],
        "order_count_last_365_days": [2, 2, 1, 0, 1, 0],
        "total_spend": [100 + 20 + 50 - 50, 25, 20, -5, 50, 20],
        "spend_last_365_days": [120, 25, 20, -5, 50, 0],
        "mean_order_value": [170 / 2, 12.5, 20, None, 50, 20],
        "return_share": [50 / 170, 0, 0, None, 0, 0],
        "product_count": [2, 2, 1, 0, 1, 1],
        "category_count": [2, 1, 1, 0, 1, 1],
        "favourite_category": ["camp", "home", "home", None, "camp", "home"],
        "favourite_category_share": [150 / 170, 1, 1, None, 1, 1],
        "fourth_quarter_share": [0, 0, 0, None, 1, 0],
        # Two orders on two days, 120 days apart; bob's two orders fall on one day.
        "mean_days_between_orders": [120, None, None, None, None, None],
        # ann: 2 x (50 - 30) + (20 - 8) + 20 - 20; a mug's cost is not known.
        "total_profit": [52, 12, None, None, 20, 12],
        "country": ["FI", "SE", "FI", None, "EE", "EE"],
        "journey_stage": ["active", "active", "new", "never bought", "at risk", "lapsed"],
    }.items(),
)
def test_features_agree_with_the_paper(shop, feature, expected):
    values = shop[feature].to_numpy(dtype=object)
    missing = np.array([value is None for value in expected])
    assert list(pd.isna(values)) == list(missing)
    known = [value for value in expected if value is not None]
    if isinstance(known[0], str):
        assert list(values[~missing]) == known
    else:
        assert list(values[~missing].astype(float)) == pytest.approx(known)


def test_a_tie_between_favourites_goes_to_the_alphabet():
    lines = make_lines([("T1", "mug", "tim", "2026-01-01 00:00", 1, 5.0, "sale", c) for c in "ZA"])
    found = summarise_purchases(ibis.memtable(lines), as_of=AS_OF).to_pandas()
    assert found.set_index("customer_id").loc["tim", "country"] == "A"


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(
    as_of=st.dates(datetime.date(2025, 6, 1), datetime.date(2026, 7, 5)), later=st.integers(1, 400)
)
def test_nothing_after_as_of_is_read(as_of, later):
    day = as_of + datetime.timedelta(days=later)
    extra = [("N1", "tent", "ann", f"{day} 00:00", 9, 50.0, "sale", "NO")]
    # The shop twice in one table: its twin, whose names end in 2, has a further line.
    twin = make_lines(extra).assign(customer_id=lambda lines: lines["customer_id"] + "2")
    lines = ibis.memtable(pd.concat([make_lines(), twin]))
    found = summarise_purchases(lines, as_of=as_of).order_by("customer_id").to_pandas()
    found["customer_id"] = found["customer_id"].str.removesuffix("2")
    one, other = found[::2], found[1::2]
    assert len(one) > 0
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True))


def test_months_are_whole_and_empty_months_are_zero():
    months = summarise_months(make_tables()["order_lines"], as_of=datetime.date(2026, 6, 15))
    assert len(months) == 13  # June 2025 to June 2026
    by_month = months.set_index(months["month"].dt.strftime("%Y-%m"))
    assert by_month.loc["2026-01", "order_count"] == 1
    assert by_month.loc["2026-01", "total_spend"] == 120
    assert by_month.loc["2026-02", ["order_count", "total_spend"]].tolist() == [0, 0]
    assert by_month.loc["2026-05", "total_spend"] == 0  # a tent sold, a tent returned
    # June until the 15th: dan's return of 5 and a mug sold to nobody known.
    assert by_month.loc["2026-06", ["order_count", "active_customers"]].tolist() == [1, 0]
    assert months["is_whole"].tolist() == [True] * 12 + [False]
