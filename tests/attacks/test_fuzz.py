"""Kind: any input at all; a hundred of the fuzz end in words, and their accounts add up."""

from __future__ import annotations

import datetime
import json

import pytest

from tests.attacks.__main__ import write_page
from tests.attacks.fuzz import attack, summarise
from tests.attacks.inputs import make_input


@pytest.mark.slow
def test_a_hundred_hostile_inputs_end_in_words():
    results = attack(list(range(100)), seed=1)
    assert not [result for result in results if result["faults"]], summarise(results)
    assert {0, 1} <= {result["code"] for result in results}


def test_the_same_number_makes_the_same_input(tmp_path):
    found = []
    for name in "ab":
        (tmp_path / name).mkdir()
        make_input(5, 3, tmp_path / name)
        found.append((tmp_path / name / "plan.toml").read_bytes())
    assert found[0] == found[1]


def test_what_has_ended_is_not_read_again(tmp_path):
    kept = tmp_path / "kept.jsonl"
    result = {"number": 2, "code": 1, "faults": [], "message": "from the file", "seed": 1}
    kept.write_text(json.dumps(result) + "\n")
    (again,) = attack([2], seed=1, kept=kept)
    assert again["message"] == "from the file"


def test_a_fault_is_in_the_summary():
    bad = {"number": 7, "code": 70, "faults": ["exit 70"], "seconds": 1, "message": "oh"}
    assert "7: exit 70 | oh" in summarise([bad])


@pytest.mark.slow
def test_what_timed_out_is_read_once_more_alone(tmp_path):
    kept = tmp_path / "kept.jsonl"
    late = {"number": 2, "code": None, "faults": ["timed out"], "seconds": 60, "message": ""}
    kept.write_text(json.dumps(late | {"seed": 1}) + "\n")
    (again,) = attack([2], seed=1, kept=kept)
    assert again["is_repeated"]
    assert not again["faults"]
    assert "read again alone: 1" in summarise([again])
    (kept_result,) = attack([2], seed=1, kept=kept)
    assert kept_result == again


def test_the_page_counts_what_the_results_say():
    results = [
        {"number": 0, "code": 0, "faults": [], "seconds": 1},
        {"number": 3, "code": 1, "faults": [], "seconds": 2, "is_repeated": True},
        {"number": 4, "code": 70, "faults": ["exit 70"], "seconds": 7},
    ]
    day = datetime.date(2026, 1, 31)
    page = write_page(results, {"kill": 2, "terminate": 1}, seed=9, day=day)
    assert "on 2026-01-31, seed 9." in page
    assert "| plan | 1 | 1 | 0 | 0 | 0 |" in page
    assert "| table | 0 | 0 | 0 | 1 | 1 |" in page
    assert "took 7 seconds; 1 timed" in page
    assert "## 3 runs ended" in page
    assert "| kill | 2 |" in page
