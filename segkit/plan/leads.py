"""What the plan says of leads: what they may become, and within how many days."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from segkit.plan.frozen import Frozen

FIRST_ORDER = "first_order"
DEAL_WON = "deal_won"
LEAD_KINDS = (DEAL_WON, FIRST_ORDER)


class Leads(Frozen):
    """Who is a lead, what counts as success, and whom the sales people call.

    ``kinds`` says which leads are scored: those with an open deal, whose success is a deal won, and
    people without an order, whose success is a first order. Success counts within ``horizon_days``
    after a day. A model may have one parameter for ``events_per_parameter`` successes, and as many
    failures, that it learns from. The ``ready_share`` of the leads with the highest chance are
    ready for a call. Nobody older than ``most_days`` since they were first known is a lead without
    an order.
    """

    kinds: Annotated[tuple[Literal[LEAD_KINDS], ...], Field(min_length=1)] = LEAD_KINDS
    horizon_days: Annotated[int, Field(ge=7, le=730)] = 90
    events_per_parameter: Annotated[float, Field(ge=5, le=100)] = 10.0
    ready_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    most_days: Annotated[int, Field(ge=30, le=36500)] = 1095

    @field_validator("kinds")
    @classmethod
    def _name_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a kind of lead is named twice")
        return value
