"""What the machine must have for some tests."""

from __future__ import annotations

import os
import shutil

import pytest


def find_program(*names: str) -> str:
    """Return the path of the first that is installed; without one skip, but fail in CI."""
    for name in names:
        if path := shutil.which(name):
            return path
    reason = f"{names[0]} is not installed"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    return pytest.skip(reason)
