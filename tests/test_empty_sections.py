"""A section of a page that has nothing to show is one line."""

from __future__ import annotations

import nbformat
import pandas as pd
from demo_report import capture_displays
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from published import publish

from segkit.core.absence import empty_table
from segkit.core.privacy import Shape
from segkit.report.market.trends import plot_trends
from segkit.report.shared.empty_sections import fold_empty_sections
from segkit.report.shared.figures import show_chart
from segkit.report.shared.pages import render_page
from segkit.report.shared.sentences import explain_absence, show_findings
from segkit.report.shared.tables import show_table
from segkit.report.shared.views import View

VIEW = View(Shape("points", population="market", by=("line", "year")))
REASON = "There is no table of trends."


def make_section(table: pd.DataFrame) -> list:
    """Return the cells of a section that shows a chart, a table and findings of one table."""
    shown = publish(table, VIEW)
    outputs: list = []
    with capture_displays(outputs):
        show_table(shown, caption="Trends")
        show_chart(plot_trends(shown), caption="Trends")
        show_findings([explain_absence(shown)] if shown.empty else [])
    heading = "## Where does the industry go?\n\nTrends come in\nunits of their own."
    return [
        new_markdown_cell(heading),
        new_code_cell("ws.show(trends)", outputs=outputs),
        new_markdown_cell("**How to read it.** A line that climbs is a growing trend."),
    ]


def make_absent() -> list:
    return make_section(empty_table(["line", "year", "index"], REASON))


def make_present() -> list:
    table = pd.DataFrame({"line": "Nights", "year": [2024, 2025], "index": [100.0, 110.0]})
    return make_section(table)


def test_a_section_that_shows_nothing_is_one_line_that_says_where_to_find_it():
    folded = fold_empty_sections([new_markdown_cell("# Title"), *make_absent()])
    assert len(folded) == 2
    text = folded[1].source
    assert text.startswith(
        '<details class="absent"><summary><b>Where does the industry go?</b> '
        "There is no table of trends. Where to find it: "
    )
    assert "Trends come in units of their own." in text
    assert "How to read it" not in text


def test_a_section_with_rows_stays_whole():
    cells = make_present()
    assert fold_empty_sections(cells) == cells


def test_a_section_that_shows_something_beside_what_is_empty_tells_each_reason_once():
    present = make_present()[1:]
    absent = make_absent()
    kept = fold_empty_sections([*absent, *present])
    assert [len(cell.outputs) for cell in kept if cell.cell_type == "code"] == [1, 2]
    assert kept[1].outputs == absent[1].outputs[:1]
    assert len(absent[1].outputs) == 3, "the notebook itself is left as it is"
    assert [kept[0], *kept[2:]] == [absent[0], absent[2], *present]


def test_further_reasons_are_read_when_the_line_is_opened():
    other = make_section(empty_table(["line", "year", "index"], "No <b>trend</b> is told."))
    (folded,) = fold_empty_sections([*make_absent(), *other[1:]])
    line, _, opened = folded.source.partition("</summary>")
    assert "There is no table of trends." in line
    assert "<p>No &lt;b&gt;trend&lt;/b&gt; is told.</p>" in opened
    assert "There is no table of trends." not in opened


def test_what_stands_before_the_first_section_stays():
    title = new_markdown_cell("# Title")
    cells = [title, *make_absent()[1:]]
    assert [cell.source for cell in fold_empty_sections(cells)] == [cell.source for cell in cells]


def test_a_section_without_outputs_stays():
    cells = [new_markdown_cell("## Limits\n\nThe past only.")]
    assert fold_empty_sections(cells) == cells


def test_the_page_has_the_line_and_no_heading_in_its_contents(tmp_path):
    cells = [new_markdown_cell("# Title"), *make_absent(), new_markdown_cell("## Limits")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "n.ipynb")
    render_page(tmp_path / "n.ipynb", tmp_path / "n.html", title="Market review")
    page = (tmp_path / "n.html").read_text(encoding="utf-8")
    assert "There is no table of trends. Where to find it: Statistics offices" in page
    assert 'id="where-does-the-industry-go"' not in page
    assert '<h2 id="limits">' in page
