"""Whether the true values solve all that the audit takes to be known: they always must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from segkit.core import audit
from segkit.core.counted_parts import CountedPart, read_part
from segkit.core.ledger import Ledger
from segkit.core.programs import Equation, Program, find_told, list_programs
from segkit.runs.layout import RunFolder

STEPS = ("01_plan", "02_market_review", "03_base_analysis", "04_experience_data", "05_analysis")


class Watched:
    """Keeps the programs of all audits, those on trial too, while it is entered."""

    def __init__(self):
        self.programs: list[Program] = []
        self._patch = patch.object(audit, "find_told", self._look)

    def _look(self, ledger, ties, *, budget):
        self.programs += list_programs(ledger, ties)
        return find_told(ledger, ties, budget=budget)

    def __enter__(self) -> Watched:
        self._patch.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._patch.stop()

    def list_false(self) -> list[Equation]:
        """Return what the true values do not solve."""
        return [one for program in self.programs for one in program.list_false()]


def read_parts(run: Path) -> list[CountedPart]:
    """Return the parts of a run's ledger, in the order in which they were published."""
    texts = []
    for step in STEPS:
        path = RunFolder(run).step(step).ledger
        if path.exists():
            texts += path.read_text(encoding="utf-8").splitlines()
    return [read_part(text) for text in texts]


def check_run(run: Path, smallest_cell: int = 5) -> None:
    """Fail where the true values of a run do not solve what is taken to be known of them."""
    published, tried = list_programs_again(read_parts(run), smallest_cell)
    assert len(published) > 5, "something is hidden, and hangs together"
    assert len(tried) > 5
    for program in (*published, *tried):
        assert program.list_false() == []


def list_programs_again(
    parts: Sequence[CountedPart], smallest_cell: int
) -> tuple[list[Program], list[Program]]:
    """Return all programs of parts as they were published, and as each was before it hid more."""
    ledger = Ledger(smallest_cell)
    published = []
    tried = []
    for part in parts:
        own = ledger.amounts if part.measure else ledger
        small = part.few or tuple(0 < count < smallest_cell for count in part.counts)
        trial = own.copy()
        tried += list_programs(trial, trial.add(replace(part, hidden=small)))
        published += list_programs(own, own.add(part))
    return published, tried
