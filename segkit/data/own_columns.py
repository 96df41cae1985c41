"""Features of one's own: their values decide whether they are numbers, booleans or categories."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from segkit.contract.definitions import Column
from segkit.data.columns import OWN, Source
from segkit.data.decimal_marks import (
    MOSTLY_NUMBERS,
    Evidence,
    Reading,
    choose_marks,
    gather_evidence,
    list_marks,
)
from segkit.data.notices import Notice, tell_failed
from segkit.data.own_identifiers import find_identifiers
from segkit.data.own_looks import Looks, count_looks, tell_looks
from segkit.data.units import drop_unit

PLAIN = Reading()
FEW_ZEROS = 0.01  # of the values; fewer are rather a slip than a code


@dataclasses.dataclass(frozen=True)
class OwnKind:
    """What the values of one feature make it, and how its numbers are read.

    ``unit`` is what stands beside each number and is left out.
    """

    kind: str
    reading: Reading = PLAIN
    unit: str = ""

    def convert(self, text: str) -> str:
        """Return the expression that reads a text as a number."""
        return self.reading.convert(drop_unit(text) if self.unit else text)


def settle_own(
    source: Source, evidence: Mapping[str, Evidence], readings: Mapping[str, Reading]
) -> tuple[dict[str, OwnKind], list[Notice]]:
    """Let the values of each feature of one's own decide its kind.

    It is a number, or a boolean, if all values are, also where all numbers have one unit beside
    them; else a category. Where most are numbers, the others are told as a guess; a number past
    the largest is none, and digits after a zero are a code. What a category looks like is told.

    Raises
    ------
    SegkitError
        If the decimal mark of numbers with a unit cannot be told.
    """
    own = [column for column in source.table.columns if column.kind == OWN]
    kinds = {
        column.name: _name_kind(evidence[column.name], readings[column.name]) for column in own
    }
    others = [column for column in own if kinds[column.name].kind == "category"]
    looks = count_looks(source, others)
    told = list_marks(own, evidence)
    with_unit, notices = _read_units(source, others, looks, told=told)
    kinds |= with_unit
    for column in own:
        name = column.name
        notices += _tell_kind(name, kinds[name], evidence[name])
        if kinds[name].kind == "category":
            notices += tell_looks(name, looks[name])
    columns = [
        dataclasses.replace(column, kind=kinds[column.name].kind) if column.kind == OWN else column
        for column in source.table.columns
    ]
    numbers = {name: kinds[name].convert for name in kinds if kinds[name].kind == "number"}
    undated = [
        column for column in own if column.name not in looks or not looks[column.name].is_dates
    ]
    notices += find_identifiers(source, undated, evidence, numbers=numbers)
    source.table = dataclasses.replace(source.table, columns=tuple(columns))
    return kinds, notices


def _name_kind(found: Evidence, reading: Reading) -> OwnKind:
    """Return the kind of a column by what its values tell."""
    if found.values and not found.zeros and found.count_numbers(reading.mark) == found.values:
        return OwnKind("number", reading)
    if found.values and found.booleans == found.values:
        return OwnKind("boolean")
    return OwnKind("category", reading)


def _read_units(
    source: Source, columns: Sequence[Column], looks: Mapping[str, Looks], *, told: Collection[str]
) -> tuple[dict[str, OwnKind], list[Notice]]:
    """Return the columns whose values all are numbers with one and the same unit beside them."""
    alike = [column for column in columns if looks[column.name].has_one_unit]
    bodies = {column.name: drop_unit("text") for column in alike}
    evidence = gather_evidence(source, alike, texts=bodies)
    alike = [column for column in alike if evidence[column.name].is_all_numbers]
    told = set(told) | list_marks(alike, evidence)
    readings, notices = choose_marks(source, alike, evidence, told=told)
    found = {}
    for column in alike:
        name = column.name
        reading = readings[name]
        if evidence[name].count_numbers(reading.mark) == evidence[name].values:
            unit = looks[name].unit
            found[name] = OwnKind("number", reading, unit)
            notices.append(
                Notice(
                    f"unit_{name}",
                    severity="note",
                    row_count=evidence[name].values,
                    reason=f"Every value of {name} is a number with '{unit}' beside it.",
                    treatment=f"Read as numbers, without '{unit}'.",
                )
            )
    return found, notices


def _tell_kind(name: str, own: OwnKind, found: Evidence) -> list[Notice]:
    """Return what is to say of a column's kind: numbers left out of it, codes, failed formulas."""
    notices = []
    number_count = found.count_numbers(own.reading.mark)
    if found.errors:
        notices.append(tell_failed(name, found.errors))
    if own.kind != "category" or not found.values:
        return notices
    if found.zeros and number_count >= MOSTLY_NUMBERS * found.values:
        few = found.zeros < FEW_ZEROS * found.values
        notices.append(
            Notice(
                f"leading_zeros_{name}",
                severity="warning" if few else "note",
                row_count=found.zeros,
                reason=f"Digits after a zero, as no number has them, stand in {name}.",
                treatment="Kept as text: the whole column is read as categories.",
            )
        )
    if MOSTLY_NUMBERS * found.values <= number_count < found.values:
        notices.append(
            Notice(
                f"mixed_{name}",
                severity="warning",
                row_count=found.values - number_count,
                reason=f"Most values of {name} are numbers, but not these.",
                treatment="Kept: the whole column is read as categories.",
            )
        )
    return notices
