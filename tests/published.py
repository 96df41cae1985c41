"""Tables as they are after the gate, for tests of what the report says of them."""

from __future__ import annotations

import pandas as pd

from segkit.core.privacy import Published, publish_table
from segkit.report.shared.views import View


def publish(
    table: pd.DataFrame, view: View, *, smallest_cell: int = 5, currency: str = "EUR"
) -> Published:
    """Let a table through the gate as a notebook does."""
    return publish_table(
        table,
        view.shape,
        smallest_cell=smallest_cell,
        roundings=view.list_roundings(),
        view=view,
        period="all time to 2026-03-31",
        currency=currency,
    )


def read_texts(findings: list) -> list[str]:
    """Return the sentences of findings."""
    return [finding.text for finding in findings]
