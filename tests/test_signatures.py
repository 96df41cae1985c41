"""A call reads without looking up what is called: three arguments by place, others by name."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_BY_PLACE = 3
# Loops that numba compiles take no keyword arguments; pyproject.toml says the same to ruff.
RUFF = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
COMPILED = {
    ROOT / path
    for path, rules in RUFF["lint"]["per-file-ignores"].items()
    if path.startswith("segkit/models/") and "PLR0917" in rules
}
MODULES = sorted(set((ROOT / "segkit").rglob("*.py")) - COMPILED)


def is_public(name: str) -> bool:
    return name == "__init__" or not name.startswith("_")


def list_functions(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield public functions with their names; of public classes the methods and what makes one."""
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from list_functions([*node.body, *node.orelse], owner)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from list_functions(node.body, f"{owner}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_public(node.name):
            yield owner + node.name, node


def count_by_place(name: str, function: ast.FunctionDef) -> int:
    """Return how many arguments a call may give by place, the object of a method not counted."""
    static = any(
        isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list
    )
    is_bound = "." in name and not static
    return len(function.args.posonlyargs) + len(function.args.args) - is_bound


def find_long(source: str) -> list[str]:
    """Return the public functions that take too many arguments by place."""
    functions = list_functions(ast.parse(source).body)
    return [name for name, function in functions if count_by_place(name, function) > MOST_BY_PLACE]


def test_a_public_function_takes_at_most_three_arguments_by_place():
    long = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in MODULES
        for name in find_long(path.read_text(encoding="utf-8"))
    }
    assert len(MODULES) > 100
    assert long == set(), "name the others, after a *"


def test_what_takes_a_fourth_by_place_is_found_wherever_it_stands():
    source = """
def draw(a, b, c, d=1): ...
def _draw(a, b, c, d): ...
def place(a, b, /, c, *, d): ...
if True:
    def choose(a, b, /, c, d): ...
class Shop:
    def __init__(self, a, b, c, d): ...
    def open(self, a, b, c): ...
    @staticmethod
    def count(a, b, c, d): ...
    @classmethod
    def read(cls, a, b, c): ...
class _Shop:
    def close(self, a, b, c, d): ...
"""
    assert find_long(source) == ["draw", "choose", "Shop.__init__", "Shop.count"]


def test_only_compiled_loops_are_let_be():
    for path in COMPILED:
        assert path.is_file(), path
    assert len(COMPILED) <= 2
