"""The bases that surveys tell: what customers value, need and look for.

The plan's scales and choices make their features.
"""

from __future__ import annotations

from segkit.contract.definitions import Base, any_of
from segkit.contract.requirements import SAID

PSYCHOGRAPHIC = Base(
    "psychographic",
    answers="What they value and how they live, from a survey",
    needs=SAID + any_of("plan.scales of psychographic", "plan.choices of psychographic"),
)

NEEDS = Base(
    "needs",
    answers="What they need the product for, from a survey or quiz",
    needs=SAID + any_of("plan.scales of needs", "plan.choices of needs"),
)

BENEFIT = Base(
    "benefit",
    answers="Which benefit matters to them, from a survey or quiz",
    needs=SAID + any_of("plan.scales of benefit", "plan.choices of benefit"),
)
