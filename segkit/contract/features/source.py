"""Campaigns, media and sources: features of the base source."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature, all_of, any_of, any_read_by
from segkit.contract.requirements import EVENTS

FEATURES = (
    Feature(
        "source",
        base="source",
        kind="category",
        needs=any_of("customers.source", "events.source"),
        label="source",
        level="from the source {}",
        meaning="UTM source: the customer's own, else the first touch",
    ),
    Feature(
        "medium",
        base="source",
        kind="category",
        needs=any_of("customers.medium", "events.medium"),
        label="medium",
        level="from the medium {}",
        meaning="UTM medium, likewise",
    ),
    Feature(
        "campaign",
        base="source",
        kind="category",
        needs=any_of("customers.campaign", "events.campaign"),
        label="campaign",
        level="from the campaign {}",
        meaning="UTM campaign, likewise",
    ),
    Feature(
        "last_source",
        base="source",
        kind="category",
        needs=EVENTS + all_of("events.source"),
        label="last source",
        level="last from the source {}",
        meaning="UTM source of the last touch",
    ),
    Feature(
        "last_medium",
        base="source",
        kind="category",
        needs=EVENTS + all_of("events.medium"),
        label="last medium",
        level="last from the medium {}",
        meaning="UTM medium, likewise",
    ),
    Feature(
        "last_campaign",
        base="source",
        kind="category",
        needs=EVENTS + all_of("events.campaign"),
        label="last campaign",
        level="last from the campaign {}",
        meaning="UTM campaign, likewise",
    ),
)

SOURCE = Base(
    "source",
    answers="Which campaign, medium and source brought them",
    needs=any_read_by(FEATURES),
    features=FEATURES,
)
