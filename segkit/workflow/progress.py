"""What became of a run, kept and shown as it goes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status


@dataclass
class RunResult:
    """What became of a run; each step has its name, state, seconds and reason."""

    run_folder: Path
    index: Path | None = None
    pointer: Path | None = None
    published: bool = False
    steps: list[dict[str, Any]] = field(default_factory=list)
    verdicts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        values = vars(self).items()
        return {name: str(value) if isinstance(value, Path) else value for name, value in values}


class Progress:
    """Keeps what became of each step in ``result`` and shows it on standard error."""

    def __init__(self, result: RunResult):
        self.result = result
        self._console = Console(stderr=True, highlight=False)

    def watch(self, step: str) -> Status:
        """Show that a step is at work, where somebody watches; a context manager."""
        return self._console.status(step)

    def note(self, step: str, state: str, reason: str, *, begun: float | None = None) -> None:
        """Keep and show what became of a step; ``begun`` is when, by the performance counter."""
        seconds = 0.0 if begun is None else round(time.perf_counter() - begun, 2)
        self.result.steps.append(
            {"name": step, "state": state, "seconds": seconds, "reason": reason}
        )
        took = f" in {seconds:.1f} s" if seconds else ""
        self.tell(f"{step:<20}{state}{took} ({reason})")

    def tell(self, text: str) -> None:
        """Print one line on standard error."""
        self._console.print(text, markup=False, soft_wrap=True)
