"""What is installed is called segkit-workbench: `segkit` on the public index is somebody else's."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from segkit.core.errors import SegkitError
from segkit.data.engine import start_spark
from segkit.plan.models import Engine

ROOT = Path(__file__).parent.parent
OURS = "segkit-workbench"
OTHER = "segkit"  # not written out below, so that this file passes its own test
WORDS = r"[ \n]+[-\w.,=<>~!/\[\]'\"]+"  # options and other packages, also on the next line
NAME = rf"[ \n]+['\"]?{OTHER}(?![\w./-])"
TAKES_THE_OTHER = re.compile(
    rf"\b(?:install|download|uv(?: pip)? add|uvx|pipx run)(?:{WORDS}){{0,6}}?{NAME}"
    rf"|(?<![\w/.-]){OTHER}\[[a-z]"
    rf"|(?<![\w/.-]){OTHER} ?[=<>~!]=? ?\d"
    rf"|\b(?:version|distribution|metadata|requires)\(['\"]{OTHER}['\"]\)"
)


def list_texts() -> list[Path]:
    """Return the project's files that hold text, those not yet committed included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096]]


def test_the_distribution_has_its_own_name_and_the_command_keeps_the_short_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == OURS
    assert project["scripts"] == {"segkit": "segkit.cli:main"}
    assert (ROOT / "segkit" / "__init__.py").is_file()


@pytest.mark.parametrize(
    "text",
    [
        f"pip install {OTHER}",
        f"pip install '{OTHER}[spark]'",
        f"python -m pip install --quiet -U polars {OTHER}==0.1.0",
        f"to begin, pip install\n{OTHER}, then",
        f"conda install -c conda-forge {OTHER}",
        f"uv pip install {OTHER}",
        f"uv add {OTHER}",
        f"dependencies = ['{OTHER}>=0.1']",
        f"importlib.metadata.version('{OTHER}')",
        f"needs {OTHER}[spark]",
    ],
)
def test_a_text_that_brings_the_other_distribution_is_found(text):
    assert TAKES_THE_OTHER.search(text)


@pytest.mark.parametrize(
    "text",
    [
        f"pip install '{OURS}[spark]'",
        f"pip install {OURS}",
        f"pip install --no-deps -e .`. After any of these, `{OTHER} run`",
        f"pip install ./dist/{OTHER}_workbench-0.1.0-py3-none-any.whl",
        f"import {OTHER}\n{OTHER}.fit_segmentation(table)",
        f'files("{OTHER}") / "style"',
        f"ruff check {OTHER} tests",
    ],
)
def test_a_text_about_the_package_is_let_be(text):
    assert not TAKES_THE_OTHER.search(text)


def test_no_text_of_the_project_brings_the_other_distribution():
    texts = list_texts()
    assert ROOT / "README.md" in texts
    assert Path(__file__) in texts
    for path in texts:
        found = TAKES_THE_OTHER.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path.relative_to(ROOT)}: {found[0]!r}; what is installed is {OURS}"


def test_without_pyspark_the_message_names_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(SegkitError) as caught:
        start_spark(Engine(connection="local[2]"))
    assert f"pip install '{OURS}[spark]'" in str(caught.value)


def test_the_readme_says_that_the_two_must_not_be_installed_together():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"`{OURS}`" in readme
    assert "must not be installed together" in readme
