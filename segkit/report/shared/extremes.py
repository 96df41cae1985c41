"""The highest and the lowest of a column: who shares it, and whether one or two customers make it.

An extreme is found among all rows that are shown. Rows that are written alike are alike: where all
are, there is no extreme, and where several are the highest, all of them are named.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from segkit.core.findings import Figure
from segkit.core.privacy import Published
from segkit.report.shared.sentences import write_figure

ReadFigure = Callable[[pd.Series, str], Figure]


@dataclass(frozen=True)
class End:
    """The highest or the lowest of a column.

    Attributes
    ----------
    rows : tuple of hashable
        The rows that share it, by their labels.
    figure : Figure
        That of the first of them. ``carried`` says whether two customers make it, by its place or
        by more than a fifth; None where that is not known.
    stands : bool
        Whether it is still the highest, or the lowest, without two customers of its own and of each
        of the others. True where that is not known.
    """

    rows: tuple[Hashable, ...]
    figure: Figure
    stands: bool

    @property
    def is_made_by_few(self) -> bool:
        """Whether its place stands, but two customers change the figure by more than a fifth."""
        return self.stands and bool(self.figure.carried)


def find_ends(
    table: Published,
    column: str,
    read: ReadFigure,
    *,
    rows: Sequence[Hashable] | pd.Index | None = None,
    names: tuple[str, str] = ("top", "least"),
) -> tuple[End, End] | None:
    """Find the highest and the lowest of a column; None where all are written alike.

    Parameters
    ----------
    table : Published
        What is shown.
    column : str
        The measure; where it is missing a row has no part in it.
    read : callable
        Reads the figure of a row under a name.
    rows : sequence of labels, optional
        Among which rows, if not among all.
    names : tuple of str
        What the two figures are called.
    """
    frame = table.frame if rows is None else table.frame.loc[list(rows)]
    frame = frame.dropna(subset=[column])
    if frame.empty:
        return None
    texts = pd.Series(
        [write_figure(read(row, names[0])) for _, row in frame.iterrows()], index=frame.index
    )
    if texts.nunique() < 2:
        return None
    top, least = (
        _find_end(table, column, read, texts, name=name, is_top=is_top)
        for name, is_top in zip(names, (True, False), strict=True)
    )
    return top, least


def _find_end(
    table: Published, column: str, read: ReadFigure, texts: pd.Series, *, name: str, is_top: bool
) -> End:
    values = table.frame.loc[texts.index, column].astype(float)
    first = values.idxmax() if is_top else values.idxmin()
    alike = texts.index[texts == texts[first]]
    others = texts.index[texts != texts[first]]
    made = [table.is_made_by_few(column, row) for row in alike]
    kept = [table.keeps_place(column, row, others, is_top=is_top) for row in alike]
    stands = all(one is not False for one in kept)
    is_known = None not in (*made, *kept)
    figure = read(table.frame.loc[first], name)
    figure = replace(figure, carried=not stands or any(made) if is_known else None)
    return End(tuple(alike), figure, stands)
