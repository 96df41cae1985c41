"""How recently and how often customers buy and visit: features of the base behavioural."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature
from segkit.contract.requirements import BUYER, CHANNEL, EVENTS

FEATURES = (
    Feature(
        "recency_days",
        base="behavioural",
        unit="days",
        needs=BUYER,
        meaning="Days since the last sale",
    ),
    Feature(
        "order_count", base="behavioural", unit="orders", needs=BUYER, meaning="Orders with a sale"
    ),
    Feature(
        "order_count_last_365_days",
        base="behavioural",
        unit="orders",
        needs=BUYER,
        meaning="Orders in the last 365 days",
    ),
    Feature(
        "order_count_last_90_days",
        base="behavioural",
        unit="orders",
        needs=BUYER,
        meaning="Orders in the last 90 days",
    ),
    Feature(
        "order_count_last_30_days",
        base="behavioural",
        unit="orders",
        needs=BUYER,
        meaning="Orders in the last 30 days",
    ),
    Feature(
        "active_days",
        base="behavioural",
        unit="days",
        needs=BUYER,
        meaning="Days from the first sale to the last",
    ),
    Feature(
        "tenure_days",
        base="behavioural",
        unit="days",
        needs=BUYER,
        meaning="Days since the first sale",
    ),
    Feature(
        "favourite_channel",
        base="behavioural",
        kind="category",
        needs=CHANNEL,
        meaning="Channel of most sales",
    ),
    Feature(
        "cross_channel_share",
        base="behavioural",
        unit="share",
        needs=CHANNEL,
        meaning="Share of sales outside the favourite channel",
    ),
    Feature(
        "visit_count",
        base="behavioural",
        unit="visits",
        needs=EVENTS,
        meaning="Visits to site or app",
    ),
    Feature(
        "view_count", base="behavioural", unit="views", needs=EVENTS, meaning="Products viewed"
    ),
    Feature(
        "cart_count",
        base="behavioural",
        unit="carts",
        needs=EVENTS,
        meaning="Products put in the cart",
    ),
    Feature(
        "wish_count",
        base="behavioural",
        unit="wishes",
        needs=EVENTS,
        meaning="Products put on the wish list",
    ),
)

BEHAVIOURAL = Base(
    "behavioural",
    answers="How recently and how often they buy and visit",
    needs=BUYER,
    features=FEATURES,
)
