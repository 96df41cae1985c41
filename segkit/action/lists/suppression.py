"""Who is never on a list: identifiers, e-mail addresses or their hashes, from a file of the plan.

The list guards people, so it is read generously: capitals, blanks and signs without width do not
matter, nor do the zeros that a spreadsheet takes from the beginning of a number.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from segkit.action.lists.addresses import normalise_entry
from segkit.core.errors import SegkitError, explain_faults

HASH = re.compile(r"[0-9a-f]{64}")
# Words in the headers of the columns that are read; a file of one column needs no header.
READ = ("customer_id", "customerid", "customer", "identifier", "id", "hash", "sha256", "address")
WHERE = "suppression of [lists]"


class Suppression(NamedTuple):
    """The entries of a suppression list, as `normalise_entry` writes them.

    ``plain`` are identifiers and addresses, ``hashed`` the SHA-256 of such, in hexadecimal.
    """

    plain: frozenset[str] = frozenset()
    hashed: frozenset[str] = frozenset()

    @property
    def entry_count(self) -> int:
        """How many different entries there are."""
        return len(self.plain) + len(self.hashed)


class Suppressed(NamedTuple):
    """Which rows are suppressed, and how many entries of the list met nobody."""

    is_suppressed: pd.Series
    unmatched_count: int


def read_suppression(path: Path | None) -> Suppression:
    """Read a suppression list.

    A CSV in UTF-8 with a column whose header is ``customer_id``, ``email``, ``hash`` or the like,
    or of one column. Every cell of these columns is an entry.

    Raises
    ------
    SegkitError
        If there is no such file, or nobody can tell which column it is: a list that is not read
        protects nobody.
    """
    if path is None:
        return Suppression()
    fix = "Correct the path under [lists] in the plan, or save the file as CSV in UTF-8."
    message = "the suppression list cannot be read, so nothing is exported"
    with (
        explain_faults(message, UnicodeDecodeError, csv.Error, where=path, fix=fix),
        path.open(encoding="utf-8-sig", newline="") as stream,
    ):
        text = stream.read()
        first = text.partition("\n")[0]
        delimiter = next((sign for sign in ";\t," if sign in first), ",")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if not any(any(cell.strip() for cell in row) for row in rows):
        message = "the suppression list is empty, without so much as a header"
        fix = "Export it again, or take suppression out of [lists] if there is none."
        raise SegkitError(message, where=str(path), fix=fix)
    entries = set(_list_entries(rows, path)) - {""}
    hashed = frozenset(entry for entry in entries if HASH.fullmatch(entry))
    plain = {shape for entry in entries - hashed for shape in _list_shapes(entry)}
    return Suppression(frozenset(plain), hashed)


def find_suppressed(
    suppression: Suppression, ids: Sequence[str], addresses: Sequence[str]
) -> Suppressed:
    """Say who is on the suppression list, by identifier or by address.

    Parameters
    ----------
    suppression : Suppression
    ids, addresses : sequence of str
        One each a customer; an address may be empty.
    """
    names = pd.Series(list(ids), dtype=object).map(normalise_entry)
    mails = pd.Series(list(addresses), dtype=object).fillna("")
    is_suppressed = pd.Series(False, index=names.index)
    met: set[str] = set()
    for shapes in (names, names.map(_strip_number), mails):
        found = shapes.isin(suppression.plain) & (shapes != "")
        met |= set(shapes[found])
        is_suppressed |= found
    if suppression.hashed:
        for shapes in (names, mails):
            hashes = shapes.map(_hash_text)
            found = hashes.isin(suppression.hashed) & (shapes != "")
            met |= set(hashes[found])
            is_suppressed |= found
    unmatched = suppression.hashed - met
    unmet = {_strip_number(entry) for entry in suppression.plain} - {_strip_number(m) for m in met}
    return Suppressed(is_suppressed, len(unmatched) + len(unmet))


def _list_entries(rows: list[list[str]], path: Path) -> list[str]:
    """Return the cells of the columns that hold entries, the header's too where it is none."""
    header = [re.sub(r"\W+", "_", normalise_entry(cell)) for cell in rows[0]]
    places = [i for i, name in enumerate(header) if name in READ or "mail" in name]
    if places:
        rows = rows[1:]
    elif len(header) == 1 or "@" in "".join(rows[0]):
        places = list(range(len(header)))
    if not places:
        fix = "Call the column customer_id, email or hash, or leave one column in the file."
        found = ", ".join(rows[0])[:80]
        message = "nobody can tell which column of the suppression list names customers"
        raise SegkitError(message, where=str(path), found=found, fix=fix)
    return [normalise_entry(row[i]) for row in rows for i in places if i < len(row)]


def _list_shapes(entry: str) -> tuple[str, str]:
    """Return an entry, and how it is known where a spreadsheet took its zeros."""
    return entry, _strip_number(entry)


def _strip_number(text: str) -> str:
    """Return a number without zeros before it and without decimals that are none: 00123, 123.0."""
    whole = re.fullmatch(r"0*(\d+?)([.]0+)?", text)
    return whole[1] if whole else text


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
