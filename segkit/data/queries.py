"""A table made by a SQL query over files, as the plan's ``query`` and ``files`` say."""

from __future__ import annotations

from pathlib import Path

import duckdb

from segkit.data.columns import quote, text_literal
from segkit.errors import SegkitError, suggest_name
from segkit.plan import Plan, TableSpec


def list_query_files(plan: Plan, spec: TableSpec) -> dict[str, Path]:
    """Return the files that a query reads, by their names in it.

    Raises
    ------
    SegkitError
        If one is not there.
    """
    files = {name: plan.resolve_path(path) for name, path in spec.files.items()}
    for name, path in files.items():
        if not path.is_file():
            there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise SegkitError(
                f"there is no such file for '{name}'",
                where=spec.files[name],
                fix=suggest_name(path.name, there),
            )
    return files


def run_query(
    con: duckdb.DuckDBPyConnection, plan: Plan, spec: TableSpec, *, target: str, label: str
) -> list[str]:
    """Keep the query's rows as the table ``target``; return the names of its columns.

    Text files are read with every column as text, so that identifiers keep their zeros; Parquet
    files keep their types.
    """
    views = []
    for name, path in list_query_files(plan, spec).items():
        reading = (
            f"read_parquet({text_literal(path)})"
            if path.suffix.lower() in (".parquet", ".pq")
            else f"read_csv({text_literal(path)}, all_varchar=true)"
        )
        views.append(f"{quote(name)} AS (FROM {reading})")
    try:
        rows = con.sql(f"WITH {', '.join(views)} SELECT * FROM ({spec.query})")
        rows.create(target)
    except duckdb.Error as error:
        raise SegkitError(
            "the query cannot be run",
            where=label,
            found=str(error).splitlines()[0][:200].rstrip("."),
            fix="Mend the query in the plan; in text files every column is text.",
        ) from None
    return rows.columns
