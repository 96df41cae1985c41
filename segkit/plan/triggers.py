"""What the plan says of triggers: conditions on a customer that place as they act."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from segkit.plan.bases import Name
from segkit.plan.frozen import Frozen
from segkit.plan.lists import Tag

# Ready-made triggers by their name: the condition, in the language of rules. A number in braces is
# the trigger's ``days``, with the number that it has where the plan says none.
MOMENTS: dict[str, tuple[str, int]] = {
    "first_order": ("order_count = 1 and recency_days <= {days}", 7),
    "second_order_due": (
        "order_count = 1 and recency_days > {days} and journey_stage <> 'lapsed'",
        30,
    ),
    "overdue": ("journey_stage = 'at risk'", 0),
    "cart_left": (
        "days_since_cart <= {days} and (recency_days > days_since_cart or recency_days is null)",
        7,
    ),
    "checkout_left": (
        "last_moment = 'checkout' and days_since_moment <= {days} "
        "and (recency_days > days_since_moment or recency_days is null)",
        7,
    ),
    "ticket_lately": ("days_since_ticket <= {days}", 14),
    "joined": ("signed_up_days <= {days} and (order_count < 1 or order_count is null)", 30),
}


class Trigger(Frozen):
    """A condition that puts a customer on a list when it is met.

    ``when`` is in the language of rules, over the features of a customer; without it ``name`` is
    one of the ready-made `MOMENTS`, of which ``days`` sets the days. ``play`` is the play that it
    belongs to, ``tag`` what the mail tool is told; without them both are the name. Who was on the
    list in the last ``cooldown_days`` is not on it again.
    """

    name: Name
    when: str = ""
    days: Annotated[int, Field(ge=0, le=3650)] | None = None
    play: str = ""
    tag: Tag | None = None
    cooldown_days: Annotated[int, Field(ge=0, le=3650)] = 30

    @model_validator(mode="after")
    def _check_condition(self) -> Trigger:
        if not self.when and self.name not in MOMENTS:
            known = ", ".join(MOMENTS)
            raise ValueError(
                f"'{self.name}' is not ready-made; write when = \"recency_days > 90\", or take one "
                f"of {known}"
            )
        if self.when and self.days is not None:
            raise ValueError("days is for ready-made triggers; write the days into when")
        return self

    @property
    def condition(self) -> str:
        """The condition, that of the ready-made one where the plan writes none.

        Examples
        --------
        >>> Trigger(name="first_order", days=3).condition
        'order_count = 1 and recency_days <= 3'
        """
        if self.when:
            return self.when
        text, days = MOMENTS[self.name]
        return text.format(days=days if self.days is None else self.days)


def _refuse_twice(triggers: tuple[Trigger, ...]) -> tuple[Trigger, ...]:
    """Let each name stand for one trigger."""
    names = [trigger.name for trigger in triggers]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two triggers are called '{name}'")
    return triggers


Triggers = Annotated[tuple[Trigger, ...], AfterValidator(_refuse_twice)]
