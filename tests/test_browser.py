"""The pages in a real browser: accessible, offline, and readable on a phone."""

from __future__ import annotations

import os
import shutil

import pytest
from demo_report import make_report

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
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "Chromium is not installed, so pages cannot be opened"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(params=VIEWS, ids=lambda view: f"{view[0]}-{view[1]}")
def window(request, browser):
    scheme, width = request.param
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_no_serious_fault_with_the_code_unfolded(name, window, report):
    from axe_playwright_python.sync_playwright import Axe

    window.goto(report[name].as_uri())
    for details in window.locator("details").all()[:6]:
        details.evaluate("element => element.open = true")
    found = Axe().run(window).response["violations"]
    grave = [
        f"{fault['id']}: {fault['nodes'][0]['html'][:120]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
    assert grave == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_loaded_but_the_file_and_nothing_is_refused(name, window, report):
    requests, complaints = [], []
    window.on("request", lambda request: requests.append(request.url))
    window.on("console", lambda message: complaints.append(message.text))
    window.goto(report[name].as_uri(), wait_until="networkidle")
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert [url for url in requests if url.startswith("file:")] == [report[name].as_uri()]
    assert complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_never_scrolls_sideways(name, window, report):
    window.goto(report[name].as_uri())
    wide = window.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_every_picture_is_drawn(window, report):
    window.goto(report["page"].as_uri())
    widths = window.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) == 12
    assert min(widths) > 1000


def test_the_keyboard_first_reaches_the_link_to_the_content(window, report):
    window.goto(report["page"].as_uri())
    window.keyboard.press("Tab")
    window.keyboard.press("Enter")
    assert window.evaluate("document.activeElement.id") == "content"


def test_print_leaves_out_navigation_and_code(browser, report):
    window = browser.new_page()
    window.goto(report["page"].as_uri())
    window.emulate_media(media="print")
    assert not window.locator("header.top").is_visible()
    assert not window.locator("details.code").first.is_visible()
    assert window.locator("figure").first.is_visible()
    window.close()
