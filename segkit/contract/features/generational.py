"""Generations: features of the base generational."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature
from segkit.contract.requirements import BIRTH_YEAR

FEATURES = (
    Feature(
        "generation",
        base="generational",
        kind="category",
        needs=BIRTH_YEAR,
        label="generation",
        level="of the generation {}",
        meaning="Generation by year of birth, its years stated",
    ),
    Feature(
        "birth_decade",
        base="generational",
        kind="category",
        needs=BIRTH_YEAR,
        label="decade of birth",
        level="born in the {}",
        meaning="Decade of birth",
    ),
)

GENERATIONAL = Base(
    "generational", answers="Which generations buy", needs=BIRTH_YEAR, features=FEATURES
)
