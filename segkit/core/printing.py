"""What commands print: JSON, and tables for people."""

from __future__ import annotations

import io
import json
import sys
from typing import Any


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object, in signs that standard output can take."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    is_ascii = not encoding.lower().startswith("utf")
    print(json.dumps(value, ensure_ascii=is_ascii, default=str, indent=1))


def print_table(title: str, frame: Any) -> None:
    """Print a DataFrame; nothing if it has no rows."""
    if frame.empty:
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*(name.replace("_", " ") for name in frame), title=title, title_justify="left")
    for row in frame.round(3).itertuples(index=False):
        table.add_row(*(value if isinstance(value, str) else f"{value:,}" for value in row))
    is_watched = sys.stdout.isatty()
    width = None if is_watched else 160
    drawn = io.StringIO()  # the console would end the process if nobody reads on
    console = Console(
        file=drawn, force_terminal=is_watched, width=width, highlight=False, markup=False
    )
    console.print(table)
    print(drawn.getvalue(), end="")
