"""KPIs in the plan: each fault is told with its line, and only the language of rules is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from segkit.core.errors import PlanError, SegkitError
from segkit.plan.amount_language import read_amount
from segkit.plan.kpis import DATES, DERIVED, MEASURES, Kpi, list_kinds
from segkit.plan.reading import read_plan

TEMPLATE = Path(__file__).parent.parent / "plan.toml"
OWN = """
[[kpis]]
name = "late"
text = "Late tickets"
over = "tickets"
measure = "share"
where = "satisfaction <= 2"
when = "topic = 'delivery'"
"""


def write_plan(folder: Path, added: str, *replaced: tuple[str, str]) -> Path:
    text = TEMPLATE.read_text(encoding="utf-8")
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "plan.toml"
    path.write_text(text.replace("# Tables: ", added + "\n# Tables: ", 1), encoding="utf-8")
    return path


def read_faults(folder: Path, added: str, *replaced: tuple[str, str]) -> str:
    with pytest.raises(PlanError) as caught:
        read_plan(write_plan(folder, added, *replaced))
    return str(caught.value)


def test_a_plan_may_follow_kpis_of_its_own_and_ready_made_ones(tmp_path):
    plan = read_plan(write_plan(tmp_path, OWN, ('kpi = "mean_order_value"', 'kpi = "late"')))
    assert plan.goals[1].kpi == "late"
    assert plan.kpis[-1].conditions == {"where": "satisfaction <= 2", "when": "topic = 'delivery'"}
    assert plan.kpis[0].is_ready_made


FAULTS = {
    "a column that is not there": (
        ("satisfaction <= 2", "satisfactoin <= 2"),
        ["in 'where' there is no column 'satisfactoin', at position 1", "'satisfaction'"],
    ),
    "a kind that does not fit": (
        ("satisfaction <= 2", "satisfaction = 'low'"),
        ["'=' does not go with a number and text"],
    ),
    "no condition": (("satisfaction <= 2", "satisfaction"), ["this is a number"]),
    "a function that reads files": (
        ("satisfaction <= 2", "read_text('/etc/passwd') = ''"),
        ["functions cannot stand in a condition"],
    ),
    "a second statement": (("satisfaction <= 2", "satisfaction <= 2; drop table x"), ["cannot"]),
    "a subquery": (("satisfaction <= 2", "satisfaction in (select 1)"), ["select"]),
    "what is personal": (("satisfaction <= 2", "body like '%x%'"), ["no column 'body'"]),
    "a customer": (("satisfaction <= 2", "customer_id = '1'"), ["no column 'customer_id'"]),
    "a table that is not there": (('"tickets"', '"ticket"'), ["kpis.6.over", "'tickets'"]),
    "a measure that is not there": (('"share"', '"shares"'), ["'share'"]),
    "a share without where": (('where = "satisfaction <= 2"\n', ""), ["a share needs where"]),
    "a sum without of": (('measure = "share"', 'measure = "sum"'), ["sum needs of"]),
    "a name of a ready-made one": (('"late"', '"open_share"'), ["name of a ready-made KPI"]),
    "a name with no more": (
        (OWN.split("\n", 3)[3], ""),
        ["no ready-made KPI 'late'", "needs text, over and measure"],
    ),
    "an unknown key": (('when = "', 'wen = "'), ["unknown key 'kpis.6.wen'", "'when'"]),
    "days below one": (('measure = "share"', 'measure = "share"\ndays = 0'), ["kpis.6.days"]),
    "a date that is none": (
        ('measure = "share"', 'measure = "share"\ndate = "resolved"'),
        ["no column of dates 'resolved'", "'resolved_at'"],
    ),
    "words with an underscore": (('"Late tickets"', '"late_tickets"'), ["without _"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_kpi_is_told_with_its_line(tmp_path, fault):
    (old, new), words = FAULTS[fault]
    assert old in OWN
    told = read_faults(tmp_path, OWN.replace(old, new, 1))
    line = (tmp_path / "plan.toml").read_text().splitlines().index("[[kpis]]", 60) + 1
    assert "plan.toml, line " in told
    assert int(told.split("line ")[1].split(":")[0]) >= line - 60
    for word in words:
        assert word in told, told


def test_two_kpis_of_one_name_are_refused(tmp_path):
    assert "two KPIs are called 'late'" in read_faults(tmp_path, OWN + OWN)


def test_a_goal_names_a_kpi_that_there_is(tmp_path):
    told = read_faults(tmp_path, OWN, ('kpi = "repeat_share"', 'kpi = "lat"'))
    assert "'goals.0.kpi'" in told
    assert "Did you mean 'late'?" in told


def test_a_state_of_customers_has_no_days():
    given = {"name": "rich", "text": "Rich", "over": "customers", "measure": "count"}
    assert Kpi(**given).time == ""
    with pytest.raises(ValueError, match="take out days"):
        Kpi(**given, days=30)
    assert Kpi(**given, days=30, date="signed_up_on").time == "signed_up_on"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"measure": "count", "of": "line_amount"}, "count has no of"),
        ({"measure": "ratio", "of": "line_amount"}, "ratio needs per"),
        ({"measure": "mean", "of": "line_amount", "per": "quantity"}, "mean has no per"),
        ({"measure": "mean", "of": "line_amount", "when": "quantity > 1"}, "write where"),
        ({"measure": "mean", "of": "line_amount", "text": ""}, "needs text"),
        ({"measure": "count", "unit": " pieces"}, "spaces at its ends"),
    ],
)
def test_the_parts_of_a_kpi_fit_its_measure(parts, words):
    given = {"name": "own", "text": "Own", "over": "order_lines"}
    with pytest.raises(ValueError, match=words):
        Kpi(**(given | parts))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quantity > 1", "an amount is a number, but this is true or false"),
        ("country", "an amount is a number, but this is text"),
        ("2 * 3", "reads at least one column"),
        ("sum(quantity)", "functions cannot stand"),
        ("quantty", "Did you mean 'quantity'"),
    ],
)
def test_an_amount_is_arithmetic_with_columns(text, words):
    kinds = list_kinds("order_lines")
    assert read_amount("quantity * unit_price - 1", kinds).columns == ("quantity", "unit_price")
    with pytest.raises(SegkitError, match=words):
        read_amount(text, kinds)


def test_no_kpi_can_name_a_customer_or_what_is_personal():
    for table in DATES:
        kinds = list_kinds(table)
        assert not {"customer_id", "email", "name", "body", "loyalty_card_id"} & set(kinds)
        assert set(DERIVED.get(table, {})) <= set(kinds)


def test_every_ready_made_kpi_is_on_the_page_of_kpis():
    page = (TEMPLATE.parent / "docs" / "kpis.md").read_text(encoding="utf-8")
    assert [name for name in MEASURES if f"`{name}`" not in page] == []
