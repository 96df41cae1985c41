"""A plan's query: one SELECT over the files that it lists, in a database where nothing else is.

The files are copied into a database of their own, which is then opened again without a way to any
other file, setting or extension; so a query can neither read nor write what it does not list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb

from segkit.core.errors import SegkitError
from segkit.data.columns import Source, quote, text_literal
from segkit.data.engine import open_locked
from segkit.data.input_hashes import ENDINGS, find_listed
from segkit.data.places import name_plainly, open_room
from segkit.data.textfiles import open_text
from segkit.plan.models import Plan

# Tables that a query may make of nothing; all other functions of tables read files or settings.
TABLE_FUNCTIONS = ("unnest", "range", "generate_series", "json_each", "json_tree")
QUERY_NODES = ("SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE", "RECURSIVE_CTE_NODE")
RESULT = "query result"  # no file of a plan can have this name
FIX = "Mend the query in the plan; in text files every column is text."


def read_query(source: Source, plan: Plan, folder: Path) -> None:
    """Keep what a plan's query makes of its files; ``folder`` is for temporary copies.

    In text files every column is text, so that identifiers keep their zeros.

    Raises
    ------
    SegkitError
        If it is not one SELECT, reads anything but its files, or cannot be run.
    """
    query = source.spec.query
    check_query(source, query)
    try:
        with open_room(folder.resolve()) as room:
            place = room / f"{source.name}.query.duckdb"
            _copy_listed(source, plan, place)
            with open_locked(place, plan, folder, beside=source.con) as locked:
                locked.execute(f"CREATE TABLE {quote(RESULT)} AS SELECT * FROM (\n{query}\n)")
            _keep_result(source, place)
            place.unlink()
    except duckdb.PermissionException as error:
        fix = f"Let it read nothing but what [tables.{source.name}.files] lists."
        raise source.fail("the query may not do this", error, fix) from None
    except duckdb.OutOfMemoryException:
        raise  # the query is not to blame
    except duckdb.Error as error:
        raise source.fail("the query cannot be run", error, FIX) from None


def _keep_result(source: Source, place: Path) -> None:
    con = source.con
    con.execute(f"ATTACH {text_literal(place)} AS answered (READ_ONLY, TYPE duckdb)")
    try:
        relation = f"answered.main.{quote(RESULT)}"
        source.keep(relation, con.sql(f"FROM {relation}").columns)
    finally:
        con.execute("DETACH DATABASE IF EXISTS answered")


def _copy_listed(source: Source, plan: Plan, place: Path) -> None:
    """Copy the files of a query into tables of a database of their own."""
    con = source.con
    con.execute(f"ATTACH {text_literal(place)} AS listed (TYPE duckdb)")
    try:
        for name, files in find_listed(plan, source.spec).items():
            rows = _read_listed(source.spec.files[name], files)
            con.execute(f"CREATE TABLE listed.main.{quote(name)} AS FROM {rows}")
    finally:
        con.execute("DETACH DATABASE IF EXISTS listed")


def _read_listed(label: str, files: list[Path]) -> str:
    """Return the relation of one listed table."""
    paths = ", ".join(text_literal(name_plainly(path)) for path in files)
    if files[0].suffix.lower() in ENDINGS["parquet"]:
        return f"read_parquet([{paths}], union_by_name=true, hive_partitioning=false)"
    open_text(files[0], label, [])  # says what is wrong with what is no text
    return f"read_csv({paths}, all_varchar=true, hive_partitioning=false)"


def check_query(source: Source, query: str) -> None:
    """Raise what is wrong with a plan's query, seen by DuckDB's own parser.

    Raises
    ------
    SegkitError
        If it is not one SELECT, changes anything, or reads what no file of the plan is.
    """
    try:
        with duckdb.connect() as parser:
            statements = parser.extract_statements(query)
            kinds = [str(statement.type).rpartition(".")[2] for statement in statements]
            if kinds != ["SELECT"] or ";" in query[-1:]:
                found = ", ".join(kinds) or "nothing"
                raise _refuse(source, "the query is not one SELECT", found)
            asked = "SELECT json_serialize_sql(?::VARCHAR)"
            ((text,),) = parser.execute(asked, [query]).fetchall()
    except duckdb.Error as error:
        raise source.fail("the query cannot be run", error, FIX) from None
    parsed = json.loads(text)
    if parsed.get("error") or len(parsed["statements"]) != 1:
        raise _refuse(source, "the query is not one SELECT", parsed.get("error_message", ""))
    for kind, name in _list_parts(parsed):
        if kind.endswith("_NODE") and kind not in QUERY_NODES:
            raise _refuse(source, "the query is not one SELECT", kind.removesuffix("_NODE"))
        if kind == "SHOW_REF":
            raise _refuse(source, "the query is not one SELECT", "SHOW or DESCRIBE")
        if kind == "TABLE_FUNCTION" and name.lower() not in TABLE_FUNCTIONS:
            message = "the query may read nothing but the files that it lists"
            raise _refuse(source, message, f"{name}(...)")


def _refuse(source: Source, message: str, found: str) -> SegkitError:
    name = source.name
    fix = f"Write one SELECT over the tables that [tables.{name}.files] lists, without a semicolon."
    return source.fail(message, found, fix)


def _list_parts(parsed: object) -> Iterator[tuple[str, str]]:
    """Yield the kind of each part of a parsed query, and the name of a function of tables."""
    waiting = [parsed]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        if isinstance(part, dict):
            kind = part.get("type")
            if isinstance(kind, str):
                function = part.get("function")
                name = function.get("function_name", "") if isinstance(function, dict) else ""
                yield kind, name
            waiting.extend(part.values())
