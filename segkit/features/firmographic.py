"""What businesses are: their size and place (base B6). See `segkit.features.accounts` as well."""

from __future__ import annotations

import math

import ibis
from ibis import ir

from segkit.features.expressions import cut

# Sizes of a business, after the European Commission's Recommendation 2003/361/EC.
EMPLOYEE_BANDS = {
    9: "micro (0-9)",
    49: "small (10-49)",
    249: "medium (50-249)",
    math.inf: "large (250 and over)",
}
REVENUE_BANDS = {
    2e6: "up to 2 million",
    10e6: "over 2 to 10 million",
    50e6: "over 10 to 50 million",
    math.inf: "over 50 million",
}


def describe_business(customers: ir.Table) -> dict[str, ir.Value]:
    """Return those of ``employee_band``, ``revenue_band`` and ``business_place`` that are known."""
    found = {}
    if "employee_count" in customers.columns:
        found["employee_band"] = cut(customers.employee_count, EMPLOYEE_BANDS)
    if "annual_revenue" in customers.columns:
        found["revenue_band"] = cut(customers.annual_revenue, REVENUE_BANDS)
    places = [customers[name] for name in ("region", "country") if name in customers.columns]
    if places and "customer_type" in customers.columns:
        is_business = customers.customer_type == "business"
        place = ibis.coalesce(*places)
        found["business_place"] = ibis.ifelse(is_business, place, ibis.null("string"))
    return found
