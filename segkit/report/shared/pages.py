"""Executed notebook -> one offline page; facts -> the page that is read first."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from nbconvert.exporters.html import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from segkit.report import STEPS
from segkit.report.shared.empty_sections import fold_empty_sections
from segkit.report.shared.first_page import lay_out_first_page, list_steps
from segkit.report.shared.lab_cells import leave_out_lab_cells
from segkit.report.shared.tables import PAGES, TEMPLATES
from segkit.report.shared.verification import verify_page

__all__ = ["PAGE_TITLES", "list_pages", "render_index", "render_page", "verify_page"]

PAGE_TITLES = {"index": "Summary", **STEPS}  # in the order of reading
READING = "**How to read it.**"
CODE_LABELS = {"parameters": "Parameters", "injected-parameters": "Parameters of this run"}


def list_pages(steps: Sequence[str]) -> list[tuple[str, str]]:
    """Return (title, address) of the summary and of each step's page, for the navigation."""
    return [(PAGE_TITLES[name], f"{name}.html") for name in ["index", *steps]]


def render_page(
    notebook_path: str | Path,
    html_path: str | Path,
    *,
    title: str,
    navigation: Sequence[tuple[str, str]] = (),
    current: str = "",
    report: str = "",
) -> None:
    """Write an executed notebook as one page that needs nothing else; same input, same bytes.

    Code is folded away, messages on standard error and cells tagged ``lab`` are left out, sections
    that have nothing to show are one line, and the notebook's first heading becomes the only h1.

    Parameters
    ----------
    notebook_path, html_path : path
    title, report : str
        The page's name, and the report's, which is shown above the heading.
    navigation : sequence of (title, address)
        The report's pages in the order of reading.
    current : str, optional
        This page's address in ``navigation``; by default the name of ``html_path``.
    """
    page = {"title": title, "report": report, "navigation": navigation, "heading": ""}
    page |= {"current": current or Path(html_path).name, "contents": []}
    resources = {"page": page, "metadata": {"path": str(Path(notebook_path).parent)}}
    shown = ["text/html", "image/png", "image/svg+xml", "image/jpeg", "text/markdown"]
    exporter = _Exporter(template_name="segkit", extra_template_basedirs=[str(TEMPLATES.parent)])
    exporter.config.NbConvertBase.display_data_priority = [*shown, "text/latex", "text/plain"]
    exporter.register_filter("markdown_output", _render_output)
    exporter.register_filter("wrap_tables", wrap_tables)
    exporter.register_filter("name_code", name_code)
    exporter.register_filter("cut_reading", cut_reading)
    notebook = nbformat.read(notebook_path, as_version=4)
    notebook.cells = fold_empty_sections(leave_out_lab_cells(notebook.cells))
    text, _ = exporter.from_notebook_node(notebook, resources)
    Path(html_path).write_text(text.strip() + "\n", encoding="utf-8", newline="\n")


def render_index(
    plan: Any, facts: Mapping[str, Mapping], record: Mapping[str, Any], *, html_path: str | Path
) -> None:
    """Write the page that a stakeholder reads first. Whatever facts lack is left out.

    Parameters
    ----------
    plan : Plan or mapping
    facts : mapping of step to facts
        Of any step ``headline`` (findings by label) and ``findings``; of 05_analysis also
        ``verdict`` ({"answer": "yes" or "no", "text", "reasons"}), ``segments`` (records),
        ``kpis`` (records of text, measure, value_text, target_text, met), ``usefulness`` ({"text",
        "split_on"}) and ``limits``. A finding is its record, or its sentence alone.
    record : mapping
        The run's: ``tables`` (with counts of rows ``read``, ``accepted``, ``rejected``),
        ``run_id``, ``segkit_version``, ``random_state``, ``as_of``.
    html_path : path
    """
    plan = plan if isinstance(plan, Mapping) else plan.model_dump()
    page = lay_out_first_page(plan, facts, record)
    navigation = list_pages(list_steps(facts))
    text = PAGES.get_template("summary.html.j2").render(page=page, navigation=navigation)
    Path(html_path).write_text(text.strip() + "\n", encoding="utf-8", newline="\n")


def render_pointer(title: str, run_id: str, html_path: Path) -> None:
    """Write the page that leads to the publication of one run."""
    page = PAGES.get_template("pointer.html.j2").render(title=title, run_id=run_id)
    html_path.write_text(page + "\n", encoding="utf-8")


class _Renderer(IPythonRenderer):
    """Headings without anchor signs: the first is the page's h1, each h2 has an address."""

    page: dict | None = None  # without a page, a heading is only bold

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        if self.page is None:
            return f"<p><strong>{text}</strong></p>\n"
        if not self.page["heading"]:
            self.page["heading"] = text
            return ""
        if level > 2:
            return f"<h{level}>{text}</h{level}>\n"
        plain = html.unescape(re.sub(r"<[^>]+>", "", text))
        base = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "part"
        names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
        taken = {"content", *(anchor for anchor, _ in self.page["contents"])}
        anchor = next(name for name in names if name not in taken)
        self.page["contents"].append((anchor, plain))
        return f'<h2 id="{anchor}">{text}</h2>\n'


class _Exporter(HTMLExporter):
    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Turn a notebook's own words into HTML."""
        resources = context["resources"]
        attachments = context["cell"].get("attachments", {})
        options = {"path": resources["metadata"]["path"], "attachments": attachments}
        renderer = _Renderer(escape=False, embed_images=True, **options)
        renderer.page = resources["page"]
        return wrap_tables(MarkdownWithMath(renderer=renderer).render(source))


def _render_output(source: str) -> str:
    """Turn Markdown that a cell has put out into HTML; it may hold data, so it is escaped."""
    renderer = _Renderer(escape=True, allow_harmful_protocols=False)
    return wrap_tables(MarkdownWithMath(renderer=renderer).render(source))


def name_code(tags: Sequence[str]) -> str:
    """Return the words on a cell's own fold, by its tags; other code has one toggle a page.

    >>> name_code(["parameters"]), name_code([])
    ('Parameters', '')
    """
    return next((label for tag, label in CODE_LABELS.items() if tag in tags), "")


def cut_reading(source: str) -> str:
    """Return what a cell that begins so says of how to read something; empty of other cells.

    >>> cut_reading("**How to read it.** Longer is more."), cut_reading("Longer is more.")
    ('Longer is more.', '')
    """
    return source.removeprefix(READING).strip() if source.startswith(READING) else ""


def wrap_tables(markup: str) -> str:
    """Put plain tables into a frame that scrolls and that the keyboard reaches.

    >>> wrap_tables("<table></table>")
    '<div class="scroll" role="region" tabindex="0" aria-label="Table"><table></table></div>'
    """
    if 'class="scroll"' in markup or "<table" not in markup:
        return markup
    markup = re.sub(r"<style scoped>.*?</style>", "", markup, flags=re.DOTALL)
    markup = markup.replace('<table border="1" ', "<table ")
    frame = r'<div class="scroll" role="region" tabindex="0" aria-label="Table">\g<0></div>'
    return re.sub(r"<table\b.*?</table>", frame, markup, flags=re.DOTALL)
