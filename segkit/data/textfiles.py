"""Text tables as they are found: any encoding, any delimiter, broken lines.

A text file is looked at once from end to end: is it UTF-8, and how many lines has it? A clean
file is then read by DuckDB as it is. Any other is copied, record by record, into a clean UTF-8
file, with the lines that cannot be read put aside, so that no line is ever lost.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from segkit.errors import SegkitError

DELIMITERS = (",", ";", "\t", "|")
CHUNK = 1 << 20
LONGEST_RECORD = 1_000  # lines; a quote still open after so many was never closed
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FORMATS = (
    (b"PAR1", "a Parquet file", "Rename it to end in .parquet."),
    (b"PK\x03\x04", "an Excel or zip file", "Rename it to end in .xlsx, or unzip it."),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "Rename it to end in .xls."),
    (b"%PDF", "a PDF file", "Export the table as CSV."),
)


@dataclass(frozen=True)
class TextFile:
    """A text table that is ready to be read.

    ``path`` is UTF-8: the user's own file, or a copy. ``line_count`` counts the header and blank
    lines too, ``foreign_lines`` those that were not in the file's encoding.
    """

    path: Path
    delimiter: str
    names: tuple[str, ...]
    line_count: int
    foreign_lines: int
    starts_with_header: bool


def open_text(
    path: Path,
    *,
    label: str,
    folder: Path,
    wanted: Iterable[str] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
) -> TextFile:
    """Find out how a text table is written.

    Parameters
    ----------
    path : Path
        The file; gzip is recognised by its first bytes.
    label : str
        How messages call the file.
    folder : Path
        Where a copy in UTF-8 is made, if one is needed.
    wanted : iterable of str
        Names to expect in the header; they decide which delimiter is right.
    delimiter, encoding : str, optional
        Declared ones; detected otherwise.

    Raises
    ------
    SegkitError
        If the file is empty, broken, or not a text file.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise SegkitError(
            "the delimiter must be one character",
            where=label,
            found=repr(delimiter),
            fix='Write delimiter = ";" or leave it out to have it detected.',
        )
    try:
        with _open_bytes(path) as stream:
            head = stream.read(CHUNK)
        _refuse_other_formats(head, label)
        found = _check_codec(encoding, label) if encoding else _detect_encoding(head, label)
        utf8 = path
        line_count, clean = (0, False)
        if found == "utf-8":
            line_count, clean = _count_lines(path)
        foreign_lines = 0
        if not clean:
            utf8 = folder / (path.name + ".utf8")
            line_count, foreign_lines = _transcode(path, utf8, found)
        with _open_bytes(utf8) as stream:
            top = stream.read(CHUNK).decode("utf-8-sig", "replace")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SegkitError(
            "the compressed file is broken",
            where=label,
            found=str(error).rstrip("."),
            fix="Copy or export it again, whole.",
        ) from None
    header = top.lstrip("\r\n")
    if not header.strip():
        raise SegkitError("the file is empty", where=label, fix="Export the table again.")
    delimiter, names = _read_header(header, delimiter, set(map(str.lower, wanted)))
    return TextFile(utf8, delimiter, names, line_count, foreign_lines, header == top)


def clean_text(file: TextFile, good: Path, bad: Path) -> None:
    """Split a text table into two clean CSV files: its records, and the lines that are none.

    ``good`` gets the record's number (from 1, bad lines counted too) and its fields; ``bad`` the
    number, the line in the file, and the line's text. One broken record costs one line: reading
    goes on at the next. Blank lines are no records.
    """
    width = len(file.names)
    with (
        _open_bytes(file.path) as stream,
        good.open("w", encoding="utf-8", newline="") as good_stream,
        bad.open("w", encoding="utf-8", newline="") as bad_stream,
    ):
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        write_good = csv.writer(good_stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        write_bad = csv.writer(bad_stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        records = split_records(lines, file.delimiter, width)
        next(records, None)
        for number, (line, fields, text) in enumerate(records, start=1):
            if fields is not None:
                write_good.writerow([number, *fields])
            else:
                write_bad.writerow([number, line, text])


def split_records(
    lines: Iterable[str], delimiter: str, width: int
) -> Iterator[tuple[int, list[str] | None, str]]:
    """Yield each record's first line number, its fields (``None`` if broken) and its text.

    Examples
    --------
    >>> [fields for _, fields, _ in split_records(["a,b\\n", "1\\n", '"2,\\n', "3,4"], ",", 2)]
    [['a', 'b'], None, None, ['3', '4']]
    """
    waiting: deque[tuple[int, str]] = deque()
    numbered = enumerate(lines, start=1)

    def take() -> tuple[int, str] | None:
        return waiting.popleft() if waiting else next(numbered, None)

    while (item := take()) is not None:
        number, line = item
        text = line.rstrip("\r\n")
        if not text:
            continue
        if '"' not in text:
            fields: Sequence[str] | None = text.split(delimiter)
        else:
            group = [item]
            fields, is_open = _parse_record(text, delimiter)
            while is_open and len(group) < LONGEST_RECORD and (more := take()) is not None:
                group.append(more)
                if '"' in more[1]:
                    whole = "".join(part for _, part in group)
                    fields, is_open = _parse_record(whole, delimiter)
            if fields is None or len(_trim(fields, width)) != width:
                waiting.extendleft(reversed(group[1:]))
                fields = None
        if fields is not None:
            fields = _trim(fields, width)
        yield number, (fields if fields is not None and len(fields) == width else None), text


def _trim(fields: list[str], width: int) -> list[str]:
    """Drop one empty field after the last: a delimiter at the end of the line."""
    return fields[:-1] if len(fields) == width + 1 and fields[-1] == "" else fields


def _parse_record(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """Return the fields, or ``None``, and whether a quote is still open at the end."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return None, "unexpected end of data" in str(error)
    return (rows[0], False) if len(rows) == 1 else (None, False)


def _open_bytes(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    return gzip.open(path) if zipped else path.open("rb")


def _refuse_other_formats(head: bytes, label: str) -> None:
    if not head:
        raise SegkitError("the file is empty", where=label, fix="Export the table again.")
    for magic, name, fix in _OTHER_FORMATS:
        if head.startswith(magic):
            raise SegkitError("this is not a text file", where=label, found=name, fix=fix)


def _check_codec(encoding: str, label: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise SegkitError(
            "the plan names an encoding that does not exist",
            where=label,
            found=repr(encoding),
            fix="Use utf-8, utf-16, cp1252 or latin-1, or leave encoding out to have it detected.",
        ) from None


def _detect_encoding(head: bytes, label: str) -> str:
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    sample = head[:4096]
    even, odd = (2 * sample[start::2].count(0) / len(sample) for start in (0, 1))
    if max(even, odd) > 0.6 and min(even, odd) < 0.1:
        return "utf-16-le" if odd > even else "utf-16-be"
    if sum(byte < 32 and byte not in (9, 10, 13) for byte in sample) > len(sample) * 0.1:
        raise SegkitError(
            "this is not a text file",
            where=label,
            found="binary data",
            fix="Export the table as CSV, Parquet or Excel.",
        )
    return "utf-8"


def _count_lines(path: Path) -> tuple[int, bool]:
    """Return the number of lines, and whether all of the file is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    feeds = returns = 0
    last = b"\n"
    with _open_bytes(path) as stream:
        while chunk := stream.read(CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return 0, False
            feeds += chunk.count(b"\n")
            returns += chunk.count(b"\r")
            last = chunk[-1:]
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return 0, False
    return (feeds or returns) + (last not in b"\r\n"), True


def _transcode(path: Path, target: Path, encoding: str) -> tuple[int, int]:
    """Copy a file as UTF-8; return its lines, and how many were not in ``encoding``."""
    line_count = foreign = 0
    with _open_bytes(path) as stream, target.open("wb") as out:
        if encoding == "utf-8":
            for line in stream:
                line_count += 1
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    foreign += 1
                    line = _decode_western(line).encode("utf-8")
                out.write(line)
        else:
            for text in io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline=""):
                line_count += 1
                foreign += "\ufffd" in text
                out.write(text.encode("utf-8"))
    return line_count, foreign


def _decode_western(line: bytes) -> str:
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _read_header(text: str, delimiter: str | None, wanted: set[str]) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter under which most of the wanted names, then most fields, appear."""
    best: tuple[tuple[int, int], str, list[str]] | None = None
    for candidate in (delimiter,) if delimiter else DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=candidate)
        try:
            names = [name.strip() for name in next(reader)]
        except (csv.Error, StopIteration):
            names = [name.strip() for name in text.splitlines()[0].split(candidate)]
        score = (sum(name.lower() in wanted for name in names), len(names))
        if best is None or score > best[0]:
            best = (score, candidate, names)
    assert best is not None
    names = best[2][:-1] if len(best[2]) > 1 and best[2][-1] == "" else best[2]
    return best[1], tuple(names)
