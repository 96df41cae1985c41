"""How often the 95 % intervals of segments' shares and mean spend hold the truth.

python tests/simulations/coverage_segments.py [--repeats 200] [--customers 400]
"""

from __future__ import annotations

import argparse
import functools

import numpy as np
import pandas as pd

from segkit.models.columns import PreparedColumns
from segkit.models.prototypes import fit_prototypes
from segkit.validation.refits import refit_prototypes
from segkit.validation.resampling import Resamples, draw_bootstraps
from segkit.validation.stability import bound_segments

CENTRES = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 1.0], [0.0, 4.0, -1.0]])
SHARES = [0.5, 0.3, 0.2]
MANY = 200_000


def draw_customers(rng: np.random.Generator, n_customers: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw three groups that touch, in three columns, and spend that follows the first column."""
    group = rng.choice(3, n_customers, p=SHARES)
    numbers = CENTRES[group] + rng.normal(size=(n_customers, 3))
    return numbers, np.exp(3 + 0.3 * numbers[:, 0] + 0.4 * rng.normal(size=n_customers))


def fit(numbers: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Fit three segments; return the labels, in the order of the drawn groups, and the centres."""
    codes = np.empty((len(numbers), 0), dtype=np.int32)
    labels = fit_prototypes(numbers, codes, n_clusters=3, gamma=1.0, random_state=seed).labels
    centres = np.array([numbers[labels == n].mean(axis=0) for n in range(3)])
    order = ((CENTRES[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    return np.argsort(order)[labels], centres[order]


@functools.cache
def find_truth(seed: int) -> pd.DataFrame:
    """Return shares and mean spend of the same fit on a very large sample."""
    numbers, spend = draw_customers(np.random.default_rng([seed, MANY]), MANY)
    _, centres = fit(numbers[:20_000], seed)
    for _ in range(20):  # the steps of Lloyd, on all
        labels = ((numbers[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.array([numbers[labels == n].mean(axis=0) for n in range(3)])
    means = [spend[labels == n].mean() for n in range(3)]
    return pd.DataFrame({"customer_share": np.bincount(labels) / MANY, "mean_value": means})


def simulate(n_repeats: int, seed: int, *, n_customers: int = 400, pairs: int = 50) -> pd.DataFrame:
    """Draw customers, bound their segments, and ask whether the intervals hold the truth.

    Returns
    -------
    pandas.DataFrame
        One row a segment and figure: ``segment``, ``figure``, ``truth``, ``repeats``,
        ``coverage`` and its ``standard_error``, and the mean ``width`` of the intervals.
    """
    truth, rows = find_truth(seed), []
    for repeat in range(n_repeats):
        rng = np.random.default_rng([seed, repeat])
        numbers, spend = draw_customers(rng, n_customers)
        own, _ = fit(numbers, repeat)
        draws = draw_bootstraps(n_customers, pairs=pairs, random_state=repeat)
        prepared = PreparedColumns((), (), numbers, np.empty((n_customers, 0), dtype=np.int32))
        labels, _ = refit_prototypes(prepared, 3, draws, gamma=1.0, rng=rng)
        unknown = float("nan")
        bounds = bound_segments(Resamples(own, 3, labels, draws, [], unknown, unknown), spend)
        for figure in ("customer_share", "mean_value"):
            low, high = bounds[f"{figure}_low"], bounds[f"{figure}_high"]
            held = (low <= truth[figure]) & (truth[figure] <= high)
            own_rows = {"segment": bounds["segment"], "figure": figure, "truth": truth[figure]}
            rows.append(pd.DataFrame(own_rows | {"held": held, "width": high - low}))
    groups = pd.concat(rows).groupby(["figure", "segment", "truth"])
    table = groups.agg(repeats=("held", "size"), coverage=("held", "mean"), width=("width", "mean"))
    spread = np.sqrt(table["coverage"] * (1 - table["coverage"]) / table["repeats"])
    table.insert(2, "standard_error", spread)
    return table.reset_index()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--customers", type=int, default=400)
    options = parser.parse_args()
    print(simulate(options.repeats, 0, n_customers=options.customers).to_string(index=False))
