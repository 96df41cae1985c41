"""The files behind a plan's tables: which they are, and whether they have changed.

A source is one thing for the length of a check: its files are stamped before they are read, and
once more when all is read and written.
"""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from segkit.core.errors import SegkitError, suggest_name
from segkit.core.files import hash_bytes, hash_value
from segkit.data.places import SIGNS
from segkit.plan.models import Plan, TableSpec
from segkit.plan.toml_faults import CONTROLS, PATHS, find_control

ENDINGS = {
    "text": (".csv", ".tsv", ".txt", ".tab", ".psv"),
    "parquet": (".parquet", ".pq"),
    "excel": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
}

# Whose code decides what the checks make of a table.
TABLE_ROOMS = ("core", "contract", "plan", "runs", "data")
# Of the plan, what the checks read.
TABLE_SECTIONS = ("tables", "policies", "currency", "accepted_warnings", "campaigns")

# Of a table; a folder with more is not a table's, such as that of a whole disk.
MOST_ENTRIES = 20_000


class Stamp(NamedTuple):
    """What tells whether a file is still the one that it was, without reading it."""

    size: int
    changed_ns: int
    renewed_ns: int
    device: int
    inode: int


# By table, and then by file, the stamps at one moment.
Stamps = Mapping[str, Mapping[Path, Stamp]]

_hashes: dict[tuple[Path, Stamp], str] = {}  # so that a file's content is hashed once


def find_files(plan: Plan, spec: TableSpec) -> tuple[list[Path], str]:
    """Return a table's files in order, and what it is: text, parquet, excel, query or database.

    Those of a query are in the order of its ``files``; see `find_listed`.
    """
    if spec.connection is not None:
        return [], "database"  # it sees to it itself that a reading is of one moment
    if spec.query is not None:
        listed = find_listed(plan, spec)
        return [file for files in listed.values() for file in files], "query"
    if spec.pattern is not None:
        pattern = os.path.expanduser(spec.pattern)
        return _find_parquet(plan.folder, pattern, spec.pattern), "parquet"
    path = plan.resolve_path(spec.path)
    if path.is_file():
        return [path], name_kind(path, spec.path)
    if path.is_dir():
        return _find_parquet(path, "**", spec.path), "parquet"
    raise _explain_no_file(spec.path, path)


def find_listed(plan: Plan, spec: TableSpec) -> dict[str, list[Path]]:
    """Return the files behind each name of a query; a folder stands for its Parquet files."""
    found = {}
    for name, place in spec.files.items():
        path = plan.resolve_path(place)
        if path.is_dir():
            found[name] = _find_parquet(path, "**", place)
        elif path.is_file():
            found[name] = [path]
        else:
            raise _explain_no_file(place, path)
    return found


def _explain_no_file(place: str, path: Path) -> SegkitError:
    hint = suggest_name(path.name, (other.name for other in path.parent.glob("*")))
    fix = hint if hint.startswith("Did") else "Correct the path in the plan."
    control = find_control(place)
    if control:
        fix = f"The path holds {control}, a sign that no name has. {PATHS}"
    if SIGNS.search(place):
        fix += f' A path is one file or folder; for several give pattern = "{place}".'
    return SegkitError("there is no such file", where=_show_path(place), fix=fix)


def _show_path(place: str) -> str:
    """Return a path with the signs that cannot be seen written out."""
    return CONTROLS.sub(lambda found: repr(found[0])[1:-1], place)


def _find_parquet(folder: Path, pattern: str, place: str) -> list[Path]:
    """Return the Parquet files of a pattern below a folder, in order; there is at least one."""
    names = glob.iglob(pattern, root_dir=folder, recursive=True)
    found = sorted(folder / name for name in itertools.islice(names, MOST_ENTRIES + 1))
    if len(found) > MOST_ENTRIES:
        fix = "Name the folder that holds the table's files, and nothing else."
        message = f"there are more than {MOST_ENTRIES:,} files and folders here"
        raise SegkitError(message, where=place, fix=fix)
    files = [
        file.parent.resolve() / file.name
        for file in found
        if file.suffix.lower() in ENDINGS["parquet"] and file.is_file()
    ]
    if not files:
        fix = "Name one CSV or Excel file, or a folder or pattern of Parquet files."
        raise SegkitError("there are no Parquet files here", where=place, fix=fix)
    return files


def name_kind(path: Path, place: str) -> str:
    """Return what a file is by the end of its name."""
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    for kind, endings in ENDINGS.items():
        if ending in endings:
            return kind
    fix = "Use .csv, .tsv, .txt (also .gz), .parquet or .xlsx."
    found = repr(path.suffix)
    raise SegkitError("the kind of file is not known", where=place, found=found, fix=fix)


def stamp_files(plan: Plan) -> dict[str, dict[Path, Stamp]]:
    """Return the stamp of every file of every table; none where there is no file to stamp."""
    found: dict[str, dict[Path, Stamp]] = {}
    for name, spec in plan.tables.items():
        try:
            files, _ = find_files(plan, spec)
            found[name] = {path: _stamp(path) for path in files}
        except (SegkitError, OSError):  # the checks say what is wrong with it
            found[name] = {}
    return found


def _stamp(path: Path) -> Stamp:
    stat = path.stat()
    return Stamp(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_dev, stat.st_ino)


def find_changes(plan: Plan, before: Stamps) -> list[SegkitError]:
    """Return a fault for each file that is not what it was when it was stamped.

    A file that was not there to be stamped is no change: the checks say what is wrong with it.
    """
    after = stamp_files(plan)
    faults = []
    for name, stamps in before.items():
        if not stamps:
            continue
        for path in sorted({*stamps, *after.get(name, {})}):
            told = _tell_change(path, stamps.get(path))
            if told:
                fix = "Check again when nothing writes to it any more."
                faults.append(SegkitError(told, where=str(path), fix=fix))
    return faults


def _tell_change(path: Path, before: Stamp | None) -> str:
    """Say what happened to a file since it was stamped; empty if nothing did."""
    if before is None:
        return "the file appeared while the tables were read"
    try:
        after = _stamp(path)
    except OSError:
        return "the file vanished while it was read"
    return "" if after == before else "the file changed while it was read"


def hash_files(plan: Plan) -> dict[str, str | None]:
    """Return a hash of each table's files; None if it cannot be known beforehand."""
    found: dict[str, str | None] = {}
    for name, spec in plan.tables.items():
        try:
            files, _ = find_files(plan, spec)
            hashes = [[path.name, _hash_once(path)] for path in files]
        except (SegkitError, OSError):  # the checks say what is wrong with it
            hashes = []
        found[name] = hash_value(hashes) if hashes else None
    return found


def _hash_once(path: Path) -> str:
    """Return the hash of a file's content; of a file that has kept its stamp the one of before."""
    before = _stamp(path)
    kept = _hashes.get((path, before))
    if kept is not None:
        return kept
    found = hash_bytes(path)
    if _stamp(path) == before:
        _hashes[path, before] = found
    return found
