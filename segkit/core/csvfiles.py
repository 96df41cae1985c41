"""Every CSV that segkit writes: no cell and no header of it begins a formula in a spreadsheet.

A spreadsheet runs a cell that begins with a sign such as ``=``. It overlooks signs that nobody
sees before it, and where its own separator is another one, it splits a cell at ``;`` or a tab. So
an apostrophe goes before such a sign at the beginning of a text, and after anything within it that
a spreadsheet may take for the end of a cell (OWASP, "CSV Injection"; CWE-1236). Numbers stay as
they are.

The same pattern serves Python and, for tables of any size, the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis import ir

# Plain, full width, small, and the typographic minus.
SIGNS = r"=+\-@＝＋－＠﹢﹣﹦﹫−"
ENDS = (
    r"\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029;,|"  # of a cell or a row, for one program or another
)
# Spaces, control characters, what has no width, what joins or directs other signs, fillers, and
# the quotation mark, which a program may strip.
UNSEEN = (
    r"""\x00-\x08\x0e-\x1b\x1f "\x7f-\x84\x86-\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f"""
    r"\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u202a-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    r"\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)
FIRST = rf"^([{UNSEEN}]*)([{SIGNS}\t\n\x0b\x0c\r\x85\u2028\u2029])"
WITHIN = rf"([{ENDS}])([{UNSEEN}]*)([{SIGNS}])"
NUMBER = r"^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$"
_FIRST = re.compile(FIRST)
_WITHIN = re.compile(WITHIN)
_QUOTED = re.compile(r'[",\r\n]|^\s|\s$|^$')


def neutralise_text(value: object) -> str:
    """Put an apostrophe wherever a spreadsheet would begin a formula.

    Nothing is taken away: without the apostrophes that were put in it is the same text.

    Examples
    --------
    >>> neutralise_text('=HYPERLINK("x")'), neutralise_text("00123"), neutralise_text("a;=1+1")
    ('\\'=HYPERLINK("x")', '00123', "a;'=1+1")
    """
    within = _WITHIN.sub(r"\1'\2\3", str(value))
    return _FIRST.sub(r"'\1\2", within)


def neutralise_names(names: Iterable[object]) -> list[str]:
    """Return the headers of a CSV, neutralised, and still different from each other."""
    found: list[str] = []
    taken = set()
    for name in map(neutralise_text, names):
        while name.lower() in taken:
            name = f"'{name}"
        taken.add(name.lower())
        found.append(name)
    return found


def write_rows_as_csv(
    path: Path, names: Sequence[object], rows: Iterable[Sequence[object]] = ()
) -> None:
    """Write a header and rows as CSV in UTF-8: comma, quotation marks doubled, ``\\n``."""
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        stream.write(",".join(map(_quote, neutralise_names(names))) + "\n")
        for row in rows:
            stream.write(",".join(map(_write_cell, row)) + "\n")


def _write_cell(value: object) -> str:
    if value is None or value != value or str(value) == "<NA>":
        return ""
    if isinstance(value, Number):
        return str(value)
    return _quote(neutralise_text(value))


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def neutralise_table(table: ir.Table, *, has_kinds: bool = True) -> ir.Table:
    """Return a table of the engine as its CSV may be written, by expressions of the engine.

    Parameters
    ----------
    table : ibis.Table
    has_kinds : bool
        Whether its columns have kinds. Where it was read from a CSV all is text, and a text that
        is a number stays one.

    Returns
    -------
    ibis.Table
        Numbers and truths as they were, anything else as text; the headers are neutralised too.
    """
    names = dict(zip(neutralise_names(table.columns), table.columns, strict=True))
    return table.select(
        **{name: _neutralise_column(table[column], has_kinds) for name, column in names.items()}
    )


def _neutralise_column(column: ir.Column, has_kinds: bool) -> ir.Column:
    import ibis

    kind = column.type()
    if kind.is_numeric() or kind.is_boolean():
        return column
    text = column if kind.is_string() else column.cast("string")
    safe = text.re_replace(_write_for_engine(WITHIN), r"\1'\2\3")
    safe = safe.re_replace(_write_for_engine(FIRST), r"'\1\2")
    # One look at a text is cheaper than two changes, and hardly any text needs one.
    is_run = text.re_search(_write_for_engine(f"{FIRST}|{WITHIN}"))
    if not has_kinds:
        is_run = is_run & ~text.re_search(NUMBER)
    return ibis.ifelse(is_run, safe, text)


def _write_for_engine(pattern: str) -> str:
    """Return a pattern of Python in the manner of RE2."""
    return re.sub(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})", r"\\x{\1\2}", pattern)
