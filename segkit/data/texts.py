"""Texts as the readers of columns want them: trimmed, null where a text says that it is none."""

from __future__ import annotations

from collections.abc import Sequence

from segkit.contract.definitions import Column
from segkit.data.columns import Source, quote, text_literal
from segkit.data.levels import join_levels

NO_TEXT = ("", "\\N")
NO_CATEGORY = (*NO_TEXT, "NA", "N/A", "NULL", "NaN", "nan")
NO_ID = (*NO_CATEGORY, "null", "None", "none", "<NA>", "#N/A")
NO_NUMBER = (*NO_ID, "-", "?", "inf", "-inf", "Infinity", "-Infinity", "NaT", "n/a", "na")
NOTHING = {"text": NO_TEXT, "category": NO_CATEGORY, "id": NO_ID}
KEEPS_NA = ("country", "region")  # NA is Namibia
NUMBERS = ("integer", "number", "money")
TIMES = ("date", "datetime")


def create_texts(source: Source, columns: Sequence[Column]) -> None:
    """Create the view ``texts_<table>`` of trimmed texts, null where a text says that it is none.

    A number or time that is stored as one stays what it is, see `trim_column`. Spellings that the
    plan joins are one level.
    """
    trimmed = ["source_row", "row_hash"]
    emptied = ["source_row", "row_hash"]
    for column in columns:
        name = column.name
        text = f"text_{name}"
        trimmed.append(f"{trim_column(column, source.types[name])} AS {text}")
        is_read = is_typed(column, source.types[name])
        is_some = _test_typed(source, text) if is_read else _test_text(source, column, text)
        told = join_levels(source, column, text)
        emptied.append(f"CASE WHEN {is_some} THEN {told} END AS {text}" if is_some else text)
    query = f"SELECT {', '.join(trimmed)} FROM {source.raw}"
    query = f"SELECT {', '.join(emptied)} FROM ({query})"
    source.con.execute(f"CREATE OR REPLACE VIEW texts_{source.name} AS {query}")


def _test_text(source: Source, column: Column, text: str) -> str:
    """Return the test whether a text says something, by its kind and by the plan's words."""
    name = column.name
    nothing = NO_TEXT if name in KEEPS_NA else NOTHING.get(column.kind, NO_NUMBER)
    longest = max(map(len, nothing))  # a length is compared faster than a list
    is_some = f"(strlen({text}) > {longest} OR {text} NOT IN ({list_literals(nothing)}))"
    if source.spec.unknown:
        is_some += f" AND lower({text}) NOT IN ({list_unknown(source)})"
    return is_some


def list_unknown(source: Source) -> str:
    """Return the plan's words that mean nothing, in small letters, as SQL writes a list."""
    return list_literals([word.strip().lower() for word in source.spec.unknown])


def _test_typed(source: Source, text: str) -> str:
    """Return the test whether a number or time is none of the plan's words for unknown."""
    if not source.spec.unknown:
        return ""
    return f"coalesce(lower({text}::VARCHAR) NOT IN ({list_unknown(source)}), false)"


def is_typed(column: Column, found: str) -> bool:
    """Say whether a column needs no reading: a number or a time that is stored as one."""
    if column.kind in TIMES:
        return found.startswith(("TIMESTAMP", "DATE"))
    is_number = (
        found.endswith("INT")
        or found == "UINTEGER"
        or found.startswith(("INT", "DEC", "FLOAT", "DOUBLE"))
    )
    return column.kind in NUMBERS and is_number


def trim_column(column: Column, found: str) -> str:
    """Return a column as trimmed text; a number or time in its place stays what it is."""
    name = quote(column.name)
    is_read = is_typed(column, found)
    if found in ("FLOAT", "DOUBLE"):
        text = name if is_read else _write_number(name)
        return f"CASE WHEN isfinite({name}) THEN {text} END"
    if is_read:
        return name
    text = f"{name}::VARCHAR"
    is_padded = f"{text} < '!' OR ({text})[-1] <= ' '"  # trimming all takes longer
    return f"CASE WHEN {is_padded} THEN trim({text}, E' \\t\\n\\r\\x0b\\f') ELSE {text} END"


def _write_number(name: str) -> str:
    """Return a floating-point number as text; a whole one as 17850, not 17850.0."""
    is_whole = f"{name} = round({name}) AND abs({name}) < 1e38"
    whole = f"{name}::DECIMAL(38, 0)::VARCHAR"
    return f"CASE WHEN {is_whole} THEN {whole} ELSE {name}::VARCHAR END"


def list_literals(texts: Sequence[str]) -> str:
    """Return texts as SQL writes a list of them."""
    return ", ".join(map(text_literal, texts))
