"""Small decision trees over a mixed customer table, as conditions that a person can read.

Numbers enter a tree as ranks, so that neither their scale nor their size matters and each cut can
be written as the shortest number between two values; a missing number ranks below all others. A
category enters as one column of zeros and ones a level. Customers are ordered by ``customer_id``
first, so the order of the rows changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from segkit.core.errors import SegkitError
from segkit.core.statistics import bound_resampled_mean
from segkit.models.columns import MISSING, OTHER, learn_levels, require_column, tidy_columns
from segkit.models.kinds import find_kind
from segkit.models.rule_language import quote_name, write_number
from segkit.models.sklearn_internals import find_last_node

LEAF_COUNTS = (1, 2, 3, 4, 5, 6, 8, 10, 12)
FOLDS = 5
INNER_FOLDS = 3
LONGEST_LEVEL = 100


@dataclass(frozen=True)
class Inputs:
    """What trees read: ``matrix`` (n, p), and for each of its columns where it comes from.

    ``sources`` holds the customer table's column and the level, or None for a number, whose sorted
    values are in ``values``. ``order`` (n,) is the rows' order by ``customer_id``.
    """

    matrix: np.ndarray
    sources: tuple[tuple[str, str | None], ...]
    values: dict[str, np.ndarray]
    kinds: dict[str, str]
    missing: frozenset[str]
    order: np.ndarray = field(repr=False)

    def find(self, columns: Sequence[str]) -> list[int]:
        """Return where the parts of some columns of the table stand in the matrix."""
        return [i for i, (column, _) in enumerate(self.sources) if column in columns]

    @property
    def columns(self) -> list[str]:
        """The columns of the table that are read."""
        return list(dict.fromkeys(column for column, _ in self.sources))


def order_customers(customers: pd.DataFrame) -> np.ndarray:
    """Return the rows' order by ``customer_id``, or as they are where there is none."""
    if "customer_id" not in customers:
        return np.arange(len(customers))
    return np.argsort(customers["customer_id"].to_numpy(str), kind="stable")


def encode_columns(customers: pd.DataFrame, columns: Sequence[str]) -> Inputs:
    """Make a matrix of numbers of a mixed table; days, and columns of one value, are left out."""
    order = order_customers(customers)
    values: dict[str, np.ndarray] = {}
    kinds: dict[str, str] = {}
    missing = []
    parts = [np.empty((len(order), 0))]
    sources: list[tuple[str, str | None]] = []
    for column in dict.fromkeys(columns):
        require_column(customers, column)
        own = customers[column].iloc[order]
        kind = find_kind(own)
        if column == "customer_id" or kind == "date":
            continue
        tidy = tidy_columns(own.to_frame(), [column])
        if tidy[column].isna().any():
            missing.append(column)
        if kind == "number":
            ranks, values[column] = _rank_numbers(tidy[column])
            kinds[column] = "number"
            parts.append(ranks)
            sources.append((column, None))
            continue
        with contextlib.suppress(SegkitError):  # a column without any value tells nothing
            learned, codes = learn_levels(tidy, column)
            kinds[column] = learned.kind
            for level in learned.levels:
                if level != OTHER and len(level) <= LONGEST_LEVEL:
                    parts.append(codes[:, None] == learned.levels.index(level))
                    sources.append((column, level))
    matrix = np.column_stack(parts).astype(np.float32)
    varied = np.flatnonzero(np.ptp(matrix, axis=0) > 0) if len(matrix) else np.arange(0)
    return Inputs(
        matrix=matrix[:, varied],
        sources=tuple(sources[i] for i in varied),
        values=values,
        kinds=kinds,
        missing=frozenset(missing),
        order=order,
    )


def _rank_numbers(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the ranks of numbers, -1 where one is missing (n, 1), and the different numbers."""
    largest = np.finfo(float).max
    numbers = column.clip(-largest, largest).to_numpy()
    known, ranks = np.unique(numbers, return_inverse=True)
    return np.where(np.isnan(numbers), -1, ranks)[:, None], known[~np.isnan(known)]


def deal_folds(classes: np.ndarray, n_folds: int, generator: np.random.Generator) -> np.ndarray:
    """Return each row's fold, the rows of each class dealt out one by one (n,)."""
    folds = np.empty(len(classes), dtype=int)
    dealt = 0
    for number in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == number))
        folds[members] = (dealt + np.arange(len(members))) % n_folds
        dealt += len(members)
    return folds


def grow_tree(
    matrix: np.ndarray, classes: np.ndarray, *, most_leaves: int, smallest_leaf: int
) -> DecisionTreeClassifier:
    """Grow a tree (Breiman, Friedman, Olshen and Stone 1984, Gini), the best split first."""
    tree = DecisionTreeClassifier(
        max_leaf_nodes=max(most_leaves, 2),
        min_samples_leaf=max(smallest_leaf, 1),
        # Among equally good splits scikit-learn draws by lot: the same lot makes the same tree.
        random_state=0,
    )
    return tree.fit(matrix, classes)


def predict_pruned(
    tree: DecisionTreeClassifier, matrix: np.ndarray, leaf_counts: Sequence[int]
) -> np.ndarray:
    """Return the class of each row by the tree's first splits, for so many leaves (n, counts)."""
    path = tree.decision_path(matrix).toarray().astype(bool)
    best = tree.tree_.value[:, 0].argmax(axis=1)
    classes = np.empty((len(matrix), len(leaf_counts)), dtype=tree.classes_.dtype)
    for place, count in enumerate(leaf_counts):
        last = find_last_node(tree, count)
        node = last - path[:, last::-1].argmax(axis=1)
        classes[:, place] = tree.classes_[best[node]]
    return classes


def choose_leaves(
    matrix: np.ndarray,
    classes: np.ndarray,
    generator: np.random.Generator,
    *,
    smallest_leaf: int,
    leaf_counts: Sequence[int] = LEAF_COUNTS,
) -> tuple[int, float]:
    """Choose the number of leaves by cross-validation; return it, and the best accuracy of any.

    The fewest leaves are taken whose accuracy is within one standard error of the best (Breiman et
    al. 1984, section 3.4.3); one leaf means that nobody can be told apart.
    """
    right = np.empty((len(classes), len(leaf_counts)))
    folds = deal_folds(classes, INNER_FOLDS, generator)
    for fold in range(INNER_FOLDS):
        test = folds == fold
        grown = grow_tree(
            matrix[~test], classes[~test], most_leaves=leaf_counts[-1], smallest_leaf=smallest_leaf
        )
        right[test] = predict_pruned(grown, matrix[test], leaf_counts) == classes[test, None]
    accuracy = right.mean(axis=0)
    best = accuracy.max()
    error = np.sqrt(best * (1 - best) / len(classes))
    chosen = int(np.flatnonzero(accuracy >= best - error)[0])
    return leaf_counts[chosen], float(best)


def bound_accuracy(accuracies: np.ndarray, test_share: float) -> tuple[float, float, float]:
    """Return the mean of the folds' accuracies with its 95 % interval, within 0 to 1.

    See `bound_resampled_mean`.
    """
    low, high = bound_resampled_mean(accuracies, test_share)
    return float(accuracies.mean()), max(low, 0.0), min(high, 1.0)


@dataclass(frozen=True)
class Leaf:
    """One end of a tree: its class, what it asks of each column, and its rows.

    ``limits`` holds for a number (above, at most, whether missing goes here), for a category the
    level that it must be and those that it must not be.
    """

    number: int
    limits: dict[str, tuple]
    rows: np.ndarray = field(repr=False)


def list_leaves(grown: DecisionTreeClassifier, inputs: Inputs, places: Sequence[int]) -> list[Leaf]:
    """List a tree's leaves; ``places`` says which of the inputs its columns are."""
    tree = grown.tree_
    matrix = inputs.matrix[:, places]
    leaves = []
    waiting = [(0, {}, np.arange(len(matrix)))]
    while waiting:
        node, limits, rows = waiting.pop()
        left = tree.children_left[node]
        right = tree.children_right[node]
        if left < 0:
            number = int(grown.classes_[tree.value[node, 0].argmax()])
            leaves.append(Leaf(number, limits, rows))
            continue
        place = int(tree.feature[node])
        threshold = tree.threshold[node]
        column, level = inputs.sources[places[place]]
        goes_left = matrix[rows, place] <= threshold
        if level is None:
            low, high, missing = limits.get(column, (-np.inf, np.inf, True))
            cut = _shorten_cut(inputs.values[column], int(np.floor(threshold)))
            left_limits = (low, min(high, cut), missing)
            right_limits = (max(low, cut), high, False)
        else:
            own, others = limits.get(column, (None, ()))
            left_limits = (own, (*others, level))
            right_limits = (level, ())
        # The last in is the first out: leaves come from left to right.
        waiting.append((right, {**limits, column: right_limits}, rows[~goes_left]))
        waiting.append((left, {**limits, column: left_limits}, rows[goes_left]))
    return leaves


def _shorten_cut(values: np.ndarray, rank: int) -> float:
    """Return the shortest number from the value of a rank to just below the next one."""
    if rank < 0:  # only a missing value lies below
        return -np.inf
    low = float(values[rank])
    high = float(values[rank + 1])
    if low.is_integer() and high == low + 1:
        return low
    for digits in range(1, 17):
        for number in (low / 2 + high / 2, low):
            cut = float(f"{number:.{digits}g}")
            if low <= cut < high:
                return cut + 0.0
    return low


def write_condition(leaf: Leaf, inputs: Inputs) -> str:
    """Write a leaf as a condition of `segkit.models.rule_language`; "true" for the root."""
    parts = []
    for column, limits in leaf.limits.items():
        name = quote_name(column)
        if inputs.kinds[column] == "number":
            parts.append(_limit_number(name, *limits))
        elif inputs.kinds[column] == "boolean":
            own, others = limits
            wanted = [f"is {own}"] if own else [f"is not {other}" for other in others]
            parts += [f"{name} {words}".replace(MISSING, "null") for words in wanted]
        else:
            parts.append(_limit_level(name, *limits))
    return " and ".join(parts) or "true"


def _limit_number(name: str, low: float, high: float, missing: bool) -> str:
    above = [f"{name} > {write_number(low)}"] if np.isfinite(low) else []
    below = [f"{name} <= {write_number(high)}"] if np.isfinite(high) else []
    known = " and ".join(above + below)
    if high == -np.inf:
        return f"{name} is null"
    if not missing:
        return known or f"{name} is not null"
    return f"({known} or {name} is null)"


def _limit_level(name: str, own: str | None, others: Sequence[str]) -> str:
    if own == MISSING:
        return f"{name} is null"
    if own is not None:
        return f"{name} = {_quote(own)}"
    named = [_quote(level) for level in others if level != MISSING]
    if not named:
        return f"{name} is not null"
    listed = f"{name} not in ({', '.join(named)})" if named[1:] else f"{name} <> {named[0]}"
    return listed if MISSING in others else f"({listed} or {name} is null)"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def write_words(leaf: Leaf, inputs: Inputs) -> str:
    """Write a leaf in plain words, such as "order count above 12 and recency days at most 60"."""
    parts = []
    for column, limits in leaf.limits.items():
        name = column.replace("_", " ")
        if inputs.kinds[column] == "number":
            low, high, missing = limits
            may_be_missing = missing and column in inputs.missing
            parts.append(f"{name} {_tell_range(low, high, may_be_missing)}")
        else:
            parts.append(f"{name} {_tell_levels(*limits)}")
    return " and ".join(parts) or "everyone"


def _tell_range(low: float, high: float, may_be_missing: bool) -> str:
    above = [f"above {write_number(low)}"] if np.isfinite(low) else []
    below = [f"at most {write_number(high)}"] if np.isfinite(high) else []
    if not above and not below:
        return "unknown" if high == -np.inf else "known"
    text = " and ".join(above + below)
    return f"{text} (or unknown)" if may_be_missing and below else text


def _tell_levels(own: str | None, others: Sequence[str]) -> str:
    words = {MISSING: "unknown", "true": "yes", "false": "no"}
    if own is not None:
        return f"is {words.get(own, own)}"
    return "is not " + ", ".join(words.get(level, level) for level in others)
