"""pyproject.toml, requirements.lock and environment.yml say the same."""

from __future__ import annotations

import itertools
import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from _pytest.mark.expression import Expression
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


WITHOUT_ADDRESS = [
    "Makefile",
    ".ci/run",
    ".ci/try-wheel",
    ".ci/with-environment",
    ".github/workflows/ci.yml",
    ".github/workflows/release.yml",
    ".pre-commit-config.yaml",
    "pyproject.toml",
    "environment.yml",
]


@pytest.mark.parametrize("file", WITHOUT_ADDRESS)
def test_no_registry_address_stands_in_a_file(file):
    text = (ROOT / file).read_text()
    assert "://" not in text
    assert "index-url" not in text


def read_variable(name: str) -> str:
    """Return what a variable of the Makefile is, those in it filled in."""
    text = (ROOT / "Makefile").read_text()
    value = re.search(rf"^{name} := (.+)$", text, flags=re.M)[1]
    return re.sub(r"\$\((\w+)\)", lambda other: read_variable(other[1]), value)


def read_recipe(target: str) -> str:
    text = (ROOT / "Makefile").read_text()
    return re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, flags=re.M)[1]


def read_selections(target: str) -> list[Expression]:
    """Return what each call of pytest in a target selects by marks."""
    found = re.findall(r'-m pytest -m "(.+?)"', read_recipe(target))
    filled = [re.sub(r"\$\((\w+)\)", lambda name: read_variable(name[1]), one) for one in found]
    return [Expression.compile(one) for one in filled]


def list_combinations() -> list[set[str]]:
    """Return every set of the marks that a test may have."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]
    marks = [line.split(":")[0] for line in settings["ini_options"]["markers"]]
    counts = range(len(marks) + 1)
    return [{*some} for count in counts for some in itertools.combinations(marks, count)]


def is_selected(expression: Expression, marks: set[str]) -> bool:
    return expression.evaluate(lambda name, **_: name in marks)


def test_the_parts_of_make_test_all_are_the_whole_suite_once():
    *side_by_side, alone = read_selections("test-all")
    for marks in list_combinations():
        assert sum(is_selected(part, marks) for part in (*side_by_side, alone)) == 1, marks
        assert is_selected(alone, marks) == bool(marks & {"serial", "spark"}), marks


def test_the_two_parts_of_make_test_are_what_is_quick_once_each():
    side_by_side, alone = read_selections("test")
    for marks in list_combinations():
        is_quick = not marks & {"slow", "spark", "browser", "database"}
        parts = [is_selected(part, marks) for part in (side_by_side, alone)]
        assert sum(parts) == is_quick, marks
        assert not parts[0] or "serial" not in marks


def test_pytest_by_itself_runs_what_make_test_runs():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]
    assert f"-m={read_variable('QUICK')}" in settings["ini_options"]["addopts"]


@pytest.mark.parametrize("target", ["test", "test-all"])
def test_a_failure_in_one_part_is_one_of_the_whole(target):
    *side_by_side, alone, last = read_recipe(target).strip().splitlines()[1:]
    assert all(part.count("$(SIDE_BY_SIDE)") == 1 for part in side_by_side)
    assert "$(SIDE_BY_SIDE)" not in alone
    assert all(part.endswith("|| failed=1; \\") for part in (*side_by_side, alone))
    assert last == "\texit $$failed"
    assert read_variable("SIDE_BY_SIDE").startswith("-n 2 --dist loadgroup ")


def test_continuous_integration_calls_what_the_readme_says():
    called = re.findall(r"^make ([\w-]+)$", (ROOT / ".ci/run").read_text(), flags=re.M)
    assert called[0] == "lint"
    assert called[-1] == "test-all"
    readme = (ROOT / "README.md").read_text()
    assert set(re.findall(r"^make (test[\w-]*)", readme, flags=re.M)) == {"test", "test-all"}


def test_a_commit_is_looked_at_by_what_make_lint_calls():
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = configuration["repos"]
    assert repository["repo"] == "local"
    hooks = repository["hooks"]
    assert all(hook["language"] == "system" for hook in hooks)
    called = [hook["entry"].removeprefix(".ci/with-environment ").split() for hook in hooks]
    linted = re.findall(r"\$\(BIN\)/([\w-]+(?: (?!-)\w+)?)", read_recipe("lint"))
    short = [" ".join(word for word in words if not word.startswith("-")) for words in called]
    assert short == ["ruff check", "ruff format", "nbstripout"]
    assert set(short) <= set(linted)
    assert {words[0] for words in called} <= read_declared().keys()


def read_workflow(name: str) -> dict:
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    return yaml.safe_load(text)["jobs"]


@pytest.mark.parametrize(("name", "job"), [("ci.yml", "quick"), ("release.yml", "try")])
def test_each_python_that_is_promised_is_tried(name, job):
    tried = read_workflow(name)[job]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = Requirement(f"python{project['requires-python']}").specifier
    assert tried == ["3.11", "3.12", "3.13"]
    assert all(promised.contains(version) for version in tried)
    assert not promised.contains("3.10")


def test_nothing_is_published_that_was_not_checked_and_tried():
    jobs = read_workflow("release.yml")
    steps = [step.get("run", "") for step in jobs["build"]["steps"]]
    assert steps.index("python -m build") < steps.index("python -m twine check --strict dist/*")
    assert jobs["try"]["needs"] == "build"
    assert jobs["try"]["steps"][-1]["run"].split()[0] == ".ci/try-wheel"
    assert jobs["publish"]["needs"] == "try"
    assert jobs["publish"]["if"] == "github.ref_type == 'tag'"
    assert os.access(ROOT / ".ci/try-wheel", os.X_OK)
