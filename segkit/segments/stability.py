"""Would the same segments come out of another sample of the same customers?

Global bootstrap stability: two bootstrap samples, both fits place all customers, and the adjusted
Rand index says how far they agree; the mean over pairs. For prototypes there is also a reference:
the same columns, each shuffled on its own, so that nothing holds between them any more.

References
----------
Dolnicar and Leisch (2010), Evaluation of structure and reproducibility of cluster solutions using
the bootstrap, *Marketing Letters* 21. Hubert and Arabie (1985) for the index. Tibshirani, Walther
and Hastie (2001) for the spread within clusters against a reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from segkit.segments.answers import rate_answers, read_answers, search_classes
from segkit.segments.kprototypes import PrototypeFit, assign_prototypes, fit_prototypes
from segkit.segments.preparation import Prepared
from segkit.segments.rules import Rules

PAIRS = 20
MOST_ROWS = 2_000
STARTS = 3
REFERENCE_COPIES = 10
# EM on a bootstrap sample ends where a step gains less log-likelihood than this.
ROUGH_GAIN = 0.01


def sample_rows(row_count: int, random_state: int) -> np.ndarray:
    """Return at most 2,000 row numbers, in order, drawn without replacement."""
    if row_count <= MOST_ROWS:
        return np.arange(row_count)
    rng = np.random.default_rng(random_state)
    return np.sort(rng.choice(row_count, MOST_ROWS, replace=False))


def measure_stability(
    fit: Callable[[np.ndarray, int], np.ndarray], row_count: int, *, random_state: int
) -> float:
    """Return the mean adjusted Rand index over 20 pairs of bootstrap samples.

    1 where both fits always agree, about 0 where they agree no more than by chance. ``fit`` takes
    the row numbers of a sample and a seed, and returns the cluster of every row.
    """
    rng = np.random.default_rng(random_state)
    labels = []
    for _ in range(2 * PAIRS):
        chosen = rng.integers(0, row_count, row_count)
        labels.append(fit(chosen, int(rng.integers(2**31))))
    return _mean_agreement(labels)


def measure_prototype_stability(
    rows: Prepared, n_segments: int, *, gamma: float, random_state: int
) -> float:
    """Return the stability of prototypes; the preparation is kept as it was fitted on all."""

    def refit(chosen: np.ndarray, seed: int) -> np.ndarray:
        fit = _fit(rows.take(chosen), n_segments, gamma, seed)
        return assign_prototypes(rows.numbers, rows.codes, fit.centres, fit.modes, gamma)[0]

    return measure_stability(refit, len(rows.numbers), random_state=random_state)


def measure_rule_stability(
    customers: pd.DataFrame, fit: Callable[[pd.DataFrame], tuple[Rules, list]], *, random_state: int
) -> float:
    """Return the same for rules whose cut points are learned on each sample.

    ``fit`` takes a bootstrap sample of ``customers``, who have the columns that the rules read, and
    returns rules that differ in nothing but their cut points, and names.
    """
    rng = np.random.default_rng(random_state)
    samples = rng.integers(0, len(customers), (2 * PAIRS, len(customers)))
    fitted = [fit(customers.iloc[chosen])[0] for chosen in samples]
    # One query for all samples: their cut points are the rows of a small table.
    names = {s.name: [f"{s.name}_{i}_" for i in range(len(s.cuts))] for s in fitted[0].scores}
    cuts = pd.DataFrame(
        [[cut for score in rules.scores for cut in score.cuts] for rules in fitted],
        columns=[name for own in names.values() for name in own],
    )
    rows = ibis.memtable(customers.assign(row_=np.arange(len(customers))))
    crossed = rows.cross_join(ibis.memtable(cuts.assign(sample_=np.arange(len(cuts)))))
    placed = fitted[0].place(crossed, names).select("row_", "sample_", "segment").to_pandas()
    labels = placed.pivot(index="sample_", columns="row_", values="segment").to_numpy()
    return _mean_agreement(list(labels))


def measure_class_stability(
    customers: pd.DataFrame, columns: tuple[str, ...], n_segments: int, *, random_state: int
) -> tuple[float, float]:
    """Return the stability of latent classes, and how far their BIC is below that of one class.

    The second is a share of the BIC of one class; 0 or below where the answers hang together no
    more than one class says.
    """

    answers = read_answers(customers, columns, random_state)
    pattern_of_row = np.repeat(np.arange(len(answers.counts)), answers.counts)

    def refit(chosen: np.ndarray, seed: int) -> np.ndarray:
        counts = np.bincount(pattern_of_row[chosen], minlength=len(answers.counts))
        drawn = replace(answers, patterns=answers.patterns[counts > 0], counts=counts[counts > 0])
        options = {"n_init": STARTS, "gain": ROUGH_GAIN, "enough": 1}
        size, rng = min(n_segments, len(drawn.counts)), np.random.default_rng(seed)
        climb = search_classes(drawn, size, rng, **options)[0]
        _, known = rate_answers(answers, climb.weights, climb.shares)
        return known.argmax(axis=1)[pattern_of_row]

    with threadpool_limits(1):
        stability = measure_stability(refit, len(pattern_of_row), random_state=random_state)
        rng, criteria = np.random.default_rng(random_state), []
        free = sum(len(own.levels) - 1 for own in answers.levels)
        for n in (1, n_segments):
            climb = search_classes(answers, n, rng, n_init=STARTS, gain=ROUGH_GAIN, enough=1)[0]
            penalty = (n - 1 + n * free) * np.log(len(pattern_of_row))
            criteria.append(penalty - 2 * climb.likelihood)
    return stability, 1 - criteria[1] / criteria[0]


def measure_structure(rows: Prepared, n_segments: int, *, gamma: float, random_state: int) -> float:
    """Return how much tighter the clusters of prepared ``rows`` are than on shuffled columns.

    1 - W / W_ref, where W is the sum of squared distances to the prototypes and W_ref the smallest
    W of ten copies with each column shuffled on its own. About 0 or below on noise; always 0 for a
    single column, which has nothing to hang together with.
    """
    if rows.numbers.shape[1] + rows.codes.shape[1] == 1:
        return 0.0
    rng = np.random.default_rng(random_state)
    own_seed, *seeds = rng.integers(2**31, size=REFERENCE_COPIES + 1).tolist()
    own = _fit(rows, n_segments, gamma, own_seed).cost
    copies = []
    for seed in seeds:
        shuffled = replace(
            rows, numbers=rng.permuted(rows.numbers, axis=0), codes=rng.permuted(rows.codes, axis=0)
        )
        copies.append(_fit(shuffled, n_segments, gamma, seed).cost)
    return float(1 - own / min(copies)) if min(copies) > 0 else 0.0


def _fit(rows: Prepared, n_segments: int, gamma: float, seed: int) -> PrototypeFit:
    """Fit prototypes; a sample with fewer different rows than clusters gives fewer of them."""
    in_order = rows.take(np.lexsort((*rows.codes.T, *rows.numbers.T)))
    count = min(n_segments, in_order.count_different())
    options = {"gamma": gamma, "n_init": STARTS, "refine": False, "random_state": seed}
    return fit_prototypes(rows.numbers, rows.codes, n_clusters=count, **options)


def _mean_agreement(labels: list[np.ndarray]) -> float:
    """Compare the first with the second, the third with the fourth and so on."""
    pairs = zip(labels[::2], labels[1::2], strict=True)
    return float(np.mean([adjusted_rand_score(one, other) for one, other in pairs]))
