"""The pages of the library: the front door's names, and the modules of models behind it.

What is documented is found by importing it, so a name that comes to the front door has its page.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import segkit

# Modules whose public names are documented whole, with the words of the list.
MODULES = {
    "segkit.models.kprototypes": "Clusters of numbers and categories",
    "segkit.models.latent_classes": "Classes of answers",
    "segkit.models.lifetime.peaks": "Histories of purchases, and what a fit returns",
    "segkit.models.lifetime.bg_nbd": "Purchases by BG/NBD",
    "segkit.models.lifetime.mbg_cnbd": "Purchases of customers with a rhythm",
    "segkit.models.lifetime.pareto_nbd": "Purchases by Pareto/NBD",
    "segkit.models.lifetime.gamma_gamma": "The value of a purchase",
    "segkit.segmentation.documents": "The segmentation's document",
    "segkit.validation.stability": "Stability",
}
START = """# The library

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


def _write_page(title: str, intro: str, directives: list[str]) -> str:
    return "\n".join([f"# {title}", "", intro, "", "```{eval-rst}", *directives, "```", ""])


def write_api(target: Path) -> list[str]:
    """Write a page for each name of the front door and each module; return the pages' names."""
    target.mkdir(parents=True, exist_ok=True)
    names = [name for name in segkit.__all__ if not name.startswith("_")]
    lines = [START, "## The front door", "", "| name | does |", "|---|---|"]
    for name in names:
        thing = getattr(segkit, name)
        page = _write_page(f"segkit.{name}", "", _direct(f"segkit.{name}", thing))
        (target / f"{name}.md").write_text(page, encoding="utf-8")
        lines.append(f"| [`{name}`]({name}.md) | {read_summary(thing)} |")
    lines += ["", "## Behind it", "", "| module | holds |", "|---|---|"]
    for name, title in MODULES.items():
        module = importlib.import_module(name)
        directives = [f".. module:: {name}", "   :no-index:", ""]
        for member in list_public(module):
            directives += _direct(f"{name}.{member}", getattr(module, member))
        page = _write_page(title, f"`{name}`: {read_summary(module)}", directives)
        (target / f"{name}.md").write_text(page, encoding="utf-8")
        lines.append(f"| [{title}]({name}.md) | {read_summary(module)} |")
    pages = [*names, *MODULES]
    menu = ["", "```{toctree}", ":hidden:", "", *pages, "```", ""]
    (target / "index.md").write_text("\n".join([*lines, *menu]), encoding="utf-8")
    return pages
