"""Yes and no as texts write them, and counts where yes or no is wanted."""

from __future__ import annotations

from segkit.core.errors import SegkitError
from segkit.data.columns import Source, quote
from segkit.data.notices import Notice, list_values

TRUE_TEXTS = (
    *("true", "t", "yes", "y", "1", "1.0", "on", "ja", "j", "oui", "sí", "si", "sim", "kyllä"),
    *("subscribed", "opted in", "opted-in", "opt-in", "granted"),
)
FALSE_TEXTS = (
    *("false", "f", "no", "n", "0", "0.0", "off", "nein", "non", "não", "nao", "nej", "ei"),
    *("unsubscribed", "opted out", "opted-out", "opt-out", "denied"),
)
COUNT = "[0-9]+([.]0+)?"  # a whole number, not below zero
CODES = {"1", "2"}  # yes and no, where nothing is zero


def convert_boolean(text: str) -> str:
    """Return the expression that reads a text as yes or no, null where it is neither."""
    return f"""CASE WHEN lower({text}) IN {TRUE_TEXTS} THEN true
        WHEN lower({text}) IN {FALSE_TEXTS} THEN false END"""


def convert_count(text: str) -> str:
    """Return the expression that reads yes, no or a count: above zero is yes."""
    count = f"CASE WHEN regexp_full_match({text}, '{COUNT}') THEN {text}::DOUBLE > 0 END"
    return f"coalesce({convert_boolean(text)}, {count})"


def is_count(text: str) -> str:
    """Return the test whether a text is a count of two or more."""
    return f"regexp_full_match({text}, '{COUNT}') AND TRY_CAST({text} AS DOUBLE) > 1"


def judge_counts(source: Source, column: str, row_count: int) -> Notice:
    """Say that a column of yes and no holds counts, ``row_count`` of them two or more.

    Raises
    ------
    SegkitError
        If it holds nothing but 1 and 2, which are codes rather than counts.
    """
    text = f"text_{column}"
    values = source.con.execute(
        f"""SELECT {text}::VARCHAR AS value, count(*) AS count FROM texts_{source.name}
        WHERE {text} IS NOT NULL GROUP BY ALL ORDER BY count DESC, value LIMIT 20"""
    ).fetchall()
    (no_count,) = source.con.execute(
        f"SELECT count_if(NOT {quote(column)}) FROM checked_{source.name}"
    ).fetchall()[0]
    found = list_values(values)
    if not no_count and {value.removesuffix(".0") for value, _ in values} == CODES:
        raise SegkitError(
            f"{column} holds 1 and 2: is 1 yes and 2 no, or the other way round",
            where=source.locate(column),
            found=found,
            fix="Write yes and no, or 1 and 0, in the file, or make the column in a query.",
        )
    reason = f"The values of {column} are counts, where yes or no is wanted."
    treatment = "Read as yes where it is above zero."
    if no_count:
        return Notice(f"counts_{column}", "note", row_count, reason, treatment, found)
    reason = f"The values of {column} are numbers, never zero, where yes or no is wanted."
    return Notice(f"counts_{column}", "warning", row_count, reason, treatment, found)
