"""Kind: any input at all; a hundred of the fuzz end in words, and their accounts add up."""

from __future__ import annotations

import json

from tests.attacks.fuzz import attack, read_input, summarise
from tests.attacks.inputs import make_input


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
    result = read_input(1, 2) | {"seed": 1, "message": "from the file"}
    kept.write_text(json.dumps(result) + "\n")
    (again,) = attack([2], seed=1, kept=kept)
    assert again["message"] == "from the file"


def test_a_fault_is_in_the_summary():
    bad = {"number": 7, "code": 70, "faults": ["exit 70"], "seconds": 1, "message": "oh"}
    assert "7: exit 70 | oh" in summarise([bad])
