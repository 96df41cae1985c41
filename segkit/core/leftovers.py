"""Temporary files and folders that say whose they are, so that a killed process's can be cleared.

The name tells the machine, the process and when it began. What is there is removed only if it is
this user's and its process is gone; what another machine left in a shared folder, after a week.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex

FOLDER = "segkit-"  # begins the name of a temporary folder
PARTIAL = ".partial-"  # begins the name of a file that is being written
NAMED = re.compile(
    rf"({re.escape(FOLDER)}|{re.escape(PARTIAL)})"
    r"(?P<machine>[0-9a-f]{6})-(?P<process>\d+)-(?P<begun>[0-9a-f]{4})-"
)
# An earlier segkit named its folder of links after the process alone, which may be any machine's.
LINKS = re.compile(r"segkit-links-(?P<process>\d+)-\w+")
LOG = re.compile(r"segkit-error-\d{8}T\d{6}Z-(?P<process>\d+)\.log")
LONGEST_TAIL = 30  # characters of a file's own name; with its endings, which tell its kind
SECONDS_ELSEWHERE = 7 * 24 * 3600.0  # after which what another machine left is nobody's
SECONDS_OF_A_LOG = 24 * 3600.0  # in the folder for temporary files, where a person must find it


def prefix_folder() -> str:
    """Return the beginning of the name of a temporary folder of this process."""
    return f"{FOLDER}{_name_owner()}-"


def name_folder() -> str:
    """Return a new name for a temporary folder of this process."""
    return prefix_folder() + token_hex(2)  # sockets lie in it, and their paths must be short


def name_partial(name: str) -> str:
    """Return a new name for a file of this process that will become ``name``."""
    return f"{PARTIAL}{_name_owner()}-{token_hex(4)}-{name[-LONGEST_TAIL:]}"


def clear_leftovers(*folders: Path, below: bool = False) -> None:
    """Remove what killed processes of this user left in these folders, or also ``below`` them."""
    for folder in folders:
        for path in _list_entries(folder, below=below):
            if _is_leftover(path):
                _remove(path)


def clear_logs(folder: Path, *, older_than: float = 0.0) -> None:
    """Remove the logs of errors of processes that ended, if older than so many seconds."""
    for path in _list_entries(folder, below=False):
        found = LOG.fullmatch(path.name)
        if not (found and _is_own(path)) or _measure_age(path) < older_than:
            continue
        if not _read_beginning(int(found["process"])):
            _remove(path)


def _list_entries(folder: Path, *, below: bool) -> Iterable[Path]:
    if not below:
        with contextlib.suppress(OSError):
            return [folder / name for name in os.listdir(folder)]
        return []
    found = []
    for parent, folders, files in os.walk(folder):
        found += [Path(parent, name) for name in (*folders, *files)]
    return found


def _is_leftover(path: Path) -> bool:
    """Tell by a name, and by the process that it names, whether nobody needs a path any more."""
    if found := NAMED.match(path.name):
        return _is_nobodys(path, found)
    if found := LINKS.fullmatch(path.name):
        return _is_forgotten(path, found)
    return False


def _is_nobodys(path: Path, owner: re.Match) -> bool:
    """Tell whether a leftover is this user's and its process is gone."""
    if not _is_own(path):
        return False
    if owner["machine"] != _name_machine():
        return _measure_age(path) > SECONDS_ELSEWHERE
    return _read_beginning(int(owner["process"])) != owner["begun"]


def _is_forgotten(path: Path, owner: re.Match) -> bool:
    """Tell whether a folder is this user's, of no process here, and old enough for any machine."""
    is_old = _measure_age(path) > SECONDS_ELSEWHERE
    return is_old and _is_own(path) and not _read_beginning(int(owner["process"]))


def _is_own(path: Path) -> bool:
    if not hasattr(os, "getuid"):
        return True  # there, each user has a folder for temporary files of their own
    try:
        return os.lstat(path).st_uid == os.getuid()
    except OSError:
        return False


def _measure_age(path: Path) -> float:
    try:
        return time.time() - os.lstat(path).st_mtime
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _name_owner() -> str:
    process = os.getpid()
    return f"{_name_machine()}-{process}-{_read_beginning(process)}"


@functools.cache
def _name_machine() -> str:
    """Return a hash of what process numbers mean something in: a machine, or a container."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return _shorten(f"{socket.gethostname()} {space}", 6)


def _read_beginning(process: int) -> str:
    """Return a hash of when a process began; empty if there is none, or only its exit code."""
    if sys.platform == "linux":
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
            stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        fields = stat.rpartition(")")[2].split()
        state = fields[0]
        ticks_since_boot = fields[19]
        return "" if state in "ZX" else _shorten(boot + ticks_since_boot, 4)
    import psutil

    try:
        return _shorten(str(psutil.Process(process).create_time()), 4)
    except psutil.Error:
        return ""


def _shorten(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
