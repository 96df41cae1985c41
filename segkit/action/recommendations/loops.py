"""The inner loop of personal lists, which numba compiles.

Import this only where lists are made: numba's import takes half a second, see
`segkit.models.compiled_loops`. The loop runs on one thread, in a fixed order, so that the same rows
give the same lists everywhere.
"""

from __future__ import annotations

import numba
import numpy as np


def _compile(function):
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # no folder in which a cache could be written
        return numba.njit(function, **options)


@_compile
def _gather(rows, history, near, scratch, uses_alike):
    """Write a customer's sums of what is alike and own weights; return how many are touched."""
    _, products, amounts, own = history
    neighbours, alike = near
    sums, mine, is_own, is_touched, touched = scratch
    used = 0
    for row in range(rows[0], rows[1]):
        product = products[row]
        is_own[product] = True
        mine[product] = own[row]
        if not is_touched[product]:
            is_touched[product] = True
            touched[used] = product
            used += 1
        if not uses_alike or amounts[row] == 0.0:
            continue
        for k in range(neighbours.shape[1]):
            other = neighbours[product, k]
            if other < 0:
                break
            if not is_touched[other]:
                is_touched[other] = True
                touched[used] = other
                used += 1
            sums[other] += amounts[row] * alike[product, k]
    return used


@_compile
def _bring_wanted(used, barred, scratch, wants):
    """Bring what may be listed to the front of what is touched; return how many these are."""
    _, mine, is_own, _, touched = scratch
    wanted = 0
    for j in range(used):
        product = touched[j]
        is_wanted = wants[0] and mine[product] >= 0 if is_own[product] else wants[1]
        if is_wanted and not barred[product]:
            touched[j], touched[wanted] = touched[wanted], product
            wanted += 1
    return wanted


@_compile
def _insert(product, score, kept, listed):
    """Put a product at its place of a list that is in order; return how many it then has."""
    found, values = listed
    count = len(found)
    at = kept
    while at > 0 and (
        values[at - 1] < score or (values[at - 1] == score and found[at - 1] > product)
    ):
        if at < count:
            values[at] = values[at - 1]
            found[at] = found[at - 1]
        at -= 1
    if at == count:
        return kept
    values[at] = score
    found[at] = product
    return min(kept + 1, count)


@_compile
def rank(customers, parts, weights):
    """Return the places of the first products of each customer, and their scores.

    ``parts`` are three: of the history (starts, products, amounts, own), where ``starts`` (n + 1,)
    parts the others by customer, ``amounts`` multiply what is alike, and ``own`` is what a repeat
    weighs, below 0 of what is never listed; each product's nearest (m, K), -1 where there are none,
    with how alike they are; and (popularity, the products in its order, which are barred).
    ``weights`` is (of own, of alike, of popular, whether bought ones are wanted, whether others
    are, how many places).
    """
    history, near, popular = parts
    starts = history[0]
    popularity, order, barred = popular
    own_weight, alike_weight, popular_weight, wants_bought, wants_new, count = weights
    m = len(popularity)
    found = np.full((len(customers), count), -1, np.int32)
    values = np.zeros((len(customers), count))
    sums, mine = np.zeros(m), np.zeros(m)
    is_own, is_touched = np.zeros(m, np.bool_), np.zeros(m, np.bool_)
    touched = np.empty(m, np.int32)
    scratch = (sums, mine, is_own, is_touched, touched)
    for place in range(len(customers)):
        rows = (starts[customers[place]], starts[customers[place] + 1])
        used = _gather(rows, history, near, scratch, alike_weight > 0)
        wanted = _bring_wanted(used, barred, scratch, (wants_bought, wants_new))
        most, most_own = 0.0, 0.0
        for j in range(wanted):
            most = max(most, sums[touched[j]])
            most_own = max(most_own, mine[touched[j]])
        listed = (found[place], values[place])
        kept = 0
        for j in range(wanted):
            product = touched[j]
            score = popular_weight * popularity[product]
            score += alike_weight * sums[product] / max(most, 1e-300)
            score += own_weight * mine[product] / max(most_own, 1e-300)
            if score > 0:
                kept = _insert(product, score, kept, listed)
        added, j = 0, 0
        while wants_new and added < count and j < m:  # the most popular that nothing speaks for
            product = order[j]
            j += 1
            if is_touched[product] or barred[product]:
                continue
            added += 1
            if popular_weight * popularity[product] > 0:
                kept = _insert(product, popular_weight * popularity[product], kept, listed)
        for j in range(used):
            sums[touched[j]], mine[touched[j]] = 0.0, 0.0
            is_own[touched[j]], is_touched[touched[j]] = False, False
    return found, values
