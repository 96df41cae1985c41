"""The gallery: a page for each chart of the reports, its picture drawn when the site is built.

Words stand in docs/gallery/NAME.md under three headings; the picture is drawn from a small finished
table of a shop that does not exist, by the same function that draws the report's.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gallery_drawings import DRAWINGS
from matplotlib.axes import Axes

import segkit.report
from segkit.report import STEPS
from segkit.report.shared.figures import render_chart

DOCS = Path(__file__).parent
TEXTS = DOCS / "gallery"
NOTEBOOKS = DOCS.parent / "notebooks"
HEADINGS = ("What it shows", "How to read it", "What to do next")
START = """# The gallery of charts

Each chart of a report has a page: what it shows, how to read it, and what to do next. The pictures
are drawn when this site is built, from small made-up tables, by the functions that draw a report's.
"""
SHARED = "In several steps"


@dataclass(frozen=True)
class ChartPage:
    """What docs/gallery says of one chart: its title, and the text under each heading."""

    title: str
    sections: dict[str, str]


@functools.cache
def find_charts() -> dict[str, Callable[..., Axes]]:
    """Return the public functions of segkit.report that draw a chart, by name."""
    found = {}
    for info in pkgutil.walk_packages(segkit.report.__path__, "segkit.report."):
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            if name.startswith("plot_") and inspect.getmodule(thing) is module:
                found[name] = thing
    return dict(sorted(found.items()))


def read_chart_page(name: str) -> ChartPage:
    """Return what docs/gallery says of a chart."""
    text = (TEXTS / f"{name}.md").read_text(encoding="utf-8")
    head, *parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    bodies = [body.strip() for body in parts[1::2]]
    return ChartPage(head.strip().removeprefix("# "), dict(zip(parts[::2], bodies, strict=True)))


def find_steps(name: str) -> list[str]:
    """Return the steps whose notebooks show a chart, by its name or by a function that draws it."""
    calls = "|".join([rf"\b{name}\b", *map(re.escape, _list_callers(name))])
    paths = [(step, NOTEBOOKS / f"{step}.ipynb") for step in STEPS]
    return [step for step, path in paths if re.search(calls, path.read_text(encoding="utf-8"))]


def _list_callers(name: str) -> list[str]:
    """Return the functions that lay out a chart among other things, as notebooks call them."""
    module = inspect.getmodule(find_charts()[name])
    found = []
    for caller, thing in vars(module).items():
        is_own = inspect.isfunction(thing) and thing.__module__ == module.__name__
        if is_own and not caller.startswith(("_", "plot_")) and name in thing.__code__.co_names:
            found.append(f"{module.__name__.rpartition('.')[2]}.{caller}(")
    return found


def write_gallery(target: Path) -> None:
    """Draw every chart and write its page, and the page that leads to them."""
    target.mkdir(parents=True, exist_ok=True)
    charts = find_charts()
    for name, chart in charts.items():
        axes = DRAWINGS[name]()
        picture, width, _ = render_chart(axes)
        (target / f"{name}.png").write_bytes(picture)
        text = write_chart_page(name, chart, alt=axes.figure._segkit_alt, width=width)
        (target / f"{name}.md").write_text(text, encoding="utf-8")
    (target / "index.md").write_text(write_start(list(charts)), encoding="utf-8")


def write_chart_page(name: str, chart: Callable[..., Axes], *, alt: str, width: int) -> str:
    """Return a chart's page: picture, the three texts, where it is shown, and its call."""
    page = read_chart_page(name)
    alt = alt.replace("\n", " ")
    parts = [f"# {page.title}", f"```{{image}} {name}.png\n:alt: {alt}\n:width: {width}px\n```"]
    for heading in HEADINGS:
        parts += [f"## {heading}", page.sections[heading]]
    steps = [f"[{STEPS[step]}](../steps/{step}.md)" for step in find_steps(name)]
    parts.append("## The call")
    if steps:
        parts.append(f"Shown in the notebook of: {', '.join(steps)}.")
    parts.append(f"```{{eval-rst}}\n.. autofunction:: {chart.__module__}.{name}\n```")
    return "\n\n".join(parts) + "\n"


def write_start(names: list[str]) -> str:
    """Return the page that leads to all charts, by the step that shows them first."""
    groups: dict[str, list[str]] = {title: [] for title in [*STEPS.values(), SHARED]}
    for name in names:
        steps = find_steps(name)
        groups[STEPS[steps[0]] if steps else SHARED].append(name)
    parts = [START]
    menu = ["```{toctree}", ":hidden:", ""]
    for title, own in groups.items():
        if own:
            parts += [f"## {title}", _write_tiles(own)]
            menu += own
    return "\n\n".join([*parts, "\n".join([*menu, "```"])]) + "\n"


def _write_tiles(names: list[str]) -> str:
    """Return a picture and a title for each chart, both a link to its page."""
    tiles = []
    for name in names:
        tiles.append(f"- [![]({name}.png) **{read_chart_page(name).title}**]({name}.md)")
    return "\n".join(["```{container} charts", *tiles, "```"])
