"""Spend, profit and lifetime value: features of the base value."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature
from segkit.contract.requirements import PROFIT, SPEND

FEATURES = (
    Feature(
        "total_spend", base="value", unit="currency", needs=SPEND, meaning="Spend, net of returns"
    ),
    Feature(
        "spend_last_365_days",
        base="value",
        unit="currency",
        needs=SPEND,
        meaning="Spend in the last 365 days, net of returns",
    ),
    Feature(
        "spend_last_90_days",
        base="value",
        unit="currency",
        needs=SPEND,
        meaning="Spend in the last 90 days, net of returns",
    ),
    Feature(
        "spend_last_30_days",
        base="value",
        unit="currency",
        needs=SPEND,
        meaning="Spend in the last 30 days, net of returns",
    ),
    Feature(
        "spend_trend",
        base="value",
        unit="-1 to 1",
        needs=SPEND,
        meaning="Sales of the last 180 days less those of the 180 before, over their sum",
    ),
    Feature(
        "mean_order_value",
        base="value",
        unit="currency",
        needs=SPEND,
        meaning="Gross sales divided by orders",
    ),
    Feature(
        "total_profit",
        base="value",
        unit="currency",
        needs=PROFIT,
        meaning="Spend less cost, over lines whose cost is known",
    ),
    Feature(
        "expected_order_count",
        base="value",
        unit="expected orders",
        needs=SPEND,
        meaning="Days with a sale expected in the next 365 days, by the model that foresaw best",
    ),
    Feature(
        "active_probability",
        base="value",
        unit="probability",
        needs=SPEND,
        meaning="Probability of buying still, by the same model",
    ),
    Feature(
        "lifetime_value",
        base="value",
        unit="currency",
        needs=SPEND,
        meaning="Gross sales expected in the next 365 days, discounted by 10 % a year",
    ),
)

VALUE = Base("value", answers="Who brings the spend and the profit", needs=SPEND, features=FEATURES)
