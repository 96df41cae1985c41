"""Identifiers as texts write them: without what nobody sees, and as the number that they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segkit.contract.definitions import Column
from segkit.data.columns import Source
from segkit.data.id_looks import IdLook
from segkit.data.notices import Notice, say_column
from segkit.data.texts import NO_ID, list_literals

# As a spreadsheet or a program writes a long number that it rounded: 1.23457E+12, not the 5E10 of
# a product's code.
ROUNDED = "'[0-9]([.,][0-9]+)?[eE][+][0-9]{2,3}'"
MOST_ROUNDED = 0.5
SAMPLE_ROWS = 10_000
# Without these no table can be joined or no customer be told from another.
JOINING = ("customer_id", "order_id", "product_id")


def convert_ids(
    source: Source, columns: Sequence[Column], looks: Mapping[str, IdLook]
) -> dict[str, tuple[str, list[Notice]]]:
    """Return how each column of identifiers is read, and what was noticed.

    ``looks`` are those of `segkit.data.id_looks.look_at_ids`.

    Signs without width are left out, blanks of any kind trimmed; 17850.0 is 17850 where all are so.

    Raises
    ------
    SegkitError
        If most of the identifiers that are needed were rounded by a spreadsheet.
    """
    texts = [column for column in columns if source.types[column.name] == "VARCHAR"]
    found = {}
    for column in columns:
        name = column.name
        value = f"text_{name}"
        notices = []
        if column in texts:
            _refuse_rounded(source, column)
            value, notices = _read_whole(source, name)
        if name in looks and looks[name].has_signs:
            value = clean_id(value)
            notices += _tell_unseen(source, name)
        if source.joins_capitals and name == "customer_id" and column in texts:
            value = f"lower({value})"
        found[name] = (value, notices)
    return found


def clean_id(text: str) -> str:
    r"""Return the expression of an identifier without what nobody sees; null if that is all.

    Signs without width (U+200B, U+FEFF, U+2060, U+00AD ...) go wherever they are; blanks of any
    kind (U+00A0, U+202F ...) go at the ends, and are plain blanks within.
    """
    visible = rf"regexp_replace({text}, '\p{{Cf}}+', '', 'g')"
    bare = rf"trim(regexp_replace({visible}, '\p{{Z}}', ' ', 'g'))"
    is_plain = f"strlen({text}) = length({text})"
    cleaned = f"CASE WHEN {bare} NOT IN ({list_literals(NO_ID)}) THEN {bare} END"
    return f"CASE WHEN {is_plain} THEN {text} ELSE {cleaned} END"


def _tell_unseen(source: Source, name: str) -> list[Notice]:
    text = f"text_{name}"
    test = f"strlen({text}) <> length({text}) AND {clean_id(text)} IS DISTINCT FROM {text}"
    query = f"SELECT count_if({test}) FROM texts_{source.name}"
    count = source.con.execute(query).fetchall()[0][0]
    return [
        Notice(
            f"unseen_signs_{name}",
            severity="note",
            row_count=count,
            reason=f"The {say_column(name)} holds blanks or signs that nobody sees.",
            treatment="Read without them.",
        )
    ]


def _refuse_rounded(source: Source, column: Column) -> None:
    """Raise a SegkitError if most identifiers of a needed column have lost their digits."""
    name = column.name
    if not (column.required or name in JOINING):
        return
    text = f"text_{name}"
    query = f"""SELECT count({text}), count_if(regexp_full_match({text}, {ROUNDED})),
            max({text}) FILTER (regexp_full_match({text}, {ROUNDED}))
        FROM (SELECT {text} FROM texts_{source.name} LIMIT {SAMPLE_ROWS})"""
    count, rounded, example = source.con.execute(query).fetchall()[0]
    if not rounded or rounded <= MOST_ROUNDED * count:
        return
    source.label = source.locate(name)
    message = "these identifiers have lost their digits in a spreadsheet"
    fix = "Export them again as text, or map another column."
    found = f"{rounded:,} of the first {count:,} are like {example}"
    raise source.fail(message, found, fix)


def _read_whole(source: Source, name: str) -> tuple[str, list[Notice]]:
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
        reason=f"Every {say_column(name)} ends in .0.",
        treatment="Read without the .0, as the whole number that it was.",
    )
    return f"replace({text}, '.0', '')", [notice]
