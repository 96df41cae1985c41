"""Sections of a page that have nothing to show: each is one line that opens to what it would ask.

A section of a notebook folds if everything that it shows is an absence: an empty table, a chart of
one, or a finding that says why there is none. In a section that shows something beside, each reason
stands once.
"""

from __future__ import annotations

import copy
import html
import itertools
import re
from collections.abc import Iterator, Sequence

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from segkit.contract.tables import TABLES
from segkit.report.shared.figures import ABSENT

HEADING = "## "
SHOWN = ("display_data", "execute_result")


def fold_empty_sections(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return the cells of a notebook, sections that show nothing as one line each."""
    kept = []
    for section in _split_sections(cells):
        reasons = _list_absences(section) if section[0].source.startswith(HEADING) else []
        kept += [_fold(section, reasons)] if reasons else _tell_once(section)
    return kept


def _split_sections(cells: Sequence[NotebookNode]) -> Iterator[list[NotebookNode]]:
    """Yield the cells from one heading of the second level to the next."""
    section: list[NotebookNode] = []
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith(HEADING) and section:
            yield section
            section = []
        section.append(cell)
    if section:
        yield section


def _list_absences(section: Sequence[NotebookNode]) -> list[str]:
    """Return why each output of a section is empty; nothing where one is not, or there is none."""
    outputs = itertools.chain.from_iterable(cell.get("outputs", []) for cell in section)
    shown = [output for output in outputs if output.output_type in SHOWN]
    reasons = [_find_absence(output) for output in shown]
    return reasons if all(reasons) else []


def _tell_once(section: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return a section without outputs that are empty for a reason that was told before."""
    told: set[str] = set()
    cells = []
    for cell in section:
        if cell.cell_type == "code":
            reasons = [_find_absence(output) for output in cell.outputs]
            cell = copy.copy(cell)
            cell["outputs"] = [
                output
                for place, output in enumerate(cell.outputs)
                if not reasons[place] or reasons[place] not in told.union(reasons[:place])
            ]
            told.update(reasons)
        cells.append(cell)
    return cells


def _find_absence(output: NotebookNode) -> str:
    details = output.get("metadata", {}).values()
    return next((one[ABSENT] for one in details if isinstance(one, dict) and one.get(ABSENT)), "")


def _fold(section: Sequence[NotebookNode], reasons: Sequence[str]) -> NotebookNode:
    """Return a section as one line: its heading and the reason.

    It opens to what the section would ask, where to find what is missing, and further reasons.
    """
    heading, _, text = section[0].source.partition("\n")
    title = html.escape(heading.removeprefix(HEADING).strip())
    first, *others = dict.fromkeys(reasons)
    line = f"<b>{title}</b> {html.escape(first + _say_where(first))}"
    asked = re.sub(r"[\s`*]+", " ", text).strip()
    paragraphs = filter(None, [asked, *(other + _say_where(other) for other in others)])
    opened = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)
    # In one block without blank lines, for else Markdown would end it at the first.
    return new_markdown_cell(f'<details class="absent"><summary>{line}</summary>{opened}</details>')


def _say_where(reason: str) -> str:
    """Say where a table is to be found, if the reason is that there is none."""
    for name, table in TABLES.items():
        if reason == f"There is no table of {name.replace('_', ' ')}.":
            return f" Where to find it: {table.collect}."
    return ""
