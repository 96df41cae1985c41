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
    for place in spec.files.values() if spec.path is None else [spec.path]:
        path = plan.resolve_path(place)
        is_pattern = spec.path is not None and re.search(r"[*?\[]", place)
        if path.is_file() or path.is_dir() or is_pattern:
            continue
        hint = suggest_name(path.name, (other.name for other in path.parent.glob("*")))
        fix = hint if hint.startswith("Did") else "Correct the path in the plan."
        raise SegkitError("there is no such file", where=place, fix=fix)
    if spec.query is not None:
        return [plan.resolve_path(place) for place in spec.files.values()], "query"
    if not path.is_file():
        pattern = str(path / "**") if path.is_dir() else str(path)
        found = sorted(map(Path, glob.glob(pattern, recursive=True)))
        if files := [file for file in found if file.suffix.lower() in ENDINGS["parquet"]]:
            return files, "parquet"
        fix = "Name one CSV or Excel file, or a folder or pattern of Parquet files."
        raise SegkitError("there are no Parquet files here", where=spec.path, fix=fix)
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    for kind, endings in ENDINGS.items():
        if ending in endings:
            return [path], kind
    fix = "Use .csv, .tsv, .txt (also .gz), .parquet or .xlsx."
    found = repr(path.suffix)
    raise SegkitError("the kind of file is not known", where=spec.path, found=found, fix=fix)


def hash_files(plan: Plan) -> dict[str, str | None]:
    """Return a hash of each table's files; None if it cannot be known beforehand."""
    found: dict[str, str | None] = {}
    for name, spec in plan.tables.items():
        try:
            hashes = [[path.name, hash_bytes(path)] for path in find_files(plan, spec)[0]]
        except (SegkitError, OSError):  # the checks say what is wrong with it
            hashes = []
        found[name] = hash_value(hashes) if hashes else None
    return found
