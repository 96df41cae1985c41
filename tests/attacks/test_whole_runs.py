"""Kind: a path is a file, never a pattern nor a format; here for a whole run, from the sample to
the report, in a folder whose name holds the signs of both."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from small_plans import shorten_plan

from segkit.data.sample import make_sample
from segkit.workflow.publishing import verify_publication

ROOT = Path(__file__).parents[2]
SIGNED = "{a} b[1] star* q? %s {0}"
NEIGHBOUR = "{a} b1 starry qx %s {0}"  # what the name would match if it were a pattern


@pytest.mark.parametrize("name", ["{a}", "b[1]", "star*", "q?", SIGNED])
def test_the_sample_shop_is_made_in_a_folder_of_any_name(tmp_path, name):
    made = make_sample(tmp_path / name, customers=60)
    plain = make_sample(tmp_path / "plain", customers=60)
    assert made["rows"] == plain["rows"]
    assert {path.name for path in tmp_path.iterdir()} == {name, "plain"}
    for path in (tmp_path / "plain").rglob("*"):
        assert (tmp_path / name / path.relative_to(tmp_path / "plain")).exists()


@pytest.mark.slow
def test_a_whole_run_in_a_folder_of_signs_is_as_any_other(tmp_path):
    shop = tmp_path / SIGNED
    (tmp_path / NEIGHBOUR / "data" / "sample").mkdir(parents=True)
    shop.mkdir()
    plan = shorten_plan((ROOT / "plan.toml").read_text(encoding="utf-8"))
    (shop / "plan.toml").write_text(plan, encoding="utf-8")
    make_sample(shop / "data" / "sample", customers=600)
    command = [sys.executable, "-m", "segkit.cli", "run", "--json", "--set", "bootstrap_pairs=4"]
    done = subprocess.run(command, cwd=shop, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    index = Path(answer["index"])
    assert index.is_relative_to(shop)
    assert answer["published"]
    assert verify_publication(index.parent) == []
    assert {path.name for path in shop.iterdir()} == {"data", "plan.toml", "reports", "runs"}
    assert list((tmp_path / NEIGHBOUR).rglob("*")) == [
        tmp_path / NEIGHBOUR / "data",
        tmp_path / NEIGHBOUR / "data" / "sample",
    ]
