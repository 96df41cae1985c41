"""How often noise is taken for a finding, and how often the true number of segments is chosen.

Call it by hand for a long run: python tests/simulations/verdicts.py
"""

from __future__ import annotations

import argparse
import datetime

import numpy as np
import pandas as pd

from segkit.plan.models import Criteria, Scheme
from segkit.validation.candidates import compare_candidates
from segkit.validation.verdict import choose_scheme

AS_OF = datetime.date(2026, 6, 30)
NOISE = ("normal", "uniform", "binary", "mixed")
MIXTURES = (3, 4, 5, 6)
METHODS = {"normal": "kmeans", "uniform": "kmeans"}


def draw_noise(kind: str, rng: np.random.Generator, *, n_customers: int = 600) -> pd.DataFrame:
    """Draw customers in whose columns nothing hangs together."""
    n, numbers, codes = n_customers, np.empty((n_customers, 0)), np.empty((n_customers, 0), int)
    if kind == "normal":
        numbers = rng.normal(size=(n, 5))
    elif kind == "uniform":
        numbers = rng.uniform(size=(n, 4))
    elif kind == "binary":
        codes = (rng.random((n, 8)) < rng.uniform(0.2, 0.8, 8)).astype(int)
    else:
        numbers, codes = rng.normal(size=(n, 3)), rng.integers(0, [2, 3, 4], (n, 3))
    return _make_customers(numbers, codes)


def draw_mixture(
    k: int, rng: np.random.Generator, *, n_customers: int = 600, apart: float = 6.0
) -> pd.DataFrame:
    """Draw k groups in four numbers and three categories.

    The centres of any two lie at least ``apart`` standard deviations from each other; categories
    keep the group's level for 85 % of customers, and are drawn anew for the rest.
    """
    while True:
        centres = rng.normal(size=(k, 4)) * apart / 2
        between = np.sqrt(((centres[:, None] - centres) ** 2).sum(axis=2))
        if between[np.triu_indices(k, 1)].min() > apart:
            break
    group = rng.choice(k, n_customers, p=rng.dirichlet(np.full(k, 20)))
    codes = rng.integers(0, 4, (k, 3))[group]
    anew = rng.random(codes.shape) < 0.15
    codes = np.where(anew, rng.integers(0, 4, codes.shape), codes)
    return _make_customers(centres[group] + rng.normal(size=(n_customers, 4)), codes)


def _make_customers(numbers: np.ndarray, codes: np.ndarray) -> pd.DataFrame:
    customers = pd.DataFrame({"customer_id": [f"c{i:04}" for i in range(len(numbers))]})
    for i, column in enumerate(numbers.T):
        customers[f"number_{i}"] = column
    for i, column in enumerate(codes.T):
        customers[f"category_{i}"] = np.array([f"level {code}" for code in column])
    return customers


def judge(
    customers: pd.DataFrame, segments: tuple[int, int], *, method: str, seed: int, pairs: int
) -> tuple[pd.DataFrame, object]:
    """Compare the numbers of segments of one scheme; return the table and the choice."""
    columns = tuple(column for column in customers if column != "customer_id")
    scheme = Scheme(
        name="drawn",
        goal="g",
        base="behavioural",
        method=method,
        columns=columns,
        categorical=tuple(column for column in columns if column.startswith("category")),
        segments=segments,
    )
    criteria = Criteria(most_segments=10, smallest_customer_share=0.02)
    options = {"as_of": AS_OF, "random_state": seed, "pairs": pairs}
    table = compare_candidates(customers, [scheme], criteria, **options).table
    return table, choose_scheme(table, criteria)


def simulate(
    n_repeats: int,
    seed: int,
    *,
    noise: tuple[str, ...] = NOISE,
    mixtures: tuple[int, ...] = MIXTURES,
    pairs: int = 25,
    n_customers: int = 600,
) -> pd.DataFrame:
    """Judge ``n_repeats`` draws of each kind of noise, and of mixtures of each number of groups.

    Returns
    -------
    pandas.DataFrame
        One row a draw and number of segments: ``drawn``, ``repeat``, ``true_count`` (1 of noise),
        ``chosen_count`` and ``verdict`` of the draw, and the candidates' ``segment_count``,
        ``kind``, ``stability``, ``structure``, ``border_share``, ``weakest_jaccard``, ``passes``.
    """
    tables, size = [], {"n_customers": n_customers}
    for repeat in range(n_repeats):
        for place, drawn in enumerate([*noise, *mixtures]):
            rng = np.random.default_rng([seed, repeat, place])
            true_count = 1 if drawn in noise else drawn
            if drawn in noise:
                customers, segments = draw_noise(drawn, rng, **size), (2, 6)
            else:
                customers, segments = draw_mixture(drawn, rng, **size), (2, drawn + 2)
            options = {"method": METHODS.get(drawn, "kprototypes"), "pairs": pairs}
            table, choice = judge(customers, segments, seed=repeat, **options)
            name = f"{drawn} noise" if drawn in noise else f"{drawn} groups"
            own = {"drawn": name, "repeat": repeat, "true_count": true_count}
            own |= {"chosen_count": choice.segment_count, "verdict": choice.verdict}
            kept = ["segment_count", "kind", "stability", "structure", "border_share"]
            tables.append(table[[*kept, "weakest_jaccard", "passes"]].assign(**own))
    return pd.concat(tables, ignore_index=True)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Return by what was drawn how many draws were judged right.

    Of noise a draw is right if no number of segments is natural or reproducible and the verdict is
    no; of groups if the true number is chosen with a yes.
    """
    found = table["kind"].isin(["natural", "reproducible"])
    keys = ["drawn", "repeat", "true_count", "chosen_count", "verdict"]
    draws = table.assign(found=found).groupby(keys, sort=False)["found"].any().reset_index()
    silent = ~draws["found"] & (draws["verdict"] == "no")
    true = (draws["chosen_count"] == draws["true_count"]) & (draws["verdict"] == "yes")
    draws["right"] = silent.where(draws["true_count"] == 1, true)
    rows = draws.groupby("drawn", sort=False)["right"].agg(["sum", "size"])
    return rows.set_axis(["right", "draws"], axis=1).reset_index()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    found = simulate(parser.parse_args().repeats, 0)
    print(summarise(found).to_string(index=False))
