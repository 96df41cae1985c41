"""Whether the segments can be told apart by what is known of a customer, and by which rules.

A small decision tree stands in for the segmentation (a surrogate). Its accuracy is measured on
customers that it has not seen, and the number of its leaves is chosen without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.carried import bound_counted_without_two
from segkit.core.measures import CEILING, FLOOR
from segkit.core.statistics import bound_share
from segkit.models import trees
from segkit.models.trees import FOLDS, LEAF_COUNTS, Inputs, Leaf
from segkit.segmentation.members import join_segments, name_numbers

MOST_CUSTOMERS = 3_000
MOST_QUICK = 2_000
REPEATS = 2
RULE_COLUMNS = [
    "rule_number",
    "segment",
    "segment_name",
    "rule",
    "customer_count",
    "hit_share",
    "segment_count",
]
SEGMENT_COLUMNS = [
    "segment",
    "segment_name",
    "customer_count",
    "tested_count",
    "recall",
    "recall_low",
    "recall_high",
    f"recall{FLOOR}",
    f"recall{CEILING}",
    "precision",
]
BY_RULES = "rules"
BY_GUESSING = "guessing"


@dataclass(frozen=True)
class Surrogate:
    """A tree that stands in for a segmentation.

    Attributes
    ----------
    rules : pandas.DataFrame
        One row a leaf: ``rule_number``, ``segment``, ``segment_name``, ``rule`` (plain words),
        ``customer_count`` (whom it places), ``hit_share`` (of these, who belong to the segment,
        see `blur_share`), ``segment_count`` (customers of the segment). Without rows where the
        segments cannot be told apart.
    by_segment : pandas.DataFrame
        One row a segment, out of sample: ``segment``, ``segment_name``, ``customer_count``,
        ``tested_count`` (those of them whom the test drew), ``recall`` (share of its customers who
        are placed there), ``recall_low`` and ``recall_high`` (its 95 % interval), ``precision``
        (share of those placed there who belong), and for the gate what the recall is without two
        customers.
    accuracy, accuracy_low, accuracy_high : float
        Share of unseen customers placed in their segment, with its 95 % interval.
    baseline_accuracy : float
        Share of the largest segment: what guessing reaches.
    columns : tuple of str
        The columns that the rules ask for.
    """

    rules: pd.DataFrame
    by_segment: pd.DataFrame
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    baseline_accuracy: float
    columns: tuple[str, ...]

    def list_accuracies(self) -> pd.DataFrame:
        """Return the accuracies as a table, see `tabulate_accuracies`."""
        bounds = (self.accuracy, self.accuracy_low, self.accuracy_high)
        sizes = self.by_segment["customer_count"]
        if self.by_segment.empty:
            return tabulate_accuracies({}, customer_count=0, largest_count=0)
        return tabulate_accuracies(
            {BY_RULES: bounds, BY_GUESSING: (self.baseline_accuracy, None, None)},
            customer_count=int(sizes.sum()),
            largest_count=int(sizes.max()),
        )


def tabulate_accuracies(
    accuracies: Mapping[str, tuple[float, float | None, float | None]],
    *,
    customer_count: int,
    largest_count: int,
) -> pd.DataFrame:
    """Return accuracies with their intervals, and the customers that each tells of.

    What guessing reaches is the share of the largest segment, and so tells of all others: they are
    counted there.

    Returns
    -------
    pandas.DataFrame
        ``way`` (how customers are placed), ``accuracy``, ``accuracy_low``, ``accuracy_high``,
        ``customer_count``.
    """
    rows = []
    for way, bounds in accuracies.items():
        count = customer_count - largest_count if way == BY_GUESSING else customer_count
        rows.append((way, *bounds, count))
    columns = ["way", "accuracy", "accuracy_low", "accuracy_high", "customer_count"]
    return pd.DataFrame(rows, columns=columns)


def measure_reach(
    customers: pd.DataFrame, labels: np.ndarray, *, columns: Sequence[str], random_state: int
) -> float:
    """Return the share of unseen customers whom a small tree on ``columns`` places rightly.

    Quick, for comparing candidates: five folds, at most 2,000 customers drawn at random and a
    fixed number of leaves, twice the segments and at least eight. NaN where there is only one
    segment, or fewer than ten customers.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer.
    labels : numpy.ndarray
        Each customer's segment, in the customers' order (n,).
    """
    classes = np.asarray(labels)
    if len(classes) > MOST_QUICK:  # the same customers, whatever the order of the rows
        order = trees.order_customers(customers)
        drawn = np.random.default_rng(random_state).choice(len(order), MOST_QUICK, replace=False)
        customers = customers.iloc[order[drawn]]
        classes = classes[order[drawn]]
    if len(classes) < 2 * FOLDS or len(np.unique(classes)) < 2:
        return float("nan")
    inputs = trees.encode_columns(customers, columns)
    classes = classes[inputs.order]
    largest = int(np.unique(classes, return_counts=True)[1].max())
    if not inputs.matrix.shape[1]:
        return largest / len(classes)
    folds = trees.deal_folds(classes, FOLDS, np.random.default_rng(random_state))
    most_leaves = max(8, 2 * len(np.unique(classes)))
    right = 0
    for fold in range(FOLDS):
        test = folds == fold
        grown = trees.grow_tree(
            inputs.matrix[~test], classes[~test], most_leaves=most_leaves, smallest_leaf=5
        )
        right += (grown.predict(inputs.matrix[test]) == classes[test]).sum()
    return float(right / len(classes))


def fit_surrogate(
    customers: pd.DataFrame,
    segments: pd.DataFrame,
    *,
    columns: Sequence[str],
    random_state: int,
    smallest_cell: int = 5,
) -> Surrogate:
    """Fit a small tree that places customers by ``columns``, and measure it honestly.

    Five-fold cross-validation, stratified and done twice, on at most 3,000 customers; within each
    fold the number of leaves is chosen anew by an inner cross-validation. The rules come from all
    customers. No leaf holds fewer than ``smallest_cell`` customers.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer.
    segments : pandas.DataFrame
        What `Segmentation.assign` returned; customers without a segment are left out.
    columns : sequence of str
        Columns of the customer table that the tree may ask for, numbers or categories.

    Raises
    ------
    SegkitError
        If a column is not there.
    """
    task = read_task(
        customers, segments, columns, random_state=random_state, most_customers=MOST_CUSTOMERS
    )
    if task.obstacle:
        return Surrogate(
            rules=empty_table(RULE_COLUMNS, task.obstacle),
            by_segment=empty_table(SEGMENT_COLUMNS, task.obstacle),
            accuracy=float("nan"),
            accuracy_low=float("nan"),
            accuracy_high=float("nan"),
            baseline_accuracy=task.baseline,
            columns=(),
        )
    matrix = task.inputs.matrix[task.rows]
    classes = task.classes[task.rows]
    accuracies, placed = _cross_validate(
        matrix, classes, random_state=random_state, smallest_leaf=smallest_cell
    )
    accuracy, low, high = trees.bound_accuracy(accuracies, 1 / FOLDS)
    generator = np.random.default_rng([random_state, REPEATS])
    leaf_count, _ = trees.choose_leaves(matrix, classes, generator, smallest_leaf=smallest_cell)
    if leaf_count == 1:
        reason = "No rule places unseen customers better than the largest segment's share does."
        rules = empty_table(RULE_COLUMNS, reason)
        leaves = []
    else:
        places = list(range(task.inputs.matrix.shape[1]))
        rules, leaves = task.list_rules(places, leaf_count, smallest_cell)
    return Surrogate(
        rules=rules,
        by_segment=_measure_segments(task, classes, placed),
        accuracy=accuracy,
        accuracy_low=low,
        accuracy_high=high,
        baseline_accuracy=task.baseline,
        columns=tuple(dict.fromkeys(column for leaf in leaves for column in leaf.limits)),
    )


@dataclass(frozen=True)
class Task:
    """What a tree is to learn: each customer's segment in ``classes``, in the inputs' order.

    ``names`` are the segments' by number; ``rows`` are those to be tested on, all or a random
    sample; ``baseline`` is the share of the largest segment; ``obstacle`` says why no tree can be
    tried, and is empty where one can.
    """

    inputs: Inputs
    classes: np.ndarray
    names: pd.Series
    rows: np.ndarray
    baseline: float
    obstacle: str

    def list_rules(
        self, places: list[int], leaf_count: int, smallest_cell: int
    ) -> tuple[pd.DataFrame, list[Leaf]]:
        """Return the leaves of a tree as a table, see `Surrogate`, and as they are, in its order.

        The tree is grown on all customers; ``places`` are the inputs that it reads.
        """
        grown = trees.grow_tree(
            self.inputs.matrix[:, places],
            self.classes,
            most_leaves=leaf_count,
            smallest_leaf=smallest_cell,
        )
        leaves = trees.list_leaves(grown, self.inputs, places)
        leaves.sort(key=lambda leaf: (leaf.number, -len(leaf.rows)))
        rows = []
        for number, leaf in enumerate(leaves, start=1):
            hits = int((self.classes[leaf.rows] == leaf.number).sum())
            count = len(leaf.rows)
            words = trees.write_words(leaf, self.inputs)
            share = blur_share(hits, count, smallest_cell)
            size = int((self.classes == leaf.number).sum())
            name = self.names[leaf.number]
            rows.append((number, leaf.number, name, words, count, share, size))
        return pd.DataFrame(rows, columns=RULE_COLUMNS), leaves


def read_task(
    customers: pd.DataFrame,
    segments: pd.DataFrame,
    columns: Sequence[str],
    *,
    random_state: int,
    most_customers: int,
) -> Task:
    """Join customers with their segments, and encode the columns that a tree may ask for."""
    joined = join_segments(customers, segments)
    inputs = trees.encode_columns(joined, columns)
    classes = joined["segment"].to_numpy(int)[inputs.order]
    rows = np.arange(len(classes))
    counts = np.bincount(classes)
    if len(rows) > most_customers:
        generator = np.random.default_rng(random_state)
        rows = np.sort(generator.choice(rows, most_customers, replace=False))
    baseline = float(counts.max() / len(classes)) if len(classes) else float("nan")
    obstacle = ""
    if np.count_nonzero(counts) < 2:
        obstacle = "There is only one segment, so there is nothing to tell apart."
    elif len(classes) < 4 * FOLDS:
        obstacle = f"Fewer than {4 * FOLDS} customers have a segment: too few to test a rule."
    elif not inputs.sources:
        obstacle = "No column holds different values to tell customers apart by."
    return Task(inputs, classes, name_numbers(joined), rows, baseline, obstacle)


def blur_share(hits: int, count: int, smallest_cell: int) -> float:
    """Return a share of a group that gives no small count away.

    Fewer than ``smallest_cell`` hits are missing; fewer misses than that count as that many.
    """
    if 0 < hits < smallest_cell:
        return float("nan")
    misses = count - hits
    hidden = 0 < misses < smallest_cell
    return max(count - smallest_cell, 0) / count if hidden else hits / count


def _cross_validate(
    matrix: np.ndarray, classes: np.ndarray, *, random_state: int, smallest_leaf: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return each fold's accuracy, and each customer's class by each repeat (n, repeats)."""
    placed = np.empty((len(classes), REPEATS), dtype=int)
    accuracies = []
    for repeat in range(REPEATS):
        generator = np.random.default_rng([random_state, repeat])
        folds = trees.deal_folds(classes, FOLDS, generator)
        for fold in range(FOLDS):
            test = folds == fold
            leaves, _ = trees.choose_leaves(
                matrix[~test], classes[~test], generator, smallest_leaf=smallest_leaf
            )
            grown = trees.grow_tree(
                matrix[~test],
                classes[~test],
                most_leaves=LEAF_COUNTS[-1],
                smallest_leaf=smallest_leaf,
            )
            placed[test, repeat] = trees.predict_pruned(grown, matrix[test], [leaves])[:, 0]
            accuracies.append((placed[test, repeat] == classes[test]).mean())
    return np.array(accuracies), placed


def _measure_segments(task: Task, classes: np.ndarray, placed: np.ndarray) -> pd.DataFrame:
    """Return recall, with its 95 % interval, and precision by segment."""
    rows = []
    for number, name in task.names.items():
        here = (classes == number)[:, None]
        there = placed == number
        hits = (here & there).sum()
        size = int((task.classes == number).sum())
        recall = hits / (here.sum() * REPEATS) if here.any() else np.nan
        precision = hits / there.sum() if there.any() else np.nan
        rows.append((number, name, size, int(here.sum()), recall, precision))
    columns = ["segment", "segment_name", "customer_count", "tested_count", "recall", "precision"]
    table = pd.DataFrame(rows, columns=columns)
    tested = table["tested_count"].astype(float)
    hits = table["recall"] * tested
    low, high = bound_share(hits, tested.where(tested > 0))
    floor, ceiling = bound_counted_without_two(hits, tested)
    table = table.assign(recall_low=low, recall_high=high)
    table = table.assign(**{f"recall{FLOOR}": floor, f"recall{CEILING}": ceiling})
    return table[SEGMENT_COLUMNS]
