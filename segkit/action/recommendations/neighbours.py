"""Which products are bought by the same customers: a sparse product, a block of products at a time.

Of each block only the nearest are kept before the next one begins, so that memory holds one block
and the answer, never all pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BLOCK_CELLS = 4_000_000  # pairs that a block holds at most


def find_neighbours(bought: csr_matrix, *, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each product's nearest others, by the cosine.

    The similarity of two products is the sum over the customers who bought both, over the root of
    the product of both products' own sums: the cosine of Sarwar, Karypis, Konstan and Riedl (2001,
    "Item-based collaborative filtering recommendation algorithms", section 3.1.1). With
    `share_out` each customer counts one in all: who bought much says less of any two products
    (Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms", section 4.1).

    Parameters
    ----------
    bought : csr_matrix of float32, (customers, products)
        Of a product that a customer bought 1, or their weight as `share_out` gives it.
    most : int
        How many are kept of each product.

    Returns
    -------
    neighbours : ndarray of int32, (products, most)
        Nearest first; -1 where there are no more.
    alike : ndarray of float32, (products, most)
        Their similarities, 0 where there are no more.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> bought = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1]], dtype="float32"))
    >>> neighbours, alike = find_neighbours(bought, most=2)
    >>> neighbours.tolist()
    [[1, 2], [0, -1], [0, -1]]
    >>> alike.round(3).astype(str).tolist()
    [['0.816', '0.577'], ['0.816', '0.0'], ['0.577', '0.0']]
    """
    product_count = bought.shape[1]
    neighbours = np.full((product_count, most), -1, dtype=np.int32)
    alike = np.zeros((product_count, most), dtype=np.float32)
    rows = bought.T.tocsr()
    squares = np.bincount(bought.indices, weights=bought.data**2, minlength=product_count)
    roots = np.sqrt(np.maximum(squares, 1e-30)).astype(np.float32)
    block = max(1, BLOCK_CELLS // max(product_count, 1))
    for begin in range(0, product_count, block):
        end = min(begin + block, product_count)
        both = (rows[begin:end] @ bought).tocsr()
        of = np.repeat(np.arange(begin, end), np.diff(both.indptr))
        values = both.data / (roots[of] * roots[both.indices])
        values[both.indices == of] = 0
        _keep_nearest(
            (both.indptr, both.indices, values), neighbours[begin:end], alike[begin:end], most
        )
    return neighbours, alike


def share_out(bought: csr_matrix) -> csr_matrix:
    """Return rows of length one: each customer counts alike, however many products they bought.

    >>> from scipy.sparse import csr_matrix
    >>> share_out(csr_matrix(np.array([[1, 1, 1, 1]], dtype="float32"))).toarray().tolist()
    [[0.5, 0.5, 0.5, 0.5]]
    """
    counts = np.diff(bought.indptr)
    weights = 1 / np.sqrt(np.maximum(counts, 1)).astype(np.float32)
    return type(bought)(
        (bought.data * np.repeat(weights, counts), bought.indices, bought.indptr), bought.shape
    )


def _keep_nearest(
    found: tuple[np.ndarray, np.ndarray, np.ndarray],
    neighbours: np.ndarray,
    alike: np.ndarray,
    most: int,
) -> None:
    """Write the largest values of each row, ties by place, into two arrays."""
    starts, places, values = found
    for row in range(len(starts) - 1):
        part = slice(starts[row], starts[row + 1])
        here, there = values[part], places[part]
        if len(here) > 4 * most:  # those beyond are not sorted; ties with the last are kept
            least = np.partition(here, len(here) - most)[len(here) - most]
            is_near = here >= least
            here, there = here[is_near], there[is_near]
        order = np.lexsort((there, -here))[:most]
        order = order[here[order] > 0]
        neighbours[row, : len(order)] = there[order]
        alike[row, : len(order)] = here[order]
