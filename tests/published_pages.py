"""Reads published pages as anybody does: their tables, and what is said in them."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd


class TableReader(HTMLParser):
    """Reads each table of a page: its caption and its rows of texts."""

    def __init__(self):
        super().__init__()
        self.tables = []
        self.text = None

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append({"caption": "", "rows": []})
        elif tag == "tr":
            self.tables[-1]["rows"].append([])
        elif tag in ("td", "th", "caption"):
            self.text = ""

    def handle_endtag(self, tag):
        if tag == "caption":
            self.tables[-1]["caption"] = self.text
        elif tag in ("td", "th"):
            self.tables[-1]["rows"][-1].append(self.text.strip())

    def handle_data(self, data):
        if self.text is not None:
            self.text += data


def read_tables(page: str) -> dict[str, pd.DataFrame]:
    """Return the tables of a page as texts, by caption."""
    reader = TableReader()
    reader.feed(page)
    found = {}
    for table in reader.tables:
        head, *rows = table["rows"]
        rows = [row for row in rows if len(row) == len(head)]
        found[table["caption"]] = pd.DataFrame(rows, columns=head)
    return found


def read_texts(report: Path) -> list[str]:
    """Return what is said: paragraphs, items and alternative texts, and statements of run.json."""
    record = json.loads((report / "run.json").read_text(encoding="utf-8"))
    texts = [one["text"] for one in list_statements(record)]
    for path in sorted(report.glob("*.html")):
        reader = TextReader()
        reader.feed(path.read_text(encoding="utf-8"))
        texts += reader.texts
    return list(dict.fromkeys(text for text in texts if text))


class TextReader(HTMLParser):
    """Reads the alternative texts, paragraphs and items of a page."""

    def __init__(self):
        super().__init__()
        self.texts = []
        self.text = None

    def handle_starttag(self, tag, attrs):
        self.texts += [value for name, value in attrs if name == "alt" and value]
        if tag in ("p", "li", "figcaption"):
            self.text = ""

    def handle_endtag(self, tag):
        if tag in ("p", "li", "figcaption") and self.text is not None:
            self.texts.append(" ".join(self.text.split()))
            self.text = None

    def handle_data(self, data):
        if self.text is not None:
            self.text += data


def list_statements(value):
    """Yield each finding in run.json."""
    if isinstance(value, dict):
        if {"kind", "text", "figures"} <= value.keys():
            yield value
        for part in value.values():
            yield from list_statements(part)
    elif isinstance(value, list):
        for part in value:
            yield from list_statements(part)
