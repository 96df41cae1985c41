"""Hashes by content, and files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
PARTIAL = ".partial-"  # begins the name of a file that is being written


def hash_value(value: Any) -> str:
    """Return the SHA-256 of a JSON value."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_bytes(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def replace_whole(path: Path) -> Iterator[Path]:
    """Yield a path to write to; what is there in the end takes the place of ``path`` at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{PARTIAL}{path.name}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    with replace_whole(path) as aside:
        aside.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, or an empty one if there is none that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def hash_source(rooms: Sequence[str] = (), *, package: Path = PACKAGE) -> str:
    """Return a hash of segkit's own source, templates and styles, of all or of some rooms.

    Notebooks and the template of a plan are left out: they count by step.
    """
    folders = [package / room for room in rooms] or [package]
    hashes = {}
    for folder in folders:
        for path in folder.rglob("*"):
            name = path.relative_to(package).as_posix()
            is_source = path.is_file() and path.parent.name != "__pycache__"
            if is_source and path.suffix != ".ipynb" and name != "templates/plan.toml":
                hashes[name] = hash_bytes(path)
    return hash_value(hashes)
