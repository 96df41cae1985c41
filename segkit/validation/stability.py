"""Do the same segments come out of another sample of the same customers? At three levels.

The whole solution, each segment within it, and segments from one number of segments to the next;
and one word for what was found. Everything is read from `segkit.validation.resampling.Resamples`.

References
----------
Dolnicar and Leisch (2010), *Marketing Letters* 21, for the whole; Hennig (2007), Cluster-wise
assessment of cluster stability, *Computational Statistics & Data Analysis* 52, and Dolnicar and
Leisch (2017), Using segment level stability to select target segments in data-driven market
segmentation studies, *Marketing Letters* 28, for segments. Hubert and Arabie (1985) for the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from segkit.validation.resampling import Resamples
from segkit.validation.valleys import HIGHEST_VALLEY

# Hennig's thresholds of the mean Jaccard coefficient.
DISSOLVED = 0.50
DOUBTFUL = 0.60
STABLE = 0.75
HIGHLY_STABLE = 0.85
RATINGS = ("dissolved", "do not trust", "doubtful", "stable", "highly stable")
KINDS = ("none", "constructive", "reproducible", "classes", "natural")
# The words that claim groups.
GROUP_KINDS = ("classes", "natural")
# Prototypes must be tighter than those of shuffled columns, or of the null, by this part. Of latent
# classes any gain of BIC counts, for BIC has its own price for each class.
SMALLEST_STRUCTURE = 0.05
# A customer is sure of a segment in which so many bootstrap solutions leave him, and unsure below.
SURE = 0.9
UNSURE = 0.5


def select_ratings(ratings: pd.DataFrame, scheme: str, segment_count: int) -> pd.DataFrame:
    """Return the ratings of the segments of one candidate.

    Parameters
    ----------
    ratings : DataFrame
        From `segkit.validation.candidates.rate_candidates`.
    scheme : str
    segment_count : int
    """
    own = (ratings["scheme"] == scheme) & (ratings["segment_count"] == segment_count)
    return ratings[own]


def cross_labels(
    one: np.ndarray, other: np.ndarray, *, shape: tuple[int, int] | None = None
) -> np.ndarray:
    """Count the rows by a pair of labels from 0; without a ``shape`` up to the largest labels."""
    rows, columns = shape or (int(one.max(initial=0)) + 1, int(other.max(initial=0)) + 1)
    cells = one.astype(np.int64) * columns + other
    return np.bincount(cells, minlength=rows * columns).reshape(rows, columns)


def compare_labels(one: np.ndarray, other: np.ndarray) -> float:
    """Return the adjusted Rand index of two labellings from 0 (Hubert and Arabie 1985, eq. 5)."""
    crossed = cross_labels(one, other).astype(float)
    n = crossed.sum()
    both, rows, columns = (
        (counts * (counts - 1) / 2).sum()
        for counts in (crossed, crossed.sum(axis=1), crossed.sum(axis=0))
    )
    expected = rows * columns / max(n * (n - 1) / 2, 1)
    most = (rows + columns) / 2
    return float((both - expected) / (most - expected)) if most != expected else 1.0


def match_labels(own: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Renumber ``labels`` so that they agree with ``own`` on as many rows as they can.

    A cluster without a counterpart gets a number above those of ``own``. Kuhn (1955).
    """
    crossed = cross_labels(own, labels)
    rows, columns = linear_sum_assignment(-crossed)
    size = crossed.shape[1]
    numbers = len(crossed) + np.arange(size)
    numbers[columns] = rows
    return numbers[labels]


def measure_jaccard(resamples: Resamples) -> np.ndarray:
    """Return each segment's best Jaccard coefficient in each bootstrap solution, (samples, k).

    NaN for a segment without rows.
    """
    sizes = np.bincount(resamples.own, minlength=resamples.segment_count).astype(float)
    sizes[sizes == 0] = np.nan
    found = np.full((len(resamples.labels), len(sizes)), np.nan)
    for place, labels in enumerate(resamples.labels):
        crossed = cross_labels(resamples.own, labels).astype(float)
        union = sizes[: len(crossed), None] + crossed.sum(axis=0) - crossed
        found[place, : len(crossed)] = (crossed / union).max(axis=1)
    return found


def compare_pairs(labels: np.ndarray) -> np.ndarray:
    """Return the adjusted Rand index of the first with the second solution, and so on."""
    pairs = zip(labels[::2], labels[1::2], strict=True)
    return np.array([compare_labels(one, other) for one, other in pairs])


def summarise_stability(
    resamples: Resamples, *, least_structure: float | None
) -> dict[str, float | str]:
    """Measure the whole of one solution.

    Parameters
    ----------
    least_structure : float or None
        The structure below which nothing was found; None of rules, which never find anything.

    Returns
    -------
    dict
        ``stability``, the median adjusted Rand index of the pairs (1: full agreement, 0: chance),
        with its quartiles ``stability_low`` and ``stability_high``; ``reference_stability`` (the
        median on copies without groups); ``structure``, ``border_share``, ``beyond_null``,
        ``null_gain``, ``valley``, ``null_valley`` and ``parts_beyond_null`` as in `Resamples`;
        ``weakest_jaccard`` (the least mean Jaccard of a segment) and ``weakest_place`` (the place
        of that segment, from 0); ``kind``, see `judge_kind`.
    """
    agreement = compare_pairs(resamples.labels)
    reference = [compare_pairs(labels) for labels in resamples.reference_labels]
    low, middle, high = np.quantile(agreement, [0.25, 0.5, 0.75])
    jaccard = measure_jaccard(resamples).mean(axis=0)
    measured = {
        "stability": float(middle),
        "stability_low": float(low),
        "stability_high": float(high),
        "reference_stability": float(np.median(reference)) if reference else float("nan"),
        "structure": resamples.structure,
        "border_share": resamples.border_share,
        "beyond_null": resamples.beyond_null,
        "null_gain": resamples.null_gain,
        "valley": resamples.valley,
        "null_valley": resamples.null_valley,
        "parts_beyond_null": resamples.parts_beyond_null,
        "weakest_jaccard": float(np.nanmin(jaccard)),
        "weakest_place": int(np.nanargmin(jaccard)),
    }
    return measured | {"kind": judge_kind(measured, least_structure)}


def judge_kind(measured: Mapping[str, float], least_structure: float | None) -> str:
    """Say in a word what was found (after Dolnicar and Leisch 2010).

    *none*: another sample gives other segments (stability below .60). *constructive*: stable, but
    not a finding: no tighter than on shuffled columns, nor than in data without groups (by less
    than 5 %; latent classes: BIC no better than one class), or cut by rule. *natural*: tighter than
    in data without groups that depend as these do, a valley between any two segments (at its
    bottom at most .45 of the lower height, and lower than in all such data), and each segment
    stable (Jaccard .75 or more). *classes*: the same where no valley can be seen, as between
    answers. *reproducible*: what is left: customers differ along some direction, and the segments
    are cuts along it.
    """
    if measured["stability"] < DOUBTFUL:
        return "none"
    if least_structure is None:
        return "constructive"
    exceeds_null = measured["beyond_null"] >= SMALLEST_STRUCTURE
    if not exceeds_null and not measured["structure"] >= least_structure:
        return "constructive"
    if not exceeds_null or measured["weakest_jaccard"] < STABLE:
        return "reproducible"
    if np.isnan(measured["valley"]):
        return "classes"
    if measured["valley"] > HIGHEST_VALLEY:
        return "reproducible"
    return "natural" if measured["valley"] <= measured["null_valley"] else "reproducible"


def rate_segments(resamples: Resamples) -> pd.DataFrame:
    """Rate each segment by how well bootstrap solutions find it again.

    Returns
    -------
    pandas.DataFrame
        One row a segment: ``segment``; ``customer_count``; ``jaccard``, the mean over bootstrap
        solutions of its best Jaccard coefficient with one of their segments; ``jaccard_low`` and
        ``jaccard_high`` (the quartiles); ``dissolved_share`` (of solutions in which that is .50 or
        less); ``rating`` by Hennig's thresholds: dissolved, do not trust, doubtful, stable, highly
        stable.
    """
    jaccard = measure_jaccard(resamples)
    mean = jaccard.mean(axis=0)
    low, high = np.quantile(jaccard, [0.25, 0.75], axis=0)
    limits = [np.nextafter(DISSOLVED, 1), DOUBTFUL, STABLE, HIGHLY_STABLE]
    ratings = np.take([*RATINGS, ""], np.searchsorted(limits, mean, side="right"))
    return pd.DataFrame(
        {
            "segment": np.arange(1, len(mean) + 1),
            "customer_count": np.bincount(resamples.own, minlength=len(mean)),
            "jaccard": mean,
            "jaccard_low": low,
            "jaccard_high": high,
            "dissolved_share": np.where(
                np.isnan(mean), np.nan, (jaccard <= DISSOLVED).mean(axis=0)
            ),
            "rating": np.where(np.isnan(mean), "nobody", ratings),
        }
    )


@dataclass(frozen=True)
class Paths:
    """Segments from each number of segments to the next: who splits, merges or stays.

    Attributes
    ----------
    nodes : pandas.DataFrame
        One row a segment of each solution: ``segment_count``, ``segment`` (from 1),
        ``customer_count``, ``customer_share``; ``entropy`` of the segments before that its
        customers come from (0 if all come from one, 1 if evenly from all, NaN in the first
        solution); ``continuity``, 1 - entropy, the segment level stability across solutions of
        Dolnicar and Leisch (2017); ``change``: *merges* if less than nine in ten of its customers
        come from one segment, else *stays* if it keeps nine in ten of that one, else *splits off*.
    flows : pandas.DataFrame
        One row a segment and segment before: ``segment_count``, ``segment``, ``segment_before``,
        ``customer_count``, ``customer_share`` (of all customers). Nobody goes where no row is.
    """

    nodes: pd.DataFrame
    flows: pd.DataFrame


def follow_segments(solutions: Mapping[int, np.ndarray]) -> Paths:
    """Follow segments from each number of segments to the next.

    Parameters
    ----------
    solutions : dict
        The segment (from 0) of the same rows by number of segments.
    """
    nodes = []
    flows = []
    before = None
    for count in sorted(solutions):
        own = solutions[count]
        sizes = np.bincount(own, minlength=count)
        entropy = np.full(count, np.nan)
        changes = [""] * count
        if before is not None:
            crossed = cross_labels(solutions[before], own, shape=(before, count))
            entropy = _measure_entropy(crossed)
            changes = _name_changes(crossed)
            for i, j in np.argwhere(crossed):
                going = int(crossed[i, j])
                flows.append((count, int(j) + 1, int(i) + 1, going, going / len(own)))
        for j in range(count):
            share = sizes[j] / len(own)
            measured = (entropy[j], 1 - entropy[j], changes[j])
            nodes.append((count, j + 1, int(sizes[j]), share, *measured))
        before = count
    keys = ["segment_count", "segment"]
    sized = ["customer_count", "customer_share"]
    return Paths(
        pd.DataFrame(nodes, columns=[*keys, *sized, "entropy", "continuity", "change"]),
        pd.DataFrame(flows, columns=[*keys, "segment_before", *sized]),
    )


def _measure_entropy(crossed: np.ndarray) -> np.ndarray:
    """Return, for each segment, the entropy of where its customers come from, from 0 to 1."""
    from_where = crossed / np.maximum(crossed.sum(axis=0), 1)
    logs = np.log(np.where(from_where > 0, from_where, 1))
    return np.abs((from_where * logs).sum(axis=0)) / np.log(len(crossed))


def _name_changes(crossed: np.ndarray) -> list[str]:
    """Say of each segment whether it stays, splits off or merges."""
    from_where = crossed / np.maximum(crossed.sum(axis=0), 1)
    kept = crossed / np.maximum(crossed.sum(axis=1, keepdims=True), 1)
    changes = []
    for j in range(crossed.shape[1]):
        i = from_where[:, j].argmax()
        if from_where[i, j] < 0.9:
            changes.append("merges")
        elif kept[i, j] < 0.9:
            changes.append("splits off")
        else:
            changes.append("stays")
    return changes


def rate_customers(resamples: Resamples) -> np.ndarray:
    """Return the share of bootstrap solutions that leave each row in its own segment, (n,).

    The segments of each solution are matched with the own ones first.
    """
    matched = [match_labels(resamples.own, labels) for labels in resamples.labels]
    return (np.array(matched) == resamples.own).mean(axis=0)


def count_confidence(confidence: pd.Series) -> pd.DataFrame:
    """Count customers by the share of bootstrap solutions that leave them in their segment.

    Parameters
    ----------
    confidence : Series
        That share, one a customer, see `rate_customers`.

    Returns
    -------
    pandas.DataFrame
        One row each for *sure* (nine in ten or more), *between* and *unsure* (less than half):
        ``confidence``, ``customer_count``, ``customer_share``.
    """
    names = np.select([confidence >= SURE, confidence < UNSURE], ["sure", "unsure"], "between")
    counts = pd.Series(names).value_counts().reindex(["sure", "between", "unsure"], fill_value=0)
    return pd.DataFrame(
        {
            "confidence": counts.index,
            "customer_count": counts.to_numpy(),
            "customer_share": counts.to_numpy() / max(len(confidence), 1),
        }
    )
