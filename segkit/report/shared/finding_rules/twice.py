"""One figure must be said in one way: by all findings of a run, and by its charts."""

from __future__ import annotations

import math
import re

from segkit.core.findings import Condition, Figure, Finding
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


def find_said_twice(said: Said) -> list[Fault]:
    """Return figures that two findings write differently, or of which two values are told."""
    by_cell: dict[object, tuple[str, str]] = {}
    by_name: dict[object, tuple[Figure, Finding]] = {}
    faults = []

    def add(step: str, finding: Finding, found: str) -> None:
        faults.append(Fault("said twice", step, finding.kind, finding.text, found))

    for step, finding in said:
        shown = read_shown_names(finding)
        for figure in finding.figures:
            if figure.name not in shown or figure.cell is None or figure.value is None:
                continue
            written = read_numbers(write_figure(figure))
            before, other = by_cell.setdefault(figure.cell, (written, finding.text))
            if before != written and figure.cell.column != LIMIT:
                add(step, finding, f"{figure.name} is {written} here and {before} in “{other}”")
            key = find_name(figure)
            if key is None:
                continue
            first, where = by_name.setdefault(key, (figure, finding))
            if is_same(first.value, figure.value):
                continue
            if first.period == figure.period:
                if has_other_words(finding, where):
                    continue
                add(step, finding, f"{figure.name} is {first.value} in “{where.text}”")
            elif not (tells_period(finding, figure) and tells_period(where, first)):
                told = f"{figure.name} is of {figure.period} here, of {first.period} in"
                add(step, finding, f"{told} “{where.text}”")
    return faults


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
    """Tell whether two findings of one kind differ in their words, which tell them apart."""
    texts = [NUMBERS.sub("", one.text) for one in (finding, other)]
    return finding.kind == other.kind and texts[0] != texts[1]


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


def find_drawn_otherwise(said: Said) -> list[Fault]:
    """Return shares that a chart of the step writes otherwise than a finding does."""
    parts: dict[str, list[str]] = {}
    for chart in said.charts:
        parts.setdefault(chart.step, []).extend(PART.split(chart.alt))
    faults = []
    for step, finding in said:
        for figure in finding.figures:
            if figure.kind != "share" or figure.name not in read_shown_names(finding):
                continue
            for part in parts.get(step, []):
                drawn = find_other_writing(figure, part)
                if drawn:
                    told = f"{figure.name} is {write_figure(figure)} here, {drawn} in “{part}”"
                    faults.append(Fault("said twice", step, finding.kind, finding.text, told))
    return faults


def find_other_writing(figure: Figure, part: str) -> str:
    """Return how a part of a chart's text writes a share, where that is not as the figure's is."""
    value = figure.value
    if figure.cell is None or not isinstance(value, (int, float)):
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


def name_label(condition: Condition) -> str:
    """Return how a chart names the rows that a condition chooses."""
    if condition.column == "segment_count":
        return f"{condition.value} segments"
    return str(condition.value)
