"""The ledger of a run: what its steps published and hid so far, so that no table tells of another.

It holds the true counts of what is hidden, so it stays in the run folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from segkit.core.audit import Audited, audit_table
from segkit.core.files import replace_whole
from segkit.core.hiding import find_hidden
from segkit.core.ledger import Ledger, read_ledger
from segkit.core.shapes import CUSTOMERS, Shape
from segkit.runs.layout import RunFolder


@dataclass
class StepLedger:
    """One step's hold on the ledger: it reads what earlier steps left, and writes its own."""

    run: RunFolder
    step: str
    smallest_cell: int
    _ledger: Ledger | None = None
    _texts: dict[str, list[str]] = field(default_factory=dict)

    def audit(
        self, table: pd.DataFrame, shape: Shape, *, roundings: Mapping[str, float] | None = None
    ) -> Audited | None:
        """Return what more a table must hide beside what is published; None if none is of people.

        The table is taken into the ledger; ``roundings`` are the steps to which its columns are
        written. See `segkit.core.audit.audit_table`.
        """
        counts_people = shape.population == CUSTOMERS and shape.by and not table.empty
        if not counts_people or self.smallest_cell <= 1:
            return None
        if self._ledger is None:
            self._ledger = self._read_earlier()
        hidden = find_hidden(table, shape, self.smallest_cell)
        audited = audit_table(table, shape, hidden, ledger=self._ledger, roundings=roundings)
        self._texts[shape.name] = [part.to_json() for part in audited.parts]
        self._write()
        return audited

    def _read_earlier(self) -> Ledger:
        texts = []
        for path in self.run.list_ledgers_before(self.step):
            texts += path.read_text(encoding="utf-8").splitlines()
        return read_ledger(texts, self.smallest_cell)

    def _write(self) -> None:
        lines = [text for texts in self._texts.values() for text in texts]
        with replace_whole(self.run.step(self.step).ledger) as aside:
            aside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
