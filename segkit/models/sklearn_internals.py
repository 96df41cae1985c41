"""What segkit relies on in scikit-learn beyond its documented interface, once each.

`tests/test_canaries.py` says which of these a new version of scikit-learn has changed.
"""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import validation


def check_sample_weight(weights: object, rows: object) -> np.ndarray:
    """Return the weights of rows as float64 (n,), checked as scikit-learn's own estimators do.

    Raises
    ------
    ValueError
        If they are negative, not finite, or not one a row.
    """
    return validation._check_sample_weight(
        weights, rows, dtype=np.float64, ensure_non_negative=True
    )


def find_last_node(tree: DecisionTreeClassifier, leaf_count: int) -> int:
    """Return the last node of the tree that a larger tree's first splits make, for so many leaves.

    A tree that is grown best split first adds its splits two nodes at a time, children after their
    parent, so that the tree of k leaves is the first 2k - 1 nodes of a larger one.
    """
    return min(2 * leaf_count - 2, tree.tree_.node_count - 1)
