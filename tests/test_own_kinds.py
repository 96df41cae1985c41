"""Features of one's own that are numbers under another coat, or look like what they are not."""

from __future__ import annotations

import pandas as pd
import pytest
from small_plans import make_plan

from segkit.data.checks import prepare_tables
from segkit.data.columns import DataError


def prepare(folder, **columns):
    """Prepare customers with further columns; return the table and the rules that found some."""
    size = len(next(iter(columns.values())))
    ids = [f"c{number % size}" for number in range(size)]
    pd.DataFrame({"customer_id": ids, **columns}).to_csv(folder / "c.csv", index=False, sep=";")
    spec = {"path": "c.csv", "features": "all"}
    prepared = prepare_tables(make_plan(folder, {"customers": spec}), folder / "run")
    return pd.read_parquet(prepared.paths["customers"]), prepared.quality.set_index("rule")


class TestUnits:
    """Numbers with one unit beside them are numbers, and it is said."""

    @pytest.mark.parametrize(
        ("texts", "numbers", "unit"),
        [
            (["3%", "12,5 %", "100%"], [3, 12.5, 100], "%"),
            (["€29.46", "€ -3.50", "-€1,200.00"], [29.46, -3.5, -1200], "€"),
            (["CHF 1'200.50", "CHF 3"], [1200.5, 3], "CHF"),
            (["1.234,50 kr", "12,00 kr"], [1234.5, 12], "kr"),
        ],
    )
    def test_all_values_with_the_same_unit_are_numbers(self, tmp_path, texts, numbers, unit):
        table, rules = prepare(tmp_path, given=texts)
        assert table["given"].tolist() == numbers
        told = rules.loc["unit_given"]
        assert (told["severity"], told["row_count"]) == ("note", len(texts))
        assert f"'{unit}'" in told["treatment"]

    def test_amounts_that_could_be_either_are_refused_with_a_unit_too(self, tmp_path):
        with pytest.raises(DataError, match="three digits after it") as caught:
            prepare(tmp_path, given=["€1.234", "€2.500"])
        assert "€" in caught.value.faults[0].found

    def test_another_column_tells_the_mark_of_amounts_with_a_unit(self, tmp_path):
        table, _ = prepare(tmp_path, given=["€1.234", "€2.500"], spent=["1,5", "2,25"])
        assert table["given"].tolist() == [1234.0, 2500.0]

    def test_several_units_make_categories_that_look_like_amounts(self, tmp_path):
        table, rules = prepare(tmp_path, given=["$3.50", "€4.10", "$7.00"])
        assert table["given"].tolist() == ["$3.50", "€4.10", "$7.00"]
        assert rules.loc["looks_like_amounts_given", "severity"] == "warning"

    def test_percentages_among_other_words_are_said(self, tmp_path):
        _, rules = prepare(tmp_path, given=["12%"] * 19 + ["much"])
        assert rules.loc["looks_like_percentages_given", "row_count"] == 19

    @pytest.mark.parametrize(
        "texts", [["Group 1", "Group 2"], ["SKU 12", "SKU 13"], ["4 stars", "5 stars"], ["1%", "x"]]
    )
    def test_words_with_numbers_are_categories_without_a_word(self, tmp_path, texts):
        table, rules = prepare(tmp_path, given=texts)
        assert table["given"].tolist() == texts
        assert rules.empty


class TestLooks:
    """What became a category and looks like something else is said."""

    @pytest.mark.parametrize(
        "texts", [["23/03/2024", "01/12/2023"], ["2024-03-23", "2023-12-01 10:00"], ["3 Mar 2024"]]
    )
    def test_dates_are_said_to_be_categories(self, tmp_path, texts):
        _, rules = prepare(tmp_path, seen=[*texts, *texts])
        assert rules.loc["looks_like_dates_seen", "severity"] == "warning"

    def test_digits_after_a_zero_keep_a_column_text(self, tmp_path):
        table, rules = prepare(tmp_path, postcode=["09209", "41611", "32153", "08889"])
        assert table["postcode"].tolist() == ["09209", "41611", "32153", "08889"]
        told = rules.loc["leading_zeros_postcode"]
        assert (told["severity"], told["row_count"]) == ("note", 2)

    def test_a_single_one_among_many_numbers_is_rather_a_slip(self, tmp_path):
        visits = [str(1 + number % 7) for number in range(150)]
        _, rules = prepare(tmp_path, visits=[*visits, "07"])
        assert rules.loc["leading_zeros_visits", "severity"] == "warning"

    def test_a_fraction_below_one_is_a_number(self, tmp_path):
        table, rules = prepare(tmp_path, share=["0.25", "0", "0.5"])
        assert table["share"].tolist() == [0.25, 0.0, 0.5]
        assert rules.empty

    def test_failed_formulas_are_missing_values_and_counted(self, tmp_path):
        incomes = ["117", "#DIV/0!", "73", "#N/A", "#BEZUG!"]
        table, rules = prepare(tmp_path, income_k=incomes, home=["a", "#REF!", "b", "b", "a"])
        assert table["income_k"].isna().tolist() == [False, True, False, True, True]
        assert table["home"].isna().tolist() == [False, True, False, False, False]
        assert rules.loc["failed_formula_income_k", "row_count"] == 3
        assert rules.loc["failed_formula_home", "row_count"] == 1

    def test_failed_formulas_in_columns_of_the_contract_are_counted_too(self, tmp_path):
        table, rules = prepare(tmp_path, country=["FI", "#N/A", "#REF!"], income=["1", "2", "#NV"])
        assert table["country"].isna().tolist() == [False, True, True]
        assert rules.loc["failed_formula_country", "row_count"] == 2
        assert rules.loc["failed_formula_income", "row_count"] == 1

    def test_versions_are_no_dates(self, tmp_path):
        _, rules = prepare(tmp_path, system=["10.2.1", "9.3.12", "10.2.1"])
        assert rules.empty

    def test_a_word_after_a_hash_is_no_failed_formula(self, tmp_path):
        table, rules = prepare(tmp_path, tag=["#1001", "#sale", "#1001"])
        assert table["tag"].tolist() == ["#1001", "#sale", "#1001"]
        assert rules.empty


class TestIdentifiers:
    """A column in which nearly every customer has another value is told."""

    @pytest.mark.parametrize(
        "make", [lambda n: f"user{n}@mail.example", lambda n: str(100_000 + n), lambda n: n]
    )
    def test_nearly_every_customer_has_another_value(self, tmp_path, make):
        _, rules = prepare(tmp_path, member=[make(number) for number in range(60)])
        told = rules.loc["looks_like_identifier_member"]
        assert (told["severity"], told["row_count"]) == ("warning", 60)

    @pytest.mark.parametrize(
        "make",
        [
            lambda n: f"{n * 37.5:.2f}",  # amounts differ, and do not run
            lambda n: n * n,
            lambda n: n % 50,
            lambda n: f"town {n % 40}",
        ],
    )
    def test_amounts_ages_and_towns_are_no_identifiers(self, tmp_path, make):
        _, rules = prepare(tmp_path, given=[make(number) for number in range(60)])
        assert rules.empty
