"""What the plan says of personas: their names, how many, and columns by heading."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from segkit.plan.frozen import Frozen

HEADINGS = (
    "age",
    "family",
    "work",
    "firm",
    "place",
    "worth",
    "buys",
    "when",
    "channel",
    "contact",
    "values",
    "complaints",
    "stops",
    "decision",
    "deals",
    "other",
)
Heading = Literal[HEADINGS]
Column = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
GivenName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
# What no name has: an address, a telephone number, a tag.
NO_NAME = set("@<>{}0123456789_/\\")


class Personas(Frozen):
    """Names that are given to personas, how many there are, and columns of one's own.

    ``names`` gives a name by the segment's. ``most`` is how many segments get a page, those that
    the criteria rate best. ``headings`` puts columns of the customer table under a heading, as in
    ``decision = ["buying_role"]``; without it the base of a column decides.

    Examples
    --------
    >>> Personas(names={"Loyal": " Robin "}).names
    {'Loyal': 'Robin'}
    """

    names: dict[Annotated[str, Field(min_length=1)], GivenName] = Field({})
    most: Annotated[int, Field(ge=1, le=5)] = 5
    headings: dict[Heading, tuple[Column, ...]] = Field({})

    @field_validator("names")
    @classmethod
    def _check_names(cls, names: dict[str, str]) -> dict[str, str]:
        given = [name.casefold() for name in names.values()]
        twice = sorted({name for name in given if given.count(name) > 1})
        if twice:
            raise ValueError(f"'{twice[0]}' is given to two segments; each persona has its own")
        wrong = [name for name in names.values() if NO_NAME & set(name)]
        if wrong:
            raise ValueError(f"'{wrong[0]}' is no name; write letters, blanks and hyphens")
        return names

    @model_validator(mode="after")
    def _check_columns(self) -> Personas:
        columns = [column for group in self.headings.values() for column in group]
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise ValueError(f"'{twice[0]}' stands under two headings; a column has one")
        return self

    def find_heading(self, column: str) -> str:
        """Return the heading that the plan puts a column under; empty where it says nothing."""
        for heading, columns in self.headings.items():
            if column in columns:
                return heading
        return ""
