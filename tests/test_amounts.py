"""Amounts: one decimal mark a column, numbers that stay numbers, currencies never added up."""

from __future__ import annotations

import math
from decimal import Decimal

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_plans import HEADER, make_plan

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError
from segkit.data.amount_names import find_without
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.columns import DataError, Source
from segkit.data.read_numbers import read_numbers
from segkit.plan.models import TableSpec

WIDE = HEADER.replace(",", ";") + ";discount_amount"


def write_prices(folder, prices, *, quantities=(), discounts=(), name="lines.csv"):
    """Write an order a price, with semicolons between the columns."""
    lines = [WIDE]
    for number, price in enumerate(prices):
        quantity = quantities[number] if quantities else "1"
        discount = discounts[number] if discounts else ""
        lines.append(f"{number};P;C{number % 7};2024-01-05;{quantity};{price};{discount}")
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_lines(folder, spec=None, **columns):
    """Return the accepted lines and the rules that found something."""
    write_prices(folder, **columns)
    plan = make_plan(folder, {"order_lines": {"path": "lines.csv"} | (spec or {})})
    prepared = prepare_tables(plan, folder / "run")
    rules = prepared.quality.set_index("rule")
    return pd.read_parquet(prepared.paths["order_lines"]), rules


class TestDecimalMarks:
    """The mark is told from whole columns, or the table is refused."""

    def test_a_comma_before_one_or_two_digits_tells_those_before_three(self, tmp_path):
        lines, rules = read_lines(tmp_path, prices=["12,5", "22,368", "957,58", "3,9", "1,0625"])
        assert lines["unit_price"].tolist() == [12.5, 22.368, 957.58, 3.9, 1.0625]
        assert rules.empty

    def test_three_digits_after_each_mark_are_refused_with_the_two_lines_to_choose(self, tmp_path):
        with pytest.raises(DataError) as caught:
            read_lines(tmp_path, prices=["1,899", "2,450", "-999", "17"])
        (fault,) = caught.value.faults
        assert fault.where == "lines.csv, column 'unit_price'"
        assert fault.found == "'1,899', '2,450'"
        assert 'decimal = "," under [tables.order_lines] if 1,899 is 1.899' in fault.fix
        assert 'decimal = "." if it is 1899' in fault.fix

    @pytest.mark.parametrize(("decimal", "expected"), [(",", [1.899, 2.45]), (".", [1899, 2450])])
    def test_what_the_plan_declares_stands(self, tmp_path, decimal, expected):
        lines, rules = read_lines(tmp_path, {"decimal": decimal}, prices=["1,899", "2,450"])
        assert lines["unit_price"].tolist() == expected
        assert rules.empty

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("price", "expected"), [("0,125", 0.125), ("1 234,567", 1234.567), ("1.234.567", 1234567.0)]
    )
    def test_one_sure_value_tells_the_others(self, tmp_path, price, expected):
        lines, _ = read_lines(tmp_path, prices=["1,899", price])
        assert lines["unit_price"].tolist() == [1.899, expected]

    def test_another_column_of_the_table_tells_the_mark_and_it_is_said(self, tmp_path):
        lines, rules = read_lines(tmp_path, quantities=["1.250", "2"], prices=["12,5", "3,99"])
        assert lines["quantity"].tolist() == [1250.0, 2.0]
        told = rules.loc["decimal_told_quantity"]
        assert (told["severity"], told["row_count"]) == ("note", 1)

    def test_both_marks_in_one_column_are_refused_with_examples(self, tmp_path):
        with pytest.raises(DataError, match="two different marks before") as caught:
            read_lines(tmp_path, prices=["12,5", "8.25", "7.75", "1.234"])
        assert caught.value.faults[0].found == "'8.25', '7.75' (2 with '.') but '12,5' (1 with ',')"

    def test_where_the_plan_chooses_between_them_what_could_be_either_is_set_aside(self, tmp_path):
        lines, rules = read_lines(
            tmp_path, {"decimal": "."}, prices=["12,5", "8.25", "22,368", "1,234.50"]
        )
        assert lines["unit_price"].tolist() == [8.25, 1234.5]
        assert rules.loc["not_a_number_unit_price", "row_count"] == 2

    def test_a_declared_mark_that_no_value_has_is_refused(self, tmp_path):
        with pytest.raises(DataError, match="the plan says decimal"):
            read_lines(tmp_path, {"decimal": ","}, prices=["12.5", "22.368"])

    def test_columns_of_two_marks_are_each_read_by_their_own_with_a_warning(self, tmp_path):
        lines, rules = read_lines(tmp_path, prices=["12,5", "3,9"], discounts=["0.5", "1.25"])
        assert lines["unit_price"].tolist() == [12.5, 3.9]
        assert lines["discount_amount"].tolist() == [0.5, 1.25]
        assert rules.loc["two_decimal_marks", "severity"] == "warning"

    @pytest.mark.parametrize("prices", [["12.50", "1,899", "2350.00"], ["12.50", "8.25", "1,899"]])
    def test_thousands_apart_in_some_values_only_are_doubted(self, tmp_path, prices):
        _, rules = read_lines(tmp_path, prices=prices)
        told = rules.loc["doubtful_thousands_unit_price"]
        assert (told["severity"], told["row_count"]) == ("warning", 1)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "prices",
        [
            ["12.50", "1,899.00", "999.99"],
            ["12.5", "1,899", "17", "2,350.25"],
            ["12", "1899", "3"],
            ["12,50", "1 899,00", "0,99"],
            ["1'899.50", "12.00"],
        ],
    )
    def test_numbers_of_one_style_are_read_without_a_word(self, tmp_path, prices):
        _, rules = read_lines(tmp_path, prices=prices)
        assert rules.empty

    def test_no_number_begins_with_a_zero_before_thousands(self, tmp_path):
        lines, _ = read_lines(tmp_path, {"decimal": "."}, prices=["0,125", "12.5", "3"])
        assert lines["unit_price"].tolist() == [12.5, 3.0]


def read_column(texts, decimal=None):
    """Return the sum of a column of texts and how many are no numbers."""
    with duckdb.connect() as con:
        spec = TableSpec(path="lines.csv", decimal=decimal)
        source = Source(TABLES["order_lines"], spec, "lines.csv", con)
        frame = pd.DataFrame({name: ["1"] * len(texts) for name in HEADER.split(",")})
        frame["unit_price"] = texts
        con.execute("CREATE TABLE found AS FROM frame")
        source.keep("found", list(frame.columns))
        converters, _ = read_numbers(source)
        value = converters["unit_price"]("unit_price")
        query = f"SELECT sum({value}), count(*) - count({value}) FROM raw_order_lines"
        return con.execute(query).fetchall()[0]


STYLES = st.tuples(
    st.sampled_from([".", ","]),
    st.sampled_from(["", " ", "'", "\u00a0", "\u202f", "other"]),
    st.sampled_from([0, 1, 2, 3, 4, None]),
)
VALUES = st.lists(st.decimals(-9_999_999, 9_999_999, places=4), min_size=1, max_size=8)


@pytest.mark.slow
@given(style=STYLES, values=VALUES)
@settings(max_examples=40, deadline=None)
def test_numbers_of_any_style_are_read_to_the_same_sum_or_refused(style, values):
    mark, thousands, digits = style
    apart = {".": ",", ",": "."}[mark] if thousands == "other" else thousands
    texts, exact = [], Decimal(0)
    for value in values:
        text = f"{value:,.4f}".rstrip("0").rstrip(".") if digits is None else f"{value:,.{digits}f}"
        exact += Decimal(text.replace(",", ""))
        texts.append(text.replace(".", "m").replace(",", apart).replace("m", mark))
    try:
        total, unread = read_column(texts)
    except SegkitError as error:
        assert "three digits after it" in error.message  # noqa: PT017
        return
    assert unread == 0
    assert math.isclose(total, float(exact), rel_tol=1e-9, abs_tol=1e-6)
    assert read_column(texts, decimal=mark) == (total, 0)


class TestTypedNumbers:
    """What is stored as a number is that number, whatever the plan's decimal says."""

    CELLS = (2.125, 3.5, 7, 1234.5, 0.875, 12)

    def write(self, folder, prices, **others):
        frame = pd.DataFrame(
            {
                "order_id": range(len(prices)),
                "product_id": "P",
                "customer_id": [17850.0 + number % 3 for number in range(len(prices))],
                "ordered_at": "2024-01-05",
                "quantity": 1,
                "unit_price": prices,
                **others,
            }
        )
        frame.to_excel(folder / "lines.xlsx", index=False)

    def read(self, folder, **spec):
        plan = make_plan(folder, {"order_lines": {"path": "lines.xlsx", **spec}})
        prepared = prepare_tables(plan, folder / "run")
        return pd.read_parquet(prepared.paths["order_lines"])

    @pytest.mark.slow
    @pytest.mark.parametrize("decimal", [",", ".", None])
    def test_a_cell_that_is_a_number_is_that_number(self, tmp_path, decimal):
        self.write(tmp_path, self.CELLS)
        lines = self.read(tmp_path, decimal=decimal)
        assert lines["unit_price"].tolist() == list(self.CELLS)
        assert sorted(set(lines["customer_id"])) == ["17850", "17851", "17852"]

    def test_texts_among_numbers_are_read_by_their_own_mark(self, tmp_path):
        self.write(tmp_path, [2.125, "1,5", "22,368", 1234.5, "7"])
        lines = self.read(tmp_path)
        assert lines["unit_price"].tolist() == [2.125, 1.5, 22.368, 1234.5, 7.0]

    def test_a_text_that_could_be_either_is_refused_though_cells_are_numbers(self, tmp_path):
        self.write(tmp_path, [2.125, "1,899", 1234.5])
        with pytest.raises(DataError, match="three digits after it"):
            self.read(tmp_path)

    def test_numbers_of_ones_own_in_excel_stay_numbers(self, tmp_path):
        frame = pd.DataFrame({"customer_id": ["a", "b", "c"], "wine_spend": [2.125, 0.5, 7]})
        frame.to_excel(tmp_path / "c.xlsx", index=False)
        spec = {"path": "c.xlsx", "decimal": ",", "features": "all"}
        prepared = prepare_tables(make_plan(tmp_path, {"customers": spec}), tmp_path / "run")
        table = pd.read_parquet(prepared.paths["customers"])
        assert table["wine_spend"].tolist() == [2.125, 0.5, 7.0]

    def test_numbers_of_parquet_are_read_whatever_decimal_says(self, tmp_path):
        frame = pd.DataFrame({"customer_id": ["a", "b", "c"], "wine_spend": [2.125, 0.5, 7]})
        frame["answer"] = ["1,5", "2,25", "3"]
        frame.to_parquet(tmp_path / "c.parquet")
        spec = {"path": "c.parquet", "decimal": ",", "features": "all"}
        prepared = prepare_tables(make_plan(tmp_path, {"customers": spec}), tmp_path / "run")
        table = pd.read_parquet(prepared.paths["customers"])
        assert table["wine_spend"].tolist() == [2.125, 0.5, 7.0]
        assert table["answer"].tolist() == [1.5, 2.25, 3.0]


@pytest.mark.slow
@pytest.mark.parametrize("price", ["(7.00)", "7.00-", "\u22127.00"])
def test_negatives_of_accountants_are_set_aside_and_said(tmp_path, price):
    lines, rules = read_lines(tmp_path, prices=["5.00", "6.00", price])
    assert len(lines) == 2
    told = rules.loc["negative_unit_price"]
    assert (told["severity"], told["row_count"]) == ("warning", 1)


class TestCurrencies:
    """Amounts with a currency beside them are not read, and never added up."""

    def test_two_currencies_in_one_column_are_refused_with_their_counts(self, tmp_path):
        with pytest.raises(DataError, match="never added up") as caught:
            read_lines(tmp_path, prices=["$5.00", "€5.00", "5.00", "EUR 7.10"])
        assert caught.value.faults[0].found == "2 in EUR, 1 in $"

    def test_a_column_of_one_currency_is_refused_as_what_it_is(self, tmp_path):
        with pytest.raises(DataError, match="have 'kr' beside the number"):
            read_lines(tmp_path, prices=["12,50 kr", "1 200,00 kr"])

    def test_a_few_amounts_with_a_currency_are_set_aside_and_said(self, tmp_path):
        lines, rules = read_lines(tmp_path, prices=["5.00", "6.00", "£7.00"])
        assert len(lines) == 2
        assert rules.loc["not_a_number_unit_price", "row_count"] == 1
        assert rules.loc["currency_in_unit_price", "row_count"] == 1


@pytest.mark.parametrize(
    ("name", "others", "expected"),
    [
        ("Total", ["Subtotal", "Shipping", "Taxes"], "Subtotal"),
        ("Total", ["Lineitem price", "Taxes", "Shipping"], "Lineitem price"),
        ("Bruttobetrag", ["Netto"], None),  # one word, not the word itself
        ("Betrag brutto", ["Betrag netto", "MwSt"], "Betrag netto"),
        ("Prix TTC", ["Prix HT"], "Prix HT"),
        ("PriceInclVat", ["PriceExclVat"], "PriceExclVat"),
        ("Importe (IVA incluido)", ["Cliente"], ""),
        ("gross_amount", ["net_weight"], ""),
        ("total_price", ["unit_price", "quantity"], None),
        ("line_total", ["tax", "unit_price"], None),
        ("Net amount", ["Gross amount"], None),
        ("Sales", ["Subtotal"], None),
    ],
)
def test_names_tell_amounts_with_tax_only_where_they_are_clear(name, others, expected):
    assert find_without(name, others) == expected


def test_an_amount_whose_name_says_with_tax_is_warned_of_beside_one_without(tmp_path):
    text = "order,product,who,day,qty,Total incl. tax,Subtotal\n"
    text += "".join(f"{n},P,C{n},2024-01-0{n},1,12.10,10.00\n" for n in (1, 2, 3))
    (tmp_path / "lines.csv").write_text(text)
    columns = {"order_id": "order", "product_id": "product", "customer_id": "who"}
    columns |= {"ordered_at": "day", "quantity": "qty", "line_amount": "Total incl. tax"}
    plan = make_plan(tmp_path, {"order_lines": {"path": "lines.csv", "columns": columns}})
    told = check_plan(plan).found.set_index("rule").loc["includes_tax_line_amount"]
    assert (told["severity"], told["row_count"]) == ("warning", 3)
    assert 'line_amount = "Subtotal"' in told["treatment"]


class TestRunningQuantities:
    """A line's number within its order is no quantity."""

    def check(self, folder, orders):
        lines = [HEADER]
        for number, quantities in enumerate(orders):
            lines += [f"{number},P{q},C{number % 5},2024-01-05,{q},2.50" for q in quantities]
        (folder / "lines.csv").write_text("\n".join(lines) + "\n")
        found = check_plan(make_plan(folder, {"order_lines": "lines.csv"})).found
        return found.set_index("rule")

    def test_quantities_that_count_the_lines_of_each_order_are_warned_of(self, tmp_path):
        found = self.check(tmp_path, [(1, 2), (1,), (1, 2, 3), (3, 1, 2), (1, 2), (1, 2), (1,)])
        told = found.loc["running_quantity"]
        assert (told["severity"], told["row_count"]) == ("warning", 12)

    def test_quantities_that_do_so_by_chance_are_not(self, tmp_path):
        orders = [(1, 2), (1, 1), (1, 2), (2, 2), (1, 2), (1, 2), (1,)]
        assert "running_quantity" not in self.check(tmp_path, orders).index
