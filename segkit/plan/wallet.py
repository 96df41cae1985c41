"""The share of wallet that customers state in a survey: which questions ask for it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from segkit.plan.frozen import Frozen

Question = Annotated[str, Field(min_length=1)]


class Wallet(Frozen):
    """Questions of the survey that ask where customers spend.

    ``question`` asks what is spent with us, ``competitor_questions`` what is spent with each
    competitor, by its name. With ``unit = "percent"`` or ``"share"`` the answers are parts of all
    that is spent on such goods; with ``"money"`` they are amounts, and all of them together are the
    wallet.
    """

    question: Question = ""
    competitor_questions: dict[Annotated[str, Field(min_length=1, max_length=60)], Question] = (
        Field({})
    )
    unit: Literal["percent", "share", "money"] = "percent"

    @model_validator(mode="after")
    def _name_questions(self) -> Wallet:
        asked = [self.question, *self.competitor_questions.values()]
        if self.competitor_questions and not self.question:
            raise ValueError("name the question about us as well: question = ...")
        if self.unit == "money" and self.question and not self.competitor_questions:
            raise ValueError("amounts need competitor_questions: without them there is no wallet")
        if len(set(asked)) < len(asked):
            raise ValueError("a question is named twice")
        if "us" in self.competitor_questions:
            raise ValueError('"us" is our own share; give the competitor its name')
        return self
