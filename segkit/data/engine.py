"""The engine behind a plan: DuckDB in this process, or Spark; one SQL and one Ibis for both."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.core.errors import SegkitError
from segkit.core.leftovers import name_folder
from segkit.data.columns import quote, text_literal
from segkit.data.places import escape_pattern, name_plainly
from segkit.plan.engine import count_bytes
from segkit.plan.models import Engine, Plan

if TYPE_CHECKING:
    import duckdb
    from ibis import ir

# What Python, its libraries and their results hold beside DuckDB, in bytes: the check of the sample
# shop 235 MB, that of 12 million order lines 470 MB.
PYTHON_MEMORY = 500_000_000
# Optimizers of DuckDB that a check does without: a list in a CASE would become a join. The others
# take the square of the columns' number, and are left out where there are many.
UNWANTED = ("in_clause",)
UNWANTED_IF_WIDE = (*UNWANTED, "common_subexpressions", "projection_placement")
WIDE = 200  # columns


def set_limits(
    con: duckdb.DuckDBPyConnection, plan: Plan, folder: Path, *, owners: int = 1
) -> Path:
    """Hold a DuckDB connection to the plan's memory and threads, and to this machine.

    The plan's memory is that of the process, of which DuckDB gets its part, see `share_memory`. It
    loads no extension from the network, sees no variable of Python, and prints no progress, which
    would end up within the answer.

    Returns
    -------
    Path
        Where what is more will go, in the plan's ``temp_folder`` or else in ``folder``; it is there
        as soon as something went there.
    """
    import duckdb

    engine = plan.engine
    spill = name_plainly(folder) / "spill"
    if engine.temp_folder:
        place = plan.resolve_path(engine.temp_folder)
        place.mkdir(parents=True, exist_ok=True)
        spill = name_plainly(place / name_folder())
    _set_memory(con, engine, owners=owners)
    con.execute(
        f"""SET TimeZone = 'UTC';
        SET temp_directory = {text_literal(spill)};
        SET autoinstall_known_extensions = false; SET autoload_known_extensions = false;
        SET python_enable_replacements = false"""
    )
    # In a notebook without ipywidgets there is none, and DuckDB refuses to switch it off.
    with contextlib.suppress(duckdb.InvalidInputException):
        con.execute("SET enable_progress_bar = false")
    if engine.threads:
        con.execute(f"SET threads = {count_threads(engine.threads)}")
    return spill


def _set_memory(con: duckdb.DuckDBPyConnection, engine: Engine, *, owners: int) -> None:
    """Give a connection its part of DuckDB's memory, which so many databases share."""
    own_memory = share_memory(_count_limit(con, engine.memory_limit)) // owners
    con.execute(f"SET memory_limit = '{own_memory}B'")


def choose_optimizers(con: duckdb.DuckDBPyConnection, column_count: int) -> None:
    """Let DuckDB do without the optimizers that take long in a table of so many columns."""
    unwanted = UNWANTED_IF_WIDE if column_count > WIDE else UNWANTED
    con.execute(f"SET disabled_optimizers = '{','.join(unwanted)}'")


def share_memory(limit: int) -> int:
    """Return how many bytes of a process's limit are DuckDB's: what Python leaves, at least half.

    Examples
    --------
    >>> share_memory(8_000_000_000), share_memory(600_000_000)
    (7500000000, 300000000)
    """
    return max(limit - PYTHON_MEMORY, limit // 2)


def _count_limit(con: duckdb.DuckDBPyConnection, limit: str) -> int:
    """Return the bytes of a limit; one of a share is of the memory that DuckDB finds here."""
    if not limit.endswith("%"):
        return count_bytes(limit)
    con.execute("SET memory_limit = '100%'")
    rows = con.execute("SELECT current_setting('memory_limit')").fetchall()
    return int(count_bytes(rows[0][0]) * float(limit.rstrip(" %")) / 100)


def count_threads(asked: int) -> int:
    """Return how many threads to start: those asked for, at most four for each processor."""
    return min(asked, 4 * (os.cpu_count() or 1))


@contextlib.contextmanager
def open_locked(
    path: Path,
    plan: Plan,
    folder: Path,
    *,
    beside: duckdb.DuckDBPyConnection,
    read_only: bool = False,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database file with no way to any other file, to an extension or to a setting.

    The connection ``beside`` it, of another database, leaves it half of its memory meanwhile. What
    does not fit goes to a folder of its own, as temporary files of all databases have the same
    names.
    """
    import duckdb

    own_folder = Path(tempfile.mkdtemp(dir=folder))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, own_folder, ignore_errors=True)
        stack.callback(_set_memory, beside, plan.engine, owners=1)
        _set_memory(beside, plan.engine, owners=2)
        con = stack.enter_context(duckdb.connect(name_plainly(path), read_only=read_only))
        set_limits(con, plan, own_folder, owners=2)
        con.execute(
            """SET preserve_insertion_order = true; SET allow_community_extensions = false;
            SET enable_external_access = false; SET lock_configuration = true"""
        )
        yield con


def open_tables(plan: Plan, paths: Mapping[str, Path], folder: Path) -> dict[str, ir.Table]:
    """Open Parquet files as Ibis tables of the plan's engine; see `set_limits` for ``folder``.

    Raises
    ------
    SegkitError
        If Spark cannot be started.
    """
    import ibis

    if plan.engine.is_spark:
        con = ibis.pyspark.connect(start_spark(plan.engine))
        places = {name: escape_pattern(path) for name, path in paths.items()}
        return {name: con.read_parquet(place, table_name=name) for name, place in places.items()}
    con = ibis.duckdb.connect()
    if plan.engine.temp_folder is None:
        folder.mkdir(parents=True, exist_ok=True)
    set_limits(con.con, plan, folder)
    return {name: open_parquet(con, path, name) for name, path in paths.items()}


def open_parquet(con: Any, path: Path, name: str) -> ir.Table:
    """Open one Parquet file as a table of an Ibis connection to DuckDB.

    The path is a file's, never a pattern, and the names of its folders are no data.
    """
    place = text_literal(name_plainly(path))
    return _open_view(con, f"read_parquet({place}, hive_partitioning = false)", name)


def open_csv(con: Any, path: Path, name: str) -> ir.Table:
    """Open one CSV file as `open_parquet` does, every column as text."""
    place = text_literal(name_plainly(path))
    rows = f"read_csv({place}, all_varchar = true, hive_partitioning = false)"
    return _open_view(con, rows, name)


def _open_view(con: Any, rows: str, name: str) -> ir.Table:
    con.raw_sql(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS FROM {rows}")
    return con.table(name)


def start_spark(engine: Engine) -> Any:
    """Return the Spark session of this process, started if there is none.

    Times are UTC. On one machine ``memory_limit`` is the driver's, else each executor's.

    Raises
    ------
    SegkitError
        If pyspark or Java is missing, or the master does not answer.
    """
    where = "engine of the plan"
    master = engine.connection
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        fix = "Install it with: pip install 'segkit-workbench[spark]'."
        raise SegkitError("pyspark is not installed", where=where, found=master, fix=fix) from None
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        fix = "Install Java 17 or newer, or set JAVA_HOME."
        raise SegkitError("Spark needs Java", where=where, found=master, fix=fix)
    fix = "Check address and network, and that the cluster runs Spark 4.0."
    try:
        _reach_master(master)
    except OSError as error:
        found = f"{master}: {error}"
        raise SegkitError("the master does not answer", where=where, found=found, fix=fix) from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        builder = SparkSession.builder.master(master).appName("segkit")
        session = builder.config(map=_set_spark(engine)).getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        found = f"{master}: {str(error).splitlines()[0][:200]}"
        raise SegkitError("Spark cannot be started", where=where, found=found, fix=fix) from None
    session.sparkContext.setLogLevel("ERROR")
    atexit.register(session.stop)
    return session


def _reach_master(master: str) -> None:
    """Raise an OSError if the host of the master, where it names one, does not answer."""
    places = re.findall(r"([\w.-]+):(\d+)", master)
    if places:
        socket.create_connection(places[0], timeout=10).close()


def _set_spark(engine: Engine) -> dict[str, str]:
    """Return Spark's settings for the plan's engine."""
    settings = {"spark.sql.session.timeZone": "UTC", "spark.ui.showConsoleProgress": "false"}
    is_local = engine.connection.startswith("local")
    memory = "spark.driver.memory" if is_local else "spark.executor.memory"
    if is_local:
        settings["spark.driver.host"] = "127.0.0.1"
        settings["spark.ui.enabled"] = "false"
        settings["spark.sql.shuffle.partitions"] = "8"
        if engine.temp_folder:
            settings["spark.local.dir"] = engine.temp_folder
    if not engine.memory_limit.endswith("%"):
        amount = engine.memory_limit.replace(" ", "")
        settings[memory] = re.sub("i?B", "", amount).lower()
    return settings


class SqlTables:
    """Tables made by DuckDB's SQL, on DuckDB or on Spark; DuckDB can read them all by name.

    On Spark each table is Parquet in ``folder``, which every executor must see.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, engine: Engine, folder: Path):
        self.con = con
        self.folder = name_plainly(folder.resolve())
        self.schema: dict[str, dict[str, str]] = {}
        self.spark = start_spark(engine) if engine.is_spark else None

    def bring(self, name: str, query: str) -> None:
        """Make what only DuckDB can read known to the engine, under a name."""
        if self.spark is None:
            self.con.execute(f"CREATE VIEW {name} AS {query}")
            return
        path = self.folder / f"{name}.parquet"
        self.con.execute(f"COPY ({query}) TO {text_literal(path)} (FORMAT parquet)")
        self._show(name, path)

    def create(self, name: str, query: str, kind: str = "TABLE") -> None:
        """Create a table, or where its rows need not be kept a VIEW, from tables of the engine.

        A VIEW is for the engine alone; DuckDB then knows only its columns.
        """
        if self.spark is None or kind == "VIEW":
            self.con.execute(f"CREATE {kind} {name} AS {query}")
        if self.spark is None:
            return
        rows = self.spark.sql(translate_query(query, self.schema))
        if kind == "VIEW":
            rows.createOrReplaceTempView(name)
            self._learn(name)
            return
        path = self.folder / name
        rows.write.parquet(str(path))
        self._show(name, path, rows.schema)

    def _show(self, name: str, path: Path, kinds: Any = None) -> None:
        files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        places = ", ".join(map(text_literal, files))
        relation = f"read_parquet([{places}], hive_partitioning = false)"
        self.con.execute(f"CREATE VIEW {name} AS FROM {relation}")
        self._learn(name)
        reader = self.spark.read if kinds is None else self.spark.read.schema(kinds)
        reader.parquet(str(path)).createOrReplaceTempView(name)

    def _learn(self, name: str) -> None:
        types = self.con.execute(f"DESCRIBE {name}").fetchall()
        self.schema[name] = {column: kind for column, kind, *_ in types}


def translate_query(query: str, schema: Mapping[str, Mapping[str, str]]) -> str:
    """Translate a query from DuckDB's SQL to Spark's; ``schema`` has each table's types.

    Every star is written out first, for Spark knows no ``* REPLACE``.
    """
    import sqlglot
    from sqlglot.optimizer.qualify import qualify

    parsed = sqlglot.parse_one(query, dialect="duckdb")
    return qualify(parsed, dialect="duckdb", schema=schema).sql("spark")
