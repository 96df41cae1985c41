"""Reading a plan: ``plan.toml`` into frozen models, every fault reported at once with its line."""

from __future__ import annotations

import contextlib
import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from segkit.core.errors import PlanError, SegkitError, UsageError, suggest_name
from segkit.plan.blanks import BLANK, find_blanks
from segkit.plan.frozen import Frozen
from segkit.plan.models import Plan, TableSpec
from segkit.plan.names import check_names, find_line, locate_keys
from segkit.plan.toml_faults import explain_toml


def find_plan(path: str | Path) -> Path:
    """Return the plan's path, looked for here and, if relative, in the folders above.

    Raises
    ------
    UsageError
        If there is no such file.
    """
    path = Path(path)
    here = Path.cwd()
    folders = [path.parent] if path.is_absolute() else [here, *here.parents]
    for folder in folders:
        found = folder / path
        if found.is_file():
            return found.resolve()
    fix = "Name an existing plan, or make one with 'segkit new FOLDER'."
    raise UsageError("there is no such plan", where=str(path), fix=fix)


def read_plan(path: str | Path) -> Plan:
    """Read and validate a plan.

    Parameters
    ----------
    path : str or Path
        The TOML file; a relative one is looked for here and in the folders above.

    Raises
    ------
    UsageError
        If there is no such file.
    PlanError
        With every fault of the file, each with its line.
    """
    path = find_plan(path)
    with explain_limits(path.name):
        return _read_content(path)


@contextlib.contextmanager
def explain_limits(where: str) -> Iterator[None]:
    """Turn what a library says of brackets or numbers past its limits into words."""
    try:
        yield
    except (RecursionError, OverflowError, ValueError, MemoryError) as error:
        found = "brackets within brackets" if isinstance(error, RecursionError) else str(error)
        message = "the plan goes past what can be read"
        fix = "Mind the length of its numbers and the depth of its brackets."
        raise SegkitError(message, where=where, found=found[:200], fix=fix) from None


def _read_content(path: Path) -> Plan:
    found = path.read_bytes()
    try:
        text = found.decode("utf-8-sig")
        content = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = found[: error.start].count(b"\n") + 1
        raise SegkitError(
            "the plan is not UTF-8 text", where=f"{path.name}, line {line}", fix="Save it as UTF-8."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise explain_toml(error, text, path.name) from None
    lines = locate_keys(text)
    faults: list[tuple[int, SegkitError]] = []
    plan = None
    try:
        plan = Plan.model_validate({"path": path, **content})
    except ValidationError as error:
        told = [fault for fault in error.errors() if fault["input"] != BLANK]
        faults = [_explain(fault, lines, path.name) for fault in told]
    faults += find_blanks(content, lines, file=path.name)
    faults += check_names(content, lines, path.name)
    if faults:
        raise PlanError([fault for _, fault in sorted(faults, key=lambda pair: pair[0])])
    return plan


def _valid_keys(loc: tuple) -> list[str]:
    """Names that may stand where ``loc``'s last part stands."""
    model: Any = Plan
    for part in loc[:-1]:
        if part in model.model_fields:
            model = _find_model(model.model_fields[part].annotation) or model
    return [field for field in model.model_fields if field != "path" or model is TableSpec]


def _find_model(annotation: Any) -> type[Frozen] | None:
    """Return the model that a field holds, by itself or in a dict or tuple."""
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return annotation
    for part in typing.get_args(annotation):
        model = _find_model(part)
        if model is not None:
            return model
    return None


def _explain(fault: Any, lines: dict[tuple, int], file: str) -> tuple[int, SegkitError]:
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
        fix = suggest_name(str(loc[-1]), _valid_keys(loc))
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
