"""The steps of a run: their notebooks and parameters, and whether a step is up to date.

The key of a step is taken before it runs, from everything that its result depends on. It is kept
in ``step.json`` together with the hashes of what the step left, so a later run can say that
nothing has changed, or what has.
"""

from __future__ import annotations

import ast
import datetime
import importlib.resources
import io
import json
import os
import platform
import shutil
import sys
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segkit.errors import SegkitError, UsageError, suggest_name
from segkit.hashing import HashCache, hash_bytes, hash_value
from segkit.plan import Plan, TableSpec

STEPS = {
    "01_plan": "Plan",
    "02_market_review": "Market review",
    "03_base_analysis": "Base analysis",
    "04_experience_data": "Experience data",
    "05_analysis": "Analysis",
}
SET_BY_THE_RUN = ("plan_path", "run_dir")
TABLE_SECTIONS = ("tables", "policies", "currency", "privacy")
PACKAGE = Path(str(importlib.resources.files("segkit")))
RECORD = "step.json"
SHOWN = ("notebook.ipynb", "page.html")  # what people read; later steps do not


# ---------------------------------------------------------------- notebooks and parameters


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
    name = f"notebooks/{step}.ipynb"
    own = plan.folder / name
    return own if own.is_file() else find_packaged(name)


def read_cells(path: Path) -> list[dict]:
    """Return a notebook's cells: type, source as one text, tags."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [
            {
                "type": cell["cell_type"],
                "source": "".join(cell["source"]),
                "tags": list(cell.get("metadata", {}).get("tags", [])),
            }
            for cell in cells
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SegkitError(
            "this is not a notebook that can be read",
            where=f"notebooks/{path.name}",
            fix="Save it again in JupyterLab.",
        ) from None


@dataclass(frozen=True)
class Parameter:
    """One line of a notebook's parameters cell."""

    name: str
    kind: str
    default: Any
    comment: str = ""


def read_parameters(path: Path) -> dict[str, Parameter]:
    """Read the parameters that a notebook declares in its tagged cell."""
    source = "\n".join(cell["source"] for cell in read_cells(path) if "parameters" in cell["tags"])
    where = f"parameters cell of {path.stem}"
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
        body = ast.parse(source).body
    except (SyntaxError, tokenize.TokenError) as error:
        raise SegkitError("the cell is not Python", where=where, found=str(error)) from None
    comments = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
    found = {}
    for line in body:
        target = line.target if isinstance(line, ast.AnnAssign) else None
        if isinstance(line, ast.Assign) and len(line.targets) == 1:
            target = line.targets[0]
        if not isinstance(target, ast.Name) or line.value is None:
            continue
        try:
            default = ast.literal_eval(line.value)
        except ValueError:
            raise SegkitError(
                f"the default of {target.id} is computed; write a plain value", where=where
            ) from None
        annotation = getattr(line, "annotation", None)
        kind = ast.unparse(annotation) if annotation else type(default).__name__
        comment = comments.get(line.end_lineno, "")
        found[target.id] = Parameter(target.id, kind, default, comment)
    return found


def parse_value(parameter: Parameter, text: str) -> Any:
    """Return ``text`` as the parameter's type; a date stays text.

    Raises
    ------
    UsageError
        If it is not of that type.
    """
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    kind = parameter.kind
    try:
        if parameter.name == "as_of":
            kind = "date, written YYYY-MM-DD"
            return datetime.date.fromisoformat(text).isoformat()
        if kind == "bool":
            return words[text.strip().lower()]
        if kind in ("int", "float"):
            value = {"int": int, "float": float}[kind](text)
            if value != value or value in (float("inf"), float("-inf")):
                raise ValueError
            return value
        if kind != "str":
            kind = f"{kind}, which --set cannot give; change it in the notebook"
            raise ValueError
        return text
    except (ValueError, KeyError):
        raise UsageError(
            f"the parameter {parameter.name} is not of its type: {kind}", found=repr(text)
        ) from None


def resolve_overrides(
    given: Mapping[str, str], declared: Mapping[str, Mapping[str, Parameter]]
) -> dict[str, dict[str, Any]]:
    """Return the values to set in each step's notebook.

    Parameters
    ----------
    given : mapping of str to str
        What the user set.
    declared : mapping
        The parameters of each step.

    Raises
    ------
    UsageError
        If a name is unknown to every notebook, belongs to the run, or its value has another type.
    """
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


# ---------------------------------------------------------------- keys and records


def list_versions() -> dict[str, str]:
    """Return the version of Python and of every installed distribution, by name."""
    found = {"python": platform.python_version()}
    for folder in map(Path, sys.path):
        names = os.listdir(folder) if folder.is_dir() else ()
        for name in sorted(names):
            if name.endswith(".dist-info"):
                distribution, _, version = name.removesuffix(".dist-info").rpartition("-")
                found.setdefault(distribution, version)
    return dict(sorted(found.items()))


def hash_source(folders: Iterable[Path] = (PACKAGE,)) -> str:
    """Return a hash of segkit's own source, templates and styles; notebooks count by step."""
    left_out = {".pyc", ".ipynb", ".toml", ".partial"}
    paths = [p for folder in folders for p in folder.rglob("*") if p.suffix not in left_out]
    files = sorted(path for path in paths if path.is_file())
    return hash_value({path.relative_to(PACKAGE).as_posix(): hash_bytes(path) for path in files})


def hash_inputs(plan: Plan, cache: HashCache) -> dict[str, str | None]:
    """Return a hash of each table's files; None if it cannot be known beforehand."""
    return {name: _hash_input(plan, spec, cache) for name, spec in plan.tables.items()}


def _hash_input(plan: Plan, spec: TableSpec, cache: HashCache) -> str | None:
    if spec.connection is not None:
        return None
    try:
        if spec.query is not None:
            files = {name: plan.resolve_path(path) for name, path in spec.files.items()}
            return hash_value({name: cache.hash_file(path) for name, path in files.items()})
        path = plan.resolve_path(spec.path)
        paths = [path] if path.is_file() else sorted(path.parent.glob(path.name))
        return hash_value({p.name: cache.hash_file(p) for p in paths}) if paths else None
    except (OSError, ValueError):  # the checks say what is wrong with it
        return None


def hash_plan(plan: Plan) -> dict[str, str]:
    """Return a hash of each section of the plan; comments and layout do not count."""
    return {name: hash_value(value) for name, value in plan.model_dump(mode="json").items()}


def explain_change(step: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    """Say in words what differs between a step's last key and its present one."""
    if not old:
        return "never run"
    reasons = []
    for part, value in new.items():
        before = old.get(part)
        if value == before:
            continue
        names = ""
        if isinstance(value, dict) and isinstance(before, dict):
            both = sorted({*value, *before})
            names = ", ".join(n for n in both if value.get(n) != before.get(n))
        reasons.append(
            {
                "code": f"code of {step} changed",
                "source": "segkit changed",
                "seed": "seed changed",
                "upstream": f"upstream {names} changed",
            }.get(part, f"{part} changed: {names}" if names else f"{part} changed")
        )
    return "; ".join(reasons)


def read_record(folder: Path) -> dict[str, Any]:
    """Return a step's record, or an empty one if the step was not finished."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return record if isinstance(record.get("outputs"), dict) else {}
    except (OSError, ValueError, AttributeError):
        return {}


def clear_step(folder: Path) -> None:
    """Take away what a step left, its record first."""
    (folder / RECORD).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)


def hash_outputs(folder: Path, cache: HashCache) -> dict[str, str]:
    """Return the hash of every file that a step left."""
    paths = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".partial"]
    names = {p.relative_to(folder).as_posix(): p for p in paths}
    return {name: cache.hash_file(p) for name, p in names.items() if name != RECORD}


def hash_handed_on(outputs: Mapping[str, str]) -> str:
    """Return one hash of what later steps may read; the page and the notebook do not count."""
    return hash_value({name: value for name, value in outputs.items() if name not in SHOWN})


def find_fault(folder: Path, record: Mapping[str, Any], cache: HashCache) -> str:
    """Say which output is missing or was changed since the step ran; empty if none."""
    for name, value in record["outputs"].items():
        try:
            if cache.hash_file(folder / name) != value:
                return f"output changed: {name}"
        except OSError:
            return f"output missing: {name}"
    return ""
