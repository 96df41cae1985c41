"""Business customers: features of the base firmographic."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature, all_of
from segkit.contract.requirements import BUSINESS, FIRM

FEATURES = (
    Feature(
        "customer_type",
        base="firmographic",
        kind="category",
        needs=all_of("customers.customer_type"),
        label="customer type",
        level="of customer type {}",
        meaning="A person or a business",
    ),
    Feature(
        "industry",
        base="firmographic",
        kind="category",
        needs=all_of("customers.industry"),
        label="industry",
        level="in the industry {}",
        meaning="Industry",
    ),
    Feature(
        "employee_count",
        base="firmographic",
        unit="people",
        needs=all_of("customers.employee_count"),
        label="employees",
        more="more employees",
        less="fewer employees",
        none="no employees",
        meaning="Employees",
    ),
    Feature(
        "employee_band",
        base="firmographic",
        kind="category",
        needs=all_of("customers.employee_count"),
        label="size of business",
        level="with size of business {}",
        meaning="Micro, small (from 10 employees), medium (50), large (250)",
    ),
    Feature(
        "annual_revenue",
        base="firmographic",
        unit="currency a year",
        needs=all_of("customers.annual_revenue"),
        label="yearly revenue",
        more="higher revenue",
        less="lower revenue",
        none="no revenue",
        meaning="Yearly revenue",
    ),
    Feature(
        "revenue_band",
        base="firmographic",
        kind="category",
        needs=all_of("customers.annual_revenue"),
        label="band of yearly revenue",
        level="with a yearly revenue of {}",
        meaning="Yearly revenue up to 2, 10 or 50 million, or more",
    ),
    Feature(
        "business_place",
        base="firmographic",
        kind="category",
        needs=FIRM,
        label="place of business",
        level="with place of business {}",
        meaning="Region, else country, of a business",
    ),
)

FIRMOGRAPHIC = Base(
    "firmographic",
    answers="Which businesses buy, of which industry and size",
    needs=BUSINESS,
    features=FEATURES,
)
