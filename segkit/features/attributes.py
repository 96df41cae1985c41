"""What the ``customers`` table says: columns as they stand, and what follows from them.

What follows is worked out in a module a base: demographic, generational, geographic, firmographic.
"""

from __future__ import annotations

import datetime

import ibis
from ibis import ir

from segkit.contract.features import FEATURES
from segkit.features.demographic import describe_age, describe_household
from segkit.features.expressions import days_until, keep_known
from segkit.features.firmographic import describe_business
from segkit.features.generational import describe_generation
from segkit.features.geographic import describe_place
from segkit.features.own_features import list_own

# Where the table gives these, its value wins.
GIVEN_FIRST = ("age_band", "household_type", "climate_zone")


def select_attributes(customers: ir.Table, *, as_of: datetime.date) -> ir.Table:
    """Select what describes customers who signed up until ``as_of``; work out age and the like.

    Returns
    -------
    ibis.Table
        ``customer_id``, the columns that are features as they stand, those of one's own among
        them, and the features that can be worked out: ``age_years`` (year of ``as_of`` minus year
        of birth; null outside 0 to 110), those in bands, and others. Where a band or a zone is
        given, the customer's own wins. Names, addresses and card numbers are never selected.
    """
    customers = keep_known(customers, "signed_up_on", as_of)
    own = list_own(customers.columns)
    given = {name: customers[name] for name in customers.columns if name in (*FEATURES, *own)}
    worked_out = {
        **describe_age(customers, as_of),
        **describe_generation(customers, as_of),
        **describe_household(customers),
        **describe_place(customers),
        **describe_business(customers),
    }
    if "signed_up_on" in customers.columns:
        worked_out["signed_up_days"] = days_until(customers.signed_up_on, as_of)
    if "loyalty_card_id" in customers.columns:
        worked_out["has_loyalty_card"] = customers.loyalty_card_id.notnull()
    for name in GIVEN_FIRST:
        if name in given and name in worked_out:
            worked_out[name] = ibis.coalesce(given[name], worked_out[name])
    return customers.select("customer_id", **{**given, **worked_out})
