"""What products are ranked by: what the customer bought before, what is alike, what is popular."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from segkit.action.recommendations.interactions import History, Interactions, summarise_history
from segkit.action.recommendations.neighbours import find_neighbours, share_out

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ALL = "all"
AGAIN = "again"
NEW = "new"
KINDS = (AGAIN, NEW)
"""The lists that are made; ``all``, both in one, is judged beside them."""
MOST_NEIGHBOURS = 100
# A tie is broken by popularity, and a list goes on with the most popular.
TIE_WEIGHT = 1e-6
LATEST_WEIGHT = 0.5  # a day of purchase is worth 1: only ties of days are broken by the latest
SEGMENT_PRIOR = (
    20.0  # customers at whose count a segment's popularity weighs as much as that of all
)


@dataclass(frozen=True)
class Setting:
    """How products are ranked.

    A product's score is the sum of three parts, each over the customer's largest and times its
    weight: on how many days the customer bought it (``own``), how alike it is to what the customer
    bought (``alike``), and how popular it is (``popular``).

    Attributes
    ----------
    name : str
    own, alike, popular : float
        The weights.
    half_life : float
        Days after which a purchase counts half for popularity; infinite: each customer counts once.
    alike_half_life : float
        Days after which what a customer bought counts half for what is alike.
    """

    name: str
    own: float = 0.0
    alike: float = 0.0
    popular: float = TIE_WEIGHT
    half_life: float = np.inf
    alike_half_life: float = np.inf


@dataclass(frozen=True)
class Model:
    """What rankings are made of.

    Attributes
    ----------
    known : Interactions
    history : History
        What each customer bought, with what they asked to be left out.
    neighbours, alike : ndarray, (products, K)
        The nearest of each product; see `find_neighbours`.
    barred : ndarray of bool, (products,)
        Products that nobody is recommended, such as those out of stock.
    """

    known: Interactions
    history: History
    neighbours: np.ndarray
    alike: np.ndarray
    barred: np.ndarray
    _popularity: dict[float, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def measure_popularity(self, half_life: float) -> np.ndarray:
        """Return the popularity of each product, 1 of the largest.

        Customers who bought it; with a half-life, purchases that each count half as much after so
        many days.
        """
        if half_life not in self._popularity:
            count = len(self.known.products)
            if np.isinf(half_life):
                is_bought = self.history.day_counts > 0
                sums = np.bincount(self.history.products[is_bought], minlength=count).astype(float)
            else:
                weights = 0.5 ** (self.known.age / half_life)
                sums = np.bincount(self.known.product, weights=weights, minlength=count)
            self._popularity[half_life] = sums / max(sums.max(initial=0.0), 1e-12)
        return self._popularity[half_life]

    def rank(
        self, customers: np.ndarray, setting: Setting, *, kind: str, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the first products of each customer and their scores.

        Parameters
        ----------
        customers : ndarray of int
            Places of customers.
        setting : Setting
        kind : str
            ``again``: of what the customer bought; ``new``: of what they did not; ``all``.
        count : int
            How many.

        Returns
        -------
        places : ndarray of int32, (customers, count)
            Places of products, -1 where there are no more.
        scores : ndarray of float, (customers, count)
        """
        from segkit.action.recommendations.loops import rank

        popularity = self.measure_popularity(setting.half_life)
        order = np.argsort(-popularity, kind="stable").astype(np.int32)
        history = self.history.take(np.asarray(customers, dtype=np.int64))
        weights = (float(setting.own), float(setting.alike), float(setting.popular))
        parts = (
            (history.starts, history.products, *self._weigh(history, setting)),
            (self.neighbours, self.alike),
            (popularity, order, self.barred),
        )
        places = np.arange(len(history.starts) - 1)
        return rank(places, parts, (*weights, kind != NEW, kind != AGAIN, count))

    def rank_for_group(self, popularity: np.ndarray, *, count: int) -> np.ndarray:
        """Return the first products by a popularity (products,), for who bought nothing yet."""
        order = np.lexsort((np.arange(len(popularity)), -popularity))
        order = order[~self.barred[order] & (popularity[order] > 0)][:count]
        return order.astype(np.int32)

    @staticmethod
    def _weigh(history: History, setting: Setting) -> tuple[np.ndarray, np.ndarray]:
        """Return by row what multiplies what is alike, and what a repeat weighs, -1 for never."""
        ages = history.last_ages.astype(float)
        own = history.day_counts + LATEST_WEIGHT / (1 + ages)
        amounts = (history.day_counts > 0).astype(float)
        if not np.isinf(setting.alike_half_life):
            amounts *= 0.5 ** (ages / setting.alike_half_life)
        is_out = history.is_left_out
        return np.where(is_out, 0.0, amounts), np.where(is_out, -1.0, own)


def fit_model(
    known: Interactions,
    *,
    barred: np.ndarray | None = None,
    left_out: np.ndarray | None = None,
    most_neighbours: int = MOST_NEIGHBOURS,
) -> Model:
    """Find what rankings are made of.

    Parameters
    ----------
    known : Interactions
    barred : ndarray of bool, optional
        Products that nobody is recommended.
    left_out : ndarray of int, (m, 2), optional
        Places of customers and of products that are not recommended to them.
    most_neighbours : int, optional
        How many of the nearest of each product are kept.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit.action.recommendations.interactions import collect_interactions
    >>> rows = pd.DataFrame({"customer_id": list("aabbc"), "product_id": list("xyxyx"), "age": 1})
    >>> model = fit_model(collect_interactions(rows))
    >>> places, scores = model.rank([2], Setting("alike", alike=1), kind="new", count=1)
    >>> model.known.products[places[0]].tolist()
    ['y']
    """
    history = summarise_history(known, left_out)
    neighbours, alike = find_neighbours(
        share_out(tabulate_bought(history, len(known.products))), most=most_neighbours
    )
    if barred is None:
        barred = np.zeros(len(known.products), dtype=bool)
    return Model(known, history, neighbours, alike, barred)


def tabulate_bought(history: History, product_count: int) -> csr_matrix:
    """Return which customer bought which product, 1 or nothing, without what is left out."""
    from scipy.sparse import csr_matrix

    counted = (history.day_counts > 0) & ~history.is_left_out
    products, starts = history.products, history.starts
    if not counted.all():
        passed = np.r_[0, np.cumsum(counted)]
        products, starts = products[counted], passed[starts]
    ones = np.ones(len(products), dtype=np.float32)
    return csr_matrix((ones, products, starts), shape=(len(starts) - 1, product_count))


def mix_popularity(counts: np.ndarray, whole: np.ndarray, *, size: int) -> np.ndarray:
    """Return a segment's popularity, shrunk towards that of all.

    ``counts`` (products,) are customers of the segment who bought it, of ``size``; ``whole`` is
    the popularity among all. A segment of `SEGMENT_PRIOR` customers counts as much as all do.

    >>> mix_popularity(np.array([10.0, 0.0]), np.array([0.2, 0.1]), size=20).round(2).tolist()
    [0.35, 0.05]
    """
    return (counts + SEGMENT_PRIOR * whole) / (size + SEGMENT_PRIOR)
