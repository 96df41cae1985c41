"""Pairs of products: who bought x also bought y; who wished for x bought y.

A pair's score is the share of those with x who bought y, shrunk towards the share of all who bought
y, over that share: 1 where x tells nothing of y. Only pairs of which each count may be seen are
kept: those with both, with x alone and with y alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ibis import ir

from segkit.action.recommendations.interactions import Interactions
from segkit.core.absence import is_missing
from segkit.core.statistics import bound_share
from segkit.features.expressions import keep_until
from segkit.plan.recommendations import Recommendations

if TYPE_CHECKING:
    import datetime

    from scipy.sparse import csr_matrix

PRIOR = 20.0  # customers that are added, who buy y as all do
BLOCK_CELLS = 4_000_000
PAIRS = [
    "product_id",
    "other_id",
    "customer_count",
    "product_customer_count",
    "other_customer_count",
    "support",
    "share",
    "share_low",
    "share_high",
    "base_share",
    "lift",
    "score",
]


def find_pairs(
    first: csr_matrix, bought: csr_matrix, *, count: int, smallest_cell: int
) -> pd.DataFrame:
    """Return the pairs with the highest score, a block of products at a time.

    Support and lift are those of Agrawal, Imieliński and Swami (1993, "Mining association rules
    between sets of items in large databases") and of Brin, Motwani, Ullman and Tsur (1997, "Dynamic
    itemset counting and implication rules for market basket data"), of customers in place of
    baskets. The share's interval is Wilson's.

    Parameters
    ----------
    first : csr_matrix, (customers, products)
        1 where the customer has x: bought it, or wished for it.
    bought : csr_matrix, (customers, products)
        1 where the customer bought y.
    count : int
        How many pairs.
    smallest_cell : int
        The fewest customers that may be seen.

    Returns
    -------
    DataFrame
        One row a pair, the highest score first; ``product_id`` and ``other_id`` are places.
        Where ``first`` is ``bought`` a pair stands once, in the direction of the higher share.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> both, x, y, none = [1, 1], [1, 0], [0, 1], [0, 0]
    >>> rows = [both] * 6 + [x] * 2 + [y] * 4 + [none] * 8
    >>> bought = csr_matrix(np.array(rows, dtype="float32"))
    >>> pair = find_pairs(bought, bought, count=9, smallest_cell=1).iloc[0]
    >>> [float(pair[name].round(2)) for name in ("lift", "score")]  # 6/8, 16/28, both over 10/20
    [1.5, 1.14]
    """
    is_same = first is bought
    customer_count, product_count = bought.shape
    own = np.bincount(first.indices, minlength=product_count)
    others = np.bincount(bought.indices, minlength=product_count)
    base = others / max(customer_count, 1)
    rows = first.T.tocsr()
    block = max(1, BLOCK_CELLS // max(product_count, 1))
    kept: list[np.ndarray] = []
    for begin in range(0, product_count, block):
        end = min(begin + block, product_count)
        both = (rows[begin:end] @ bought).tocoo()
        x, y, n = both.row + begin, both.col, both.data
        may_be_seen = (n >= smallest_cell) & (x != y)
        may_be_seen &= (own[x] - n >= smallest_cell) & (others[y] - n >= smallest_cell)
        if is_same:  # the higher share is that of the product of fewer customers
            may_be_seen &= (own[x] < own[y]) | ((own[x] == own[y]) & (x < y))
        x, y, n = x[may_be_seen], y[may_be_seen], n[may_be_seen]
        score = (n + PRIOR * base[y]) / (own[x] + PRIOR) / base[y]
        best = np.lexsort((y, x, -score))[:count]
        kept.append(np.column_stack([x[best], y[best], n[best], score[best]]))
    found = np.concatenate(kept) if kept else np.empty((0, 4))
    found = found[np.lexsort((found[:, 1], found[:, 0], -found[:, 3]))[:count]]
    return _describe_pairs(found, own, others, customer_count)


def _describe_pairs(
    found: np.ndarray, own: np.ndarray, others: np.ndarray, customer_count: int
) -> pd.DataFrame:
    x, y = found[:, 0].astype(int), found[:, 1].astype(int)
    n = found[:, 2]
    low, high = bound_share(n, own[x]) if len(n) else (n, n)
    base = others[y] / max(customer_count, 1)
    share = n / own[x]
    columns = [
        x,
        y,
        n.astype(int),
        own[x],
        others[y],
        n / max(customer_count, 1),
        share,
        low,
        high,
        base,
        share / base,
        found[:, 3],
    ]
    return pd.DataFrame(dict(zip(PAIRS, columns, strict=True)))


def tabulate_wishes(
    tables: Mapping[str, ir.Table],
    known: Interactions,
    *,
    plan: Recommendations,
    as_of: datetime.date,
) -> csr_matrix | None:
    """Return which customer wished for which product; None where the tables do not tell.

    By an event of the plan's ``wish_events``, or by ``is_wished`` in the table ``preferences``.
    Wishes of who bought nothing, and for what nobody bought, are in no pair.
    """
    from scipy.sparse import csr_matrix

    parts = [
        table.select("customer_id", "product_id").distinct().to_pyarrow().to_pandas()
        for table in _list_wishes(tables, plan=plan, as_of=as_of)
    ]
    if not parts:
        return None
    rows = pd.concat(parts).dropna().drop_duplicates()
    customer = known.customers.get_indexer(rows["customer_id"])
    product = known.products.get_indexer(rows["product_id"])
    is_known = (customer >= 0) & (product >= 0)
    ones = np.ones(int(is_known.sum()), dtype=np.float32)
    return csr_matrix((ones, (customer[is_known], product[is_known])), shape=known.shape)


def _list_wishes(
    tables: Mapping[str, ir.Table], *, plan: Recommendations, as_of: datetime.date
) -> list[ir.Table]:
    found = []
    events = tables.get("events")
    if not is_missing(events, "customer_id", "product_id", "event_type", "occurred_at"):
        events = keep_until(events, "occurred_at", as_of)
        kinds = [kind.lower() for kind in plan.wish_events]
        found.append(events.filter(events.event_type.lower().isin(kinds)))
    preferences = tables.get("preferences")
    if not is_missing(preferences, "customer_id", "product_id", "is_wished"):
        found.append(preferences.filter(preferences.is_wished))
    return found
