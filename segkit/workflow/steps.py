"""The steps of a run: their notebooks and parameters, and whether a step is up to date.

What a step's result depends on is hashed before it runs and kept in its record with the hashes of
what the step left, so that a later run can say that nothing has changed, or what has.
"""

from __future__ import annotations

import ast
import datetime
import importlib.resources
import json
import math
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from segkit.core.errors import SegkitError, UsageError, suggest_name
from segkit.plan.models import Plan
from segkit.report import STEPS

SET_BY_THE_RUN = ("plan_path", "run_dir", "tables_key")
MOST_NAMED = 3  # things that changed
PACKAGE = Path(str(importlib.resources.files("segkit")))


def find_step(text: str) -> str:
    """Return the step that a person means by ``03_base_analysis``, ``base_analysis`` or ``3``."""
    for step in STEPS:
        if text in (step, step[3:], step[:2], step[1:2], f"{step}.ipynb"):
            return step
    names = [*STEPS, *(step[3:] for step in STEPS)]
    raise UsageError("there is no such step", found=repr(text), fix=suggest_name(text, names))


def find_packaged(name: str) -> Path:
    """Return a plan or a notebook that segkit brings, in the wheel or the repository.

    ``plan.toml`` is the one to be filled in, ``sample.toml`` that of the sample shop, which is the
    repository's own.
    """
    inside = PACKAGE / (f"templates/{name}" if name.endswith(".toml") else name)
    outside = PACKAGE.parent / name.replace("sample.toml", "plan.toml")
    for path in (inside, outside):
        if path.is_file():
            return path
    raise SegkitError("segkit lacks a file of its own", where=name, fix="Install segkit anew.")


def find_notebook(plan: Plan, step: str) -> Path:
    """Return the notebook of a step: the working folder's own, else the one that segkit brings."""
    own = plan.folder / "notebooks" / f"{step}.ipynb"
    return own if own.is_file() else find_packaged(f"notebooks/{step}.ipynb")


def read_cells(path: Path) -> list[dict]:
    """Return a notebook's cells: type, source as one text, tags."""
    cells = []
    try:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            tags = list(cell.get("metadata", {}).get("tags", []))
            cells.append({"type": cell["cell_type"], "source": source, "tags": tags})
    except (ValueError, KeyError, TypeError, AttributeError):
        message = "this is not a notebook that can be read"
        fix = "Save it again in JupyterLab."
        raise SegkitError(message, where=f"notebooks/{path.name}", fix=fix) from None
    return cells


class Parameter(NamedTuple):
    """One line of a notebook's parameters cell."""

    name: str
    kind: str
    default: Any


def read_parameters(path: Path) -> dict[str, Parameter]:
    """Read the parameters that a notebook declares in its tagged cell."""
    source = "\n".join(cell["source"] for cell in read_cells(path) if "parameters" in cell["tags"])
    where = f"parameters cell of {path.stem}"
    try:
        lines = ast.parse(source).body
    except SyntaxError as error:
        raise _explain_line(str(error), where) from None
    found = {}
    for line in lines:
        try:
            parameter = _read_parameter(line)
        except ValueError:
            raise _explain_line(ast.unparse(line), where) from None
        if parameter is not None:
            found[parameter.name] = parameter
    return found


def _read_parameter(line: ast.stmt) -> Parameter | None:
    """Read ``name: type = value`` or ``name = value``; None for a line of another kind."""
    match line:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr()):
            return Parameter(name, ast.unparse(annotation), ast.literal_eval(line.value))
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            default = ast.literal_eval(value)
            return Parameter(name, type(default).__name__, default)
        case _:
            return None


def _explain_line(text: str, where: str) -> SegkitError:
    fix = "Write it as name: type = value."
    return SegkitError("this is no plain value", where=where, found=text, fix=fix)


TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
DATE = "date, written YYYY-MM-DD"


def parse_value(parameter: Parameter, text: str) -> Any:
    """Return ``text`` as the parameter's type, a date as text; else a UsageError."""
    kind = DATE if parameter.name == "as_of" else parameter.kind
    try:
        return _parse_text(kind, text)
    except (ValueError, KeyError):
        message = f"the parameter {parameter.name} is not of its type: {kind}"
        raise UsageError(message, found=repr(text)) from None


def _parse_text(kind: str, text: str) -> Any:
    """Return text as a value of a kind; a ValueError or KeyError if it is none."""
    match kind:
        case "str":
            return text
        case "int":
            return int(text)
        case "float":
            value = float(text)
            if not math.isfinite(value):
                raise ValueError("not finite")
            return value
        case "bool":
            return TRUTHS[text.strip().lower()]
        case _ if kind == DATE:
            return datetime.date.fromisoformat(text).isoformat()
        case _:
            raise ValueError("no kind that can be written in one line")


def resolve_overrides(
    given: Mapping[str, str], declared: Mapping[str, Mapping[str, Parameter]]
) -> dict[str, dict[str, Any]]:
    """Return the values to set in each step's notebook; a UsageError says what cannot be set."""
    free = {name for names in declared.values() for name in names} - set(SET_BY_THE_RUN)
    for name in given:
        if name in SET_BY_THE_RUN:
            raise UsageError(f"the parameter {name} is set by the run itself", fix="Leave it out.")
        if name not in free:
            raise UsageError(f"no notebook has a parameter '{name}'", fix=suggest_name(name, free))
    values: dict[str, dict[str, Any]] = {}
    for step, names in declared.items():
        own = {name: text for name, text in given.items() if name in names}
        values[step] = {name: parse_value(names[name], text) for name, text in own.items()}
    return values


def list_versions() -> dict[str, str]:
    """Return the version of Python and of every installed distribution, by name."""
    found = {"python": platform.python_version()}
    for folder in sys.path:
        for path in Path(folder).glob("*.dist-info"):
            name, _, version = path.stem.rpartition("-")
            found.setdefault(name, version)
    return dict(sorted(found.items()))


def explain_change(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    """Say in a few words what first differs from what a step depended on when it ran."""
    if not old:
        return "never run"
    changed = [part for part in new if new[part] != old.get(part)]
    if not changed:
        return ""
    if "source" in changed:
        return "segkit changed"
    first = changed[0]
    now = new[first]
    before = old.get(first)
    if not isinstance(now, dict) or not isinstance(before, dict):
        return f"{first} changed"
    names = [name for name in sorted({*now, *before}) if now.get(name) != before.get(name)]
    more = " and more" if len(names) > MOST_NAMED else ""
    return f"{first} changed: {', '.join(names[:MOST_NAMED])}{more}"
