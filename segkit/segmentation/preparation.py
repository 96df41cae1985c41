"""Prepare the columns that a scheme of the plan names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError
from segkit.models.answer_style import remove_answer_style
from segkit.models.columns import (
    PreparedColumns,
    Scaling,
    learn_levels,
    learn_preparation,
    read_known,
    tidy_columns,
)
from segkit.models.kinds import find_kind
from segkit.models.transformations import FROM_ZERO, find_steps
from segkit.plan.models import Scheme
from segkit.segmentation.measures import find_measure


class ColumnKinds(NamedTuple):
    """A scheme's columns that are taken as numbers, and those that are categories."""

    numbers: list[str]
    categories: list[str]


def prepare_columns(customers: pd.DataFrame, scheme: Scheme) -> PreparedColumns:
    """Prepare the columns of a scheme: for k-means all are numbers.

    Otherwise text, true and false, and what the scheme calls ``categorical``, are categories.
    Numbers are brought to scale as `find_scaling` says.

    Raises
    ------
    SegkitError
        If a column cannot be prepared, or answer style is to be removed from columns that are no
        answers on equal scales.
    """
    tidy = tidy_columns(customers, scheme.columns)
    kinds = _split_kinds(tidy, scheme)
    numbers = _prepare_numbers(tidy, scheme, kinds)
    levels = [
        learn_levels(tidy, c, missing=scheme.missing, smallest_level=scheme.smallest_level)
        for c in kinds.categories
    ]
    nothing = np.empty((len(customers), 0))
    values = np.column_stack([nothing, *[values for _, values in numbers]])
    if scheme.answer_style == "removed":
        values = remove_answer_style(values)
    return PreparedColumns(
        preparations=tuple(part for part, _ in numbers),
        levels=tuple(part for part, _ in levels),
        numbers=values,
        codes=np.column_stack([nothing, *[codes for _, codes in levels]]).astype(np.int32),
    )


def _split_kinds(tidy: pd.DataFrame, scheme: Scheme) -> ColumnKinds:
    numbers = [
        column
        for column in scheme.columns
        if scheme.method == "kmeans"
        or (find_kind(tidy[column]) == "number" and column not in scheme.categorical)
    ]
    return ColumnKinds(numbers, [column for column in scheme.columns if column not in numbers])


def _prepare_numbers(tidy: pd.DataFrame, scheme: Scheme, kinds: ColumnKinds) -> list[tuple]:
    """Learn each number's preparation; return it with the prepared values."""
    scaling = _choose_scaling(tidy, scheme, kinds)
    if scheme.answer_style == "removed" and not have_equal_scales(tidy, kinds.numbers):
        raise SegkitError(
            f"scheme '{scheme.name}' has columns that are no answers on the same scale, so that "
            "nobody's style of answering can be taken out",
            fix='Name answers only, all of as many steps, or take out answer_style = "removed".',
        )
    return [
        learn_preparation(
            tidy, column, missing=scheme.missing, measure=find_measure(column), scaling=scaling
        )
        for column in kinds.numbers
    ]


def find_scaling(customers: pd.DataFrame, scheme: Scheme) -> Scaling:
    """Say how a scheme's numbers are brought to scale.

    What the scheme says holds. Where it says ``auto``, yes and no only, or answers on scales of as
    many steps each, are counted in steps from the lowest answer, so that each weighs what it
    varies, as is usual for such data; numbers of other kinds, or beside categories, are
    standardised.

    Returns
    -------
    {"sd", "steps", "none"}
        See `segkit.models.columns.learn_preparation`.
    """
    tidy = tidy_columns(customers, scheme.columns)
    return _choose_scaling(tidy, scheme, _split_kinds(tidy, scheme))


def _choose_scaling(tidy: pd.DataFrame, scheme: Scheme, kinds: ColumnKinds) -> Scaling:
    if scheme.scale != "auto":
        return scheme.scale
    is_even = not kinds.categories and have_equal_scales(tidy, kinds.numbers)
    return "steps" if is_even else "sd"


def have_equal_scales(customers: pd.DataFrame, columns: list[str]) -> bool:
    """Say whether columns are answers of as many even steps each; yes and no is one step.

    Amounts, counts and durations by name are no answers unless they are yes and no. A column in
    which everybody answers alike fits with any other.
    """
    counts = set()
    for column in columns:
        known = read_known(customers, column)
        if known.min() == known.max():
            continue
        steps = find_steps(known)
        if steps is None or (steps.count > 1 and find_measure(column) in (*FROM_ZERO, "share")):
            return False
        counts.add(steps.count)
    return len(counts) == 1
