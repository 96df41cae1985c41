"""Who customers are: demographic, geographic, technographic, firmographic, generational, source.

Bases B1, B2, B5, B6, B7 and B11, from the ``customers`` table.
"""

from __future__ import annotations

import datetime

import ibis
from ibis import ir

from segkit.features.dictionary import FEATURES
from segkit.features.expressions import days_until
from segkit.features.own import list_own

OLDEST_AGE = 110
# Last age of each band.
AGE_BANDS = {17: "under 18", 24: "18-24"}
AGE_BANDS |= {last: f"{last - 9}-{last}" for last in (34, 44, 54, 64, 74)}
AGE_BANDS |= {OLDEST_AGE: "75 and over"}
# Last birth year of each generation, after Dimock (2019), Pew Research Center.
GENERATIONS = (
    (1927, "born before 1928"),
    (1945, "Silent (1928-1945)"),
    (1964, "Boomer (1946-1964)"),
    (1980, "X (1965-1980)"),
    (1996, "Millennial (1981-1996)"),
    (2012, "Z (1997-2012)"),
    (9999, "Alpha (2013 and later)"),
)


def select_attributes(customers: ir.Table, *, as_of: datetime.date) -> ir.Table:
    """Select what describes customers who signed up until ``as_of``; work out age and the like.

    Returns
    -------
    ibis.Table
        ``customer_id``, the columns that are features as they stand, those of one's own among
        them, and where they can be worked out ``age_years`` (year of ``as_of`` minus year of
        birth; null outside 0 to 110), ``age_band`` (the customer's own, else from the age),
        ``generation``, ``signed_up_days`` and ``has_loyalty_card``. Names, addresses and card
        numbers are never selected.
    """
    if "signed_up_on" in customers.columns:
        customers = customers.filter(~(customers.signed_up_on > ibis.date(as_of)).fill_null(False))
    own = list_own(customers.columns)
    chosen = {name: customers[name] for name in customers.columns if name in (*FEATURES, *own)}
    if "signed_up_on" in customers.columns:
        chosen["signed_up_days"] = days_until(customers.signed_up_on, as_of)
    if "birth_year" in customers.columns:
        born, age = customers.birth_year, as_of.year - customers.birth_year
        known = age.between(0, OLDEST_AGE)
        chosen["age_years"] = ibis.ifelse(known, age, ibis.null("int64"))
        bands = [(known & (age <= last), label) for last, label in AGE_BANDS.items()]
        stated = chosen.get("age_band", ibis.null("string"))
        chosen["age_band"] = ibis.coalesce(stated, ibis.cases(*bands))
        generations = [(known & (born <= last), label) for last, label in GENERATIONS]
        chosen["generation"] = ibis.cases(*generations)
    if "loyalty_card_id" in customers.columns:
        chosen["has_loyalty_card"] = customers.loyalty_card_id.notnull()
    return customers.select("customer_id", **chosen)
