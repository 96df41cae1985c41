"""Linear programs that find how far hidden cells are open, given all that is known of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from segkit.core.bounds import Bound
from segkit.core.cell_ledger import CellLedger, Line
from segkit.core.spaces import MOST_APART, Place

MOST_CELLS = 3000  # hidden cells that hang together
MOST_PROGRAMS = 400  # linear programs for one table
NEAR = 1e-6
FINEST = 1e-8  # of the largest, what a unit and an error of floats are at least
FAR = 10  # times the largest that is hidden, for what has no least


Terms = tuple[tuple[Place, float], ...]  # cells, each with its weight


@dataclass(frozen=True)
class Equation:
    """How far hidden cells are from their true values, weighted, adds up to between two numbers."""

    terms: tuple[tuple[Place, float], ...]
    low: float
    high: float


@dataclass
class Program:
    """Hidden cells that hang together, how far each can be from what it is, and how they add up.

    All is told from the true values, which solve it, in units of about what must stay open: large
    amounts in narrow bands are no trouble then.

    Attributes
    ----------
    cells : list of Place
    least, most : array of float
        How far each cell can be below and above its true value.
    equations : list of Equation
        What weighted sums of these differences can be.
    protected : list of int
        The cells that must stay open.
    needed : array of float
        By how much.
    """

    cells: list[Place]
    least: np.ndarray
    most: np.ndarray
    equations: list[Equation]
    protected: list[int]
    needed: np.ndarray

    def list_false(self) -> list[Equation]:
        """Return what is not so of the true values: then something is wrongly taken to be known."""
        cells = zip(self.cells, self.least, self.most, strict=True)
        ranges = [Equation(((cell, 1.0),), low, high) for cell, low, high in cells]
        return [one for one in (*ranges, *self.equations) if not one.low <= 0 <= one.high]


class AuditLimitError(Exception):
    """The audit would take too many cells or programs, or one of these is not solved.

    Nor is one that the true values do not solve: something is wrongly taken to be known.
    """


def find_told(
    ledger: CellLedger,
    ties: Sequence[Line | Bound] | None = None,
    *,
    budget: list[int] | None = None,
) -> set[Place]:
    """Return the hidden cells of too few that are told to within less than is needed.

    Parameters
    ----------
    ledger : CellLedger
    ties : sequence of Line or Bound, optional
        Only what hangs together with these; all if not given.
    budget : list of int, optional
        How many linear programs may still be solved, in its first place.
    """
    budget = budget if budget is not None else [MOST_PROGRAMS]
    told: set[Place] = set()
    for program in list_programs(ledger, ties):
        if program.list_false():
            raise AuditLimitError
        told |= _find_told_in(program, budget)
    return told


def list_programs(ledger: CellLedger, ties: Sequence[Line | Bound] | None = None) -> list[Program]:
    """Return the groups of hidden cells that hang together, where some are to protect.

    Only what hangs together with ``ties``, if these are given.
    """
    known = list(_list_open(ledger))
    if ties is not None:
        known = _keep_tied(known, {cell for tie in ties for cell in tie.places})
    equations = dict.fromkeys(_write_equation(ledger, *one) for one in known)
    programs = []
    for group in _group(equations):
        cells = sorted({cell for equation in group for cell, _ in equation.terms})
        protected = [number for number, cell in enumerate(cells) if ledger.is_protected(cell)]
        if not protected:
            continue
        programs.append(_make_program(ledger, cells, group, protected))
    return programs


def _make_program(
    ledger: CellLedger, cells: list[Place], equations: list[Equation], protected: list[int]
) -> Program:
    """Return the program of some cells, in units of the least that must be open."""
    true = np.array([ledger.count(cell) for cell in cells], dtype=float)
    least = np.array([ledger.find_least(cell) for cell in cells], dtype=float)
    needed = np.array([ledger.find_needed(cell) for cell in cells], dtype=float)
    # Well above all that is hidden: what a cell can be within that it can be.
    most = np.abs(true).max() + 2.0 * needed.max()
    least = np.where(np.isinf(least), -FAR * most, least)
    unit = max(needed[protected].min(), most * FINEST)
    scaled = [Equation(one.terms, one.low / unit, one.high / unit) for one in equations]
    return Program(
        cells, (least - true) / unit, (most - true) / unit, scaled, protected, needed / unit
    )


def _list_open(ledger: CellLedger) -> Iterable[tuple[Terms, Line | Bound]]:
    """Yield what is known of hidden cells, each with those that are open."""
    is_open = ledger.is_open
    for line in ledger.lines:
        terms = [(cell, 1.0) for cell in line.cells if is_open(cell)]
        is_total_open = is_open(line.total)
        if not is_total_open and ledger.is_beyond_knowing(line):
            continue
        if is_total_open:
            terms.append((line.total, -1.0))
        if terms:
            yield tuple(terms), line
    for bound in (*ledger.bounds, *ledger.list_limits()):
        terms = [term for term in bound.terms if is_open(term[0])]
        if terms:
            yield tuple(terms), bound


def _keep_tied(
    known: Sequence[tuple[Terms, Line | Bound]], start: Iterable[Place]
) -> list[tuple[Terms, Line | Bound]]:
    """Return what hangs together with some cells, in its order."""
    by_cell: dict[Place, list[int]] = {}
    for number, (terms, _) in enumerate(known):
        for cell, _ in terms:
            by_cell.setdefault(cell, []).append(number)
    kept: set[int] = set()
    left = [cell for cell in start if cell in by_cell]
    while left:
        for number in by_cell.pop(left.pop(), ()):
            if number not in kept:
                kept.add(number)
                left += [cell for cell, _ in known[number][0] if cell in by_cell]
    return [known[number] for number in sorted(kept)]


def _write_equation(ledger: CellLedger, terms: Terms, tie: Line | Bound) -> Equation:
    """Return what is known of how open cells differ from what they are."""
    if isinstance(tie, Line):
        signed = [(cell, 1.0) for cell in tie.cells] + [(tie.total, -1.0)]
        sums = [weight * ledger.count(cell) for cell, weight in signed]
        error = -math.fsum(sums)
        apart = 0.0
        if tie.step:
            # Each figure that is shown is rounded; each was added up in an order of its own.
            apart = (len(signed) - len(terms)) * tie.step / 2 + MOST_APART
            dust = len(signed) * max(MOST_APART, FINEST * max(map(abs, sums)))
            error = 0.0 if abs(error) <= dust else error
        return Equation(terms, error - apart, error + apart)
    sums = [weight * ledger.count(cell) for cell, weight in tie.terms]
    value = math.fsum(sums)
    error = NEAR * FINEST * max(map(abs, sums))
    return Equation(terms, tie.low - value - error, tie.high - value + error)


def _group(equations: Iterable[Equation]) -> list[list[Equation]]:
    """Return the equations in groups that share cells."""
    parent: dict[Place, Place] = {}

    def find(cell: Place) -> Place:
        while parent.setdefault(cell, cell) != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    for equation in equations:
        first, *others = equation.terms
        for other, _ in others:
            parent[find(other)] = find(first[0])
    groups: dict[Place, list[Equation]] = {}
    for equation in equations:
        groups.setdefault(find(equation.terms[0][0]), []).append(equation)
    return list(groups.values())


def _find_told_in(program: Program, budget: list[int]) -> set[Place]:
    """Return the protected cells of a program that are not open enough."""
    if len(program.equations) == 1:
        return _find_told_by_one(program)
    if len(program.cells) > MOST_CELLS:
        raise AuditLimitError
    search = _Search(program, budget)
    # Cells together first, as long as that opens some, then those that are left one by one.
    left = program.protected
    count = len(left) + 1
    while 1 < len(left) < count:
        count = len(left)
        search.look_both_ways(left)
        left = [number for number in left if search.is_told(number)]
    told = set()
    for number in left:
        search.look_both_ways([number])
        if search.is_told(number):
            told.add(program.cells[number])
    return told


class _Search:
    """How far the cells of a program were found to be open so far."""

    def __init__(self, program: Program, budget: list[int]):
        self.needed = program.needed - NEAR
        self.low = np.zeros(len(program.cells))  # the true values are one way in which they can be
        self.high = np.zeros(len(program.cells))
        self.budget = budget
        self.solve = _make_solver(program)

    def is_told(self, number: int) -> bool:
        """Return whether a cell is not open enough, for all that was found."""
        return bool(self.high[number] - self.low[number] < self.needed[number])

    def look_both_ways(self, numbers: list[int]) -> None:
        """Find how large some cells can be together, and how small if that does not open all."""
        weights = np.zeros(len(self.low))
        weights[numbers] = 1.0
        self._look(-weights)
        if any(map(self.is_told, numbers)):
            self._look(weights)

    def _look(self, weights: np.ndarray) -> None:
        """Take in one way in which the hidden cells can be."""
        self.budget[0] -= 1
        if self.budget[0] < 0:
            raise AuditLimitError
        found = self.solve(weights)
        np.minimum(self.low, found, out=self.low)
        np.maximum(self.high, found, out=self.high)


def _find_told_by_one(program: Program) -> set[Place]:
    """Return what a single sum tells: each cell is as free as the sum leaves beside the others."""
    equation = program.equations[0]
    weights = dict(equation.terms)
    factors = np.array([weights[cell] for cell in program.cells])
    least = np.where(factors > 0, factors * program.least, factors * program.most)
    most = np.where(factors > 0, factors * program.most, factors * program.least)
    told = set()
    for number in program.protected:
        low = max(least[number], equation.low - (most.sum() - most[number]))
        high = min(most[number], equation.high - (least.sum() - least[number]))
        if (high - low) / abs(factors[number]) < program.needed[number] - NEAR:
            told.add(program.cells[number])
    return told


def _make_solver(program: Program) -> Callable[[np.ndarray], np.ndarray]:
    """Return what finds hidden cells that make a weighted sum the smallest."""
    from scipy.optimize import linprog

    exact = [one for one in program.equations if one.low == one.high]
    others = [one for one in program.equations if one.low != one.high]
    at_most = [(one.terms, one.high) for one in others if one.high < math.inf]
    at_most += [
        (tuple((cell, -weight) for cell, weight in one.terms), -one.low)
        for one in others
        if one.low > -math.inf
    ]
    places = {cell: number for number, cell in enumerate(program.cells)}
    known = {}
    if exact:
        known |= {"A_eq": _build_matrix([one.terms for one in exact], places)}
        known |= {"b_eq": [one.low for one in exact]}
    if at_most:
        known |= {"A_ub": _build_matrix([terms for terms, _ in at_most], places)}
        known |= {"b_ub": [most for _, most in at_most]}
    bounds = np.column_stack([program.least, program.most])

    def solve(weights: np.ndarray) -> np.ndarray:
        found = linprog(weights, bounds=bounds, method="highs", **known)
        if found.status != 0:
            raise AuditLimitError  # what cannot be audited is left out
        return found.x

    return solve


def _build_matrix(rows: Sequence[tuple[tuple[Place, float], ...]], places: dict[Place, int]):
    """Return the weights of each row's cells as a sparse matrix."""
    from scipy.sparse import csr_array

    entries = [
        (number, places[cell], weight)
        for number, terms in enumerate(rows)
        for cell, weight in terms
    ]
    numbers, columns, weights = zip(*entries, strict=True)
    return csr_array((weights, (numbers, columns)), shape=(len(rows), len(places)))
