"""Writing a list as CSV or JSON, so that no cell of it runs in a spreadsheet."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from segkit.action.lists.layouts import Layout
from segkit.core.csvfiles import neutralise_names, neutralise_text, write_rows_as_csv

# Control characters say nothing to a reader, and much to a terminal or a parser.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LONGEST_NAME = 60


def write_list(path: Path, fields: pd.DataFrame, *, layout: Layout) -> None:
    """Write the rows of a list as its layout says.

    Parameters
    ----------
    path : Path
        Written over; put it in its place when it is whole.
    fields : DataFrame
        One row a customer, a column a field of the layout; those of its columns that are not there
        are empty.
    layout : Layout
    """
    columns = dict(layout.columns)
    columns |= {
        header: field for header, field in layout.where_known.items() if field in fields.columns
    }
    taken = fields.reindex(columns=list(dict.fromkeys(columns.values())))
    rows = zip(*[_list_cells(taken[field]) for field in columns.values()], strict=True)
    if layout.format == "json":
        _write_json(path, list(columns), rows)
        return
    write_rows_as_csv(path, list(columns), rows)
    if layout.encoding == "utf-8-sig":
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def _list_cells(column: pd.Series) -> list[Any]:
    """Return the values of a column as plain Python, texts without control characters."""
    return [_CONTROLS.sub(" ", one) if isinstance(one, str) else one for one in column.tolist()]


def _write_json(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write an array with an object a row, a row a line."""
    keys = neutralise_names(names)
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write("[")
        for text in _list_objects(keys, rows):
            stream.write(text)
        stream.write("\n]\n")


def _list_objects(keys: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    before = "\n"
    for row in rows:
        values = dict(zip(keys, map(_make_plain, row), strict=True))
        # Signs beyond ASCII are escaped, so that no line separator is taken for one.
        yield before + json.dumps(values, ensure_ascii=True, allow_nan=False)
        before = ",\n"


def _make_plain(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return neutralise_text(value)


def name_file(kind: str, name: str, *, layout: Layout, taken: Iterable[str] = ()) -> str:
    """Return a file's name for a list: its kind and name in letters that any system takes.

    Examples
    --------
    >>> from segkit.action.lists.layouts import read_layout
    >>> name_file("segment", "../Loyal & new", layout=read_layout("generic"))
    'segment_loyal_new.csv'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:LONGEST_NAME] or "list"
    known = set(taken)
    stem = f"{kind}_{words}"
    found = f"{stem}.{layout.format}"
    number = 2
    while found in known:
        found = f"{stem}_{number}.{layout.format}"
        number += 1
    return found
