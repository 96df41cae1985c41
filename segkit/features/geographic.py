"""Where customers are: climate zone and sales territory (base B2).

City, region, country and the like are taken as the customers' table has them.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
from ibis import ir

from segkit.features.expressions import cut

# The tropics and the polar circles.
CLIMATE_ZONES = {23.4: "tropical", 66.6: "temperate", 90: "polar"}


def describe_place(customers: ir.Table) -> dict[str, ir.Value]:
    """Return ``climate_zone``, if there is a latitude."""
    if "latitude" not in customers.columns:
        return {}
    return {"climate_zone": cut(customers.latitude.abs(), CLIMATE_ZONES)}


def name_territories(customers: ir.Table, territories: Mapping[str, str]) -> ir.Table:
    """Add ``territory``: that of the city, else of the region, else of the country."""
    places = [customers[n] for n in ("city", "region", "country") if n in customers.columns]
    if not places or not territories:
        return customers
    found = [place.cases(*territories.items()) for place in places]
    return customers.mutate(territory=ibis.coalesce(*found))
