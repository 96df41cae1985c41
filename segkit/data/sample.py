"""A seeded shop whose true segments, campaign effects and planted dirt are known.

The shop is made inside DuckDB by the statements in ``sample_sql``. Each random number is a hash of
the seed, the row and the stream's name, so the rows depend on the seed alone, not on the number of
threads. Orders, lines, events and messages stream to their files and are never sorted.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import duckdb

from segkit.errors import SegkitError

SQL_FOLDER = Path(__file__).with_name("sample_sql")
SCRIPTS = ("words", "survey", "customers", "orders", "contacts", "market")
FILES = {
    "order_lines": "order_lines.parquet",
    "orders": "orders.parquet",
    "customers": "customers.csv",
    "products": "products.csv",
    "events": "events.parquet",
    "messages": "messages.parquet",
    "tickets": "tickets.csv",
    "responses": "responses.csv",
    "market_cells": "market_cells.csv",
    "competitors": "competitors.csv",
    "trends": "trends.csv",
}
FEWEST_CUSTOMERS = 50
MEMORY_LIMIT = "2GB"
MOST_IN_ONE_THREAD = 20_000  # customers; several threads leave the rows in any order

# Rows of planted dirt for 5,000 customers, by table and rule; they grow with the shop.
DIRT = {
    "order_lines": {
        "missing_customer": 600,
        "exact_duplicate": 300,
        "non_product": 400,
        "zero_price": 120,
        "negative_price": 12,
        "adjustment": 6,
        "unknown_product": 60,
        "currency_differs": 40,
        "after_as_of": 50,
        "missing_order_id": 15,
        "missing_product_id": 25,
        "missing_quantity": 25,
        "missing_unit_price": 25,
        "missing_ordered_at": 20,
    },
    "orders": {"duplicate_key": 20, "missing_order_id": 10, "out_of_range_shipping_amount": 5},
    "customers": {
        "duplicate_key": 15,
        "missing_customer_id": 5,
        "not_a_date_signed_up_on": 6,
        "not_a_number_income": 4,
        "not_allowed_customer_type": 3,
    },
    "products": {"missing_product_id": 1, "out_of_range_list_price": 2},
    "events": {"missing_occurred_at": 20, "missing_event_type": 20, "after_as_of": 30},
    "messages": {"missing_customer_id": 20, "missing_sent_at": 10, "after_as_of": 10},
    "tickets": {
        "out_of_range_satisfaction": 12,
        "missing_ticket_id": 4,
        "missing_opened_at": 4,
        "not_a_date_opened_at": 5,
        "after_as_of": 3,
        "duplicate_key": 6,
        "malformed_line": 3,
    },
    "responses": {"missing_question": 9, "not_a_date_answered_at": 7, "after_as_of": 4},
    "market_cells": {"missing_buyer_count_or_market_value": 2},
    "competitors": {"missing_competitor": 1, "out_of_range_market_share": 2},
    "trends": {"missing_value": 1, "not_a_number_value": 2},
}


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
    folder, started = Path(folder), time.perf_counter()
    aside = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        aside = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
        (aside / "truth").mkdir()
        with duckdb.connect(aside / "work.duckdb") as con:
            rows, dirt = _write_tables(con, aside, (customers, random_state, until))
        record = {
            "random_state": random_state,
            "customers": customers,
            "until": until.isoformat(),
            "version": hash_generator(),
            "rows": rows,
            "bytes": {name: (aside / name).stat().st_size for name in _list_files()},
        }
        _move_files(aside, folder, record)
    except OSError as error:
        raise SegkitError(
            "the sample shop cannot be written",
            where=str(folder),
            found=error.strerror or str(error),
            fix="Name a folder that you may write to, on a disk with space.",
        ) from None
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise SegkitError(
            "the sample shop cannot be written",
            where=str(folder),
            found=str(error).splitlines()[0],
            fix="Name a folder on a disk with more space, or ask for fewer customers.",
        ) from None
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
    return {"rows": rows, "dirt": dirt, "seconds": time.perf_counter() - started}


def sample_is_whole(folder: str | Path) -> bool:
    """Return whether ``folder`` has every file of a sample made by this version of segkit."""
    folder = Path(folder)
    try:
        record = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
        sizes = {name: (folder / name).stat().st_size for name in _list_files()}
    except (OSError, ValueError):
        return False
    return record.get("bytes") == sizes and record.get("version") == hash_generator()


def hash_generator() -> str:
    """Return a short hash of the code and words that make the shop."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in SCRIPTS:
        digest.update((SQL_FOLDER / f"{name}.sql").read_bytes())
    return digest.hexdigest()[:16]


def _list_files() -> list[str]:
    return [*FILES.values(), "truth/segments.parquet", "truth/dirt.json", "truth/effects.json"]


def _write_tables(con: duckdb.DuckDBPyConnection, aside: Path, settings: tuple) -> tuple:
    """Run the statements and copy every table out; return rows and dirt by table."""
    customers, random_state, until = settings
    con.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    # Joins stay as they are written: the large table streams past the small ones.
    con.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    if customers <= MOST_IN_ONE_THREAD:
        con.execute("SET threads = 1")
    con.execute("SET VARIABLE customers = $1::BIGINT", [customers])
    con.execute("SET VARIABLE seed = $1::BIGINT", [random_state])
    con.execute("SET VARIABLE until = $1::DATE", [until])
    dirt = {
        table: {rule: max(1, round(n * customers / 5_000)) for rule, n in rules.items()}
        for table, rules in DIRT.items()
    }
    con.execute("CREATE TABLE planted (table_name TEXT, rule TEXT, row_count BIGINT, place BIGINT)")
    planted = [(table, rule, n) for table, rules in dirt.items() for rule, n in rules.items()]
    con.executemany(
        "INSERT INTO planted VALUES ($1, $2, $3, $4)",
        [(*row, place) for place, row in enumerate(planted)],
    )
    for name in SCRIPTS:
        con.execute((SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))
    rows = {}
    for table, file in FILES.items():
        kind = "(HEADER)" if file.endswith(".csv") else "(COMPRESSION zstd)"
        path = (aside / file).as_posix().replace("'", "''")
        rows[table] = con.execute(f"COPY (FROM {table}) TO '{path}' {kind}").fetchone()[0]
    _spoil_lines(aside / FILES["tickets"], dirt["tickets"]["malformed_line"])
    _write_truth(con, aside / "truth", dirt)
    return rows, dirt


def _spoil_lines(path: Path, count: int) -> None:
    """Append lines with too many fields, as a hand-edited file has them."""
    with path.open("a", encoding="utf-8") as file:
        for number in range(count):
            file.write(
                f"T{number},00001,2026-01-15 10:00:00,,delivery,e-mail,Late, too late, again\n"
            )


def _write_truth(con: duckdb.DuckDBPyConnection, truth: Path, dirt: dict) -> None:
    """Write what only tests and lessons may read, and complete the counts of dirt."""
    path = (truth / "segments.parquet").as_posix().replace("'", "''")
    con.execute(f"COPY (SELECT customer_id, true_segment FROM people) TO '{path}'")
    _count_the_rest(con, dirt)
    effects = {
        "added_order_probability": dict(con.execute("FROM effects").fetchall()),
        "days": 14,
        "white_space": {"country": "NO", "category": "Climbing & ski"},
        "companions": dict(
            con.execute(
                "SELECT a.product_id, b.product_id FROM stock a JOIN stock b"
                " ON b.aisle = 15 AND b.companion = a.companion WHERE a.aisle < 15 ORDER BY 1"
            ).fetchall()
        ),
    }
    for name, content in (("dirt", dirt), ("effects", effects)):
        text = json.dumps(content, indent=2, ensure_ascii=False)
        (truth / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _count_the_rest(con: duckdb.DuckDBPyConnection, dirt: dict) -> None:
    """Add the counts that depend on what was drawn, and those of rows that fall to two rules."""
    lines, orders = dirt["order_lines"], dirt["orders"]
    lines["cancellation"], lines["return"] = con.execute(
        "SELECT coalesce(sum(line_count) FILTER (fate = 'cancelled'), 0)::BIGINT,"
        " count(*) FILTER (fate = 'returned') FROM sales"
    ).fetchone()
    without_order = ("adjustment", "missing_ordered_at", "after_as_of")
    lines["unknown_order"] = sum(lines[rule] for rule in without_order)
    orders["after_as_of"] = lines["after_as_of"]
    unusual = con.execute(
        "SELECT count(*) FILTER (number % 500 = 17), count(*) FILTER (number % 500 = 117)"
        " FROM people WHERE segment <> 5"
    ).fetchone()
    dirt["customers"]["unusual_income"], dirt["customers"]["unusual_birth_year"] = unusual
    for rules in (orders, dirt["customers"], dirt["tickets"]):
        rules["duplicate_key_differs"] = rules["duplicate_key"]


def _move_files(aside: Path, folder: Path, record: dict) -> None:
    """Move the finished files into place; the record goes first and comes back last."""
    (folder / "sample.json").unlink(missing_ok=True)
    (folder / "truth").mkdir(exist_ok=True)
    for name in _list_files():
        os.replace(aside / name, folder / name)
    (aside / "sample.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    os.replace(aside / "sample.json", folder / "sample.json")


def _remove_leftovers(folder: Path) -> None:
    """Remove what a generation that was killed more than a day ago left behind."""
    for leftover in folder.glob(".partial-*"):
        if time.time() - leftover.stat().st_mtime > 86_400:
            shutil.rmtree(leftover, ignore_errors=True)
