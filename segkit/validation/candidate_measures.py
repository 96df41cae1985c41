"""What candidates are measured by: the columns of all schemes, and figures of segments by them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError
from segkit.models import columns as table_columns
from segkit.models.kinds import find_kind
from segkit.plan.models import LEARNING_METHODS, Scheme
from segkit.segmentation.measures import find_measure
from segkit.segmentation.rules import fit_rules
from segkit.segmentation.rulesets import NO_ORDER
from segkit.segmentation.schemes import list_wanted
from segkit.validation import stability

# Segments lie inside larger ones if so many of each one's customers come from one of them.
INSIDE = 0.9
# Of the columns along which segments differ, those are named of which this part of the first one's
# share is explained.
NEAR_DIRECTION = 0.75
MOST_NAMED = 3


class Sizes(NamedTuple):
    """The smallest and the poorest segment; NaN and no name where there is no spend."""

    smallest_customer_count: float
    smallest_customer_share: float
    smallest_value_share: float
    smallest_segment: str
    poorest_segment: str


def measure_sizes(
    customers: pd.DataFrame, labels: np.ndarray, names: list[str], *, allow_empty: bool
) -> Sizes:
    """Find the smallest and the poorest segment; with ``allow_empty`` among those with customers.

    A rule that nobody meets today may be met tomorrow. The segment of RFM of those who bought
    nothing is none to be large or rich: it is left out where there are others.
    """
    size = len(names)
    counts = np.bincount(labels, minlength=size + 1)[1:].astype(float)
    spend = np.full(size, np.nan)
    if "total_spend" in customers:
        amounts = np.nan_to_num(table_columns.read_numbers(customers, "total_spend"))
        spend = np.bincount(labels, amounts, minlength=size + 1)[1:]
    if allow_empty:
        spend[counts == 0] = np.inf
        counts[counts == 0] = np.inf
    total = spend[np.isfinite(spend)].sum()
    if NO_ORDER in names and size > 1:
        counts[names.index(NO_ORDER)] = np.inf
        spend[names.index(NO_ORDER)] = np.inf
    return Sizes(
        smallest_customer_count=counts.min(),
        smallest_customer_share=counts.min() / len(customers),
        smallest_value_share=spend.min() / total if total > 0 else float("nan"),
        smallest_segment=names[counts.argmin()],
        poorest_segment="" if np.isnan(spend).any() else names[spend.argmin()],
    )


def find_least_structure(scheme: Scheme) -> float | None:
    """Return the structure below which nothing was found; None of rules, which find nothing."""
    if scheme.method == "latent_classes":
        return float(np.nextafter(0, 1))
    return stability.SMALLEST_STRUCTURE if scheme.method in LEARNING_METHODS else None


def prepare_panel(customers: pd.DataFrame, schemes: list[Scheme]) -> dict[str, np.ndarray]:
    """Prepare the columns that any scheme reads alike for all candidates: (n, 1), or (n, levels).

    A category has a column of zeros and ones for each level.
    """
    panel: dict[str, np.ndarray] = {}
    spend = ["total_spend"] if "total_spend" in customers else []
    wanted = [column for scheme in schemes for column in list_wanted(scheme)]
    for scheme in (scheme for scheme in schemes if scheme.method == "rules"):
        with contextlib.suppress(SegkitError):
            wanted += fit_rules(customers, scheme)[0].columns
    coded = {column for scheme in schemes for column in scheme.categorical}
    for column in dict.fromkeys([*spend, *wanted]):
        with contextlib.suppress(SegkitError):  # the scheme that needs it is refused, and says why
            table_columns.require_column(customers, column)
            if column in coded or find_kind(customers[column]) != "number":
                levels, codes = table_columns.learn_levels(customers, column)
                panel[column] = np.eye(len(levels.levels))[codes]
            else:
                measure = find_measure(column)
                prepared = table_columns.learn_preparation(customers, column, measure=measure)
                panel[column] = prepared[1][:, None]
    return panel


def explain_share(values: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of a column's squared differences that lies between the segments.

    Of a number it is eta squared (Pearson 1905), of a category's zeros and ones the tau of Goodman
    and Kruskal (1954).
    """
    total = ((values - values.mean(axis=0)) ** 2).sum()
    groups = [values[labels == n] for n in np.unique(labels)]
    within = sum(((group - group.mean(axis=0)) ** 2).sum() for group in groups)
    return float(1 - within / total) if total > 0 else 0.0


def find_closest(panel: dict[str, np.ndarray], labels: np.ndarray) -> float:
    """Return the largest difference of means, in standard deviations, of the closest segments."""
    columns = np.hstack([np.zeros((len(labels), 1)), *panel.values()])
    means = np.array([columns[labels == n].mean(axis=0) for n in np.unique(labels)])
    spread = columns.std(axis=0)
    means = np.divide(means, spread, out=np.zeros_like(means), where=spread > 1e-9)
    apart = np.abs(means[:, None] - means).max(axis=2)
    pairs = apart[np.triu_indices(len(means), 1)]
    return float(pairs.min()) if len(pairs) else float("nan")


def find_outer(own: np.ndarray, others: Mapping[int, np.ndarray]) -> int:
    """Return how many larger segments the segments lie inside of; 0 if they lie in none.

    Parameters
    ----------
    own : ndarray of int, (n,)
        The segment of each row, from 0.
    others : dict
        Segments of the same rows by their number; fewer ones are looked at, the most first.

    Examples
    --------
    >>> own = np.array([0, 0, 1, 1, 2, 2])
    >>> find_outer(own, {2: np.array([0, 0, 0, 0, 1, 1])})
    2
    >>> find_outer(own, {2: np.array([0, 0, 0, 1, 1, 1])})
    0
    """
    count = len(np.unique(own))
    for fewer in sorted((number for number in others if number < count), reverse=True):
        crossed = stability.cross_labels(others[fewer], own)
        inside = crossed.max(axis=0) / np.maximum(crossed.sum(axis=0), 1)
        if (inside[crossed.any(axis=0)] >= INSIDE).all():
            return fewer
    return 0


def name_direction(explained: Mapping[str, float]) -> tuple[str, float]:
    """Name the columns along which segments differ most, and the first one's explained share.

    Besides the first they are those that come near it, three at most, with ", " between them.

    Examples
    --------
    >>> name_direction({"recency_days": 0.5, "order_count": 0.6, "age_years": 0.1})
    ('order_count, recency_days', 0.6)
    """
    order = sorted(explained, key=lambda column: -explained[column])
    if not order or not explained[order[0]] > 0:
        return "", float("nan")
    most = explained[order[0]]
    near = [column for column in order if explained[column] >= NEAR_DIRECTION * most]
    return ", ".join(near[:MOST_NAMED]), most
