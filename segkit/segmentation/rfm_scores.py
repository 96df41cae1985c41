"""Scores of recency, frequency and money for each customer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.models.columns import read_numbers
from segkit.plan.models import Scheme
from segkit.segmentation.rules import fit_rfm


def score_rfm(customers: pd.DataFrame) -> pd.DataFrame:
    """Return ``recency``, ``frequency`` and ``money``, each 1 (low) to 5 (high), and the ``cell``.

    Cut points are quintiles of these customers, as in `fit_rfm`; a missing value scores lowest.
    """
    scheme = Scheme(name="rfm", goal="rfm", base="behavioural", method="rfm")
    rules, _ = fit_rfm(customers, scheme, 6)
    scores = {}
    cells = 0
    for score in rules.scores:
        sign = 1 if score.higher_is_better else -1
        values = sign * read_numbers(customers, score.column)
        points = 1 + (values[:, None] > sign * np.array(score.cuts)).sum(axis=1)
        scores[score.name] = points
        cells = cells * 10 + points
    return pd.DataFrame({**scores, "cell": cells})
