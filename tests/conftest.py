"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine import find_program

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
    find_program("java")
    from segkit.data.engine import start_spark
    from segkit.plan.models import Engine

    return start_spark(Engine(connection="local[2]"))
