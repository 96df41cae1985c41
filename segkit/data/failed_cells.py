"""Cells of a workbook whose formula failed; the reader of workbooks gives them as empty cells."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

CHUNK_BYTES = 1 << 20
LONGEST_CELL = 200  # bytes of a cell's opening tag
UNREADABLE = (zipfile.BadZipFile, KeyError, RuntimeError, zlib.error, ElementTree.ParseError)
_FAILED = re.compile(rb'<(?:\w+:)?c (?=[^<>]*\bt="e")[^<>]*\br="([A-Z]{1,3})[0-9]+"[^<>]*>')
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def count_failed_cells(path: Path, sheet: str) -> dict[int, int]:
    """Return how many cells of a sheet hold a failed formula, by the column's place from 0.

    Only .xlsx and .xlsm tell; of others, and of a workbook that is written unusually, nothing is
    known.
    """
    try:
        with zipfile.ZipFile(path) as book:
            name = _find_sheet(book, sheet)
            return _count_in_sheet(book, name) if name else {}
    except UNREADABLE:
        return {}


def _find_sheet(book: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the part of a workbook that holds a sheet; empty if there is none."""
    workbook = _parse(book, "xl/workbook.xml")
    links = _parse(book, "xl/_rels/workbook.xml.rels")
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for element in workbook.iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            target = targets.get(element.get(_RELATED), "")
            name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return str(PurePosixPath(name))
    return ""


def _parse(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """Return a part of a workbook that lists its sheets; a huge one is none."""
    if book.getinfo(name).file_size > CHUNK_BYTES:
        raise KeyError(name)
    return ElementTree.fromstring(book.read(name))


def _count_in_sheet(book: zipfile.ZipFile, name: str) -> dict[int, int]:
    """Count failed cells in one part, which is read in chunks."""
    counts: Counter[int] = Counter()
    rest = b""
    with book.open(name) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            text = rest + chunk
            end = 0
            for match in _FAILED.finditer(text):
                counts[_find_place(match[1].decode())] += 1
                end = match.end()
            rest = text[max(end, len(text) - LONGEST_CELL) :]
    return dict(counts)


def _find_place(letters: str) -> int:
    """Return a column's place from 0.

    >>> [_find_place(letters) for letters in ("A", "Z", "AA")]
    [0, 25, 26]
    """
    place = 0
    for letter in letters:
        place = 26 * place + ord(letter) - ord("A") + 1
    return place - 1
