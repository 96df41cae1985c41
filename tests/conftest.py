"""What all tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture
def shared_data():
    """Return a function that gives the path of a real data file, or skips with the reason."""

    def find(name: str) -> Path:
        if not (SHARED / name).exists():
            pytest.skip(f"real data is absent: ../shared/data/{name}")
        return SHARED / name

    return find


@pytest.fixture
def spark():
    """Return the local Spark session: the one that there is, or a new one if a test stopped it."""
    if shutil.which("java") is None:
        reason = "Java is not installed, which Spark needs"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from segkit.data.engine import start_spark
    from segkit.plan import Engine

    return start_spark(Engine(connection="local[2]"))
