"""Times of year: features of the base season."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature
from segkit.contract.requirements import BUYER, SPEND

FEATURES = (
    Feature(
        "fourth_quarter_share",
        base="season",
        unit="share",
        needs=SPEND,
        meaning="Share of sales in October to December",
    ),
    Feature(
        "quarter_1_share",
        base="season",
        unit="share",
        needs=SPEND,
        meaning="Share of sales in January to March, shrunk to all customers' by 4 orders",
    ),
    Feature(
        "quarter_2_share",
        base="season",
        unit="share",
        needs=SPEND,
        meaning="Share of sales in April to June, likewise",
    ),
    Feature(
        "quarter_3_share",
        base="season",
        unit="share",
        needs=SPEND,
        meaning="Share of sales in July to September, likewise",
    ),
    Feature(
        "quarter_4_share",
        base="season",
        unit="share",
        needs=SPEND,
        meaning="Share of sales in October to December, likewise",
    ),
    Feature(
        "peak_month",
        base="season",
        kind="category",
        needs=SPEND,
        meaning="Month of most sales; of the same sales the earlier",
    ),
    Feature(
        "season_concentration",
        base="season",
        unit="0 to 1",
        needs=SPEND,
        meaning="Half the sum of differences between shares by month, shrunk, and all customers'",
    ),
    Feature(
        "buys_only_at_christmas",
        base="season",
        kind="boolean",
        needs=BUYER,
        meaning="All sales from 15 November to 31 December, in two years or more",
    ),
)

SEASON = Base(
    "season", answers="Who buys at a certain time of year", needs=BUYER, features=FEATURES
)
