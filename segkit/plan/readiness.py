"""What only the people who know the business can say of its readiness: asked, and not scored."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from segkit.core.errors import suggest_name
from segkit.plan.frozen import Frozen

# By name: the step that the question belongs to, and the question.
QUESTIONS = {
    "leadership": ("Plan", "Who in the leadership stands behind the segmentation?"),
    "sales": ("Plan", "Are sales and service involved, or marketing alone?"),
    "decision": ("Plan", "Which decision will be taken otherwise for different segments?"),
    "market_talks": ("Market review", "Who talks with people who buy elsewhere?"),
    "permission": ("Base analysis", "Who has looked whether the data may be used for this?"),
    "acting_budget": ("Analysis and action", "Is there a budget for acting on the segments?"),
    "keeper": ("Analysis and action", "Who looks after the segments once the project is over?"),
}


class ReadinessAnswers(Frozen):
    """The analyst's answers to `QUESTIONS`, by name; they are shown as said, and never scored."""

    answers: dict[str, Annotated[str, Field(min_length=1)]] = Field({})

    @field_validator("answers")
    @classmethod
    def _know_questions(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name not in QUESTIONS:
                raise ValueError(f"there is no question '{name}'. {suggest_name(name, QUESTIONS)}")
        return value
