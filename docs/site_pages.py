"""Lay out the pages of the site: those of docs/, the README by its sections, notebooks, charts.

Pages are written for a reader of the repository, so their links name files. Here each link is
turned to the page that the file became; one that leads to no page ends the build.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from api_pages import write_api
from gallery import find_charts, find_steps, read_chart_page, write_gallery

from segkit.report import STEPS

DOCS = Path(__file__).parent
ROOT = DOCS.parent
# Which page has which sections of the README; a section that is named nowhere goes to the first.
README_PAGES = {
    "guide/start": (
        "Getting started",
        ("Quickstart", "Your own shop", "In ten lines of Python", "The five steps"),
    ),
    "guide/commands": ("Commands and exit codes", ("Commands", "Exit codes")),
    "guide/models": ("Schemes and models", ("Schemes and models",)),
    "guide/large_tables": ("Large tables", ("Large tables",)),
    "guide/glossary": ("Glossary", ("Glossary",)),
    "guide/limits": ("Limits", ("Limits",)),
    "project/tree": ("What lies where", ("Tree",)),
}
FIRST = "guide/start"
# Said by the menu of the site itself.
LEFT_OUT = {"Data dictionary", "Real data"}
EXAMPLES = "guide/real_data"
# The menu. What is marked with * is a folder, in the order of its names; a page that is not there
# is left out, one that is there and not named here is a fault.
MENU = {
    "Guide": (FIRST, "library", "guide/commands", EXAMPLES, "guide/glossary", "guide/limits"),
    "The five steps": tuple(f"{title} <steps/{step}>" for step, title in STEPS.items()),
    "Data and schemes": (
        "tables",
        "data_dictionary",
        "features",
        "guide/models",
        "rules",
        "segmentation",
        "guide/large_tables",
    ),
    "The five steps in full": (
        "readiness",
        "market",
        "experience",
        "campaigns",
        "kpis",
        "targeting",
        "personas",
        "plays",
        "pricing",
        "recommendations",
        "lists",
    ),
    "Charts": ("gallery/index",),
    "Library": ("api/index", "peers"),
    "Evidence": ("trust", "benchmarks", "evidence/*"),
    "Project": (
        "decisions/index",
        "project/contributing",
        "project/changelog",
        "project/tree",
        "project/license",
    ),
}
LINK = re.compile(r"(?<=\]\()([^)#\s]*)(#[^)\s]*)?(?=\))")
FENCE = re.compile(r"^\s*(```|~~~)")


class PageError(Exception):
    """A page that cannot become one of the site."""


@dataclass(frozen=True)
class Page:
    """A page of the site: its path without ending, the file it comes from, and its text."""

    path: str
    source: str
    text: str


def lay_out_pages(target: Path) -> None:
    """Write all pages of the site as Markdown, and what they show, into the folder ``target``."""
    pages = [*collect_documents(), *collect_readme(), *collect_notebooks(), collect_examples()]
    homes = find_homes(pages)
    files = sorted(path for path in DOCS.rglob("*") if path.suffix in {".png", ".json", ".jsonl"})
    for path in files:
        copy = target / path.relative_to(DOCS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        homes[path.relative_to(ROOT).as_posix()] = ""
    for page in pages:
        _write(target, page.path, turn_links(page, homes))
    write_gallery(target / "gallery")
    write_api(target / "api")
    there = {path.relative_to(target).with_suffix("").as_posix() for path in target.rglob("*.md")}
    _write(target, "index", write_start(homes, there))


def find_homes(pages: list[Page]) -> dict[str, str]:
    """Return where each file of the repository stands in the site, for `turn_links`."""
    homes = {page.source: page.path for page in pages}
    homes["README.md"] = "index"
    homes["segkit/__init__.py"] = "api/index"
    homes["docs/gallery"] = "gallery/index"
    for name in find_charts():
        homes[f"docs/gallery/{name}.md"] = f"gallery/{name}"
    for plan in find_examples():
        homes[plan.relative_to(ROOT).as_posix()] = f"{EXAMPLES}#{plan.parent.name}"
    for path, (title, names) in README_PAGES.items():
        for name in names:
            anchor = name.lower().replace(" ", "-")
            homes[f"README.md#{anchor}"] = path if name == title else f"{path}#{anchor}"
    return homes


def _write(target: Path, path: str, text: str) -> None:
    place = target / f"{path}.md"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


def turn_links(page: Page, homes: dict[str, str]) -> str:
    """Return a page's text with its links to files turned to the site's pages of them.

    ``homes`` has the page of each file, with its heading after a # where it is part of a page, and
    nothing for a file that keeps its place under docs/.
    """

    def turn(found: re.Match) -> str:
        link, anchor = found[1], found[2] or ""
        if not link or "://" in link or link.startswith("mailto:"):
            return link + anchor
        file = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), link))
        if file + anchor in homes:
            file, anchor = file + anchor, ""
        if file not in homes:
            raise PageError(f"{page.source}: {link} leads to no page of the site")
        path, sign, heading = homes[file].partition("#")
        home = f"{path}.md" if path else posixpath.relpath(file, "docs")
        home = posixpath.relpath(home, posixpath.dirname(page.path) or ".")
        return home + sign + heading + anchor

    lines = []
    in_code = False
    for line in page.text.splitlines():
        in_code ^= bool(FENCE.match(line))
        lines.append(line if in_code else LINK.sub(turn, line))
    return "\n".join(lines) + "\n"


def collect_documents() -> list[Page]:
    """Return the pages of docs/, and those of the repository that belong to the project."""
    pages = []
    for path in sorted(DOCS.rglob("*.md")):
        place = path.relative_to(DOCS).with_suffix("").as_posix()
        if place == "index" or place.startswith("gallery/"):
            continue
        if place == "decisions/README":
            pages.append(Page("decisions/index", f"docs/{place}.md", _list_decisions(path)))
            continue
        pages.append(Page(place, f"docs/{place}.md", path.read_text(encoding="utf-8")))
    for name in ("CONTRIBUTING", "CHANGELOG"):
        text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
        pages.append(Page(f"project/{name.lower()}", f"{name}.md", text))
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    pages.append(Page("project/license", "LICENSE", f"# Licence\n\n```text\n{licence}```\n"))
    return pages


def _list_decisions(readme: Path) -> str:
    """Return the words about decisions, and under them every decision by its number."""
    names = sorted(path.stem for path in readme.parent.glob("*.md") if path.stem[0].isdigit())
    return readme.read_text(encoding="utf-8") + "\n## All of them\n\n" + _write_menu(names)


def split_sections(text: str) -> tuple[str, dict[str, str]]:
    """Return what stands before the first heading of a Markdown text, and its sections."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    names, bodies = parts[1::2], parts[2::2]
    return parts[0], dict(zip(names, (body.strip() for body in bodies), strict=True))


def collect_readme() -> list[Page]:
    """Return the README's sections, on the pages that `README_PAGES` names for them."""
    _, sections = split_sections((ROOT / "README.md").read_text(encoding="utf-8"))
    placed = {name for _, names in README_PAGES.values() for name in names} | LEFT_OUT
    further = [name for name in sections if name not in placed]
    pages = []
    for path, (title, names) in README_PAGES.items():
        own = [*names, *further] if path == FIRST else names
        parts = [f"# {title}"]
        for name in own:
            if name in sections:
                parts += [f"## {name}"] * (name != title) + [sections[name]]
        pages.append(Page(path, "README.md", "\n\n".join(parts)))
    return pages


def find_examples() -> list[Path]:
    """Return the plans for real data."""
    return sorted((ROOT / "examples").glob("*/plan.toml"))


def collect_examples() -> Page:
    """Return the page of plans for real data, each plan in full."""
    _, sections = split_sections((ROOT / "README.md").read_text(encoding="utf-8"))
    parts = ["# Plans for real data", sections["Real data"]]
    for path in find_examples():
        parts.append(f"## {path.parent.name}\n\n```toml\n{path.read_text(encoding='utf-8')}```")
    return Page(EXAMPLES, "README.md", "\n\n".join(parts))


def collect_notebooks() -> list[Page]:
    """Return a page for each step: its notebook's words and calls, and the charts it shows."""
    pages = []
    for step in STEPS:
        source = f"notebooks/{step}.ipynb"
        cells = json.loads((ROOT / source).read_text(encoding="utf-8"))["cells"]
        pages.append(Page(f"steps/{step}", source, "\n\n".join(_write_step(step, cells))))
    return pages


def _write_step(step: str, cells: list[dict]) -> list[str]:
    texts = [("".join(cell["source"]), cell["cell_type"]) for cell in cells]
    shown = [name for name in find_charts() if step in find_steps(name)]
    parts = [text if kind == "markdown" else f"```python\n{text}\n```" for text, kind in texts]
    told = [
        "What follows are the notebook's words and calls, without what they show: that is told of "
        "your own data when you run it."
    ]
    if shown:
        links = [f"[{read_chart_page(name).title}](../docs/gallery/{name}.md)" for name in shown]
        told.append(f"Charts of this step: {', '.join(links)}.")
    return [parts[0], "\n\n".join(told), *parts[1:]]


def _write_menu(names: list[str] | tuple[str, ...], *, caption: str = "") -> str:
    """Return a list of pages for Sphinx's menu; one with a caption is seen in the menu only."""
    lines = ["```{toctree}", ":maxdepth: 1"]
    if caption:
        lines += [":hidden:", f":caption: {caption}"]
    return "\n".join([*lines, "", *names, "```", ""])


def write_start(homes: dict[str, str], there: set[str]) -> str:
    """Return the first page: the README's first words, what docs/index.md says, and the menu.

    ``there`` has the paths of all other pages.
    """
    head, _ = split_sections((ROOT / "README.md").read_text(encoding="utf-8"))
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    parts = [
        turn_links(Page("index", "README.md", head), homes),
        turn_links(Page("index", "docs/index.md", text), homes),
    ]
    for caption, names in MENU.items():
        parts.append(_write_menu(_list_menu(names, there), caption=caption))
    return "\n".join(parts)


def _list_menu(names: tuple[str, ...], there: set[str]) -> list[str]:
    found = []
    for name in names:
        if name.endswith("/*"):
            found += sorted(page for page in there if page.startswith(name[:-1]))
        elif name.rpartition("<")[2].rstrip(">") in there:
            found.append(name)
    return found
