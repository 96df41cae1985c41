"""What a run shows while its kernels work."""

from __future__ import annotations

import sys


class Progress:
    """Progress on standard error: a bar where somebody watches, else one line a step."""

    def __init__(self, shown: bool):
        self.shown, self.bar, self.task = shown, None, None
        if shown and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            text = TextColumn("{task.description}", markup=False)
            columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self.bar = Bar(*columns, console=Console(stderr=True), transient=True)

    def start(self, step: str, cells: int) -> None:
        """Show that a step begins."""
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task(f"{step}, cell", total=cells or None)

    def show_cell(self, index: int) -> None:
        """Show that a cell begins."""
        if self.bar and self.task is not None:
            self.bar.update(self.task, completed=index + 1)

    def finish(self, name: str, state: str, seconds: float, reason: str) -> None:
        """Say in one line what became of a step."""
        if self.bar and self.task is not None:
            self.bar.remove_task(self.task)
            self.task = None
        took = f" in {seconds:.1f} s" if state in ("ran", "failed") else ""
        self.tell(f"{name:<20}{state}{took} ({reason})")

    def tell(self, text: str) -> None:
        """Print one line."""
        if self.bar:
            self.bar.console.print(text, markup=False, highlight=False)
        elif self.shown:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar:
            self.bar.stop()
