"""What all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from machine import find_program
from small_plans import shorten_plan

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each worker has one processor: threads of the two would wait for each other.
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# A clock fails no test: whoever has a busy machine would learn not to believe one.
hypothesis.settings.register_profile("segkit", deadline=None)
hypothesis.settings.load_profile("segkit")

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
QUICK_SECONDS = 2.0
ELSEWHERE = {"slow", "spark", "browser", "database"}  # what 'make test' leaves out
_started: dict[str, float] = {}
_unmarked: list[tuple[float, str]] = []


def read_processor_seconds() -> float:
    """Return what this process and its ended children used, whatever runs beside them."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _started[item.nodeid] = read_processor_seconds()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> None:
    """Add to the last report of a quick test what it used, its fixtures included."""
    if call.when == "teardown" and not ELSEWHERE & {mark.name for mark in item.iter_markers()}:
        used = read_processor_seconds() - _started.pop(item.nodeid)
        item.user_properties.append(("processor_seconds", used))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    used = dict(report.user_properties).get("processor_seconds", 0.0)
    if report.when == "teardown" and used > QUICK_SECONDS:
        _unmarked.append((used, report.nodeid))


def pytest_terminal_summary(terminalreporter) -> None:
    """Name what should be marked slow or made faster. Nothing fails by it: machines differ."""
    if _unmarked:
        terminalreporter.section(f"over {QUICK_SECONDS:g} s of a processor, and not marked slow")
        for used, name in sorted(_unmarked, reverse=True):
            terminalreporter.write_line(f"{used:6.1f} s  {name}")


@pytest.hookimpl(tryfirst=True)  # the workers read the groups, each in a hook of the same name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep in one worker what shares a fixture; begin with the files that take longest.

    Who reads the sample shop's run waits for it, and so is slow.
    """
    for item in items:
        if "sample_shop" in item.fixturenames:
            item.add_marker(pytest.mark.slow)
        if not item.get_closest_marker("xdist_group"):
            shares = "sample_shop" in item.fixturenames
            group = "sample_shop" if shares else item.nodeid.split("::")[0]
            item.add_marker(pytest.mark.xdist_group(group))
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def sample_shop(tmp_path_factory) -> Path:
    """A folder with a small sample shop that was run; for reading, so take a copy to change it.

    ``outcome.json`` is what the run answered.
    """
    from segkit.data.sample import make_sample

    folder = tmp_path_factory.mktemp("sample_shop")
    plan = shorten_plan((ROOT / "plan.toml").read_text(encoding="utf-8"))
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    make_sample(folder / "data" / "sample", customers=600)
    command = [sys.executable, "-m", "segkit.cli", "run", "--json", "--set", "bootstrap_pairs=4"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    (folder / "outcome.json").write_text(result.stdout, encoding="utf-8")
    return folder


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
