"""How a table of evidence is shown: its headings, intervals as text, nothing that is all empty."""

from __future__ import annotations

import pandas as pd

from segkit.report.shared.numbers import format_share, write_ranges
from segkit.report.shared.tables import VIEWS, show_table

HEADINGS = {column: heading for column, (heading, _) in VIEWS["measures"].items()}
HEADINGS |= VIEWS["evidence"]


def show_evidence(
    table: pd.DataFrame, *, caption: str, columns: list[str] | None = None, **options
) -> None:
    """Show a table, or these columns of it, with its headings; empty columns are left out.

    ``low`` and ``high`` become one column with the interval. The other options are those of
    :func:`segkit.report.shared.tables.show_table`.
    """
    chosen = []
    for name in columns or list(table.columns):
        if name.endswith("low"):
            start = name.removesuffix("low")
            name, ends = f"{start}interval", (table[name], table[f"{start}high"])
            table = table.assign(**{name: write_ranges(*ends, format_share)})
        if table.empty or (table[name].notna() & (table[name].astype(str) != "")).any():
            chosen += [] if name.endswith("high") else [name]
    unit = "money" if "market_value" in set(table.get("measure", [])) else "integer"
    formats = {"index": "integer", "size": unit, "opportunity": unit, **options.pop("formats", {})}
    options["formats"] = {name: kind for name, kind in formats.items() if name in chosen}
    headings = {name: HEADINGS.get(name, "") for name in chosen}
    show_table(table, caption=caption, columns=headings, **options)
