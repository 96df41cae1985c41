"""What a run shows while its kernels work."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Progress:
    """Progress on standard error: one line a step, and a bar where somebody watches."""

    def __init__(self):
        self.console = Console(stderr=True, highlight=False)
        text = TextColumn("{task.description}", markup=False)
        columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        hidden = not self.console.is_terminal
        self.bar = Bar(*columns, console=self.console, transient=True, disable=hidden)
        self.task = self.bar.add_task("", visible=False)

    def start(self, step: str, cells: int) -> None:
        """Show that a step begins."""
        self.bar.start()
        self.bar.reset(self.task, description=f"{step}, cell", total=cells, visible=True)

    def show_cell(self, index: int) -> None:
        """Show that a cell begins."""
        self.bar.update(self.task, completed=index + 1)

    def finish(self, name: str, state: str, seconds: float, reason: str) -> None:
        """Say in one line what became of a step."""
        self.bar.update(self.task, visible=False)
        took = f" in {seconds:.1f} s" if state in ("ran", "failed") else ""
        self.tell(f"{name:<20}{state}{took} ({reason})")

    def tell(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, markup=False, soft_wrap=True)
