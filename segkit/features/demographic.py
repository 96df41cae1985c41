"""How old customers are and with whom they live (base B1)."""

from __future__ import annotations

import datetime

import ibis
from ibis import ir

from segkit.features.expressions import cut

OLDEST_AGE = 110
# Last age of each band.
AGE_BANDS = {
    17: "under 18",
    24: "18-24",
    34: "25-34",
    44: "35-44",
    54: "45-54",
    64: "55-64",
    74: "65-74",
    OLDEST_AGE: "75 and over",
}


def find_age(customers: ir.Table, as_of: datetime.date) -> ir.IntegerValue:
    """Return the year of ``as_of`` minus the year of birth; null outside 0 to 110."""
    age = as_of.year - customers.birth_year
    return ibis.ifelse(age.between(0, OLDEST_AGE), age, ibis.null("int64"))


def describe_age(customers: ir.Table, as_of: datetime.date) -> dict[str, ir.Value]:
    """Return ``age_years`` and ``age_band``, if there is a year of birth."""
    if "birth_year" not in customers.columns:
        return {}
    age = find_age(customers, as_of)
    return {"age_years": age, "age_band": cut(age, AGE_BANDS)}


def describe_household(customers: ir.Table) -> dict[str, ir.Value]:
    """Return ``household_type``, if there is a size of the household."""
    if "household_size" not in customers.columns:
        return {}
    has_children = ibis.literal(False)
    if "child_count" in customers.columns:
        has_children = customers.child_count > 0
    size = customers.household_size
    household = ibis.cases(
        (has_children, "with children"),
        (size <= 1, "one person"),
        (size <= 2, "two adults"),
        (size > 2, "three adults or more"),
    )
    return {"household_type": household}
