"""Which rows and figures of a table are hidden, those that a known total would tell included."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from segkit.core.findings import HIDDEN
from segkit.core.measures import (
    EXTREME,
    FIGURE,
    count_needed,
    drop_contributions,
    find_dominated,
    list_contributions,
    list_measures,
)
from segkit.core.shapes import NOTE, TOO_FEW_FOR_AMOUNTS, Shape


def find_hidden(table: pd.DataFrame, shape: Shape, smallest_cell: int) -> pd.Series:
    """Return which rows rest on too few customers, or would tell of those by a total."""
    hidden = _find_small(table, shape, smallest_cell)
    if not shape.adds_up or not shape.by:
        return hidden
    certain = _find_certain(table, shape, smallest_cell)
    if not _may_tell(table, shape, certain, smallest_cell):
        return hidden
    for part in list_parts(table, shape):
        counts = part[shape.count].astype(float).fillna(0).to_numpy()
        cells = part.groupby(list(shape.by), dropna=False, sort=False).ngroup().to_numpy()
        if cells.max() + 1 < len(part):  # rows of one group count together
            groups = part.drop_duplicates(list(shape.by))
            sums = np.bincount(cells, counts)
            start = (sums > 0) & (sums < smallest_cell)
            lines = list_lines(groups, shape.by)
            covered = hide_counts(sums, start, lines, smallest_cell=smallest_cell)[cells]
        else:
            start = (counts > 0) & (counts < smallest_cell)
            start |= certain.loc[part.index].to_numpy()
            covered = hide_counts(
                counts, start, list_lines(part, shape.by), smallest_cell=smallest_cell
            )
        hidden.loc[part.index] |= covered
    return hidden


def _may_tell(table: pd.DataFrame, shape: Shape, certain: pd.Series, smallest_cell: int) -> bool:
    """Return whether a row is so small that others may have to be hidden with it.

    Where a group has several rows they count together, so that none need be small itself.
    """
    counts = table[shape.count].astype(float).fillna(0)
    is_small = (counts > 0) & (counts < smallest_cell)
    if is_small.any() or certain.any():
        return True
    groups = table.groupby([*shape.within, *shape.by], dropna=False, sort=False)
    return groups.ngroups < len(table)


def find_hidden_before(table: pd.DataFrame) -> pd.Series:
    """Return which rows were hidden when a table that this one was made from was published."""
    if HIDDEN not in table:
        return pd.Series(False, index=table.index)
    before = table[HIDDEN].astype("boolean").fillna(False).astype(bool)
    if NOTE in table:  # of the others only amounts were hidden
        before &= table[NOTE] != TOO_FEW_FOR_AMOUNTS
    return before


def _find_small(table: pd.DataFrame, shape: Shape, smallest_cell: int) -> pd.Series:
    """Return which rows rest on too few customers, or tell something of all of few."""
    count = table[shape.count]
    small = _is_small(count, smallest_cell) | find_hidden_before(table)
    for column in shape.wholes:
        whole = table[column]
        small |= ~(whole >= smallest_cell).fillna(False).astype(bool)
    return small | _find_certain(table, shape, smallest_cell)


def _find_certain(table: pd.DataFrame, shape: Shape, smallest_cell: int) -> pd.Series:
    """Return which rows say something of all customers of a small group, or of none of them."""
    certain = pd.Series(False, index=table.index)
    count = table[shape.count]
    for column in shape.wholes:
        whole = table[column]
        is_few = (whole >= smallest_cell) & (whole < count_needed(smallest_cell))
        is_all_or_none = (count == 0) | (count == whole)
        certain |= (is_few & is_all_or_none).fillna(False).astype(bool)
    return certain


def list_parts(table: pd.DataFrame, shape: Shape) -> list[pd.DataFrame]:
    """Return the parts of a table that add up by themselves."""
    if not shape.within:
        return [table]
    return [part for _, part in table.groupby(list(shape.within), dropna=False)]


def _is_small(counts: pd.Series, smallest_cell: int) -> pd.Series:
    """Return where there are too few customers, or it is not known how many."""
    return ~(counts >= smallest_cell).fillna(False).astype(bool) & (counts != 0).fillna(True)


def find_hidden_alone(
    table: pd.DataFrame,
    shape: Shape,
    hidden: pd.Series,
    *,
    smallest_cell: int,
    also_untold: pd.Series | None = None,
) -> pd.DataFrame:
    """Return which figures are hidden in rows that are shown, by column.

    Those of the rows ``also_untold`` are, since other tables would tell of them.
    """
    labels = {*shape.by, *shape.within, *shape.shown, NOTE, HIDDEN, shape.count}
    if smallest_cell <= 1:
        return pd.DataFrame(index=table.index)
    kinds = list_measures(drop_contributions(table), named=shape.measures, labels=labels)
    no_figures = _find_untold(table, shape, hidden, smallest_cell)
    if also_untold is not None:
        no_figures |= also_untold
    untold = no_figures.to_numpy(bool)
    masks = {}
    for column, kind in kinds.items():
        mask = np.full(len(table), kind == EXTREME)
        if kind == FIGURE:
            mask |= untold
        if column in shape.running:
            mask |= untold.any()
        if column in shape.rests:
            needed = count_needed(smallest_cell) if kind == FIGURE else smallest_cell
            mask |= _is_small(table[shape.rests[column]], needed).to_numpy(bool)
        if mask.any():
            mask &= table[column].notna().to_numpy()
        if mask.any():
            masks[column] = mask
    return pd.DataFrame(masks, index=table.index, dtype=bool)


def _find_untold(
    table: pd.DataFrame, shape: Shape, hidden: pd.Series, smallest_cell: int
) -> pd.Series:
    """Return the rows whose amounts are of too few, are made by two, or tell of such a row."""
    needed = count_needed(smallest_cell)
    counts = table[shape.count].astype(float).fillna(0)
    few = (counts > 0) & (counts < needed)
    contributions = list_contributions(table)
    for sums in contributions:
        few |= find_dominated(sums["total"], sums["largest"], sums["second"])
    untold = hidden | _is_small(table[shape.count], needed) | few
    if not shape.adds_up or not shape.by or not few.any():
        return untold
    for part in list_parts(table, shape):
        start = few.loc[part.index].to_numpy()
        if not start.any():
            continue
        untold.loc[part.index] |= hide_figures(
            counts.loc[part.index].to_numpy(),
            start,
            list_lines(part, shape.by),
            smallest_cell=smallest_cell,
            contributions=[sums.loc[part.index] for sums in contributions],
        )
    return untold


def list_lines(part: pd.DataFrame, by: Sequence[str]) -> list[np.ndarray]:
    """Return the lines of a grid, each as the places of its rows in ``part``.

    The last column of ``by`` is one direction, those before it together the other.
    """
    *rows, column = by
    place = part.groupby(column, dropna=False).ngroup().to_numpy()
    if rows:
        row = part.groupby(rows, dropna=False).ngroup().to_numpy()
    else:
        row = np.zeros(len(part), dtype=int)
    lines = []
    for own, other in ((place, row), (row, place)):
        order = np.lexsort((other, own))
        ends = np.flatnonzero(np.diff(own[order])) + 1
        lines += [line for line in np.split(order, ends) if len(line) > 1]
    return lines


def hide_counts(
    counts: np.ndarray, hidden: np.ndarray, lines: Sequence[np.ndarray], *, smallest_cell: int
) -> np.ndarray:
    """Return what is hidden so that no total tells a hidden count to within ``smallest_cell``.

    A lone hidden count of a line is its total less what is shown. Several are as far open as
    their sum, none being 0: it must leave ``smallest_cell`` beyond one for each. The smallest
    counts that are shown join them first. A total below ``smallest_cell`` is known to nobody.

    Parameters
    ----------
    counts : array of float
        Customers in each cell.
    hidden : array of bool
        What is hidden to begin with.
    lines : sequence of array of int
        Places of cells that add up to a total.
    smallest_cell : int
    """

    def is_open(places: np.ndarray) -> bool:
        free = counts[places].sum() - len(places)
        return len(places) > 1 and free >= smallest_cell

    wanted = [line for line in lines if counts[line].sum() >= smallest_cell]
    return _complete_lines(counts, hidden, wanted, is_open)


def hide_figures(
    counts: np.ndarray,
    hidden: np.ndarray,
    lines: Sequence[np.ndarray],
    *,
    smallest_cell: int,
    contributions: Sequence[pd.DataFrame] = (),
) -> np.ndarray:
    """Return where amounts are hidden so that those hidden in a line are not told together.

    What is hidden in a line rests on twice ``smallest_cell`` customers at least, and no one or two
    of them make it; see `hide_counts` for the parameters.

    Parameters
    ----------
    contributions : sequence of DataFrame
        Of each column of sums: ``total``, ``largest`` and ``second``, see `list_contributions`.
    """

    given = [sums[["total", "largest", "second"]].to_numpy(float) for sums in contributions]

    def is_open(places: np.ndarray) -> bool:
        people = counts[places].sum()
        if len(places) < 2 or people < count_needed(smallest_cell):
            return False
        return not any(_is_dominated(sums, places) for sums in given)

    return _complete_lines(counts, hidden, lines, is_open)


def _is_dominated(sums: np.ndarray, places: np.ndarray) -> bool:
    """Return whether one or two customers make what cells sum up to.

    ``sums`` (n, 3) has the total, the largest and the second contribution of each cell.
    """
    own = sums[places]
    parts = own[:, 1:].ravel()
    parts = parts[~np.isnan(parts)]
    if not len(parts):
        return False
    first, *others = parts[np.argsort(-np.abs(parts), kind="stable")]
    whole = np.nansum(own[:, 0])
    return bool(find_dominated([whole], [first], [others[0] if others else 0.0])[0])


def _complete_lines(
    counts: np.ndarray,
    hidden: np.ndarray,
    lines: Sequence[np.ndarray],
    is_open: Callable[[np.ndarray], bool],
) -> np.ndarray:
    """Hide the smallest cell that is shown in each line that is not open, until all are."""
    hidden = hidden.copy()
    changed = True
    while changed:
        changed = False
        for line in lines:
            covered = hidden[line]
            places = line[covered & (counts[line] > 0)]
            if not len(places) or is_open(places):
                continue
            shown = line[~covered & (counts[line] > 0)]
            if len(shown):
                hidden[shown[counts[shown].argmin()]] = True
                changed = True
    return hidden
