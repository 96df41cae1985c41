"""Every row is accepted, or rejected with a reason; the counts are the published ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_plans import GOOD_LINES, HEADER, RETAIL_COLUMNS, make_plan, write_lines

from segkit.data.checks import check_plan, prepare_tables
from segkit.data.columns import DataError
from segkit.data.line_rules import LINE_RULES
from segkit.data.sample import make_sample
from segkit.plan.models import Policies
from segkit.plan.reading import read_plan


def prepare(folder, *lines, header=HEADER, spec=None, tables=None, **others):
    """Prepare order lines and return the accepted, the rejected and a dict of rule counts."""
    write_lines(folder, *lines, header=header)
    tables = {"order_lines": {"path": "lines.csv"} | (spec or {})} | (tables or {})
    prepared = prepare_tables(make_plan(folder, tables, **others), folder / "run")
    counts = prepared.counts
    assert (counts["read"] == counts["accepted"] + counts["rejected"]).all()
    accepted = pd.read_parquet(prepared.paths["order_lines"])
    rejected = pd.read_parquet(folder / "run/tables/rejected/order_lines.parquet")
    assert len(accepted) + len(rejected) == counts.set_index("table")["read"]["order_lines"]
    quality = prepared.quality
    return accepted, rejected, dict(zip(quality["rule"], quality["row_count"], strict=True))


def test_three_good_lines_are_accepted_as_they_are(tmp_path):
    accepted, rejected, rules = prepare(tmp_path)
    assert len(rejected) == 0
    assert rules == {}
    assert accepted["line_amount"].tolist() == [20.0, 10.0, 5.5]
    assert accepted["line_type"].tolist() == ["sale"] * 3
    assert accepted["is_product"].tolist() == [True] * 3
    assert accepted["ordered_at"].tolist()[0] == pd.Timestamp("2024-01-05")


def test_a_rejected_row_keeps_what_was_found_and_all_its_reasons(tmp_path):
    _, rejected, rules = prepare(tmp_path, *GOOD_LINES, ",P1, 007 ,32nd,two,1.00", "a,b")
    assert rejected["source_row"].tolist() == [4, 5]
    assert rejected["rule"].tolist() == ["missing_order_id", "malformed_line"]
    first = rejected.iloc[0]
    assert (first["quantity"], first["customer_id"]) == ("two", " 007 ")
    assert first["reasons"] == (
        "There is no order id. The ordered time is not a date or time. "
        "The quantity is not a number."
    )
    assert rejected.iloc[1]["raw_line"] == "a,b"
    assert "Line 6." in rejected.iloc[1]["reasons"]
    assert rules["not_a_number_quantity"] == rules["not_a_date_ordered_at"] == 1


def test_the_policies_decide_and_the_counts_overlap(tmp_path):
    lines = (
        *GOOD_LINES,
        GOOD_LINES[0],
        "C9,P1,C1,2024-04-01,-1,10.00",
        "9,P1,C1,2024-04-01,-1,10.00",
        "10,P1,,2024-04-01,1,0",
        "A11,B,C1,2024-04-01,1,-500",
        "12, post ,C1,2024-04-01,1,4.00",
    )
    policies = {
        "cancelled_order_prefix": "C",
        "adjustment_order_prefix": "A",
        "non_product_ids": ["POST"],
    }
    drop = "cancellations returns lines_without_customer zero_prices negative_prices adjustments"
    drop = dict.fromkeys([*drop.split(), "non_products", "exact_duplicates"], "drop")
    keep = {k: "net" if k in ("cancellations", "returns") else "keep" for k in drop}
    names = ["exact_duplicate", "cancellation", "return", "missing_customer", "zero_price"]
    expected = dict.fromkeys([*names, "negative_price", "adjustment", "non_product"], 1)
    accepted, _, rules = prepare(tmp_path, *lines, policies=policies | keep)
    assert len(accepted) == 9
    assert rules == expected | {"order_of_nothing": 1}
    kinds = accepted["line_type"].value_counts().to_dict()
    assert kinds == {"sale": 5, "nothing": 1, "cancellation": 1, "return": 1, "adjustment": 1}
    assert accepted["is_product"].sum() == 8
    assert accepted["line_amount"].tolist()[4] == -10.0
    accepted, rejected, rules = prepare(tmp_path, *lines, policies=policies | drop)
    assert len(accepted) == 3
    assert rules == expected
    assert rejected["rule"].tolist()[3] == "missing_customer"


def test_every_policy_of_keeping_or_dropping_decides_one_rule_of_lines():
    decided = [rule.policy for rule in LINE_RULES if rule.policy]
    choices = {
        name for name, field in Policies.model_fields.items() if "Literal" in str(field.annotation)
    }
    assert sorted(decided) == sorted(choices)
    names = [rule.name for rule in LINE_RULES]
    assert len(set(names)) == len(names)


def test_price_and_amount_complete_each_other(tmp_path):
    header = "order_id,product_id,customer_id,ordered_at,quantity,unit_price,line_amount"
    accepted, rejected, rules = prepare(
        tmp_path,
        "1,P,C1,2024-01-01,4,2.5,",
        "2,P,C2,2024-01-01,4,,8",
        "3,P,C2,2024-01-01,0,,8",
        "4,P,C2,2024-01-01,1,,",
        "5,P,C2,2024-01-01,2,1,3",
        "6,P,C2,2024-01-01,-2,,7",
        header=header,
    )
    assert accepted["line_amount"].tolist() == [10.0, 8.0, 8.0, 3.0, -7.0]
    assert accepted["unit_price"].tolist()[:2] == [2.5, 2.0]
    assert accepted["unit_price"].isna().tolist() == [False, False, True, False, False]
    assert rejected["rule"].tolist() == ["missing_unit_price_or_line_amount"]
    assert rules["amount_differs"] == rules["zero_quantity"] == rules["sign_turned"] == 1


def test_lines_take_customer_and_time_from_their_order(tmp_path):
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,currency\n"
        "1,C1,2024-01-01,EUR\n2,C2,2024-02-01,EUR\n2,C9,2024-02-02,EUR\n3,C3,2024-03-01,SEK\n"
    )
    accepted, rejected, rules = prepare(
        tmp_path,
        *("1,P,1,1", "2,P,1,1", "3,P,1,1", "4,P,1,1"),
        header="order_id,product_id,quantity,unit_price",
        tables={"orders": "orders.csv"},
    )
    assert accepted["customer_id"].tolist() == ["C1", "C2"]
    assert rejected["rule"].tolist() == ["currency_differs", "missing_ordered_at"]
    assert rules["duplicate_key"] == rules["duplicate_key_differs"] == 1
    assert rules["unknown_order"] == 2


def test_customers_are_held_against_allowed_and_usual_values(tmp_path):
    (tmp_path / "customers.csv").write_text(
        "customer_id,customer_type,birth_year,income,consent,signed_up_on,country\n"
        "C1,consumer,1893,666666,Yes,2020-01-01,NA\n"
        "C2,robot,1980,,no,2020-01-01,SE\n"
        "C3,business,1980.5,-1,maybe,2030-01-01,SE\n"
        "C1,consumer,1893,666666,Yes,2020-01-01,NA\n"
        "C4,consumer,1980,NA,1,,\n"
    )
    _, _, rules = prepare(tmp_path, tables={"customers": "customers.csv"})
    assert rules == {
        "not_allowed_customer_type": 1,
        "not_whole_birth_year": 1,
        "out_of_range_income": 1,
        "not_true_or_false_consent": 1,
        "after_as_of": 1,
        "duplicate_key": 1,
        "unusual_birth_year": 2,
        "unusual_income": 3,
    }
    customers = pd.read_parquet(tmp_path / "run/tables/accepted/customers.parquet")
    assert customers["customer_id"].tolist() == ["C1", "C2", "C4"]
    assert customers["country"].tolist()[0] == "NA"
    assert customers["birth_year"].dtype == "int64"
    assert customers["consent"].tolist() == [True, False, True]
    assert customers["customer_type"].isna().tolist() == [False, True, False]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dates", "expected", "rules"),
    [
        (["31/01/2024", "01/02/2024", "03/02/2024"], "2024-02-01", {}),
        (["01/31/2024", "01/02/2024", "02/03/2024"], "2024-01-02", {}),
        (
            ["05/01/2024", "01/02/2024", "02/02/2024"],
            "2024-02-01",
            {"ambiguous_date_ordered_at": 2},
        ),
        (["31.01.24 10:00", "1.2.24 09:30", "3.2.24 08:00"], "2024-02-01", {}),
        (["20240131", "20240201", "20240301"], "2024-02-01", {}),
        (
            ["2024-01-31T23:00:00Z", "2024-01-31T23:30:00-05:00", "2024-03-01"],
            "2024-01-31",
            {"mixed_zones_ordered_at": 2},
        ),
        (["31 Jan 2024", "1 Feb 2024", "2 Mar 2024"], "2024-02-01", {}),
    ],
)
def test_dates_are_read_in_the_format_that_fits_them_all(tmp_path, dates, expected, rules):
    lines = [f"{n},P,C{n},{date},1,1" for n, date in enumerate(dates)]
    accepted, _, found = prepare(tmp_path, *lines)
    assert str(accepted["ordered_at"][1].date()) == expected
    assert found == rules


def test_a_declared_date_format_settles_it(tmp_path):
    lines = [f"{n},P,C{n},0{n}/02/2024,1,1" for n in (1, 2, 3)]
    accepted, _, rules = prepare(tmp_path, *lines, spec={"date_format": "%m/%d/%Y"})
    assert accepted["ordered_at"].dt.month.tolist() == [1, 2, 3]
    assert rules == {}


@pytest.mark.parametrize(
    ("decimal", "prices", "expected"),
    [
        (".", ["1.50", "1,234.50", "1e2"], [1.5, 1234.5, 100.0]),
        (",", ["1,50", "1.234,50", "100"], [1.5, 1234.5, 100.0]),
    ],
)
def test_numbers_are_read_with_their_decimal_mark(tmp_path, decimal, prices, expected):
    lines = [f"{n};P;C{n};2024-01-01;1;{price}" for n, price in enumerate(prices)]
    header = HEADER.replace(",", ";")
    accepted, _, _ = prepare(tmp_path, *lines, header=header, spec={"decimal": decimal})
    assert accepted["unit_price"].tolist() == expected


def test_nothing_after_the_last_day_is_read(tmp_path):
    (tmp_path / "tickets.csv").write_text(
        "ticket_id,opened_at,resolved_at,status\nT1,2024-12-30,2025-01-02,closed\n"
        "T2,2025-01-01,,\nT3,2024-12-30,2024-12-31,closed\n"
    )
    accepted, _, rules = prepare(
        tmp_path,
        *GOOD_LINES,
        "8,P1,C1,2024-12-31 23:59:59,1,1",
        "9,P1,C1,2025-01-01,1,1",
        tables={"tickets": "tickets.csv"},
    )
    assert accepted["ordered_at"].max() == pd.Timestamp("2024-12-31 23:59:59")
    tickets = pd.read_parquet(tmp_path / "run/tables/accepted/tickets.parquet")
    assert tickets["resolved_at"].isna().tolist() == [True, False]
    assert tickets["status"].isna().tolist() == [True, False]  # it was open on the last day
    assert rules["resolved_after_as_of"] == 1


def test_identifiers_agree_whatever_the_file(tmp_path):
    frame = pd.DataFrame([line.split(",") for line in GOOD_LINES], columns=HEADER.split(","))
    frame["customer_id"] = [17850.0, 17851.0, None]
    frame["quantity"] = frame["quantity"].astype(float)
    frame.to_parquet(tmp_path / "lines.parquet")
    frame.to_csv(tmp_path / "lines.csv", index=False)
    frame.to_excel(tmp_path / "lines.xlsx", index=False)
    for name in ("lines.parquet", "lines.csv", "lines.xlsx"):
        plan = make_plan(tmp_path, {"order_lines": name})
        accepted = pd.read_parquet(
            prepare_tables(plan, tmp_path / f"run {name}").paths["order_lines"]
        )
        assert accepted["customer_id"].tolist() == ["17850", "17851"]


@pytest.mark.slow
def test_tables_are_prepared_again_only_when_something_changed(tmp_path):
    plan = make_plan(tmp_path, {"order_lines": str(write_lines(tmp_path))})
    record = tmp_path / "run/tables/record.json"

    def was_prepared_again(plan):
        before = record.stat().st_mtime_ns if record.exists() else 0
        prepare_tables(plan, tmp_path / "run")
        return record.stat().st_mtime_ns != before

    assert was_prepared_again(plan)
    first, again = (prepare_tables(plan, tmp_path / "run") for _ in range(2))
    assert not was_prepared_again(plan)
    pd.testing.assert_frame_equal(first.counts, again.counts)
    pd.testing.assert_frame_equal(first.quality, again.quality)
    (tmp_path / "lines.csv").write_text("\n".join([HEADER, *GOOD_LINES[:2]]))
    assert was_prepared_again(plan)
    stricter = make_plan(tmp_path, {"order_lines": "lines.csv"}, as_of="2024-02-05")
    assert was_prepared_again(stricter)
    assert not was_prepared_again(stricter)
    first.paths["order_lines"].write_bytes(b"broken")
    assert was_prepared_again(stricter)
    os.remove(record)
    assert was_prepared_again(stricter)
    assert not list((tmp_path / "run/tables").glob("segkit-*"))


@pytest.mark.slow
def test_a_run_s_key_holds_its_tables_together_but_only_those_it_checked(tmp_path):
    plan = make_plan(tmp_path, {"order_lines": str(write_lines(tmp_path))})
    checked = prepare_tables(plan, tmp_path / "run")
    key = json.loads((tmp_path / "run/tables/record.json").read_text())["key"]
    rows = checked.paths["order_lines"].read_bytes()
    (tmp_path / "lines.csv").write_text("\n".join([HEADER, *GOOD_LINES[:2]]))
    held = prepare_tables(plan, tmp_path / "run", checked_key=key)
    assert held.paths["order_lines"].read_bytes() == rows
    pd.testing.assert_frame_equal(held.counts, checked.counts)
    # A notebook run by hand has no key, and one of another check is worth nothing.
    for other in ("", "0" * 64):
        write_lines(tmp_path)
        prepare_tables(plan, tmp_path / "run")
        (tmp_path / "lines.csv").write_text("\n".join([HEADER, *GOOD_LINES[:2]]))
        again = prepare_tables(plan, tmp_path / "run", checked_key=other)
        assert again.counts["read"].tolist() == [2]
    # Nor is a right key, once somebody has changed what the check left.
    key = json.loads((tmp_path / "run/tables/record.json").read_text())["key"]
    again.paths["order_lines"].write_bytes(b"broken")
    mended = prepare_tables(plan, tmp_path / "run", checked_key=key)
    assert len(pd.read_parquet(mended.paths["order_lines"])) == 2


def test_the_same_source_gives_the_same_bytes(tmp_path):
    write_lines(tmp_path, *(f"{n},P{n % 7},C{n % 5},2024-01-01,1,2.5" for n in range(5_000)))
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    one, two = (prepare_tables(plan, tmp_path / run).paths["order_lines"] for run in "ab")
    assert one.read_bytes() == two.read_bytes()
    assert pd.read_parquet(one)["order_id"].tolist() == [str(n) for n in range(5_000)]


def test_a_plan_that_cannot_be_carried_out_leaves_the_earlier_tables(tmp_path):
    plan = make_plan(tmp_path, {"order_lines": str(write_lines(tmp_path))})
    before = prepare_tables(plan, tmp_path / "run").paths["order_lines"].read_bytes()
    write_lines(tmp_path, GOOD_LINES[0])
    with pytest.raises(DataError, match="two customers or more") as caught:
        prepare_tables(plan, tmp_path / "run")
    assert len(caught.value.faults) == 2
    assert (tmp_path / "run/tables/accepted/order_lines.parquet").read_bytes() == before
    report = check_plan(plan)
    assert not report.ok
    assert report.to_json()["tables"]["order_lines"]["read"] == 1


@pytest.mark.slow
def test_the_dirt_planted_in_the_sample_shop_is_found_to_the_row(tmp_path):
    make_sample(tmp_path / "data/sample", customers=200)
    shutil.copy(Path(__file__).parent.parent / "plan.toml", tmp_path)
    report = check_plan(read_plan(tmp_path / "plan.toml"))
    assert report.ok
    tables = report.to_json()["tables"]
    planted = json.loads((tmp_path / "data/sample/truth/dirt.json").read_text())
    found = {
        table: {rule: tables[table]["rules"].get(rule) for rule in rules}
        for table, rules in planted.items()
    }
    assert found == planted


cell = st.sampled_from(["1", "C7", "", "x", "-3", "2024-02-03", '"', "NA", "ä", "1e999", "a,b"])
dirty = st.lists(st.lists(cell, min_size=5, max_size=7).map(",".join), max_size=12)


@pytest.mark.slow
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(dirty)
def test_accepted_and_rejected_are_what_was_read_and_each_rejected_row_says_why(tmp_path, lines):
    write_lines(tmp_path, *GOOD_LINES, *lines, *GOOD_LINES)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    prepared = prepare_tables(plan, tmp_path / "run")
    accepted = pd.read_parquet(prepared.paths["order_lines"])
    rejected = pd.read_parquet(tmp_path / "run/tables/rejected/order_lines.parquet")
    read, *split = prepared.counts.iloc[0, 1:].tolist()
    assert split == [len(accepted), len(rejected)]
    assert read == sum(split)
    assert len(accepted) >= 6
    assert (rejected["reasons"].str.len() > 0).all()
    assert rejected["rule"].notna().all()
    rows = rejected["source_row"].tolist()
    assert rows == sorted(set(rows))


RETAIL_RULES = {
    "missing_customer": 135_080,
    "cancellation": 9_288,
    "return": 10_624 - 9_288,
    "exact_duplicate": 5_268,
    "zero_price": 2_515,
    "negative_price": 2,
    "adjustment": 3,
    "non_product": 1_256 + 710 + 571 + 1,  # POST, DOT, M and one m
    "unusual_quantity": 61,
    "unusual_unit_price": 10,
    "capitals_differ_product_id": 1_907,  # 15056bl and 15056BL
    # Not published: cancellations matched by customer, product, quantity and price.
    "matched_by_sale": 2_696,
    "order_taken_back": 931,
    "return_of_whole_order": 931,
    "customer_of_returns_only": 81,
}


@pytest.fixture
def retail_policies():
    return {
        "exact_duplicates": "drop",
        "cancelled_order_prefix": "C",
        "adjustment_order_prefix": "A",
        "zero_prices": "drop",
        "non_product_ids": ["POST", "DOT", "M"],
    }


@pytest.mark.slow
def test_online_retail_gives_the_published_counts_in_both_formats(
    tmp_path, shared_data, retail_policies
):
    results = []
    for name in ("online_retail.parquet", "online_retail_as_found.csv.gz"):
        path = shared_data(f"online_retail/{name}")
        spec = {"path": str(path), "columns": RETAIL_COLUMNS}
        plan = make_plan(
            tmp_path,
            {"order_lines": spec},
            as_of="2011-12-31",
            currency="GBP",
            policies=retail_policies,
        )
        prepared = prepare_tables(plan, tmp_path / f"run {name}")
        results.append(prepared)
        assert prepared.counts.iloc[0, 1] == 541_909
        assert prepared.counts.iloc[0, 1:].tolist()[0] == sum(prepared.counts.iloc[0, 2:])
        rules = dict(zip(prepared.quality["rule"], prepared.quality["row_count"], strict=True))
        rules.pop("decimal_id_customer_id", None)  # 17850.0 in the CSV
        assert rules == RETAIL_RULES
    one, two = (str(result.paths["order_lines"]) for result in results)
    differing = duckdb.sql(
        f"SELECT count(*) FROM ((FROM '{one}' EXCEPT ALL FROM '{two}') UNION ALL "
        f"(FROM '{two}' EXCEPT ALL FROM '{one}'))"
    ).fetchall()[0][0]
    assert differing == 0


def test_customer_personality_shows_what_is_unusual(tmp_path, shared_data):
    path = shared_data("customer_personality/marketing_campaign.csv")
    columns = {
        "customer_id": "ID",
        "birth_year": "Year_Birth",
        "education": "Education",
        "marital_status": "Marital_Status",
        "income": "Income",
        "signed_up_on": "Dt_Customer",
    }
    _, _, rules = prepare(tmp_path, tables={"customers": {"path": str(path), "columns": columns}})
    assert rules == {"unusual_birth_year": 3, "unusual_income": 1, "unknown_customer": 3}
    customers = pd.read_parquet(tmp_path / "run/tables/accepted/customers.parquet")
    assert len(customers) == 2_240
    assert customers["income"].isna().sum() == 24
    assert customers["income"].max() == 666_666
    assert customers["birth_year"].min() == 1893
    assert str(customers["signed_up_on"].min()) == "2012-07-30"


@pytest.mark.slow
def test_complete_journey_joins_its_tables(tmp_path, shared_data):
    folder = shared_data("complete_journey")
    tables = {
        "order_lines": {
            "path": str(folder / "transactions_sample.parquet"),
            "columns": {
                "customer_id": "household_id",
                "order_id": "basket_id",
                "line_amount": "sales_value",
                "ordered_at": "transaction_timestamp",
            },
        },
        "customers": {
            "path": str(folder / "demographics.parquet"),
            "columns": {"customer_id": "household_id", "age_band": "age", "income_band": "income"},
        },
        "products": {
            "path": str(folder / "products.parquet"),
            "columns": {"category": "product_category"},
        },
    }
    plan = make_plan(tmp_path, tables, as_of="2018-01-31", currency="USD")
    found = check_plan(plan).to_json()["tables"]
    assert found["order_lines"]["accepted"] == found["order_lines"]["read"] == 75_000
    rules = found["order_lines"]["rules"]
    assert rules["zero_quantity"] == 416
    assert rules["zero_price"] == 528
    assert rules["unknown_product"] == 222
    assert found["customers"]["rules"] == {"not_a_number_household_size": 66}  # 5+
    tables["customers"]["columns"]["household_size"] = ""
    plan = make_plan(tmp_path, tables, as_of="2018-01-31", currency="USD")
    assert check_plan(plan).to_json()["tables"]["customers"]["accepted"] == 801
