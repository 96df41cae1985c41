"""Kind: numbers, products of them and numbers of things have limits, and say so."""

from __future__ import annotations

import os
import time

import pandas as pd
import pytest
from pydantic import ValidationError
from small_plans import GOOD_LINES, make_plan, write_lines

from segkit.data.checks import check_plan, prepare_tables
from segkit.data.engine import count_threads, open_tables
from segkit.plan.engine import Engine


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("9,P1,C1,2024-01-05,1e200,1e200", "amount_too_large"),
        ("9,P1,C1,2024-01-05,-1e200,1e200", "amount_too_large"),
        ("9,P1,C1,2024-01-05,1e10,1e10", "amount_too_large"),
        ("9,P1,C1,2024-01-05,1e300,0", "too_large_quantity"),
        ("9,P1,C1,2024-01-05,0,1e300", "too_large_unit_price"),
    ],
)
def test_a_product_past_any_sale_is_set_aside_with_its_reason(tmp_path, line, rule):
    write_lines(tmp_path, *GOOD_LINES, line)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    prepared = prepare_tables(plan, tmp_path / "run")
    assert prepared.counts[["read", "accepted", "rejected"]].to_numpy().tolist() == [[4, 3, 1]]
    assert rule in set(prepared.quality["rule"])
    accepted = pd.read_parquet(prepared.paths["order_lines"])
    assert accepted[["quantity", "unit_price", "line_amount"]].abs().to_numpy().max() <= 20
    rejected = pd.read_parquet(tmp_path / "run/tables/rejected/order_lines.parquet")
    assert "larger than" in rejected["reasons"][0]


def test_a_price_that_is_worked_out_has_a_limit_too(tmp_path):
    header = "order_id,product_id,customer_id,ordered_at,quantity,line_amount"
    line = "9,P1,C1,2024-01-05,1e-300,1e14"
    write_lines(tmp_path, *GOOD_LINES, line, header=header)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    quality = check_plan(plan).quality.set_index("rule")
    assert quality["row_count"]["too_large_unit_price"] == 1


@pytest.mark.parametrize("amount", ["999999999999", "1e14"])
def test_an_amount_in_a_small_currency_is_kept(tmp_path, amount):
    write_lines(tmp_path, *GOOD_LINES, f"9,P1,C1,2024-01-05,1,{amount}")
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    assert check_plan(plan).counts["rejected"].tolist() == [0]


def test_numbers_of_other_tables_and_of_ones_own_have_limits(tmp_path):
    write_lines(tmp_path)
    (tmp_path / "customers.csv").write_text(
        "customer_id,income,visits\nC1,1e200,5\nC2,1000,1e200\n"
        + "".join(f"C{i},1000,{i}\n" for i in range(3, 30))
    )
    spec = {"path": "customers.csv", "features": "all"}
    report = check_plan(make_plan(tmp_path, {"order_lines": "lines.csv", "customers": spec}))
    rules = report.quality.set_index("rule")["row_count"]
    assert rules["too_large_income"] == 1
    assert rules["mixed_visits"] == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"threads": 1_000_000},
        {"threads": 0},
        {"connection": "local[1000000]"},
        {"connection": "local[99999999999999999999]"},
        {"connection": "local-cluster[100000,1,1024]"},
        {"connection": "local-cluster[2,100000,1024]"},
        {"memory_limit": "101%"},
        {"memory_limit": "101 %"},
        {"memory_limit": "1.2.3GB"},
        {"memory_limit": "1KB"},
        {"memory_limit": "999999TB"},
        {"memory_limit": "much"},
        {"memory_limit": "9" * 5000 + "GB"},
    ],
)
def test_an_engine_past_any_machine_is_refused(settings):
    with pytest.raises(ValidationError, match=r"give|less than|greater than"):
        Engine(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"threads": 256},
        {"connection": "local[4]"},
        {"connection": "local-cluster[2,1,4096]"},
        {"memory_limit": "100%"},
        {"memory_limit": "1.5 TiB"},
        {"memory_limit": "100MB"},
    ],
)
def test_an_engine_of_a_large_machine_is_taken(settings):
    assert Engine(**settings)


def test_no_more_threads_are_started_than_the_machine_bears(tmp_path):
    write_lines(tmp_path)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"}, engine={"threads": 256})
    prepared = prepare_tables(plan, tmp_path / "run")
    tables = open_tables(plan, prepared.paths, tmp_path / "run" / "03")
    con = tables["order_lines"].get_backend().con
    ((threads,),) = con.execute("SELECT current_setting('threads')").fetchall()
    assert threads == count_threads(256) <= max(4 * (os.cpu_count() or 1), 1)


@pytest.mark.slow
def test_a_check_takes_time_in_the_number_of_columns(tmp_path):
    write_lines(tmp_path)
    seconds = {}
    for count in (150, 600):
        names = [f"c{i}" for i in range(count)]
        rows = [f"C{i}," + ",".join(str(i * j % 17) for j in range(count)) for i in (1, 2, 3)]
        text = "\n".join(["customer_id," + ",".join(names), *rows]) + "\n"
        (tmp_path / "customers.csv").write_text(text)
        spec = {"path": "customers.csv", "features": "all"}
        plan = make_plan(tmp_path, {"order_lines": "lines.csv", "customers": spec})
        begun = time.process_time()
        assert len(check_plan(plan).columns["customers"]) == count + 1
        seconds[count] = time.process_time() - begun
    assert seconds[600] < 9 * seconds[150]  # the square would be 16 times
