"""What segkit makes of a case: read rightly, refused, warned, or wrong without the word for it."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from segkit.core.errors import PlanError, SegkitError
from segkit.data.checks import check_plan, prepare_tables
from segkit.plan.models import Plan
from segkit.plan.reading import read_plan
from tests.doors.case import Case
from tests.doors.facts import Facts, find_differences, find_facts, list_items
from tests.doors.kinds.registry import Kind

RIGHT = "read rightly"
REFUSED = "refused"
WARNED = "warned"
SET_ASIDE = "set aside"
NOTED = "only noted"
MISNAMED = "other words"
SILENT = "silent"
BROKEN = "broke off"
VERDICTS = (RIGHT, REFUSED, WARNED, SET_ASIDE, NOTED, MISNAMED, SILENT, BROKEN)
# What is wrong without the user being told what is wrong.
WRONG = (NOTED, MISNAMED, SILENT, BROKEN)


@dataclass
class Outcome:
    """What became of a case.

    ``refusals`` and what was ``said`` by severity are sentences with the rule's name; ``facts``
    and ``items`` are what the accepted rows say, and ``wrong`` names the facts that are not true.
    """

    refusals: list[str] = field(default_factory=list)
    said: dict[str, list[str]] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    facts: Facts = field(default_factory=dict)
    items: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    error: str = ""

    def list_said(self, *severities: str) -> list[str]:
        """Return what was said with one of the severities."""
        return [text for severity in severities for text in self.said.get(severity, [])]


def read_case(
    case: Case, folder: Path, *, is_enough: Callable[[Outcome], bool] = lambda outcome: False
) -> Outcome:
    """Write a case to a folder, prepare its tables, and check its plan unless that was enough."""
    path = case.write(folder)
    outcome = Outcome()
    try:
        plan = read_plan(path)
        _prepare(plan, case, outcome)
        if is_enough(outcome):
            return outcome
        report = check_plan(plan)
        outcome.refusals = [problem.describe() for problem in report.problems]
        _take_quality(outcome, report.quality)
    except SegkitError as error:
        faults = error.faults if isinstance(error, PlanError) else [error]
        outcome.refusals = [fault.describe() for fault in faults]
        if not is_enough(outcome):
            outcome.refusals += _find_warnings(path)
    except Exception as error:  # nothing but words for people may come through
        outcome.error = f"{type(error).__name__}: {error}"[:300]
    return outcome


def _prepare(plan: Plan, case: Case, outcome: Outcome) -> None:
    with tempfile.TemporaryDirectory() as kept:
        prepared = prepare_tables(plan, Path(kept))
        tables = {name: pd.read_parquet(path) for name, path in prepared.paths.items()}
    _take_quality(outcome, prepared.quality)
    outcome.facts = find_facts(tables, as_of=plan.as_of)
    outcome.items = list_items(tables)
    outcome.wrong = find_differences(outcome.facts, case.truth)


def _find_warnings(path: Path) -> list[str]:
    """Return what else is said where the tables are refused; it may tell why."""
    try:
        quality = check_plan(read_plan(path)).quality
    except SegkitError:
        return []
    outcome = Outcome()
    _take_quality(outcome, quality)
    return outcome.list_said("warning")


def _take_quality(outcome: Outcome, quality: pd.DataFrame) -> None:
    """Keep what the quality table says, by severity."""
    for entry in quality[quality["row_count"] > 0].to_dict("records"):
        text = " | ".join(str(value) for value in entry.values())
        texts = outcome.said.setdefault(entry["severity"], [])
        if text not in texts:
            texts.append(text)
            if entry["severity"] == "warning":
                outcome.rules.append(entry["rule"])


def judge(outcome: Outcome, case: Case, kind: Kind) -> str:
    """Return the verdict on a fault, see `Kind` for what has to be said."""
    if outcome.error:
        return BROKEN
    columns = _spell(kind.columns, case)
    if outcome.refusals:
        return REFUSED if _tells(outcome.refusals, kind.words, columns) else MISNAMED
    if not outcome.wrong:
        return RIGHT
    if _tells(outcome.list_said("warning"), kind.words, columns):
        return WARNED
    is_true = not outcome.items - case.true_items
    if is_true and _tells(outcome.list_said("reject"), kind.set_aside, columns):
        return SET_ASIDE
    if _tells(outcome.list_said("note", "reject"), kind.words, columns):
        return NOTED
    return MISNAMED if outcome.list_said("warning", "reject") else SILENT


def _spell(columns: Iterable[str], case: Case) -> set[str]:
    """Return columns as the user has them, as the contract has them, and as sentences do."""
    forms = set()
    for column in columns:
        spaced = column.replace("_", " ").replace(" at", " time").replace(" on", " date")
        forms |= {column, column.replace("_", " "), spaced, case.spell(column)}
    return {form.lower() for form in forms}


def _tells(texts: Iterable[str], words: Collection[str], columns: Collection[str]) -> bool:
    """Say whether one of the texts has one of the words and, if there are any, of the columns."""
    for text in texts:
        plain = text.lower()
        has_word = any(re.search(word, plain) for word in words)
        if has_word and (not columns or any(column in plain for column in columns)):
            return True
    return False
