"""The lock that keeps two runs of one plan apart."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from segkit.core.errors import SegkitError

SECONDS_BETWEEN_TRIES = 0.1


@contextlib.contextmanager
def hold_lock(
    path: Path, *, wait: float = 600.0, tell: Callable[[str], None] = lambda _: None
) -> Iterator[int]:
    """Hold the lock of a run folder; the system frees it when its owner ends, however that ends.

    The file says who holds it, and ``tell`` is told whom we wait for, at most ``wait`` seconds.
    Yields the file descriptor, for processes that must keep the lock alive.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait_for_lock(descriptor, path, wait=wait, tell=tell)
        _write_owner(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for_lock(
    descriptor: int, path: Path, *, wait: float, tell: Callable[[str], None]
) -> None:
    last_moment = time.monotonic() + wait
    told = False
    while not _try_lock(descriptor):
        owner = path.read_text(encoding="utf-8") or "it has just begun"
        if time.monotonic() >= last_moment:
            message = "another run is working in this run folder"
            where = f"runs/{path.parent.name}/{path.name}"
            fix = "Wait until it has ended, or end it."
            raise SegkitError(message, where=where, found=owner, fix=fix)
        if not told:
            tell(f"waiting for another run: {owner}")
            told = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _write_owner(descriptor: int) -> None:
    since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    owner = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
    os.ftruncate(descriptor, 0)
    os.write(descriptor, owner.encode())


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)  # far behind the content, which stays readable
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
