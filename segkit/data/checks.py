"""Tables that can be trusted: every row accepted, or rejected with a reason, none lost.

``prepare_tables`` leaves them in the run folder, and does nothing where nothing has changed.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from segkit.data.columns import DataError
from segkit.data.engine import Engine, open_engine
from segkit.data.sources import find_files, hash_file
from segkit.errors import SegkitError
from segkit.plan import Plan

QUALITY_COLUMNS = ["table", "rule", "severity", "row_count", "reason", "treatment"]
COUNT_COLUMNS = ["table", "read", "accepted", "rejected"]


@dataclass(frozen=True)
class Prepared:
    """The accepted tables of a plan.

    Attributes
    ----------
    paths : dict of str to Path
        The Parquet file of each table's accepted rows.
    quality : DataFrame
        One row a rule that matched: table, rule, severity (reject, warning or note), row_count,
        reason, treatment. A row may match several rules.
    counts : DataFrame
        One row a table: read, accepted, rejected; read is the sum of the others.
    why : str
        Why the tables were prepared, or that nothing has changed.
    """

    paths: dict[str, Path]
    quality: pd.DataFrame
    counts: pd.DataFrame
    why: str = ""


@dataclass(frozen=True)
class CheckReport:
    """What the checks found, and whether the plan can be carried out."""

    quality: pd.DataFrame
    counts: pd.DataFrame
    problems: list[SegkitError] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the plan's way."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values: ok, tables with counts and rules, problems."""
        tables = {
            row.table: {
                "read": int(row.read),
                "accepted": int(row.accepted),
                "rejected": int(row.rejected),
                "rules": {},
            }
            for row in self.counts.itertuples()
        }
        for row in self.quality.itertuples():
            tables[row.table]["rules"][row.rule] = int(row.row_count)
        return {
            "ok": self.ok,
            "tables": tables,
            "problems": [problem.describe() for problem in self.problems],
        }


def check_plan(plan: Plan, *, as_of: datetime.date | None = None) -> CheckReport:
    """Check every table of a plan and leave nothing behind.

    Parameters
    ----------
    plan : Plan
    as_of : datetime.date, optional
        The last day counted; the plan's by default.

    Returns
    -------
    CheckReport
        With every problem that makes the plan impossible.
    """
    with (
        tempfile.TemporaryDirectory(prefix="segkit-", ignore_cleanup_errors=True) as folder,
        open_engine(plan, Path(folder), as_of or plan.as_of) as engine,
    ):
        engine.check_tables()
        problems = engine.faults + engine.find_impossible()
        return CheckReport(*_summarise(engine), problems)


def prepare_tables(plan: Plan, run_dir: Path, *, as_of: datetime.date | None = None) -> Prepared:
    """Check every table of a plan and leave accepted and rejected rows in the run folder.

    Nothing is done where the sources' content, the plan's tables and policies, ``as_of`` and the
    checks themselves are as they were.

    Parameters
    ----------
    plan : Plan
    run_dir : Path
        The run folder; its ``tables`` folder is replaced, its record last.
    as_of : datetime.date, optional
        The last day counted; the plan's by default.

    Raises
    ------
    DataError
        With every problem that makes the plan impossible; the earlier tables stay.
    """
    as_of = as_of or plan.as_of
    folder = Path(run_dir) / "tables"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        parts = _describe_inputs(plan, as_of, folder)
        record, why = _compare_record(folder, parts)
        if record is not None:
            return _load(folder, record, why)
        _remove_leftovers(folder)
        work = Path(tempfile.mkdtemp(prefix="work-", dir=folder))
        try:
            with open_engine(plan, work, as_of) as engine:
                engine.check_tables()
                if problems := engine.faults + engine.find_impossible():
                    raise DataError(problems)
                _write_aside(engine, work)
            # The sources may have changed while they were read: then the next call reads again.
            _put_in_place(work, folder, parts)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        return _load(folder, record, why)
    except OSError as error:
        raise SegkitError(
            "the run folder cannot be written",
            where=str(error.filename or folder),
            found=error.strerror or type(error).__name__,
            fix="Name a folder that you may write to, on a disk with room.",
        ) from None


def _summarise(engine: Engine) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the quality and the counts of all checked tables, in the plan's order."""
    tables = [engine.checked[name] for name in engine.plan.tables if name in engine.checked]
    quality = [entry for table in tables for entry in table.quality]
    counts = [(t.source.name, t.source.read, t.accepted, t.rejected) for t in tables]
    return (
        pd.DataFrame(quality, columns=QUALITY_COLUMNS).astype({"row_count": "int64"}),
        pd.DataFrame(counts, columns=COUNT_COLUMNS).astype(dict.fromkeys(COUNT_COLUMNS[1:], int)),
    )


def _write_aside(engine: Engine, work: Path) -> None:
    for kind in ("accepted", "rejected"):
        (work / kind).mkdir()
    for name in engine.checked:
        engine.write_accepted(name, work / "accepted" / f"{name}.parquet")
        engine.write_rejected(name, work / "rejected" / f"{name}.parquet")
    quality, counts = _summarise(engine)
    quality.to_parquet(work / "quality.parquet", index=False)
    (work / "counts.json").write_text(counts.to_json(orient="records"), encoding="utf-8")


def _put_in_place(work: Path, folder: Path, parts: dict[str, Any]) -> None:
    """Replace the tables; the record goes first and comes back last."""
    (folder / "record.json").unlink(missing_ok=True)
    for kind in ("accepted", "rejected"):
        (folder / kind).mkdir(exist_ok=True)
        fresh = {path.name: path for path in (work / kind).iterdir()}
        for stale in (folder / kind).iterdir():
            if stale.name not in fresh:
                stale.unlink()
        for name, path in fresh.items():
            os.replace(path, folder / kind / name)
    os.replace(work / "quality.parquet", folder / "quality.parquet")
    counts = json.loads((work / "counts.json").read_text(encoding="utf-8"))
    outputs = {name: list(_stamp(folder / name)) for name in _list_outputs(counts)}
    record = {"inputs": parts, "counts": counts, "outputs": outputs}
    aside = work / "record.json"
    aside.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    os.replace(aside, folder / "record.json")


def _list_outputs(counts: list[dict]) -> list[str]:
    kinds = ("accepted", "rejected")
    files = [f"{kind}/{row['table']}.parquet" for row in counts for kind in kinds]
    return [*files, "quality.parquet"]


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _describe_inputs(plan: Plan, as_of: datetime.date, folder: Path) -> dict[str, Any]:
    """Return all that the tables depend on, sources by the hash of their content."""
    cache_path = folder / "hashes.json"
    try:
        cache = json.loads(cache_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        cache = {}
    sources: dict[str, Any] = {}
    for name, spec in plan.tables.items():
        try:
            files = find_files(plan, spec)[0] if spec.connection is None else []
            sources[name] = [[file.name, hash_file(file, cache)] for file in files]
        except (SegkitError, OSError):
            sources[name] = None  # the checks will say what is wrong
        if spec.connection is not None:
            sources[name] = time.time_ns()  # nobody knows whether a database has changed
    aside = cache_path.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps(cache), encoding="utf-8")
    os.replace(aside, cache_path)
    code = hashlib.blake2b()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.name.startswith("sample"):
            code.update(path.read_bytes())
    return {
        "the sources": sources,
        "the plan's tables": {k: spec.model_dump(mode="json") for k, spec in plan.tables.items()},
        "the plan's policies": plan.policies.model_dump(mode="json"),
        "the currency": plan.currency,
        "as_of": as_of.isoformat(),
        "the checks": code.hexdigest()[:32],
    }


def _compare_record(folder: Path, parts: dict[str, Any]) -> tuple[dict | None, str]:
    """Return the record if it still holds, and why it does or does not."""
    try:
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        before, outputs = record["inputs"], record["outputs"]
    except (OSError, ValueError, KeyError):
        return None, "there was no whole set of tables"
    changed = [what for what in parts if before.get(what) != parts[what]]
    if changed:
        return None, f"{', '.join(changed)} changed"
    for name, stamp in outputs.items():
        path = folder / name
        if not path.is_file() or list(_stamp(path)) != stamp:
            return None, f"{name} is not as it was left"
    return record, "nothing changed"


def _load(folder: Path, record: dict, why: str) -> Prepared:
    counts = pd.DataFrame(record["counts"], columns=COUNT_COLUMNS)
    paths = {name: folder / "accepted" / f"{name}.parquet" for name in counts["table"]}
    return Prepared(paths, pd.read_parquet(folder / "quality.parquet"), counts, why)


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed check left behind: nothing in it has changed for an hour."""
    for leftover in folder.glob("work-*"):
        try:
            newest = max(path.stat().st_mtime for path in (leftover, *leftover.iterdir()))
        except OSError:
            continue  # somebody else removes it
        if time.time() - newest > 3_600:
            shutil.rmtree(leftover, ignore_errors=True)
