"""What must not be shown: counts of few customers, and what would give them away."""

from __future__ import annotations

import numpy as np
import pandas as pd


def suppress_cells(grid: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Hide counts from 1 to below ``smallest_cell``, and what would give them away.

    A lone hidden cell in a row or column is found by subtraction from its sum, so the next
    smallest count there is hidden too, until no row or column has just one.
    """
    counts = grid.to_numpy(float)
    hidden = (counts > 0) & (counts < smallest_cell)
    changed = True
    while changed:
        changed = False
        for covered, line in zip([*hidden.T, *hidden], [*counts.T, *counts], strict=True):
            shown = np.where(covered | (line == 0), np.inf, line)
            if covered.sum() == 1 and np.isfinite(shown).any():
                covered[shown.argmin()] = changed = True  # a view: it marks the grid
    return grid.astype(float).mask(hidden)
