"""Words of the plan that mean nothing, such as "Prefer not to say" or 999."""

from __future__ import annotations

import math

from segkit.data.columns import Source, quote, text_literal

IDS = ("id",)  # an identifier of such a word is one all the same


def empty_unknown_words(source: Source) -> None:
    """Let ``source.known`` and ``source.rows`` be the rows without the plan's words for unknown.

    Capitals and blanks at the ends do not matter; a word that is a number is one in numbers too.
    """
    words = source.spec.unknown
    if not words:
        return
    ids = {column.name for column in source.table.columns if column.kind in IDS}
    replaced = [
        f"{_empty_words(quote(name), kind, words)} AS {quote(name)}"
        for name, kind in source.types.items()
        if (name in source.columns and name not in ids) or name.startswith("number ")
    ]
    if not replaced:
        return
    source.known = f"known_{source.name}"
    source.rows = source.known
    query = f"SELECT * REPLACE ({', '.join(replaced)}) FROM {source.raw}"
    source.con.execute(f"CREATE OR REPLACE VIEW {source.known} AS {query}")


def _is_number(word: str) -> bool:
    """Say whether a word is a finite number."""
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _empty_words(value: str, kind: str, words: tuple[str, ...]) -> str:
    """Return the expression of a value, null where it is one of the words."""
    if kind == "VARCHAR":
        texts = ", ".join(text_literal(word.strip().lower()) for word in words)
        return f"CASE WHEN lower(trim({value})) NOT IN ({texts}) THEN {value} END"
    numbers = [repr(float(word)) for word in words if _is_number(word)]
    if not numbers or kind.startswith(("TIMESTAMP", "DATE", "TIME", "BOOLEAN", "BLOB")):
        return value
    return f"CASE WHEN {value} NOT IN ({', '.join(numbers)}) THEN {value} END"
