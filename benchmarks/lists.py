"""How long the lists of a million customers take, and how much memory.

    python benchmarks/lists.py [--customers 1000000]

Six segments, consent, addresses, a suppression list and a control group; every list is written for
a mail tool, from customers who are read from a CSV as an export reads them.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from segkit.action.lists.exporting import export_lists
from segkit.action.lists.members import choose_lists
from segkit.plan.models import Plan

SEGMENTS = 6


def make_run(folder: Path, count: int) -> Plan:
    """Make a working folder with customers, a suppression list and a run's segments."""
    rng = np.random.default_rng(7)
    ids = np.array([f"{number:08}" for number in range(count)])
    people = pd.DataFrame({"customer_id": ids})
    people["email"] = people["customer_id"] + "@example.org"
    people["name"] = "Ann Lee"
    people["consent"] = rng.choice(["true", "false", ""], count, p=[0.6, 0.3, 0.1])
    people.to_csv(folder / "customers.csv", index=False)
    people["email"].sample(count // 50, random_state=7).to_csv(folder / "never.csv", index=False)
    tables = folder / "runs" / "bench" / "05_analysis" / "tables"
    tables.mkdir(parents=True)
    (tables.parent / "step.json").write_text("{}")
    placed = pd.DataFrame({"customer_id": ids, "scheme": "bench"})
    placed["segment"] = [f"Segment {number}" for number in rng.integers(0, SEGMENTS, count)]
    placed.to_parquet(tables / "placements.parquet")
    content = {
        "name": "bench",
        "title": "Lists",
        "owner": "Nobody",
        "scope": "All",
        "target_market": "All",
        "budget": "None",
        "deliverables": ("Lists",),
        "as_of": "2026-06-30",
        "currency": "EUR",
        "goals": [{"name": "keep", "text": "Keep", "kpi": "total_spend"}],
        "schemes": [{"name": "bench", "goal": "keep", "base": "value", "method": "tiers"}],
        "tables": {"customers": {"path": "customers.csv"}},
        "lists": {
            "layout": "mailchimp",
            "suppression": "never.csv",
            "campaign": "bench",
            "held_out_share": 0.1,
            "names": "given_first",
        },
        "path": folder / "plan.toml",
    }
    return Plan.model_validate(content)


def main() -> None:
    """Write the lists and print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    count = parser.parse_args().customers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = make_run(folder, count)
        start = time.perf_counter()
        busy = time.process_time()
        written = export_lists(plan, choose_lists(plan), place=folder / "lists", in_folder=True)
        seconds = time.perf_counter() - start
        processor = time.process_time() - busy
    exported = sum(one.counts["exported"] for one in written.lists)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{len(written.lists)} lists, {exported:,} of {count:,} customers")
    print(f"{seconds:.1f} s, {processor:.1f} s of processor, at most {memory:.2f} GB")


if __name__ == "__main__":
    main()
