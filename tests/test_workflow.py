"""Running a plan: what runs, what is skipped and why, what is refused, what a failure leaves."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segkit.core.files import hash_source

sys.path.insert(0, str(Path(__file__).parent))
from fake_shop import PLAN, call_run, finish_run, make_shop, start_run, write_notebook

from segkit.core.errors import SegkitError, UsageError
from segkit.core.locks import hold_lock
from segkit.workflow.publishing import read_pointer, verify_publication
from segkit.workflow.steps import (
    STEPS,
    Parameter,
    explain_change,
    find_step,
    parse_value,
    read_parameters,
    resolve_overrides,
)

ALL = ["tables", *STEPS]


def read_states(answer: dict) -> dict[str, str]:
    return {step["name"]: step["state"] for step in answer["steps"]}


def read_reasons(answer: dict) -> dict[str, str]:
    return {step["name"]: step["reason"] for step in answer["steps"]}


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> tuple[Path, dict]:
    folder = make_shop(tmp_path_factory.mktemp("ran") / "shop")
    code, answer, messages = finish_run(folder)
    assert code == 0, messages
    return folder, answer


@pytest.fixture
def shop(ran, tmp_path) -> Path:
    """A copy of a shop that ran, with its times of change."""
    return Path(shutil.copytree(ran[0], tmp_path / "shop"))


# ---------------------------------------------------------------- whole runs


@pytest.mark.slow
def test_without_as_of_the_run_counts_until_the_last_day_in_the_data(tmp_path):
    shop = make_shop(tmp_path / "shop")
    (shop / "plan.toml").write_text(PLAN.replace("as_of = 2026-01-31\n", ""), encoding="utf-8")
    code, answer, messages = call_run(shop)
    assert code == 0, messages
    published = Path(answer["index"]).parent
    record = json.loads((published / "run.json").read_text())
    assert (record["as_of"], record["as_of_from"]) == ("2026-01-28", "order_lines")
    assert "2026-01-28, taken from the data" in (published / "index.html").read_text()
    assert set(read_states(call_run(shop)[1]).values()) == {"skipped"}
    with (shop / "lines.csv").open("a", encoding="utf-8") as lines:
        lines.write("o99,c1,p1,2026-02-03,1,9.5\n")
    code, answer, messages = call_run(shop)
    assert code == 0, messages
    record = json.loads((Path(answer["index"]).parent / "run.json").read_text())
    assert record["as_of"] == "2026-02-03"
    assert "as_of" in read_reasons(answer)["01_plan"]
    assert record["tables"]["order_lines"]["accepted"] == 31


@pytest.mark.slow
def test_a_first_run_runs_every_step_and_publishes(ran):
    folder, answer = ran
    assert answer["ok"]
    assert answer["published"]
    assert read_states(answer) == dict.fromkeys(ALL, "ran")
    assert set(read_reasons(answer).values()) == {"never run"}
    index = Path(answer["index"])
    assert verify_publication(index.parent) == []
    assert read_pointer(folder / "reports" / "tiny") == index.parent.name
    record = json.loads((index.parent / "run.json").read_text())
    assert record["tables"]["order_lines"] == {"read": 30, "accepted": 30, "rejected": 0}
    assert record["random_state"] == 3
    assert record["as_of"] == "2026-01-31"
    assert record["as_of_from"] == "plan"
    assert "pandas" in record["versions"]
    assert str(folder) not in json.dumps(record)


@pytest.mark.slow
@pytest.mark.serial
def test_a_copy_of_the_folder_with_nothing_changed_skips_every_step_quickly(shop):
    begun = time.perf_counter()
    code, answer, _ = finish_run(shop)
    assert code == 0
    assert read_states(answer) == dict.fromkeys(ALL, "skipped")
    assert not answer["published"]
    assert time.perf_counter() - begun < 4  # about 0.5 s on an idle machine


@pytest.mark.slow
def test_only_what_depends_on_a_change_runs_again_and_says_why(shop):
    write_notebook(shop, "04_experience_data", "1 + 1")
    code, answer, _ = call_run(shop)
    assert code == 0
    states = read_states(answer)
    assert [step for step in ALL if states[step] == "ran"] == ["04_experience_data"]
    # What it hands on is as before, so the step after it is current.
    assert read_reasons(answer)["04_experience_data"] == "code changed"
    assert answer["published"]


@pytest.mark.slow
def test_a_changed_parameter_goes_down_the_steps_and_only_so_far(shop):
    code, answer, _ = call_run(shop, "--set", "size=4", "--only", "2")
    assert code == 0
    reasons = read_reasons(answer)
    assert reasons["01_plan"] == "parameters changed: size"
    assert reasons["02_market_review"] == "parameters changed: size"
    assert read_states(answer)["03_base_analysis"] == "not run"
    assert not answer["published"]
    notebook = json.loads((shop / "runs" / "tiny" / "01_plan" / "notebook.ipynb").read_text())
    assert "size = 4" in json.dumps(notebook)
    assert str(shop) not in json.dumps(notebook)


@pytest.mark.slow
def test_the_plan_the_data_and_the_outputs_count_but_comments_and_layout_do_not(shop):
    (shop / "plan.toml").write_text("# a comment\n" + PLAN.replace(" = ", "  =  "))
    assert set(read_states(call_run(shop)[1]).values()) == {"skipped"}
    (shop / "plan.toml").write_text(PLAN.replace("Nobody", "Somebody"))
    (shop / "runs" / "tiny" / "05_analysis" / "page.html").unlink()
    reasons = read_reasons(call_run(shop, "--only", "1")[1])
    assert reasons["01_plan"] == "plan changed: owner"
    assert reasons["tables"] == "nothing changed"
    with (shop / "lines.csv").open("a") as stream:
        stream.write("o99,c1,p1,2026-01-05,1,9.5\n")
    reasons = read_reasons(call_run(shop, "--only", "1")[1])
    assert reasons["tables"] == "input changed: order_lines"
    assert reasons["01_plan"] == "upstream changed: tables"


@pytest.mark.slow
def test_equal_runs_leave_equal_pages_and_notebooks(shop):
    before = {s: (shop / "runs" / "tiny" / s / "notebook.ipynb").read_bytes() for s in STEPS}
    published = shop / "reports" / "tiny"
    pages = {s: (published / read_pointer(published) / f"{s}.html").read_bytes() for s in STEPS}
    code, answer, _ = call_run(shop, "--fresh", "--out", "elsewhere", SEGKIT_FORK="0")
    assert code == 0
    assert read_reasons(answer)["01_plan"] == "asked for"
    for step in STEPS:
        assert (shop / "runs" / "tiny" / step / "notebook.ipynb").read_bytes() == before[step]
        assert (Path(answer["index"]).parent / f"{step}.html").read_bytes() == pages[step]


# ---------------------------------------------------------------- failures


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "code", "message"),
    [
        ("x = 1\nx / 0", 3, "05_analysis.ipynb, cell 4 (x = 1): ZeroDivisionError: division by"),
        (
            "from segkit.core.errors import SegkitError\n"
            "raise SegkitError('one customer is not enough', found='1')",
            1,
            "one customer is not enough. Found: 1.",
        ),
        (
            "from segkit.core.errors import VerdictError\nraise VerdictError('the verdict is no')",
            4,
            "the verdict is no",
        ),
        ("import os\nos._exit(9)", 3, "the kernel ended, perhaps for want of memory"),
    ],
)
def test_a_failing_cell_is_named_and_the_last_report_stays(shop, cell, code, message):
    write_notebook(shop, "05_analysis", cell)
    published = read_pointer(shop / "reports" / "tiny")
    exit_code, answer, messages = call_run(shop)
    assert exit_code == code
    assert message in answer["error"]
    assert message in messages
    assert "05_analysis.ipynb" in answer["error"]
    assert not answer["ok"]
    assert read_states(answer)["05_analysis"] == "failed"
    assert (shop / "runs" / "tiny" / "failed" / "05_analysis.ipynb").is_file()
    assert not (shop / "runs" / "tiny" / "05_analysis" / "step.json").exists()
    assert read_pointer(shop / "reports" / "tiny") == published
    write_notebook(shop, "05_analysis")
    assert call_run(shop)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "sise=4"], "no notebook has a parameter 'sise'. Did you mean 'size'?"),
        (["--set", "size=many"], "the parameter size is not of its type: int. Found: 'many'."),
        (["--set", "as_of=31.01.2026"], "date, written YYYY-MM-DD. Found: '31.01.2026'."),
        (["--set", "run_dir=x"], "the parameter run_dir is set by the run itself"),
        (["--set", "size"], "--set needs NAME=VALUE. Found: 'size'."),
        (["--only", "base_analyses"], "Did you mean 'base_analysis'?"),
        (["nowhere.toml"], "nowhere.toml: there is no such plan"),
        (["--onyl", "1"], "No such option"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_starts(shop, arguments, message):
    shutil.rmtree(shop / "runs")
    code, answer, messages = call_run(shop, *arguments)
    assert code == 2
    assert message in answer["error"]
    assert message in messages
    assert not (shop / "runs").exists()


def test_a_missing_table_is_the_datas_fault(shop):
    (shop / "lines.csv").unlink()
    code, answer, _ = call_run(shop)
    assert code == 1
    assert "lines.csv" in answer["error"]
    assert read_states(answer) == {"tables": "failed"}


# ---------------------------------------------------------------- locks


@pytest.mark.slow
@pytest.mark.serial
def test_a_second_run_waits_and_then_finds_everything_done(shop):
    write_notebook(shop, "05_analysis", "import time; time.sleep(1)")
    first = start_run(shop, "--json")
    lock = shop / "runs" / "tiny" / "lock"
    while f"process {first.pid} on" not in lock.read_text():
        assert first.poll() is None
        time.sleep(0.02)
    code, answer, _ = call_run(shop, "--no-wait")
    assert code == 75
    assert f"process {first.pid} on" in answer["error"]
    second = start_run(shop, "--json")
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in (first, second)]
    assert answers[0]["published"]
    assert set(read_states(answers[1]).values()) == {"skipped"}


def test_the_lock_of_a_dead_owner_is_taken_over(tmp_path):
    lock = tmp_path / "lock"
    if hasattr(os, "fork"):
        pid = os.fork()
        if pid == 0:
            with hold_lock(lock):
                os._exit(0)
        os.waitpid(pid, 0)
        assert f"process {pid} on" in lock.read_text()
    with hold_lock(lock, wait=0):
        assert f"process {os.getpid()} on" in lock.read_text()


def test_the_lock_is_held_against_others_and_says_by_whom(tmp_path):
    said = []
    with hold_lock(tmp_path / "lock"), pytest.raises(SegkitError, match=f"process {os.getpid()}"):  # noqa: SIM117
        with hold_lock(tmp_path / "lock", wait=0.2, tell=said.append):
            pass
    assert len(said) == 1


# ---------------------------------------------------------------- parts


def test_parameters_are_read_with_type_and_default(tmp_path):
    make_shop(tmp_path)
    found = read_parameters(tmp_path / "notebooks" / "01_plan.ipynb")
    assert found["size"] == Parameter("size", "int", 3)
    assert found["random_state"].default == -1


@given(st.integers())
def test_a_whole_number_is_read_back_and_a_fraction_refused(number):
    parameter = Parameter("size", "int", 1)
    assert parse_value(parameter, str(number)) == number
    with pytest.raises(UsageError, match="not of its type: int"):
        parse_value(parameter, f"{number}.5")


@given(st.dates())
def test_a_date_stays_text(day: datetime.date):
    assert parse_value(Parameter("as_of", "str", ""), day.isoformat()) == day.isoformat()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [("bool", "yes", True), ("bool", "False", False), ("float", "1e-3", 0.001), ("str", "7", "7")],
)
def test_values_take_the_annotated_type(kind, text, value):
    assert parse_value(Parameter("p", kind, None), text) == value


@pytest.mark.parametrize(
    ("kind", "text"), [("bool", "maybe"), ("float", "nan"), ("float", "inf"), ("list[str]", "a")]
)
def test_values_of_another_type_are_refused(kind, text):
    with pytest.raises(UsageError, match="not of its type"):
        parse_value(Parameter("p", kind, None), text)


def test_an_override_reaches_only_the_notebooks_that_declare_it():
    declared = {"01_plan": {}, "02_market_review": {"size": Parameter("size", "int", 1)}}
    values = resolve_overrides({"size": "5"}, declared)
    assert values == {"01_plan": {}, "02_market_review": {"size": 5}}


@pytest.mark.parametrize("text", ["03_base_analysis", "base_analysis", "3", "03"])
def test_a_step_is_known_by_name_and_number(text):
    assert find_step(text) == "03_base_analysis"


def test_reasons_name_what_first_differs():
    old = {"code": "a", "parameters": {"x": 1, "y": 2}, "upstream": {"01_plan": "a"}, "source": 1}
    assert explain_change(old, old) == ""
    new = {**old, "parameters": {"x": 1, "y": 3}, "upstream": {"01_plan": "b"}}
    assert explain_change(old, new) == "parameters changed: y"
    assert explain_change(old, {**new, "code": "b"}) == "code changed"
    assert explain_change(old, {**new, "source": 2}) == "segkit changed"
    many = dict.fromkeys("abcde", 1)
    text = "parameters changed: a, b, c and more"
    assert explain_change(old, {**old, "parameters": {**old["parameters"], **many}}) == text


def test_what_numba_leaves_beside_the_source_is_no_change_of_segkit(tmp_path):
    (tmp_path / "a.py").write_text("1")
    before = hash_source(package=tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.nbi").write_text("2")
    assert hash_source(package=tmp_path) == before
    (tmp_path / "a.py").write_text("2")
    assert hash_source(package=tmp_path) != before
