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
        meaning="Last of the plan's key moments, such as cart or form",
    ),
    Feature(
        "days_since_moment",
        base="moment",
        unit="days",
        needs=EVENTS,
        meaning="Days since that moment",
    ),
    Feature(
        "days_since_first_visit",
        base="moment",
        unit="days",
        needs=EVENTS,
        meaning="Days since the first event",
    ),
    Feature(
        "has_left_cart",
        base="moment",
        kind="boolean",
        needs=EVENTS,
        meaning="No checkout came after the last cart",
    ),
    Feature(
        "days_since_cart",
        base="moment",
        unit="days",
        needs=EVENTS,
        meaning="Days since a product was put in the cart",
    ),
)

MOMENT = Base(
    "moment",
    answers="Which key moment came last, and how long ago",
    needs=EVENTS,
    features=FEATURES,
)
