"""k-prototypes beside ``kmodes`` and scikit-learn: time, cost and memory, as a table of ratios.

Peer and segkit get the same data, k, gamma and number of starts, and take turns, so that a busy
machine slows both; ratios are the medians of pairs. ``kmodes`` runs once where it takes minutes.

    python benchmarks/kprototypes.py [--repetitions 5] [--quick]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from kmodes.kmodes import KModes
from kmodes.kprototypes import KPrototypes as Reference
from sklearn.cluster import KMeans

from segkit.models import descent
from segkit.models.prototypes import fit_prototypes

K, GAMMA = 6, 0.5
LEVELS = (5, 8, 10, 12, 15, 20)
FIT_ONCE = """
import time, numpy as np
begun = time.perf_counter()
from segkit.models.prototypes import fit_prototypes
rng = np.random.default_rng(0)
numbers, codes = rng.normal(size=({n}, 6)), rng.integers(0, 9, ({n}, 6)).astype(np.int32)
loaded = time.perf_counter()
fit_prototypes(numbers, codes, n_clusters=6, gamma=.5, n_init=1, random_state=0)
print(time.perf_counter() - loaded)
"""
MEASURE_MEMORY = """
import sys
sys.path.insert(0, {folder!r})
from kprototypes import fit_ours, make_mixed
fit_ours(*make_mixed(20_000), n_init=2)
numbers, codes = make_mixed({n})
open("/proc/self/clear_refs", "w").write("5")
read = lambda name: next(
    int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(name)
)
before = read("VmRSS")
fit_ours(numbers, codes, n_init=10)
print((read("VmHWM") - before) / (numbers.nbytes + codes.nbytes))
"""


def make_mixed(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return six numbers and six categories of 5 to 20 levels, from six overlapping groups."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, K, n)
    numbers = rng.normal(size=(K, 6))[group] * 1.5 + rng.normal(size=(n, 6))
    codes = np.empty((n, len(LEVELS)), dtype=np.int32)
    for j, count in enumerate(LEVELS):
        shares = rng.dirichlet(np.full(count, 0.7), size=K).cumsum(axis=1)
        codes[:, j] = (rng.random(n)[:, None] > shares[group, :-1]).sum(axis=1)
    return numbers, codes


def fit_ours(numbers, codes, *, n_init: int, gamma: float = GAMMA) -> float:
    """Fit and return the cost."""
    return fit_prototypes(
        numbers, codes, n_clusters=K, gamma=gamma, n_init=n_init, random_state=0
    ).cost


def fit_kmodes(numbers, codes, *, n_init: int) -> float:
    """Fit kmodes' k-prototypes and return the cost."""
    model = Reference(K, init="Huang", n_init=n_init, gamma=GAMMA, random_state=0)
    mixed = np.column_stack([numbers, codes])
    return model.fit(mixed, categorical=list(range(6, 6 + codes.shape[1]))).cost_


def fit_one_hot(numbers, codes, *, n_init: int) -> float:
    """Fit k-means on a one-hot in which a category that differs adds gamma; the mixed cost."""
    scale = np.sqrt(GAMMA / 2)
    hot = [np.equal.outer(column, np.arange(column.max() + 1)) * scale for column in codes.T]
    labels = KMeans(K, n_init=n_init, random_state=0).fit_predict(np.hstack([numbers, *hot]))
    cost = 0.0
    for cluster in range(K):
        own, levels = numbers[labels == cluster], codes[labels == cluster]
        cost += ((own - own.mean(axis=0)) ** 2).sum()
        cost += GAMMA * sum(len(column) - np.bincount(column).max() for column in levels.T)
    return cost


def measure(work) -> tuple[float, float]:
    """Return the seconds that work takes, and the cost it reaches."""
    begun = time.perf_counter()
    cost = work()
    return time.perf_counter() - begun, cost


def compare(name: str, goal: str, ours, theirs, repetitions: int) -> None:
    """Run both in turns and print a row: medians, how many times faster, and the costs' ratio."""
    pairs = [(measure(ours), measure(theirs)) for _ in range(repetitions)]
    own, peer = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
    ratio = statistics.median(peer[0] / own[0] for own, peer in pairs)
    costs = statistics.median(own[1] / peer[1] for own, peer in pairs)
    print(
        f"| {name} | {own:.2f} s | {peer:.2f} s | {ratio:.2f} | {costs:.5f} | {goal} |", flush=True
    )


def run_apart(code: str, **environment: str) -> float:
    """Return the number that a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment
    )
    return float(done.stdout) if not done.returncode else sys.exit(done.stderr)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, once")
    options = parser.parse_args()
    part, times = (10, 1) if options.quick else (1, options.repetitions)
    small, large, huge = (make_mixed(n // part) for n in (10_000, 100_000, 1_000_000))
    nothing = np.empty((len(large[0]), 0))
    numbers = make_mixed(100_000 // part, seed=1)[0]
    fit_ours(*make_mixed(20_000), n_init=2)  # loads the compiled loops
    print(
        "| work | segkit | peer | times faster | cost / peer's | goal |\n|---|---|---|---|---|---|"
    )
    compare(
        f"{len(small[0]):,} mixed rows, one start; kmodes", "100 times, cost not higher",
        lambda: fit_ours(*small, n_init=1), lambda: fit_kmodes(*small, n_init=1), times,
    )  # fmt: skip
    compare(
        f"{len(large[0]):,} mixed rows, one start; kmodes, once", "200 times, cost not higher",
        lambda: fit_ours(*large, n_init=1), lambda: fit_kmodes(*large, n_init=1), 1,
    )  # fmt: skip
    compare(
        f"{len(huge[0]):,} mixed rows, ten starts; kmodes with {len(small[0]):,} and one start",
        "0.5 times; costs are of different rows",
        lambda: fit_ours(*huge, n_init=10), lambda: fit_kmodes(*small, n_init=1), times,
    )  # fmt: skip
    compare(
        f"{len(large[0]):,} mixed rows, ten starts; k-means on one-hot", "faster, cost lower",
        lambda: fit_ours(*large, n_init=10), lambda: fit_one_hot(*large, n_init=10), times,
    )  # fmt: skip
    compare(
        f"{len(numbers):,} rows of six numbers, ten starts; k-means", "0.67 times, cost 1.001",
        lambda: fit_ours(numbers, nothing, n_init=10),
        lambda: KMeans(K, n_init=10, random_state=0).fit(numbers).inertia_, times,
    )  # fmt: skip
    for _, codes in (small, large):
        compare(
            f"{len(codes):,} rows of six categories, one start; KModes", "100 times",
            lambda codes=codes: fit_ours(nothing[: len(codes)], codes, n_init=1, gamma=1.0),
            lambda codes=codes: KModes(K, init="Huang", n_init=1, random_state=0).fit(codes).cost_,
            min(times, 3),
        )  # fmt: skip
    sampled = fit_ours(*huge, n_init=10)
    descent.MOST_STARTED = len(huge[0])
    full = fit_ours(*huge, n_init=10)
    print(f"\n{len(huge[0]):,} rows: starts on a sample cost {sampled / full:.6f} of full starts")
    memory = run_apart(
        MEASURE_MEMORY.format(folder=os.path.dirname(os.path.abspath(__file__)), n=len(huge[0]))
    )
    print(f"memory, {len(huge[0]):,} rows: {memory:.2f} times the data; goal 2 or less")
    for n in (200, 50_000):
        with tempfile.TemporaryDirectory() as cache:
            first, second = (run_apart(FIT_ONCE.format(n=n), NUMBA_CACHE_DIR=cache) for _ in "ab")
        print(f"a process's first fit of {n:,} rows: {first:.2f} s while the loops compile,")
        print(f"{second:.2f} s once they are in numba's cache; goal of 200 rows 10 and 2")


if __name__ == "__main__":
    main()
