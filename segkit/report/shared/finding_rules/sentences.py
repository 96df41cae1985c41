"""The rules that can be seen in one sentence alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence

from segkit.core.findings import Cell, Condition, Figure, Finding
from segkit.report.shared.finding_rules.extremes import list_extremes
from segkit.report.shared.finding_rules.said import Chart, Said, read_numbers, read_shown_names
from segkit.report.shared.sentences import name_column, write_figure

NO_NUMBER = re.compile(r"(?<![\w.])[-\N{MINUS SIGN}]?(?:inf|nan|NaN|NaT|infinity)(?!\w)")
MINUS_ZERO = re.compile(r"(?<![\w.\N{MINUS SIGN}-])[-\N{MINUS SIGN}]0(?:\.0+)?(?!\.?\d)(?!\w)")
SNAKE_CASE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
TERMS = frozenset({"lifetime value"})  # a name that is the usual word as well
TRUTHS = ("True", "False")
RAW_TRUTH = re.compile(r"\b(?:True|False)\b")
# Columns of published tables that hold names of segkit or of the plan, not values of the data.
NAME_COLUMNS = frozenset(
    {
        "feature",
        "column",
        "other",
        "descriptor",
        "rule",
        "table",
        "scheme",
        "base",
        "criterion",
        "measure",
        "practice",
        "kpi",
    }
)
FEATURE_COLUMNS = frozenset({"feature", "column", "other", "descriptor"})
QUOTED = re.compile(r"“[^”]*”")
SETTING = re.compile(r'\b[a-z_]+ = "|the plan says \([a-z_]+\)')  # a line to write, or its name
MEANS = re.compile(r"^(?:base_)?mean(?:_|$)|_mean$|_per_(?:customer|order|100_customers)$")
COUNTS = re.compile(r"(?:^|_)count(?:_|$)")
# Columns whose figures mean nothing without the time that they speak of.
TIMED = re.compile(
    r"spend|sales|order|visit|cart|ticket|message|open_|click_|unsubscribe|return|revenue|profit"
    r"|wallet|basket|lifetime|opportunity|^ours$|_rate$|^share$|value_index"
)
TIMED_KINDS = frozenset({"money", "large"})
# Sums of what customers bought; each is net of returns or gross.
NET_OR_GROSS = re.compile(r"spend|(?<!estimated_)sales|order_value|lifetime_value|basket")
NET_WORDS = re.compile(r"\b(?:net|gross)\b", re.I)


# A figure that is no number.


def check_numbers(finding: Finding, _said: Said) -> list[str]:
    """Look for infinite or missing numbers, and for zeros with a sign."""
    found = find_no_number(finding.text)
    for figure in finding.figures:
        for value in (figure.value, figure.low, figure.high):
            if isinstance(value, float) and not math.isfinite(value):
                found.append(f"{figure.name} is {value}")
    shown = read_shown_names(finding)
    for figure in finding.figures:
        if figure.name in shown and figure.value is None:
            found.append(f"{figure.name} is told and has no value")
    return found


def find_no_number(text: str) -> list[str]:
    """Return what in a text is no number though it stands for one.

    >>> find_no_number("Up to inf, -0.0 % of spend, −0.1 points since 2026-01-05.")
    ['inf', '-0.0']
    """
    return _list_matches((NO_NUMBER, MINUS_ZERO), text)


def _list_matches(patterns: Sequence[re.Pattern[str]], text: str) -> list[str]:
    """Return what the patterns find in a text, each once."""
    found = [match.group() for pattern in patterns for match in pattern.finditer(text)]
    return list(dict.fromkeys(found))


# Both ends the same.


def check_ends(finding: Finding, _said: Said) -> list[str]:
    """Look for a highest and a lowest that are written alike, or that are of the same group."""
    ends = [figure for figure, _ in list_extremes(finding)]
    found = []
    for number, first in enumerate(ends):
        for second in ends[number + 1 :]:
            if first.cell is None or second.cell is None:
                continue
            if (first.cell.table, first.cell.column) != (second.cell.table, second.cell.column):
                continue
            if read_numbers(write_figure(first)) == read_numbers(write_figure(second)):
                found.append(f"{first.name} and {second.name} are both {write_figure(first)}")
            if first.cell.where == second.cell.where:
                found.append(f"{first.name} and {second.name} are of the same group")
    return found


# No period.


def check_period(finding: Finding, said: Said) -> list[str]:
    """Look for figures over time without their period, and for money that is net or gross."""
    found = []
    for figure in finding.figures:
        if needs_period(figure) and not figure.period:
            found.append(f"{figure.name} has no period")
    if said.net_and_gross and tells_sales(finding) and not NET_WORDS.search(finding.text):
        found.append("neither net nor gross is said")
    return found


def needs_period(figure: Figure) -> bool:
    """Tell whether a figure means nothing without the time that it speaks of."""
    if figure.kind in TIMED_KINDS:
        return True
    return figure.cell is not None and bool(TIMED.search(figure.cell.column))


def tells_sales(finding: Finding) -> bool:
    """Tell whether a finding tells an amount of what customers bought."""
    shown = read_shown_names(finding)
    return any(
        figure.kind in TIMED_KINDS
        and figure.cell is not None
        and bool(NET_OR_GROSS.search(name_measure(figure.cell)))
        for figure in finding.figures
        if figure.name in shown
    )


def name_measure(cell: Cell) -> str:
    """Return the measure that a cell holds: its feature where the table has one a row."""
    for condition in cell.where:
        if condition.column == "feature" and cell.column in ("mean", "base_mean", "median"):
            return str(condition.value)
    return cell.column


# Raw names.


def check_names(finding: Finding, said: Said) -> list[str]:
    """Look for names of columns, rules and tables in what people read.

    What stands in quotation marks, and values of the data, are names that are told as such.
    """
    values = list_values(finding)
    found = find_raw_names(finding.text, values)
    names = {*said.labels, *list_features(finding)}
    return found + find_names_in_words(_take_out(values, finding.text), names, said)


def check_chart_names(chart: Chart, said: Said) -> list[str]:
    """Look for names of columns and tables in what a chart or a table says of itself.

    Which values of the data it shows is not known, so only names that are known count.
    """
    names = {name for _, finding in said for name in list_features(finding)}
    names |= {*said.labels, *said.tables}
    raw = [name for name in find_raw_names(chart.text) if name in names or name in TRUTHS]
    return raw + find_names_in_words(chart.text, said.labels, said)


def find_names_in_words(text: str, names: Iterable[str], said: Said) -> list[str]:
    """Return which columns' names stand in a text with blanks, where they are called otherwise.

    >>> said = Said({}, labels={"order_count": "orders"})
    >>> find_names_in_words("A low order count, by “order count”.", ["order_count"], said)
    ["“order count” is a column's name"]
    """
    found = []
    text = QUOTED.sub("…", text)
    for name in sorted(names):
        words = name_column(name)
        if " " not in words or words in TERMS or not find_words(words, text):
            continue
        if find_words(words, str(said.labels.get(name, ""))):
            continue  # part of its label, of which a segment's name leaves out what is said before
        known = [told for told in (*said.labels.values(), *said.words) if find_words(words, told)]
        if find_words(words, _take_out(known, text)):
            found.append(f"“{words}” is a column's name")
    return found


def find_raw_names(text: str, values: Collection[str] = ()) -> list[str]:
    """Return what looks like a column's name or a raw truth value, but not values of the data.

    What stands in quotation marks is a name that is told as one.

    >>> find_raw_names("has_pets True in brand_summer", ["brand_summer"])
    ['has_pets', 'True']
    """
    text = SETTING.sub("…", QUOTED.sub("…", _take_out(values, text)))
    return _list_matches((SNAKE_CASE, RAW_TRUTH), text)


def find_words(words: str, text: str) -> bool:
    """Tell whether words stand in a text."""
    return bool(re.search(rf"\b{re.escape(words)}\b", text, re.I))


def _take_out(parts: Collection[str], text: str) -> str:
    """Return a text without some parts, the longest first."""
    for part in sorted(filter(None, parts), key=len, reverse=True):
        text = re.sub(re.escape(part), "…", text, flags=re.I)
    return text


def list_values(finding: Finding) -> list[str]:
    """Return the values of the data by which a finding's figures are found."""
    conditions = list_conditions(finding)
    found = {c.value for c in conditions if c.column not in NAME_COLUMNS}
    return sorted(value for value in found if isinstance(value, str) and len(value) > 2)


def list_features(finding: Finding) -> set[str]:
    """Return the names of the columns that a finding's figures are of."""
    conditions = list_conditions(finding)
    return {str(c.value) for c in conditions if c.column in FEATURE_COLUMNS and c.value}


def list_conditions(finding: Finding) -> list[Condition]:
    """Return by what the rows of a finding's figures are chosen."""
    cells = [figure.cell for figure in finding.figures if figure.cell is not None]
    return [condition for cell in cells for condition in cell.where]


# A mean without its count.


def check_means(finding: Finding, _said: Said) -> list[str]:
    """Look for means of which it is not said how many they are of."""
    if finding.count is not None or any(is_count(figure) for figure in finding.figures):
        return []
    return [f"{figure.name} has no count" for figure in finding.figures if is_mean(figure)]


def is_mean(figure: Figure) -> bool:
    """Tell whether a figure is a mean."""
    cell = figure.cell
    return cell is not None and (cell.how == "mean" or bool(MEANS.search(cell.column)))


def is_count(figure: Figure) -> bool:
    """Tell whether a figure says how many something rests on."""
    is_counted = figure.kind == "count" or bool(COUNTS.search(figure.name))
    return is_counted and figure.value is not None


RULES: dict[str, Callable[[Finding, Said], list[str]]] = {
    "not a number": check_numbers,
    "equal ends": check_ends,
    "no period": check_period,
    "raw name": check_names,
    "mean without count": check_means,
}
CHART_RULES: dict[str, Callable[[Chart, Said], list[str]]] = {
    "not a number": lambda chart, said: find_no_number(chart.text),
    "raw name": check_chart_names,
}
