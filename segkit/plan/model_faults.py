"""What pydantic finds wrong with a plan, in words for people."""

from __future__ import annotations

import re
import typing
from typing import Any

from segkit.core.errors import SegkitError, suggest_name
from segkit.plan.bases import Frozen
from segkit.plan.names import find_line


def _valid_keys(loc: tuple, plan: type[Frozen]) -> list[str]:
    """Names that may stand where ``loc``'s last part stands."""
    model: Any = plan
    for part in loc[:-1]:
        if part in model.model_fields:
            model = _find_model(model.model_fields[part].annotation) or model
    return [field for field in model.model_fields if field != "path" or model is not plan]


def _find_model(annotation: Any) -> type[Frozen] | None:
    """Return the model that a field holds, by itself or in a dict or tuple."""
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return annotation
    for part in typing.get_args(annotation):
        model = _find_model(part)
        if model is not None:
            return model
    return None


def explain_fault(
    fault: Any, lines: dict[tuple, int], file: str, plan: type[Frozen]
) -> tuple[int, SegkitError]:
    """Turn one of pydantic's errors into a message for people."""
    # pydantic names the branches of a union too, which no plan writes.
    loc = tuple(part for part in fault["loc"] if not str(part).startswith(("int", "tuple[")))
    line = find_line(loc, lines)
    key = ".".join(map(str, loc))
    given = fault["input"]
    found = ""
    fix = ""
    if fault["type"] == "extra_forbidden":
        message = f"unknown key '{key}'"
        fix = suggest_name(str(loc[-1]), _valid_keys(loc, plan))
    elif fault["type"] == "missing":
        message = f"'{key}' is missing"
        fix = f"Add {loc[-1]} = ..."
    elif fault["type"] == "literal_error":
        message = f"'{key}' has a value that is not known"
        found = repr(given)
        fix = suggest_name(str(given), re.findall(r"'([^']+)'", fault["ctx"]["expected"]))
    else:
        reason = fault["msg"].removeprefix("Value error, ")
        message = f"'{key}' is not right: {reason[0].lower()}{reason[1:]}"
        found = "" if isinstance(given, dict) else repr(given)[:80]
    return line, SegkitError(message, where=f"{file}, line {line}", found=found, fix=fix)
