"""A published report to attack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def report(sample_shop) -> Path:
    """The published report of the small sample shop."""
    return Path(
        json.loads((sample_shop / "outcome.json").read_text(encoding="utf-8"))["index"]
    ).parent
