"""Which tables of a topic are given, and what the others would answer."""

from __future__ import annotations

from segkit.core.privacy import Shape
from segkit.report.shared.views import Column, View

MISSING_TABLES = View(
    Shape("missing_tables", population="rows", by=("table",)),
    {
        "table": Column(),
        "state": Column(),
        "row_count": Column(kind="integer"),
        "answers": Column(),
        "collect": Column("Where to find it"),
    },
)
