"""Values that cannot be used, counts for yes, answers for scales, and levels that are one."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_plans import make_plan, write_lines

from segkit.core.errors import SegkitError
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.columns import DataError
from segkit.data.levels import group_spellings
from segkit.data.notices import quote_toml
from segkit.features.survey import score_attitudes
from segkit.models.columns import learn_levels
from segkit.plan.bases import BaseSettings
from segkit.plan.models import Plan
from segkit.segmentation.documents import fit_segmentation

SCALE = {"name": "mood", "base": "psychographic", "questions": ["Calm?", "Glad?"]}


def write_table(folder, name: str, header: str, rows) -> str:
    text = "\n".join([header, *rows]) + "\n"
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return f"{name}.csv"


def prepare(folder, name: str, header: str, rows, *, spec=None, **others):
    """Prepare one table beside order lines; return its accepted rows and its rules by name."""
    path = write_table(folder, name, header, rows)
    tables = {"order_lines": str(write_lines(folder)), name: {"path": path, **(spec or {})}}
    prepared = prepare_tables(make_plan(folder, tables, **others), folder / "run")
    quality = prepared.quality[prepared.quality["table"] == name].set_index("rule")
    return pd.read_parquet(prepared.paths[name]), quality


def list_people(*values: str) -> list[str]:
    return [f"C{number},{value}" for number, value in enumerate(values, start=1)]


def test_who_prefers_not_to_say_stays_with_an_unknown_income(tmp_path):
    rows = list_people(*["52000"] * 6, *["Prefer not to say"] * 4, "5+")
    table, quality = prepare(tmp_path, "customers", "customer_id,income", rows)
    assert len(table) == 11
    assert table["income"].isna().sum() == 5
    told = quality.loc["not_a_number_income"]
    assert (told["severity"], told["row_count"]) == ("warning", 5)
    assert told["found"] == "'Prefer not to say' (4), '5+' (1)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "header", "good", "bad", "rule"),
    [
        ("products", "product_id,list_price", "3.50", "-1", "out_of_range_list_price"),
        ("products", "product_id,unit_cost", "3.50", "cheap", "not_a_number_unit_cost"),
        ("customers", "customer_id,birth_year", "1980", "1980.5", "not_whole_birth_year"),
        (
            "customers",
            "customer_id,customer_type",
            "consumer",
            "robot",
            "not_allowed_customer_type",
        ),
        (
            "customers",
            "customer_id,signed_up_on",
            "2020-01-31",
            "soon 1",
            "not_a_date_signed_up_on",
        ),
        ("customers", "customer_id,has_pets", "yes", "two cats", "not_true_or_false_has_pets"),
        ("orders", "order_id,shipping_amount", "4.90", "-4.90", "out_of_range_shipping_amount"),
    ],
)
def test_one_bad_value_of_what_may_be_absent_is_unknown(tmp_path, name, header, good, bad, rule):
    table, quality = prepare(tmp_path, name, header, list_people(good, good, bad, good))
    assert len(table) == 4
    column = header.split(",")[1]
    assert table[column].isna().tolist() == [False, False, True, False]
    assert quality.loc[rule, "row_count"] == 1
    assert quality.loc[rule, "severity"] == "warning"
    assert bad in quality.loc[rule, "found"]


def test_what_a_row_is_there_for_still_rejects_it(tmp_path):
    rows = ["SE,2024,many", "FI,2024,12", "NO,soon,3"]
    table, quality = prepare(tmp_path, "market_cells", "country,year,buyer_count", rows)
    assert table["country"].tolist() == ["FI"]
    assert quality["severity"].tolist() == ["reject", "reject"]


def test_a_column_of_which_most_values_cannot_be_used_is_refused_with_them(tmp_path):
    rows = [f"T{n},2024-01-0{n},{value}" for n, value in enumerate("98765", start=1)]
    header = "ticket_id,opened_at,satisfaction"
    with pytest.raises(DataError, match=r"satisfaction.*4 of 5.*not within 1 to 5.*'9' \(1\)"):
        prepare(tmp_path, "tickets", header, rows)


def test_the_line_to_write_is_one_whatever_signs_a_value_has(tmp_path):
    rows = list_people("it's 'some'", "it's 'some'", "52000")
    with pytest.raises(DataError, match=r'unknown = \["it\'s \'some\'"\]'):
        prepare(tmp_path, "customers", "customer_id,income", rows)
    signs = 'a\\b "c"'
    assert tomllib.loads(f"unknown = [{quote_toml(signs)}]")["unknown"] == [signs]


def test_words_of_the_plan_mean_nothing_in_text_and_in_numbers(tmp_path):
    rows = list_people("999", "41000", "n.a. ", "48000", "999", "999")
    spec = {"unknown": ["N.A.", "999"]}
    table, quality = prepare(tmp_path, "customers", "customer_id,income", rows, spec=spec)
    assert table["income"].dropna().tolist() == [41000, 48000]
    assert not quality.index.str.contains("income").any()
    frame = pd.DataFrame({"customer_id": ["a", "b", "c"], "visits": [3, 999, 4]})
    frame.to_parquet(tmp_path / "visits.parquet")
    spec = {"path": "visits.parquet", "features": "all", "unknown": ["999"]}
    prepared = prepare_tables(make_plan(tmp_path, {"customers": spec}), tmp_path / "typed")
    visits = pd.read_parquet(prepared.paths["customers"])["visits"]
    assert visits.isna().tolist() == [False, True, False]


def test_values_as_found_are_for_the_analyst_alone(tmp_path):
    rows = list_people(*["52000"] * 6, "Ann Example")
    path = write_table(tmp_path, "customers", "customer_id,income", rows)
    plan = make_plan(tmp_path, {"order_lines": str(write_lines(tmp_path)), "customers": path})
    report = check_plan(plan)
    told = report.quality[report.quality["found"].str.contains("Ann Example")]
    assert told["rule"].tolist() == ["not_a_number_income"]
    assert not told["reason"].str.contains("Ann").any()
    assert not told["treatment"].str.contains("Ann").any()


@pytest.mark.parametrize("kind", ["text", "typed"])
def test_a_count_above_zero_is_yes(tmp_path, kind):
    counts = [0, 1, 2, 7, 0, 3]
    frame = pd.DataFrame({"customer_id": [f"C{n}" for n in counts], "opened": counts})
    frame["sent_at"] = "2024-01-05"
    if kind == "typed":
        frame.to_parquet(tmp_path / "mails.parquet")
        path = "mails.parquet"
    else:
        frame.to_csv(tmp_path / "mails.csv", index=False)
        path = "mails.csv"
    tables = {"order_lines": str(write_lines(tmp_path)), "messages": path}
    prepared = prepare_tables(make_plan(tmp_path, tables), tmp_path / "run")
    opened = pd.read_parquet(prepared.paths["messages"])["opened"]
    assert opened.tolist() == [False, True, True, True, False, True]
    told = prepared.quality.set_index("rule").loc["counts_opened"]
    assert (told["severity"], told["row_count"]) == ("note", 3)


def test_codes_of_one_and_two_are_no_counts_and_shares_are_no_yes(tmp_path):
    with pytest.raises(DataError, match=r"consent holds 1 and 2.*Write yes and no"):
        prepare(tmp_path, "customers", "customer_id,consent", list_people(*"112211"))
    rows = list_people("0.4", "1", "0", "1", "3", "0")
    table, quality = prepare(tmp_path, "customers", "customer_id,consent", rows)
    assert table["consent"].isna().tolist() == [True, False, False, False, False, False]
    assert quality.loc["not_true_or_false_consent", "found"] == "'0.4' (1)"


def test_counts_that_are_never_zero_are_a_warning(tmp_path):
    rows = list_people(*"13524")
    _, quality = prepare(tmp_path, "customers", "customer_id,consent", rows)
    assert quality.loc["counts_consent", "severity"] == "warning"


def test_words_of_other_languages_and_of_mail_tools_are_yes_and_no(tmp_path):
    words = ["Subscribed", "Unsubscribed", "ja", "Nein", "oui", "non", "opted out", "Granted"]
    table, quality = prepare(tmp_path, "customers", "customer_id,consent", list_people(*words))
    assert table["consent"].tolist() == [True, False, True, False, True, False, False, True]
    assert not quality.index.str.contains("consent").any()


def list_answers(*answers: tuple[str, str, str]) -> list[str]:
    return [",".join(answer) for answer in answers]


def test_an_answer_that_cannot_be_read_is_counted_and_leaves_no_score(tmp_path):
    answers = [(f"C{n}", question, "4") for n in range(9) for question in SCALE["questions"]]
    answers[1] = ("C0", "Glad?", "very much")
    header = "customer_id,question,answer"
    rows = list_answers(*answers)
    _, quality = prepare(tmp_path, "responses", header, rows, scales=[SCALE])
    told = quality.loc["unreadable_psychographic_mood"]
    assert (told["severity"], told["row_count"]) == ("warning", 1)
    assert told["found"] == "'very much' (1)"


def test_who_gave_an_unreadable_answer_has_no_score_until_a_later_one_can_be_read():
    answers = pd.DataFrame(
        [
            ("a", "Calm?", "5"),
            ("a", "Glad?", "often"),
            ("b", "Calm?", "5"),
            ("c", "Calm?", "2"),
            ("c", "Glad?", "often"),
            ("c", "Glad?", "4"),
            ("d", "Calm?", "1"),
            ("d", "Glad?", "9"),
        ],
        columns=["customer_id", "question", "answer"],
    )
    scores = score_attitudes(
        ibis.memtable(answers), BaseSettings(scales=[SCALE]), as_of=datetime.date(2024, 12, 31)
    ).to_pandas()
    known = scores.set_index("customer_id")["psychographic_mood"].dropna()
    assert known.to_dict() == {"b": 5.0, "c": 3.0}


def test_a_question_answered_in_words_is_refused_with_the_words(tmp_path):
    answers = [(f"C{n}", "Calm?", "4") for n in range(9)]
    answers += [(f"C{n}", "Glad?", "agree") for n in range(9)]
    rows = list_answers(*answers)
    with pytest.raises(DataError, match=r"'Glad\?' are no numbers from 1 to 5.*'agree' \(9\)"):
        prepare(tmp_path, "responses", "customer_id,question,answer", rows, scales=[SCALE])


def test_a_question_that_nobody_was_asked_is_refused_with_the_nearest(tmp_path):
    answers = [("C1", "Calm?", "4"), ("C1", "Glad ?", "4")]
    rows = list_answers(*answers)
    with pytest.raises(DataError, match=r"'Glad\?' that the plan names.*Did you mean 'Glad \?'"):
        prepare(tmp_path, "responses", "customer_id,question,answer", rows, scales=[SCALE])


def test_a_choice_whose_options_nobody_took_is_a_warning(tmp_path):
    choice = {
        "name": "more",
        "base": "benefit",
        "question": "More of?",
        "separator": ";",
        "options": {"gifts": "Gift wrap"},
    }
    header = "customer_id,question,answer"
    rows = ["C1,More of?,Gifts", "C2,More of?,Gifts; Speed", "C3,More of?,Speed;Gift wrap"]
    _, quality = prepare(tmp_path, "responses", header, rows, choices=[choice])
    told = quality.loc["no_option_benefit_more"]
    assert (told["severity"], told["row_count"]) == ("warning", 2)


def test_levels_spelt_otherwise_are_told_and_can_be_joined(tmp_path):
    rows = [f"P{n},{name}" for n, name in enumerate(["Garden", "garden", "GARDEN ", "Toys"])]
    header = "product_id,category"
    table, quality = prepare(tmp_path, "products", header, rows)
    told = quality.loc["spellings_category"]
    assert (told["severity"], told["row_count"]) == ("warning", 2)
    assert 'category = { "GARDEN" = ["Garden", "garden"] }' in told["found"]
    spec = {"levels": {"category": {"Garden": ["garden"]}}}
    table, quality = prepare(tmp_path, "products", header, rows, spec=spec)
    assert table["category"].tolist() == ["Garden", "Garden", "Garden", "Toys"]
    assert "spellings_category" not in quality.index


def test_a_country_is_one_by_its_codes_and_names(tmp_path):
    rows = list_people("UK", "United Kingdom", "GBR", "uk", "France", "FR", "Spain")
    _, quality = prepare(tmp_path, "customers", "customer_id,country", rows)
    assert quality.loc["spellings_country", "row_count"] == 4
    spec = {"levels": {"country": {"United Kingdom": ["UK", "GBR"], "France": ["FR"]}}}
    table, _ = prepare(tmp_path, "customers", "customer_id,country", rows, spec=spec)
    assert table["country"].value_counts().to_dict() == {
        "United Kingdom": 4,
        "France": 2,
        "Spain": 1,
    }


def test_levels_of_no_category_cannot_be_joined(tmp_path):
    spec = {"levels": {"countri": {"a": ["b"]}}}
    rows = list_people("SE", "FI")
    with pytest.raises(DataError, match=r"'countri'.*Did you mean 'country'"):
        prepare(tmp_path, "customers", "customer_id,country", rows, spec=spec)


@pytest.mark.parametrize(
    "levels", [("<5", ">5"), ("A+", "A-"), ("1-2", "12"), ("+", "-"), ("25-50", "2550")]
)
def test_signs_that_say_something_keep_levels_apart(levels):
    assert group_spellings([(level, 1) for level in levels]) == []


@given(st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=20))
def test_each_level_stands_in_one_group_at_most(levels):
    groups = group_spellings([(level, 1) for level in levels])
    told = [level for group in groups for level, _ in group]
    assert len(told) == len(set(told))
    assert set(told) <= set(levels)


def make_customers(values) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"hint": values, "kind": rng.choice(["a", "b"], len(values))})


@pytest.mark.parametrize("method", ["kprototypes", "latent_classes"])
def test_a_column_that_differs_for_nearly_everybody_is_no_category(method):
    values = [f"user{n}@mail.example" for n in range(95)] + ["info@mail.example"] * 5
    scheme = make_scheme(method)
    with pytest.raises(SegkitError, match=r"'hint' is no category.*96 different values of 100"):
        fit(make_customers(values), scheme)


@pytest.mark.parametrize("method", ["kprototypes", "latent_classes"])
@pytest.mark.parametrize("smallest_cell", [5, 12])
def test_no_level_of_a_few_customers_stands_in_the_document(method, smallest_cell):
    sizes = {"oak": 60, "ash": 40, "elm": 11, "yew": 5, "fir": 4, "Ann Example": 1}
    values = [name for name, size in sizes.items() for _ in range(size)]
    scheme = make_scheme(method, privacy={"smallest_cell": smallest_cell})
    text = fit(make_customers(values), scheme).model_dump_json()
    for name, size in sizes.items():
        assert (f'"{name}"' in text) == (size >= smallest_cell), name


def make_scheme(method: str, **others):
    scheme = {"name": "groups", "goal": "keep", "base": "demographic", "method": method}
    schemes = [{**scheme, "columns": ["hint", "kind"], "segments": 2}]
    folder = Path()
    plan: Plan = make_plan(folder, {"customers": "c.csv"}, schemes=schemes, **others)
    return plan.schemes[0]


def fit(customers: pd.DataFrame, scheme):
    day = datetime.date(2024, 12, 31)
    found, _ = fit_segmentation(customers, scheme, n_segments=2, as_of=day, random_state=0)
    return found


def test_a_scheme_may_pool_more_levels_but_not_show_smaller_ones(tmp_path):
    scheme = {"name": "s", "goal": "keep", "base": "value", "method": "tiers"}
    with pytest.raises(ValueError, match="smallest_level of scheme s is below smallest_cell, 5"):
        make_plan(
            tmp_path,
            {"customers": "c.csv"},
            schemes=[{**scheme, "smallest_level": 2}],
            privacy={"smallest_cell": 5},
        )


def test_two_small_levels_are_not_told_by_being_the_largest():
    levels = pd.DataFrame({"x": ["a", "b"] * 4 + [None] * 40})
    with pytest.raises(SegkitError, match="no value that 5 customers share"):
        learn_levels(levels, "x")
