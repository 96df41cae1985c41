"""How often the 95 % intervals of effect sizes, of shares and of rules' accuracy hold the truth.

python -m tests.simulations.coverage_profiles [--repeats 2000] [--surrogates 100]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from segkit.profiles.differences import compare_means, compare_shares
from segkit.validation.reach import fit_surrogate

SIZES = [(20, 200), (60, 200), (200, 600)]
SHARES = 0.30, 0.15
# How values are drawn: shift and scale here; elsewhere they are 0 and 1.
VALUES = {
    "normal, same spread": ("normal", 0.5, 1.0),
    "normal, twice the spread": ("normal", 0.5, 2.0),
    "lognormal, shifted": ("lognormal", 0.5, 1.0),
    "lognormal, half as much again": ("lognormal", 0.0, 1.5),
}
MOMENTS = {"normal": (0.0, 1.0), "lognormal": (np.exp(0.5), (np.e - 1) * np.e)}
COLUMNS = ["figure", "values", "here", "elsewhere", "truth", "coverage", "standard_error"]
COLUMNS += ["estimate"]


def draw(rng: np.random.Generator, kind: str, shift: float, scale: float, n: int) -> np.ndarray:
    """Draw values of a kind."""
    values = rng.normal(size=n) if kind == "normal" else rng.lognormal(0, 1, n)
    return shift + scale * values


def find_truth(kind: str, shift: float, scale: float, n: int, m: int) -> float:
    """Return the true effect size, over the spread that n and m values pool."""
    mean, variance = MOMENTS[kind]
    pooled = ((n - 1) * scale**2 + m - 1) / (n + m - 2) * variance
    return float((shift + (scale - 1) * mean) / np.sqrt(pooled))


def simulate(n_repeats: int, seed: int) -> pd.DataFrame:
    """Draw segments and others, and ask whether the intervals hold the true difference.

    Returns
    -------
    pandas.DataFrame
        One row a kind of values and pair of sizes: ``figure``, ``values``, ``here``, ``elsewhere``
        (counts), ``truth``, ``coverage``, its ``standard_error``, and the mean ``estimate``.
    """
    rows = []
    for n, m in SIZES:
        here = np.arange(n + m) < n
        for place, (name, (kind, *own)) in enumerate(VALUES.items()):
            rng, found = np.random.default_rng([seed, n, place]), []
            for _ in range(n_repeats):
                values = np.append(draw(rng, kind, *own, n), draw(rng, kind, 0.0, 1.0, m))
                found.append(compare_means(values, here))
            table = pd.DataFrame(found)[["effect_size", "effect_low", "effect_high"]]
            judged = judge(find_truth(kind, *own, n, m), table)
            rows.append(("effect size", name, n, m, *judged))
        rng = np.random.default_rng([seed, n, len(VALUES)])
        drawn = rng.binomial([n, m], SHARES, (n_repeats, 2))
        counts = np.array([n, m])
        cells = [compare_shares(np.array([hits, counts - hits]).T, counts) for hits in drawn]
        table = pd.DataFrame([cell.iloc[0] for cell in cells])
        table = table[["difference", "difference_low", "difference_high"]]
        judged = judge(SHARES[0] - SHARES[1], table)
        rows.append(("difference of shares", "shares .30 and .15", n, m, *judged))
    return pd.DataFrame(rows, columns=COLUMNS)


def simulate_accuracy(n_repeats: int, seed: int, *, n_customers: int = 300) -> pd.DataFrame:
    """Draw customers, fit plain rules, and ask whether the interval holds the rules' accuracy.

    The truth is what trees of the folds' size reach on average over all draws, for the accuracy of
    unseen customers is measured without bias. Columns as those of `simulate`.
    """
    found = []
    for repeat in range(n_repeats):
        rng = np.random.default_rng([seed, repeat])
        labels = rng.choice([1, 2, 3], n_customers, p=[0.5, 0.3, 0.2])
        columns = {f"x{i}": rng.normal(size=n_customers) for i in range(4)}
        columns["x0"] += 1.5 * (labels == 1)
        columns["x1"] += 1.5 * (labels == 2)
        names = [f"c{i:05}" for i in range(n_customers)]
        segments = {"customer_id": names, "segment": labels, "segment_name": labels.astype(str)}
        customers = pd.DataFrame({"customer_id": names, **columns})
        options = {"columns": list(columns), "random_state": repeat}
        rules = fit_surrogate(customers, pd.DataFrame(segments), **options)
        found.append((rules.accuracy, rules.accuracy_low, rules.accuracy_high))
    table = pd.DataFrame(found)
    judged = judge(table[0].mean(), table)
    row = ("accuracy of rules", "segments that overlap", n_customers, 0, *judged)
    return pd.DataFrame([row], columns=COLUMNS)


def judge(truth: float, found: pd.DataFrame) -> tuple[float, float, float, float]:
    """Return the truth, how often low to high held it, the error of that, the mean estimate."""
    estimate, low, high = (found.iloc[:, i] for i in range(3))
    coverage = float(((low <= truth) & (truth <= high)).mean())
    error = np.sqrt(coverage * (1 - coverage) / len(found))
    return float(truth), coverage, float(error), float(estimate.mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--surrogates", type=int, default=100)
    options = parser.parse_args()
    parts = [simulate(options.repeats, 0), simulate_accuracy(options.surrogates, 0)]
    print(pd.concat(parts).round(3).to_string(index=False))
