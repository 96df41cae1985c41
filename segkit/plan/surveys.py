"""What a plan says of surveys and of customers' own words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from segkit.plan.bases import Name
from segkit.plan.frozen import Frozen

Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1)]
SUM_TOLERANCE = 0.005  # shares are written with few decimals


class SurveyWeights(Frozen):
    """By what answers are weighted, so that who answered stands for all.

    ``margins`` are columns of the customer table, or ``segment_name``: their shares among all
    customers are what is aimed at. ``targets`` are shares from elsewhere, by column and level.
    Weights above ``largest`` times the mean are cut.
    """

    margins: tuple[Name, ...] = ()
    targets: dict[Name, dict[str, Share]] = Field({})
    largest: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 5.0

    def list_margins(self) -> list[str]:
        """Return the columns that answers are weighted by."""
        return [*self.margins, *self.targets]

    @model_validator(mode="after")
    def _check_margins(self) -> SurveyWeights:
        names = self.list_margins()
        if len(set(names)) < len(names):
            raise ValueError("a margin is named twice; name it under margins or targets")
        for name, shares in self.targets.items():
            if abs(sum(shares.values()) - 1) > SUM_TOLERANCE:
                raise ValueError(f"the shares of {name} add up to {sum(shares.values()):g}, not 1")
        return self


class Reasons(Frozen):
    """A question on why customers buy, or do not, and the reasons that its answers are read as.

    An answer names a reason if it has one of its words, or, where a ``separator`` stands between
    several choices, if one of the choices is that word.
    """

    question: Text
    about: Literal["buying", "not buying"]
    separator: str = ""
    reasons: Annotated[dict[Text, tuple[Text, ...]], Field(min_length=1)]

    @field_validator("reasons")
    @classmethod
    def _check_reasons(cls, reasons: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        empty = [name for name, words in reasons.items() if not any(word.strip() for word in words)]
        if empty:
            raise ValueError(f"the reason “{empty[0]}” has no words that answers are read by")
        return reasons


class Verbatims(Frozen):
    """How customers' own words are read.

    ``excerpts`` allows a few short texts to be shown, with names and numbers masked.
    ``questions`` are the survey's whose answers are read; all in free text if none is named.
    ``languages`` are those that customers write in (ISO 639-1); told from the texts if empty.
    """

    excerpts: bool = False
    questions: tuple[Text, ...] = ()
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...] = ()


class Pair(Frozen):
    """Something that customers say, and something measured that should go with it.

    ``said`` and ``done`` are columns of the customer table; of a category ``level`` is the answer
    that counts. ``expected`` says whether who says it should have more or less of what is measured.
    """

    said: Name
    done: Name
    expected: Literal["more", "less"]
    level: str = ""


class Surveys(Frozen):
    """What the plan says of surveys.

    ``recommendation`` is the question how likely customers are to recommend us, 0 to 10.
    ``overall`` is the question that others are compared with, such as satisfaction on the whole;
    that on recommending if it is not given.
    """

    recommendation: str = ""
    overall: str = ""
    weights: SurveyWeights = SurveyWeights()
    reasons: tuple[Reasons, ...] = ()
    verbatims: Verbatims = Verbatims()
    pairs: tuple[Pair, ...] = ()

    def name_overall(self) -> str:
        """Return the question that others are compared with; empty if there is none."""
        return self.overall or self.recommendation

    @model_validator(mode="after")
    def _check_questions(self) -> Surveys:
        questions = [reasons.question for reasons in self.reasons]
        if len(set(questions)) < len(questions):
            raise ValueError("the reasons of a question are given twice")
        return self
