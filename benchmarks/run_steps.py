"""How long the five notebooks take through ``segkit run``, beside the same code in one process.

The plain process runs the code cells of the five notebooks one after another, parameters set, with
the same tables to prepare and the same charts to draw; it makes no pages. Both start from nothing
in each repetition, and take turns, so that a busy machine slows both.

    python benchmarks/run_steps.py [--repetitions 5] [--customers 5000]
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
from segkit.workflow.kernels import ENVIRONMENT
from segkit.workflow.steps import STEPS, find_packaged, read_cells

ROOT = Path(__file__).parent.parent
GOAL_RATIO, GOAL_AGAIN = 1.6, 2.0


def write_script(path: Path, run_dir: str) -> None:
    """Write the notebooks' code cells as one script."""
    parts = []
    for step in STEPS:
        for cell in read_cells(find_packaged(f"notebooks/{step}.ipynb")):
            if cell["type"] == "code":
                parts.append(cell["source"])
                if "parameters" in cell["tags"]:
                    parts.append(f'plan_path, run_dir = "plan.toml", {run_dir!r}')
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def measure(command: list[str], folder: Path) -> float:
    """Return the seconds that a command takes."""
    environment = {**os.environ, **ENVIRONMENT, "MPLBACKEND": "Agg"}
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return time.perf_counter() - begun


def main() -> None:
    """Measure in turns and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--customers", type=int, default=5000)
    options = parser.parse_args()
    times: dict[str, list[float]] = {"plain": [], "run": [], "again": [], "python": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copy(ROOT / "plan.toml", folder)
        if options.customers == 5000 and (ROOT / "data/sample/sample.json").is_file():
            shutil.copytree(ROOT / "data" / "sample", folder / "data" / "sample")
        else:
            make_sample(folder / "data" / "sample", customers=options.customers)
        run = [sys.executable, "-m", "segkit.cli", "run", "--json"]
        write_script(folder / "plain.py", "runs/plain")
        for number in range(options.repetitions):
            shutil.rmtree(folder / "runs", ignore_errors=True)
            times["plain"].append(measure([sys.executable, "plain.py"], folder))
            times["run"].append(measure([*run, "--fresh"], folder))
            times["again"].append(measure(run, folder))
            times["python"].append(measure([sys.executable, "-c", "pass"], folder))
            shown = {name: round(found[-1], 2) for name, found in times.items()}
            print(f"{number + 1}: {json.dumps(shown)}", file=sys.stderr, flush=True)
    middle = {name: statistics.median(found) for name, found in times.items()}
    ratio = statistics.median(r / p for r, p in zip(times["run"], times["plain"], strict=True))
    beyond = middle["again"] - middle["python"]
    print(f"five notebooks as one plain process   {middle['plain']:7.2f} s")
    print(f"five notebooks through segkit run     {middle['run']:7.2f} s")
    print(f"ratio, median of pairs                {ratio:7.2f}    goal {GOAL_RATIO} or less")
    print(f"nothing changed, beyond Python's start{beyond:7.2f} s  goal {GOAL_AGAIN:.0f} s or less")


if __name__ == "__main__":
    main()
