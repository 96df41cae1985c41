"""Times that name their zone: the clock that they show is kept, and where they are UTC is told.

The day, the weekday and the hour of an order are those of the clock where it was placed.
"""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from segkit.data.columns import Source, text_literal
from segkit.data.notices import Notice, say_column

_CLOCK = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm])?"
_OFFSET = r"(?:UTC|GMT)?[+-][0-9]{1,2}(?::?[0-9]{2}){0,2}"
_UTC = r"[Zz]|UTC|GMT|UT|(?:UTC|GMT)?[+-]00(?::?00){0,2}"
_NAMED = (
    r"(?:[ECMP]|AK|H|A|N)[SD]T|[WCE]ES?T|BST|IST|MSK|JST|KST|SGT|HKT|SAST|BRT|AE[SD]T|AC[SD]T|AWST"
    r"|NZ[SD]T|[A-Z][A-Za-z_]+/[A-Z][A-Za-z_/-]+"
)
# After the zone only a year may stand, as in Wed May 13 11:01:12 +0200 2024.
ZONE = rf"({_CLOCK}) ?({_OFFSET}|{_UTC}|{_NAMED})( [0-9]{{4}})?$"
SUMMER_HOURS = 1  # so far from UTC a clock may be that of a place where winter is UTC


class ZoneCounts(NamedTuple):
    """How many rows of a column show a time of day, and in what zone.

    ``zoned`` name a zone, of which ``utc`` are UTC; ``local`` show a time without one.
    ``zone_count`` counts different zones, and ``is_far`` says whether one is hours from UTC.
    """

    zoned: int
    utc: int
    local: int
    zone_count: int
    is_far: bool


def strip_zone(text: str) -> str:
    """Return the expression of a text without the zone after its time."""
    return rf"regexp_replace({text}, {text_literal(ZONE)}, '\1\3')"


def find_zone(text: str) -> str:
    """Return the expression of the zone that a text names; empty where it names none."""
    return f"regexp_extract({text}, {text_literal(ZONE)}, 2)"


def is_utc(zone: str) -> str:
    """Return the test whether the zone that a text names is UTC."""
    return f"regexp_full_match({zone}, {text_literal(_UTC)})"


def turn_to_zone(value: str, zone: str) -> str:
    """Return a time in UTC as the clock of a zone shows it."""
    return f"timezone({text_literal(zone)}, timezone('UTC', {value}))"


def check_zone(source: Source) -> None:
    """Raise a SegkitError if the plan's time zone is none."""
    zone = source.time_zone
    if zone is None:
        return
    try:
        value = turn_to_zone("TIMESTAMP '2024-01-01'", zone)
        source.con.execute(f"SELECT {value}").fetchall()
    except duckdb.Error:
        fix = 'Write it like time_zone = "Europe/Helsinki".'
        raise source.fail("the plan's time_zone is none", repr(zone), fix) from None


def tell_zones(source: Source, name: str, counts: ZoneCounts) -> list[Notice]:
    """Say what was done with the zones of a column of texts."""
    if not counts.zoned:
        return []
    words = say_column(name)
    turned = counts.utc if source.time_zone else 0
    kept = counts.zoned - turned
    told = []
    if turned:
        told.append(f"{turned:,} in UTC were turned to the clock of {source.time_zone}")
    if kept:
        told.append(f"{kept:,} are read as the clock that they show")
    treatment = f"{_capitalise(', '.join(told))}."
    is_mixed = counts.local > 0 and not turned
    is_apart = counts.utc > 0 and counts.is_far and not turned
    if is_mixed or is_apart:
        apart = f"{counts.zoned:,} rows of {words} name a zone ({counts.utc:,} of them UTC)"
        beside = f"{counts.local:,} name none" if is_mixed else "others are hours from UTC"
        advice = ' Write time_zone = "Europe/Helsinki", or yours, if those in UTC are to be turned.'
        return [
            Notice(
                f"mixed_zones_{name}",
                severity="warning",
                row_count=counts.zoned,
                reason=f"{apart}, {beside}: they may not show one clock.",
                treatment=treatment + (advice if counts.utc else ""),
            )
        ]
    advice = ""
    if counts.utc == counts.zoned and not turned:
        advice = " They stay UTC; write time_zone in the plan if the shop's clock is another."
    zones = f"{counts.zone_count:,} different zones" if counts.zone_count > 1 else "a zone"
    return [
        Notice(
            f"zones_{name}",
            severity="note",
            row_count=counts.zoned,
            reason=f"The {words} names {zones}.",
            treatment=treatment + advice,
        )
    ]


def tell_typed_zone(source: Source, name: str) -> list[Notice]:
    """Say what was done with a column that is stored as moments in UTC."""
    query = f"SELECT count(text_{name}) FROM texts_{source.name}"
    count = source.con.execute(query).fetchall()[0][0]
    if not count:
        return []
    treatment = "They stay UTC; write time_zone in the plan if the shop's clock is another."
    if source.time_zone:
        treatment = f"They were turned to the clock of {source.time_zone}."
    return [
        Notice(
            f"zones_{name}",
            severity="note",
            row_count=count,
            reason=f"The {say_column(name)} is stored as a moment in UTC.",
            treatment=treatment,
        )
    ]


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]
