"""Arms of campaigns at the door: spellings get the plan's names, others are refused."""

from __future__ import annotations

import pandas as pd
import pytest
from pydantic import ValidationError
from small_plans import make_plan, write_lines

from segkit.data.arms import suggest_arms
from segkit.data.checks import check_plan, prepare_tables
from segkit.plan.campaigns import Campaigns

HEADER = "customer_id,sent_at,campaign_id,arm,opened,bounced"


def write_messages(folder, *arms):
    path = folder / "messages.csv"
    rows = [f"C{n},2024-02-0{n},M,{arm},false,false" for n, arm in enumerate(arms, 1)]
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def plan_messages(folder, *arms, **campaigns):
    tables = {"order_lines": write_lines(folder), "messages": write_messages(folder, *arms)}
    others = {"campaigns": campaigns} if campaigns else {}
    return make_plan(folder, tables, **others)


def read_arms(folder, *arms, **campaigns):
    prepared = prepare_tables(plan_messages(folder, *arms, **campaigns), folder / "runs")
    table = pd.read_parquet(prepared.paths["messages"])
    return [None if pd.isna(arm) else arm for arm in table["arm"]], prepared.quality


def test_an_arm_that_nobody_named_is_refused_with_the_line_to_write(tmp_path):
    report = check_plan(plan_messages(tmp_path, "segmented", "No E-Mail"))
    (problem,) = report.problems
    text = problem.describe()
    assert "the plan does not name these arms" in text
    assert "'No E-Mail' (1); it knows segmented, unsegmented, control" in text
    line = 'arms = { segmented = [], unsegmented = [], control = [], no_e_mail = ["No E-Mail"] }'
    assert line in text


def test_spellings_become_the_name_whatever_their_capitals_blanks_and_hyphens(tmp_path):
    arms = {"control": ["no e-mail"], "men": ["Mens E-Mail"], "women": ["womens_e_mail"]}
    written = ("No E-Mail", "NO_E-MAIL ", "mens e mail", "Womens E-Mail", "", "Control")
    found, quality = read_arms(tmp_path, *written, arms=arms)
    assert found == ["control", "control", "men", "women", None, "control"]
    assert not quality["rule"].str.startswith("spellings").any(), "they are one arm, and no twins"


def test_without_a_word_of_the_plan_the_usual_arms_are_known(tmp_path):
    found, _ = read_arms(tmp_path, "Segmented", "UNSEGMENTED", "control")
    assert found == ["segmented", "unsegmented", "control"]


def test_the_tables_are_checked_anew_once_the_plan_names_other_arms(tmp_path):
    found, _ = read_arms(tmp_path, "a", "b", arms={"old": ["a"], "new": ["b"]})
    assert found == ["old", "new"]
    found, _ = read_arms(tmp_path, "a", "b", arms={"control": ["a"], "new": ["b"]})
    assert found == ["control", "new"]


def test_a_column_of_very_many_values_is_no_arm(tmp_path):
    path = tmp_path / "messages.csv"
    rows = [f"C{n % 3},2024-02-01,M,value {n},false,false" for n in range(150)]
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    tables = {"order_lines": write_lines(tmp_path), "messages": path}
    (problem,) = check_plan(make_plan(tmp_path, tables)).problems
    assert "more values than a campaign has arms" in problem.describe()


def test_the_line_that_is_offered_can_be_written_into_a_plan():
    import tomllib

    known = Campaigns(arms={"control": ["hold out"], "Mail A": ["a"]}).list_spellings()
    for value in ('19" rack', "Größe", "-", "plain"):
        written = tomllib.loads(suggest_arms([value], known))["arms"]
        arms = Campaigns(arms=written).list_spellings()
        assert set(known) <= set(arms)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"arms": {"a": ["x"], "b": ["X "]}}, "two arms"),
        ({"arms": {"a": ["Control"]}}, "no spelling"),
        ({"compared": [("segmented", "other")]}, "'other'"),
        ({"compared": [("segmented", "segmented")]}, "itself"),
        ({"shares": {"segmented": 0.5}}, "1 together"),
        ({"shares": {"other": 0.5}}, "'other'"),
        ({"primary": "opened", "outcomes": ["converted"]}, "none of the outcomes"),
        ({"primary": "converted", "smallest_effect": 2}, "below 1"),
        ({"smallest_effect": 2}, "below 1"),
        ({"arms": {}}, "at least 1"),
        ({"assigned": "by lot"}, "random"),
    ],
)
def test_what_contradicts_itself_is_told(wrong, says):
    with pytest.raises(ValidationError, match=says):
        Campaigns(**wrong)


def test_each_arm_is_compared_with_control_and_pairs_besides():
    plan = Campaigns(arms={"a": [], "b": [], "control": []}, compared=[("b", "a")])
    assert plan.list_comparisons() == [("a", "control"), ("b", "control"), ("b", "a")]
    assert Campaigns(arms={"a": [], "b": []}).list_comparisons() == []
