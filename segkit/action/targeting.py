"""Which segments to aim at: how attractive each is, and how fit we are to serve it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from segkit.core.errors import SegkitError


@dataclass(frozen=True)
class Targets:
    """The target-selection matrix.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a segment, the best by the product of the scores first: ``segment_name``,
        ``customer_count`` if it was given, ``customer_share``, ``attractiveness`` and ``fit``
        (0 to 1; NaN where no measure is known).
    measures : dict of str to tuple of str
        By score, the measures that it was made from.
    """

    table: pd.DataFrame
    measures: dict[str, tuple[str, ...]]


def rate_targets(
    segments: pd.DataFrame, attractiveness: Mapping[str, float], fit: Mapping[str, float]
) -> Targets:
    """Score each segment for the target-selection matrix, with the plan's weights.

    A measure is divided by its largest value among the segments, so that the best segment has 1;
    a score is the weighted mean of the measures that are known, from 0 to 1 (Dolnicar, Grün and
    Leisch 2018, *Market Segmentation Analysis*, section 10.2, with measured values in place of
    ratings).

    Parameters
    ----------
    segments : pandas.DataFrame
        One row a segment: ``segment_name``, ``customer_share``, and the measures; one that is not
        there or wholly missing is left out, and a negative value counts as 0.
    attractiveness, fit : dict
        The weight of each measure.

    Raises
    ------
    SegkitError
        If the weights of a score add up to nothing.
    """
    table = segments.filter(["segment_name", "customer_count", "customer_share"])
    measures = {}
    for score, weights in (("attractiveness", attractiveness), ("fit", fit)):
        if not sum(weights.values()) > 0:
            message = f"the weights of {score} add up to nothing"
            raise SegkitError(message, where="[criteria]", fix="Give one a weight above 0.")
        known = {
            name: weight
            for name, weight in weights.items()
            if weight > 0 and name in segments and segments[name].notna().any()
        }
        table[score] = _weigh_measures(segments, known)
        measures[score] = tuple(known)
    product = table["attractiveness"] * table["fit"].fillna(1.0)
    best_first = product.sort_values(ascending=False, kind="stable").index
    return Targets(table.loc[best_first].reset_index(drop=True), measures)


def _weigh_measures(segments: pd.DataFrame, weights: Mapping[str, float]) -> pd.Series:
    """Return the weighted mean of measures, each as a part of its largest value."""
    if not weights:
        return pd.Series(float("nan"), segments.index)
    score = pd.Series(0.0, segments.index)
    for name, weight in weights.items():
        values = segments[name].astype(float).fillna(0.0).clip(lower=0.0)
        largest = values.max()
        if largest > 0:
            score += weight * values / largest
    return score / sum(weights.values())


def collect_measures(
    sizes: pd.DataFrame, ratings: pd.DataFrame, *, reach: pd.DataFrame, consent: pd.DataFrame
) -> pd.DataFrame:
    """Join what a plan may weigh of each segment; what is not known is missing.

    Parameters
    ----------
    sizes, ratings : pandas.DataFrame
        Of `size_segments` and `rate_segments`, the latter with ``segment_name``. Segments whose
        size is not known are left out.
    reach : pandas.DataFrame
        ``segment_name`` and ``recall``: the share of the segment that a few rules place rightly.
    consent : pandas.DataFrame
        ``segment_name`` and ``consent_share``.

    Returns
    -------
    pandas.DataFrame
        ``segment_name``, ``customer_count``, ``customer_share``, ``value_share``, ``mean_value``,
        ``stability`` (the Jaccard), ``reach``, ``consent_share``.
    """
    names = {"spend_share": "value_share", "mean_spend": "mean_value"}
    parts = [
        ratings[["segment_name", "jaccard"]].rename(columns={"jaccard": "stability"}),
        reach[["segment_name", "recall"]].rename(columns={"recall": "reach"}),
        consent[["segment_name", "consent_share"]],
    ]
    columns = ["segment_name", "customer_count", "customer_share", "value_share", "mean_value"]
    table = sizes.dropna(subset=["customer_share"]).rename(columns=names).filter(columns)
    for part in parts:
        table = table.merge(part, on="segment_name", how="left")
    return table.assign(consent_share=table["consent_share"].astype(float))
