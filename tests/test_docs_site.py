"""The site is whole: every chart has its page, every link leads somewhere, nothing is fetched."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import segkit
import segkit.models

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))

import site_pages  # noqa: E402
from api_pages import MODULES, find_returned, list_members, list_public, read_return  # noqa: E402
from check_site import find_site_faults  # noqa: E402
from gallery import HEADINGS, find_charts, find_steps, read_chart_page  # noqa: E402
from gallery_drawings import DRAWINGS  # noqa: E402
from site_pages import Page, PageError, collect_readme, turn_links  # noqa: E402

CHARTS = sorted(find_charts())
PLAIN = '<html><head></head><body><h1 id="top">Start</h1>{}</body></html>'


def write_site(folder: Path, **pages: str) -> Path:
    """Write pages by their names; ``index`` links to what it is told to."""
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(PLAIN.format(body), encoding="utf-8")
    return folder


def test_every_chart_of_the_reports_has_a_page_and_a_drawing_and_no_page_lacks_its_chart():
    assert len(CHARTS) > 20
    assert sorted(path.stem for path in (DOCS / "gallery").glob("*.md")) == CHARTS
    assert sorted(DRAWINGS) == CHARTS


@pytest.mark.parametrize("name", CHARTS)
def test_a_charts_page_says_what_it_shows_how_to_read_it_and_what_to_do_next(name):
    page = read_chart_page(name)
    assert page.title
    assert tuple(page.sections) == HEADINGS
    for heading, text in page.sections.items():
        assert len(text.split()) > 10, heading


@pytest.mark.parametrize("name", CHARTS)
def test_no_figure_that_the_code_knows_is_typed_into_a_charts_page(name):
    assert not re.search(r"\d", (DOCS / "gallery" / f"{name}.md").read_text(encoding="utf-8"))


def test_charts_have_titles_of_their_own():
    titles = [read_chart_page(name).title for name in CHARTS]
    assert len(set(titles)) == len(titles)


def test_a_chart_is_found_in_the_steps_that_call_it():
    assert find_steps("plot_quality") == ["01_plan"]
    # Not those that call a function of a longer name.
    assert find_steps("plot_trend") == []
    # Drawn by a function that lays out a base with its findings and its table.
    assert find_steps("plot_base") == ["03_base_analysis", "04_experience_data"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CHARTS)
def test_a_drawing_says_in_words_what_it_shows(name):
    assert len(DRAWINGS[name]().figure._segkit_alt) > 30


def test_a_link_to_a_file_becomes_one_to_its_page():
    homes = {"docs/rules.md": "rules", "README.md": "index", "docs/a.json": ""}
    homes["README.md#limits"] = "guide/limits"
    page = Page("steps/01", "notebooks/01.ipynb", "")

    def turn(text: str) -> str:
        return turn_links(Page(page.path, page.source, text), homes).strip()

    assert turn("[r](../docs/rules.md)") == "[r](../rules.md)"
    assert turn("[r](../docs/rules.md#conditions)") == "[r](../rules.md#conditions)"
    assert turn("[r](../README.md#limits)") == "[r](../guide/limits.md)"
    assert turn("[j](../docs/a.json)") == "[j](../a.json)"
    assert turn("[w](https://example.org/a.md)") == "[w](https://example.org/a.md)"
    assert turn("[h](#here)") == "[h](#here)"


def test_code_that_looks_like_a_link_is_left_as_it_is():
    text = "```python\ncalls[0](gone.md)\n```\n"
    assert turn_links(Page("a", "docs/a.md", text), {}) == text


def test_a_link_to_what_the_site_does_not_have_is_refused():
    with pytest.raises(PageError, match=r"docs/a\.md: gone\.md leads to no page"):
        turn_links(Page("a", "docs/a.md", "[g](gone.md)"), {})


def test_every_section_of_the_readme_is_somewhere_also_one_that_is_new(monkeypatch, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme + "\n## Something new\n\nSaid here.\n")
    monkeypatch.setattr(site_pages, "ROOT", tmp_path)
    pages = {page.path: page.text for page in collect_readme()}
    assert "## Something new\n\nSaid here." in pages[site_pages.FIRST]
    told = "\n".join(pages.values())
    for name, text in site_pages.split_sections(readme)[1].items():
        assert name in site_pages.LEFT_OUT or text in told, name


def test_what_a_class_inherits_is_not_documented_as_its_own():
    class Parent:
        def old(self): ...

    class Child(Parent):
        size = 3

        def new(self): ...

        def _inner(self): ...

        @property
        def width(self): ...

    assert list_members(Child) == ["new", "width"]


def test_every_estimator_is_documented():
    found = set()
    for info in pkgutil.walk_packages(segkit.models.__path__, "segkit.models."):
        for kind in vars(importlib.import_module(info.name)).values():
            if inspect.isclass(kind) and issubclass(kind, BaseEstimator):
                found.add(kind.__module__)
    found = {name for name in found if name.startswith("segkit.")}
    assert "segkit.models.kprototypes" in found
    assert found <= set(MODULES)


def test_what_a_function_of_the_front_door_returns_is_found():
    assert read_return(segkit.judge_segmentation).__name__ == "Judgement"
    assert read_return(segkit.size_segments) is None  # a DataFrame is no class of segkit
    found = find_returned(segkit.__all__)
    assert "segkit.library.judging.Judgement" in found
    # It has its place on the page of its module.
    assert not any(name.endswith(".Segmentation") for name in found)


def test_what_a_module_imports_is_not_documented_as_its_own():
    from segkit.models import kprototypes

    assert "KPrototypes" in list_public(kprototypes)
    assert "BaseEstimator" not in list_public(kprototypes)


def test_a_whole_site_has_no_fault(tmp_path):
    more = '<a href="b.html#part">b</a><a href="https://example.org">away</a><a href="#top">up</a>'
    write_site(tmp_path, index=more, b='<h2 id="part">Part</h2><a href="index.html">back</a>')
    assert find_site_faults(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.html">g</a>', "index.html links to gone.html, which is not there"),
        ('<a href="#gone">g</a>', "index.html links to #gone, which has no such heading"),
        ('<a href="../up.html">g</a>', "index.html links to ../up.html, which is not there"),
        ('<img src="no.png">', "index.html loads no.png, which is not there"),
        (
            '<script src="https://cdn.example.org/a.js"></script>',
            "index.html loads https://cdn.example.org/a.js from elsewhere",
        ),
        (
            '<link rel="stylesheet" href="//fonts.example.org/f.css">',
            "index.html loads //fonts.example.org/f.css from elsewhere",
        ),
        (
            '<img srcset="https://example.org/a.png 2x">',
            "index.html loads https://example.org/a.png from elsewhere",
        ),
    ],
)
def test_a_fault_of_the_site_is_told(tmp_path, body, fault):
    write_site(tmp_path, index=body)
    assert find_site_faults(tmp_path) == [fault]


def test_a_page_that_no_link_leads_to_is_told(tmp_path):
    write_site(tmp_path, index="", alone='<a href="index.html">back</a>')
    assert find_site_faults(tmp_path) == ["no link leads to alone.html"]


@pytest.mark.parametrize(
    "style",
    ["@import 'https://example.org/f.css';", "body { background: url(https://example.org/f.css) }"],
)
def test_a_style_that_fetches_is_told(tmp_path, style):
    write_site(tmp_path, index="")
    (tmp_path / "own.css").write_text(style, encoding="utf-8")
    assert find_site_faults(tmp_path) == ["own.css loads https://example.org/f.css from elsewhere"]


def test_what_builds_the_site_is_part_of_what_developers_install():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = project["optional-dependencies"]
    assert set(groups["docs"]) <= set(groups["dev"])


# Whatever would open a connection fails, in the process that builds.
OFFLINE = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError(f"the network was asked for: {args}")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
sys.path.insert(0, sys.argv[1])
import build_site
from pathlib import Path
for fault in getattr(build_site, sys.argv[2])(Path(sys.argv[3])):
    print(fault)
"""


def build_offline(work: str, target: Path) -> tuple[str, str]:
    """Run a function of build_site without a network; return its faults and what Sphinx said."""
    command = [sys.executable, "-c", OFFLINE, str(DOCS), work, str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.slow
def test_a_dead_link_and_a_page_in_no_menu_end_the_build(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.md").write_text("# Start\n\n[gone](other.md#nowhere)\n", encoding="utf-8")
    (source / "other.md").write_text("# Other\n\nWords.\n", encoding="utf-8")
    faults, said = build_offline("write_html", tmp_path)
    assert faults.strip() == "Sphinx warned, see above"
    assert "nowhere" in said
    assert "other.md: WARNING: document isn't included in any toctree" in said


@pytest.mark.slow
def test_the_site_is_built_without_a_network_and_has_what_there_is_to_know(tmp_path):
    faults, said = build_offline("build_site", tmp_path)
    assert not faults, faults + said
    html = tmp_path / "html"
    for name in segkit.__all__:
        page = (html / "api" / f"{name}.html").read_text(encoding="utf-8")
        assert f'id="segkit.{name}"' in page, name
    for name in CHARTS:
        page = (html / "gallery" / f"{name}.html").read_text(encoding="utf-8")
        assert f"{name}.png" in page
        assert 'alt=""' not in page
    menu = (html / "decisions" / "index.html").read_text(encoding="utf-8")
    for path in (DOCS / "decisions").glob("[0-9]*.md"):
        assert f'href="{path.stem}.html"' in menu, path.name
    for path in html.rglob("*.html"):
        assert str(ROOT) not in path.read_text(encoding="utf-8"), path
