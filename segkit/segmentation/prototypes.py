"""Clusters by k-means, k-modes and k-prototypes: one document, one expression that assigns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import ibis
import numpy as np
import pandas as pd
from ibis import ir
from pydantic import model_validator

from segkit.core.errors import SegkitError
from segkit.models.columns import (
    MISSING,
    Document,
    Levels,
    Preparation,
    Prepared,
    add_up,
    share_known,
)
from segkit.models.kprototypes import fit_prototypes
from segkit.models.lloyd import TIE
from segkit.plan.models import Scheme
from segkit.segmentation.preparation import prepare_columns


class Prototypes(Document):
    """Prepared centres of numbers and modes of categories; a customer belongs to the nearest.

    The squared distance is Huang's (1998, equation 2): squared differences of numbers plus
    ``gamma`` for each category that differs from the mode.
    """

    kind: Literal["prototypes"] = "prototypes"
    preparations: tuple[Preparation, ...]
    levels: tuple[Levels, ...] = ()
    centres: tuple[tuple[float, ...], ...]
    modes: tuple[tuple[str, ...], ...]
    gamma: float = 1.0

    @model_validator(mode="after")
    def _check_shape(self) -> Prototypes:
        shapes = {(len(c), len(m)) for c, m in zip(self.centres, self.modes, strict=True)}
        if len(self.centres) < 2 or shapes != {(len(self.preparations), len(self.levels))}:
            raise ValueError("centres, modes and columns do not fit together")
        for own, modes in zip(self.levels, zip(*self.modes, strict=True), strict=True):
            if not set(modes) <= set(own.levels):
                raise ValueError(f"a mode of '{own.column}' is not one of its levels")
        return self

    @property
    def parts(self) -> tuple[Preparation | Levels, ...]:
        """How each column is prepared."""
        return (*self.preparations, *self.levels)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(part.column for part in self.parts)

    @property
    def kinds(self) -> dict[str, str]:
        """Whether each column is a number, text or boolean."""
        numbers = dict.fromkeys((part.column for part in self.preparations), "number")
        return numbers | {part.column: part.kind for part in self.levels}

    @property
    def segment_count(self) -> int:
        """How many prototypes there are."""
        return len(self.centres)

    def reorder(self, order: Sequence[int]) -> Prototypes:
        """Return the same with prototype ``order[0]`` first, ``order[1]`` second and so on."""
        moved = {
            "centres": [self.centres[i] for i in order],
            "modes": [self.modes[i] for i in order],
        }
        return self.model_copy(update={name: tuple(rows) for name, rows in moved.items()})

    def place(self, table: ir.Table) -> ir.Table:
        """Add ``segment``, ``distance`` and ``confidence``.

        Equal distances go to the lower number. ``confidence`` is 1 minus the ratio of the
        distances to the nearest and the second nearest prototype (0 on the border, 1 in the
        centre), times the share of columns whose value is neither missing nor new.
        """
        table = table.mutate(**{f"x{i}_": part.take(table) for i, part in enumerate(self.parts)})
        values = [table[f"x{i}_"] for i in range(len(self.parts))]
        prepared = {f"z{i}_": p.apply(values[i]) for i, p in enumerate(self.preparations)}
        for i, own in enumerate(self.levels, start=len(self.preparations)):
            for mode in {modes[i - len(self.preparations)] for modes in self.modes}:
                differs = ~own.match(values[i], mode)
                if MISSING not in own.levels:
                    differs = differs & values[i].notnull()
                prepared[f"m{i}_{own.levels.index(mode)}_"] = differs.cast("int32")
        table = table.mutate(known_=share_known(self.parts, values), **prepared)
        numbers = range(1, self.segment_count + 1)
        table = table.mutate(**{f"d{n}_": self._measure(table, n - 1) for n in numbers})
        distances = [table[f"d{n}_"] for n in numbers]
        # The second least is the least of what each distance, or all before it, has to give way to.
        second = [
            ibis.greatest(_least(distances[:i]), distances[i]) for i in range(1, len(distances))
        ]
        table = table.mutate(best_=_least(distances), second_=_least(second))
        # An engine's logarithm may differ from another's in its last bit.
        near = table.best_ * TIE
        ratio = (table.best_ / table.second_.nullif(0.0)).sqrt().fill_null(1.0)
        return table.mutate(
            segment=ibis.cases(*[(table[f"d{n}_"] <= near, n) for n in numbers]).cast("int64"),
            distance=table.best_.sqrt(),
            confidence=(1.0 - ratio) * table.known_,
        )

    def _measure(self, table: ir.Table, index: int) -> ir.FloatingValue:
        """The squared distance to one prototype, in the order of `assign_prototypes`."""
        squares = []
        for i, (centre, own) in enumerate(zip(self.centres[index], self.preparations, strict=True)):
            gap = table[f"z{i}_"] - centre
            squares.append(gap * gap if own.fill is not None else (gap * gap).fill_null(0.0))
        first = len(self.preparations)
        differs = [
            table[f"m{first + j}_{own.levels.index(mode)}_"]
            for j, (mode, own) in enumerate(zip(self.modes[index], self.levels, strict=True))
        ]
        if differs:
            squares.append(add_up(differs).cast("float64") * self.gamma)
        return add_up(squares)


def _least(values: Sequence[ir.FloatingValue]) -> ir.FloatingValue:
    # Some engines refuse to take the least of one.
    return ibis.least(*values) if len(values) > 1 else values[0]


def fit_clusters(
    customers: pd.DataFrame, scheme: Scheme, n_segments: int, random_state: int
) -> tuple[Prototypes, Prepared]:
    """Prepare a scheme's columns and fit prototypes with ten starts.

    Raises
    ------
    SegkitError
        If a column cannot be prepared, or fewer customers differ than there are segments.
    """
    prepared = prepare_columns(customers, scheme)
    # Sorted, so that the order in which customers come changes nothing.
    rows = prepared.take(np.lexsort((*prepared.codes.T[::-1], *prepared.numbers.T[::-1])))
    different = rows.count_different()
    if different < n_segments:
        raise SegkitError(
            f"{n_segments} segments need at least {n_segments} different customers",
            found=f"{different} in columns {', '.join(scheme.columns)}",
            fix="Ask for fewer segments or give more columns.",
        )
    gamma = choose_gamma(prepared) if scheme.gamma == "auto" else scheme.gamma
    fit = fit_prototypes(
        rows.numbers, rows.codes, n_clusters=n_segments, gamma=gamma, random_state=random_state
    )
    modes = [
        [own.levels[code] for own, code in zip(prepared.levels, codes, strict=True)]
        for codes in fit.modes
    ]
    model = Prototypes(
        preparations=prepared.preparations,
        levels=prepared.levels,
        centres=fit.centres.tolist(),
        modes=modes,
        gamma=gamma,
    )
    return model, prepared


def choose_gamma(prepared: Prepared) -> float:
    """Weigh a category so that its levels spread about as much as a prepared number.

    The mean variance of the numbers over the mean of 1 - sum(p^2) of the categories' levels; 1
    where there is only one kind.

    References
    ----------
    Szepannek (2018), clustMixType: User-Friendly Clustering of Mixed-Type Data in R, *The R
    Journal* 10(2), section on the choice of lambda.
    """
    if not prepared.preparations or not prepared.levels:
        return 1.0
    spreads = []
    for codes in prepared.codes.T:
        counts = np.bincount(codes[codes >= 0])
        spreads.append(1 - ((counts / counts.sum()) ** 2).sum())
    variance = np.nanvar(np.sort(prepared.numbers, axis=0), axis=0).mean()
    return float(variance / np.mean(spreads)) if variance > 0 and np.mean(spreads) > 0 else 1.0
