"""Loops of k-prototypes where each category has a gamma of its own.

They are put together from the loops of one gamma, a group of columns of equal gamma after the
other. Single rows are not moved: what a row's move costs is worked out for one gamma only.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from segkit.models.tolerances import TIE


def use_gammas(loops: SimpleNamespace, gammas: np.ndarray) -> SimpleNamespace:
    """Return loops that weigh each category by its own gamma, (q,), and ignore the one given."""
    groups = [(gamma, np.flatnonzero(gammas == gamma)) for gamma in np.unique(gammas)]

    # The signature is that of the loops.
    def measure(  # noqa: PLR0917
        rows, numbers, codes, weights, gamma, centres, modes, labels, nearest
    ):
        part = slice(*rows)
        whole = (0, rows[1] - rows[0])
        weights = weights[part]
        numbers = np.ascontiguousarray(numbers[:, part])
        nothing = np.empty((0, whole[1]))
        layers = [(1.0, numbers, codes[:0, part], centres, modes[:, :0])]
        layers += [
            (own, nothing, codes[columns, part], centres[:, :0], modes[:, columns])
            for own, columns in groups
        ]
        squares = np.zeros((len(centres), whole[1]))
        spare = np.zeros(whole[1], dtype=labels.dtype)
        square = np.zeros(whole[1])
        for own, values, levels, means, common in layers:
            values = np.ascontiguousarray(values)
            levels = np.ascontiguousarray(levels)
            for cluster in range(len(centres)):
                mean = np.ascontiguousarray(means[cluster : cluster + 1])
                mode = np.ascontiguousarray(common[cluster : cluster + 1])
                loops.measure(whole, values, levels, weights, own, mean, mode, spare, square)
                squares[cluster] += square
        nearest[part] = squares.min(axis=0)
        labels[part] = np.argmax(squares <= nearest[part] * TIE, axis=0)
        return float(np.cumsum(weights * nearest[part])[-1])

    def improve(*_):
        return 0

    return SimpleNamespace(measure=measure, tally=loops.tally, improve=improve)
