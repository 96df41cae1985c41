"""What is to be known of the schemes' columns before anything is fitted to them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError
from segkit.models.columns import Preparation, read_known
from segkit.models.transformations import FROM_ZERO, Measure, find_steps, refine_measure
from segkit.plan.models import FEWEST_ANSWERS, LEARNING_METHODS, MOST_FITTED, Scheme
from segkit.segmentation.measures import find_measure
from segkit.segmentation.preparation import find_scaling, have_equal_scales, prepare_columns
from segkit.validation.sampling import sample_customers
from segkit.validation.sensitivity import find_near_duplicates

PREPARED_COLUMNS = ["scheme", "column", "measure", "transform", "origin", "scaling", "answer_style"]
DUPLICATE_COLUMNS = ["scheme", "column", "other", "association"]
STYLE_COLUMNS = ["scheme", "column_count", "explained_share", "correlation", "customer_count"]
# Of the first direction with everybody's mean answer, from which on it is that.
SAME_AS_MEAN = 0.9


def describe_preparations(
    customers: pd.DataFrame, schemes: Iterable[Scheme], *, most_fitted: int = MOST_FITTED
) -> pd.DataFrame:
    """Say how each scheme takes its columns of numbers.

    Returns
    -------
    pandas.DataFrame
        One row a scheme and number: ``scheme``, ``column``, ``measure`` (what it measures, see
        `find_measure`), ``transform``, ``origin`` of a logarithm ("zero", "lowest" or "highest"),
        ``scaling`` (see `find_scaling`), ``answer_style``. A scheme that cannot be prepared is left
        out; the candidates say why.
    """
    rows = []
    sampled = sample_customers(customers, most_fitted)
    for scheme in schemes:
        if scheme.method not in ("kmeans", "kprototypes"):
            continue
        with contextlib.suppress(SegkitError):
            scaling = find_scaling(sampled, scheme)
            for part in prepare_columns(sampled, scheme).preparations:
                measure = find_measure(part.column)
                measure = refine_measure(measure, find_steps(read_known(sampled, part.column)))
                row = (scheme.name, part.column, measure, part.transform)
                rows.append((*row, _name_origin(part, measure), scaling, scheme.answer_style))
    if not rows:
        return empty_table(PREPARED_COLUMNS, "No scheme of the plan finds segments in numbers.")
    return pd.DataFrame(rows, columns=PREPARED_COLUMNS)


def _name_origin(part: Preparation, measure: Measure) -> str:
    if part.transform == "none":
        return ""
    if measure in FROM_ZERO:
        return "zero"
    return "lowest" if part.origin <= part.lower else "highest"


def find_all_duplicates(
    customers: pd.DataFrame, schemes: Iterable[Scheme], *, most_fitted: int = MOST_FITTED
) -> pd.DataFrame:
    """Name the pairs of columns of each scheme that say nearly the same.

    Returns
    -------
    pandas.DataFrame
        ``scheme`` and the columns of `find_near_duplicates`.
    """
    sampled = sample_customers(customers, most_fitted)
    tables = []
    for scheme in schemes:
        if scheme.method in LEARNING_METHODS:
            with contextlib.suppress(SegkitError):
                found = find_near_duplicates(sampled, scheme)
                tables.append(found.assign(scheme=scheme.name))
    if not any(len(table) for table in tables):
        return empty_table(DUPLICATE_COLUMNS, "No two columns of a scheme say nearly the same.")
    return pd.concat(tables, ignore_index=True)[DUPLICATE_COLUMNS]


def find_answer_styles(
    customers: pd.DataFrame, schemes: Iterable[Scheme], *, most_fitted: int = MOST_FITTED
) -> pd.DataFrame:
    """Find schemes whose answers differ most in how people answer.

    That is where the first principal direction has loadings of one sign only, and goes with
    everybody's mean answer: segments along it are of those who agree with much and with little
    (Grün and Dolnicar 2016, *Marketing Letters* 27).

    Returns
    -------
    pandas.DataFrame
        One row a scheme of k-means on answers of equal scales of which this holds and which does
        not remove it: ``scheme``, ``column_count``, ``explained_share`` (of all differences, by
        the first direction), ``correlation`` (of it with the mean answer), ``customer_count``.
    """
    rows = []
    sampled = sample_customers(customers, most_fitted)
    for scheme in schemes:
        if scheme.method != "kmeans" or scheme.answer_style == "removed":
            continue
        with contextlib.suppress(SegkitError):
            is_even = have_equal_scales(sampled, list(scheme.columns))
            if len(scheme.columns) < FEWEST_ANSWERS or not is_even:
                continue
            found = _find_direction(prepare_columns(sampled, scheme).numbers)
            if found is not None:
                rows.append((scheme.name, len(scheme.columns), *found, len(sampled)))
    if not rows:
        return empty_table(STYLE_COLUMNS, "No scheme of answers differs most in how people answer.")
    return pd.DataFrame(rows, columns=STYLE_COLUMNS)


def _find_direction(answers: np.ndarray) -> tuple[float, float] | None:
    """Return the share that the first direction explains, and its correlation with the mean.

    None if it has loadings of both signs, or is not everybody's mean answer.
    """
    means = np.nanmean(answers, axis=0)
    away = np.where(np.isnan(answers), 0.0, answers - means)
    values, vectors = np.linalg.eigh(away.T @ away / len(away))
    first = vectors[:, -1] * np.sign(vectors[:, -1].sum())
    everybody = away.mean(axis=1)
    if values.sum() <= 0 or first.min() <= 0 or everybody.std() == 0:
        return None
    correlation = float(np.corrcoef(away @ first, everybody)[0, 1])
    return (float(values[-1] / values.sum()), correlation) if correlation >= SAME_AS_MEAN else None
