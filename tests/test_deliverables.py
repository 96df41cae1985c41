"""Deliverables are ticked from what a run produced, never because somebody says so."""

from __future__ import annotations

import pkgutil
from fnmatch import fnmatchcase
from importlib import import_module

import pandas as pd
import pytest
from published import publish, read_texts
from small_plans import make_plan

import segkit.report
from segkit.core.errors import PlanError
from segkit.core.files import write_json
from segkit.core.findings import ABSENCE, HIDDEN
from segkit.evidence.deliverables import (
    FOR_THE_ANALYST,
    NOT_PRODUCED,
    PRODUCED,
    PROOFS,
    tick_deliverables,
)
from segkit.plan.deliverables import SHOWN, Deliverable
from segkit.plan.reading import read_plan
from segkit.report.deliverables import DELIVERABLES, name_pages, state_deliverables
from segkit.report.shared.views import View
from segkit.runs.layout import RunFolder
from segkit.runs.outputs import write_frame


@pytest.fixture
def run(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def leave(run: RunFolder, step: str, name: str, table: pd.DataFrame) -> None:
    """Leave a published table as a step does, with the records of its cells."""
    write_frame(run.step(step).published_table(name), table)
    write_frame(run.step(step).published_cells(name), pd.DataFrame({"value": [1]}))


def tick(run: RunFolder, shows: str | None) -> pd.Series:
    return tick_deliverables([Deliverable(text="It", shows=shows)], run).iloc[0]


ROWS = pd.DataFrame({"segment_name": ["Loyal"], "customer_count": [9]})


@pytest.mark.parametrize("shows", SHOWN)
def test_nothing_is_ticked_before_a_step_ran(run, shows):
    row = tick(run, shows)
    assert row["produced"] == NOT_PRODUCED
    assert row["reason"]


@pytest.mark.parametrize("shows", SHOWN)
def test_each_kind_is_ticked_by_a_table_or_a_fact_that_is_there(run, shows):
    proof = PROOFS[shows]
    for pattern in proof.tables[:1]:
        leave(run, proof.step, pattern.replace("*", "_of_it"), ROWS)
    if proof.facts:
        write_json(run.step(proof.step).facts, {proof.facts[0]: [{"kind": "a.b.c"}]})
    row = tick(run, shows)
    assert (row["produced"], row["step"], row["reason"]) == (PRODUCED, proof.step, "")


def test_what_the_plan_does_not_type_is_left_to_the_analyst(run):
    leave(run, "05_analysis", "sizes", ROWS)
    assert tick(run, None)["produced"] == FOR_THE_ANALYST


def test_an_empty_table_shows_nothing(run):
    leave(run, "05_analysis", "sizes", ROWS.head(0))
    assert tick(run, "segments")["produced"] == NOT_PRODUCED


def test_a_table_of_which_all_is_hidden_shows_nothing(run):
    leave(run, "05_analysis", "sizes", ROWS.assign(**{HIDDEN: True}))
    assert tick(run, "segments")["produced"] == NOT_PRODUCED


def test_a_persona_of_whom_nothing_could_be_said_is_none(run):
    write_json(run.step("05_analysis").facts, {"persona": [{"kind": ABSENCE}]})
    assert tick(run, "personas")["produced"] == NOT_PRODUCED


def test_a_table_of_another_step_does_not_count(run):
    leave(run, "03_base_analysis", "sizes", ROWS)
    assert tick(run, "segments")["produced"] == NOT_PRODUCED


@pytest.mark.slow
def test_proofs_are_tables_that_the_report_publishes():
    names = set()
    for found in pkgutil.walk_packages(segkit.report.__path__, "segkit.report."):
        module = import_module(found.name)
        names |= {view.shape.name for view in vars(module).values() if isinstance(view, View)}
    assert set(PROOFS) == set(SHOWN)
    for proof in PROOFS.values():
        found = [name for name in names for one in proof.tables if fnmatchcase(name, one)]
        assert found or proof.facts, proof


def test_what_was_not_produced_is_told_with_the_reason(run):
    leave(run, "05_analysis", "sizes", ROWS)
    promised = [
        Deliverable(text="A list of segments", shows="segments"),
        Deliverable(text="The market", shows="market"),
        Deliverable(text="A talk with <b>five</b> customers"),
    ]
    ticked = name_pages(publish(tick_deliverables(promised, run), DELIVERABLES))
    assert ticked.frame["page"].tolist() == ["Analysis", "", ""]
    assert read_texts(state_deliverables(ticked)) == [
        "Of 3 deliverables that the plan promises, this run produced 1; left for the analyst to "
        "tick: 1.",
        "“The market” was not produced: there are no rows of the market's tables.",
    ]


PLAN = """
name = "small"
title = "A"
owner = "B"
scope = "C"
target_market = "D"
budget = "E"
deliverables = [
    "A list",
    { text = "Segments", shows = "segmnts" },
]
currency = "EUR"
[[goals]]
name = "keep"
text = "Keep"
kpi = "total_spend"
due = "soon"
[tables.order_lines]
path = "lines.csv"
[[schemes]]
name = "tiers"
goal = "keep"
base = "value"
method = "tiers"
[readiness]
answers = { sale = "yes" }
"""


def test_faults_of_deliverables_goals_and_answers_are_told_with_their_lines(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    told = str(caught.value)
    assert "'segmnts'" in told
    assert "Did you mean 'segments'?" in told
    assert "plan.toml, line 17: 'goals.0.due' is not right" in told
    assert "there is no question 'sale'. Did you mean 'sales'?" in told


def test_deliverables_are_texts_or_tables_of_the_plan(tmp_path):
    typed = {"text": "Segments", "shows": "segments"}
    plan = make_plan(tmp_path, {}, deliverables=["A list", typed])
    assert [one.shows for one in plan.deliverables] == [None, "segments"]
    with pytest.raises(ValueError, match="at least 1"):
        make_plan(tmp_path, {}, deliverables=[])
