"""Everybody's lists beside ``implicit``: the time that each takes, and the memory of segkit.

``implicit`` needs an environment of its own; its Python is named with ``--peer``. Purchases are
drawn from a seed: popularity falls as in shops, and customers mostly keep to a kind of products.

    python3 -m venv .venv/peers && .venv/peers/bin/pip install implicit pyarrow
    python benchmarks/recommendations.py --peer .venv/peers/bin/python [--customers 100000 1000000]
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

LINES_EACH = 10
PRODUCTS = 10_000
AS_OF = datetime.date(2026, 6, 30)
OWN = """
import datetime, json, resource, sys, time
from pathlib import Path
import ibis, pandas as pd
from segkit.action.recommendations.measured import recommend_products
from segkit.core.settings import Settings
from segkit.plan.recommendations import Recommendations
engine = ibis.duckdb.connect()
engine.raw_sql("SET memory_limit = '1GB'")
lines = engine.read_parquet(sys.argv[1])
ids = lines.select("customer_id").distinct().order_by("customer_id").to_pandas()
segments = ids.assign(segment_name=pd.Categorical(["all"] * len(ids)))
begun = time.perf_counter()
at = Settings(datetime.date(2026, 6, 30))
made = recommend_products({"order_lines": lines}, segments, plan=Recommendations(), at=at)
made.lists.write_parquet(Path(sys.argv[2]))
seconds = time.perf_counter() - begun
used = resource.getrusage(resource.RUSAGE_SELF)
peak = used.ru_maxrss / 2**20
print()
busy = used.ru_utime + used.ru_stime
print(json.dumps({"processor": busy, "seconds": seconds, "gib": peak}))
"""
PEER = """
import json, resource, sys, time
import numpy as np, pandas as pd
from scipy.sparse import csr_matrix
from implicit.nearest_neighbours import CosineRecommender
begun = time.perf_counter()
rows = pd.read_parquet(sys.argv[1], columns=["customer_id", "product_id"])
customer, customers = pd.factorize(rows["customer_id"])
product, products = pd.factorize(rows["product_id"])
bought = csr_matrix((np.ones(len(rows)), (customer, product)))
bought.data[:] = 1
del rows
model = CosineRecommender(K=100)
model.fit(bought, show_progress=False)
for begin in range(0, len(customers), 50_000):
    places = np.arange(begin, min(begin + 50_000, len(customers)))
    model.recommend(places, bought[places], N=10, filter_already_liked_items=True)
seconds = time.perf_counter() - begun
used = resource.getrusage(resource.RUSAGE_SELF)
peak = used.ru_maxrss / 2**20
print()
busy = used.ru_utime + used.ru_stime
print(json.dumps({"processor": busy, "seconds": seconds, "gib": peak}))
"""


def write_lines(path: Path, customers: int, rng: np.random.Generator) -> None:
    """Write order lines of so many customers, a block at a time."""
    schema = pa.schema(
        [
            ("customer_id", pa.string()),
            ("product_id", pa.string()),
            ("ordered_at", pa.date32()),
            ("line_type", pa.string()),
        ]
    )
    popularity = 1 / (np.arange(PRODUCTS) + 20.0)
    edges = np.cumsum(popularity / popularity.sum())
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, customers, 100_000):
            size = min(100_000, customers - begin)
            who = np.repeat(np.arange(begin, begin + size), LINES_EACH)
            what = np.searchsorted(edges, rng.random(len(who)))
            is_kept = rng.random(len(who)) < 0.6  # to one of twenty kinds of products
            what = np.where(is_kept, what // 20 * 20 + who % 20, what) % PRODUCTS
            day = np.datetime64(AS_OF) - rng.integers(0, 730, len(who))
            block = pd.DataFrame(
                {
                    "customer_id": pd.Series(who).map("c{:08}".format),
                    "product_id": pd.Series(what).map("p{:05}".format),
                    "ordered_at": day.astype("datetime64[s]"),
                    "line_type": "sale",
                }
            )
            writer.write_table(pa.Table.from_pandas(block, schema, preserve_index=False))


def run(python: str, code: str, *arguments: Path) -> dict[str, float]:
    """Return what a script prints as JSON on its last line, run in a process of its own."""
    command = [python, "-c", code, *map(str, arguments)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, help="Python of an environment with implicit")
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    options = parser.parse_args()
    headings = ["customers", "lines"]
    for name in ("segkit, both lists chosen and judged", "implicit, one list"):
        headings += [f"{name}, seconds", "of the processor", "peak, GiB"]
    print("| " + " | ".join([*headings, "processor, segkit / implicit"]) + " |")
    print("| ---: " * (len(headings) + 1) + "|")
    for count in options.customers:
        with tempfile.TemporaryDirectory() as folder:
            lines = Path(folder, "lines.parquet")
            write_lines(lines, count, np.random.default_rng(0))
            own = run(sys.executable, OWN, lines, Path(folder, "lists.parquet"))
            peer = run(options.peer, PEER, lines)
        cells = [f"{count:,}", f"{count * LINES_EACH:,}"]
        for one in (own, peer):
            cells += [f"{one['seconds']:.1f}", f"{one['processor']:.1f}", f"{one['gib']:.2f}"]
        cells.append(f"{own['processor'] / peer['processor']:.2f}")
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
