"""The files behind a plan's tables: which they are, and whether they have changed."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from segkit.core.errors import SegkitError, suggest_name
from segkit.core.files import hash_bytes, hash_value
from segkit.plan.models import Plan, TableSpec

ENDINGS = {
    "text": (".csv", ".tsv", ".txt", ".tab", ".psv"),
    "parquet": (".parquet", ".pq"),
    "excel": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
}

# Whose code decides what the checks make of a table.
TABLE_ROOMS = ("core", "contract", "plan", "runs", "data")


def find_files(plan: Plan, spec: TableSpec) -> tuple[list[Path], str]:
    """Return a table's files in order, and what it is: text, parquet, excel, query or database."""
    if spec.connection is not None:
        return [], "database"
    if spec.query is not None:
        files = [plan.resolve_path(place) for place in spec.files.values()]
        for place, path in zip(spec.files.values(), files, strict=True):
            if not (path.is_file() or path.is_dir()):
                raise _explain_no_file(place, path)
        return files, "query"
    path = plan.resolve_path(spec.path)
    if path.is_file():
        return [path], _name_kind(path, spec.path)
    if path.is_dir():
        return _find_parquet(str(path / "**"), spec.path), "parquet"
    if re.search(r"[*?\[]", spec.path):
        return _find_parquet(str(path), spec.path), "parquet"
    raise _explain_no_file(spec.path, path)


def _explain_no_file(place: str, path: Path) -> SegkitError:
    hint = suggest_name(path.name, (other.name for other in path.parent.glob("*")))
    fix = hint if hint.startswith("Did") else "Correct the path in the plan."
    return SegkitError("there is no such file", where=place, fix=fix)


def _find_parquet(pattern: str, place: str) -> list[Path]:
    """Return the Parquet files of a pattern in order; there is at least one."""
    found = sorted(map(Path, glob.glob(pattern, recursive=True)))
    files = [file for file in found if file.suffix.lower() in ENDINGS["parquet"]]
    if not files:
        fix = "Name one CSV or Excel file, or a folder or pattern of Parquet files."
        raise SegkitError("there are no Parquet files here", where=place, fix=fix)
    return files


def _name_kind(path: Path, place: str) -> str:
    """Return what a file is by the end of its name."""
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    for kind, endings in ENDINGS.items():
        if ending in endings:
            return kind
    fix = "Use .csv, .tsv, .txt (also .gz), .parquet or .xlsx."
    found = repr(path.suffix)
    raise SegkitError("the kind of file is not known", where=place, found=found, fix=fix)


def hash_files(plan: Plan) -> dict[str, str | None]:
    """Return a hash of each table's files; None if it cannot be known beforehand."""
    found: dict[str, str | None] = {}
    for name, spec in plan.tables.items():
        try:
            files, _ = find_files(plan, spec)
            hashes = [[path.name, hash_bytes(path)] for path in files]
        except (SegkitError, OSError):  # the checks say what is wrong with it
            hashes = []
        found[name] = hash_value(hashes) if hashes else None
    return found
