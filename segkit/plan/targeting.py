"""What the plan says of whom to aim at: weights, what a contact costs, and the messages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from segkit.plan.frozen import Frozen

# What decides, with its weight; the first two are scores of their own, see `Criteria`.
DECIDING = {"attractiveness": 3.0, "fit": 2.0, "channel": 1.0, "test": 1.0, "pay": 1.0}
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Targeting(Frozen):
    """Weights of the matrix that decides, the cost of a contact, and the library of messages.

    ``contact_cost`` is what one message or call to one customer costs, in the plan's currency.
    ``messages`` is a library of one's own, a TOML file seen from the plan's folder, in place of
    segkit's; at most ``most_messages`` of it are proposed for a segment.
    """

    weights: dict[Literal[tuple(DECIDING)], Weight] = DECIDING
    contact_cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    messages: str = ""
    most_messages: Annotated[int, Field(ge=1, le=10)] = 3

    @field_validator("weights")
    @classmethod
    def _check_weights(cls, weights: dict[str, float]) -> dict[str, float]:
        if not sum(weights.values()) > 0:
            raise ValueError("the weights add up to nothing; give one a weight above 0")
        return weights
