"""Key moments, such as a cart that was left: features of the base moment."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature
from segkit.contract.requirements import EVENTS

FEATURES = (
    Feature(
        "last_moment",
        base="moment",
        kind="category",
        needs=EVENTS,
        label="last key moment",
        level="whose last key moment is {}",
        meaning="Last of the plan's key moments, such as cart or form",
    ),
    Feature(
        "days_since_moment",
        base="moment",
        unit="days",
        needs=EVENTS,
        label="days since the last key moment",
        more="longer since the last key moment",
        less="a more recent key moment",
        high="stale moment",
        low="fresh moment",
        meaning="Days since that moment",
    ),
    Feature(
        "days_since_first_visit",
        base="moment",
        unit="days",
        needs=EVENTS,
        label="days since the first visit",
        more="longer since the first visit",
        less="a more recent first visit",
        meaning="Days since the first event",
    ),
    Feature(
        "has_left_cart",
        base="moment",
        kind="boolean",
        needs=EVENTS,
        label="leaving a cart",
        yes="who left a cart",
        no="who left no cart",
        meaning="No checkout came after the last cart",
    ),
    Feature(
        "days_since_cart",
        base="moment",
        unit="days",
        needs=EVENTS,
        label="days since a product was put in the cart",
        more="longer since a product was put in the cart",
        less="a product put in the cart more recently",
        high="stale cart",
        low="fresh cart",
        meaning="Days since a product was put in the cart",
    ),
)

MOMENT = Base(
    "moment",
    answers="Which key moment came last, and how long ago",
    needs=EVENTS,
    features=FEATURES,
)
