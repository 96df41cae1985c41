"""The sixteen bases and every feature of the customer table: unit, meaning and what each needs.

A base has a module of its own name with its features; those that surveys tell are in ``survey``.
"""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature
from segkit.contract.features.behavioural import BEHAVIOURAL
from segkit.contract.features.demographic import DEMOGRAPHIC
from segkit.contract.features.engagement import ENGAGEMENT
from segkit.contract.features.firmographic import FIRMOGRAPHIC
from segkit.contract.features.generational import GENERATIONAL
from segkit.contract.features.geographic import GEOGRAPHIC
from segkit.contract.features.journey import JOURNEY
from segkit.contract.features.moment import MOMENT
from segkit.contract.features.purchase_history import PURCHASE_HISTORY
from segkit.contract.features.season import SEASON
from segkit.contract.features.source import SOURCE
from segkit.contract.features.survey import BENEFIT, NEEDS, PSYCHOGRAPHIC
from segkit.contract.features.technographic import TECHNOGRAPHIC
from segkit.contract.features.value import VALUE

# The shares of the largest categories are features too, named after the categories.
CATEGORY_SHARE = "category_share_"

BASES: dict[str, Base] = {
    base.name: base
    for base in (
        DEMOGRAPHIC,
        GEOGRAPHIC,
        PSYCHOGRAPHIC,
        BEHAVIOURAL,
        TECHNOGRAPHIC,
        FIRMOGRAPHIC,
        GENERATIONAL,
        NEEDS,
        BENEFIT,
        VALUE,
        SOURCE,
        PURCHASE_HISTORY,
        SEASON,
        JOURNEY,
        MOMENT,
        ENGAGEMENT,
    )
}
FEATURES: dict[str, Feature] = {
    feature.name: feature for base in BASES.values() for feature in base.features
}
