"""Would the same segments come out of another sample of the same customers?

Global bootstrap stability: two bootstrap samples, both fits place all customers, and the adjusted
Rand index says how far they agree; the mean over pairs. For k-means there is also a reference:
the same columns, each shuffled on its own, so that nothing holds between them any more.

References
----------
Dolnicar and Leisch (2010), Evaluation of structure and reproducibility of cluster solutions using
the bootstrap, *Marketing Letters* 21. Hubert and Arabie (1985) for the index. Tibshirani, Walther
and Hastie (2001) for the spread within clusters against a reference.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import ibis
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from segkit.segments.rules import Rules

PAIRS = 20
MOST_ROWS = 2_000
STARTS = 2
REFERENCE_COPIES = 10


def sample_rows(row_count: int, random_state: int) -> np.ndarray:
    """Return at most 2,000 row numbers, in order, drawn without replacement."""
    if row_count <= MOST_ROWS:
        return np.arange(row_count)
    rng = np.random.default_rng(random_state)
    return np.sort(rng.choice(row_count, MOST_ROWS, replace=False))


def measure_centre_stability(rows: np.ndarray, n_segments: int, *, random_state: int) -> float:
    """Return the mean adjusted Rand index of k-means over 20 pairs of bootstrap samples.

    1 where both fits always agree, about 0 where they agree no more than by chance. ``rows`` are
    prepared columns; the preparation is kept as it was fitted on all customers.
    """
    rng = np.random.default_rng(random_state)
    labels = []
    with threadpool_limits(1):
        for _ in range(2 * PAIRS):
            chosen = rows[rng.integers(0, len(rows), len(rows))]
            labels.append(_fit(chosen, n_segments, int(rng.integers(2**31))).predict(rows))
    return _mean_agreement(labels)


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


def measure_structure(rows: np.ndarray, n_segments: int, *, random_state: int) -> float:
    """Return how much tighter the clusters of prepared ``rows`` are than on shuffled columns.

    1 - W / W_ref, where W is the sum of squared distances to the centres and W_ref the smallest W
    of ten copies with each column shuffled on its own. About 0 or below on noise; always 0 for a
    single column, which has nothing to hang together with.
    """
    if rows.shape[1] == 1:
        return 0.0
    rng = np.random.default_rng(random_state)
    own_seed, *seeds = rng.integers(2**31, size=REFERENCE_COPIES + 1).tolist()
    with threadpool_limits(1):
        own = _fit(rows, n_segments, own_seed).inertia_
        copies = [_fit(rng.permuted(rows, axis=0), n_segments, seed).inertia_ for seed in seeds]
    return float(1 - own / min(copies)) if min(copies) > 0 else 0.0


def _fit(rows: np.ndarray, n_segments: int, seed: int) -> KMeans:
    with warnings.catch_warnings():
        # A sample with fewer different rows than clusters gives fewer clusters; that is its answer.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(n_segments, n_init=STARTS, tol=1e-3, random_state=seed).fit(rows)


def _mean_agreement(labels: list[np.ndarray]) -> float:
    """Compare the first with the second, the third with the fourth and so on."""
    pairs = zip(labels[::2], labels[1::2], strict=True)
    return float(np.mean([adjusted_rand_score(one, other) for one, other in pairs]))
