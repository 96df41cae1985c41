"""What a plan says about bases: their rows, scales and choices of surveys, territories, accounts.

A `Plan` is `BaseSettings` and more, so that functions of features take either.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from segkit.contract.bases import SAID
from segkit.plan.frozen import Frozen
from segkit.plan.labels import Label, Labels
from segkit.plan.support import Support

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class Scale(Frozen):
    """Questions that measure one thing together; those ``reversed`` measure its opposite.

    Answers are numbers from ``lowest`` to ``highest``. The feature is ``<base>_<name>``.
    """

    name: Name
    base: Literal[SAID]
    questions: Annotated[tuple[str, ...], Field(min_length=1)]
    reversed: tuple[str, ...] = ()
    lowest: float = 1
    highest: float = 5

    @model_validator(mode="after")
    def _check_questions(self) -> Scale:
        if not set(self.reversed) <= set(self.questions):
            raise ValueError("a reversed question is none of the questions")
        if len(set(self.questions)) < len(self.questions):
            raise ValueError("a question is named twice")
        if self.lowest >= self.highest:
            raise ValueError("lowest must be below highest")
        return self

    @property
    def feature(self) -> str:
        """The feature's name."""
        return f"{self.base}_{self.name}"


class ChoiceQuestion(Frozen):
    """A question with options to choose from.

    One option makes a category, ``<base>_<name>``. Several in one answer, with a ``separator``
    between them, make a feature of 0 and 1 for each of ``options``, ``<base>_<key of the option>``.
    """

    name: Name
    base: Literal[SAID]
    question: str
    separator: str = ""
    options: dict[Name, str] = Field({})

    @model_validator(mode="after")
    def _check_options(self) -> ChoiceQuestion:
        if bool(self.separator) != bool(self.options):
            raise ValueError("several choices need a separator and options, one choice neither")
        return self

    @property
    def features(self) -> dict[str, str]:
        """The kind of each feature, by its name."""
        if self.options:
            return {f"{self.base}_{key}": "number" for key in self.options}
        return {f"{self.base}_{self.name}": "category"}

    def list_labels(self) -> dict[str, Label]:
        """Return the words for each option, which the customers read as it stands in the plan."""
        return {
            f"{self.base}_{key}": Label.model_construct(
                label=f"“{text}”",
                more=f"“{text}” chosen more often",
                less=f"“{text}” chosen less often",
                none=f"“{text}” never chosen",
                yes=f"who chose “{text}”",
                no=f"who did not choose “{text}”",
            )
            for key, text in self.options.items()
        }


class BaseSettings(Frozen):
    """What the plan says about bases; nothing by default.

    ``territories`` maps cities, regions or countries to territories. ``engagement_days`` are the
    last days since a contact of who is active, and of who is quiet; "learned" takes a third of the
    customers each. ``key_moments`` are types of events. With the unit ``account`` all customers
    with the same ``account_id`` are one. ``labels`` are the words for features, by their names;
    ``support`` says what events and statuses of tickets mean.
    """

    unit: Literal["customer", "account"] = "customer"
    territories: dict[str, str] = Field({})
    key_moments: tuple[str, ...] = ("cart", "wish", "checkout", "signup", "form")
    engagement_days: tuple[int, int] | Literal["learned"] = (30, 180)
    scales: tuple[Scale, ...] = ()
    choices: tuple[ChoiceQuestion, ...] = ()
    labels: Labels = Field({})
    support: Support = Support()

    def list_needs(self) -> dict[str, str]:
        """Return what the plan says that a base or a feature may need, as the dictionary writes it.

        It stands among the columns of the tables, under ``plan``.
        """
        needs = [f"scales of {scale.base}" for scale in self.scales]
        needs += [f"choices of {choice.base}" for choice in self.choices]
        if self.territories:
            needs.append("territories")
        return dict.fromkeys(needs, "plan")

    def list_attitudes(self) -> dict[str, str]:
        """Return the kind of each feature that scales and choices give, by its name."""
        kinds = {scale.feature: "number" for scale in self.scales}
        for choice in self.choices:
            kinds |= choice.features
        return kinds

    def list_labels(self) -> dict[str, Label]:
        """Return the words for features: those given, and those of the options of choices."""
        return gather_labels(self.choices, self.labels)


def gather_labels(
    choices: Iterable[ChoiceQuestion], labels: Mapping[str, Label]
) -> dict[str, Label]:
    """Return the words for the options of choices, and those given, which go before them."""
    told: dict[str, Label] = {}
    for choice in choices:
        told |= choice.list_labels()
    return {**told, **labels}


def read_labels(content: Mapping[str, Any]) -> dict[str, Label]:
    """Return the words in a plan that is not read yet; nothing where a part of it is wrong."""
    with contextlib.suppress(ValidationError):
        parts = {name: content[name] for name in ("choices", "labels") if name in content}
        return BaseSettings.model_validate(parts).list_labels()
    return {}
