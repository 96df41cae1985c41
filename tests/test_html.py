"""Pages are whole in themselves, escaped, the same each time, and their faults are found."""

from __future__ import annotations

import re

import pytest
from demo_report import HOSTILE, STEPS, make_facts, make_notebook, make_report
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from segkit.report.shared.pages import (
    list_pages,
    render_index,
    render_page,
    verify_page,
    wrap_tables,
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return make_report(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(report) -> str:
    return report[1].read_text(encoding="utf-8")


def render(tmp_path, cells, **options) -> str:
    path = tmp_path / "n.ipynb"
    write(new_notebook(cells=cells), path)
    render_page(path, tmp_path / "n.html", **{"title": "T", **options})
    return (tmp_path / "n.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_demo_s_pages_have_no_fault(report):
    assert [verify_page(path) for path in report] == [[], []]


def test_pages_are_small(report):
    index, page = (path.read_text(encoding="utf-8") for path in report)
    without_pictures = re.sub(r"base64,[^\"]+", "", page)
    print(f"index {len(index) / 1000:.0f} kB, page {len(page) / 1000:.0f} kB with 12 charts")
    assert len(index) < 60_000
    assert len(without_pictures) < 60_000
    assert len(page) < 400_000


@pytest.mark.slow
def test_the_same_notebook_gives_the_same_bytes(tmp_path, report):
    again = [tmp_path / "a.html", tmp_path / "b.html"]
    notebook = make_notebook(tmp_path / "n.ipynb")
    for path in again:
        render_page(notebook, path, title="A", navigation=list_pages(STEPS), current="x")
    assert again[0].read_bytes() == again[1].read_bytes()


def test_the_first_heading_is_the_only_h1_and_h2s_make_the_contents(page):
    assert re.findall(r"<h1>(.*?)</h1>", page) == ["Base analysis: who are our customers today?"]
    assert "<title>Base analysis – Customers of the sample shop</title>" in page
    headings = re.findall(r'<h2 id="([^"]+)">', page)
    assert len(headings) == 13
    assert re.findall(r'<a href="#([^"]+)">', page) == headings
    assert "¶" not in page


def test_later_first_level_headings_are_demoted_and_equal_ones_told_apart(tmp_path):
    text = "# One\n\n# Two & <3\n\n## Two & <3\n\n### Deep"
    page = render(tmp_path, [new_markdown_cell(text)])
    assert page.count("<h1>") == 1
    assert re.findall(r"<h2 id=\"([^\"]+)\">", page) == ["two-3", "two-3-2"]
    assert '<a href="#two-3">Two &amp; &lt;3</a>' in page


def test_a_notebook_without_a_heading_takes_the_title(tmp_path):
    page = render(tmp_path, [new_markdown_cell("Only text")], title="Plan <b>")
    assert "<h1>Plan &lt;b&gt;</h1>" in page
    assert verify_page(tmp_path / "n.html") == []


def test_code_is_folded_and_parameters_are_named(page):
    summaries = re.findall(r"<summary>(.*?)</summary>", page)
    assert summaries[:2] == ["Parameters", "Parameters of this run"]
    assert set(summaries[2:]) == {"How to read it", "Show the table: Practices"}
    assert page.count('<label for="code">Show the code</label>') == 1
    assert page.count('<section class="cell">') > 1
    assert "<details open" not in page
    assert "Out[" not in page
    assert "In [" not in page


def test_messages_on_standard_error_are_left_out(page):
    assert "2 tables opened" in page
    assert "SECRET WARNING" not in page


def test_data_is_text_wherever_it_stands(page, report):
    assert "<script" not in page
    assert "alert(1)" in page
    assert "<script" not in report[0].read_text(encoding="utf-8")


def test_charts_are_figures_with_alt_text_and_caption(page):
    images = re.findall(r"<img [^>]+>", page)
    assert len(images) == page.count("<figure>") == page.count("<figcaption>") == 10
    assert all(re.search(r'alt="[^"]{40,}"', image) for image in images)
    assert all('width="732"' in image for image in images)


def test_a_picture_without_alt_text_is_a_fault(tmp_path):
    output = new_output("display_data", data={"image/png": "iVBORw0KGgo="})
    render(tmp_path, [new_code_cell("1", outputs=[output])])
    assert any("without alternative text" in fault for fault in verify_page(tmp_path / "n.html"))


def test_a_failed_cell_is_a_fault_and_its_traceback_is_not_shown(tmp_path):
    output = new_output("error", ename="ValueError", evalue="<b>", traceback=["/home/anna/x.py"])
    page = render(tmp_path, [new_code_cell("1", outputs=[output])])
    assert "ValueError: &lt;b&gt;" in page
    assert "/home/anna" not in page
    assert any("a cell that failed" in fault for fault in verify_page(tmp_path / "n.html"))


def test_markdown_that_a_cell_puts_out_cannot_carry_html_or_scripts(tmp_path):
    text = f"# Big\n\n{HOSTILE}\n\n[x](javascript:alert(1))"
    page = render(
        tmp_path,
        [new_code_cell("1", outputs=[new_output("display_data", data={"text/markdown": text})])],
    )
    assert "<script" not in page
    assert ">x</a>" in page
    assert "javascript:" not in page
    assert page.count("<h1>") == 1


def test_plain_tables_are_framed_so_that_the_keyboard_can_scroll_them():
    plain = (
        '<div>\n<style scoped>\n.x {}\n</style>\n<table border="1" class="dataframe"></table></div>'
    )
    framed = wrap_tables(plain)
    assert 'role="region" tabindex="0"' in framed
    assert "<style" not in framed
    assert wrap_tables(framed) == framed


def test_navigation_marks_this_page_and_links_its_neighbours(page):
    assert '<a aria-current="page" href="03_base_analysis.html">Base analysis</a>' in page
    assert page.count("aria-current=") == 1
    assert '<a href="02_market_review.html" rel="prev">' in page
    assert '<a href="04_experience_data.html" rel="next">' in page


def test_pages_follow_the_steps():
    assert list_pages(["01_plan", "05_analysis"]) == [
        ("Summary", "index.html"),
        ("Plan", "01_plan.html"),
        ("Analysis", "05_analysis.html"),
    ]


def test_the_summary_shows_what_the_facts_hold(report):
    text = report[0].read_text(encoding="utf-8")
    for part in (
        "Verdict: yes.",
        "Five segments are stable",
        "63.4% of spend",
        "Loyal regulars",
        "not yet",
        "Of 157\u202f786 rows read, 154\u202f452 were accepted",
        "have not been tried on a campaign",
        "2026-07-01 04:00 UTC",
        "segkit 0.1.0",
        'href="03_base_analysis.html"',
    ):
        assert part in text, part


def test_a_summary_needs_no_fact_at_all(tmp_path):
    render_index({"name": "bare"}, {}, {}, html_path=tmp_path / "index.html")
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert verify_page(tmp_path / "index.html") == []
    assert "<h2" not in text
    assert "Verdict" not in text


def test_a_summary_with_empty_facts_for_each_step_is_whole(tmp_path):
    plan, _, record = make_facts()
    render_index(plan, {step: {} for step in STEPS}, record, html_path=tmp_path / "index.html")
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert verify_page(tmp_path / "index.html") == []
    # The plan's goals, when no KPI was measured.
    assert "<span>Share of buyers with two orders or more</span></dt>" in text


def render_summary(tmp_path, facts) -> str:
    render_index(make_facts()[0], facts, {}, html_path=tmp_path / "index.html")
    return (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_verdict_is_said_with_its_reasons_and_escaped(tmp_path):
    verdict = {"answer": "no", "text": "Not <yet>.", "reasons": ["Because <of> this."]}
    text = render_summary(tmp_path, {"05_analysis": {"verdict": verdict}})
    assert '<div class="verdict no">' in text
    assert "<strong>Verdict: no.</strong> Not &lt;yet&gt;.</p>" in text
    assert "<li>Because &lt;of&gt; this.</li>" in text


def test_a_goal_is_met_missed_or_not_known(tmp_path):
    kpis = [{"text": "a", "measure": "b", "met": met} for met in ("yes", "no", "no target", None)]
    text = render_summary(tmp_path, {"05_analysis": {"kpis": kpis}})
    told = re.findall(r"<dd([^>]*)>–<span>([^<]*)</span></dd>", text)
    assert told == [
        (' class="met"', "yes"),
        (' class="missed"', "not yet"),
        ("", "no target"),
        ("", "–"),
    ]


def test_at_most_eight_short_headline_figures_stand_on_cards_the_last_steps_first(tmp_path):
    facts = {
        "05_analysis": {"headline": {f"last {number}": "1" for number in range(7)}},
        "01_plan": {"headline": {"long": "x" * 25, "short": "x" * 24, "ninth": "1"}},
    }
    labels = re.findall("<dt>([^<]*)</dt><dd", render_summary(tmp_path, facts))
    assert labels == [*(f"last {number}" for number in range(7)), "short"]


GOOD = (
    '<!DOCTYPE html><html lang="en"><head><title>t</title>{head}</head>'
    "<body><h1>h</h1>{body}</body></html>"
)


@pytest.mark.parametrize(
    ("head", "body", "fault"),
    [
        ("", '<img src="https://x.org/a.png" alt="a">', "loads https://x.org/a.png"),
        ("", '<img src="//x.org/a.png" alt="a">', "loads //x.org/a.png"),
        ("", '<img src="a.png" alt="a">', "loads a.png"),
        ("", '<img src="data:," alt="">', "without alternative text"),
        ("", '<img src="data:,">', "without alternative text"),
        ("", '<img srcset="http://x.org/a 2x" alt="a">', "loads http://x.org"),
        ("", '<script src="x.js"></script>', "a script from x.js"),
        ("", "<script>1</script>", "a script"),
        ("", '<p onclick="x()">', "attribute onclick"),
        ("", '<a href="javascript:x()">x</a>', "runs a script"),
        ("", '<iframe src="data:,"></iframe>', "<iframe>"),
        ("", '<p style="background: url(http://x.org/a)">', "a style loads http://x.org/a"),
        ("<style>@import 'http://x.org/a.css';</style>", "", "a style loads http://x.org/a.css"),
        ("<style>a { background: url('https://x.org/b') }</style>", "", "https://x.org/b"),
        ('<link rel="stylesheet" href="https://x.org/a.css">', "", "loads https://x.org/a.css"),
        ('<meta http-equiv="refresh" content="0">', "", "sends the reader elsewhere"),
        ("", "<h1>again</h1>", "2 h1 headings"),
        ("", "<pre>Traceback (most recent call last):</pre>", "a traceback"),
    ],
)
def test_each_fault_is_found(tmp_path, head, body, fault):
    path = tmp_path / "p.html"
    path.write_text(GOOD.format(head=head, body=body), encoding="utf-8")
    faults = verify_page(path)
    assert len(faults) == 1
    assert fault in faults[0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<html><head><title>t</title></head><h1>h</h1></html>", "no language"),
        ('<html lang="en"><h1>h</h1></html>', "no title"),
        ('<html lang="en"><title>t</title></html>', "0 h1 headings"),
        ('<html lang="en"><title>t</title><h1> </h1></html>', "h1 heading is empty"),
    ],
)
def test_what_a_page_lacks_is_found(tmp_path, text, fault):
    path = tmp_path / "p.html"
    path.write_text(text, encoding="utf-8")
    assert [fault in found for found in verify_page(path)] == [True]


def test_a_page_may_link_to_the_web_and_embed_its_own_data(tmp_path):
    path = tmp_path / "p.html"
    body = '<a href="https://x.org">x</a><img src="data:image/png;base64,AA" alt="a">'
    head = "<style>a { background: url(data:,) } /* url(http://comment) */</style>"
    path.write_text(GOOD.format(head=head, body=body), encoding="utf-8")
    assert verify_page(path) == []
