"""The ledger of a run: the counts and the amounts that were published so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from segkit.core.amounts import AmountLedger
from segkit.core.cell_ledger import CellLedger
from segkit.core.counted_parts import read_part


@dataclass
class Ledger(CellLedger):
    """All counts that were published so far, in their order, and all amounts."""

    amounts: AmountLedger = field(default_factory=lambda: AmountLedger())


def read_ledger(texts: Iterable[str], smallest_cell: int) -> Ledger:
    """Return the ledger of parts that were written, in the order in which they were published."""
    ledger = Ledger(smallest_cell)
    for text in texts:
        part = read_part(text)
        (ledger.amounts if part.measure else ledger).add(part)
    return ledger
