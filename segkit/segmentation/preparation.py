"""Prepare the columns that a scheme of the plan names."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.models.columns import PreparedColumns, learn_levels, learn_preparation, tidy_columns
from segkit.models.kinds import find_kind
from segkit.plan.models import Scheme


def prepare_columns(customers: pd.DataFrame, scheme: Scheme) -> PreparedColumns:
    """Prepare the columns of a scheme: for k-means all are numbers.

    Otherwise text, true and false, and what the scheme calls ``categorical``, are categories.
    """
    tidy = tidy_columns(customers, scheme.columns)
    numeric = [
        column
        for column in scheme.columns
        if scheme.method == "kmeans"
        or (find_kind(tidy[column]) == "number" and column not in scheme.categorical)
    ]
    numbers = [learn_preparation(customers, c, missing=scheme.missing) for c in numeric]
    others = [column for column in scheme.columns if column not in numeric]
    levels = [
        learn_levels(tidy, c, missing=scheme.missing, smallest_level=scheme.smallest_level)
        for c in others
    ]
    nothing = np.empty((len(customers), 0))
    return PreparedColumns(
        preparations=tuple(part for part, _ in numbers),
        levels=tuple(part for part, _ in levels),
        numbers=np.column_stack([nothing, *[values for _, values in numbers]]),
        codes=np.column_stack([nothing, *[codes for _, codes in levels]]).astype(np.int32),
    )
