"""Bootstrap stability beside loops over scikit-learn's KMeans and kmodes, as a table of ratios.

Both draw the same pairs of bootstrap samples, fit each with ten starts, place all rows and compare
the pairs by the adjusted Rand index. scikit-learn's loop runs whole; that over ``kmodes`` is
reckoned from one pair with one start each, times pairs, starts and numbers of segments.

    python benchmarks/stability.py [--quick] [--no-kmodes]
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else scikit-learn's threads wait busily

import numpy as np
from kmodes.kprototypes import KPrototypes as Peer
from kprototypes import make_mixed
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from segkit.models.columns import PreparedColumns
from segkit.validation.refits import refit_prototypes
from segkit.validation.resampling import draw_bootstraps
from segkit.validation.sampling import MOST_RESAMPLED
from segkit.validation.stability import compare_pairs

COUNTS = range(2, 9)
GAMMA = 0.5


def draw_binary(rows: int = 1_453, columns: int = 11) -> np.ndarray:
    """Answers yes or no of three overlapping groups."""
    rng = np.random.default_rng(0)
    shares = rng.uniform(0.15, 0.85, (3, columns))
    return (rng.random((rows, columns)) < shares[rng.integers(0, 3, rows)]).astype(float)


def measure_ours(rows: PreparedColumns, draws: np.ndarray) -> tuple[float, list[float]]:
    begun, medians = time.perf_counter(), []
    for k in COUNTS:
        rng = np.random.default_rng(k)
        labels = refit_prototypes(rows, k, draws, gamma=GAMMA, rng=rng)[0]
        medians.append(float(np.median(compare_pairs(labels))))
    return time.perf_counter() - begun, medians


def measure_kmeans(numbers: np.ndarray, draws: np.ndarray) -> tuple[float, list[float]]:
    begun, medians, everyone = time.perf_counter(), [], np.arange(len(numbers))
    for k in COUNTS:
        labels = [
            KMeans(k, n_init=10, random_state=seed)
            .fit(numbers[np.repeat(everyone, drawn)])
            .predict(numbers)
            for seed, drawn in enumerate(draws)
        ]
        pairs = zip(labels[::2], labels[1::2], strict=True)
        medians.append(float(np.median([adjusted_rand_score(a, b) for a, b in pairs])))
    return time.perf_counter() - begun, medians


def reckon_kmodes(rows: PreparedColumns, draws: np.ndarray, k: int) -> float:
    """Return the seconds of one pair with one start each, drawn, fitted and placed."""
    table = np.column_stack([rows.numbers.astype(object), rows.codes.astype(object)])
    names = list(range(rows.numbers.shape[1], table.shape[1]))
    begun, everyone = time.perf_counter(), np.arange(len(table))
    for seed, drawn in enumerate(draws[:2]):
        peer = Peer(k, n_init=1, gamma=GAMMA, init="Huang", random_state=seed)
        peer.fit(table[np.repeat(everyone, drawn)], categorical=names)
        peer.predict(table, categorical=names)
    return time.perf_counter() - begun


def write(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the pairs and rows")
    parser.add_argument("--no-kmodes", action="store_true", help="leave out the slowest peer")
    options = parser.parse_args()
    pairs, size = (10, 5_000) if options.quick else (100, 50_000)
    nothing = np.empty((0, 0), dtype=np.int32)
    binary = draw_binary()
    few = PreparedColumns((), (), binary, nothing.reshape(len(binary), 0))
    measure_ours(few, draw_bootstraps(len(binary), pairs=1, random_state=1))  # compiles
    draws = draw_bootstraps(len(binary), pairs=pairs, random_state=0)
    ours, own_medians = measure_ours(few, draws)
    peer, peer_medians = measure_kmeans(binary, draws)
    print(f"1,453 x 11 yes or no, k = 2 to 8, {pairs} pairs, ten starts")
    print(f"  segkit {ours:.1f} s, scikit-learn {peer:.1f} s, ratio {peer / ours:.1f}")
    print(f"  medians segkit       {write(own_medians)}")
    print(f"  medians scikit-learn {write(peer_medians)}", flush=True)
    numbers, codes = make_mixed(size)[:2]
    rows = PreparedColumns((), (), numbers, codes)
    ours, own_medians = measure_ours(rows, draw_bootstraps(size, pairs=pairs, random_state=0))
    print(f"{size:,} mixed rows, k = 2 to 8, {pairs} pairs, ten starts: segkit {ours:.1f} s")
    few_rows = min(MOST_RESAMPLED, size // 2)
    chosen = np.sort(np.random.default_rng(0).choice(size, few_rows, replace=False))
    draws = draw_bootstraps(len(chosen), pairs=pairs, random_state=0)
    sampled, sample_medians = measure_ours(rows.take(chosen), draws)
    furthest = max(abs(a - b) for a, b in zip(own_medians, sample_medians, strict=True))
    print(f"  a sample of {few_rows:,}: {sampled:.1f} s, medians at most {furthest:.3f} apart")
    print(f"  medians of all    {write(own_medians)}")
    print(f"  medians of sample {write(sample_medians)}", flush=True)
    if not options.no_kmodes:
        one = reckon_kmodes(rows, draw_bootstraps(size, pairs=1, random_state=0), 5)
        whole = one * pairs * 10 * len(COUNTS)
        print(f"  kmodes, one pair, one start, k = 5: {one:.0f} s; reckoned {whole:,.0f} s,")
        print(f"  ratio {whole / ours:,.0f} to all rows, {whole / sampled:,.0f} to the sample")


if __name__ == "__main__":
    main()
