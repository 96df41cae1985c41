"""One figure must be said in one way: by all findings of a run, and by its charts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from segkit.core.findings import Cell, Condition, Figure, Finding
from segkit.report.shared.finding_rules.said import (
    NUMBERS,
    Fault,
    Said,
    read_numbers,
    read_shown_names,
)
from segkit.report.shared.finding_rules.sentences import name_measure
from segkit.report.shared.sentences import write_figure

SAME = 1e-9


# One figure, said in two ways.


LIMIT = "limit"  # a threshold is written as finely as it takes to see that a figure misses it


@dataclass(frozen=True)
class Told:
    """One figure that a finding tells."""

    step: str
    finding: Finding
    figure: Figure

    def blame(self, found: str) -> Fault:
        """Return the fault that the finding says a figure otherwise than another does."""
        finding = self.finding
        return Fault("said twice", self.step, finding.kind, finding.text, found)


def find_said_twice(said: Said) -> list[Fault]:
    """Return figures that two findings write differently, or of which two values are told."""
    told = [Told(step, finding, one) for step, finding in said for one in list_told(finding)]
    return [*_find_two_writings(told), *_find_two_values(told)]


def list_told(finding: Finding) -> list[Figure]:
    """Return the figures that a finding's text has, and that come from a table."""
    shown = read_shown_names(finding)
    return [
        figure
        for figure in finding.figures
        if figure.name in shown and figure.cell is not None and figure.value is not None
    ]


def _find_two_writings(told: list[Told]) -> list[Fault]:
    """Return figures of one cell that are written in two ways."""
    faults = []
    first: dict[object, Told] = {}
    for one in told:
        other = first.setdefault(one.figure.cell, one)
        here, there = (read_numbers(write_figure(each.figure)) for each in (one, other))
        if here != there and one.figure.cell.column != LIMIT:
            name = one.figure.name
            found = f"{name} is {here} here and {there} in “{other.finding.text}”"
            faults.append(one.blame(found))
    return faults


def _find_two_values(told: list[Told]) -> list[Fault]:
    """Return measures of a segment of which two values are told, and no periods to tell them by."""
    faults = []
    first: dict[object, Told] = {}
    for one in told:
        name = find_name(one.figure)
        if name is None:
            continue
        other = first.setdefault(name, one)
        if not is_same(one.figure.value, other.figure.value) and (found := _compare(one, other)):
            faults.append(one.blame(f"{found} “{other.finding.text}”"))
    return faults


def _compare(one: Told, other: Told) -> str:
    """Say why a reader cannot tell two values of one measure apart; nothing where they can."""
    name = one.figure.name
    if one.figure.period == other.figure.period:
        is_clear = has_other_words(one.finding, other.finding)
        return "" if is_clear else f"{name} is {other.figure.value} in"
    if all(tells_period(each.finding, each.figure) for each in (one, other)):
        return ""
    return f"{name} is of {one.figure.period} here, of {other.figure.period} in"


def find_name(figure: Figure) -> object:
    """Return what a figure is of, in whatever table: its measure and its segment."""
    cell = figure.cell
    if cell is None or cell.over is not None or cell.minus is not None:
        return None
    where = frozenset((c.column, c.comparison, c.value) for c in cell.where)
    if not any(column == "segment_name" for column, _, _ in where):
        return None
    return cell.column, name_measure(cell), cell.how, where


def has_other_words(finding: Finding, other: Finding) -> bool:
    """Tell whether two findings of one topic differ in their words, which tell them apart."""
    texts = [NUMBERS.sub("", one.text) for one in (finding, other)]
    topics = [one.kind.rpartition(".")[0] for one in (finding, other)]
    return topics[0] == topics[1] and texts[0] != texts[1]


def tells_period(finding: Finding, figure: Figure) -> bool:
    """Tell whether a finding's text says the period of a figure."""
    days = re.findall(r"\d{4}-\d{2}(?:-\d{2})?|\d+ days", figure.period)
    words = ("all time", "the last ", "as given", *days)
    return any(word in finding.text for word in words)


def is_same(one: object, other: object) -> bool:
    """Tell whether two values are the same but for the last bits."""
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)
    return one == other


# What a chart says, beside what a finding says.

PART = re.compile(r"(?<=[.;]) ")
NUMBER = r"(\d+(?:\.\d+)?)%"
NEAR = 0.002  # shares so near to each other are meant to be the same
# How charts write the shares that findings tell, by the column that both are read from.
DRAWN = {
    "customer_share": (rf"{NUMBER} of customers", rf": {NUMBER}, index"),
    "spend_share": (rf"{NUMBER} of (?:net )?spend",),
    "value_share": (rf"bring {NUMBER}",),
    "explained_share": (rf"explains {NUMBER} of the differences",),
    "explained_spend_share": (rf"explains {NUMBER} of (?:net )?spend",),
    "smallest_customer_share": (rf"smallest {NUMBER}",),
    "share": (rf", {NUMBER}\.", rf": {NUMBER} of its c"),
}
OF_CANDIDATES = ("explained_share", "explained_spend_share", "smallest_customer_share")


def find_drawn_otherwise(said: Said) -> list[Fault]:
    """Return shares that a chart of the step writes otherwise than a finding does."""
    parts: dict[str, list[str]] = {}
    for chart in said.charts:
        parts.setdefault(chart.step, []).extend(PART.split(chart.alt))
    faults = []
    for step, finding in said:
        for figure in list_told(finding):
            for part in parts.get(step, []) if figure.kind == "share" else []:
                if drawn := find_other_writing(figure, part):
                    found = f"{figure.name} is {write_figure(figure)} here, {drawn} in “{part}”"
                    faults.append(Told(step, finding, figure).blame(found))
    return faults


def find_other_writing(figure: Figure, part: str) -> str:
    """Return how a part of a chart's text writes a share, where that is not as the figure's is."""
    value = figure.value
    if figure.cell is None or not isinstance(value, (int, float)):
        return ""
    if figure.cell.column in OF_CANDIDATES and not of_candidate(figure.cell):
        return ""
    labels = [name_label(condition) for condition in figure.cell.where]
    if not labels or not all(label in part for label in labels):
        return ""
    drawn = [
        match.group(1)
        for pattern in DRAWN.get(figure.cell.column, ())
        for match in re.finditer(pattern, part)
    ]
    if write_figure(figure).rstrip("%") in drawn:
        return ""
    for text in drawn:
        step = 10.0 ** -(len(text.partition(".")[2]) + 2)
        if abs(float(text) / 100 - value) <= max(NEAR, 0.501 * step):
            return f"{text}%"
    return ""


def of_candidate(cell: Cell) -> bool:
    """Tell whether a cell is of one number of segments, as candidates are drawn."""
    return any(condition.column == "segment_count" for condition in cell.where)


def name_label(condition: Condition) -> str:
    """Return how a chart names the rows that a condition chooses."""
    if condition.column == "segment_count":
        return f"{condition.value} segments"
    return str(condition.value)
