"""Who customers are: demographic, geographic, technographic, firmographic, generational, source.

Bases B1, B2, B5, B6, B7 and B11, from the ``customers`` table.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping

import ibis
from ibis import ir

from segkit.contract.features import FEATURES
from segkit.features.expressions import add_columns, cut, days_until, keep_known
from segkit.features.favourites import find_favourite
from segkit.features.own_features import list_own

SUMMED = ("count", "spend", "value", "profit")  # how sums of one's own are called

OLDEST_AGE = 110
# Last age of each band.
AGE_BANDS = {17: "under 18", 24: "18-24"}
AGE_BANDS |= {last: f"{last - 9}-{last}" for last in (34, 44, 54, 64, 74)}
AGE_BANDS |= {OLDEST_AGE: "75 and over"}
# Last birth year of each generation, after Dimock (2019), Pew Research Center.
GENERATIONS = {
    1927: "born before 1928",
    1945: "Silent (1928-1945)",
    1964: "Boomer (1946-1964)",
    1980: "X (1965-1980)",
    1996: "Millennial (1981-1996)",
    2012: "Z (1997-2012)",
    9999: "Alpha (2013 and later)",
}
# Sizes of a business, after the European Commission's Recommendation 2003/361/EC.
EMPLOYEE_BANDS = {9: "micro (0-9)", 49: "small (10-49)", 249: "medium (50-249)"}
EMPLOYEE_BANDS |= {math.inf: "large (250 and over)"}
REVENUE_BANDS = {2e6: "up to 2 million", 10e6: "over 2 to 10 million"}
REVENUE_BANDS |= {50e6: "over 10 to 50 million", math.inf: "over 50 million"}
# The tropics and the polar circles.
CLIMATE_ZONES = {23.4: "tropical", 66.6: "temperate", 90: "polar"}


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
    there = set(customers.columns)
    own = list_own(customers.columns)
    chosen = {name: customers[name] for name in customers.columns if name in (*FEATURES, *own)}

    def add(name: str, value: ir.Value) -> None:
        chosen[name] = ibis.coalesce(chosen[name], value) if name in chosen else value

    if "signed_up_on" in there:
        chosen["signed_up_days"] = days_until(customers.signed_up_on, as_of)
    if "birth_year" in there:
        born, age = customers.birth_year, as_of.year - customers.birth_year
        known = age.between(0, OLDEST_AGE)
        chosen["age_years"] = ibis.ifelse(known, age, ibis.null("int64"))
        add("age_band", cut(chosen["age_years"], AGE_BANDS))
        born = ibis.ifelse(known, born, ibis.null("int64"))
        chosen["generation"] = cut(born, GENERATIONS)
        decade = (born - born % 10).cast("int64").cast("string")
        chosen["birth_decade"] = decade.concat("s")
    children = customers.child_count > 0 if "child_count" in there else ibis.literal(False)
    if "household_size" in there:
        size = customers.household_size
        bands = [(children, "with children"), (size <= 1, "one person"), (size <= 2, "two adults")]
        add("household_type", ibis.cases(*bands, (size > 2, "three adults or more")))
    if "latitude" in there:
        add("climate_zone", cut(customers.latitude.abs(), CLIMATE_ZONES))
    if "employee_count" in there:
        chosen["employee_band"] = cut(customers.employee_count, EMPLOYEE_BANDS)
    if "annual_revenue" in there:
        chosen["revenue_band"] = cut(customers.annual_revenue, REVENUE_BANDS)
    places = [customers[name] for name in ("region", "country") if name in there]
    if places and "customer_type" in there:
        business = customers.customer_type == "business"
        place = ibis.coalesce(*places)
        chosen["business_place"] = ibis.ifelse(business, place, ibis.null("string"))
    if "loyalty_card_id" in there:
        chosen["has_loyalty_card"] = customers.loyalty_card_id.notnull()
    return customers.select("customer_id", **chosen)


def name_territories(customers: ir.Table, territories: Mapping[str, str]) -> ir.Table:
    """Add ``territory``: that of the city, else of the region, else of the country."""
    places = [customers[n] for n in ("city", "region", "country") if n in customers.columns]
    if not places or not territories:
        return customers
    found = [place.cases(*territories.items()) for place in places]
    return customers.mutate(territory=ibis.coalesce(*found))


def roll_up_accounts(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> dict:
    """Make one customer of all contacts with the same ``account_id``, in every table.

    A contact without an account stays a customer. Of an account's attributes the most frequent
    value counts, ties by alphabet or the smallest; the day of the first sign-up; true if any is
    true; and of features of one's own that are counts or money the sum.
    """
    contacts = keep_known(tables["customers"], "signed_up_on", as_of)
    account = ibis.coalesce(contacts.account_id, contacts.customer_id)
    whose = contacts.select("customer_id", account_=account)
    contacts = contacts.mutate(customer_id=account)
    summed, own = {}, list_own(contacts.columns)
    for name, kind in contacts.schema().items():
        if kind.is_boolean():
            summed[name] = contacts[name].fill_null(False).any()
        elif name in own and kind.is_numeric() and name.split("_")[-1] in SUMMED:
            summed[name] = contacts[name].sum()
        elif kind.is_temporal():
            summed[name] = contacts[name].min()
    rolled = contacts.group_by("customer_id").aggregate(**summed)
    for name in contacts.columns:
        if name not in (*summed, "customer_id"):
            used = find_favourite(contacts, name, ibis.literal(1.0), name=name)
            rolled = add_columns(rolled, used.select("customer_id", name))
    found = {**tables, "customers": rolled}
    for name, table in tables.items():
        if name != "customers" and "customer_id" in table.columns:
            joined = table.left_join(whose, "customer_id").drop("customer_id_right")
            of_account = ibis.coalesce(joined.account_, joined.customer_id)
            found[name] = joined.mutate(customer_id=of_account).drop("account_")
    return found
