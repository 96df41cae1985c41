"""Read one table from a database, in batches, through Ibis."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import ibis

from segkit.errors import SegkitError, suggest_name

BATCH_ROWS = 100_000


def mask(connection: str | None) -> str:
    """Return a connection without its password.

    Examples
    --------
    >>> mask("postgres://ann:secret@host/shop?sslpassword=x")
    'postgres://ann:***@host/shop'
    """
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", connection or "").split("?")[0]


def copy_table(
    connection: str,
    table: str,
    *,
    into: duckdb.DuckDBPyConnection,
    target: str,
    folder: Path,
    label: str,
) -> list[str]:
    """Copy a database's table into ``target`` and return the names of its columns.

    Parameters
    ----------
    connection : str
        As Ibis reads it, such as ``postgres://user@host/shop`` or ``sqlite://shop.db``; the
        path of a file is relative to ``folder``.
    table : str
        Its name, or ``schema.table``.

    Raises
    ------
    SegkitError
        If there is no such database, driver or table, or reading fails on the way.
    """
    scheme, _, rest = connection.partition("://")
    if scheme in ("duckdb", "sqlite"):
        path = (folder / Path(rest.split("?")[0]).expanduser()).resolve()
        if not path.is_file():
            raise SegkitError("there is no such database file", where=label, found=str(path))
        if scheme == "duckdb":
            return _copy_from_duckdb(path, table, into=into, target=target, label=label)
        connection = f"sqlite://{path}"
    backend = _connect(connection, label)
    try:
        schema, _, name = table.rpartition(".")
        names = backend.list_tables(**({"database": schema} if schema else {}))
        if name not in names:
            raise _explain_missing(name, names, label)
        source = backend.table(name, **({"database": schema} if schema else {}))
        first = True
        for batch in source.to_pyarrow_batches(chunk_size=BATCH_ROWS):
            into.register("incoming", batch_as_table(batch))
            create = f"CREATE OR REPLACE TABLE {target} AS" if first else f"INSERT INTO {target}"
            into.execute(f"{create} SELECT * FROM incoming")
            into.unregister("incoming")
            first = False
        if first:
            into.register("incoming", source.schema().to_pyarrow().empty_table())
            into.execute(f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM incoming")
            into.unregister("incoming")
        return list(source.columns)
    except SegkitError:
        raise
    except Exception as error:  # each driver has its own
        raise SegkitError(
            "the database's table cannot be read",
            where=label,
            found=_shorten(error),
            fix="Check the rights of the user, and the types of the table's columns.",
        ) from None
    finally:
        backend.disconnect()


def batch_as_table(batch: Any) -> Any:
    """Return a record batch as a table, which DuckDB can register."""
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def _connect(connection: str, label: str) -> Any:
    try:
        return ibis.connect(connection)
    except ImportError as error:
        scheme = connection.partition("://")[0]
        raise SegkitError(
            f"the driver for {scheme} is not installed",
            where=label,
            found=_shorten(error),
            fix=f"Install it with: pip install 'ibis-framework[{scheme}]'.",
        ) from None
    except ValueError as error:
        raise SegkitError(
            "the connection is not one that segkit knows",
            where=label,
            found=_shorten(error),
            fix="Write it like postgres://user@host/database, sqlite://file or duckdb://file.",
        ) from None
    except Exception as error:  # each driver has its own
        raise SegkitError(
            "the database does not answer",
            where=label,
            found=_shorten(error),
            fix="Check the address, the user and the password.",
        ) from None


def _copy_from_duckdb(
    path: Path, table: str, *, into: duckdb.DuckDBPyConnection, target: str, label: str
) -> list[str]:
    schema, _, name = table.rpartition(".")
    literal = str(path).replace("'", "''")
    try:
        into.execute(f"ATTACH '{literal}' AS attached (READ_ONLY)")
    except duckdb.Error as error:
        raise SegkitError(
            "this is not a DuckDB database", where=label, found=_shorten(error)
        ) from None
    try:
        names = [
            row[0]
            for row in into.execute(
                "SELECT table_name FROM information_schema.tables "
                "WHERE table_catalog = 'attached' AND table_schema = ?",
                [schema or "main"],
            ).fetchall()
        ]
        if name not in names:
            raise _explain_missing(name, names, label)
        place = f'attached."{schema or "main"}"."{name}"'
        into.execute(f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM {place}")
        return [row[0] for row in into.execute(f"DESCRIBE {target}").fetchall()]
    except duckdb.Error as error:
        raise SegkitError(
            "the database's table cannot be read", where=label, found=_shorten(error)
        ) from None
    finally:
        into.execute("DETACH attached")


def _explain_missing(name: str, names: list[str], label: str) -> SegkitError:
    return SegkitError(
        f"the database has no table '{name}'",
        where=label,
        found=", ".join(sorted(names))[:200] or "no tables",
        fix=suggest_name(name, names),
    )


def _shorten(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return mask_all(text)[:200].rstrip(".")


def mask_all(text: str) -> str:
    """Hide every password that stands in an address within ``text``."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)
