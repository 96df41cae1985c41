"""The plan's own models, made without a plan; their faults in the words of a call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from segkit.core.errors import PlanError, SegkitError
from segkit.plan.models import Plan, TableSpec

AnyModel = TypeVar("AnyModel", bound=BaseModel)

FILE = "order lines.parquet"  # how a DataFrame is called where it lies to be checked
NO_CURRENCY = "XXX"  # ISO 4217: no currency
UNNAMED = "unnamed"  # the goal that nobody stated
# What pydantic calls the branches of a union, which nobody wrote.
BRANCH = re.compile(r"int|float|str|bool|.*[\[-].*")
# What the checks say to the author of a plan, and what that is in a call.
REPHRASED = [
    (
        r'Map it under \[tables\.order_lines\.columns\]: (\w+) = "([^"]*)"',
        r'Pass columns={"\1": "\2"}',
    ),
    (r'(\w+) = "([^"]*)" under \[tables\.order_lines(\.\w+)?\]', r'\1="\2" to prepare_lines'),
    (r'(\w+) = (\[[^\]]*\]) under \[tables\.order_lines(\.\w+)?\]', r"\1=\2 to prepare_lines"),
    (r"(them|at) (?:under )?\[tables\.order_lines\.(\w+)\]", r"\1 with \2=... of prepare_lines"),
    (r"at \[tables\.order_lines\.(\w+)\]", r"at \1=... of prepare_lines"),
    (r"(?:, or )?take \[tables\.order_lines\] out of the plan", ""),
    (r"\[tables\.order_lines\]", "prepare_lines"),
    (r"Set currency in the plan; it is [A-Z]{3}", 'Pass the lines\' currency, as currency="EUR"'),
    (r"Set as_of in the plan", "Pass another as_of"),
    (r"Write as_of in the plan", "Pass as_of"),
    (r"The plan has no as_of", "No as_of was given"),
    (r"\[policies\] of the plan", "policies"),
    (r", which the plan maps to (\w+)", r", which columns names for \1"),
    (r"(?:, | )?in the plan\b(?=[ .:;,])", ""),
    (r"[Tt]he plan's (\w+)", r"\1"),
    (r"[Tt]he plan (says|names|joins|accepts|does not say)", r"the call \1"),
    (r"[Tt]he plan\b", "the call"),
    (rf"\b{NO_CURRENCY} |,? {NO_CURRENCY}\b", ""),
    (re.escape(FILE), "the order lines"),
    (r"\bdata row (\d+)", r"row \1 (the first is 1)"),
]  # fmt: skip


def rephrase(text: str) -> str:
    """Say in the words of a call what the checks say to the author of a plan.

    Examples
    --------
    >>> rephrase('Map it under [tables.order_lines.columns]: quantity = "Qty".')
    'Pass columns={"quantity": "Qty"}.'
    """
    for pattern, words in REPHRASED:
        text = re.sub(pattern, words, text)
    return text


def rephrase_error(error: SegkitError) -> SegkitError:
    """Return the error of a plan's tables in the words of a call."""
    if isinstance(error, PlanError):
        told = [rephrase_error(fault) for fault in error.faults]
        return type(error)(told)
    return SegkitError(
        rephrase(error.message),
        where=rephrase(error.where),
        found=rephrase(error.found),
        fix=rephrase(error.fix),
    )


def make_model(kind: type[AnyModel], what: str, values: dict[str, Any]) -> AnyModel:
    """Make one of the plan's models; the first fault becomes a message.

    Raises
    ------
    SegkitError
        If a value is not what the model takes.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        fault = error.errors()[0]
        loc = [str(part) for part in fault["loc"] if not BRANCH.fullmatch(str(part))]
        name = ".".join(loc) or what
        reason = fault["msg"].removeprefix("Value error, ")
        message = f"'{name}' is not right: {reason[0].lower()}{reason[1:]}"
        found = "" if isinstance(fault["input"], dict) else repr(fault["input"])[:80]
        raise SegkitError(message, where=what, found=found, fix=_suggest(kind, fault)) from None


def _suggest(kind: type[BaseModel], fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "Valid names: " + ", ".join(sorted(kind.model_fields)) + "."
    if fault["type"] == "literal_error":
        return f"Give one of: {fault['ctx']['expected']}."
    return ""


def make_plan(folder: Path, spec: TableSpec, settings: dict[str, Any]) -> Plan:
    """Make the plan of one table of order lines, which nobody has to write.

    What a plan says of goals and schemes is not read by what checks the tables.
    """
    unread = {
        "name": UNNAMED,
        "title": UNNAMED,
        "owner": UNNAMED,
        "scope": UNNAMED,
        "target_market": UNNAMED,
        "budget": UNNAMED,
        "deliverables": (UNNAMED,),
        "goals": ({"name": UNNAMED, "text": UNNAMED, "kpi": "total_spend"},),
        "schemes": ({"name": UNNAMED, "goal": UNNAMED, "base": "value", "method": "tiers"},),
    }
    told = {"path": folder / "plan.toml", "tables": {"order_lines": spec}}
    return make_model(Plan, "prepare_lines", {**unread, **told, **settings})
