"""Prospect, new, active, at risk, lapsed: features of the base journey."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature, all_of, any_read_by
from segkit.contract.requirements import BUYER, EVENTS

FEATURES = (
    Feature(
        "journey_stage",
        base="journey",
        kind="category",
        needs=BUYER,
        label="stage of the journey",
        level="whose stage is {}",
        meaning=(
            "Lapsed or at risk by the overdue ratio (cut points learned; else over "
            "365 or 180 days), new (first sale within 90), one order, loyal (5 "
            "orders), active"
        ),
    ),
    Feature(
        "overdue_ratio",
        base="journey",
        unit="ratio",
        needs=BUYER,
        label="overdue ratio",
        more="further overdue for an order",
        less="less overdue for an order",
        level="with an overdue ratio of {}",
        meaning="Days since the last sale over the expected gap",
    ),
    Feature(
        "furthest_step",
        base="journey",
        kind="category",
        needs=EVENTS,
        label="furthest step on site or app",
        level="whose furthest step is {}",
        meaning=(
            "Furthest step on site or app: visit, view, lead (wish, form, sign-up), cart, checkout"
        ),
    ),
    Feature(
        "signed_up_days",
        base="journey",
        unit="days",
        needs=all_of("customers.signed_up_on"),
        label="days since signing up",
        more="longer since signing up",
        less="signed up more recently",
        high="old accounts",
        low="new accounts",
        meaning="Days since signing up",
    ),
    Feature(
        "first_order_on",
        base="journey",
        kind="date",
        needs=BUYER,
        label="day of the first order",
        meaning="Day of the first sale",
    ),
    Feature(
        "last_order_on",
        base="journey",
        kind="date",
        needs=BUYER,
        label="day of the last order",
        meaning="Day of the last sale",
    ),
)

JOURNEY = Base(
    "journey",
    answers="Who is a prospect, new, active, at risk or lapsed",
    needs=any_read_by(FEATURES),
    features=FEATURES,
)
