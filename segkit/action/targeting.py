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
    a score is the weighted mean of its measures, from 0 to 1 (Dolnicar, Grün and Leisch 2018,
    *Market Segmentation Analysis*, section 10.2, with measured values in place of ratings). What is
    not known counts: as nothing in the score, and as the best in its ``_high``, so that the two are
    what the score can be at least and at most.

    Parameters
    ----------
    segments : pandas.DataFrame
        One row a segment: ``segment_name``, ``customer_share``, and the measures; one that is not
        there is known of nobody, and a negative value counts as 0.
    attractiveness, fit : dict
        The weight of each measure.

    Returns
    -------
    pandas.DataFrame
        ``segment_name``, ``customer_count`` if it is given, ``customer_share``,
        ``attractiveness``, ``attractiveness_high``, ``fit`` and ``fit_high`` (NaN where no measure
        is known of any segment), the best by the product of the two scores first.

    Examples
    --------
    >>> segments = pd.DataFrame({"segment_name": ["A", "B"], "customer_share": [0.4, 0.6]})
    >>> segments = segments.assign(reach=[0.9, 0.45], consent_share=[0.5, None])
    >>> weights = {"reach": 1, "consent_share": 1}
    >>> rate_targets(segments, {"customer_share": 1}, weights).set_index("segment_name")["fit"]
    segment_name
    A    1.00
    B    0.25
    Name: fit, dtype: float64
    """
    table = segments.filter(["segment_name", "customer_count", "customer_share"])
    for score, weights in (("attractiveness", attractiveness), ("fit", fit)):
        if not sum(weights.values()) > 0:
            message = f"the weights of {score} add up to nothing"
            raise SegkitError(message, where="[criteria]", fix="Give one a weight above 0.")
        parts = scale_measures(segments, weights)
        known = list_measures(segments, weights)
        low, high = weigh_parts(parts, weights)
        table[score] = low if known else float("nan")
        table[f"{score}_high"] = high if known else float("nan")
    best_first = (table["attractiveness"].fillna(1.0) * table["fit"].fillna(1.0)).sort_values(
        ascending=False, kind="stable"
    )
    return table.loc[best_first.index].reset_index(drop=True)


def scale_measures(segments: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """Return each weighed measure as a part of the best segment's; missing where it is not known.

    Where the best of all has nothing, every segment has nothing.
    """
    parts = {}
    for name in weights:
        values = segments[name] if name in segments else pd.Series(float("nan"), segments.index)
        known = values.astype(float).clip(lower=0.0)
        largest = known.max()
        parts[name] = known / largest if largest > 0 else known
    return pd.DataFrame(parts, index=segments.index)


def weigh_parts(parts: pd.DataFrame, weights: Mapping[str, float]) -> tuple[pd.Series, pd.Series]:
    """Return what each weighted mean is at least and at most: unknown parts as 0, and as 1."""
    given = pd.Series(weights, dtype=float).reindex(parts.columns)
    total = float(given.sum())
    low = parts.fillna(0.0).mul(given).sum(axis=1) / total
    high = parts.fillna(1.0).mul(given).sum(axis=1) / total
    return low, high


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


def list_unknown(segments: pd.DataFrame, criteria: Criteria) -> list[str]:
    """List the weighed measures that are not known of every segment, in the plan's order.

    >>> known = pd.DataFrame({"value_share": [0.5, None], "reach": [1.0, 0.5]})
    >>> weights = Criteria(attractiveness={"value_share": 1}, fit={"reach": 1, "consent_share": 1})
    >>> list_unknown(known, weights)
    ['value_share', 'consent_share']
    """
    weighed = {**criteria.attractiveness, **criteria.fit}
    return [
        name
        for name, weight in weighed.items()
        if weight > 0 and (name not in segments or segments[name].isna().any())
    ]


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
