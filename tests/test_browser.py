"""The pages in a real browser: accessible, offline, and readable on a phone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from demo_report import SHOWN, make_report
from machine import find_program

pytestmark = pytest.mark.browser
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ["index", "page"]
VIEWS = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return dict(zip(NAMES, make_report(tmp_path_factory.mktemp("report")), strict=True))


@pytest.fixture(scope="module")
def browser():
    path = find_program("chromium", "chromium-browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=[(*view, name) for view in VIEWS for name in NAMES], ids=str)
def opened(request, browser, report):
    """Open a page in a view, once for all tests of it; note what it asks for and complains of."""
    scheme, width, name = request.param
    window = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, said = [], []
    window.on("request", lambda request: asked.append(request.url))
    window.on("console", lambda message: said.append(message.text))
    window.goto(report[name].as_uri(), wait_until="networkidle")
    noted = {"asked": tuple(asked), "said": tuple(said), "address": report[name].as_uri()}
    yield SimpleNamespace(window=window, name=name, **noted)
    window.close()


def test_nothing_is_loaded_but_the_file_and_nothing_is_refused(opened):
    assert [url for url in opened.asked if not url.startswith("data:")] == [opened.address]
    assert opened.said == ()


def test_the_page_never_scrolls_sideways(opened):
    wide = opened.window.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_every_picture_is_drawn(opened):
    widths = opened.window.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) == {"index": 0, "page": len(SHOWN)}[opened.name]
    assert min(widths, default=1001) > 1000


def test_dates_and_numbers_do_not_wrap(opened):
    cells = "[...document.querySelectorAll('td.number, td.date')]"
    styles = opened.window.evaluate(f"{cells}.map(cell => getComputedStyle(cell).whiteSpace)")
    assert set(styles) == {"nowrap"}


def test_the_keyboard_first_reaches_the_link_to_the_content(opened):
    opened.window.keyboard.press("Tab")
    opened.window.keyboard.press("Enter")
    assert opened.window.evaluate("document.activeElement.id") == "content"


def test_axe_finds_no_serious_fault_with_the_code_unfolded(opened):
    for details in opened.window.locator("details").all()[:6]:
        details.evaluate("element => element.open = true")
    found = Axe().run(opened.window).response["violations"]
    grave = [
        f"{fault['id']}: {fault['nodes'][0]['html'][:120]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
    assert grave == []


def test_one_toggle_shows_all_code_of_a_page(browser, report):
    window = browser.new_page()
    window.goto(report["page"].as_uri())
    assert not window.locator("section.cell").first.is_visible()
    window.get_by_label("Show the code").check()
    assert window.locator("section.cell").first.is_visible()
    assert window.locator("section.cell").last.is_visible()
    window.close()


def test_print_leaves_out_navigation_and_code(browser, report):
    window = browser.new_page()
    window.goto(report["page"].as_uri())
    window.emulate_media(media="print")
    assert not window.locator("header.top").is_visible()
    assert not window.locator("details.code").first.is_visible()
    assert not window.locator("section.cell").first.is_visible()
    assert window.locator("figure").first.is_visible()
    window.close()


def test_a_folded_table_is_printed_if_the_reader_has_opened_it(browser, report):
    window = browser.new_page()
    window.goto(report["page"].as_uri())
    window.emulate_media(media="print")
    folded = window.locator("details.rows")
    assert not folded.is_visible()
    folded.evaluate("element => element.open = true")
    assert folded.locator("td").last.is_visible()
    assert not folded.locator("summary").is_visible()
    window.close()
