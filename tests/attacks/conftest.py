"""A published report to attack."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from small_plans import shorten_plan

from segkit.data.sample import make_sample

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """The published report of a small sample shop."""
    folder = tmp_path_factory.mktemp("attacked")
    plan = shorten_plan((ROOT / "plan.toml").read_text(encoding="utf-8"))
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    make_sample(folder / "data" / "sample", customers=600)
    command = [sys.executable, "-m", "segkit.cli", "run", "--json", "--set", "bootstrap_pairs=4"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    return Path(json.loads(result.stdout)["index"]).parent
