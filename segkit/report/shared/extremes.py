"""The highest and the lowest of a column: who shares it, and whether one or two customers make it.

An extreme is found among all rows that are shown. Rows that are written alike are alike: where all
are, there is no extreme, and where several are the highest, all of them are named.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published
from segkit.report.shared.sentences import find_sentence, write_figure, write_finding

ReadFigure = Callable[[pd.Series, str], Figure]
MOST_TIED = 3  # so many that share an extreme are named together


def list_alike(values: pd.Series, write: Callable[[float], str]) -> list[Hashable]:
    """Return the labels of the first of some values, and of the others that are written like it.

    >>> list_alike(pd.Series({"a": 0.501, "b": 0.499, "c": 0.4}), lambda share: f"{share:.0%}")
    ['a', 'b']
    """
    texts = [write(value) for value in values]
    return [label for label, text in zip(values.index, texts, strict=True) if text == texts[0]]


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


@dataclass(frozen=True)
class SureEnd:
    """The furthest from the average of all, on one side, that can be told from it.

    Attributes
    ----------
    rows : tuple of hashable
        The rows that share it, written alike.
    figure : Figure
        That of the first of them, with its interval; ``carried`` as in `End`.
    stands, is_changed : bool
        Whether it is still the furthest without two customers of each, and whether two of its own
        change it by more than a fifth.
    passed : tuple of hashable
        Rows that are further, but whose interval takes in the average, or is not known, or that are
        on the other side without two customers.
    """

    rows: tuple[Hashable, ...]
    figure: Figure
    stands: bool
    is_changed: bool
    passed: tuple[Hashable, ...]


def find_sure_end(
    table: Published,
    column: str,
    read: ReadFigure,
    *,
    rows: pd.Index,
    interval: tuple[str, str],
    average: float,
    is_top: bool,
    name: str,
) -> SureEnd | None:
    """Find which figure is furthest above, or below, the average; None where none surely is.

    Parameters
    ----------
    table : Published
        What is shown.
    column : str
        The measure, known of all ``rows``.
    read : callable
        Reads the figure of a row under a name.
    rows : Index
        Among which rows.
    interval : tuple of str
        The columns with the ends of its interval.
    average : float
        What all together have.
    is_top : bool
        Above it, or below.
    name : str
        What the figure is called.
    """
    values = table.frame.loc[rows, column].astype(float)
    beyond = values[values > average] if is_top else values[values < average]
    ranked = beyond.sort_values(ascending=not is_top, kind="stable")
    sure = [
        row
        for row in ranked.index
        if _is_sure(table, column, row, interval=interval, average=average, is_top=is_top)
    ]
    if not sure:
        return None
    first = sure[0]
    texts = {row: write_figure(read(table.frame.loc[row], name)) for row in ranked.index}
    alike = [row for row in sure if texts[row] == texts[first]]
    further = ranked.index[: ranked.index.get_loc(first)]
    passed = [row for row in further if row not in alike and texts[row] != texts[first]]
    others = [row for row in ranked.index if row not in passed and texts[row] != texts[first]]
    stands = table.keeps_place(column, first, others, is_top=is_top)
    made = table.is_made_by_few(column, first)
    carried = None if stands is None or made is None else not stands or made
    figure = replace(read(table.frame.loc[first], name), carried=carried)
    return SureEnd(tuple(alike), figure, stands is not False, bool(made), tuple(passed))


def _is_sure(
    table: Published,
    column: str,
    row: Hashable,
    *,
    interval: tuple[str, str],
    average: float,
    is_top: bool,
) -> bool:
    """Return whether a figure is beyond the average by its interval, and without two customers."""
    low, high = table.frame.loc[row, list(interval)].astype(float)
    if not np.isfinite([low, high]).all():
        return False
    if (low <= average) if is_top else (high >= average):
        return False
    return table.stays_beyond(column, row, average, is_above=is_top) is not False


def state_sure_end(
    table: Published,
    end: SureEnd,
    *,
    word: str,
    read: ReadFigure,
    read_count: ReadFigure,
    name_rows: Callable[[pd.DataFrame], str],
) -> Finding:
    """Write an index that surely is the furthest, and that others are further but rest on few.

    It is a part of a sentence, as a finding with its figures.

    Parameters
    ----------
    table : Published
        What is shown.
    end : SureEnd
        See `find_sure_end`; its figure is called ``<name>_index``.
    word : str
        What it is: "most" or "highest".
    read, read_count : callable
        Read the index, and the customers, of a row under a name.
    name_rows : callable
        Says where some rows are, such as "where country is Norway".
    """
    name = end.figure.name.removesuffix("_index")
    frame = table.frame
    count = read_count(frame.loc[end.rows[0]], f"{name}_count")
    remarks = {"made_by_few": end.is_changed, "place_of_few": not end.stands}
    words = {
        "end": word,
        "places": name_rows(frame.loc[list(end.rows)]),
        "remark": "".join(find_sentence(f"extremes.sure.{one}") for one in remarks if remarks[one]),
        "passed": "",
    }
    read_figures = [end.figure, count]
    if end.passed:
        row = frame.loc[end.passed[0]]
        passed = [
            replace(read(row, f"{name}_passed_index"), carried=True),
            read_count(row, f"{name}_passed_count"),
        ]
        is_higher = float(passed[0].value) > float(end.figure.value)
        kind = "one_passed" if len(end.passed) == 1 else "some_passed"
        about = {
            "direction": "higher" if is_higher else "lower",
            "places": name_rows(frame.loc[[end.passed[0]]]),
        }
        words["passed"] = _write_part(f"extremes.sure.{kind}", passed, about).text
        read_figures += passed
    part = _write_part("extremes.sure.end", [end.figure, count], words)
    return replace(part, figures=tuple(read_figures))


def _write_part(kind: str, figures: list[Figure], words: dict[str, str]) -> Finding:
    index, count = figures
    named = [replace(index, name="index"), replace(count, name="count")]
    return write_finding(kind, named, words=words)
