"""Tables that can be trusted: every row accepted, or rejected with a reason, none lost.

``prepare_tables`` leaves them in the run folder, and does nothing where nothing has changed.
"""

from __future__ import annotations

import datetime
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from segkit.core.errors import SegkitError, explain_faults
from segkit.core.files import hash_source, hash_value, read_json, write_json
from segkit.core.leftovers import prefix_folder
from segkit.data.answered import NOT_FOUND
from segkit.data.columns import DataError
from segkit.data.engine import set_limits
from segkit.data.input_hashes import (
    TABLE_ROOMS,
    TABLE_SECTIONS,
    Stamps,
    find_changes,
    hash_files,
    stamp_files,
)
from segkit.data.learned import Learned
from segkit.data.order_status import TOLD
from segkit.data.places import name_plainly, open_room
from segkit.data.table_checks import TableChecks
from segkit.plan.engine import double_memory
from segkit.plan.models import Plan
from segkit.runs.layout import RunFolder, TablesFolder


@dataclass(frozen=True)
class PreparedTables:
    """The Parquet file of each table's accepted rows, and what the checks found.

    ``quality`` has one row a rule that matched: table, rule, severity (reject, warning or note),
    row_count, reason, treatment, found (values as found, never published); a row may match several
    rules. ``counts`` has one row a table:
    read, accepted, rejected; read is the sum of the others. ``names`` has, by table, the user's
    name of each column, and ``sources`` the hash of the files that were read, None for a database.
    ``as_of`` is the last day counted, ``as_of_from`` the table that told it, empty where the plan
    or the caller did. ``learned`` is one row of the whole, see `segkit.data.learned.Learned`.
    ``statuses`` has one row a status of orders, see `segkit.data.order_status.list_statuses`.
    """

    paths: dict[str, Path]
    quality: pd.DataFrame
    counts: pd.DataFrame
    names: dict[str, dict[str, str]]
    sources: dict[str, str | None]
    as_of: datetime.date
    as_of_from: str
    learned: pd.DataFrame
    statuses: pd.DataFrame


@dataclass
class CheckReport:
    """What the checks found, and whether the plan can be carried out.

    ``columns`` has, by table, the kind of each accepted column. ``learned`` is what the tables tell
    as a whole, None where they cannot be used. ``refused`` are schemes that a run would leave out;
    ``is_refused`` says that these are all.
    ``columns`` has, by table, the kind of each accepted column. ``statuses`` has one row a status
    of orders: status, line_count, amount, counts_as, known_by; ``sums`` one row for each kind of
    amount of whole orders that was shared out among their lines: what, order_count, amount.
    """

    quality: pd.DataFrame
    counts: pd.DataFrame
    problems: list[SegkitError] = field(default_factory=list)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    learned: Learned | None = None
    as_of: datetime.date | None = None
    as_of_from: str = ""
    refused: list[SegkitError] = field(default_factory=list)
    is_refused: bool = False
    statuses: pd.DataFrame = field(default_factory=pd.DataFrame)
    sums: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the plan's way."""
        return not self.problems

    @property
    def found(self) -> pd.DataFrame:
        """The rules that found something, and accepted warnings that did not."""
        is_told = (self.quality["row_count"] > 0) | (self.quality["rule"] == NOT_FOUND)
        return self.quality[is_told]

    @property
    def open_warnings(self) -> pd.DataFrame:
        """The warnings that the plan does not accept."""
        return self.quality[self.quality["severity"] == "warning"]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values.

        ``ok``, ``as_of`` with the table that told it, ``tables`` with counts and rules, what was
        ``learned``, the open ``warnings``, the schemes that are ``refused``, and ``problems``;
        ``statuses`` and ``shared_out`` where there is any.
        """
        tables = self.counts.set_index("table").to_dict("index")
        for name, table in tables.items():
            rules = self.quality[self.quality["table"] == name]
            table["rules"] = dict(zip(rules["rule"], rules["row_count"].tolist(), strict=True))
        warnings = [
            {"name": f"{row.table}.{row.rule}", "rows": int(row.row_count), "reason": row.reason}
            for row in self.open_warnings.itertuples()
        ]
        lists = {"statuses": self.statuses, "shared_out": self.sums}
        told = {name: table.to_dict("records") for name, table in lists.items() if len(table)}
        return {
            "ok": self.ok,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "as_of_from": self.as_of_from or "plan",
            "tables": tables,
            "learned": self.learned.to_json() if self.learned else None,
            **told,
            "warnings": warnings,
            "refused": [refused.describe() for refused in self.refused],
            "problems": [problem.describe() for problem in self.problems],
        }


def check_plan(plan: Plan, *, as_of: datetime.date | None = None) -> CheckReport:
    """Check every table of a plan, and leave nothing behind.

    Rows count until ``as_of`` or the plan's; without either, until the last day in the data.
    """
    with open_plan(plan, as_of=as_of) as checks:
        return report_checks(checks)


@contextmanager
def open_plan(plan: Plan, *, as_of: datetime.date | None = None) -> Iterator[TableChecks]:
    """Check every table of a plan, and keep what was checked for as long as the context lasts."""
    stamps = stamp_files(plan)
    with open_checks(plan, None, as_of or plan.as_of, stamps=stamps) as (checks, _):
        yield checks


def report_checks(checks: TableChecks) -> CheckReport:
    """Return what the checks found; a DataError if a file is no longer what it was."""
    quality, counts = checks.summarise()
    checks.confirm_sources()
    return CheckReport(
        quality,
        counts,
        checks.faults,
        _list_kinds(checks),
        learned=checks.judged.learned,
        as_of=None if checks.as_of == datetime.date.max else checks.as_of,
        as_of_from=checks.last_day.table if checks.last_day else "",
        statuses=checks.lines.statuses[TOLD] if checks.lines else pd.DataFrame(),
        sums=checks.lines.sums if checks.lines else pd.DataFrame(),
    )


def _list_kinds(checks: TableChecks) -> dict[str, dict[str, str]]:
    """Return the kind of each accepted column of the contract and of one's own, by table."""
    kinds = {}
    for name, checked in checks.checked.items():
        kinds[name] = {
            column.name: column.kind
            for column in checked.source.table.columns
            if column.name in checked.columns
        }
    return kinds


def prepare_tables(
    plan: Plan, run_dir: Path, *, as_of: datetime.date | None = None, checked_key: str = ""
) -> PreparedTables:
    """Check every table of a plan and leave accepted and rejected rows in the run folder.

    Nothing is done where the sources' content, the plan's tables and policies, ``as_of`` (the
    plan's by default, else the last day in the data) and the checks themselves are as they were.

    A run checks the tables once for all its notebooks, and hands each the ``checked_key`` of that
    check, so that all see the same rows though a database may change in between. It holds only
    while the tables in the folder are the ones that were left under this key.

    Raises
    ------
    DataError
        With every problem that makes the plan impossible; the earlier tables stay.
    """
    as_of = as_of or plan.as_of
    kept = RunFolder(Path(run_dir)).checked
    folder = kept.path
    with explain_faults(
        "the run folder cannot be written",
        where=folder,
        fix="Name a folder that you may write to, on a disk with room.",
    ):
        folder.mkdir(parents=True, exist_ok=True)
        left = read_json(kept.record)
        # Stamped before they are hashed, so that the hash and the tables are of one state.
        stamps = {} if checked_key else stamp_files(plan)
        sources = {} if checked_key else hash_files(plan)
        key = checked_key or _hash_inputs(plan, as_of, sources=sources)
        is_current = left.get("key") == key and left.get("outputs") == _stamp_outputs(folder)
        if checked_key and not is_current:
            return prepare_tables(plan, run_dir, as_of=as_of)
        if not is_current:
            left = {
                "key": key,
                "sources": sources,
                **_renew_tables(plan, kept, as_of, stamps=stamps),
            }
            write_json(kept.record, {**left, "outputs": _stamp_outputs(folder)})
    paths = {name: kept.accepted_rows(name) for name in left["names"]}
    quality = pd.read_parquet(kept.quality)
    counts = pd.DataFrame(left["counts"])
    return PreparedTables(
        paths,
        quality,
        counts,
        names=left["names"],
        sources=left["sources"],
        as_of=datetime.date.fromisoformat(left["as_of"]),
        as_of_from=left["as_of_from"],
        learned=pd.read_parquet(kept.learned),
        statuses=pd.read_parquet(kept.statuses),
    )


def _renew_tables(
    plan: Plan, kept: TablesFolder, as_of: datetime.date | None, *, stamps: Stamps
) -> dict[str, Any]:
    """Check the tables, put them in the place of the earlier ones, and return what to record.

    The earlier record goes first, so that half a change is never taken for a whole one.
    """
    with open_checks(plan, kept.path, as_of, stamps=stamps) as (checks, work):
        checks.confirm_sources()
        if checks.faults:
            raise DataError(checks.faults)
        counts = checks.write_tables(work)
        checks.confirm_sources()
        names = {name: table.source.columns for name, table in checks.checked.items()}
        made = TablesFolder(work)
        kept.record.unlink(missing_ok=True)
        for folder in (kept.accepted, kept.rejected):
            shutil.rmtree(folder, ignore_errors=True)
        os.replace(made.accepted, kept.accepted)
        os.replace(made.rejected, kept.rejected)
        os.replace(made.quality, kept.quality)
        os.replace(made.learned, kept.learned)
        os.replace(made.statuses, kept.statuses)
        told = {
            "as_of": checks.as_of.isoformat(),
            "as_of_from": checks.last_day.table if checks.last_day else "",
        }
    return {"counts": counts, "names": names, **told}


def _hash_inputs(plan: Plan, as_of: datetime.date | None, *, sources: dict[str, str | None]) -> str:
    """Return a hash of all that the tables depend on, sources by their content."""
    code = hash_source(TABLE_ROOMS)
    settings = plan.model_dump(mode="json", include=set(TABLE_SECTIONS))
    unknown = time.time_ns() if None in sources.values() else 0  # a database may have changed
    return hash_value([sources, unknown, settings, str(as_of), code])


def _stamp_outputs(folder: Path) -> list[list]:
    """Return name, size and time of change of every table that the checks left."""
    stamps = []
    for path in sorted(folder.rglob("*.parquet")):
        stat = path.stat()
        stamps.append([path.name, stat.st_size, stat.st_mtime_ns])
    return stamps


@contextmanager
def open_checks(
    plan: Plan, folder: Path | None, as_of: datetime.date | None, *, stamps: Stamps
) -> Iterator[tuple[TableChecks, Path]]:
    """Check all tables in a database in a folder of its own; DuckDB's faults become messages.

    The folder, within ``folder`` or the system's for temporary files, goes with its content.
    Whatever goes wrong when a file is no longer what its stamp says is told as the change.
    """
    with (
        _explain_duckdb(plan, folder or Path(tempfile.gettempdir()), stamps),
        tempfile.TemporaryDirectory(
            prefix=prefix_folder(), dir=folder, ignore_cleanup_errors=True
        ) as work_name,
        open_room(Path(work_name)) as room,
        duckdb.connect(room / "work.duckdb") as con,
    ):
        work = name_plainly(Path(work_name))
        con.execute("SET preserve_insertion_order = true; PRAGMA disable_checkpoint_on_shutdown")
        spill = set_limits(con, plan, work)
        checks = TableChecks(plan, con, work, as_of=as_of, spill=spill, stamps=stamps)
        checks.run()
        yield checks, work


def _advise_memory(plan: Plan) -> str:
    """Return the line of the plan that gives more memory, or what else helps."""
    more = double_memory(plan.engine.memory_limit)
    line = f'memory_limit = "{more}"' if more else "threads = 1"
    return f"Write {line} under [engine], or make room where temp_folder is."


@contextmanager
def _explain_duckdb(plan: Plan, folder: Path, stamps: Stamps) -> Iterator[None]:
    """Turn DuckDB's faults into messages; a file that changed meanwhile is the first cause."""
    try:
        with (
            explain_faults(
                "the tables need more memory than they may have",
                duckdb.OutOfMemoryException,
                MemoryError,
                where="memory_limit of the plan",
                fix=_advise_memory(plan),
            ),
            explain_faults(
                "the tables cannot be written",
                duckdb.IOException,
                where=folder,
                fix="Make room on the disk, or name a folder that you may write to.",
            ),
        ):
            yield
    except Exception:
        changes = find_changes(plan, stamps)
        if changes:
            raise DataError(changes) from None
        raise
