"""Convert columns from how they were found to what the contract says, without losing a row.

A value that cannot be converted becomes null and is marked as faulty; the checks reject its row.
"""

from __future__ import annotations

import dataclasses

import duckdb

from segkit.contract.definitions import Column
from segkit.data.columns import OWN, Source, quote, text_literal

NO_TEXT = ("", "\\N")
NO_CATEGORY = (*NO_TEXT, "NA", "N/A", "NULL", "NaN", "nan")
NO_ID = (*NO_CATEGORY, "null", "None", "none", "<NA>", "#N/A")
NO_NUMBER = (*NO_ID, "-", "?", "inf", "-inf", "Infinity", "-Infinity", "NaT", "n/a", "na")
NOTHING = {"text": NO_TEXT, "category": NO_CATEGORY, "id": NO_ID}
KEEPS_NA = ("country", "region")  # NA is Namibia
TRUE_TEXTS = ("true", "t", "yes", "y", "1", "1.0", "on")
FALSE_TEXTS = ("false", "f", "no", "n", "0", "0.0", "off")
NUMBERS, TIMES = ("integer", "number", "money"), ("date", "datetime")
SANE = "BETWEEN '1000-01-01' AND '3000-12-31'"  # other years are another format misread

_CLOCK = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_DAY_FIRST = [f"%d{sep}%m{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_MONTH_FIRST = [f"%m{sep}%d{sep}{year}" for year in ("%Y", "%y") for sep in "/.-"]
_NAMED = ["%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y"]
DATE_FORMATS = (*_DAY_FIRST, *_MONTH_FIRST, *_NAMED, "%Y.%m.%d")
SAMPLE_VALUES = 2_000
MOSTLY_NUMBERS = 0.9  # of the values; then those that are none deserve a look


def convert_source(source: Source) -> tuple[str, list[tuple]]:
    """Return the query that converts a source's columns, and what had to be guessed for it.

    The query gives ``source_row``, ``row_hash``, the converted columns, and ``faulty_<column>``
    where a conversion may fail. A guess is an entry of the quality table: rule, severity,
    row_count, reason, treatment.
    """
    guesses = _settle_own(source)
    columns = [c for c in source.table.columns if c.name in source.columns]
    trimmed, texts, values, bounds, names = [], [], [], [], []
    for column in columns:
        name = column.name
        trimmed.append(f"{_trim(column, source.types[name])} AS text_{name}")
        nothing = NO_TEXT if name in KEEPS_NA else NOTHING.get(column.kind, NO_NUMBER)
        if not _is_typed(column, source.types[name]):
            longest = max(map(len, nothing))  # a length is compared faster than a list
            test = f"(strlen(text_{name}) > {longest} OR text_{name} NOT IN ({_list(nothing)}))"
            texts.append(f"CASE WHEN {test} THEN text_{name} END AS text_{name}")
    # One level a step, so that no expression is computed twice.
    query = f"SELECT source_row, row_hash, {', '.join(trimmed)} FROM {source.raw}"
    query = f"SELECT * REPLACE ({', '.join(texts)}) FROM ({query})"
    source.con.execute(f"CREATE OR REPLACE VIEW texts_{source.name} AS {query}")
    for column in columns:
        name, own, kind = column.name, quote(column.name), column.kind
        is_typed = _is_typed(column, source.types[name])
        value = text = f"text_{name}"
        if kind == "id" and source.types[name] == "VARCHAR":
            value = _convert_id(source, name, guesses)
        elif kind in NUMBERS:
            value = f"{text}::DOUBLE" if is_typed else _convert_number(text, source.spec.decimal)
            bounds.append(f"CASE WHEN isfinite({own}) THEN {own} END AS {own}")
        elif kind in TIMES:
            value = f"{text}::TIMESTAMP" if is_typed else _convert_date(source, name, guesses)
            cast = "::DATE" * (kind == "date")
            bounds.append(f"CASE WHEN {own} {SANE} THEN {own}{cast} END AS {own}")
        elif kind == "boolean":
            value = _convert_boolean(text)
        values.append(f"{value} AS {own}")
        names.append(own)
        if kind not in NOTHING:
            names.append(f"{text} IS NOT NULL AND {own} IS NULL AS faulty_{name}")
    query = f"SELECT *, {', '.join(values)} FROM texts_{source.name}"
    if bounds:
        query = f"SELECT * REPLACE ({', '.join(bounds)}) FROM ({query})"
    return f"SELECT source_row, row_hash, {', '.join(names)} FROM ({query})", guesses


def _settle_own(source: Source) -> list[tuple]:
    """Let the values of each feature of one's own decide its kind, so that none is refused.

    It is a number, or a boolean, if all values are; else a category. Where most are numbers, the
    others are told as a guess.
    """
    settled, guesses = {}, []
    for column in (c for c in source.table.columns if c.kind == OWN):
        name, number = column.name, dataclasses.replace(column, kind="number")
        is_typed = _is_typed(number, source.types[name])
        read = "t::DOUBLE" if is_typed else _convert_number("t", source.spec.decimal)
        count, numbers, booleans = source.con.execute(
            f"""SELECT count(*), count(*) FILTER (isfinite({read})), count({_convert_boolean("t")})
            FROM (SELECT {_trim(column, source.types[name])} AS t FROM {source.raw})
            WHERE t NOT IN ({_list(NO_NUMBER)})"""
        ).fetchall()[0]
        kind = {booleans: "boolean", numbers: "number"}.get(count, "category")
        settled[name] = dataclasses.replace(column, kind=kind if count else "category")
        if MOSTLY_NUMBERS * count <= numbers < count:
            reason = f"Most values of {name} are numbers, but not these."
            treatment = "Kept: the whole column is read as categories."
            guesses.append((f"mixed_{name}", "warning", count - numbers, reason, treatment))
    columns = tuple(settled.get(c.name, c) for c in source.table.columns)
    source.table = dataclasses.replace(source.table, columns=columns)
    return guesses


def _convert_boolean(text: str) -> str:
    return f"""CASE WHEN lower({text}) IN {TRUE_TEXTS} THEN true
        WHEN lower({text}) IN {FALSE_TEXTS} THEN false END"""


def _is_typed(column: Column, found: str) -> bool:
    """Say whether a column needs no reading: a number or a time that is stored as one."""
    if column.kind in TIMES:
        return found.startswith(("TIMESTAMP", "DATE"))
    is_number = found.endswith("INT") or found.startswith(("INT", "DEC", "FLOAT", "DOUBLE"))
    return column.kind in NUMBERS and (is_number or found == "UINTEGER")


def _trim(column: Column, found: str) -> str:
    """Return a column as trimmed text; a number or time in its place stays what it is."""
    name = quote(column.name)
    text = f"{name}::VARCHAR"
    if _is_typed(column, found):
        text = name
    elif found in ("FLOAT", "DOUBLE"):
        is_whole = f"{name} = round({name}) AND abs({name}) < 1e38"  # 17850, not 17850.0
        text = f"CASE WHEN {is_whole} THEN {name}::DECIMAL(38, 0)::VARCHAR ELSE {text} END"
    if found in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN isfinite({name}) THEN {text} END"
    if text == name:
        return name
    is_padded = f"{text} < '!' OR ({text})[-1] <= ' '"  # trimming all takes longer
    return f"CASE WHEN {is_padded} THEN trim({text}, E' \\t\\n\\r\\x0b\\f') ELSE {text} END"


def _list(texts: tuple[str, ...] | list[str]) -> str:
    return ", ".join(map(text_literal, texts))


def _convert_id(source: Source, name: str, guesses: list[tuple]) -> str:
    """See whether a program has turned whole numbers into 17850.0, all of them."""
    ids = f"FROM texts_{source.name} WHERE text_{name} IS NOT NULL"
    other = f"SELECT 1 {ids} AND NOT regexp_full_match(text_{name}, '[0-9]+[.]0') LIMIT 1"
    count = 0
    if not source.con.execute(other).fetchall():
        count = source.con.execute(f"SELECT count(*) {ids}").fetchall()[0][0]
    if not count:
        return f"text_{name}"
    reason = f"Every {name.replace('_', ' ')} ends in .0."
    treatment = "Read without the .0, as the whole number that it was."
    guesses.append((f"decimal_id_{name}", "note", count, reason, treatment))
    return f"replace(text_{name}, '.0', '')"


def _convert_number(text: str, mark: str) -> str:
    """Read numbers with the plan's decimal mark, also with thousands apart."""
    other = "." if mark == "," else ","
    separators = rf"[ ''\x{{A0}}\x{{202F}}{other}]"
    grouped = rf"[+-]?[0-9]{{1,3}}({separators}[0-9]{{3}})+([{mark}][0-9]*)?"
    return f"""TRY_CAST(replace(CASE
        WHEN NOT regexp_matches({text}, '[^-+.,0-9eE]|[{other}]') THEN {text}
        WHEN regexp_full_match({text}, '{grouped}')
        THEN regexp_replace({text}, '{separators}', '', 'g') END, '{mark}', '.') AS DOUBLE)"""


def _convert_date(source: Source, name: str, guesses: list[tuple]) -> str:
    """Read dates: by the plan's format, as ISO 8601, or by the format that fits most."""
    con, text, declared = source.con, f"text_{name}", source.spec.date_format
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE dates AS SELECT {text}, count(*) AS rows
        FROM texts_{source.name} GROUP BY ALL HAVING regexp_matches({text}, '[0-9]')"""
    )

    def count(*tests: str, table: str = "dates") -> list[int]:
        sums = [f"coalesce(sum(rows) FILTER ({test}), 0)::BIGINT" for test in tests]
        return con.execute(f"SELECT {', '.join(sums)} FROM {table}").fetchall()[0]

    iso = f"TRY_CAST({text} AS TIMESTAMPTZ)::TIMESTAMP"
    total, iso_count = count("true", f"{iso} {SANE}")
    if declared and total:
        parsed = f"try_strptime({text}, {text_literal(declared)})"
        try:
            if "%" not in declared:
                raise duckdb.Error("no % sign")
            if count(f"{parsed} {SANE}")[0]:
                return parsed
        except duckdb.Error as error:
            source.label = source.locate(name)
            fix = "Write it like %d/%m/%Y, or leave it out to have it detected."
            reason = f"{declared!r} ({str(error).splitlines()[0][:100]})"
            raise source.fail("the plan's date_format is none", reason, fix) from None
    if iso_count == total:
        return iso
    con.execute(f"DELETE FROM dates WHERE {iso} {SANE}")
    parsed = {
        f: f"try_strptime({text}, [{_list([f + clock for clock in _CLOCK])}])" for f in DATE_FORMATS
    }
    some = f"(FROM dates ORDER BY hash({text}) LIMIT {SAMPLE_VALUES})"
    tests = [f"{parse} {SANE}" for parse in parsed.values()]
    hits = dict(zip(parsed, count(*tests, table=some), strict=True))
    likely = [f for f in parsed if hits[f] > 0 and hits[f] >= 0.5 * max(hits.values())]
    if not likely:
        return iso
    fitting = dict(zip(likely, count(*(f"{parsed[f]} {SANE}" for f in likely)), strict=True))
    best = max(likely, key=lambda f: fitting[f])  # day first where they tie
    other = best.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    if fitting.get(other, 0) >= 0.95 * fitting[best]:
        unsure = count(f"{parsed[other]} {SANE} AND {parsed[best]} <> {parsed[other]}")[0]
        first = "day" if best.startswith("%d") else "month"
        reason = f"The {name.replace('_', ' ')} may be day first or month first."
        treatment = f"Read with the {first} first; declare date_format in the plan to be sure."
        if unsure:
            guesses.append((f"ambiguous_date_{name}", "warning", unsure, reason, treatment))
    return f"coalesce({parsed[best]}, {iso})"
