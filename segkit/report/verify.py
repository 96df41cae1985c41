"""Page -> its faults: what it would load from elsewhere, and what a reader would miss."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

_LOADS = ("src", "srcset", "poster", "background", "data", "manifest", "action", "formaction")
_CSS_LOAD = re.compile(r"@import\s*(?:url\()?\s*['\"]?([^'\")\s;]+)|url\(\s*['\"]?([^'\")]+)", re.I)
_NO_ALT = "No description has been provided for this image"


def verify_page(path: str | Path) -> list[str]:
    """Return the faults of a page, each a sentence with its line; an empty list if it has none.

    A fault is anything loaded from outside the page, a script, a picture without alternative
    text, a count of h1 other than one, a missing title or language, and a failed cell's output.
    Plain links to the web are allowed.
    """
    reader = _Reader()
    reader.feed(Path(path).read_text(encoding="utf-8"))
    reader.close()
    return reader.list_faults()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[str] = []
        self.language, self.title, self.h1 = "", "", []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        line = f"line {self.getpos()[0]}"
        if tag == "html":
            self.language = values.get("lang", "")
        elif tag == "script":
            self._add(f"a script{' from ' + values['src'] if 'src' in values else ''}")
        elif tag in ("iframe", "object", "embed", "base", "frame"):
            self._add(f"a <{tag}> element")
        elif tag == "img" and values.get("alt", "").strip() in ("", _NO_ALT):
            self.faults.append(f"{line}: a picture without alternative text")
        elif tag == "link" and values.get("href"):
            self._check_load(tag, "href", values["href"])
        elif tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self._add("a page that sends the reader elsewhere")
        if "traceback" in values.get("class", "").split():
            self._add("a cell that failed")
        for name, value in values.items():
            if name.startswith("on"):
                self._add(f"a script in the attribute {name} of <{tag}>")
            elif name in _LOADS and tag != "script":
                self._check_load(tag, name, value)
            elif name in ("href", "xlink:href"):
                if re.match(r"\s*(javascript|vbscript|data)\s*:", value, re.I):
                    self._add(f"a link that runs a script: {value[:60]}")
                elif tag in ("image", "use"):
                    self._check_load(tag, name, value)
            elif name == "style":
                self._check_css(value)
        if tag in ("title", "h1", "style"):
            self.inside = tag
            if tag == "h1":
                self.h1.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self.inside:
            self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "title":
            self.title += data
        elif self.inside == "h1":
            self.h1[-1] += data
        elif self.inside == "style":
            self._check_css(data)
        elif data.lstrip().startswith("Traceback (most recent call last)"):
            self._add("a traceback")

    def list_faults(self) -> list[str]:
        faults = list(self.faults)
        if not self.language.strip():
            faults.append("the page has no language")
        if not self.title.strip():
            faults.append("the page has no title")
        if len(self.h1) != 1:
            faults.append(f"the page has {len(self.h1)} h1 headings instead of one")
        elif not self.h1[0].strip():
            faults.append("the h1 heading is empty")
        return faults

    def _add(self, fault: str) -> None:
        self.faults.append(f"line {self.getpos()[0]}: {fault}")

    def _check_load(self, tag: str, name: str, value: str) -> None:
        if value.strip() and not re.match(r"\s*(data:|#)", value, re.I):
            self._add(f"<{tag} {name}> loads {value.strip()[:80]} from outside the page")

    def _check_css(self, text: str) -> None:
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        for match in _CSS_LOAD.finditer(text):
            value = match[1] or match[2]
            if not re.match(r"\s*(data:|#)", value, re.I):
                self._add(f"a style loads {value.strip()[:80]} from outside the page")
