"""Hashes by content, and files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from segkit.core.errors import SegkitError
from segkit.core.leftovers import clear_leftovers, name_partial
from segkit.core.locks import LONGEST_WAIT, hold_lock

PACKAGE = Path(__file__).parents[1]
LOCK = ".lock-"  # begins the name of the lock of a file


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
    """Yield a path to write to; what is there in the end takes the place of ``path`` at once.

    The path is of this call alone, so two writers never write into one file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(name_partial(path.name))
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def replace_alone(path: Path, *, wait: float = LONGEST_WAIT) -> Iterator[Path]:
    """Replace a file as `replace_whole` does, with nobody else replacing it meanwhile.

    Where people say what to write, two calls may name one file: the second waits for the first.
    What is there in the end is looked at before the first gives way.

    Raises
    ------
    BusyError
        If another writer took too long.
    SegkitError
        If something that knows no lock put another file in its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(path.parent)
    what = "another process is writing this file"
    lock = path.with_name(f"{LOCK}{hash_value(path.name)[:12]}")
    with hold_lock(lock, wait=wait, where=str(path), what=what, is_kept=False):
        with replace_whole(path) as aside:
            yield aside
            written = os.stat(aside)
        found = os.stat(path)
        if (found.st_ino, found.st_size) != (written.st_ino, written.st_size):
            message = "something else replaced this file while it was written"
            raise SegkitError(
                message, where=str(path), fix="Write it again, to a place of its own."
            )


def refuse_to_replace(
    path: Path, *, files: Iterable[Path] = (), folders: Iterable[Path] = ()
) -> None:
    """Raise a SegkitError if writing ``path`` would replace one of these files.

    A file is known by what it is, not by its name: a link to it is refused too. So is anything
    that lies inside one of ``folders``.
    """
    fix = "Name another file."
    for file in files:
        if _is_same(path, file):
            message = "this would replace what is read"
            raise SegkitError(message, where=str(path), found=str(file), fix=fix)
    place = Path(os.path.realpath(path))
    for folder in folders:
        if place.is_relative_to(os.path.realpath(folder)):
            message = "this folder is segkit's own, and nothing else may be written there"
            raise SegkitError(message, where=str(path), found=str(folder), fix=fix)


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


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
