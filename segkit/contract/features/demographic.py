"""Who the customers are: features of the base demographic."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature, all_of, any_read_by
from segkit.contract.requirements import AGE, BIRTH_YEAR, HOUSEHOLD

FEATURES = (
    Feature(
        "age_years", base="demographic", unit="years", needs=BIRTH_YEAR, meaning="Age at as_of"
    ),
    Feature("age_band", base="demographic", kind="category", needs=AGE, meaning="Age group"),
    Feature(
        "gender",
        base="demographic",
        kind="category",
        needs=all_of("customers.gender"),
        meaning="Gender as stated",
    ),
    Feature(
        "education",
        base="demographic",
        kind="category",
        needs=all_of("customers.education"),
        meaning="Highest education",
    ),
    Feature(
        "occupation",
        base="demographic",
        kind="category",
        needs=all_of("customers.occupation"),
        meaning="Occupation",
    ),
    Feature(
        "marital_status",
        base="demographic",
        kind="category",
        needs=all_of("customers.marital_status"),
        meaning="Marital status",
    ),
    Feature(
        "household_size",
        base="demographic",
        unit="people",
        needs=all_of("customers.household_size"),
        meaning="People in the household",
    ),
    Feature(
        "child_count",
        base="demographic",
        unit="children",
        needs=all_of("customers.child_count"),
        meaning="Children at home",
    ),
    Feature(
        "household_type",
        base="demographic",
        kind="category",
        needs=HOUSEHOLD,
        meaning=(
            "The customer's own, else with children, one person, two adults, three adults or more"
        ),
    ),
    Feature(
        "has_pets",
        base="demographic",
        kind="boolean",
        needs=all_of("customers.has_pets"),
        meaning="Keeps pets",
    ),
    Feature(
        "income",
        base="demographic",
        unit="currency a year",
        needs=all_of("customers.income"),
        meaning="Yearly income",
    ),
    Feature(
        "income_band",
        base="demographic",
        kind="category",
        needs=all_of("customers.income_band"),
        meaning="Income group",
    ),
)

DEMOGRAPHIC = Base(
    "demographic",
    answers="Who the customers are: age, gender, family, education, income",
    needs=any_read_by(FEATURES),
    features=FEATURES,
)
