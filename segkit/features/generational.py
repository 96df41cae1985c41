"""Which generation and decade of birth customers belong to (base B7)."""

from __future__ import annotations

import datetime

import ibis
from ibis import ir

from segkit.features.demographic import find_age
from segkit.features.expressions import cut

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


def describe_generation(customers: ir.Table, as_of: datetime.date) -> dict[str, ir.Value]:
    """Return ``generation`` and ``birth_decade``, if there is a year of birth."""
    if "birth_year" not in customers.columns:
        return {}
    is_possible = find_age(customers, as_of).notnull()
    born = ibis.ifelse(is_possible, customers.birth_year, ibis.null("int64"))
    decade = (born - born % 10).cast("int64").cast("string")
    return {"generation": cut(born, GENERATIONS), "birth_decade": decade.concat("s")}
