"""How long placing a Parquet file takes, beside a bare scan of the columns that are read.

The customers have six numbers and four categories of 5 to 20 levels, and some of both are missing.
A segmentation is fitted on 50,000 of them; `score_table` places all. The bare scan adds up every
column read, by DuckDB with the same threads. Each runs in a process of its own, which tells its
peak memory, and they take turns.

    python benchmarks/scoring.py [--rows 100000000] [--repetitions 1] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from segkit.plan.models import Scheme
from segkit.segmentation.documents import fit_segmentation, read_segmentation
from segkit.segmentation.scoring import score_table

GOAL_GIB = 4.0
NUMBERS = ("recency_days", "order_count", "total_spend", "age_years", "visit_count", "open_share")
LEVELS = {"channel": 5, "region": 12, "device": 8, "favourite_category": 20}


def write_customers(path: Path, rows: int) -> None:
    """Write customers of three overlapping kinds, a block of rows at a time."""
    parts = [f"(hash(i, {n}) % 1000003) / 1000003.0 AS u{n}" for n in range(12)]
    numbers = """
        if(u0 < .03, NULL, floor(30 + 300 * u1 * (kind + 1) / 3)) AS recency_days,
        floor(1 + 12 * u2 * u2 * (3 - kind)) AS order_count,
        round(exp(2 + 3 * u3 + kind), 2) AS total_spend,
        if(u0 > .95, NULL, floor(18 + 60 * u4)) AS age_years,
        floor(40 * u5 * u6) AS visit_count, u7 AS open_share"""
    texts = ", ".join(
        f"if(u11 < .02, NULL, '{name} ' || floor({count} * u{8 + i % 3} ** (1 + kind)))  AS {name}"
        for i, (name, count) in enumerate(LEVELS.items())
    )
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(
        f"""COPY (SELECT i AS customer_id, {numbers}, {texts} FROM (
            SELECT i, CAST(hash(i, 99) % 3 AS INT) AS kind, {", ".join(parts)}
            FROM range({rows}) t(i)
        )) TO '{path}' (FORMAT parquet)"""
    )


def fit_on_sample(path: Path, document: Path) -> None:
    """Fit k-prototypes with six segments on the first 50,000 customers."""
    customers = duckdb.sql(f"FROM '{path}' WHERE customer_id < 50000 ORDER BY customer_id").df()
    scheme = Scheme(
        name="mixed",
        goal="benchmark",
        base="behavioural",
        method="kprototypes",
        columns=(*NUMBERS, *LEVELS),
        segments=6,
    )
    as_of = datetime.date(2026, 6, 30)
    seeds = {"as_of": as_of, "random_state": 0}
    fit_segmentation(customers, scheme, n_segments=6, **seeds)[0].write_json(document)


def scan(document: Path, path: Path, out: Path) -> None:
    """Read every column that the segmentation reads, and add it up."""
    kinds = read_segmentation(document).model.kinds
    sums = [f"sum({c})" if kind == "number" else f"sum(strlen({c}))" for c, kind in kinds.items()]
    duckdb.sql(f"SELECT {', '.join(sums)} FROM '{path}'").fetchall()


def place(document: Path, path: Path, out: Path) -> None:
    """Place every customer."""
    score_table(document, path, out)


def copy(document: Path, path: Path, out: Path) -> None:
    """Read the whole file and write it again."""
    duckdb.execute(f"COPY (FROM '{path}') TO '{out}' (FORMAT parquet)")


def read_peak() -> float:
    """Return the most memory that this process has held, in GiB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 2**20


def main() -> None:
    """Measure in turns and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", choices=["scan", "copy", "place"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        folder = options.folder if options.only else Path(scratch)
        document, path = folder / "segmentation.json", folder / "customers.parquet"
        if options.only:
            begun = time.perf_counter()
            {"scan": scan, "copy": copy, "place": place}[options.only](
                document, path, folder / f"{options.only}.parquet"
            )
            seconds = time.perf_counter() - begun
            peak = read_peak()
            print(json.dumps([seconds, peak]))
            return
        write_customers(path, options.rows)
        fit_on_sample(path, document)
        found: dict[str, list[list[float]]] = {"scan": [], "copy": [], "place": []}
        for _ in range(options.repetitions):
            for name, results in found.items():
                command = [sys.executable, __file__, "--only", name, "--folder", str(folder)]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    sys.exit(done.stderr[-3000:])
                results.append(json.loads(done.stdout.splitlines()[-1]))
                (folder / f"{name}.parquet").unlink(missing_ok=True)
                print(f"{name}: {results[-1]}", file=sys.stderr, flush=True)
        size = path.stat().st_size / 2**30
    middle = {name: statistics.median(s for s, _ in results) for name, results in found.items()}
    columns = (*NUMBERS, *LEVELS)
    peak = max(gib for _, gib in found["place"])
    print(f"{options.rows:,} customers, {size:.2f} GiB of Parquet, {len(columns)} columns read")
    print(f"bare scan of these columns          {middle['scan']:8.1f} s")
    print(f"reading and writing the whole file  {middle['copy']:8.1f} s")
    print(f"placing all, result written         {middle['place']:8.1f} s")
    print(f"ratio to the bare scan              {middle['place'] / middle['scan']:8.1f}")
    print(f"ratio to reading and writing        {middle['place'] / middle['copy']:8.1f}")
    print(f"peak memory of placing              {peak:8.2f} GiB  goal below {GOAL_GIB:.0f}")


if __name__ == "__main__":
    main()
