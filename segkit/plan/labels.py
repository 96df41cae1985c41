"""How the plan names features in sentences: those of one's own, of a survey, or any other."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from segkit.plan.frozen import Frozen

Text = Annotated[str, Field(max_length=80)]
FEATURE_NAME = r"^[a-z][a-z0-9_]*$"


class Label(Frozen):
    """The words for one feature, see `segkit.contract.definitions.Feature`.

    What is not given is made of the ``label``.
    """

    label: Annotated[Text, Field(min_length=1)]
    more: Text = ""
    less: Text = ""
    none: Text = ""
    yes: Text = ""
    no: Text = ""
    level: Text = ""

    @field_validator("*")
    @classmethod
    def _check_words(cls, text: str) -> str:
        if "_" in text:
            raise ValueError("this is read by people; write words, without _")
        if text != text.strip():
            raise ValueError("take out the spaces at its ends")
        return text

    @field_validator("level")
    @classmethod
    def _check_level(cls, text: str) -> str:
        if text and (text.count("{}") != 1 or set(text.replace("{}", "", 1)) & set("{}")):
            raise ValueError('write {} where the value goes, as in level = "aged {}"')
        return text


def _read_label(value: Any) -> Any:
    """Take a text alone as the label."""
    return {"label": value} if isinstance(value, str) else value


Labels = dict[
    Annotated[str, Field(pattern=FEATURE_NAME)], Annotated[Label, BeforeValidator(_read_label)]
]
