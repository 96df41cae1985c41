"""A tiny working folder whose notebooks are quick, for tests of the run itself."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import subprocess
import sys
import unittest.mock
from pathlib import Path

from segkit.cli import main
from segkit.workflow.kernels import Kernels
from segkit.workflow.steps import STEPS

HEAD = """name = "{name}"
title = "{title}"
owner = "Nobody"
scope = "{scope}"
target_market = "{market}"
budget = "None"
deliverables = ["A list"]
as_of = {as_of}
random_state = 3
currency = "EUR"

[[goals]]
name = "keep"
text = "{goal}"
"""
TIERS = """
[[schemes]]
name = "tiers"
goal = "keep"
base = "value"
method = "tiers"
columns = ["total_spend"]
segments = 3
"""
_TINY = HEAD.format(
    name="tiny",
    title="A tiny shop",
    scope="Everybody",
    market="Here",
    as_of="2026-01-31",
    goal="Keep customers",
)
PLAN = f"""
{_TINY}kpi = "repeat_share"

[tables.order_lines]
path = "lines.csv"
{TIERS}"""
PARAMETERS = """plan_path: str = "plan.toml"  # the plan
run_dir: str = "runs/lab"  # where steps leave their results
as_of: str = ""  # last day counted
random_state: int = -1  # seed
size: int = 3  # a number of this step
"""
WORK = """import json, pathlib
folder = pathlib.Path(run_dir) / "{step}"
(folder / "tables").mkdir(parents=True, exist_ok=True)
facts = {{"step": "{step}", "findings": ["Size {{}}.".format(size)], "headline": {{}}}}
(folder / "facts.json").write_text(json.dumps(facts))
(folder / "tables" / "left.txt").write_text("{step}")
"""


def make_notebook(step: str, *more: str) -> dict:
    """Return a notebook with a heading, the parameters, a cell that leaves facts, and more."""
    sources = [PARAMETERS, WORK.format(step=step), *more]
    cells = [{"cell_type": "markdown", "id": "head", "metadata": {}, "source": f"# {step}\n"}]
    for number, source in enumerate(sources):
        tags = ["parameters"] if number == 0 else []
        cell = {"cell_type": "code", "id": f"cell-{number}", "metadata": {"tags": tags}}
        cells.append({**cell, "source": source, "outputs": [], "execution_count": None})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def write_notebook(folder: Path, step: str, *more: str) -> None:
    """Write one step's notebook into a working folder."""
    path = folder / "notebooks" / f"{step}.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(make_notebook(step, *more)), encoding="utf-8")


def make_shop(folder: Path) -> Path:
    """Make a working folder with thirty order lines and five quick notebooks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    rows = [f"o{i},c{i % 7},p{i % 5},2026-01-{i % 28 + 1:02},1,{i + 1}.5" for i in range(30)]
    header = "order_id,customer_id,product_id,ordered_at,quantity,unit_price"
    (folder / "lines.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    for step in STEPS:
        write_notebook(folder, step)
    return folder


# The tiny notebooks use nothing that would have to be imported before a kernel is forked.
UNWARMED = """import functools
from segkit.workflow import run
run.Kernels = functools.partial(run.Kernels, preload=False)
from segkit.cli import main
from segkit.workflow.kernels import Kernels
main()
"""


def start_run(
    folder: Path, *arguments: str, warmed: bool = False, **environment: str
) -> subprocess.Popen:
    """Start ``segkit run`` in a process group of its own."""
    program = ["-m", "segkit.cli"] if warmed else ["-c", UNWARMED]
    return subprocess.Popen(
        [sys.executable, *program, "run", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def call_run(folder: Path, *arguments: str, **environment: str) -> tuple[int, dict, str]:
    """Run in this process; return the exit code, the JSON answer and standard error."""
    said, told = io.StringIO(), io.StringIO()
    unwarmed = functools.partial(Kernels, preload=False)
    with (
        contextlib.chdir(folder),
        unittest.mock.patch("segkit.workflow.run.Kernels", unwarmed),
        unittest.mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(told),
    ):
        try:
            main(["run", "--json", *arguments])
        except SystemExit as end:
            return end.code, json.loads(said.getvalue()), told.getvalue()
    raise AssertionError("main returned")


def finish_run(
    folder: Path, *arguments: str, warmed: bool = False, **environment: str
) -> tuple[int, dict, str]:
    """Run in a process of its own; return the same."""
    process = start_run(folder, "--json", *arguments, warmed=warmed, **environment)
    answer, messages = process.communicate(timeout=120)
    assert "Traceback" not in messages, messages
    return process.returncode, json.loads(answer), messages
