"""Lifetime value beside lifetimes and pymc-marketing: time, log-likelihood and memory.

Last, each of our models of purchases alone, fitted to customers drawn from it.

All fit BG/NBD and Gamma-Gamma to the same customers, drawn from the models with whole days over
two years. Each fit runs in a process of its own, imports and reading left out, and they take turns.
pymc-marketing compiles on its first fit of a kind and keeps the code: it begins with no cache here,
and its first run is told apart from the later ones.
The peers live in an environment of their own, so that they bind nothing here:

    python -m venv peers && peers/bin/pip install lifetimes pymc-marketing pyarrow
    python benchmarks/lifetime.py --peers peers/bin/python [--customers 100000 1000000]
        [--repetitions 3] [--limit 360]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOOLS = {"segkit": "segkit", "lifetimes": "lifetimes", "pymc-marketing": "pymc_marketing"}
COMPILING = "pymc-marketing"

# Every fit is told to a process of its own as code; it prints one line of JSON.
START = """
import json, resource, signal, time, warnings
import pandas as pd
warnings.simplefilter("ignore")
table = pd.read_parquet({path!r})
again = table[(table["repeat_count"] > 0) & (table["mean_repeat_value"] > 0)]
def begin():
    signal.alarm({limit})  # ends the process
    return time.perf_counter()
"""
FITS = {
    "segkit": """
from segkit.features.lifetime_value import fit_lifetime
begun = begin()
model = fit_lifetime(table)
taken = time.perf_counter() - begun
values = list(model.parameters.values())
""",
    "lifetimes": """
from lifetimes import BetaGeoFitter, GammaGammaFitter
begun = begin()
bought, spent = BetaGeoFitter(), GammaGammaFitter()
bought.fit(table["repeat_count"], table["active_days"], table["tenure_days"])
spent.fit(again["repeat_count"], again["mean_repeat_value"])
taken = time.perf_counter() - begun
values = [*bought.params_[["r", "alpha", "a", "b"]], *spent.params_[["p", "q", "v"]]]
""",
    "pymc-marketing": """
from pymc_marketing.clv import BetaGeoModel, GammaGammaModel
names = {"repeat_count": "frequency", "active_days": "recency", "tenure_days": "T"}
table = table.rename(columns=names)
again = again.rename(columns={**names, "mean_repeat_value": "monetary_value"})
begun = begin()
bought = BetaGeoModel(table[["customer_id", "frequency", "recency", "T"]])
bought.fit(method="map", progressbar=False)
spent = GammaGammaModel(again[["customer_id", "frequency", "monetary_value"]])
spent.fit(method="map", progressbar=False)
taken = time.perf_counter() - begun
names = [(bought, name) for name in ("r", "alpha", "a", "b")]
names += [(spent, name) for name in ("p", "q", "v")]
values = [float(model.fit_result[name].mean()) for model, name in names]
""",
}
END = """
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"seconds": taken, "values": [float(v) for v in values], "peak": peak}))
"""


def draw_table(customers: int, path: Path) -> None:
    """Draw customers and write their histories."""
    sys.path.insert(0, str(ROOT / "tests" / "simulations"))
    from coverage_lifetime import draw_customers

    options = {"tenure_days": (1.0, 730.0), "horizon_days": 0.0, "whole_days": True}
    histories, _ = draw_customers(customers, 0, **options)
    histories.round({"mean_repeat_value": 4}).to_parquet(path)


def measure_likelihood(path: Path, values: list[float]) -> float:
    """Return the sum of both log-likelihoods, by the published formulas, for all tools alike.

    BG/NBD: Fader, Hardie and Lee (2005), equation 6; Gamma-Gamma: Fader and Hardie (2013), 1a.
    """
    import numpy as np
    import pandas as pd
    from scipy.special import betaln, gammaln

    (r, alpha, a, b, p, q, v), table = values, pd.read_parquet(path)
    x, active, tenure, mean = (table[name].to_numpy(float) for name in table.columns[1:5])
    stays = betaln(a, b + x) - (r + x) * np.log(alpha + tenure)
    left = betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + active)
    each = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    bought = (each + np.logaddexp(stays, np.where(x > 0, left, -np.inf))).sum()
    x, mean = x[mean > 0], mean[mean > 0]
    each = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v) + p * x * np.log(x)
    each += (p * x - 1) * np.log(mean) - (p * x + q) * np.log(v + x * mean)
    return float(bought + each.sum())


def find_tools(peers: str) -> dict[str, str]:
    """Return the interpreter of each tool, and say which peers are not installed."""
    found = {"segkit": sys.executable}
    for tool in list(TOOLS)[1:]:
        command = [peers, "-c", f"import {TOOLS[tool]}"]
        if shutil.which(peers) and not subprocess.run(command, capture_output=True).returncode:
            found[tool] = peers
        else:
            print(f"{tool} is not installed in {peers}: it is left out.", flush=True)
    return found


def run_fit(tool: str, python: str, path: Path, limit: int) -> dict | None:
    """Fit in a process of its own; None, and why in words, if that fails or takes too long."""
    code = START.format(path=str(path), limit=limit) + FITS[tool] + END
    cache = {"PYTENSOR_FLAGS": f"base_compiledir={path.parent / 'compiled'}"}
    options = {"capture_output": True, "text": True, "cwd": ROOT, "env": os.environ | cache}
    run = subprocess.run([python, "-c", code], **options)
    if run.returncode == -signal.SIGALRM:
        print(f"{tool} did not end within {limit} s of fitting.", flush=True)
        return None
    if run.returncode:
        print(f"{tool} failed: {run.stderr.strip().splitlines()[-1]}", flush=True)
        return None
    return json.loads(run.stdout.strip().splitlines()[-1])


def compare_tools(tools: dict[str, str], customers: int, repetitions: int, limit: int) -> None:
    """Print one row a tool: medians, ratio of the pairs, likelihood below ours, peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "histories.parquet"
        draw_table(customers, path)
        runs = {tool: [] for tool in tools}
        for number in range(repetitions):
            for tool, python in tools.items():
                if number == 0 and tool == COMPILING:
                    runs[f"{tool}, first run"] = [run_fit(tool, python, path, limit)]
                runs[tool].append(run_fit(tool, python, path, limit))
        ours = [run["seconds"] for run in runs["segkit"]]
        best = measure_likelihood(path, runs["segkit"][0]["values"])
        for tool, found in runs.items():
            if None in found:
                continue
            times = [run["seconds"] for run in found]
            ratio = statistics.median(b / a for a, b in zip(ours, times, strict=False))
            behind = measure_likelihood(path, found[0]["values"]) - best
            peak = max(run["peak"] for run in found)
            cells = f"{statistics.median(times):.2f} s | {ratio:.1f} | {behind:+.4f}"
            print(f"| {customers:,} | {tool} | {cells} | {peak:.2f} GiB |", flush=True)


def compare_kinds(customers: int, repetitions: int) -> None:
    """Print one row a model of purchases: processor time of our fit to customers drawn from it."""
    sys.path.insert(0, str(ROOT / "tests" / "simulations"))
    from coverage_lifetime import TRUE_MODELS, draw_customers

    from segkit.features.lifetime_value import fit_lifetime

    for kind, truth in TRUE_MODELS.items():
        histories, _ = draw_customers(
            customers, 0, truth=truth, tenure_days=(1.0, 730.0), horizon_days=0.0, whole_days=True
        )
        taken = []
        for _ in range(repetitions):
            begun = time.process_time()
            model = fit_lifetime(histories, kind=kind)
            taken.append(time.process_time() - begun)
        found = model.purchases.title
        print(f"| {customers:,} | {found} | {statistics.median(taken):.2f} s |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable, help="the interpreter with the peers")
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--limit", type=int, default=360, help="seconds that a fit may take")
    options = parser.parse_args()
    tools = find_tools(options.peers)
    print("| customers | tool | seconds | times ours | log-likelihood less ours | peak memory |")
    print("|---|---|---|---|---|---|")
    for customers in options.customers:
        compare_tools(tools, customers, options.repetitions, options.limit)
    print("| customers | model of purchases, with Gamma-Gamma | processor time |")
    print("|---|---|---|")
    for customers in options.customers:
        compare_kinds(customers, options.repetitions)


if __name__ == "__main__":
    main()
