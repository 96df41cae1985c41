"""Imports point downwards only and never in a circle, and modules stay small."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "segkit"
# From the ground to the roof; a module may import its own layer and those below.
LAYERS = [
    ["segkit.core"],
    ["segkit.contract"],
    ["segkit.models"],
    ["segkit.plan"],
    ["segkit.runs"],
    ["segkit.data"],
    ["segkit.features"],
    ["segkit.segmentation"],
    ["segkit.validation"],
    ["segkit.profiles"],
    ["segkit.evidence"],
    ["segkit.action"],
    ["segkit.report"],
    ["segkit.workspace", "segkit.library"],
    ["segkit.workflow"],
    ["segkit.cli"],
]
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_layer(module: str) -> int:
    best = max(
        (
            (len(prefix), level)
            for level, prefixes in enumerate(LAYERS)
            for prefix in prefixes
            if module == prefix or module.startswith(prefix + ".")
        ),
        default=None,
    )
    assert best is not None, f"{module} has no place in the layers"
    return best[1]


def list_imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("segkit."):
            found.add(node.module)
        elif isinstance(node, ast.ImportFrom) and node.module == "segkit":
            found |= {f"segkit.{alias.name}" for alias in node.names if alias.name[0] != "_"}
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise AssertionError(f"{path} imports relatively; write the whole name")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("segkit.")}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("path", MODULES, ids=name_module)
def test_a_module_imports_downwards_only(path):
    module = name_module(path)
    if module == "segkit":
        return
    level = find_layer(module)
    for imported in list_imports(path):
        assert find_layer(imported) <= level, f"{module} imports {imported}, which lies above it"


def list_imported_modules(path: Path) -> set[str]:
    """Name the modules of segkit that a module imports, at its top or inside a function."""
    known = {name_module(module) for module in MODULES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & known or {node.module}
    return found & known


def test_modules_do_not_import_each_other_in_a_circle():
    graph = {name_module(path): list_imported_modules(path) for path in MODULES}
    # The loops are imported inside a function.
    assert graph["segkit.models.descent"] == {"segkit.core.errors", "segkit.models.compiled_loops"}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail("a circle of imports: " + " <- ".join(error.args[1]))


def test_models_know_no_plan_no_report_and_no_file():
    allowed = ("segkit.core.", "segkit.contract.", "segkit.models.")
    for path in (PACKAGE / "models").glob("*.py"):
        above = {name for name in list_imports(path) if not f"{name}.".startswith(allowed)}
        assert not above, f"{name_module(path)} imports {above}"
        assert "segkit.core.files" not in list_imports(path), f"{path.name} knows files"


@pytest.mark.parametrize("path", MODULES, ids=name_module)
def test_a_module_stays_below_four_hundred_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_nothing_is_pickled():
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert "import pickle" not in text
        assert "joblib.dump" not in text


def test_help_needs_no_heavy_library():
    code = (
        "import sys; import segkit.cli; "
        "print([m for m in ('pandas','numpy','ibis','duckdb','sklearn','papermill','matplotlib')"
        " if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
