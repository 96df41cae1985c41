"""A seeded shop whose true segments, campaign effects and planted dirt are known.

The shop is made inside DuckDB by the statements in ``sample_sql``. Each random number is a hash of
the seed, the row and the stream's name, so the rows depend on the seed alone, not on the number of
threads. Orders, lines, events and messages stream to their files and are never sorted.
"""

from __future__ import annotations

import datetime
import json
import os
import tempfile
import time
from pathlib import Path

import duckdb

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError, explain_faults
from segkit.core.files import write_json
from segkit.core.leftovers import clear_leftovers, prefix_folder
from segkit.data.columns import text_literal
from segkit.data.places import name_plainly, open_room

SQL_FOLDER = Path(__file__).with_name("sample_sql")
SCRIPTS = (
    "dirt",
    "words",
    "survey",
    "customers",
    "orders",
    "contacts",
    "preferences",
    "business",
    "market",
    "truth",
)
_LARGE = ("order_lines", "orders", "events", "messages")
FILES = {name: f"{name}.parquet" if name in _LARGE else f"{name}.csv" for name in TABLES}
FEWEST_CUSTOMERS = 50
SPOILT = "00001,2026-01-15 10:00:00,,delivery,e-mail,Late, too late, again"  # too many fields
MEMORY_LIMIT = "2GB"
MOST_IN_ONE_THREAD = 20_000  # customers; several threads leave the rows in any order


def make_sample(
    folder: str | Path,
    *,
    customers: int = 5_000,
    random_state: int = 7,
    until: datetime.date = datetime.date(2026, 6, 30),
) -> dict:
    """Write the sample shop's tables, two years that end with ``until``.

    Everything is written aside first; ``sample.json``, which says that the shop is whole, last.

    Parameters
    ----------
    folder : str or Path
        Where the files go; made if it is missing. Files of an earlier sample are replaced.
    customers : int, default 5000
        Customers, at least 50. About 30 order lines each.
    random_state : int, default 7
        The seed.
    until : datetime.date, default 2026-06-30
        The last day of the shop; only planted dirt is later.

    Returns
    -------
    dict
        ``rows``: rows by table; ``dirt``: planted rows by table and rule; ``seconds``.

    Raises
    ------
    SegkitError
        If there are too few customers, or the folder cannot be written.
    """
    if customers < FEWEST_CUSTOMERS:
        raise SegkitError(
            "the sample shop needs more customers",
            found=f"{customers:,}",
            fix=f"Ask for {FEWEST_CUSTOMERS} or more.",
        )
    folder = Path(folder)
    started = time.perf_counter()
    with explain_faults(
        "the sample shop cannot be written",
        duckdb.IOException,
        duckdb.OutOfMemoryException,
        where=folder,
        fix="Name a folder that you may write to, with more space, or ask for fewer customers.",
    ):
        folder.mkdir(parents=True, exist_ok=True)
        clear_leftovers(folder)
        with tempfile.TemporaryDirectory(
            prefix=prefix_folder(), dir=folder, ignore_cleanup_errors=True
        ) as name:
            aside = Path(name)
            (aside / "truth").mkdir()
            with open_room(aside) as room, duckdb.connect(room / "work.duckdb") as con:
                _run_scripts(con, customers, random_state=random_state, until=until)
                rows = _copy_tables(con, aside)
                dirt = _count_dirt(con)
                _write_truth(con, aside / "truth", dirt)
            _spoil_lines(aside / FILES["tickets"], dirt["tickets"]["malformed_line"])
            record = {
                "random_state": random_state,
                "customers": customers,
                "until": until,
                "rows": rows,
            }
            _move_files(aside, folder, record)
    return {"rows": rows, "dirt": dirt, "seconds": time.perf_counter() - started}


def _run_scripts(
    con: duckdb.DuckDBPyConnection, customers: int, *, random_state: int, until: datetime.date
) -> None:
    """Run the statements that make the shop."""
    con.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    # Joins stay as they are written: the large table streams past the small ones.
    con.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    if customers <= MOST_IN_ONE_THREAD:
        con.execute("SET threads = 1")
    con.execute("SET VARIABLE customers = $1::BIGINT", [customers])
    con.execute("SET VARIABLE seed = $1::BIGINT", [random_state])
    con.execute("SET VARIABLE until = $1::DATE", [until])
    for name in SCRIPTS:
        con.execute((SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


def _copy_tables(con: duckdb.DuckDBPyConnection, aside: Path) -> dict[str, int]:
    """Copy every table out; return rows by table."""
    rows = {}
    for table, file in FILES.items():
        kind = "(HEADER)" if file.endswith(".csv") else "(COMPRESSION zstd)"
        path = text_literal(name_plainly(aside / file))
        rows[table] = con.execute(f"COPY (FROM {table}) TO {path} {kind}").fetchone()[0]
    return rows


def _count_dirt(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """Return the planted rows by table and rule."""
    dirt: dict[str, dict[str, int]] = {}
    planted = con.execute("SELECT table_name, rule, row_count FROM planted ORDER BY rowid")
    for table, rule, count in planted.fetchall():
        dirt.setdefault(table, {})[rule] = count
    return dirt


def _spoil_lines(tickets: Path, count: int) -> None:
    """Add lines with too many fields, which no statement can write."""
    with tickets.open("a", encoding="utf-8") as file:
        for number in range(count):
            file.write(f"T{number},{SPOILT}\n")


def _write_truth(con: duckdb.DuckDBPyConnection, truth: Path, dirt: dict) -> None:
    """Write what only tests and lessons may read."""
    path = text_literal(name_plainly(truth / "segments.parquet"))
    con.execute(f"COPY (SELECT customer_id, true_segment FROM people) TO {path}")
    effects = con.execute("FROM known_effects").fetchall()[0][0]
    write_json(truth / "dirt.json", dirt)
    write_json(truth / "effects.json", json.loads(effects))


def _move_files(aside: Path, folder: Path, record: dict) -> None:
    """Move the finished files into place; the record goes first and comes back last."""
    (folder / "sample.json").unlink(missing_ok=True)
    (folder / "truth").mkdir(exist_ok=True)
    truth = ("truth/segments.parquet", "truth/dirt.json", "truth/effects.json")
    for name in (*FILES.values(), *truth):
        os.replace(aside / name, folder / name)
    write_json(folder / "sample.json", record)
