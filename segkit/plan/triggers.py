"""What the plan says of triggers: conditions on a customer that place as they act."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field, model_validator

from segkit.plan.bases import Name
from segkit.plan.frozen import Frozen
from segkit.plan.lists import Tag


class Moment(NamedTuple):
    """A ready-made trigger: its condition, with ``{days}``, these days, and both in words."""

    condition: str
    days: int
    words: str


# Ready-made triggers by their name.
MOMENTS: dict[str, Moment] = {
    "first_order": Moment(
        "order_count = 1 and recency_days <= {days}",
        7,
        "the first order was placed in the last {days} days",
    ),
    "second_order_due": Moment(
        "order_count = 1 and recency_days > {days} and journey_stage <> 'lapsed'",
        30,
        "there is one order, more than {days} days ago, and the customer is not lapsed",
    ),
    "overdue": Moment("journey_stage = 'at risk'", 0, "the customer is at risk of lapsing"),
    "cart_left": Moment(
        "days_since_cart <= {days} and (recency_days > days_since_cart or recency_days is null)",
        7,
        "a cart was filled in the last {days} days, and no order followed",
    ),
    "checkout_left": Moment(
        "last_moment = 'checkout' and days_since_moment <= {days} "
        "and (recency_days > days_since_moment or recency_days is null)",
        7,
        "the checkout was the last moment, in the last {days} days, and no order followed",
    ),
    "ticket_lately": Moment(
        "days_since_ticket <= {days}", 14, "a ticket was opened in the last {days} days"
    ),
    "joined": Moment(
        "signed_up_days <= {days} and (order_count < 1 or order_count is null)",
        30,
        "the customer signed up in the last {days} days, and has not ordered",
    ),
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
        return self._put_days(MOMENTS[self.name].condition)

    @property
    def words(self) -> str:
        """When it places a customer, in words; the plan's own condition as it is written.

        Examples
        --------
        >>> Trigger(name="first_order", days=3).words
        'the first order was placed in the last 3 days'
        """
        if self.when:
            return " ".join(self.when.split())
        return self._put_days(MOMENTS[self.name].words)

    def _put_days(self, text: str) -> str:
        days = MOMENTS[self.name].days if self.days is None else self.days
        return text.format(days=days)


def _refuse_twice(triggers: tuple[Trigger, ...]) -> tuple[Trigger, ...]:
    """Let each name stand for one trigger."""
    names = [trigger.name for trigger in triggers]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two triggers are called '{name}'")
    return triggers


Triggers = Annotated[tuple[Trigger, ...], AfterValidator(_refuse_twice)]
