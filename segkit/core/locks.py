"""Locks that keep two writers apart; the system frees them when their owner ends, however."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from segkit.core.errors import BusyError

SECONDS_BETWEEN_TRIES = 0.1
LONGEST_WAIT = 600.0  # seconds


@contextlib.contextmanager
def hold_lock(
    path: Path,
    *,
    wait: float = LONGEST_WAIT,
    tell: Callable[[str], None] = lambda _: None,
    where: str = "",
    what: str = "another run is working in this run folder",
    is_kept: bool = True,
) -> Iterator[int]:
    """Hold the lock of a folder or a file that only one process may write.

    The system frees it when its owner ends, however that ends. Yields the file descriptor, for
    processes that must keep the lock alive.

    Parameters
    ----------
    path : Path
        The file that is locked; made if it is not there.
    wait : float
        How many seconds another owner may take.
    tell : callable
        Is told once whom we wait for.
    where, what : str
        What the error says if the wait was in vain.
    is_kept : bool
        Whether the file stays and says who holds it. One in a folder that others see goes when
        the lock is freed, and says nothing.

    Raises
    ------
    BusyError
        If another owner took longer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    last_moment = time.monotonic() + wait
    told = False
    while (descriptor := _take_lock(path)) is None:
        owner = _read_owner(path)
        if time.monotonic() >= last_moment:
            place = where or f"runs/{path.parent.name}/{path.name}"
            fix = "Wait until it has ended, or end it; then call this again."
            raise BusyError(what, where=place, found=owner, fix=fix)
        if not told:
            tell(f"waiting: {what}{owner and ': '}{owner}")
            told = True
        time.sleep(SECONDS_BETWEEN_TRIES)
    try:
        if is_kept:
            _write_owner(descriptor)
        yield descriptor
    finally:
        if not is_kept:
            with contextlib.suppress(OSError):  # an open file cannot be removed on Windows
                path.unlink()
        os.close(descriptor)


def _take_lock(path: Path) -> int | None:
    """Return the descriptor of the locked file; None if another has it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError:
        if sys.platform == "win32":
            return None  # it is just being removed
        descriptor = os.open(path, os.O_RDONLY)  # a file of another user that was killed
    if _try_lock(descriptor) and _is_there(descriptor, path):
        return descriptor
    os.close(descriptor)
    return None


def _is_there(descriptor: int, path: Path) -> bool:
    """Tell whether the file that was opened still has its name; its last owner removes it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _read_owner(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _write_owner(descriptor: int) -> None:
    since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    owner = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
    with contextlib.suppress(OSError):  # another user's file
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
