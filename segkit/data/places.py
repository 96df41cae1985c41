"""Paths as DuckDB can be given them: each is one file, never a pattern.

DuckDB takes ``*``, ``?`` and brackets in a path for a pattern and a backslash for a slash, and its
patterns have no escape that holds for every neighbour of the file. So a path with such signs goes
by way of a link, in a folder of this process, whose path has none of them.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from segkit.core.errors import SegkitError
from segkit.core.leftovers import clear_leftovers, prefix_folder

# What DuckDB, or the file systems of Spark, take for more than a sign of a name.
SIGNS = re.compile(r"[*?\[\]{}\\]")


def name_plainly(path: Path) -> Path:
    """Return a path to the same file or folder without a sign that DuckDB takes for a pattern.

    The part of the path that has such signs must be there. What is written below a folder under
    its plain name is written to the folder itself.

    Raises
    ------
    SegkitError
        If the system has no links, or no folder for them.
    """
    path = Path(os.path.abspath(path))
    signed = [number for number, part in enumerate(path.parts) if SIGNS.search(part)]
    if path.anchor in path.parts[:1]:
        signed = [number for number in signed if number > 0]
    if not signed:
        return path
    last = signed[-1] + 1
    return _link(Path(*path.parts[:last])).joinpath(*path.parts[last:])


@contextlib.contextmanager
def open_room(folder: Path) -> Iterator[Path]:
    """Yield where a database may lie: the folder, or one of this process's if its path has signs.

    DuckDB follows a link to its database, so that a link would not hide the signs.
    """
    if name_plainly(folder) == Path(os.path.abspath(folder)):
        yield folder
        return
    room = Path(tempfile.mkdtemp(dir=_open_folder()))
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def escape_pattern(path: Path | str) -> str:
    """Return a path as Spark takes it for itself, not for a pattern.

    Examples
    --------
    >>> print(escape_pattern("/b[1]/lines.parquet"))
    /b\\[1\\]/lines.parquet
    """
    return SIGNS.sub(lambda sign: "\\" + sign[0], str(path))


@functools.cache
def _link(path: Path) -> Path:
    """Return a link to a path, made once."""
    folder = _open_folder()
    place = Path(tempfile.mkdtemp(dir=folder)) / SIGNS.sub("_", path.name)
    try:
        place.symlink_to(path)
    except OSError as error:
        raise SegkitError(
            "this path has signs that would be read as a pattern, and no link can be made to it",
            where=str(path),
            found=str(error.strerror),
            fix="Rename it, without any of * ? [ ] { }.",
        ) from None
    return place


@functools.cache
def _open_folder() -> Path:
    """Make the folder of this process's links; it goes when the process ends."""
    places = [tempfile.gettempdir(), "/tmp", "/var/tmp"]
    there = [place for place in places if Path(place).is_dir() and not SIGNS.search(place)]
    if not there:
        raise SegkitError(
            "the folder for temporary files has signs that would be read as a pattern",
            where=places[0],
            fix="Let TMPDIR name a folder without any of * ? [ ] { }.",
        )
    clear_leftovers(Path(there[0]))
    folder = Path(tempfile.mkdtemp(prefix=prefix_folder(), dir=there[0]))
    atexit.register(_remove_folder, folder, os.getpid())
    return folder


def _remove_folder(folder: Path, owner: int) -> None:
    """Remove the folder of links, unless this is a fork of the process that made it."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
