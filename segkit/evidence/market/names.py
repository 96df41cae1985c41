"""Names of the market's cells and of ours that are not the same: who is meant by whom.

Names are equal after folding: capitals, accents, blanks and the kinds of dashes do not count. All
else is proposed and never joined by itself; the plan's ``[market.names]`` settles it.
"""

from __future__ import annotations

import csv
import difflib
import functools
import json
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from segkit.core.errors import SegkitError
from segkit.plan.market import LEFT_OUT, Market

# Countries by their ISO 3166-1 codes, with English short names and other names in use.
COUNTRY_NAMES = Path(__file__).parent / "country_names.csv"
SIGNS = str.maketrans({"’": "'", "‘": "'", "–": "-", "—": "-", "‑": "-", "−": "-"})
NEAR = 0.75  # how alike the spelling of a candidate is, by difflib's ratio
MOST_CANDIDATES = 3
KNOWN = "another name of it"
CODE = "its code"
PART = "a part of the name"
ALIKE = "spelt nearly alike"


def fold_name(name: object) -> str:
    """Return a name without capitals, accents of Latin letters, outer and double blanks.

    >>> fold_name("  Côte  d’Ivoire ") == fold_name("cote d'ivoire")
    True
    """
    text = unicodedata.normalize("NFKD", str(name).translate(SIGNS))
    kept = []
    is_latin = False
    for sign in text:
        if unicodedata.combining(sign):
            if not is_latin:
                kept.append(sign)
            continue
        is_latin = unicodedata.name(sign, "").startswith("LATIN")
        kept.append(sign)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).casefold().split())


@functools.cache
def read_country_codes() -> dict[str, tuple[str, bool]]:
    """Return, by a country's folded name or code, its code, and whether that was a code."""
    found = {}
    with COUNTRY_NAMES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            code = row["code"]
            found |= {fold_name(one): (code, True) for one in (code, row["long_code"])}
            found |= {fold_name(one): (code, False) for one in row["names"].split("|")}
    return found


def settle_names(own: pd.DataFrame, axes: Sequence[str], market: Market) -> pd.DataFrame:
    """Return our cells under the names that the plan's ``[market.names]`` gives them.

    Where it says that the market has no such cell, the name stays as it is.
    """
    settled = {fold_name(ours): theirs for ours, theirs in market.names.items()}
    settled = {ours: theirs for ours, theirs in settled.items() if theirs != LEFT_OUT}
    if not settled:
        return own
    renamed = {axis: [settled.get(fold_name(name), name) for name in own[axis]] for axis in axes}
    return own.assign(**renamed)


def list_left_out(market: Market) -> set[str]:
    """Return the folded names of ours of which the plan says that the market has none."""
    return {fold_name(ours) for ours, theirs in market.names.items() if theirs == LEFT_OUT}


def require_settled(cells: pd.DataFrame, axes: Sequence[str], market: Market) -> None:
    """Raise an error if the plan settles a name with one that the market's table does not have.

    Raises
    ------
    SegkitError
        With the nearest names.
    """
    there = {fold_name(name): name for axis in axes for name in cells[axis]}
    for ours, theirs in market.names.items():
        if theirs != LEFT_OUT and fold_name(theirs) not in there:
            near = difflib.get_close_matches(fold_name(theirs), there, n=1, cutoff=0.6)
            fix = f"Write {write_line(ours, there[near[0]])}." if near else "Correct the name."
            raise SegkitError(
                "the plan settles a name with one that the table of market cells does not have",
                where=f"[market.names], {ours}",
                found=theirs,
                fix=f"{fix} Or write {write_line(ours, LEFT_OUT)} if the market has no such cell.",
            )


def find_near(
    name: str, others: Iterable[str], *, is_country: bool = False
) -> list[tuple[str, str]]:
    """Return the names that may mean the same, the surest first, each with the reason.

    Examples
    --------
    >>> find_near("EIRE", ["Ireland", "Iran"], is_country=True)
    [('Ireland', 'another name of it')]
    >>> find_near("Hong Kong", ["Hong Kong SAR, China"])
    [('Hong Kong SAR, China', 'a part of the name')]
    """
    others = list(dict.fromkeys(others))
    folded = fold_name(name)
    if is_country:
        known = [(other, _compare_countries(folded, fold_name(other))) for other in others]
        if sure := [(other, reason) for other, reason in known if reason]:
            return sure[:MOST_CANDIDATES]
        others = [other for other in others if not _are_apart(folded, fold_name(other))]
    words = _list_words(folded)
    ranked = []
    for place, other in enumerate(others):
        key = fold_name(other)
        ratio = difflib.SequenceMatcher(None, folded, key).ratio()
        their_words = _list_words(key)
        is_part = bool(words and their_words) and (words <= their_words or their_words <= words)
        if is_part or ratio >= NEAR:
            ranked.append((-is_part, -ratio, place, other, PART if is_part else ALIKE))
    return [(other, reason) for *_, other, reason in sorted(ranked)[:MOST_CANDIDATES]]


def _compare_countries(one: str, other: str) -> str:
    """Return why two folded names are of one country; nothing where that is not known."""
    codes = read_country_codes()
    if one not in codes or other not in codes or codes[one][0] != codes[other][0]:
        return ""
    return CODE if codes[one][1] or codes[other][1] else KNOWN


def _are_apart(one: str, other: str) -> bool:
    """Return whether two folded names are known to be of two countries."""
    codes = read_country_codes()
    return one in codes and other in codes and codes[one][0] != codes[other][0]


def _list_words(folded: str) -> set[str]:
    return set(folded.replace(",", " ").replace("(", " ").replace(")", " ").split())


def write_line(ours: str, theirs: str) -> str:
    """Return the line of the plan that settles a name, as TOML."""
    return f"{json.dumps(ours, ensure_ascii=False)} = {json.dumps(theirs, ensure_ascii=False)}"
