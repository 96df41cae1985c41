"""Standard streams that are there, take any text, and outlive whoever reads them."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TextIO

NAMES = ("stdin", "stdout", "stderr")


def open_streams() -> None:
    """See to it that each standard stream is there and takes any text.

    A stream that is closed leads nowhere: else the next file that is opened would take its place.
    A sign that the stream's encoding lacks is written as its number.
    """
    for number, name in enumerate(NAMES):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        with contextlib.suppress(AttributeError, OSError, ValueError):
            getattr(sys, name).reconfigure(errors="backslashreplace")


def prefer_utf8() -> None:
    """Start this process anew in UTF-8 if names of files would be read in another encoding.

    Libraries take names of files as UTF-8 only; with another locale a name with an accent would
    not be found.
    """
    is_utf8 = sys.getfilesystemencoding().lower().replace("-", "") == "utf8"
    if not is_utf8 and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


class PatientStream:
    """A stream that leads nowhere after one of some faults, so that the command goes on.

    What a command finds must not depend on whether somebody reads on to the end, which is the
    fault by default.
    """

    def __init__(self, stream: TextIO, *, faults: type[OSError] = BrokenPipeError):
        self._stream = stream
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text as the stream does."""
        try:
            return self._stream.write(text)
        except self._faults:
            self._abandon()
            return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        try:
            self._stream.flush()
        except self._faults:
            self._abandon()

    def _abandon(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
