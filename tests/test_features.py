"""The customer table, the bases and the checks of schemes."""

from __future__ import annotations

from types import SimpleNamespace

import ibis
import pandas as pd
import pytest
from shops import AS_OF, make_tables

from segkit.contract.bases import BASES as BASE_ROWS
from segkit.contract.features import BASES, CATEGORY_SHARE, FEATURES
from segkit.contract.tables import TABLES
from segkit.features.customer_table import (
    build_customers,
    express_customers,
    learn_from_tables,
    list_features,
    list_gaps,
)
from segkit.features.engagement import summarise_engagement
from segkit.plan.bases import BaseSettings
from segkit.plan.models import Scheme
from segkit.segmentation.schemes import check_schemes


def list_columns(tables) -> dict[str, set[str]]:
    return {name: set(table.columns) for name, table in tables.items()}


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return build_customers(make_tables(), as_of=AS_OF).frame


@pytest.mark.slow
def test_the_customer_table_has_one_row_a_buyer_in_order(shop):
    assert shop["customer_id"].tolist() == ["ann", "bob", "cat", "eve", "fay"]
    assert build_customers(make_tables(), as_of=AS_OF).prospect_count == 1  # gus


@pytest.mark.slow
def test_expressing_the_table_asks_no_engine():
    tables = make_tables()
    habits = learn_from_tables(tables, as_of=AS_OF)
    unbound = {name: ibis.table(table.schema(), name=name) for name, table in tables.items()}
    expressed = express_customers(unbound, as_of=AS_OF, habits=habits)
    frame = build_customers(tables, as_of=AS_OF).frame
    fitted = {"expected_order_count", "active_probability", "lifetime_value"}
    assert set(expressed.columns) == set(frame.columns) - fitted


@pytest.mark.slow
def test_every_column_is_in_the_dictionary_and_no_personal_column_is_there(shop):
    shares = {name for name in shop.columns if name.startswith(CATEGORY_SHARE)}
    assert shares == {"category_share_camp", "category_share_home"}
    assert set(shop.columns) - {"customer_id"} - shares <= set(FEATURES)
    personal = {c.name for table in TABLES.values() for c in table.columns if c.personal}
    assert not personal & set(shop.columns)


@pytest.mark.parametrize(
    ("customer", "expected"),
    {
        "ann": {
            "age_years": 46,
            "age_band": "45-54",
            "generation": "X (1965-1980)",
            "country": "FI",  # her own is not known; most of her sales were in Finland
            "has_loyalty_card": True,
            "visit_count": 2,  # sessions s1 and s2
            "view_count": 2,
            "cart_count": 1,
            "days_since_visit": 5,
            "days_since_cart": 10,
            "last_moment": "cart",
            "device": "mobile",
            "message_count": 3,
            "open_share": 1 / 3,
            "days_since_open": 29,
            "engagement_level": "active",
        },
        "bob": {
            "age_years": None,  # 136 years is no age
            "generation": None,
            "country": "LV",  # his own, although he buys in Sweden
            "wish_count": 1,
            "cart_count": 0,  # his cart of 2 July is after as_of
            "days_since_visit": 180,
            "message_count": 0,  # the control group got nothing
            "open_share": None,
            "engagement_level": "quiet",
        },
        "eve": {"generation": "Z (1997-2012)", "message_count": 0, "visit_count": 0},
        "fay": {"country": "EE", "age_years": None, "visit_count": 0, "open_share": None},
    }.items(),
)
def test_attributes_and_engagement_agree_with_the_paper(shop, customer, expected):
    row = shop.set_index("customer_id").loc[customer]
    for feature, value in expected.items():
        if value is None:
            assert pd.isna(row[feature]), feature
        else:
            assert row[feature] == value or row[feature] == pytest.approx(value), feature


def test_order_lines_alone_are_enough():
    lines = {"order_lines": make_tables()["order_lines"]}
    customers = build_customers(lines, as_of=AS_OF).frame
    assert len(customers) == 5  # not dan, who only returned
    assert summarise_engagement(lines, as_of=AS_OF) is None


def test_features_promised_for_the_tables_are_the_features_given(shop):
    tables = make_tables()
    gaps = list_gaps(list_columns(tables))
    promised = {f for text in gaps["features"] for f in text.split(", ") if f}
    shares = {name for name in shop.columns if name.startswith(CATEGORY_SHARE)}
    assert promised == set(shop.columns) - {"customer_id"} - shares


def test_all_sixteen_bases_are_listed_with_what_is_missing():
    gaps = list_gaps(list_columns({"order_lines": make_tables()["order_lines"]})).set_index("base")
    assert gaps["row"].to_dict() == BASE_ROWS
    assert gaps.loc["value", "ready"]
    assert gaps.loc["value", "missing"] == ""
    assert not gaps.loc["generational", "ready"]
    assert gaps.loc["generational", "missing"] == "customers.birth_year"


def test_every_need_is_a_column_of_the_contract():
    needs = [*(base.needs for base in BASES.values()), *(f.needs for f in FEATURES.values())]
    for name in (name for groups in needs for group in groups for name in group):
        table, column = name.split(".")
        assert table == "plan" or column in TABLES[table].column_names, name
    assert set(list_features()["base"]) <= set(BASES)


def test_a_feature_names_the_base_that_lists_it_and_only_numbers_have_a_unit():
    assert list(BASES) == list(BASE_ROWS)
    for base in BASES.values():
        for feature in base.features:
            assert feature.base == base.name, feature.name
            assert FEATURES[feature.name] is feature, "two features have one name"
            assert bool(feature.unit) == (feature.kind == "number"), feature.name


def make_plan(**scheme):
    given = {"name": "s", "goal": "g", "base": "value", "method": "kmeans", **scheme}
    plan = {"path": SimpleNamespace(name="plan.toml"), "schemes": (Scheme(**given),)}
    return SimpleNamespace(**plan, **dict(BaseSettings()), list_needs=dict, list_attitudes=dict)


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ({"columns": ["recensy_days"]}, "Did you mean 'recency_days'"),
        ({"columns": ["country"]}, "'country' is not a number"),
        ({"columns": ["open_share"]}, "It needs messages.customer_id"),
        ({"method": "rfm", "columns": ["recency_days"]}, "rfm takes 3 columns"),
    ],
)
def test_a_scheme_that_cannot_be_computed_is_named_with_the_reason(scheme, message):
    columns = list_columns({"order_lines": make_tables()["order_lines"]})
    faults = [fault.describe() for fault in check_schemes(make_plan(**scheme), columns)]
    assert message in " ".join(faults)
    assert all("plan.toml, scheme 's'" in fault for fault in faults)


def test_a_scheme_that_can_be_computed_has_no_faults():
    columns = list_columns(make_tables())
    assert check_schemes(make_plan(columns=["recency_days", "open_share"]), columns) == []
    assert check_schemes(make_plan(method="rfm"), columns) == []
