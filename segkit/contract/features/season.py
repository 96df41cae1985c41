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
        label="share of sales in October to December",
        more="more bought in October to December",
        less="less bought in October to December",
        none="nothing bought in October to December",
        high="year-end buyers",
        low="rest-of-year buyers",
        meaning="Share of sales in October to December",
    ),
    Feature(
        "quarter_1_share",
        base="season",
        unit="share",
        needs=SPEND,
        label="share of sales in January to March, shrunk",
        more="more bought in January to March",
        less="less bought in January to March",
        none="nothing bought in January to March",
        level="with {} of sales in January to March",
        meaning="Share of sales in January to March, shrunk to all customers' by 4 orders",
    ),
    Feature(
        "quarter_2_share",
        base="season",
        unit="share",
        needs=SPEND,
        label="share of sales in April to June, shrunk",
        more="more bought in April to June",
        less="less bought in April to June",
        none="nothing bought in April to June",
        level="with {} of sales in April to June",
        meaning="Share of sales in April to June, likewise",
    ),
    Feature(
        "quarter_3_share",
        base="season",
        unit="share",
        needs=SPEND,
        label="share of sales in July to September, shrunk",
        more="more bought in July to September",
        less="less bought in July to September",
        none="nothing bought in July to September",
        level="with {} of sales in July to September",
        meaning="Share of sales in July to September, likewise",
    ),
    Feature(
        "quarter_4_share",
        base="season",
        unit="share",
        needs=SPEND,
        label="share of sales in October to December, shrunk",
        more="more bought in October to December",
        less="less bought in October to December",
        none="nothing bought in October to December",
        level="with {} of sales in October to December",
        meaning="Share of sales in October to December, likewise",
    ),
    Feature(
        "peak_month",
        base="season",
        kind="category",
        needs=SPEND,
        label="month of most sales",
        level="who buy most in {}",
        meaning="Month of most sales; of the same sales the earlier",
    ),
    Feature(
        "season_concentration",
        base="season",
        unit="0 to 1",
        needs=SPEND,
        label="concentration on some months (0 to 1)",
        more="purchases more concentrated on some months",
        less="purchases less concentrated on some months",
        level="with a concentration on some months of {}",
        meaning="Half the sum of differences between shares by month, shrunk, and all customers'",
    ),
    Feature(
        "buys_only_at_christmas",
        base="season",
        kind="boolean",
        needs=BUYER,
        label="buying only at Christmas",
        yes="who buy only at Christmas",
        no="who do not buy only at Christmas",
        meaning="All sales from 15 November to 31 December, in two years or more",
    ),
)

SEASON = Base(
    "season", answers="Who buys at a certain time of year", needs=BUYER, features=FEATURES
)
