"""Benchmarks are run by hand; what they import is there."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


def list_imports(path: Path) -> list[tuple[str, str]]:
    """Return the module and name of all that a benchmark takes from the package."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [
        (node.module, alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("segkit")
        for alias in node.names
    ]


def has_name(module: str, name: str) -> bool:
    """Say whether a module has a name, or a package a module."""
    if hasattr(importlib.import_module(module), name):
        return True
    return importlib.util.find_spec(f"{module}.{name}") is not None


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_what_a_benchmark_takes_from_the_package_is_there(path):
    missing = [(module, name) for module, name in list_imports(path) if not has_name(module, name)]
    assert not missing


def test_the_parts_that_are_timed_apart_are_there(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    parts = importlib.import_module("checks").PARTS
    for module, name in (function for functions in parts.values() for function in functions):
        owner = importlib.import_module(f"segkit.data.{module}")
        for step in name.split("."):
            owner = getattr(owner, step)
        assert callable(owner)
