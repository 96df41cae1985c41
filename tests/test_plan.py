"""A plan is read whole or refused with every fault and its line."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segkit.core.errors import PlanError, SegkitError, UsageError
from segkit.data.input_hashes import find_files
from segkit.plan import models
from segkit.plan.reading import read_plan

TEMPLATE = Path(__file__).parent.parent / "plan.toml"


def write_plan(folder: Path, *replacements: tuple[str, str]) -> Path:
    text = TEMPLATE.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_template_is_a_good_plan():
    plan = read_plan(TEMPLATE)
    assert plan.as_of == datetime.date(2026, 6, 30)
    assert plan.schemes[-1].segments == (2, 6)
    assert plan.schemes[0].segments == (3, 3)
    assert plan.run_folder == TEMPLATE.parent / "runs" / "sample_shop"


def test_a_plan_cannot_be_changed_once_read():
    with pytest.raises(ValueError, match="frozen"):
        read_plan(TEMPLATE).name = "other"


def test_a_plan_is_found_from_a_folder_below(tmp_path, monkeypatch):
    path = write_plan(tmp_path)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert read_plan("plan.toml").path == path.resolve()


FAULTS = {
    "unknown key": (("owner =", "ownr ="), ["unknown key 'ownr'", "Did you mean 'owner'?"]),
    "missing key": (('currency = "EUR"\n', ""), ["'currency' is missing"]),
    "unknown measure": (
        ('kpi = "repeat_share"', 'kpi = "repeat"'),
        ["goals.0.kpi", "'repeat'", "repeat_share"],
    ),
    "unknown table": (("[tables.trends]", "[tables.trend]"), ["'trend'", "'trends'"]),
    "unknown column": (
        ("[tables.orders]\n", '[tables.orders]\ncolumns = { order_idd = "x" }\n'),
        ["'orders' has no column 'order_idd'", "'order_id'"],
    ),
    "unknown goal": (('goal = "grow"', 'goal = "gro"'), ["no goal 'gro'", "'grow'"]),
    "unknown method": (('method = "rfm"', 'method = "rfn"'), ["'rfn'", "'rfm'"]),
    "no date": (("as_of = 2026-06-30", 'as_of = "soon"'), ["'as_of' is not right", "'soon'"]),
    "too many segments": (("segments = 3", "segments = 33"), ["both within 2 to 20", "33"]),
    "a share above one": (
        ("smallest_value_share = 0.02", "smallest_value_share = 2"),
        ["criteria.smallest_value_share", "less than or equal to 1"],
    ),
    "two schemes of one name": (('name = "rfm"', 'name = "value_tiers"'), ["two schemes"]),
    "a scheme that is not there": (
        ('# final_scheme = "behaviour"', 'final_scheme = "behavior"'),
        ["no scheme 'behavior'", "'behaviour'"],
    ),
    "an own feature that is a column": (
        ("[tables.customers]\n", '[tables.customers]\nfeatures = { income = "Pay" }\n'),
        ["'income' is a column of customers", "[tables.customers.columns]", '"Pay"'],
    ),
    "an own feature without a good name": (
        ("[tables.customers]\n", '[tables.customers]\nfeatures = { Wine = "MntWines" }\n'),
        ["'Wine' cannot be a feature's name"],
    ),
    "an own feature that hides what segkit adds": (
        ("[tables.customers]\n", '[tables.customers]\nfeatures = { segment_name = "x" }\n'),
        ["'segment_name' cannot be a feature's name"],
    ),
    "own features as a list": (
        ("[tables.customers]\n", '[tables.customers]\nfeatures = ["MntWines"]\n'),
        ["tables.customers.features", 'give "all", or names with columns'],
    ),
    "features of another table": (
        ("[tables.orders]\n", '[tables.orders]\nfeatures = "all"\n'),
        ["'orders' has no features", "[tables.customers]"],
    ),
    "a table without a place": (
        ('path = "data/sample/orders.parquet"', 'sheet = "x"'),
        ["give one of path, connection and query"],
    ),
    "two characters for one": (
        ("[tables.orders]\n", '[tables.orders]\ndelimiter = "||"\n'),
        ["'tables.orders.delimiter' is not right", "'||'"],
    ),
    "an unknown policy": (("returns = ", "retruns = "), ["policies.retruns", "'returns'"]),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_named_with_its_line_and_what_to_do(case, tmp_path):
    replacement, expected = FAULTS[case]
    path = write_plan(tmp_path, replacement)
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    message = str(caught.value)
    assert "plan.toml, line " in message
    for text in expected:
        assert text in message


def test_the_line_is_the_right_one(tmp_path):
    path = write_plan(tmp_path, ("zero_prices =", "zero_price ="))
    number = next(
        i for i, line in enumerate(path.read_text().splitlines(), 1) if line.startswith("zero_")
    )
    with pytest.raises(PlanError, match=rf"line {number}: unknown key 'policies.zero_price'"):
        read_plan(path)


def test_all_faults_are_reported_at_once(tmp_path):
    replacements = [FAULTS[case][0] for case in ("unknown key", "unknown measure", "no date")]
    with pytest.raises(PlanError) as caught:
        read_plan(write_plan(tmp_path, *replacements))
    assert len(caught.value.faults) == 4  # the misspelt owner is also missing


def test_broken_toml_names_its_line(tmp_path):
    path = write_plan(tmp_path, ('title = "', "title = "))
    with pytest.raises(SegkitError, match=r"plan.toml, line 5: this is not valid TOML"):
        read_plan(path)


@pytest.mark.parametrize(
    "path", [r"C:\Users\ann\lines.csv", r"data\orders.csv", r"D:\xml", "C:\\data\\"]
)
def test_a_path_as_windows_writes_it_is_told_how_to_be_written(tmp_path, path):
    written = write_plan(tmp_path, ("data/sample/orders.parquet", path))
    with pytest.raises(SegkitError, match="Write paths with / or in single quotes") as raised:
        read_plan(written)
    lines = written.read_text(encoding="utf-8").splitlines()
    (line,) = [number for number, text in enumerate(lines, start=1) if path in text]
    assert raised.value.where == f"plan.toml, line {line}"


def test_a_path_whose_backslash_became_a_tab_shows_it(tmp_path):
    plan = read_plan(write_plan(tmp_path, ("data/sample/orders.parquet", r"C:\temp\tab.csv")))
    with pytest.raises(SegkitError, match="Write paths with / or in single quotes") as raised:
        find_files(plan, plan.tables["orders"])
    assert raised.value.where == r"C:\temp\tab.csv"


NEW_PLAN = Path(models.__file__).parent.parent / "templates" / "plan.toml"


def test_a_new_plan_says_what_to_fill_in_and_nothing_else(tmp_path):
    with pytest.raises(PlanError) as raised:
        read_plan(NEW_PLAN)
    keys = [fault.message.split("'")[1] for fault in raised.value.faults]
    assert keys == [
        "title", "owner", "scope", "target_market", "budget", "currency",
        "tables.order_lines.path",
    ]  # fmt: skip
    assert 'currency = "EUR"' in str(raised.value)
    assert all("line " in fault.where for fault in raised.value.faults)


def test_a_new_plan_that_is_filled_in_has_nothing_of_the_sample(tmp_path):
    text = NEW_PLAN.read_text(encoding="utf-8")
    text = text.replace('currency = "FILL IN"', 'currency = "USD"').replace("FILL IN", "mine.csv")
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    plan = read_plan(tmp_path / "plan.toml")
    sample = read_plan(TEMPLATE)
    assert list(plan.tables) == ["order_lines"]
    assert plan.policies == models.Policies()
    assert plan.as_of is None
    assert not (plan.scales)
    assert not (plan.choices)
    assert not (plan.territories)
    assert not (plan.accepted_warnings)
    assert plan.name != sample.name
    active = [line for line in text.splitlines() if not line.startswith("#")]
    assert not [line for line in active if "Nordic" in line or "sample" in line]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('order_lines.unknown_customer = "x"', "write each name in quotes"),
        ('"unknown_customer" = "x"', "is not a table and its rule"),
        ('"order_line.unknown_customer" = "x"', "Did you mean 'order_lines'"),
        ('"order_lines.unknown_customer" = " "', "has no reason"),
        ('"order_lines.unknown_customer" = 3', "write each name in quotes"),
    ],
)
def test_an_answer_to_a_warning_names_table_and_rule_and_has_a_reason(tmp_path, written, told):
    path = write_plan(tmp_path, ("[engine]", f"[accepted_warnings]\n{written}\n[engine]"))
    with pytest.raises(PlanError, match="accepted_warnings") as raised:
        read_plan(path)
    assert told in str(raised.value)


def test_a_good_answer_to_a_warning_is_read(tmp_path):
    written = '[accepted_warnings]\n"order_lines.unknown_customer" = "no names"\n[engine]'
    plan = read_plan(write_plan(tmp_path, ("[engine]", written)))
    assert plan.accepted_warnings == {"order_lines.unknown_customer": "no names"}


def test_a_plan_in_another_encoding_is_refused_with_its_line(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_bytes(b'name = "x"\ntitle = "Caf\xe9"\n')
    with pytest.raises(SegkitError, match="line 2: the plan is not UTF-8"):
        read_plan(path)


def test_a_plan_that_is_not_there_is_a_wrong_call(tmp_path):
    with pytest.raises(UsageError, match="there is no such plan"):
        read_plan(tmp_path / "nothing.toml")


def test_an_empty_plan_lists_what_is_missing(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text("")
    with pytest.raises(PlanError, match="'goals' is missing"):
        read_plan(path)


def test_a_plan_needs_order_lines_or_customers(tmp_path):
    text = TEMPLATE.read_text(encoding="utf-8")
    head, tables = text.split("[tables.order_lines]", 1)
    rest = tables[tables.index("[policies]") :]
    path = tmp_path / "plan.toml"
    path.write_text(f'{head}[tables.trends]\npath = "t.csv"\n\n{rest}', encoding="utf-8")
    with pytest.raises(PlanError, match="no table that names customers"):
        read_plan(path)
    customers = '[tables.customers]\npath = "c.csv"\n\n[tables.customers.features]\nwine = "W"\n'
    path.write_text(head + customers + rest, encoding="utf-8")
    assert read_plan(path).tables["customers"].features == {"wine": "W"}


@given(st.text(max_size=200))
def test_no_text_is_read_with_a_traceback(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    path.write_text(text, encoding="utf-8", errors="ignore")
    with pytest.raises(SegkitError):
        read_plan(path)
