"""Segments of too few customers to be shown, merged into those next to them.

Nobody may see such a segment, so it is left out of the model itself: of clusters and classes its
customers then belong to the next nearest, of ordered rules to the next one that they meet. What is
not in the document is in no table, chart or sentence made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from segkit.core.errors import SegkitError
from segkit.models.rule_language import read_predicate
from segkit.segmentation.class_document import Classes
from segkit.segmentation.prototype_document import Prototypes
from segkit.segmentation.rules import Rule, Rules

AnyModel = TypeVar("AnyModel", Prototypes, Classes, Rules)


class Merged(NamedTuple, Generic[AnyModel]):
    """A model, which segments of the one given are left, in order, and each customer's own."""

    model: AnyModel
    kept: list[int]
    labels: np.ndarray


def merge_small(
    model: AnyModel, place: Callable[[AnyModel], np.ndarray], *, smallest_cell: int
) -> Merged[AnyModel]:
    """Leave out segments of somebody, but fewer than ``smallest_cell`` customers, smallest first.

    Parameters
    ----------
    model : Prototypes, Classes or Rules
    place : callable
        Gives each customer's segment by a model, from 1.
    smallest_cell : int
        The fewest customers that may be seen.

    Returns
    -------
    Merged

    Raises
    ------
    SegkitError
        If fewer than two segments would be left.
    """
    kept = list(range(1, model.segment_count + 1))
    while True:
        labels = place(model)
        counts = np.bincount(labels, minlength=len(kept) + 1)[1:]
        small = np.flatnonzero((counts > 0) & (counts < smallest_cell))
        if not len(small):
            return Merged(model, kept, labels)
        if len(kept) <= 2:
            raise SegkitError(
                f"fewer than two of its segments have {smallest_cell} customers, the fewest that "
                "may be shown",
                fix="Widen its rules or ask for other numbers of segments.",
            )
        out = int(small[counts[small].argmin()])
        model = keep_segments(model, [n for n in range(1, len(kept) + 1) if n != out + 1])
        del kept[out]


def keep_segments(model: AnyModel, kept: Collection[int]) -> AnyModel:
    """Return a model with some of its segments only, numbered anew in their order."""
    if isinstance(model, Rules):
        return _keep_rules(model, kept)
    fewer = model.reorder([number - 1 for number in kept])
    if isinstance(fewer, Classes):
        total = sum(fewer.weights)
        weights = tuple(weight / total for weight in fewer.weights)
        return fewer.model_copy(update={"weights": weights})
    return fewer


def _keep_rules(model: Rules, kept: Collection[int]) -> Rules:
    """Leave out the rules of other segments; the last that is left takes everyone else."""
    numbers = {number: place for place, number in enumerate(kept, start=1)}
    rules = [
        Rule(segment=numbers[rule.segment], when=rule.when)
        for rule in model.rules
        if rule.segment in numbers
    ]
    rules[-1] = Rule(segment=rules[-1].segment, when="true")
    scored = {f"{score.name}_score": "number" for score in model.scores}
    read = {score.column for score in model.scores}
    for rule in rules[:-1]:
        read.update(read_predicate(rule.when, {**model.kinds, **scored}).columns)
    kinds = {column: kind for column, kind in model.kinds.items() if column in read}
    return Rules(kinds=kinds, scores=model.scores, rules=rules)
