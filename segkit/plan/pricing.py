"""What the plan says of prices: groups of products, what counts as a change, survey questions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from segkit.plan.frozen import Frozen

Question = Annotated[str, Field(min_length=1)]
Part = Annotated[float, Field(gt=0, lt=1)]
# The part of those with an answer who are taken to buy, where the plan does not say.
USUAL_INTENT = {"5": 0.7, "4": 0.5, "3": 0.3, "2": 0.1, "1": 0.0}


class PriceQuestions(Frozen):
    """Questions of the survey on the price of one product, as they stand in the data.

    ``too_cheap`` to ``too_expensive`` ask for the four prices of van Westendorp's meter.
    ``intent_cheap`` and ``intent_expensive`` ask how likely somebody is to buy at the price that
    they called cheap, and at the one that they called expensive; ``intent`` has the part of those
    with each answer who are taken to buy.
    """

    product: Annotated[str, Field(min_length=1, max_length=60)]
    too_cheap: Question
    cheap: Question
    expensive: Question
    too_expensive: Question
    intent_cheap: str = ""
    intent_expensive: str = ""
    intent: dict[Question, Annotated[float, Field(ge=0, le=1)]] = USUAL_INTENT

    @property
    def prices(self) -> tuple[str, str, str, str]:
        """The four questions that ask for a price, the lowest first."""
        return self.too_cheap, self.cheap, self.expensive, self.too_expensive

    @property
    def intents(self) -> tuple[str, ...]:
        """The two questions on buying; none where they were not asked."""
        return (self.intent_cheap, self.intent_expensive) if self.intent_cheap else ()

    @model_validator(mode="after")
    def _check_questions(self) -> PriceQuestions:
        if bool(self.intent_cheap) != bool(self.intent_expensive):
            raise ValueError("give intent_cheap and intent_expensive, or neither")
        asked = [*self.prices, *self.intents]
        if len(set(asked)) < len(asked):
            raise ValueError(f"a question on {self.product} is named twice")
        return self


class Pricing(Frozen):
    """How prices are read, and what a survey asked of them.

    Products are grouped by ``group``. Prices are compared by periods of ``period_days``; one that
    holds for ``lasting_days`` is no temporary offer, and it is another price if it differs by
    ``smallest_change``. How sales go with price is told of a group where ``fewest_products`` of its
    products had such a change, of the ``most_products`` that are bought most. ``discounts`` are
    those of which the break-even is shown.
    """

    group: Literal["category", "subcategory", "brand"] = "category"
    period_days: Annotated[int, Field(ge=7, le=91)] = 28
    lasting_days: Annotated[int, Field(ge=14, le=730)] = 56
    smallest_change: Part = 0.05
    fewest_products: Annotated[int, Field(ge=5, le=1000)] = 8
    most_products: Annotated[int, Field(ge=10, le=2000)] = 400
    discounts: Annotated[tuple[Part, ...], Field(min_length=1, max_length=5)] = (0.1, 0.2)
    asked: tuple[PriceQuestions, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Pricing:
        if self.lasting_days < self.period_days:
            raise ValueError("lasting_days is no less than period_days: a price is seen by periods")
        names = [one.product for one in self.asked]
        if len(set(names)) < len(names):
            raise ValueError("the questions on a product are given twice under asked")
        return self

    @property
    def lasting_periods(self) -> int:
        """How many periods in a row a price holds at least that is no temporary offer."""
        return max(2, -(-self.lasting_days // self.period_days))
