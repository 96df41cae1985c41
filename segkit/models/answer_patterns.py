"""Answers to questions, counted by pattern: what latent classes are fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.random import Generator

from segkit.core.errors import SegkitError
from segkit.models.columns import (
    OTHER,
    RARE_COUNT,
    Levels,
    learn_levels,
    require_column,
    tidy_columns,
    write_level,
)
from segkit.models.kinds import find_kind

MOST_NUMBERS = 20
MOST_FITTED_CUSTOMERS = 10_000

Floats = Sequence[float]


@dataclass(frozen=True)
class Answers:
    """Different answer patterns as codes of levels (-1 is missing), sorted, and their counts.

    ``rows`` has each customer's pattern; None where the customers themselves are not known.
    """

    levels: tuple[Levels, ...]
    patterns: np.ndarray
    counts: np.ndarray
    rows: np.ndarray | None = None

    @cached_property
    def spread(self) -> np.ndarray:
        """Zeros and ones by pattern, column and level; zeros where an answer is missing."""
        width = max(len(own.levels) for own in self.levels)
        return (self.patterns[:, :, None] == np.arange(width)).astype(float)


def read_answers(
    customers: pd.DataFrame,
    columns: Sequence[str],
    random_state: int,
    *,
    smallest_level: int = RARE_COUNT,
    keep_all: bool = False,
) -> Answers:
    """Learn the levels of the columns, and count the customers of each answer pattern.

    Where more than 10,000 patterns differ, those of a random 10,000 customers, and no ``rows``;
    with ``keep_all`` all of them. Levels of fewer than ``smallest_level`` customers are pooled, see
    `learn_levels`.

    Raises
    ------
    SegkitError
        If a column is not there, has no values, or is a number with more than 20 different values,
        or where nearly every customer has another value.
    """
    levels, codes = read_codes(customers, columns, smallest_level=smallest_level)
    answers = count_patterns(levels, codes)
    if len(answers.counts) > MOST_FITTED_CUSTOMERS and not keep_all:
        rng = np.random.default_rng(random_state)
        counts = rng.multivariate_hypergeometric(answers.counts, MOST_FITTED_CUSTOMERS)
        return Answers(levels, answers.patterns[counts > 0], counts[counts > 0])
    return answers


def read_codes(
    customers: pd.DataFrame, columns: Sequence[str], *, smallest_level: int = RARE_COUNT
) -> tuple[tuple[Levels, ...], np.ndarray]:
    """Learn the levels of the columns; return them, and customers by columns as codes, see Answers.

    Raises an error as `read_answers` does.
    """
    for column in columns:
        require_column(customers, column)
        different = customers[column].nunique()
        if different > MOST_NUMBERS and find_kind(customers[column]) == "number":
            message = f"column '{column}' is a number with more than {MOST_NUMBERS} values"
            fix = "Cut it into groups, or use method kprototypes."
            raise SegkitError(message, found=f"{different:,}", fix=fix)
    learned = [
        learn_levels(customers, column, missing="ignore", smallest_level=smallest_level)
        for column in columns
    ]
    codes = np.column_stack([codes for _, codes in learned])
    return tuple(own for own, _ in learned), codes


def code_answers(customers: pd.DataFrame, levels: Sequence[Levels]) -> np.ndarray:
    """Return the codes of customers' answers in known levels, (n, columns), int32.

    As a fitted document assigns: a level that the fit did not see is one of the pooled, if there
    are such, else -1 like a missing one. Truths and the numbers 1 and 0 stand for each other.

    Raises
    ------
    SegkitError
        If a column is not there.
    """
    columns = [own.column for own in levels]
    tidy = tidy_columns(customers, columns)
    codes = np.empty((len(customers), len(columns)), dtype=np.int32)
    for i, own in enumerate(levels):
        values = tidy[own.column]
        kind = find_kind(values)
        if own.kind == "boolean" and kind == "number":
            values = (values != 0).astype("boolean").mask(values.isna())
        elif own.kind == "number" and kind == "boolean":
            values = values.astype("Float64")
        texts = values.map(write_level, na_action="ignore").astype(object)
        if own.kind == "boolean" and kind == "category":
            texts = texts.str.lower()
        found = texts.map({level: code for code, level in enumerate(own.kept)})
        other = own.levels.index(OTHER) if OTHER in own.levels else -1
        codes[:, i] = found.where(found.notna() | texts.isna(), other).fillna(-1)
    return codes


def count_patterns(levels: tuple[Levels, ...], codes: np.ndarray) -> Answers:
    """Count the customers of each answer pattern; ``codes`` has a row a customer."""
    patterns, rows, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    return Answers(levels, patterns, counts, rows.ravel())


def draw_answers(
    answers: Answers, *, weights: Floats, probabilities: Sequence[Sequence[Floats]], rng: Generator
) -> Answers:
    """Draw as many customers as there are from a model's numbers, with the same answers missing."""
    missing = np.repeat(answers.patterns < 0, answers.counts, axis=0)
    members = np.searchsorted(np.cumsum(weights)[:-1], rng.random(len(missing)))
    drawn = np.empty(missing.shape, dtype=np.int32)
    for i in range(len(answers.levels)):
        ends = np.cumsum([own[i] for own in probabilities], axis=1)[:, :-1]
        drawn[:, i] = (rng.random(len(drawn))[:, None] > ends[members]).sum(axis=1)
    return count_patterns(answers.levels, np.where(missing, -1, drawn))
