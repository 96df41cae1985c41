"""pyproject.toml, requirements.lock and environment.yml say the same."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
CONDA_NAMES = {"python-duckdb": "duckdb"}


def read_declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def read_locked() -> dict[str, list[str]]:
    locked: dict[str, list[str]] = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if match := re.match(r"([\w.-]+)==([\w.]+)", line):
            locked.setdefault(canonicalize_name(match[1]), []).append(match[2])
    return locked


def test_the_lock_satisfies_every_declared_dependency():
    locked = read_locked()
    for name, requirement in read_declared().items():
        assert name in locked, f"{name} is not in requirements.lock: run 'make lock'"
        for version in locked[name]:
            assert requirement.specifier.contains(Version(version)), (name, version)


def test_every_locked_package_has_a_hash_and_no_address():
    text = (ROOT / "requirements.lock").read_text()
    pins = re.split(r"\n(?=[\w.-]+==)", text.strip())
    assert len(pins) == len(re.findall(r"^[\w.-]+==", text, flags=re.M))
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in text
    assert "index-url" not in text


def test_conda_users_get_the_same_ranges():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    lines = [e for e in entries if isinstance(e, str) and e not in ("pip", "make")]
    lines += next(e["pip"] for e in entries if isinstance(e, dict))
    conda = {}
    for line in lines:
        requirement = Requirement(line)
        conda[canonicalize_name(CONDA_NAMES.get(requirement.name, requirement.name))] = requirement
    python = conda.pop("python")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert str(python.specifier) == project["requires-python"]
    declared = read_declared()
    assert conda.keys() == declared.keys()
    for name, requirement in conda.items():
        assert requirement.specifier == declared[name].specifier, name


@pytest.mark.parametrize("file", ["Makefile", ".ci/run", "pyproject.toml", "environment.yml"])
def test_no_registry_address_stands_in_a_file(file):
    text = (ROOT / file).read_text()
    assert "://" not in text
    assert "index-url" not in text


def test_the_two_parts_of_make_test_are_the_whole_suite():
    text = (ROOT / "Makefile").read_text()
    alone = re.search(r"^ALONE := (.+)$", text, flags=re.M)[1]
    side_by_side, one_by_one = re.findall(r"-m pytest (.+?) \|\| failed=1", text)
    assert side_by_side == '-m "not ($(ALONE))" $(SIDE_BY_SIDE)'
    assert one_by_one == '-m "$(ALONE)"'
    assert set(re.findall(r"\w+", alone)) - {"or"} == {"serial", "spark"}
