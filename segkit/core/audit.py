"""Whether hidden counts can be worked out from all that was published, and what to hide then.

The reader knows all published cells, that counts are whole and not negative, and the smallest
count that is shown. A hidden count below it is protected if the least and the most that it can be,
given all that adds up, lie at least ``smallest_cell`` apart. What more must be hidden is found
greedily; whether that does is found by linear programs, as in Fischetti and Salazar (2001),
"Solving the cell suppression problem on tabular data with linear constraints", Management Science
47(7), and Hundepool et al. (2012), *Statistical Disclosure Control*, chapter 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError
from segkit.core.hiding import list_parts
from segkit.core.ledger import CountedPart, Ledger, Line, Place, count_parts
from segkit.core.shapes import Shape

MOST_CELLS = 3000  # hidden cells that hang together
MOST_PROGRAMS = 400  # linear programs for one table
MOST_ROUNDS = 40  # of hiding more
NEAR = 1e-6
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
        Its counts, for the ledger.
    reason : str
        Why the table must be left out whole; empty if it may be shown.
    """

    hidden: pd.Series
    parts: list[CountedPart]
    reason: str = ""


@dataclass
class _Program:
    """Hidden cells that hang together: they are at least ``least``, and add up as told."""

    cells: list[Place]
    least: np.ndarray
    lines: list[dict[Place, float]]
    sums: list[float]
    protected: list[int]
    largest: int


class AuditLimitError(Exception):
    """The audit would take too many cells or linear programs."""


def audit_table(table: pd.DataFrame, shape: Shape, hidden: pd.Series, *, ledger: Ledger) -> Audited:
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

    Returns
    -------
    Audited
    """
    parts = count_parts(table, shape, hidden)
    budget = [MOST_PROGRAMS]
    done = []
    trial = ledger.copy()
    reasons = []
    for part in parts:
        audited, reason = _audit_part(part, trial, budget)
        if reason:
            reasons.append(reason)
            audited = replace(part, hidden=(True,) * len(part.hidden))
        else:
            trial.add(audited)
        done.append(audited)
    if len(reasons) == len(parts) and parts:
        return Audited(hidden, [], reasons[0])
    ledger.spaces = trial.spaces
    ledger.lines = trial.lines
    kept = [part for part in done if not all(part.hidden)]
    return Audited(_spread(table, shape, hidden, done), kept)


def _spread(
    table: pd.DataFrame, shape: Shape, hidden: pd.Series, parts: Sequence[CountedPart]
) -> pd.Series:
    """Return which rows of the table the parts hide."""
    found = hidden.copy()
    if parts:
        for rows, part in zip(list_parts(table, shape), parts, strict=True):
            found.loc[rows.index] = part.hidden
    return found


def _audit_part(part: CountedPart, ledger: Ledger, budget: list[int]) -> tuple[CountedPart, str]:
    """Return the part with what more it must hide, or why hiding in it does not do."""
    part = _hide_again(part, ledger)
    for _ in range(MOST_ROUNDS):
        trial = ledger.copy()
        own = trial.add(part)
        if not any(trial.is_open(cell) for line in own for cell in (*line.cells, line.total)):
            return part, ""
        try:
            told = find_told(trial, own, budget=budget)
        except AuditLimitError:
            return part, TOO_LARGE
        if not told:
            return part, ""
        more = _choose_more(part, trial, own, told)
        if not more:
            break
        marks = [mark or row in more for row, mark in enumerate(part.hidden)]
        part = replace(part, hidden=tuple(marks))
    return part, TELLS


def _hide_again(part: CountedPart, ledger: Ledger) -> CountedPart:
    """Hide what was hidden elsewhere, and one cell of a line whose total was."""
    marks = list(part.hidden)
    for row, cell in enumerate(ledger.find_cells(part)):
        marks[row] = marks[row] or (cell is not None and ledger.is_open(cell))
    trial = ledger.copy()
    for line in trial.add(replace(part, hidden=(True,) * len(marks))):
        is_before = line.total[0] < len(ledger.spaces) and ledger.is_open(line.total)
        if not is_before or any(marks[row] for row in line.rows):
            continue
        shown = [row for row in line.rows if part.counts[row]]
        if shown:
            marks[min(shown, key=lambda row: part.counts[row])] = True
    return replace(part, hidden=tuple(marks))


def _choose_more(
    part: CountedPart, ledger: Ledger, lines: Sequence[Line], told: set[Place]
) -> set[int]:
    """Return rows to hide besides, so that what is told is open.

    First the lines come of which a single cell is hidden, then those of what is told. The smallest
    count that is shown is taken; where there is none, a cell that counts nobody, beside others that
    are hidden: whoever does not know whether 0 is shown knows less.
    """
    open_counts = {id(line): sum(ledger.is_open(cell) for cell in line.cells) for line in lines}
    lone = [line for line in lines if open_counts[id(line)] == 1]
    own = [line for line in lines if told & {*line.cells, line.total}]
    some = [line for line in lines if open_counts[id(line)]]
    beside = [0] * len(part.counts)
    for line in lines:
        for row in line.rows:
            beside[row] += open_counts[id(line)]

    def rank(row: int) -> tuple[bool, int, int]:
        count = part.counts[row]
        return count == 0, -beside[row] if count == 0 else count, row

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


def find_told(
    ledger: Ledger, lines: Sequence[Line] | None = None, *, budget: list[int] | None = None
) -> set[Place]:
    """Return the hidden counts below the smallest cell that are told to within less than that.

    Parameters
    ----------
    ledger : Ledger
    lines : sequence of Line, optional
        Only what hangs together with these; all if not given.
    budget : list of int, optional
        How many linear programs may still be solved, in its first place.
    """
    budget = budget if budget is not None else [MOST_PROGRAMS]
    told: set[Place] = set()
    for program in _list_programs(ledger, lines):
        told |= _find_told_in(program, ledger.smallest_cell, budget)
    return told


def _list_programs(ledger: Ledger, lines: Sequence[Line] | None) -> list[_Program]:
    """Return the groups of hidden cells that hang together by lines, with those to protect."""
    equations = []
    seen = set()
    for line in ledger.lines:
        terms = {cell: 1.0 for cell in line.cells if ledger.is_open(cell)}
        total = float(line.count - sum(ledger.count(c) for c in line.cells if c not in terms))
        if ledger.is_open(line.total):
            terms[line.total] = -1.0
            total -= line.count
        elif line.count < ledger.smallest_cell and not ledger.is_shown(line.total):
            continue  # a total so small is known to nobody
        equation = (frozenset(terms.items()), total)
        if terms and equation not in seen:
            seen.add(equation)
            equations.append((terms, total))
    groups = _group(equations)
    start = {cell for line in lines for cell in (*line.cells, line.total)} if lines else None
    programs = []
    for group in groups:
        cells = sorted({cell for terms, _ in group for cell in terms})
        if start is not None and not start & set(cells):
            continue
        protected = [n for n, cell in enumerate(cells) if ledger.count(cell) < ledger.smallest_cell]
        if protected:
            least = np.array([ledger.find_least(cell) for cell in cells], dtype=float)
            terms = [terms for terms, _ in group]
            sums = [total for _, total in group]
            largest = max(ledger.count(cell) for cell in cells)
            programs.append(_Program(cells, least, terms, sums, protected, largest))
    return programs


def _group(equations: list) -> list[list]:
    """Return the equations in groups that share cells."""
    parent: dict[Place, Place] = {}

    def find(cell: Place) -> Place:
        while parent.setdefault(cell, cell) != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    for terms, _ in equations:
        first, *others = terms
        for other in others:
            parent[find(other)] = find(first)
    groups: dict[Place, list] = {}
    for terms, total in equations:
        groups.setdefault(find(next(iter(terms))), []).append((terms, total))
    return list(groups.values())


def _find_told_in(program: _Program, smallest_cell: int, budget: list[int]) -> set[Place]:
    if len(program.lines) == 1:
        return _find_told_by_sum(program, smallest_cell)
    if len(program.cells) > MOST_CELLS:
        raise AuditLimitError
    low = np.full(len(program.cells), np.inf)
    high = np.full(len(program.cells), -np.inf)
    solve = _make_solver(program, smallest_cell)

    def look(weights: np.ndarray) -> None:
        """Take in one way in which the hidden counts can be."""
        budget[0] -= 1
        if budget[0] < 0:
            raise AuditLimitError
        found = solve(weights)
        np.minimum(low, found, out=low)
        np.maximum(high, found, out=high)

    weights = np.zeros(len(program.cells))
    weights[program.protected] = 1.0
    look(weights)
    look(-weights)
    told = set()
    for number in program.protected:
        if high[number] - low[number] >= smallest_cell - NEAR:
            continue
        alone = np.zeros(len(program.cells))
        alone[number] = 1.0
        look(alone)
        look(-alone)
        if high[number] - low[number] < smallest_cell - NEAR:
            told.add(program.cells[number])
    return told


def _find_told_by_sum(program: _Program, smallest_cell: int) -> set[Place]:
    """Return what a single sum tells: each cell is as free as the sum leaves beside the others."""
    terms = program.lines[0]
    if any(weight < 0 for weight in terms.values()):
        return set()  # the total is hidden too
    free = program.sums[0] - program.least.sum()
    if free >= smallest_cell:
        return set()
    return {program.cells[number] for number in program.protected}


def _make_solver(program: _Program, smallest_cell: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return what finds hidden counts that make a weighted sum the smallest.

    Counts end well above all that are hidden: what they can be within that they can be.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    places = {cell: number for number, cell in enumerate(program.cells)}
    entries = [
        (number, places[cell], weight)
        for number, terms in enumerate(program.lines)
        for cell, weight in terms.items()
    ]
    rows, columns, values = zip(*entries, strict=True)
    shape = (len(program.lines), len(program.cells))
    matrix = csr_array((values, (rows, columns)), shape=shape)
    most = np.full(len(program.cells), program.largest + 2.0 * smallest_cell)
    bounds = np.column_stack([program.least, most])

    def solve(weights: np.ndarray) -> np.ndarray:
        found = linprog(weights, A_eq=matrix, b_eq=program.sums, bounds=bounds, method="highs")
        if found.status != 0:
            raise SegkitError(
                "the audit of what is hidden did not come to an end",
                where="segkit.core.audit",
                found=found.message,
            )
        return found.x

    return solve
