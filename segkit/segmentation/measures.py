"""What a column measures, by its name and unit: which transformation fits it hangs on that."""

from __future__ import annotations

from segkit.contract.bases import SAID
from segkit.contract.features import FEATURES
from segkit.features.own_features import describe_feature
from segkit.models.transformations import Measure

_UNITS: dict[str, Measure] = {
    "currency": "amount",
    "currency a year": "amount",
    "ratio": "amount",
    "days": "duration",
    "hours": "duration",
    "months": "duration",
    "years": "duration",
    "share": "share",
    "probability": "share",
    "0 to 1": "share",
    "1 to 5": "answer",
    "-1 to 1": "share",
}
# What the name of a feature of one's own ends in where it lies on both sides of zero.
_DIFFERENCES = ("change", "difference", "growth")


def find_measure(column: str) -> Measure:
    """Return what a column measures, as far as its name tells.

    The unit decides: segkit's own features have one, and one's own tell it with the last word of
    their name. What customers say in a survey's scales are answers. Of anything else nothing is
    known, and its values decide, see `refine_measure`.

    Examples
    --------
    >>> [find_measure(c) for c in ("total_spend", "order_count", "open_share", "wine_spend")]
    ['amount', 'count', 'share', 'amount']
    >>> [find_measure(c) for c in ("tenure_days", "psychographic_price", "x", "spend_change")]
    ['duration', 'answer', 'number', 'difference']
    """
    feature = describe_feature(column)
    if feature.unit in _UNITS:
        return _UNITS[feature.unit]
    if feature.unit and (column in FEATURES or column.endswith("_count")):
        return "count"
    if feature.base in SAID:
        return "answer"
    return "difference" if column.rpartition("_")[2] in _DIFFERENCES else "number"
