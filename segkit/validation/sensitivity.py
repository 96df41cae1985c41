"""Does a segmentation hang on one of its columns, and do two columns say the same?"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from scipy.stats.contingency import association

from segkit.core.errors import SegkitError
from segkit.models import columns as table_columns
from segkit.models.answer_patterns import count_patterns, read_codes
from segkit.models.kinds import find_kind
from segkit.models.prototypes import choose_gamma
from segkit.plan.models import LEARNING_METHODS, Scheme
from segkit.segmentation.preparation import find_scaling, prepare_columns
from segkit.validation.candidates import Candidates
from segkit.validation.class_resampling import refit_classes
from segkit.validation.refits import refit_prototypes
from segkit.validation.stability import compare_labels, compare_pairs

NEAR_DUPLICATE = 0.9
PAIRS = 10


def leave_out_columns(
    candidates: Candidates, scheme: Scheme, *, segment_count: int, random_state: int
) -> pd.DataFrame:
    """Fit a scheme without each of its columns in turn, on the customers of the candidates.

    Parameters
    ----------
    candidates : Candidates
        With ``scheme`` and ``segment_count`` among them.

    Returns
    -------
    pandas.DataFrame
        One row a column: ``column``; ``agreement``, the adjusted Rand index of the segments without
        it with those of all columns; ``stability`` of the solution without it, the median over ten
        pairs of bootstrap samples; ``stability_with_all`` of the same samples. No rows for rules,
        or for a scheme of a single column.
    """
    columns = ["column", "agreement", "stability", "stability_with_all"]
    if scheme.method not in LEARNING_METHODS or len(scheme.columns) < 2:
        return pd.DataFrame(columns=columns)
    resamples = candidates.resamples[scheme.name, segment_count]
    rows = []
    draws = resamples.draws[: 2 * PAIRS]
    once = np.ones((1, draws.shape[1]), dtype=draws.dtype)
    whole = float(np.median(compare_pairs(resamples.labels[: 2 * PAIRS])))
    refit = _prepare_refits(
        candidates.choose_part(scheme.name).sampled,
        _hold_scale(candidates.sampled, scheme),
        segment_count,
        draws=np.concatenate([once, draws]),
        random_state=random_state,
    )
    for column in scheme.columns:
        labels = refit(column)
        agreement = compare_labels(resamples.own, labels[0])
        stability = float(np.median(compare_pairs(labels[1:])))
        rows.append((column, agreement, stability, whole))
    return pd.DataFrame(rows, columns=columns)


def _hold_scale(customers: pd.DataFrame, scheme: Scheme) -> Scheme:
    """Return a scheme whose columns are brought to scale without one of them as with it."""
    if scheme.method != "latent_classes" and find_scaling(customers, scheme) == "sd":
        return scheme.model_copy(update={"scale": "sd"})
    return scheme


def _prepare_refits(
    customers: pd.DataFrame, scheme: Scheme, k: int, *, draws: np.ndarray, random_state: int
) -> Callable[[str], np.ndarray]:
    """Prepare all columns once; return what fits the scheme without one of them, (samples, n)."""
    if scheme.method == "latent_classes":
        levels, codes = read_codes(customers, scheme.columns, smallest_level=scheme.smallest_level)

        def refit_without(column: str) -> np.ndarray:
            kept = [i for i, own in enumerate(levels) if own.column != column]
            answers = count_patterns(tuple(levels[i] for i in kept), codes[:, kept])
            return refit_classes(answers, k, draws, rng=np.random.default_rng(random_state))

        return refit_without
    prepared = prepare_columns(customers, scheme)

    def refit_prototypes_without(column: str) -> np.ndarray:
        fewer = prepared.leave_out(column)
        if scheme.answer_style == "removed":  # everybody's mean is one of fewer answers
            fewer = prepare_columns(customers, _leave_out(scheme, column))
        gamma = choose_gamma(fewer) if scheme.gamma == "auto" else scheme.gamma
        rng = np.random.default_rng(random_state)
        return refit_prototypes(fewer, k, draws, gamma=gamma, rng=rng)[0]

    return refit_prototypes_without


def _leave_out(scheme: Scheme, column: str) -> Scheme:
    columns = tuple(c for c in scheme.columns if c != column)
    categorical = tuple(c for c in scheme.categorical if c != column)
    return scheme.model_copy(update={"columns": columns, "categorical": categorical})


def find_near_duplicates(customers: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """Name the pairs of a scheme's columns that say nearly the same, so that one counts twice.

    Returns
    -------
    pandas.DataFrame
        ``column``, ``other``, ``association`` (0.9 or more, strongest first): the size of the rank
        correlation of two numbers (Spearman 1904), Cramér's V of two categories (1946), the
        correlation ratio of the number's ranks by the category (Pearson 1905).
    """
    ranks: dict[str, np.ndarray] = {}
    codes: dict[str, np.ndarray] = {}
    for column in scheme.columns:
        table_columns.require_column(customers, column)
        coded = column in scheme.categorical or scheme.method == "latent_classes"
        if not coded and find_kind(customers[column]) == "number":
            numbers = table_columns.read_numbers(customers, column)
            ranks[column] = rankdata(numbers, nan_policy="omit")
            continue
        with contextlib.suppress(SegkitError):  # without values; the candidates say so
            codes[column] = table_columns.learn_levels(customers, column)[1]
    known = {column: ~np.isnan(own) for column, own in ranks.items()}
    rows = []
    for one, other in itertools.combinations([*ranks, *codes], 2):
        if other in ranks:
            strength = _relate_ranks(ranks[one], ranks[other], known[one] & known[other])
        elif one in ranks:
            strength = _relate_to_groups(ranks[one][known[one]], codes[other][known[one]])
        else:
            strength = _relate_categories(codes[one], codes[other])
        if strength >= NEAR_DUPLICATE:
            rows.append((one, other, float(strength)))
    table = pd.DataFrame(rows, columns=["column", "other", "association"])
    return table.sort_values("association", ascending=False, kind="stable", ignore_index=True)


# A survey has thousands of pairs, nearly all far from alike. A quick figure, right but for its last
# digits, spares these the exact one, and what it spares counts as nothing.


def _is_far(quick: float) -> bool:
    """Say whether a quick figure is below what counts as near, by more than rounding."""
    return quick < NEAR_DUPLICATE - 1e-6


def _relate_ranks(one: np.ndarray, other: np.ndarray, known: np.ndarray) -> float:
    first = one[known]
    second = other[known]
    if len(first) > 1:
        first = first - first.mean()
        second = second - second.mean()
        spread = np.sqrt((first @ first) * (second @ second))
        if spread > 0 and _is_far(abs(first @ second) / spread):
            return 0.0
    return abs(pd.Series(one).corr(pd.Series(other)))


def _relate_categories(one: np.ndarray, other: np.ndarray) -> float:
    width = int(other.max()) + 1
    crossed = np.bincount(one.astype(np.int64) * width + other).astype(float)
    crossed = np.append(crossed, np.zeros(-len(crossed) % width)).reshape(-1, width)
    if min(crossed.shape) < 2:
        return 0.0
    expected = np.outer(crossed.sum(axis=1), crossed.sum(axis=0)) / len(one)
    deviance = ((crossed - expected) ** 2 / expected).sum()
    if _is_far(np.sqrt(deviance / len(one) / (min(crossed.shape) - 1))):
        return 0.0
    return association(crossed.astype(np.int64))


def _relate_to_groups(values: np.ndarray, groups: np.ndarray) -> float:
    total = ((values - values.mean()) ** 2).sum() if len(values) else 0.0
    if not total > 0:
        return 0.0
    sizes = np.bincount(groups)
    means = np.bincount(groups, values) / np.maximum(sizes, 1)
    if _is_far(np.sqrt((sizes * (means - values.mean()) ** 2).sum() / total)):
        return 0.0
    means = pd.Series(values).groupby(groups).transform("mean").to_numpy()
    return float(np.sqrt(((means - values.mean()) ** 2).sum() / total))
