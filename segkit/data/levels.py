"""Levels of categories: spellings that the plan joins, and those that look like one level."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from segkit.contract.definitions import Column
from segkit.core.errors import suggest_name
from segkit.data.arms import ARM
from segkit.data.columns import Source, text_literal
from segkit.data.notices import MOST_VALUES, Notice, list_values, quote_toml

COLUMNS_AT_ONCE = 100  # are counted in one query
# A category with more levels than this is a list of things, in which twins are not sought.
MOST_LEVELS = 20_000
ABOUT = 1.2  # an estimate of their number may be so much too large
COUNTRIES = ("country",)
BETWEEN_LETTERS = re.compile(r"(?<=[^\W\d_])[\s_.'’-]+(?=[^\W\d_])")
# What people write for a country beside its code and its names.
MORE_COUNTRY_NAMES = {
    "uk": "GB",
    "u.k.": "GB",
    "great britain": "GB",
    "england": "GB",
    "usa": "US",
    "u.s.": "US",
    "u.s.a.": "US",
    "united states of america": "US",
    "holland": "NL",
    "the netherlands": "NL",
    "eire": "IE",
    "rsa": "ZA",
    "czech republic": "CZ",
    "korea": "KR",
    "russian federation": "RU",
    "viet nam": "VN",
}


def join_levels(source: Source, column: Column, text: str) -> str:
    """Return the expression of a text with the spellings that the plan joins made one.

    Capitals and blanks at the ends do not matter.
    """
    joined = source.spec.levels.get(column.name, {})
    if not joined:
        return text
    cases = []
    for level, spellings in joined.items():
        known = {spelling.strip().lower() for spelling in (level, *spellings)}
        listed = ", ".join(text_literal(one) for one in sorted(known))
        cases.append(f"WHEN lower({text}) IN ({listed}) THEN {text_literal(level)}")
    return f"CASE {' '.join(cases)} ELSE {text} END"


def check_joined(source: Source) -> None:
    """Raise a fault where the plan joins levels of what is no category of the table.

    Raises
    ------
    SegkitError
        With the name, and the nearest that there is.
    """
    kinds = {column.name: column.kind for column in source.table.columns}
    there = [name for name in source.columns if kinds.get(name) == "category"]
    for name in source.spec.levels:
        if name not in there:
            message = f"the plan joins levels of '{name}', which is no category of {source.name}"
            found = ", ".join(there) or "no category"
            raise source.fail(message, found, suggest_name(name, there))


def find_twins(source: Source) -> list[Notice]:
    """Tell of levels that differ from another only in capitals, blanks or the way to write it.

    Countries are one, too, by their codes and their names in English. Arms of campaigns are read
    by the plan, whatever their capitals.
    """
    columns = [
        column.name
        for column in source.table.columns
        if column.kind == "category" and column.name in source.columns and column.name != ARM
    ]
    told = []
    for column in _find_suspects(source, columns):
        counts = _count_levels(source, column)
        twins = group_spellings(counts, is_country=column in COUNTRIES)
        if twins:
            told.append(_tell_twins(source, column, twins))
    return told


def _find_suspects(source: Source, columns: Sequence[str]) -> list[str]:
    """Return the columns of few levels of which some are one but for their spelling."""
    suspects = []
    for first in range(0, len(columns), COLUMNS_AT_ONCE):
        part = columns[first : first + COLUMNS_AT_ONCE]
        counted = _fetch_each(source, part, "approx_count_distinct({})")
        few = [name for name, count in counted.items() if count <= ABOUT * MOST_LEVELS]
        # Each level is looked at once, not in each row.
        for name, levels in _fetch_each(source, few, "list(DISTINCT {})").items():
            told = [(level, 1) for level in levels or () if level is not None]
            is_few = len(told) <= MOST_LEVELS
            if is_few and group_spellings(told, is_country=name in COUNTRIES):
                suspects.append(name)
    return suspects


def _fetch_each(source: Source, columns: Sequence[str], aggregate: str) -> dict[str, Any]:
    """Return, by column, one aggregate of the texts of each."""
    if not columns:
        return {}
    asked = [aggregate.format(f"text_{column}::VARCHAR") for column in columns]
    query = f"SELECT {', '.join(asked)} FROM texts_{source.name}"
    (found,) = source.con.execute(query).fetchall()
    return dict(zip(columns, found, strict=True))


def _count_levels(source: Source, column: str) -> list[tuple[str, int]]:
    """Return the levels of a column with their rows, most frequent first."""
    return source.con.execute(
        f"""SELECT text_{column}::VARCHAR AS level, count(*) AS count FROM texts_{source.name}
        WHERE text_{column} IS NOT NULL GROUP BY ALL ORDER BY count DESC, level"""
    ).fetchall()


def group_spellings(
    counts: Iterable[tuple[str, int]], *, is_country: bool = False
) -> list[list[tuple[str, int]]]:
    """Group levels that are one but for their spelling; groups of one are left out.

    Parameters
    ----------
    counts : iterable of (str, int)
        Levels with their rows.
    is_country : bool
        Whether codes and names of one country are one.

    Examples
    --------
    >>> group_spellings([("UK", 5), ("France", 3), ("uk ", 2)])
    [[('UK', 5), ('uk ', 2)]]
    >>> group_spellings([("UK", 5), ("United Kingdom", 3), ("FR", 1)], is_country=True)
    [[('UK', 5), ('United Kingdom', 3)]]
    """
    groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
    known = _list_countries() if is_country else {}
    for level, count in counts:
        plain = _spell_plainly(level)
        groups[known.get(plain, plain)].append((level, count))
    return [group for group in groups.values() if len(group) > 1]


def _spell_plainly(level: str) -> str:
    """Return a level in small letters, without blanks, points and hyphens between letters.

    Other signs stay: "<5" is not ">5", nor "A+" "A-", nor "1-2" "12".
    """
    folded = unicodedata.normalize("NFKC", level).casefold().strip(" ._")
    return BETWEEN_LETTERS.sub("", folded)


@functools.cache
def _list_countries() -> Mapping[str, str]:
    """Return the code of each country by its codes and English names, spelt plainly."""
    from babel import Locale
    from babel.core import get_global

    names = Locale("en").territories
    countries = {code: name for code, name in names.items() if len(code) == 2 and code.isalpha()}
    found = {}
    for code, name in countries.items():
        found[_spell_plainly(name)] = code
        found[_spell_plainly(code)] = code
    for alias, codes in get_global("territory_aliases").items():
        if len(alias) == 3 and alias.isalpha() and codes[0] in countries:
            found.setdefault(_spell_plainly(alias), codes[0])
    for name, code in MORE_COUNTRY_NAMES.items():
        found[_spell_plainly(name)] = code
    return found


def _tell_twins(source: Source, column: str, twins: list[list[tuple[str, int]]]) -> Notice:
    """Return the warning about levels that look like one."""
    others = [level for group in twins for level in group[1:]]
    row_count = sum(count for _, count in others)
    first = twins[0]
    example = ", ".join(quote_toml(level) for level, _ in first[1:MOST_VALUES])
    line = f"{column} = {{ {quote_toml(first[0][0])} = [{example}] }}"
    shown = [level for group in twins for level in group]
    return Notice(
        f"spellings_{column}",
        "warning",
        row_count,
        reason=f"{len(others):,} of the levels of {column} look like another, spelt otherwise.",
        treatment=f"Kept apart; join them under [tables.{source.name}.levels].",
        found=f"{list_values(shown)}. Write {line}.",
    )
