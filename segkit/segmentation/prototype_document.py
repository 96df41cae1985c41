"""Clusters by k-means, k-modes and k-prototypes: one document, one expression that assigns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import model_validator

from segkit.core.errors import SegkitError
from segkit.models.answer_style import express_answer_style
from segkit.models.columns import (
    MISSING,
    Document,
    Levels,
    Preparation,
    PreparedColumns,
    share_known,
)
from segkit.models.expressions import (
    AnyTable,
    AnyValue,
    add_up,
    match_cases,
    take_greatest,
    take_least,
)
from segkit.models.own_columns import choose_prefix
from segkit.models.prototypes import choose_gamma, fit_prototypes
from segkit.models.tolerances import TIE
from segkit.plan.models import Scheme
from segkit.segmentation.placing import select_placed
from segkit.segmentation.preparation import prepare_columns


class Prototypes(Document):
    """Prepared centres of numbers and modes of categories; a customer belongs to the nearest.

    The squared distance is Huang's (1998, equation 2): squared differences of numbers plus
    ``gamma`` for each category that differs from the mode. Where ``answer_style`` is removed, a
    customer's own mean and standard deviation are taken out of the prepared numbers.
    """

    kind: Literal["prototypes"] = "prototypes"
    preparations: tuple[Preparation, ...]
    levels: tuple[Levels, ...] = ()
    centres: tuple[tuple[float, ...], ...]
    modes: tuple[tuple[str, ...], ...]
    gamma: float = 1.0
    answer_style: Literal["kept", "removed"] = "kept"

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
        return {part.column: part.kind for part in self.parts}

    @property
    def segment_count(self) -> int:
        """How many prototypes there are."""
        return len(self.centres)

    def reorder(self, order: Sequence[int]) -> Prototypes:
        """Return the same with prototype ``order[0]`` first, ``order[1]`` second and so on."""
        moved = {
            "centres": tuple(self.centres[i] for i in order),
            "modes": tuple(self.modes[i] for i in order),
        }
        return self.model_copy(update=moved)

    def place(self, table: AnyTable, *, keep: Iterable[str] | None = None) -> AnyTable:
        """Add ``segment``, ``distance`` and ``confidence`` to the columns to ``keep``, or all.

        Equal distances go to the lower number. ``confidence`` is 1 minus the ratio of the
        distances to the nearest and the second nearest prototype (0 on the border, 1 in the
        centre), times the share of columns whose value is neither missing nor new.
        """
        own = choose_prefix(table.columns)
        keep = table.columns if keep is None else keep
        table = self._prepare(table, own)
        numbers = range(1, self.segment_count + 1)
        table = table.mutate(
            **{f"{own}square{n}": self._measure(table, own, index=n - 1) for n in numbers}
        )
        squares = [table[f"{own}square{n}"] for n in numbers]
        # The second least is the least of what each distance, or all before it, has to give way to.
        second = [
            take_greatest([take_least(squares[:i]), squares[i]]) for i in range(1, len(squares))
        ]
        table = table.mutate(
            **{f"{own}best": take_least(squares), f"{own}second": take_least(second)}
        )
        best = table[f"{own}best"]
        # An engine's logarithm may differ from another's in its last bit.
        near = best * TIE
        segment = match_cases(*[(table[f"{own}square{n}"] <= near, n) for n in numbers])
        ratio = (best / table[f"{own}second"].nullif(0.0)).sqrt().fill_null(1.0)
        return select_placed(
            table,
            keep,
            segment=segment.cast("int64"),
            distance=best.sqrt(),
            confidence=(1.0 - ratio) * table[f"{own}known"],
        )

    def _prepare(self, table: AnyTable, own: str) -> AnyTable:
        """Add the prepared numbers, whether each mode differs, and the share of known values."""
        table = table.mutate(
            **{f"{own}value{i}": part.take(table) for i, part in enumerate(self.parts)}
        )
        values = [table[f"{own}value{i}"] for i in range(len(self.parts))]
        prepared = {}
        for i, part in enumerate(self.preparations):
            prepared[f"{own}number{i}"] = part.apply(values[i])
        for i, part in enumerate(self.levels):
            value = values[len(self.preparations) + i]
            for mode in dict.fromkeys(modes[i] for modes in self.modes):
                differs = ~part.match(value, mode)
                if MISSING not in part.levels:
                    differs = differs & value.notnull()
                name = f"{own}differs{i}_{part.levels.index(mode)}"
                prepared[name] = differs.cast("int32")
        known_share = share_known(self.parts, values)
        table = table.mutate(**{f"{own}known": known_share, **prepared})
        if self.answer_style == "removed":
            numbers = [f"{own}number{i}" for i in range(len(self.preparations))]
            table = express_answer_style(table, numbers)
        return table

    def _measure(self, table: AnyTable, own: str, *, index: int) -> AnyValue:
        """The squared distance to one prototype, in the order of `assign_prototypes`."""
        squares = []
        for i, (centre, part) in enumerate(
            zip(self.centres[index], self.preparations, strict=True)
        ):
            gap = table[f"{own}number{i}"] - centre
            square = gap * gap
            squares.append(square if part.fill is not None else square.fill_null(0.0))
        differs = [
            table[f"{own}differs{i}_{part.levels.index(mode)}"]
            for i, (mode, part) in enumerate(zip(self.modes[index], self.levels, strict=True))
        ]
        if differs:
            squares.append(add_up(differs).cast("float64") * self.gamma)
        return add_up(squares)


def fit_clusters(
    customers: pd.DataFrame, scheme: Scheme, n_segments: int, *, random_state: int
) -> tuple[Prototypes, PreparedColumns]:
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
        answer_style=scheme.answer_style,
    )
    return model, prepared
