"""How long the checks of Parquet order lines take, beside a plain read of the columns they touch.

The plain read adds up every column that the plan maps, in DuckDB with the same threads and memory
limit. ``check`` is `check_plan`, which says what is wrong and leaves nothing behind; ``prepare`` is
`prepare_tables`, which also writes accepted and rejected rows; ``copy`` reads and writes the same
columns without looking at them. Each runs in a process of its own, which tells its peak memory.

Of ``check``, what decides what a sale is, the look at identifiers and what judges the whole are
timed apart. With ``--before`` the checks of another checkout of this project take their turn in the
same run.

    python benchmarks/checks.py [--lines 100000000] [--memory 6GB] [--repetitions 1] [--folder DIR]
        [--before CHECKOUT] [--append PAGE]
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from scoring import read_peak
from small_plan import PLAN

from segkit.data.checks import check_plan, prepare_tables
from segkit.plan.reading import read_plan

GOAL = 3.0
WORK = {
    "read": "every column read and added up",
    "copy": "read and written again, unchecked",
    "check": "`check_plan`: all rules, repeats among them",
    "prepare": "`prepare_tables`: accepted and rejected rows written too",
}
# What is timed apart, by the module and the name of each function.
PARTS = {
    "what a sale is": (("line_facts", "LineLearner.learn"), ("order_lines", "find_taken_back")),
    "how identifiers look": (("convert", "look_at_ids"),),
    "judging the whole": (("table_checks", "judge_identity"), ("table_checks", "judge_tables")),
}
COLUMNS = ("order_id", "product_id", "customer_id", "ordered_at", "quantity", "unit_price")
TABLES = """
[tables.order_lines]
path = "lines.parquet"
[policies]
cancelled_order_prefix = "C"
[engine]
memory_limit = "{memory}"
"""


def write_lines(path: Path, lines: int) -> None:
    """Write lines of typed columns: 4 a order, 40 a customer; a few faults, returns and repeats."""
    duckdb.execute("SET preserve_insertion_order = false")
    duckdb.execute(
        f"""COPY (SELECT if(u < 3, 'C', '') || (100000000 + i // 4) AS order_id,
            'P' || (1000 + hash(hash(i, 1)) % 5000) AS product_id,
            if(u % 50 = 7, NULL, 'K' || (10000000 + hash(hash(i // 4, 2)) % {lines // 40}))
                AS customer_id,
            TIMESTAMP '2023-07-01' + to_seconds((hash(hash(i // 4, 3)) % 94608000)::BIGINT)
                AS ordered_at,
            if(u < 3, -1.0, 1.0 + hash(hash(i, 4)) % 5) AS quantity,
            if(u = 500, NULL, 0.5 + (hash(hash(i, 5)) % 20000) / 100.0) AS unit_price
        FROM (SELECT if(i % 1000 = 1, i - 1, i) AS i, hash(hash(i // 4, 9)) % 1000 AS u
            FROM range({lines}) AS t(i))) TO '{path}' (FORMAT parquet)"""
    )


def read(folder: Path, out: Path, memory: str) -> None:
    """Read every column and add it up; the lengths of texts."""
    texts = [f"sum(strlen({column}))" for column in COLUMNS[:3]]
    rest = ["max(ordered_at)", "sum(quantity)", "sum(unit_price)"]
    duckdb.execute(f"SET memory_limit = '{memory}'")
    duckdb.sql(f"SELECT {', '.join(texts + rest)} FROM '{folder}/lines.parquet'").fetchall()


def copy(folder: Path, out: Path, memory: str) -> None:
    """Write the columns again, as the checks compress them."""
    duckdb.execute(f"SET memory_limit = '{memory}'")
    query = f"SELECT {', '.join(COLUMNS)} FROM '{folder}/lines.parquet'"
    duckdb.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")


def time_parts(seconds: dict[str, float]) -> None:
    """Let each function of `PARTS` add to the seconds of its part."""
    for part, functions in PARTS.items():
        seconds[part] = 0.0
        for module, name in functions:
            owner = importlib.import_module(f"segkit.data.{module}")
            *path, last = name.split(".")
            for step in path:
                owner = getattr(owner, step)
            setattr(owner, last, _time_call(getattr(owner, last), part, seconds))


def _time_call(function: Callable, part: str, seconds: dict[str, float]) -> Callable:
    @functools.wraps(function)
    def timed(*args, **kwargs):
        begun = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[part] += time.perf_counter() - begun

    return timed


def measure(name: str, folder: Path, memory: str) -> None:
    """Do one kind of work and print its seconds, peak GiB and the seconds of its parts."""
    parts = {}
    if name == "check":
        time_parts(parts)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        begun = time.perf_counter()
        if name in ("read", "copy"):
            {"read": read, "copy": copy}[name](folder, Path(scratch) / "out.parquet", memory)
        elif name == "check":
            print(check_plan(read_plan(folder / "plan.toml")).quality.to_string(), file=sys.stderr)
        else:
            prepare_tables(read_plan(folder / "plan.toml"), Path(scratch))
        print(json.dumps([time.perf_counter() - begun, read_peak(), parts]))


def main() -> None:
    """Measure in turns and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=100_000_000)
    parser.add_argument("--memory", default="6GB")
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--before", type=Path, help="a checkout of the project to compare with")
    parser.add_argument("--append", type=Path, help="a page to add the table to")
    parser.add_argument("--only", choices=WORK, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        measure(options.only, options.folder, options.memory)
        return
    found = {name: [] for name in WORK}
    here = Path(__file__).resolve().parents[1]
    checkouts = dict.fromkeys(WORK, here)
    if options.before:
        told = {f"{name} before": options.before.resolve() for name in ("check", "prepare")}
        checkouts |= told
        found |= {name: [] for name in told}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        (Path(folder) / "plan.toml").write_text(PLAN + TABLES.format(memory=options.memory))
        write_lines(Path(folder) / "lines.parquet", options.lines)
        for _ in range(options.repetitions):
            for name, results in found.items():
                checkout = checkouts[name]
                command = [sys.executable, checkout / "benchmarks" / "checks.py"]
                command += ["--only", name.removesuffix(" before"), "--folder", folder]
                command += ["--memory", options.memory]
                paths = os.environ | {"PYTHONPATH": str(checkout)}
                done = subprocess.run(command, capture_output=True, text=True, env=paths)
                if done.returncode:
                    sys.exit(done.stderr[-3000:])
                results.append(json.loads(done.stdout.splitlines()[-1]))
                print(f"{name}: {results[-1]}", file=sys.stderr, flush=True)
    middle = {name: statistics.median(r[0] for r in results) for name, results in found.items()}
    text = [f"## Checks of {options.lines:,} lines", ""]
    text += [f"Six columns of Parquet, held to {options.memory}.", ""]
    text += ["| work | seconds | to the plain read | peak, GiB |", "|---|---|---|---|"]
    for name, results in found.items():
        goal = f" (goal {GOAL:.0f})" if name == "check" else ""
        peak = max(result[1] for result in results)
        ratio = f"{middle[name] / middle['read']:.1f}{goal}"
        words = WORK.get(name, f"{name}, in another checkout")
        text.append(f"| {words} | {middle[name]:.1f} | {ratio} | {peak:.2f} |")
    for part in PARTS:
        seconds = statistics.median(result[2][part] for result in found["check"])
        text.append(f"| of the check: {part} | {seconds:.1f} | {seconds / middle['read']:.1f} | |")
    print("\n".join(text))
    if options.append:
        with options.append.open("a", encoding="utf-8") as page:
            page.write("\n".join(["", *text, ""]))


if __name__ == "__main__":
    main()
