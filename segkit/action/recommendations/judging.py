"""How good lists are: made from what was known on an earlier day, judged by what was bought later.

The truth of a customer are the different products that they bought later. Only customers who bought
something later are judged, and lists of what is new or bought again by those who bought such a
product; products that nobody had bought before count as missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segkit.action.recommendations.interactions import Interactions
from segkit.action.recommendations.model import AGAIN, ALL, NEW, Model, Setting
from segkit.core.statistics import find_reach


@dataclass(frozen=True)
class Truth:
    """What customers bought later.

    Attributes
    ----------
    sizes : dict of str to ndarray of int, (customers,)
        By kind of list, how many different products each customer bought later: all, those that
        they had bought before, and those that were new to them.
    keys : ndarray of int64
        Customer times the number of products, plus product, in order.
    product_count : int
    """

    sizes: dict[str, np.ndarray]
    keys: np.ndarray
    product_count: int

    def list_customers(self, kind: str) -> np.ndarray:
        """Return the places of the customers by whom lists of a kind are judged."""
        return np.flatnonzero(self.sizes[kind] > 0)

    def judge(
        self, customers: np.ndarray, places: np.ndarray, *, kind: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return of each customer whether a product was hit, and the list's NDCG.

        The normalised discounted cumulative gain of Järvelin and Kekäläinen (2002, *ACM
        Transactions on Information Systems* 20): a hit at place p gains 1 / log2(p + 1), over what
        the best list of the same length would.

        Parameters
        ----------
        customers : ndarray of int, (n,)
        places : ndarray of int, (n, count)
            The products listed, -1 where there are no more.
        kind : str
        """
        count = places.shape[1]
        gains = 1 / np.log2(np.arange(2, count + 2))
        best = np.r_[0, np.cumsum(gains)]
        keys = customers[:, None].astype(np.int64) * self.product_count + places
        found = np.zeros(keys.shape, dtype=bool)
        if len(self.keys):
            at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            found = (self.keys[at] == keys) & (places >= 0)
        whole = best[np.minimum(self.sizes[kind][customers], count)]
        return found.any(axis=1), (found * gains).sum(axis=1) / np.maximum(whole, gains[0])


def find_truth(known: Interactions, later: Interactions) -> Truth:
    """Return what customers who had bought before bought later.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit.action.recommendations.interactions import collect_interactions
    >>> rows = pd.DataFrame({"customer_id": list("aaab"), "product_id": list("xxyy"),
    ...     "age": [9, 1, 1, 1]})
    >>> truth = find_truth(*collect_interactions(rows).split(5))
    >>> {kind: sizes.tolist() for kind, sizes in truth.sizes.items()}
    {'all': [2, 0], 'again': [1, 0], 'new': [1, 0]}
    """
    customer_count, product_count = known.shape
    before = _list_keys(known)
    keys = _list_keys(later)
    is_known = np.zeros(customer_count, dtype=bool)
    is_known[known.customer] = True
    keys = keys[is_known[keys // max(product_count, 1)]] if len(keys) else keys
    is_again = np.isin(keys, before, assume_unique=True)
    customers = keys // max(product_count, 1)
    sizes = {
        ALL: np.bincount(customers, minlength=customer_count),
        AGAIN: np.bincount(customers[is_again], minlength=customer_count),
        NEW: np.bincount(customers[~is_again], minlength=customer_count),
    }
    return Truth(sizes, keys, product_count)


def _list_keys(rows: Interactions) -> np.ndarray:
    begins = rows.find_pairs()
    customers = rows.customer[begins].astype(np.int64)
    return customers * max(len(rows.products), 1) + rows.product[begins]


def judge_setting(
    model: Model,
    truth: Truth,
    setting: Setting,
    *,
    kind: str,
    count: int,
    customers: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return hits and NDCG (n,) of one setting, of the customers who can judge it or of some."""
    judges = truth.list_customers(kind) if customers is None else customers
    places, _ = model.rank(judges, setting, kind=kind, count=count)
    return truth.judge(judges, places, kind=kind)


def bound_mean(values: np.ndarray) -> tuple[float, float, float]:
    """Return a mean with both ends of its 95 % interval, by Student's t; NaN below two values.

    >>> [round(end, 2) for end in bound_mean(np.array([1.0, 2.0, 3.0]))]
    [2.0, -0.48, 4.48]
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return (float(values.mean()) if len(values) else np.nan), np.nan, np.nan
    mean = float(values.mean())
    half = float(find_reach(len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half
