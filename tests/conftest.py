"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from machine import find_program

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each worker has one processor: threads of the two would wait for each other.
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests with one worker, unless they name a group; files with slow ones first."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


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
