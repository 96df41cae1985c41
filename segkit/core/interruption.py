"""Ctrl-C and the signal to end, as one exception with the exit code that a shell expects."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import warnings
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """This process was told to end, by signal ``number``."""

    def __init__(self, number: int):
        super().__init__(f"signal {number}")
        self.exit_code = 128 + number


@contextlib.contextmanager
def raise_when_told_to_end() -> Iterator[list[Interrupted]]:
    """Raise `Interrupted` in the main thread when a signal to end comes.

    Yields a list with what was raised: a library may make another exception of it, or none.
    """
    raised: list[Interrupted] = []
    if threading.current_thread() is not threading.main_thread():
        yield raised
        return

    def interrupt(number: int, _: object) -> None:
        raised.append(Interrupted(number))
        _expect_half_built()
        raise raised[-1]

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield raised
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _expect_half_built() -> None:
    """Say nothing from now on of what cannot be closed, since the signal came while it was made.

    Python itself would write a traceback for each, such as for an event loop without its sockets,
    and warn of calls that nobody waits for any more.
    """
    sys.unraisablehook = lambda _: None
    warnings.simplefilter("ignore")
