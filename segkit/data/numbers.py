"""Numbers as texts write them: one mark before decimals, the other perhaps between thousands."""

from __future__ import annotations

MARKS = (".", ",")
# Read as 1.234 with one mark and as 1234 with the other; no other shape can be both.
UNSURE = "[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}"
BLANKS = (" ", "'", "’", r"\x{A0}", r"\x{202F}", r"\x{2009}")


def convert_number(text: str, mark: str, *, is_sure: bool = False) -> str:
    """Return the expression that reads numbers with a decimal mark, also with thousands apart.

    Thousands are apart by one sign throughout, and no such number begins with a zero. With
    ``is_sure`` a text that the other mark would read as another number is none.
    """
    other = swap_mark(mark)
    separators = (*BLANKS, f"[{other}]")
    groups = "|".join(f"({separator}[0-9]{{3}})+" for separator in separators)
    grouped = rf"[+-]?[1-9][0-9]{{0,2}}({groups})([{mark}][0-9]*)?"
    plain = rf"[+-]?([0-9]+[{mark}]?[0-9]*|[{mark}][0-9]+)([eE][+-]?[0-9]+)?"
    every = f"[{''.join(BLANKS)}{other}]"
    doubt = f"WHEN regexp_full_match({text}, '{_escape(UNSURE)}') THEN NULL" if is_sure else ""
    return f"""TRY_CAST(replace(CASE {doubt}
        WHEN regexp_full_match({text}, '{plain}') THEN {text}
        WHEN regexp_full_match({text}, '{_escape(grouped)}')
        THEN regexp_replace({text}, '{_escape(every)}', '', 'g') END, '{mark}', '.') AS DOUBLE)"""


def swap_mark(mark: str) -> str:
    """Return the other mark."""
    return "," if mark == "." else "."


def _escape(pattern: str) -> str:
    return pattern.replace("'", "''")
