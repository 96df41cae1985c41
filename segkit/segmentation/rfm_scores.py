"""Scores of recency, frequency and money for each customer of a table.

`fit_rfm` alone learns the cut points, and `Score.apply` alone scores: what a document assigns and
what is counted here are the same points.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd

from segkit.models.columns import read_numbers, take_number
from segkit.plan.models import Scheme
from segkit.segmentation.rules import Score, fit_rfm


def score_rfm(customers: pd.DataFrame) -> pd.DataFrame:
    """Return ``recency``, ``frequency`` and ``money``, each 1 (low) to 5 (high), and the ``cell``.

    Cut points are quintiles of these customers, as in `fit_rfm`; a missing value scores lowest. The
    cell has the points as digits.
    """
    scheme = Scheme(name="rfm", goal="rfm", base="behavioural", method="rfm")
    rules, _ = fit_rfm(customers, scheme, 6)
    points = score_customers(customers, rules.scores)
    cell = 100 * points["recency"] + 10 * points["frequency"] + points["money"]
    return points.assign(cell=cell)


def score_customers(customers: pd.DataFrame, scores: Sequence[Score]) -> pd.DataFrame:
    """Return each customer's points, a column a score, in the order of the customers."""
    values = pd.DataFrame({s.name: read_numbers(customers, s.column) for s in scores})
    table = ibis.memtable(values.assign(place=np.arange(len(values))))
    points = {score.name: score.apply(take_number(table, score.name)) for score in scores}
    scored = table.select("place", **points).to_pandas()
    return scored.sort_values("place", ignore_index=True).drop(columns="place")
