"""Which segments to aim at: how attractive each is, and how fit we are to serve it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from segkit.core.errors import SegkitError
from segkit.plan.models import Criteria


def rate_targets(
    segments: pd.DataFrame, attractiveness: Mapping[str, float], fit: Mapping[str, float]
) -> pd.DataFrame:
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

    Returns
    -------
    pandas.DataFrame
        ``segment_name``, ``customer_count`` if it is given, ``customer_share``,
        ``attractiveness``, ``fit`` (NaN where no measure is known), the best by their product
        first.
    """
    table = segments.filter(["segment_name", "customer_count", "customer_share"])
    for score, weights in (("attractiveness", attractiveness), ("fit", fit)):
        if not sum(weights.values()) > 0:
            message = f"the weights of {score} add up to nothing"
            raise SegkitError(message, where="[criteria]", fix="Give one a weight above 0.")
        known = list_measures(segments, weights)
        parts = pd.Series(0.0, segments.index)
        for name in known:
            values = segments[name].astype(float).fillna(0.0).clip(lower=0.0)
            largest = values.max()
            parts += weights[name] * (values / largest if largest > 0 else 0.0)
        total = sum(weights[name] for name in known)
        table[score] = parts / total if known else float("nan")
    best_first = (table["attractiveness"] * table["fit"].fillna(1.0)).sort_values(
        ascending=False, kind="stable"
    )
    return table.loc[best_first.index].reset_index(drop=True)


def list_measures(segments: pd.DataFrame, weights: Mapping[str, float]) -> list[str]:
    """List the measures that a score of `rate_targets` rests on: weighed, and known of somebody."""
    return [
        name
        for name, weight in weights.items()
        if weight > 0 and name in segments and segments[name].notna().any()
    ]


def list_used(segments: pd.DataFrame, criteria: Criteria) -> dict[str, list[str]]:
    """List the measures that each of the two scores rests on, by the score's name."""
    return {
        "attractiveness": list_measures(segments, criteria.attractiveness),
        "fit": list_measures(segments, criteria.fit),
    }


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
