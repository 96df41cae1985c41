"""How a list is laid out for the tool that reads it: layouts are TOML, and anybody can write one.

A layout names its columns, and for each the field that stands in it; where the tool's
documentation is, and on which day it was read.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from segkit.core.errors import SegkitError, explain_faults, suggest_name
from segkit.plan.frozen import Frozen
from segkit.plan.models import Plan

FOLDER = Path(__file__).parents[1] / "layouts"
# What may stand in a column of a list.
FIELDS = {
    "customer_id": "the customer's identifier",
    "account_id": "the account that a contact belongs to",
    "email": "the e-mail address, in small letters",
    "name": "the whole name, if names of [lists] says so",
    "first_name": "the given name, if names of [lists] says which it is",
    "last_name": "the family name, likewise",
    "segment": "the segment's name",
    "scheme": "the scheme that the segment belongs to",
    "as_of": "the last day counted by the run",
    "list_name": "the segment, play or trigger that the list is of",
    "kind": "segment, play or trigger",
    "tags": "the list's own tag and those of the plan",
    "campaign": "the campaign of [lists]",
    "place": "the customer's place in the play, 1 is first",
    "reason": "why the customer is in the play, in figures",
    "expected_value": "what the play is expected to bring, if it was measured",
    "expected_low": "the lower end of its interval",
    "expected_high": "the upper end of its interval",
    "horizon_days": "in how many days",
    "product_1": "the first recommended product",
    "product_2": "the second",
    "product_3": "the third",
}
FieldName = Literal[tuple(FIELDS)]
Header = Annotated[str, Field(min_length=1, max_length=100)]


class Layout(Frozen):
    """How one tool wants a list.

    ``columns`` has the field of each column by its header, in order; those of ``where_known`` are
    written where the list has the field. ``needs`` are fields without which a customer is of no use
    there. Several tags stand in one cell, parted by ``tag_separator``, after ``tags_begin``.
    ``encoding`` is utf-8, or utf-8-sig for programs that ask for a mark of it. ``read_on`` is the
    day on which ``documentation`` was read, ``dated`` the day that it bears itself.
    """

    title: str
    documentation: str
    read_on: datetime.date
    dated: datetime.date | None = None
    note: str = ""
    format: Literal["csv", "json"] = "csv"
    encoding: Literal["utf-8", "utf-8-sig"] = "utf-8"
    needs: tuple[Literal["email"], ...] = ()
    tag_separator: Annotated[str, Field(min_length=1, max_length=2)] = ","
    tags_begin: str = ""
    most_rows: Annotated[int, Field(ge=1)] | None = None
    columns: Annotated[dict[Header, FieldName], Field(min_length=1)]
    where_known: dict[Header, FieldName] = Field({})

    @model_validator(mode="after")
    def _check_needs(self) -> Layout:
        for field in self.needs:
            if field not in self.columns.values():
                raise ValueError(f"needs names {field}, which stands in none of the columns")
        headers = [header.lower() for header in (*self.columns, *self.where_known)]
        if len(set(headers)) < len(headers):
            raise ValueError("a header stands there twice")
        return self

    def write_tags(self, tags: tuple[str, ...]) -> str:
        """Return tags as one cell; the separator within a tag becomes a blank.

        Examples
        --------
        >>> read_layout("hubspot").write_tags(("segment Loyal", "spring"))
        ';segment Loyal;spring'
        """
        tidy = [" ".join(tag.replace(self.tag_separator, " ").split()) for tag in tags]
        return self.tags_begin + self.tag_separator.join(tag for tag in tidy if tag)


def list_layouts() -> list[str]:
    """Return the names of the layouts that segkit brings.

    Examples
    --------
    >>> list_layouts()
    ['drip', 'generic', 'hubspot', 'json', 'klaviyo', 'mailchimp']
    """
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_layout(name: str, plan: Plan | None = None) -> Layout:
    """Read a layout: one of `list_layouts`, or the path of a TOML file beside the plan.

    Raises
    ------
    SegkitError
        If there is no such layout, or it cannot be read, with what is wrong.
    """
    known = list_layouts()
    path = FOLDER / f"{name}.toml"
    if name not in known:
        if not name.endswith(".toml"):
            fix = f"{suggest_name(name, known)} Or give the path of a TOML file of your own."
            raise SegkitError("there is no such layout", found=repr(name), fix=fix)
        path = Path(name) if plan is None else plan.resolve_path(name)
    fix = "Correct it, or begin from a layout in segkit/action/layouts; see docs/lists.md."
    message = "the layout cannot be read"
    with explain_faults(message, ValueError, where=path, fix=fix):
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    try:
        return Layout.model_validate(content)
    except ValidationError as error:
        told = [_describe(fault) for fault in error.errors()]
        found = "; ".join(dict.fromkeys(told))
        raise SegkitError("this is no layout", where=str(path), found=found, fix=fix) from None


def _describe(fault: dict) -> str:
    """Return one of pydantic's faults in words, with the fields that there are."""
    place = ".".join(map(str, fault["loc"]))
    if fault["type"] == "literal_error" and place.startswith(("columns", "where_known")):
        given = str(fault["input"])
        return f"'{place}' asks for '{given}': {suggest_name(given, FIELDS)}"
    said = re.sub(r"^Value error, ", "", fault["msg"])
    return f"'{place}': {said}" if place else said
