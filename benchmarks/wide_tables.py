"""How long `check_plan` and `prepare_tables` take with more and more columns, and how that grows.

Each doubling of the columns prints its ratio: 2 is linear, 4 the square. Seconds are of the
processor, which other work on the machine hardly changes; those of the clock stand beside them.

    python benchmarks/wide_tables.py [--columns 250 500 1000 2000] [--rows 100] [--append PAGE]
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import duckdb
from small_plan import PLAN

from segkit.data.checks import check_plan, prepare_tables
from segkit.plan.models import Plan
from segkit.plan.reading import read_plan

HIGHEST_RATIO = 3.0  # of seconds for a doubling of columns, between linear and the square
TABLES = """
[tables.order_lines]
path = "lines.csv"
[tables.customers]
path = "customers.{ending}"
features = "all"
"""
LINES = """order_id,product_id,customer_id,ordered_at,quantity,unit_price
1,P1,C1,2026-05-01,1,2.5
2,P2,C2,2026-05-02,2,3.5
"""


def write_shop(folder: Path, columns: int, rows: int, ending: str) -> Path:
    """Write two order lines and a table of customers with so many columns; return the plan."""
    (folder / "lines.csv").write_text(LINES)
    values = ", ".join(f"(i * {number + 1}) % 17 AS own_{number}" for number in range(columns))
    query = f"SELECT 'C' || i AS customer_id, {values} FROM range(1, {rows + 1}) AS t(i)"
    duckdb.execute(f"COPY ({query}) TO '{folder}/customers.{ending}'")
    plan = folder / "plan.toml"
    plan.write_text(PLAN + TABLES.format(ending=ending))
    return plan


def check(plan: Plan, folder: Path) -> int:
    """Check the plan; return how many columns of customers were accepted."""
    return len(check_plan(plan).columns["customers"])


def prepare(plan: Plan, folder: Path) -> int:
    """Check the plan and write the rows; return the same."""
    return len(prepare_tables(plan, folder / "run").names["customers"])


WORK = {"check": check, "prepare": prepare}


def measure(work: str, columns: int, rows: int, ending: str) -> tuple[float, float]:
    """Return seconds of the processor and of the clock that one kind of work takes."""
    with tempfile.TemporaryDirectory() as folder:
        plan = read_plan(write_shop(Path(folder), columns, rows, ending))
        begun = time.process_time(), time.perf_counter()
        found = WORK[work](plan, Path(folder))
        seconds = time.process_time() - begun[0], time.perf_counter() - begun[1]
    assert found == columns + 1
    return seconds


def main() -> int:
    """Measure, print the table, and return 1 if it grows faster than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, nargs="+", default=[250, 500, 1000, 2000])
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--append", type=Path, help="a page to add the table to")
    options = parser.parse_args()
    text = ["## Checks of wide tables", ""]
    text += [f"{options.rows:,} customers with columns of their own.", ""]
    text += [
        "| work | file | columns | seconds of the processor | to half as many | of the clock |"
    ]
    text += ["|---|---|---|---|---|---|"]
    highest = 0.0
    for work, ending in itertools.product(WORK, ("csv", "parquet")):
        measure(work, 10, options.rows, ending)  # imports
        seconds: dict[int, float] = {}
        for columns in options.columns:
            seconds[columns], passed = measure(work, columns, options.rows, ending)
            half = seconds.get(columns // 2)
            ratio = seconds[columns] / half if half else 0.0
            highest = max(highest, ratio)
            shown = f"{ratio:.1f}" if half else ""
            text.append(
                f"| {work} | {ending} | {columns:,} | {seconds[columns]:.1f} | {shown} "
                f"| {passed:.1f} |"
            )
    print("\n".join(text))
    if options.append:
        with options.append.open("a", encoding="utf-8") as page:
            page.write("\n".join(["", *text, ""]))
    return int(highest > HIGHEST_RATIO)


if __name__ == "__main__":
    raise SystemExit(main())
