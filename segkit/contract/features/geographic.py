"""Where the customers live: features of the base geographic."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature, all_of, any_read_by
from segkit.contract.requirements import CLIMATE, HOME_COUNTRY, PLACE

FEATURES = (
    Feature(
        "country",
        base="geographic",
        kind="category",
        needs=HOME_COUNTRY,
        label="country",
        level="in the country {}",
        meaning="Country: the customer's own, else that of most sales",
    ),
    Feature(
        "region",
        base="geographic",
        kind="category",
        needs=all_of("customers.region"),
        label="region",
        level="in the region {}",
        meaning="Region or territory",
    ),
    Feature(
        "city",
        base="geographic",
        kind="category",
        needs=all_of("customers.city"),
        label="city",
        level="in the city {}",
        meaning="City",
    ),
    Feature(
        "territory",
        base="geographic",
        kind="category",
        needs=PLACE + all_of("plan.territories"),
        label="territory",
        level="in the territory {}",
        meaning="The plan's territory of the city, else region, else country",
    ),
    Feature(
        "density",
        base="geographic",
        kind="category",
        needs=all_of("customers.density"),
        label="kind of place",
        level="in {} places",
        meaning="Urban, suburban or rural",
    ),
    Feature(
        "climate_zone",
        base="geographic",
        kind="category",
        needs=CLIMATE,
        label="climate zone",
        level="in the {} climate zone",
        meaning=(
            "The customer's own, else by latitude: tropical (to 23.4 degrees), "
            "temperate (to 66.6), polar"
        ),
    ),
    Feature(
        "language",
        base="geographic",
        kind="category",
        needs=all_of("customers.language"),
        label="language",
        level="with language {}",
        meaning="Preferred language",
    ),
)

GEOGRAPHIC = Base(
    "geographic",
    answers="Where they live, and which territories bring the spend",
    needs=any_read_by(FEATURES),
    features=FEATURES,
)
