"""Cells for the analyst at the table: they may show rows, so no run and no page has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LAB = "lab"  # the tag of such a cell


def is_lab_cell(cell: Mapping[str, Any]) -> bool:
    """Tell whether a notebook's cell is tagged ``lab``.

    >>> is_lab_cell({"metadata": {"tags": ["lab"]}}), is_lab_cell({"metadata": {}})
    (True, False)
    """
    return LAB in cell.get("metadata", {}).get("tags", [])


def leave_out_lab_cells(cells: Sequence[Any]) -> list[Any]:
    """Return the cells that are not tagged ``lab``."""
    return [cell for cell in cells if not is_lab_cell(cell)]
