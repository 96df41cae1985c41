"""Identifiers as texts write them."""

from __future__ import annotations

from segkit.data.columns import Source
from segkit.data.notices import Notice


def convert_id(source: Source, name: str) -> tuple[str, list[Notice]]:
    """See whether a program has turned whole numbers into 17850.0, all of them."""
    text = f"text_{name}"
    known = f"FROM texts_{source.name} WHERE {text} IS NOT NULL"
    other = f"SELECT 1 {known} AND NOT regexp_full_match({text}, '[0-9]+[.]0') LIMIT 1"
    if source.con.execute(other).fetchall():
        return text, []
    count = source.con.execute(f"SELECT count(*) {known}").fetchall()[0][0]
    if not count:
        return text, []
    notice = Notice(
        f"decimal_id_{name}",
        severity="note",
        row_count=count,
        reason=f"Every {name.replace('_', ' ')} ends in .0.",
        treatment="Read without the .0, as the whole number that it was.",
    )
    return f"replace({text}, '.0', '')", [notice]
