"""How many seconds of the processor each of the five notebooks takes on the sample shop.

Each notebook's code cells run in a process of their own, in the order of the steps, after what its
kernel imports. The processor's time is measured, of all threads, so that other work on the machine
tells little: only what others take of its caches does. A kernel's start and the page, which are
the run's and not the notebook's, are not in it; for these see `run_steps.py`.

    python benchmarks/notebooks.py [--repetitions 3] [--cells 5]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from segkit.data.sample import make_sample
from segkit.report import STEPS
from segkit.workflow.kernels import ENVIRONMENT
from segkit.workflow.kernels.server import preload_modules
from segkit.workflow.steps import find_packaged, read_cells

ROOT = Path(__file__).parent.parent
RUN_DIR = "runs/measured"
GOALS = {"01_plan": 5.0, "02_market_review": 5.0, "04_experience_data": 10.0, "05_analysis": 20.0}


def list_sources(step: str) -> list[str]:
    """Return the code cells of a notebook, with the parameters that a run sets."""
    sources = []
    for cell in read_cells(find_packaged(f"notebooks/{step}.ipynb")):
        if cell["type"] != "code" or "lab" in cell["tags"]:
            continue
        sources.append(cell["source"])
        if "parameters" in cell["tags"]:
            sources.append(f'plan_path, run_dir = "plan.toml", {RUN_DIR!r}')
    return sources


def measure_here(step: str) -> dict[str, object]:
    """Run a notebook's cells in this process and return its seconds, and those of each cell."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    begun = time.process_time()
    preload_modules(preload=True)
    InteractiveShell.instance()
    imported = time.process_time()
    names: dict[str, object] = {"__name__": "__main__"}
    cells = []
    with capture_output():
        for source in list_sources(step):
            before = time.process_time()
            exec(compile(source, step, "exec"), names)
            cells.append((time.process_time() - before, source.strip().splitlines()[0]))
    seconds = time.process_time() - imported
    return {"imports": imported - begun, "cells": seconds, "longest": sorted(cells)[::-1]}


def measure_step(step: str, folder: Path) -> dict[str, object]:
    """Run a notebook's cells in a process of their own."""
    command = [sys.executable, __file__, "--step", step]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print, by notebook, the median of the repetitions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--cells", type=int, default=0, help="how many of the longest to show")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(measure_here(options.step)))
        return
    found: dict[str, list[dict]] = {step: [] for step in STEPS}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copy(ROOT / "plan.toml", folder)
        make_sample(folder / "data" / "sample")
        for _ in range(options.repetitions):
            shutil.rmtree(folder / RUN_DIR, ignore_errors=True)
            for step in STEPS:
                found[step].append(measure_step(step, folder))
    for step, runs in found.items():
        cells = statistics.median(one["cells"] for one in runs)
        imports = statistics.median(one["imports"] for one in runs)
        goal = f"   goal {GOALS[step]:.0f} s or less" if step in GOALS else ""
        print(f"{step:20} {cells:6.2f} s   imports {imports:5.2f} s{goal}")
        for seconds, source in runs[-1]["longest"][: options.cells]:
            print(f"    {seconds:6.2f} s   {source[:80]}")


if __name__ == "__main__":
    main()
