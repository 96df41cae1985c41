"""The steps of a run: their notebooks and parameters, and whether a step is up to date.

What a step's result depends on is hashed before it runs and kept in ``step.json`` with the hashes
of what the step left, so that a later run can say that nothing has changed, or what has.
"""

from __future__ import annotations

import ast
import datetime
import importlib.resources
import json
import math
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from segkit.core.errors import SegkitError, UsageError, suggest_name
from segkit.core.files import PARTIAL, hash_bytes, hash_value
from segkit.plan.models import Plan
from segkit.report import STEPS

SET_BY_THE_RUN = ("plan_path", "run_dir")
PACKAGE = Path(str(importlib.resources.files("segkit")))
RECORD = "step.json"
SHOWN = ("notebook.ipynb", "page.html")  # what people read; later steps do not


def find_step(text: str) -> str:
    """Return the step that a person means by ``03_base_analysis``, ``base_analysis`` or ``3``."""
    for step in STEPS:
        if text in (step, step[3:], step[:2], step[1:2], f"{step}.ipynb"):
            return step
    names = [*STEPS, *(step[3:] for step in STEPS)]
    raise UsageError("there is no such step", found=repr(text), fix=suggest_name(text, names))


def find_packaged(name: str) -> Path:
    """Return ``plan.toml`` or a notebook that segkit brings, in the wheel or the repository."""
    inside = PACKAGE / ("templates/plan.toml" if name == "plan.toml" else name)
    for path in (inside, PACKAGE.parent / name):
        if path.is_file():
            return path
    raise SegkitError("segkit lacks a file of its own", where=name, fix="Install segkit anew.")


def find_notebook(plan: Plan, step: str) -> Path:
    """Return the notebook of a step: the working folder's own, else the one that segkit brings."""
    own = plan.folder / "notebooks" / f"{step}.ipynb"
    return own if own.is_file() else find_packaged(f"notebooks/{step}.ipynb")


def read_cells(path: Path) -> list[dict]:
    """Return a notebook's cells: type, source as one text, tags."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        parts = [(c["cell_type"], "".join(c["source"]), c.get("metadata", {})) for c in cells]
        return [
            {"type": kind, "source": s, "tags": list(m.get("tags", []))} for kind, s, m in parts
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        message, fix = "this is not a notebook that can be read", "Save it again in JupyterLab."
        raise SegkitError(message, where=f"notebooks/{path.name}", fix=fix) from None


class Parameter(NamedTuple):
    """One line of a notebook's parameters cell."""

    name: str
    kind: str
    default: Any


def read_parameters(path: Path) -> dict[str, Parameter]:
    """Read the parameters that a notebook declares in its tagged cell."""
    source = "\n".join(cell["source"] for cell in read_cells(path) if "parameters" in cell["tags"])
    found, line = {}, None
    try:
        for line in ast.parse(source).body:
            match line:
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    kind = ast.unparse(line.annotation)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    kind = ""
                case _:
                    continue
            default = ast.literal_eval(value)
            found[name] = Parameter(name, kind or type(default).__name__, default)
    except (SyntaxError, ValueError) as error:
        where, text = f"parameters cell of {path.stem}", ast.unparse(line) if line else str(error)
        fix = "Write it as name: type = value."
        raise SegkitError("this is no plain value", where=where, found=text, fix=fix) from None
    return found


def parse_value(parameter: Parameter, text: str) -> Any:
    """Return ``text`` as the parameter's type, a date as text; else a UsageError."""
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    readers = {"str": str, "int": int, "float": float, "bool": lambda t: words[t.strip().lower()]}
    kind = "date, written YYYY-MM-DD" if parameter.name == "as_of" else parameter.kind
    readers["date, written YYYY-MM-DD"] = lambda t: datetime.date.fromisoformat(t).isoformat()
    try:
        value = readers[kind](text)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError
        return value
    except (ValueError, KeyError):
        message = f"the parameter {parameter.name} is not of its type: {kind}"
        raise UsageError(message, found=repr(text)) from None


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
    return {
        step: {n: parse_value(names[n], text) for n, text in given.items() if n in names}
        for step, names in declared.items()
    }


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
    if not changed or "source" in changed:
        return "segkit changed" if changed else ""
    value, before = new[changed[0]], old.get(changed[0])
    if not isinstance(value, dict) or not isinstance(before, dict):
        return f"{changed[0]} changed"
    names = [name for name in sorted({*value, *before}) if value.get(name) != before.get(name)]
    return f"{changed[0]} changed: {', '.join(names[:3])}{' and more' if names[3:] else ''}"


def clear_step(folder: Path) -> None:
    """Take away what a step left, its record first."""
    (folder / RECORD).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def hash_outputs(folder: Path) -> dict[str, str]:
    """Return the hash of every file that a step left, but not of the records beside them."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and PARTIAL not in p.name]
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {n: hash_bytes(p) for n, p in names.items() if n not in (RECORD, "record.json")}


def hash_handed_on(outputs: Mapping[str, str]) -> str:
    """Return one hash of what later steps may read; the page and the notebook do not count."""
    return hash_value({name: value for name, value in outputs.items() if name not in SHOWN})


def find_fault(folder: Path, outputs: Mapping[str, str]) -> str:
    """Say which output is missing or was changed since the step ran; empty if none."""
    now = hash_outputs(folder)
    for name in outputs:
        if now.get(name) != outputs[name]:
            return f"output {'changed' if name in now else 'missing'}: {name}"
    return ""
