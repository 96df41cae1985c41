"""Whether hidden counts can be worked out from all that was published, and what to hide then.

The reader knows all published cells, that counts are whole and not negative, and the smallest
count that is shown. A hidden count below it is protected if the least and the most that it can be,
given all that adds up, lie at least ``smallest_cell`` apart. What more must be hidden is found
greedily; whether that does is found by linear programs, as in Fischetti and Salazar (2001),
"Solving the cell suppression problem on tabular data with linear constraints", Management Science
47(7), and Hundepool et al. (2012), *Statistical Disclosure Control*, chapter 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from segkit.core.amounts import list_amounts, list_sums
from segkit.core.bounds import Bound, find_rows_that_tell
from segkit.core.cell_ledger import CellLedger, Line
from segkit.core.counted_parts import CountedPart
from segkit.core.counting import count_parts
from segkit.core.hiding import find_hidden_alone, list_parts
from segkit.core.ledger import Ledger
from segkit.core.programs import MOST_PROGRAMS, AuditLimitError, find_told
from segkit.core.shapes import Shape
from segkit.core.spaces import Place

MOST_ROUNDS = 40  # of hiding more
TOO_LARGE = (
    "It could not be made sure, within the limits of the audit, that nothing hidden is told."
)
TELLS = "With what is published before, it would tell of too few customers."


@dataclass(frozen=True)
class Audited:
    """What the audit of a table came to.

    Attributes
    ----------
    hidden : Series of bool
        The rows that are hidden.
    parts : list of CountedPart
        Its counts and amounts, for the ledger.
    reason : str
        Why the table must be left out whole; empty if it may be shown.
    untold : Series of bool
        The rows of which all amounts are hidden, since one would tell of those of too few.
    """

    hidden: pd.Series
    parts: list[CountedPart]
    reason: str = ""
    untold: pd.Series = field(default_factory=lambda: pd.Series(dtype=bool))


def audit_table(
    table: pd.DataFrame,
    shape: Shape,
    hidden: pd.Series,
    *,
    ledger: Ledger,
    roundings: Mapping[str, float] | None = None,
) -> Audited:
    """Hide more rows of a table until nothing hidden can be worked out from all tables together.

    Parameters
    ----------
    table : DataFrame
        A finished table, with its true counts.
    shape : Shape
        What its rows are.
    hidden : Series of bool
        What the table alone hides, see `segkit.core.hiding.find_hidden`.
    ledger : Ledger
        What was published before, and the fewest customers that may be seen. It takes the table
        in, unless that is left out.
    roundings : mapping of str to float, optional
        The step to which each column is written.

    Returns
    -------
    Audited
    """
    parts = count_parts(table, shape, hidden, roundings=roundings)
    trial = ledger.copy()
    done = _audit_parts(parts, trial)
    if parts and all(reason for _, reason in done):
        return Audited(hidden, [], done[0][1])
    ledger.take_over(trial)
    audited = _spread(table, shape, hidden, [part for part, _ in done])
    untold, amounts = _audit_amounts(table, shape, audited, ledger=ledger, roundings=roundings)
    kept = [part for part, reason in (*done, *amounts) if not reason]
    return Audited(audited, kept, untold=untold)


def _audit_parts(parts: Sequence[CountedPart], ledger: CellLedger) -> list[tuple[CountedPart, str]]:
    """Return each part with what more it must hide, and the reason if all of it is left out."""
    budget = [MOST_PROGRAMS]
    done = []
    for part in parts:
        audited, reason = _audit_part(part, ledger, budget)
        if reason:
            audited = replace(part, hidden=(True,) * len(part.hidden))
        done.append((audited, reason))
    return done


def _audit_amounts(
    table: pd.DataFrame,
    shape: Shape,
    hidden: pd.Series,
    *,
    ledger: Ledger,
    roundings: Mapping[str, float] | None,
) -> tuple[pd.Series, list[tuple[CountedPart, str]]]:
    """Return the rows whose amounts must be hidden, beside other tables, and the amounts.

    Each part comes with the reason if all of it is hidden.
    """
    untold = pd.Series(False, index=table.index)
    sums = list_sums(table)
    smallest_cell = ledger.smallest_cell
    if not sums:
        return untold, []
    alone = find_hidden_alone(table, shape, hidden, smallest_cell=smallest_cell)
    marks = pd.DataFrame({name: hidden | alone[name] if name in alone else hidden for name in sums})
    parts = list(
        list_amounts(table, shape, marks, smallest_cell=smallest_cell, roundings=roundings)
    )
    done = _audit_parts(parts, ledger.amounts)
    places = list_parts(table, shape) * len(sums) if parts else []
    for rows, before, (after, _) in zip(places, parts, done, strict=True):
        more = [new and not old for new, old in zip(after.hidden, before.hidden, strict=True)]
        untold.loc[rows.index] |= np.array(more)
    return untold, done


def _spread(
    table: pd.DataFrame, shape: Shape, hidden: pd.Series, parts: Sequence[CountedPart]
) -> pd.Series:
    """Return which rows of the table the parts hide."""
    found = hidden.copy()
    if parts:
        for rows, part in zip(list_parts(table, shape), parts, strict=True):
            found.loc[rows.index] = part.hidden
    return found


def _audit_part(
    part: CountedPart, ledger: CellLedger, budget: list[int]
) -> tuple[CountedPart, str]:
    """Return the part with what more it must hide, or why hiding in it does not do.

    The ledger takes it in, unless there is a reason.
    """
    part = _hide_again(part, ledger)
    for _ in range(MOST_ROUNDS):
        trial = ledger.copy()
        ties = trial.add(part)
        told: set[Place] = set()
        if any(trial.is_open(cell) for tie in ties for cell in tie.places):
            try:
                told = find_told(trial, ties, budget=budget)
            except AuditLimitError:
                return part, TOO_LARGE
        if not told:
            ledger.take_over(trial)
            return part, ""
        more = _choose_more(part, trial, ties, told)
        if not more:
            break
        marks = [mark or row in more for row, mark in enumerate(part.hidden)]
        part = replace(part, hidden=tuple(marks))
    return part, TELLS


def _hide_again(part: CountedPart, ledger: CellLedger) -> CountedPart:
    """Hide what was hidden elsewhere, or tells it, and one cell of a line whose total was."""
    marks = list(part.hidden)
    for row, cell in enumerate(ledger.find_cells(part)):
        marks[row] = marks[row] or (cell is not None and ledger.is_open(cell))
    for row in find_rows_that_tell(ledger, part):
        marks[row] = True
    trial = ledger.copy()
    for line in trial.add(replace(part, hidden=(True,) * len(marks))):
        if not isinstance(line, Line):
            continue
        is_before = line.total[0] < len(ledger.spaces) and ledger.is_open(line.total)
        if not is_before or any(marks[row] for row in line.rows):
            continue
        shown = [row for row in line.rows if part.counts[row]]
        if shown:
            marks[min(shown, key=lambda row: part.counts[row])] = True
    return replace(part, hidden=tuple(marks))


def _choose_more(
    part: CountedPart, ledger: CellLedger, ties: Sequence[Line | Bound], told: set[Place]
) -> set[int]:
    """Return rows to hide besides, so that what is told is open.

    First the rows come whose shares tell it, then lines of which a single cell is hidden, then
    those of what is told. The smallest count that is shown is taken; where there is none, a cell
    that counts nobody, beside others that are hidden: whoever does not know whether 0 is shown
    knows less.
    """
    lines = [tie for tie in ties if isinstance(tie, Line)]
    bounds = [tie for tie in ties if isinstance(tie, Bound) and told & set(tie.places)]
    telling = {row for bound in bounds for row in bound.rows if not part.hidden[row]}
    if telling:
        return {min(telling, key=lambda row: (part.counts[row], row))}
    chosen = _choose_of_lines(part, ledger, lines, told)
    if not chosen and bounds:  # what limits it is shown: that it may be 0 is all that helps
        noughts = _list_noughts(part, ledger, ties)
        chosen = set(noughts[:1])
    return chosen


def _list_noughts(part: CountedPart, ledger: CellLedger, ties: Sequence[Line | Bound]) -> list[int]:
    """Return the rows that show that they count nobody, but for those that could count none."""
    bounds = [tie for tie in ties if isinstance(tie, Bound)]
    certain = {
        place
        for bound in bounds
        if bound.high <= 0 and all(weight > 0 for _, weight in bound.terms)
        for place in bound.places
    }
    return [
        row
        for row, place in enumerate(ledger.find_cells(part))
        if part.counts[row] == 0 and not part.hidden[row] and place not in certain
    ]


def _choose_of_lines(
    part: CountedPart, ledger: CellLedger, lines: Sequence[Line], told: set[Place]
) -> set[int]:
    """Return rows to hide of the lines of what is told, or of others of which some is hidden."""
    open_counts = {id(line): sum(ledger.is_open(cell) for cell in line.cells) for line in lines}
    lone = [line for line in lines if open_counts[id(line)] == 1]
    own = [line for line in lines if told & set(line.places)]
    some = [line for line in lines if open_counts[id(line)]]
    beside = [0] * len(part.counts)
    for line in lines:
        for row in line.rows:
            beside[row] += open_counts[id(line)]

    def rank(row: int) -> tuple[bool, float, int]:
        count = part.counts[row]
        return count == 0, -beside[row] if count == 0 else abs(count), row

    for wanted in (lone, own, some):
        more: set[int] = set()
        for line in wanted:
            if (ledger.is_open(line.total) and wanted is lone) or more & set(line.rows):
                continue
            shown = [row for row in line.rows if not part.hidden[row]]
            if shown:
                more.add(min(shown, key=rank))
        if more:
            return more
    return set()
