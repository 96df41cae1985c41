"""Latent classes as a document, and the expression that assigns by it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import model_validator

from segkit.models.columns import Document, Levels, share_known
from segkit.models.expressions import (
    AnyTable,
    AnyValue,
    add_up,
    match_cases,
    repeat_constant,
    take_greatest,
)
from segkit.models.latent_classes import ClassFit
from segkit.models.own_columns import choose_prefix
from segkit.models.tolerances import TIE
from segkit.segmentation.placing import select_placed


class Classes(Document):
    """Shares of the classes, and in each class the probabilities of each column's levels.

    ``probabilities[c][j][l]`` is the probability of level ``l`` of column ``j`` in class ``c``.
    Within a class the columns are independent (Lazarsfeld and Henry, 1968).
    """

    kind: Literal["classes"] = "classes"
    levels: tuple[Levels, ...]
    weights: tuple[float, ...]
    probabilities: tuple[tuple[tuple[float, ...], ...], ...]

    @model_validator(mode="after")
    def _check_shape(self) -> Classes:
        sizes = [len(own.levels) for own in self.levels]
        shapes = [[len(shares) for shares in own] for own in self.probabilities]
        if 0 in (len(self.weights), len(sizes), *sizes) or shapes != [sizes] * len(self.weights):
            raise ValueError("weights, probabilities and levels do not fit together")
        for shares in (self.weights, *(shares for own in self.probabilities for shares in own)):
            if min(shares) <= 0 or not math.isclose(sum(shares), 1, abs_tol=1e-6):
                raise ValueError("probabilities must be above 0 and add up to 1")
        return self

    @property
    def parts(self) -> tuple[Levels, ...]:
        """How each column is prepared."""
        return self.levels

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(own.column for own in self.levels)

    @property
    def kinds(self) -> dict[str, str]:
        """Whether each column is a number, text or boolean."""
        return {own.column: own.kind for own in self.levels}

    @property
    def segment_count(self) -> int:
        """How many classes there are."""
        return len(self.weights)

    def reorder(self, order: Sequence[int]) -> Classes:
        """Return the same with class ``order[0]`` first, ``order[1]`` second and so on."""
        moved = {
            "weights": tuple(self.weights[i] for i in order),
            "probabilities": tuple(self.probabilities[i] for i in order),
        }
        return self.model_copy(update=moved)

    def place(self, table: AnyTable, *, keep: Iterable[str] | None = None) -> AnyTable:
        """Add ``segment``, ``probability`` and ``confidence`` to the columns to ``keep``, or all.

        The class is the most probable given the answers (Bayes' rule), the lower number where two
        are equal. A missing answer tells nothing; nor does a level that the fit did not see, unless
        the fit pooled rare levels, of which it then is one. ``confidence`` is the probability times
        the share of columns whose value is neither missing nor new.
        """
        own = choose_prefix(table.columns)
        keep = table.columns if keep is None else keep
        table = table.mutate(
            **{f"{own}answer{i}": part.take(table) for i, part in enumerate(self.levels)}
        )
        answers = [table[f"{own}answer{i}"] for i in range(len(self.levels))]
        codes = {}
        for i, (part, answer) in enumerate(zip(self.levels, answers, strict=True)):
            matches = [(part.match(answer, level), code) for code, level in enumerate(part.levels)]
            codes[f"{own}code{i}"] = match_cases(*matches, otherwise=-1)
        known_share = share_known(self.levels, answers)
        table = table.mutate(**{f"{own}known": known_share, **codes})
        numbers = range(1, self.segment_count + 1)
        table = table.mutate(
            **{f"{own}log{n}": self._rate(table, own, index=n - 1) for n in numbers}
        )
        logs = [table[f"{own}log{n}"] for n in numbers]
        table = table.mutate(**{f"{own}best": take_greatest(logs)})
        logs = [table[f"{own}log{n}"] for n in numbers]
        best = table[f"{own}best"]
        near = best * TIE  # the logarithm of a probability is not above zero
        segment = match_cases(*[(log >= near, n) for n, log in zip(numbers, logs, strict=True)])
        odds = add_up([(log - best).exp() for log in logs])
        table = table.mutate(
            **{f"{own}segment": segment.cast("int64"), f"{own}probability": 1.0 / odds}
        )
        probability = table[f"{own}probability"]
        return select_placed(
            table,
            keep,
            segment=table[f"{own}segment"],
            probability=probability,
            confidence=probability * table[f"{own}known"],
        )

    def _rate(self, table: AnyTable, own: str, *, index: int) -> AnyValue:
        """The logarithm of the probability of one class and the answers together."""
        # A double, as the sum then is: plain numbers with a point are decimals to most engines.
        like = table[f"{own}code0"]
        terms = [repeat_constant(math.log(self.weights[index]), "float64", like=like)]
        for i, shares in enumerate(self.probabilities[index]):
            code_column = table[f"{own}code{i}"]
            logs = [(code_column == code, math.log(share)) for code, share in enumerate(shares)]
            terms.append(match_cases(*logs, otherwise=0.0))
        return add_up(terms)


def build_classes(fit: ClassFit) -> Classes:
    """Return the document of fitted latent classes, in the order of the fit."""
    return Classes(levels=fit.levels, weights=fit.weights, probabilities=fit.probabilities)
