"""How often the 95 % intervals of segments' shares, and of mean and median spend, hold the truth.

Spend is lognormal within a segment; ``spread`` is the standard deviation of its logarithms.

python -m tests.simulations.coverage_segments [--repeats 200] [--pairs 25]
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from segkit.models.columns import PreparedColumns
from segkit.models.prototypes import fit_prototypes
from segkit.validation.intervals import bound_segments
from segkit.validation.refits import refit_prototypes
from segkit.validation.resampling import Resamples, draw_bootstraps

CENTRES = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 1.0], [0.0, 4.0, -1.0]])
SHARES = (0.5, 0.3, 0.2)
EQUAL = (1 / 3, 1 / 3, 1 / 3)
MANY = 200_000
SPREAD = 0.4
FIGURES = ("customer_share", "mean_value", "median_value")
# Skewed spend: how far it spreads, and how many customers a segment has.
SKEWED = tuple((spread, size) for spread in (1.0, 2.0) for size in (50, 100, 200, 1000))


def draw_customers(
    rng: np.random.Generator,
    n_customers: int,
    *,
    spread: float = SPREAD,
    shares: Sequence[float] = SHARES,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw three groups that touch, in three columns, and spend that follows the first column."""
    group = rng.choice(3, n_customers, p=shares)
    numbers = CENTRES[group] + rng.normal(size=(n_customers, 3))
    return numbers, np.exp(3 + 0.3 * numbers[:, 0] + spread * rng.normal(size=n_customers))


def fit(numbers: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Fit three segments; return the labels, in the order of the drawn groups, and the centres."""
    codes = np.empty((len(numbers), 0), dtype=np.int32)
    labels = fit_prototypes(numbers, codes, n_clusters=3, gamma=1.0, random_state=seed).labels
    centres = np.array([numbers[labels == n].mean(axis=0) for n in range(3)])
    order = ((CENTRES[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    return np.argsort(order)[labels], centres[order]


@functools.cache
def find_truth(seed: int, spread: float, shares: Sequence[float]) -> pd.DataFrame:
    """Return shares, and mean and median spend, of the same fit on a very large sample."""
    rng = np.random.default_rng([seed, MANY])
    numbers, spend = draw_customers(rng, MANY, spread=spread, shares=shares)
    _, centres = fit(numbers[:20_000], seed)
    for _ in range(20):  # the steps of Lloyd, on all
        labels = ((numbers[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.array([numbers[labels == n].mean(axis=0) for n in range(3)])
    expected = np.exp(3 + 0.3 * numbers[:, 0] + spread**2 / 2)  # spend itself varies too much
    return pd.DataFrame(
        {
            "customer_share": np.bincount(labels) / MANY,
            "mean_value": [expected[labels == n].mean() for n in range(3)],
            "median_value": [np.median(spend[labels == n]) for n in range(3)],
        }
    )


def bound_draw(
    seed: int,
    repeat: int,
    *,
    n_customers: int,
    pairs: int,
    spread: float = SPREAD,
    shares: Sequence[float] = SHARES,
) -> pd.DataFrame:
    """Draw customers, fit segments and bound them: what `bound_segments` returns."""
    rng = np.random.default_rng([seed, repeat])
    numbers, spend = draw_customers(rng, n_customers, spread=spread, shares=shares)
    own, _ = fit(numbers, repeat)
    draws = draw_bootstraps(n_customers, pairs=pairs, random_state=repeat)
    prepared = PreparedColumns((), (), numbers, np.empty((n_customers, 0), dtype=np.int32))
    labels, _ = refit_prototypes(prepared, 3, draws, gamma=1.0, rng=rng)
    unknown = float("nan")
    return bound_segments(Resamples(own, 3, labels, draws, [], unknown, unknown), spend)


def simulate(n_repeats: int, seed: int, *, n_customers: int = 400, pairs: int = 50) -> pd.DataFrame:
    """Draw customers, bound their segments, and ask whether the intervals hold the truth.

    Returns
    -------
    pandas.DataFrame
        One row a segment and figure: ``segment``, ``figure``, ``truth``, ``repeats``,
        ``coverage`` and its ``standard_error``, and the mean ``width`` of the intervals.
    """
    truth = find_truth(seed, SPREAD, SHARES)
    rows = []
    for repeat in range(n_repeats):
        bounds = bound_draw(seed, repeat, n_customers=n_customers, pairs=pairs)
        rows += [compare_truth(bounds, truth, figure) for figure in FIGURES]
    groups = pd.concat(rows).groupby(["figure", "segment", "truth"])
    table = groups.agg(repeats=("held", "size"), coverage=("held", "mean"), width=("width", "mean"))
    table.insert(2, "standard_error", find_error(table["coverage"], table["repeats"]))
    return table.reset_index()


def simulate_skewed(
    n_repeats: int, seed: int, *, kinds: Sequence[tuple[float, int]] = SKEWED, pairs: int = 25
) -> pd.DataFrame:
    """Ask the same of skewed spend, three segments of one size together.

    Returns
    -------
    pandas.DataFrame
        One row a kind and figure: ``spread``, ``segment_size``, ``figure``, ``segments`` (bounded
        in all), ``shown_share`` (of them with ends, for a mean that is not relied on has none),
        ``coverage`` of these with its ``standard_error``, ``shown_and_wrong`` (share of all), and
        the median ``width`` over the truth.
    """
    rows = []
    for spread, size in kinds:
        truth = find_truth(seed, spread, EQUAL)
        for repeat in range(n_repeats):
            drawn = {"n_customers": 3 * size, "pairs": pairs, "spread": spread, "shares": EQUAL}
            bounds = bound_draw(seed, repeat, **drawn)
            for figure in FIGURES[1:]:
                found = compare_truth(bounds, truth, figure)
                rows.append(found.assign(spread=spread, segment_size=size))
    table = pd.concat(rows)
    table["shown"] = table["width"].notna()
    table["wrong"] = table["shown"] & ~table["held"]
    table["width"] /= table["truth"]
    groups = table.groupby(["figure", "spread", "segment_size"])
    found = groups.agg(
        segments=("shown", "size"),
        shown_share=("shown", "mean"),
        shown_and_wrong=("wrong", "mean"),
        width=("width", "median"),
    )
    shown = found["segments"] * found["shown_share"]
    found.insert(2, "coverage", 1 - found["segments"] * found["shown_and_wrong"] / shown)
    found.insert(3, "standard_error", find_error(found["coverage"], shown))
    return found.reset_index()


def compare_truth(bounds: pd.DataFrame, truth: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return whether each segment's interval of a figure holds the truth, and how wide it is."""
    low = bounds[f"{figure}_low"]
    high = bounds[f"{figure}_high"]
    return pd.DataFrame(
        {
            "segment": bounds["segment"],
            "figure": figure,
            "truth": truth[figure],
            "held": (low <= truth[figure]) & (truth[figure] <= high),
            "width": high - low,
        }
    )


def find_error(share: pd.Series, count: pd.Series) -> pd.Series:
    """Return the standard error of a share of so many."""
    return np.sqrt(share * (1 - share) / count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=25)
    options = parser.parse_args()
    print(simulate(options.repeats, 0, pairs=options.pairs).to_string(index=False))
    print(simulate_skewed(options.repeats, 0, pairs=options.pairs).to_string(index=False))
