"""The pages say what the code does."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
from generate import PAGES, collect_features, list_dialects  # noqa: E402

from segkit.contract.features import FEATURES  # noqa: E402

MARKDOWN = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "reports" / "README.md"]


# Of the features every expression is compiled for every dialect.
SLOW_PAGES = {"features.md": pytest.mark.slow}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW_PAGES.get(name, ())) for name in PAGES]
)
def test_a_generated_page_is_current(name):
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert page == PAGES[name](), "run 'make docs'"


@pytest.mark.slow
def test_every_feature_compiles_for_every_dialect():
    features = collect_features()
    # Predictions are no expressions, and territories are the plan's own.
    fitted = {"expected_order_count", "active_probability", "lifetime_value", "territory"}
    assert set(FEATURES) - fitted <= set(features.columns)
    assert set(list_dialects(features).values()) == {""}
    odd = features.mutate(spread=features.order_count.kurtosis().over())
    assert "Kurtosis" in list_dialects(odd)["postgres"]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), target


def test_the_readme_names_make_targets_and_commands_that_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z-]+)", "\n".join(re.findall(r"`[^`]+`", readme)))):
        assert re.search(rf"^{target}:", makefile, flags=re.M), target
    from typer.main import get_command

    from segkit.cli import app

    commands = set(get_command(app).commands)
    named = set(
        re.findall(
            r"(?<!from )segkit ([a-z]+)\b(?=[ `\n])", "\n".join(re.findall(r"`[^`]+`", readme))
        )
    )
    assert named, "the README shows no command"
    assert named <= commands, named - commands


def test_every_command_is_in_the_readme():
    from typer.main import get_command

    from segkit.cli import app

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in get_command(app).commands:
        assert f"segkit {command}" in readme, command


def test_each_decision_says_why():
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert "## Why" in text, path.name
