"""The pages of the library: the front door's names, and the modules of models behind it.

What is documented is found by importing it, so a name that comes to the front door has its page.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import segkit

# Modules whose public names are documented whole, with the words of the list.
MODULES = {
    "segkit.models.kprototypes": "Clusters of numbers and categories",
    "segkit.models.latent_classes": "Classes of answers",
    "segkit.models.latent_class_estimator": "Classes of answers, as an estimator",
    "segkit.models.lifetime.peaks": "Histories of purchases, and what a fit returns",
    "segkit.models.lifetime.bg_nbd": "Purchases by BG/NBD",
    "segkit.models.lifetime.mbg_cnbd": "Purchases of customers with a rhythm",
    "segkit.models.lifetime.pareto_nbd": "Purchases by Pareto/NBD",
    "segkit.models.lifetime.gamma_gamma": "The value of a purchase",
    "segkit.models.lifetime.expectations": "What is expected of histories",
    "segkit.segmentation.documents": "The segmentation's document",
    "segkit.validation.stability": "Stability",
}
START = """# Reference of the library

Names of the front door are imported from `segkit` itself and load what they need when they are
first used. The modules below stand behind them, for those who want the models alone.
"""


def read_summary(thing: object) -> str:
    """Return the first paragraph of a docstring in one line, without marks of reST."""
    text = inspect.getdoc(thing) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")


def list_public(module: object) -> list[str]:
    """Return the public functions and classes that a module defines, in the order of its text."""
    found = []
    for name, thing in vars(module).items():
        is_kind = inspect.isfunction(thing) or inspect.isclass(thing)
        if is_kind and not name.startswith("_") and thing.__module__ == module.__name__:
            found.append(name)
    return found


def list_members(kind: type) -> list[str]:
    """Return the public methods and properties that a class of segkit defines itself."""
    kinds = (property, classmethod, staticmethod)
    found = []
    for name, thing in vars(kind).items():
        if not name.startswith("_") and (inspect.isfunction(thing) or isinstance(thing, kinds)):
            found.append(name)
    return found


def _direct(name: str, thing: object) -> list[str]:
    """Return Sphinx's directive that documents one name."""
    if inspect.isclass(thing):
        members = ", ".join(list_members(thing))
        chosen = [f"   :members: {members}"] * bool(members)
        return [f".. autoclass:: {name}", *chosen, ""]
    kind = "autofunction" if callable(thing) else "autodata"
    return [f".. {kind}:: {name}", ""]


def find_returned(names: list[str]) -> dict[str, type]:
    """Return the classes of segkit that functions of the front door return, by where they are.

    Those that have a page under their module are left out, and so are names of the front door.
    """
    known = [getattr(segkit, name) for name in names]
    found = {}
    for thing in filter(inspect.isfunction, known):
        kind = read_return(thing)
        if kind is not None and kind not in known and kind.__module__ not in MODULES:
            found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return dict(sorted(found.items()))


def read_return(function: Callable) -> type | None:
    """Return the class of segkit that a function says it returns; None for any other type."""
    told = inspect.signature(function).return_annotation
    kind = vars(sys.modules[function.__module__]).get(told)
    is_ours = inspect.isclass(kind) and kind.__module__.startswith("segkit.")
    return kind if is_ours else None


def _write_page(title: str, intro: str, directives: list[str]) -> str:
    return "\n".join([f"# {title}", "", intro, "", "```{eval-rst}", *directives, "```", ""])


def _write_names(target: Path, names: list[str], returned: dict[str, type]) -> list[str]:
    """Write a page for each name of the front door; return the table that leads to them."""
    lines = ["## The front door", "", "| name | does |", "|---|---|"]
    homes = {kind: name for name, kind in returned.items()}
    for name in names:
        thing = getattr(segkit, name)
        kind = read_return(thing) if inspect.isfunction(thing) else None
        told = f"It returns a [`{kind.__name__}`]({homes[kind]}.md)." if kind in homes else ""
        page = _write_page(f"segkit.{name}", told, _direct(f"segkit.{name}", thing))
        (target / f"{name}.md").write_text(page, encoding="utf-8")
        lines.append(f"| [`{name}`]({name}.md) | {read_summary(thing)} |")
    return lines


def _write_returned(target: Path, returned: dict[str, type]) -> list[str]:
    """Write a page for each class that is returned; return the table that leads to them."""
    if not returned:
        return []
    lines = ["", "## What they return", "", "| name | is |", "|---|---|"]
    for name, kind in returned.items():
        page = _write_page(kind.__name__, "", _direct(name, kind))
        (target / f"{name}.md").write_text(page, encoding="utf-8")
        lines.append(f"| [`{kind.__name__}`]({name}.md) | {read_summary(kind)} |")
    return lines


def _write_modules(target: Path, names: list[str]) -> list[str]:
    """Write a page for each module behind; what the front door has is told there."""
    lines = ["", "## Behind it", "", "| module | holds |", "|---|---|"]
    front = {id(getattr(segkit, name)): name for name in names}
    for name, title in MODULES.items():
        module = importlib.import_module(name)
        intro = f"`{name}`: {read_summary(module)}"
        directives = [f".. module:: {name}", "   :no-index:", ""]
        for member in list_public(module):
            thing = getattr(module, member)
            if id(thing) in front:
                door = front[id(thing)]
                intro += f"\n\n[`{door}`]({door}.md) is a name of the front door."
            else:
                directives += _direct(f"{name}.{member}", thing)
        page = _write_page(title, intro, directives)
        (target / f"{name}.md").write_text(page, encoding="utf-8")
        lines.append(f"| [{title}]({name}.md) | {read_summary(module)} |")
    return lines


def write_api(target: Path) -> None:
    """Write a page for each name of the front door, what it returns, and each module behind."""
    target.mkdir(parents=True, exist_ok=True)
    names = [name for name in segkit.__all__ if not name.startswith("_")]
    returned = find_returned(names)
    lines = [START, *_write_names(target, names, returned)]
    lines += _write_returned(target, returned)
    lines += _write_modules(target, names)
    lines += ["", "```{toctree}", ":hidden:", "", *names, *returned, *MODULES, "```", ""]
    (target / "index.md").write_text("\n".join(lines), encoding="utf-8")
