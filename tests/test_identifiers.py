"""Identifiers tell customers apart, or it is said why they may not."""

from __future__ import annotations

import pandas as pd
import pytest
from small_plans import GOOD_LINES, HEADER, make_plan, write_lines

from segkit.data import total_rows
from segkit.data.checks import check_plan, prepare_tables


def check(folder, *lines, header=HEADER, tables=None, spec=None, **others):
    """Check order lines; return the quality by rule."""
    write_lines(folder, *lines, header=header)
    tables = {"order_lines": {"path": "lines.csv"} | (spec or {})} | (tables or {})
    report = check_plan(make_plan(folder, tables, **others))
    assert report.ok, report.problems
    return report.quality.set_index("rule")


def accept(folder, *lines, header=HEADER, tables=None, **others):
    """Prepare order lines; return the accepted ones."""
    write_lines(folder, *lines, header=header)
    plan = make_plan(folder, {"order_lines": "lines.csv"} | (tables or {}), **others)
    return pd.read_parquet(prepare_tables(plan, folder / "run").paths["order_lines"])


def make_lines(customers, *, products="P"):
    return [
        f"{n},{products},{customer},2024-03-{1 + n % 28:02},1,{n + 1}"
        for n, customer in enumerate(customers)
    ]


# ---------------------------------------------------------------- digits that were lost


@pytest.mark.parametrize("column", range(3))
@pytest.mark.parametrize("text", ["5.01234E+12", "2,81772E+18", "1e+05"])
def test_a_column_that_lost_its_digits_is_refused(tmp_path, column, text):
    lines = []
    for n in range(6):
        cells = [str(n), "P", f"C{n}"]
        cells[column] = f'"{n % 3}{text[1:]}"'
        lines.append(",".join([*cells, "2024-03-05,1,2"]))
    write_lines(tmp_path, *lines)
    report = check_plan(make_plan(tmp_path, {"order_lines": "lines.csv"}))
    assert not report.ok
    told = report.problems[0].describe()
    assert "have lost their digits in a spreadsheet" in told
    assert HEADER.split(",")[column] in told


def test_few_such_identifiers_are_warned_of_with_their_count(tmp_path):
    customers = [*(f"C{n}" for n in range(20)), "5.01234E+12", "5.01234E+12"]
    quality = check(tmp_path, *make_lines(customers))
    assert quality.loc["rounded_customer_id", ["severity", "row_count"]].tolist() == ["warning", 2]


def test_a_product_s_code_is_no_number_that_lost_its_digits(tmp_path):
    assert check(tmp_path, *make_lines(["A", "B", "C"], products="5E10")).empty


def test_whole_numbers_too_long_for_a_floating_point_are_warned_of(tmp_path):
    pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "product_id": "P",
            "customer_id": [2.81772e18, 17.0, 18.0],
            "ordered_at": pd.Timestamp("2024-03-05"),
            "quantity": 1,
            "unit_price": 2.0,
        }
    ).to_parquet(tmp_path / "lines.parquet")
    quality = check(tmp_path, spec={"path": "lines.parquet"})
    assert quality.loc["rounded_customer_id", "row_count"] == 1


# ---------------------------------------------------------------- spellings of one identifier


def test_addresses_in_two_spellings_are_counted_and_can_be_read_as_one(tmp_path):
    customers = ["buyer7@example.org", "Buyer7@Example.org", "buyer7@example.org", "b@x.org", "C"]
    quality = check(tmp_path, *make_lines(customers))
    told = quality.loc["capitals_differ_customer_id"]
    assert (told["severity"], told["row_count"]) == ("warning", 1)
    assert told["reason"].startswith("2 values of customer id differ in capitals only; 1 may")
    policies = {"join_capitals": True}
    assert check(tmp_path, *make_lines(customers), policies=policies).empty
    found = accept(tmp_path, *make_lines(customers), policies=policies)["customer_id"]
    assert found.value_counts()["buyer7@example.org"] == 3


def test_identifiers_that_differ_in_leading_zeros_are_counted(tmp_path):
    quality = check(tmp_path, *make_lines(["00017", "17", "17", "0018", "19"]))
    told = quality.loc["zeros_differ_customer_id"]
    assert (told["severity"], told["row_count"]) == ("warning", 1)


def test_zeros_alone_and_capitals_alone_are_no_fault(tmp_path):
    assert check(tmp_path, *make_lines(["00017", "00018", "0A", "a1", "B2", "bB"])).empty


@pytest.mark.slow
@pytest.mark.parametrize(
    "sign",
    [*"\u00a0\u200b\ufeff\u2060\u00ad\u202f\u3000\u200e", "\u00a0 \u00a0"],
    ids=lambda sign: f"U+{ord(sign[0]):04X}",
)
@pytest.mark.parametrize("form", ["{0}A1", "A1{0}", " {0}A1{0} "])
def test_what_nobody_sees_at_the_ends_is_left_out_and_said(tmp_path, sign, form):
    quality = check(tmp_path, *make_lines(["A1", form.format(sign), "Ä2", "B3"]))
    told = quality.loc["unseen_signs_customer_id"]
    assert (told["severity"], told["row_count"]) == ("note", 1)
    found = accept(tmp_path, *make_lines(["A1", form.format(sign), "Ä2", "B3"]))
    assert found["customer_id"].tolist() == ["A1", "A1", "Ä2", "B3"]


def test_signs_without_width_go_within_too_and_blanks_become_plain(tmp_path):
    found = accept(tmp_path, *make_lines(["A\u200b1", "A1", "A\u00a02", "A 2", "\u200b\u00a0"]))
    assert found["customer_id"].tolist() == ["A1", "A1", "A 2", "A 2"]  # the last has no customer


def test_an_unseen_sign_does_not_part_the_tables(tmp_path):
    (tmp_path / "people.csv").write_text("customer_id,country\nA1\u00a0,UK\n\u200bB2,UK\nC3,UK\n")
    quality = check(
        tmp_path, *make_lines(["A1", "B2", "\ufeffC3"]), tables={"customers": "people.csv"}
    )
    assert set(quality.index) == {"unseen_signs_customer_id"}


def test_lines_that_join_nothing_say_when_capitals_or_zeros_are_why(tmp_path):
    (tmp_path / "people.csv").write_text("customer_id,country\nA1,UK\n17,UK\nC3,UK\n")
    (tmp_path / "products.csv").write_text("product_id,category\np,Garden\nq,Garden\n")
    quality = check(
        tmp_path,
        *make_lines(["a1", "a1", "0017", "C3", "X"]),
        tables={"customers": "people.csv", "products": "products.csv"},
    )
    assert quality.loc["unknown_customer", "row_count"] == 4
    assert quality.loc["capitals_part_customers", "row_count"] == 2
    assert quality.loc["zeros_part_customers", "row_count"] == 1
    assert quality.loc["capitals_part_products", "row_count"] == 5
    told = quality.loc["capitals_part_customers", "reason"]
    assert "2 more would join the customers table if capitals were ignored" in told


# ---------------------------------------------------------------- orders and customers


def test_an_order_of_two_customers_is_warned_of(tmp_path):
    lines = [*GOOD_LINES, "1,P9,C7,2024-01-05,1,4.00", "2,P9,,2024-02-05,1,4.00"]
    quality = check(tmp_path, *lines)
    told = quality.loc["order_of_two_customers"]
    assert (told["severity"], told["row_count"]) == ("warning", 2)
    assert told["reason"].startswith("1 orders have lines of two customers")


def test_blanks_around_a_customer_make_no_second_one(tmp_path):
    assert check(tmp_path, *GOOD_LINES, "1,P9, C1 ,2024-01-05,1,4.00").empty


@pytest.mark.parametrize(
    ("extra", "is_said"), [("customer_unique_id", True), ("Email", True), ("Accepts Email", False)]
)
def test_a_customer_that_is_new_with_each_order_is_warned_of(tmp_path, extra, is_said):
    lines = [f"{line},x" for line in make_lines([f"C{n}" for n in range(150)])]
    quality = check(tmp_path, *lines, header=f"{HEADER},{extra}")
    assert ("customer_of_one_order" in quality.index) == is_said
    if is_said:
        assert f"'{extra}'" in quality.loc["customer_of_one_order", "treatment"]


def test_customers_who_come_back_are_not_new_with_each_order(tmp_path):
    lines = [f"{line},x" for line in make_lines([f"C{n % 100}" for n in range(150)])]
    assert check(tmp_path, *lines, header=f"{HEADER},Email", as_of="2024-03-29").empty


# ---------------------------------------------------------------- numbers of rows


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("", [0, 1, 2, 3]),
        ("Unnamed: 0", [1, 2, 3, 4]),
        ("", [7, 12, 30, 31]),
        ("", [3, 1, 0, 2]),
        ("", [0, 1, 0, 1]),
        ("index", [0, 1, 2, 3]),
        ("X", [1, 2, 3, 4]),
        ("Row Number", [1, 2, 3, 4]),
    ],
)
def test_numbers_of_rows_do_not_hide_repeats(tmp_path, name, numbers):
    lines = [GOOD_LINES[0], GOOD_LINES[0], *GOOD_LINES[1:]]
    lines = [f"{number},{line}" for number, line in zip(numbers, lines, strict=True)]
    quality = check(tmp_path, *lines, header=f"{name},{HEADER}")
    assert quality.loc["exact_duplicate", "row_count"] == 1
    assert quality.loc["numbered_rows", "severity"] == "note"


@pytest.mark.parametrize(
    ("name", "cells"), [("", ["a", "b", "c", "d"]), ("index", [5, 5, 7, 8]), ("pos", [1, 2, 3, 4])]
)
def test_other_columns_still_make_rows_differ(tmp_path, name, cells):
    lines = [GOOD_LINES[0], GOOD_LINES[1], GOOD_LINES[2], GOOD_LINES[2]]
    lines = [f"{cell},{line}" for cell, line in zip(cells, lines, strict=True)]
    quality = check(tmp_path, *lines, header=f"{name},{HEADER}")
    assert not {"exact_duplicate", "numbered_rows"} & set(quality.index)


def test_the_index_that_pandas_writes_into_parquet_does_not_hide_repeats(tmp_path):
    frame = pd.DataFrame(
        {
            "order_id": [1, 1, 2, 3],
            "product_id": "P",
            "customer_id": ["A", "A", "B", "C"],
            "ordered_at": pd.Timestamp("2024-03-05"),
            "quantity": 1,
            "unit_price": 2.0,
        },
        index=[10, 11, 12, 14],
    )
    frame.to_parquet(tmp_path / "lines.parquet")
    quality = check(tmp_path, spec={"path": "lines.parquet"})
    assert quality.loc["exact_duplicate", "row_count"] == 1


# ---------------------------------------------------------------- totals


@pytest.mark.slow
@pytest.mark.parametrize("word", ["Total", "GRAND TOTAL:", "Summe", "yhteensä", "Sum"])
@pytest.mark.parametrize("column", range(3))
def test_a_total_is_set_aside(tmp_path, word, column):
    cells = ["9", "P1", "C1"]
    cells[column] = word
    line = ",".join([*cells, "2024-05-01,1,35.50"])
    write_lines(tmp_path, *GOOD_LINES, line)
    prepared = prepare_tables(make_plan(tmp_path, {"order_lines": "lines.csv"}), tmp_path / "run")
    rejected = pd.read_parquet(tmp_path / "run/tables/rejected/order_lines.parquet")
    assert rejected["rule"].tolist() == ["total_row"]
    assert rejected["source_row"].tolist() == [4]
    assert len(pd.read_parquet(prepared.paths["order_lines"])) == 3


def test_a_row_that_is_called_a_total_but_is_none_is_kept_with_a_warning(tmp_path):
    quality = check(tmp_path, *GOOD_LINES, "9,P1,Total,2024-05-01,1,7")
    told = quality.loc["called_total"]
    assert (told["severity"], told["row_count"]) == ("warning", 1)
    assert told["reason"] == "Data row 4 is called a total."


def test_a_label_alone_is_no_reason_to_set_a_row_aside(tmp_path):
    header = f"{HEADER},description"
    lines = [f"{line},soap" for line in GOOD_LINES]
    quality = check(tmp_path, *lines, "9,P1,C1,2024-05-01,1,35.50,Total", header=header)
    assert "An amount is the sum of the others: 35.50." in quality.loc["called_total", "reason"]


def test_a_total_among_customers_is_known_by_its_own_features(tmp_path):
    rows = ["A,10,1", "B,20,3", "C,5,2", "Total,35,6"]
    (tmp_path / "people.csv").write_text("\n".join(["customer_id,visits,wine", *rows]) + "\n")
    spec = {"path": "people.csv", "features": "all"}
    prepared = prepare_tables(make_plan(tmp_path, {"customers": spec}), tmp_path / "run")
    assert pd.read_parquet(prepared.paths["customers"])["customer_id"].tolist() == ["A", "B", "C"]


def test_a_last_line_that_is_the_sum_of_the_others_is_suspected(tmp_path):
    lines = [f"{n},P,C{n % 3},2024-03-0{n},1,{n * 1.5}" for n in range(1, 8)]
    quality = check(tmp_path, *lines, "99,P,C1,2024-03-09,1,42.00")
    told = quality.loc["sum_of_the_others"]
    assert told["severity"] == "warning"
    assert "data row 8, 42.00, is the sum" in told["reason"]
    assert check(tmp_path, *lines, "99,P,C1,2024-03-09,1,42.01").empty


def test_in_a_large_file_that_is_not_copied_the_identifiers_tell(tmp_path, monkeypatch):
    monkeypatch.setattr(total_rows, "ROWS_LOOKED_AT", 2)
    pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "product_id": "P",
            "customer_id": ["A", "B", "Total"],
            "ordered_at": pd.Timestamp("2024-03-05"),
            "quantity": 1,
            "unit_price": [2.0, 3.0, 5.0],
        }
    ).to_parquet(tmp_path / "lines.parquet")
    quality = check(tmp_path, spec={"path": "lines.parquet"})
    assert quality.loc["called_total", "reason"] == "A customer id is called a total."


@pytest.mark.parametrize("label", ["Total March", "Grand total: C1", "Summe 03"])
def test_the_total_of_a_part_is_suspected(tmp_path, label):
    told = check(tmp_path, *GOOD_LINES, f"{label},P1,{label},2024-05-01,1,20").loc["called_total"]
    assert (told["severity"], told["row_count"]) == ("warning", 1)


# ---------------------------------------------------------------- nobody, and an ending .0


@pytest.mark.parametrize("label", ["GUEST", "Walk-in", "0", "Unbekannt"])
def test_a_label_for_customers_whom_nobody_knows_is_warned_of(tmp_path, label):
    customers = [*(f"C{n % 6}" for n in range(12)), label, label, label]
    told = check(tmp_path, *make_lines(customers)).loc["nobody_customer_id"]
    assert (told["severity"], told["row_count"]) == ("warning", 3)
    assert f"'{label}'" in told["reason"]


def test_no_such_label_is_no_warning(tmp_path):
    customers = [f"guest{n % 6}" for n in range(12)]
    assert "nobody_customer_id" not in check(tmp_path, *make_lines(customers)).index


def test_some_identifiers_that_end_in_point_zero_are_warned_of(tmp_path):
    customers = [f"{17000 + n % 6}{'.0' if n > 8 else ''}" for n in range(12)]
    told = check(tmp_path, *make_lines(customers)).loc["points_differ_customer_id"]
    assert told["severity"] == "warning"
    assert "differ in an ending .0 only" in told["reason"]
