"""What all tests share."""

from __future__ import annotations

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


@pytest.fixture(scope="session")
def spark():
    """Return the one local Spark session of all tests, for starting it takes longest."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    from segkit.data.engine import start_spark
    from segkit.plan import Engine

    session = start_spark(Engine(connection="local[2]"))
    yield session
    session.stop()
