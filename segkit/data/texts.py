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
# What a spreadsheet writes where a formula fails, in the languages that have words of their own.
ERRORS = (
    *(
        "#DIV/0!",
        "#N/A",
        "#N/A!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#REF!",
        "#VALUE!",
        "#SPILL!",
        "#CALC!",
    ),
    *("#N/V", "#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#VALEUR!", "#NOM?", "#NOMBRE!", "#NOMBRE?"),
    *("#¡DIV/0!", "#¡VALOR!", "#¡REF!", "#¿NOMBRE?", "#¡NUM!", "#GETTING_DATA", "#FIELD!"),
)
NOTHING = {"text": NO_TEXT, "category": NO_CATEGORY, "id": NO_ID}
KEEPS_NA = ("country", "region")  # NA is Namibia
NUMBERS = ("integer", "number", "money")
TIMES = ("date", "datetime")


def create_texts(source: Source, columns: Sequence[Column], carried: Sequence[str] = ()) -> None:
    """Create the view ``texts_<table>`` of trimmed texts, null where a text says that it is none.

    A number or time that is stored as one stays what it is, see `trim_column`. Cells that are
    numbers among texts are there as well, see `name_cells`. Spellings that the plan joins are one
    level. Columns that are ``carried`` stay as they are, and so do plainly written identifiers.
    """
    trimmed = ["source_row", "row_hash", *carried]
    emptied = ["source_row", "row_hash", *carried]
    for column in columns:
        name = column.name
        text = f"text_{name}"
        if name in source.plain_ids:
            trimmed.append(f"{quote(name)} AS {text}")
            emptied.append(text)
            continue
        trimmed.append(f"{trim_column(column, source.types[name])} AS {text}")
        if is_typed(column, source.types[name]):
            emptied.append(text)
            continue
        if has_cells(source, name):
            trimmed.append(name_cells(name))
            emptied.append(name_cells(name))
        nothing = NO_TEXT if name in KEEPS_NA else NOTHING.get(column.kind, NO_NUMBER)
        emptied.append(f"{join_levels(source, column, empty_text(text, nothing))} AS {text}")
    query = f"SELECT {', '.join(trimmed)} FROM {source.known}"
    query = f"SELECT {', '.join(emptied)} FROM ({query})"
    source.con.execute(f"CREATE OR REPLACE VIEW texts_{source.name} AS {query}")


def empty_text(text: str, nothing: Sequence[str]) -> str:
    """Return the expression of a text, null where it is one of ``nothing`` or a failed formula."""
    longest = max(map(len, nothing))  # a length is compared faster than a list
    is_some = f"(strlen({text}) > {longest} OR {text} NOT IN ({list_literals(nothing)}))"
    return f"CASE WHEN {is_some} AND NOT {is_error(text)} THEN {text} END"


def is_error(text: str) -> str:
    """Return the test for what a spreadsheet writes where a formula fails."""
    begins = f"{text} >= '#' AND {text} < '$'"  # compared faster than a list
    return f"({begins} AND upper({text}) IN ({list_literals(ERRORS)}))"


def name_cells(name: str) -> str:
    """Return the column of those cells of a column that are numbers, not texts, quoted.

    No column of the contract or of one's own has a blank in its name.
    """
    return quote(f"number {name}")


def has_cells(source: Source, name: str) -> bool:
    """Say whether cells of a column were numbers where it was found, though others may be texts."""
    return f"number {name}" in source.types


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


def count_rows(condition: str) -> str:
    """Return the expression that counts the rows that meet a condition, also where none tells."""
    return f"coalesce(count_if({condition}), 0)"
