"""An event loop that leaves signals, and what an interruption breaks off, to the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Loop(asyncio.SelectorEventLoop):
    """An event loop without handlers of signals.

    The client of a notebook would take the signals, end its kernel and then trip over its absence;
    it does without where the loop refuses.
    """

    def add_signal_handler(self, *_: Any) -> None:
        raise RuntimeError("signals are the command line's")

    def remove_signal_handler(self, _: int) -> bool:
        raise RuntimeError("signals are the command line's")

    def call_exception_handler(self, _: dict[str, Any]) -> None:
        """Say nothing of a task that was broken off: whoever broke it off knows."""


def run_coroutine(coroutine: Coroutine) -> Any:
    """Run a coroutine to its end; interrupted, it tidies up before the interruption goes on."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(coroutine)
