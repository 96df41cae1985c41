"""The market beside our own: cells, names that join, penetration, white space, rivals, trends."""

from __future__ import annotations

from importlib import import_module

from segkit.core.rooms import open_room

# What other rooms ask for without asking where it stands.
_HOMES = {"MARKET_TABLES": "templates", "latest_cells": "cells", "make_key": "cells"}
_find_module, __dir__ = open_room(__name__)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return _find_module(name)
