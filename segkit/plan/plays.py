"""What the plan says of plays: their order, their horizon, and what rewards cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from segkit.plan.frozen import Frozen

PLAYS = (
    "call_leads",
    "win_back",
    "invite_again",
    "offer_from_purchases",
    "reward_loyal",
    "offer_by_industry",
    "cross_sell",
)
# Kinds of events that are taken for attendance where the plan names none.
ATTENDED = (
    "attended",
    "conference",
    "demo",
    "event_attended",
    "fair",
    "meetup",
    "seminar",
    "trade_fair",
    "webinar",
    "workshop",
)
Part = Annotated[float, Field(gt=0, lt=1)]


class Plays(Frozen):
    """How the lists of plays are made.

    A customer in several plays counts in the first of ``order`` only; a play that is not named
    there is not made. What the members of a play bring is looked at for ``horizon_days``.
    Events of the kinds
    ``attended`` are attendance; an invitation goes to whoever attended within ``attended_days``.
    Customers are overdue who have waited longer than ``overdue_share`` of gaps like theirs.
    The loyal are the ``loyal_share`` who spent most in a year, with three purchases or more;
    ``reward_cost`` is what a reward costs for one of them, and may be at most ``most_reward_share``
    of what the customer is expected to bring in a year.
    """

    order: tuple[Literal[PLAYS], ...] = PLAYS
    horizon_days: Annotated[int, Field(ge=7, le=730)] = 90
    attended: tuple[Annotated[str, Field(min_length=1)], ...] = ATTENDED
    attended_days: Annotated[int, Field(ge=1, le=3650)] = 365
    overdue_share: Annotated[float, Field(ge=0.5, le=0.99)] = 0.90
    loyal_share: Part = 0.10
    reward_cost: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    most_reward_share: Part = 0.20

    @field_validator("order")
    @classmethod
    def _name_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a play stands twice in the order")
        return value
