"""Page -> its faults: what it would load from elsewhere, and what a reader would miss."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

_LOADS = {"src", "srcset", "poster", "background", "data", "manifest", "action", "formaction"}
_CSS_LOAD = re.compile(r"@import\s*(?:url\()?\s*['\"]?([^'\")\s;]+)|url\(\s*['\"]?([^'\")]+)", re.I)
_NO_ALT = ("", "No description has been provided for this image")  # the second is nbconvert's


def verify_page(path: str | Path) -> list[str]:
    """Return the faults of a page, each a sentence with its line; an empty list if it has none.

    A fault is anything loaded from outside the page, a script, a picture without alternative
    text, a count of h1 other than one, a missing title or language, and a failed cell's output.
    Plain links to the web are allowed.
    """
    reader = _Reader()
    reader.feed(Path(path).read_text(encoding="utf-8"))
    reader.close()
    titles = reader.texts["title"]
    headings = reader.texts["h1"]
    found = {
        "the page has no language": not reader.language,
        "the page has no title": not "".join(titles).strip(),
        f"the page has {len(headings)} h1 headings instead of one": len(headings) != 1,
        "the h1 heading is empty": headings and not "".join(headings).strip(),
    }
    return reader.faults + [fault for fault in found if found[fault]]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults = []
        self.language = ""
        self.inside = ""
        self.texts = {"title": [], "h1": [], "style": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in self.texts:
            self.inside = tag
            self.texts[tag].append("")
        if tag == "html":
            self.language = values.get("lang", "").strip()
        self.check_tag(tag, values)
        for name, value in values.items():
            if tag != "script" or name != "src":
                self.check_attribute(tag, name, value)

    def check_tag(self, tag: str, values: dict[str, str]) -> None:
        if tag == "script":
            self.add_fault(f"a script from {values.get('src', 'the page itself')}")
        elif tag in ("iframe", "object", "embed", "base", "frame"):
            self.add_fault(f"a <{tag}> element")
        elif tag == "img" and values.get("alt", "").strip() in _NO_ALT:
            self.add_fault("a picture without alternative text")
        elif tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.add_fault("a page that sends the reader elsewhere")
        if "traceback" in values.get("class", "").split():
            self.add_fault("a cell that failed")

    def check_attribute(self, tag: str, name: str, value: str) -> None:
        is_link = name in ("href", "xlink:href")
        if name.startswith("on"):
            self.add_fault(f"a script in the attribute {name} of <{tag}>")
        elif is_link and re.match(r"\s*(javascript|vbscript|data)\s*:", value, re.I):
            self.add_fault(f"a link that runs a script: {value[:60]}")
        elif name in _LOADS or (is_link and tag in ("link", "image", "use")):
            self.check_load(f"<{tag} {name}>", value)
        elif name == "style":
            self.check_style(value)

    def handle_endtag(self, tag: str) -> None:
        self.inside = "" if tag == self.inside else self.inside

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[self.inside][-1] += data
        if self.inside == "style":
            self.check_style(data)
        if data.lstrip().startswith("Traceback (most recent call last)"):
            self.add_fault("a traceback")

    def add_fault(self, fault: str) -> None:
        self.faults.append(f"line {self.getpos()[0]}: {fault}")

    def check_load(self, place: str, value: str) -> None:
        if value.strip() and not re.match(r"\s*(data:|#)", value, re.I):
            self.add_fault(f"{place} loads {value.strip()[:80]} from outside the page")

    def check_style(self, text: str) -> None:
        for found in _CSS_LOAD.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
            self.check_load("a style", "".join(found))
