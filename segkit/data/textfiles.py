"""Text tables as they are found: any encoding, any delimiter, broken lines.

A clean file is read by DuckDB as it is; ``split_records`` reads any other record by record, so that
one broken record costs one line and no line is ever lost.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from segkit.core.errors import SegkitError

DELIMITERS = (",", ";", "\t", "|")
BYTE_ENCODINGS = ("cp12", "cp4", "cp8", "iso8859", "latin", "mac")
LONGEST_RECORD = 1_000  # lines; a quote still open after so many was never closed
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OTHER_FORMATS = (b"PAR1", b"PK\x03\x04")  # Parquet, and Excel or zip


# A field may be as long as there is memory for it.
csv.field_size_limit(2**31 - 1)


@dataclass
class TextFile:
    """A text table: how it is written, and the lines met in another encoding than its own.

    ``utf8_lines`` counts those that are UTF-8 although the file is read by one byte a sign, and
    ``own_lines`` those in UTF-8 that are more than ASCII.
    """

    path: Path
    encoding: str
    delimiter: str = ","
    names: tuple[str, ...] = ()
    foreign_lines: int = 0
    own_lines: int = 0
    utf8_lines: int = 0
    starts_with_header: bool = True

    def read_lines(self) -> Iterator[str]:
        """Yield the lines with their ends; one that is not in the encoding is read anyway."""
        self.foreign_lines = 0
        self.own_lines = 0
        self.utf8_lines = 0
        if self.encoding == "utf-8":
            yield from self._read_utf8()
            return
        with open_bytes(self.path) as stream:
            for line in io.TextIOWrapper(stream, self.encoding, "replace", newline=""):
                if "\ufffd" in line:
                    self.foreign_lines += 1
                elif not line.isascii() and _was_utf8(line, self.encoding):
                    self.utf8_lines += 1
                yield line

    def _read_utf8(self) -> Iterator[str]:
        with open_bytes(self.path) as stream:
            for line in io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline=""):
                if line.isascii():
                    yield line
                    continue
                text = _decode_western(line)
                if text == line:
                    self.own_lines += 1
                else:
                    self.foreign_lines += 1
                yield text

    def count_lines(self) -> int:
        """Return the number of lines that end in a line feed, or with the file; blank ones too."""
        with open_bytes(self.path) as stream:
            return sum(1 for _ in stream)


def open_text(
    path: Path,
    label: str,
    wanted: Iterable[str],
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> TextFile:
    """Find out how a text table is written, or raise what is wrong with it.

    ``wanted`` are names to expect in the header; they decide which delimiter is right. Delimiter
    and encoding are detected unless they are declared; gzip is known by its first bytes.
    """
    with open_bytes(path) as stream:
        head = stream.read(4096)
    file = TextFile(path, _find_encoding(head, encoding, label))
    top = "".join(islice(file.read_lines(), 100))
    header = top.lstrip("\r\n")
    file.starts_with_header = header == top
    if not header.strip():
        raise SegkitError("the file is empty", where=label, fix="Export the table again.")
    wanted_names = {name.lower() for name in wanted}
    file.delimiter, file.names = _read_header(header, delimiter, wanted_names)
    return file


def split_records(
    lines: Iterable[str], delimiter: str, width: int
) -> Iterator[tuple[int, list[str] | None, str]]:
    """Yield each record's first line number, its fields (``None`` if broken) and its text.

    Reading goes on at the line after a broken one. Blank lines are no records.

    Examples
    --------
    >>> [fields for _, fields, _ in split_records(["a,b\\n", "1\\n", '"2,\\n', "3,4"], ",", 2)]
    [['a', 'b'], None, None, ['3', '4']]
    """
    source = _Lines(lines)
    while (item := source.take()) is not None:
        number, line = item
        text = line.rstrip("\r\n")
        if not text:
            continue
        fields: list[str] | None = text.split(delimiter)
        further: list[tuple[int, str]] = []
        if '"' in text:
            fields, further = _parse_over_lines(source, line, delimiter)
        if fields is not None and len(fields) == width + 1 and fields[-1] == "":
            fields.pop()  # a delimiter at the end of the line
        if fields is None or len(fields) != width:
            fields = None
            source.give_back(further)
        yield number, fields, text


class _Lines:
    """Numbered lines, some of which are given back to be read again."""

    def __init__(self, lines: Iterable[str]):
        self.numbered = enumerate(lines, start=1)
        self.waiting: deque[tuple[int, str]] = deque()

    def take(self) -> tuple[int, str] | None:
        """Return the next line and its number; None at the end."""
        if self.waiting:
            return self.waiting.popleft()
        return next(self.numbered, None)

    def give_back(self, items: list[tuple[int, str]]) -> None:
        """Put lines before all that are still to come."""
        self.waiting.extendleft(reversed(items))


def _parse_over_lines(
    source: _Lines, first: str, delimiter: str
) -> tuple[list[str] | None, list[tuple[int, str]]]:
    """Parse a record with quotes, over further lines while a quote is open.

    Returns its fields, or None, and the further lines that were taken for it.
    """
    further: list[tuple[int, str]] = []
    fields, is_open = _parse_record(first.rstrip("\r\n"), delimiter)
    while is_open and len(further) + 1 < LONGEST_RECORD:
        item = source.take()
        if item is None:
            break
        further.append(item)
        if '"' in item[1]:  # no other line can close it
            whole = first + "".join(line for _, line in further)
            fields, is_open = _parse_record(whole, delimiter)
    return fields, further


def open_bytes(path: Path) -> BinaryIO:
    """Open a file, unzipped if it is gzip."""
    with path.open("rb") as stream:
        is_zipped = stream.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_zipped else path.open("rb")


def _parse_record(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """Return the fields, or ``None``, and whether a quote is still open at the end."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return None, "unexpected end of data" in str(error)
    return (rows[0], False) if len(rows) == 1 else (None, False)


def _find_encoding(head: bytes, declared: str | None, label: str) -> str:
    if declared:
        try:
            found = codecs.lookup(declared)
            "".encode(found.name)  # some codecs are of bytes, or of no text at all
            return found.name.removesuffix("-sig")
        except (LookupError, ValueError):
            raise SegkitError(
                "the plan names an encoding that does not exist",
                where=label,
                found=repr(declared),
                fix="Use utf-8, utf-16, cp1252 or latin-1, or leave it out to have it detected.",
            ) from None
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    # Half of the bytes of Western text in UTF-16 are zero: those at even or at odd places.
    pair_count = max(len(head), 1) / 2
    even = head[0::2].count(0) / pair_count
    odd = head[1::2].count(0) / pair_count
    if max(even, odd) > 0.6 and min(even, odd) < 0.1:
        return "utf-16-le" if odd > even else "utf-16-be"
    control = sum(byte < 32 and byte not in b"\t\n\r" for byte in head)
    if control > len(head) * 0.1 or head.startswith(_OTHER_FORMATS):
        fix = "Export the table as CSV, Parquet or Excel, and name it so."
        raise SegkitError("this is not a text file", where=label, found="binary data", fix=fix)
    return "utf-8"


def _was_utf8(line: str, encoding: str) -> bool:
    """Say whether a line that was read by one byte a sign is UTF-8."""
    if not encoding.startswith(BYTE_ENCODINGS):
        return False
    try:
        line.encode(encoding).decode("utf-8")
    except UnicodeError:
        return False
    return True


def _decode_western(line: str) -> str:
    """Return a line as it is if all of it was UTF-8, otherwise read as Windows-1252."""
    found = line.encode("utf-8", "surrogateescape")
    for encoding in ("utf-8", "cp1252"):
        with contextlib.suppress(UnicodeDecodeError):
            return found.decode(encoding)
    return found.decode("latin-1")


def _read_header(text: str, delimiter: str | None, wanted: set[str]) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter under which most of the wanted names, then most fields, appear."""
    candidates = (delimiter,) if delimiter else DELIMITERS
    names_by_delimiter = {candidate: split_names(text, candidate) for candidate in candidates}

    def rate(candidate: str) -> tuple[int, int]:
        names = names_by_delimiter[candidate]
        return sum(name.lower() in wanted for name in names), len(names)

    best = max(candidates, key=rate)
    names = names_by_delimiter[best]
    if len(names) > 1 and names[-1] == "":
        names.pop()
    return best, tuple(names)


def split_names(text: str, delimiter: str) -> list[str]:
    """Return the names in the first line of a text, without blanks around them."""
    try:
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except (csv.Error, StopIteration):
        names = text.splitlines()[0].split(delimiter)
    return [name.strip() for name in names]
