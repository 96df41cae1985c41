"""A room of the house as one name: its modules are imported when they are first asked for."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from types import ModuleType


def open_room(package: str) -> tuple[Callable[[str], ModuleType], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package that is a room.

    With them ``from segkit import report`` is enough to write ``report.sizes``, and Tab lists what
    there is. Nothing is imported before.

    Parameters
    ----------
    package : str
        The package's name, such as ``segkit.report``.

    Examples
    --------
    >>> find_module, list_modules = open_room("segkit.profiles")
    >>> find_module("sizes").__name__
    'segkit.profiles.sizes'
    >>> "sizes" in list_modules()
    True
    """

    def list_modules() -> list[str]:
        path = import_module(package).__path__
        return sorted(found.name for found in pkgutil.iter_modules(path))

    def find_module(name: str) -> ModuleType:
        if name.startswith("_") or name not in list_modules():
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return import_module(f"{package}.{name}")

    return find_module, list_modules
