"""Raking beside ``svy``: the same weights, to how many digits, and the time that each takes.

``svy`` needs an environment of its own; its Python is named with ``--peer``. Rows are drawn from a
seed, and margins are those that a survey has: segment, age and country.

    python3 -m venv .venv/peers && .venv/peers/bin/pip install svy
    python benchmarks/raking.py --peer .venv/peers/bin/python [--rows 2000 100000]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from segkit.evidence.experience.weighting import rake_weights

LEVELS = {"segment": 5, "age_band": 8, "country": 7}
PEER = """
import json, sys, time
import polars as pl
import svy
rows = pl.read_csv(sys.argv[1], schema_overrides={name: pl.String for name in %r})
shares = json.load(open(sys.argv[2]))
sample = svy.Sample(rows.with_columns(base=pl.lit(1.0)), svy.Design(wgt="base"))
begun = time.perf_counter()
raked = sample.weighting.rake(shares=shares, wgt_name="raked", tol=1e-10, max_iter=1000)
seconds = time.perf_counter() - begun
json.dump({"seconds": seconds, "weights": raked.data["raked"].to_list()}, sys.stdout)
"""


def draw_rows(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return levels of who answered, of unequal shares that hang together."""
    lean = rng.normal(size=count)
    columns = {}
    for name, levels in LEVELS.items():
        place = np.clip(np.round(levels / 2 + 1.1 * lean + rng.normal(size=count)), 0, levels - 1)
        columns[name] = [f"{name}_{int(one)}" for one in place]
    return pd.DataFrame(columns)


def draw_shares(rows: pd.DataFrame, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Return the shares that are aimed at: those that are there, each moved at random."""
    shares = {}
    for name in rows:
        own = rows[name].value_counts(normalize=True).sort_index()
        moved = own * np.exp(rng.normal(scale=0.4, size=len(own)))
        shares[name] = (moved / moved.sum()).to_dict()
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, help="Python of an environment with svy")
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000, 100_000])
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    print("| rows | largest difference of a weight | segkit, seconds | svy, seconds |")
    print("| ---: | ---: | ---: | ---: |")
    for count in options.rows:
        rows = draw_rows(count, rng)
        shares = draw_shares(rows, rng)
        begun = time.perf_counter()
        own = rake_weights(rows, shares, largest=1e9)
        seconds = time.perf_counter() - begun
        with tempfile.TemporaryDirectory() as folder:
            data, wanted = Path(folder, "rows.csv"), Path(folder, "shares.json")
            rows.to_csv(data, index=False)
            wanted.write_text(json.dumps(shares))
            command = [options.peer, "-c", PEER % list(LEVELS), data, wanted]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        peer = json.loads(told)
        weights = np.array(peer["weights"])
        gap = np.abs(weights / weights.mean() - own.weights).max()
        print(f"| {count:,} | {gap:.1e} | {seconds:.3f} | {peer['seconds']:.3f} |")


if __name__ == "__main__":
    main()
