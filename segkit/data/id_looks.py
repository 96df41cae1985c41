"""How a column's identifiers are written, seen in one pass over them all before they are read.

Most are written plainly. Then no further pass over a large table need trim and compare texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segkit.contract.definitions import Column
from segkit.data.columns import Source, quote
from segkit.data.texts import NO_ID, list_literals

# Each row of a table has another, or few rows share one.
OF_ONE_ROW = ("order_id", "ticket_id", "session_id")
LONGEST_NOTHING = max(map(len, NO_ID))  # a length is compared faster than a list


@dataclass(frozen=True)
class IdLook:
    """How the identifiers of one column are written.

    Attributes
    ----------
    has_signs : bool
        Some hold signs other than those of ASCII, such as blanks that nobody sees.
    is_plain : bool
        None has to be trimmed, and none is a word for nothing or the fault of a spreadsheet.
    has_plus : bool
        Some hold a plus, as 1.23457E+12 does.
    """

    has_signs: bool
    is_plain: bool
    has_plus: bool


def look_at_ids(source: Source, columns: Sequence[Column]) -> dict[str, IdLook]:
    """Return, by name, how the identifiers that were found as texts are written.

    Those that many rows share are counted first, in a table that ``source.id_counts`` names.
    """
    names = [c.name for c in columns if c.kind == "id" and source.types[c.name] == "VARCHAR"]
    repeated = [name for name in names if source.counts_ids and name not in OF_ONE_ROW]
    # As found, which is faster than trimmed.
    looks = _look(source, [name for name in names if name not in repeated], source.raw)
    for name in repeated:
        source.id_counts[name] = f"counts_{source.name}_{name}"
        source.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE {source.id_counts[name]} AS
            SELECT {quote(name)}, count(*) AS rows FROM {source.raw} GROUP BY 1"""
        )
        looks |= _look(source, [name], source.id_counts[name])
    return looks


def _look(source: Source, names: Sequence[str], relation: str) -> dict[str, IdLook]:
    """Look at columns of identifiers in a relation that has them."""
    if not names:
        return {}
    counts = []
    for name in names:
        text = quote(name)
        is_nothing = f"strlen({text}) <= {LONGEST_NOTHING} AND {text} IN ({list_literals(NO_ID)})"
        counts.append(f"count_if(strlen({text}) <> length({text}))")
        counts.append(f"count_if({text} < '$' OR {text}[-1] <= ' ' OR ({is_nothing}))")
        counts.append(f"count_if(contains({text}, '+'))")
    found = source.con.execute(f"SELECT {', '.join(counts)} FROM {relation}").fetchall()[0]
    looks = {}
    for place, name in enumerate(names):
        signs, odd, plus = found[3 * place : 3 * place + 3]
        looks[name] = IdLook(bool(signs), is_plain=not odd and not signs, has_plus=bool(plus))
    return looks
