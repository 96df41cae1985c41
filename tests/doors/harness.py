"""Draw good cases and faults, read them, and count what came of them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from tests.doors.case import Case
from tests.doors.facts import find_differences
from tests.doors.good import draw_usual
from tests.doors.kinds.registry import KINDS, Kind
from tests.doors.naive import read_naively
from tests.doors.verdicts import SILENT, VERDICTS, WRONG, Outcome, judge, read_case


def list_kinds(*, unseen: bool = False, core: bool = False) -> list[Kind]:
    """Return the kinds of faults that leave a trace, or those of which no file shows anything."""
    kinds = [kind for kind in KINDS.values() if kind.is_unseen == unseen]
    return [kind for kind in kinds if kind.is_core or not core]


def draw_fault(kind: Kind, seed: int, number: int) -> Case:
    """Draw one case of a kind; the same seed and number draw the same."""
    return kind.draw(random.Random(f"{seed}-{kind.name}-{number}"))


def read_fault(case: Case, kind: Kind, folder: Path) -> Outcome:
    """Read a case until the verdict on it is known to be good, or all has been asked."""
    return read_case(case, folder, is_enough=lambda found: judge(found, case, kind) not in WRONG)


Tell = Callable[[dict[str, Any]], None]
Known = Mapping[tuple[str, int], dict[str, Any]]
NOTHING: Known = MappingProxyType({})
GOOD = "good"  # the kind of a good case, among the rows of an earlier run


def run_faults(
    count: int,
    seed: int,
    kinds: list[Kind],
    *,
    tell: Tell = lambda row: None,
    known: Known = NOTHING,
) -> pd.DataFrame:
    """Draw so many faults, of each kind in turn, and judge them.

    ``tell`` gets each row at once; ``known`` rows of an earlier run, by kind and number, are not
    drawn again.

    Returns
    -------
    pandas.DataFrame
        One row a fault: ``kind``, ``number``, ``is_core``, ``verdict``, ``naive`` (the facts that
        a reader who looks at nothing gets wrong), ``wrong`` (those that segkit gets wrong),
        ``said`` and ``style``.
    """
    return _collect(_run_faults(count, seed, kinds, known), tell)


def _collect(rows: Iterator[dict[str, Any]], tell: Tell) -> pd.DataFrame:
    kept = []
    for row in rows:
        tell(row)
        kept.append(row)
    return pd.DataFrame(kept)


def _run_faults(count: int, seed: int, kinds: list[Kind], known: Known) -> Iterator[dict[str, Any]]:
    for place in range(count):
        kind = kinds[place % len(kinds)]
        number = place // len(kinds)
        if (kind.name, number) in known:
            yield known[kind.name, number]
            continue
        case = draw_fault(kind, seed, number)
        with tempfile.TemporaryDirectory(prefix="doors-") as folder:
            outcome = read_fault(case, kind, Path(folder))
            naive = find_differences(read_naively(case, Path(folder)), case.truth)
        told = outcome.refusals or outcome.list_said("warning", "reject", "note")
        said = [outcome.error] if outcome.error else told
        yield {
            "kind": kind.name,
            "number": number,
            "is_core": kind.is_core,
            "verdict": judge(outcome, case, kind),
            "naive": ", ".join(naive),
            "wrong": ", ".join(outcome.wrong),
            "said": " // ".join(said),
            "style": case.style.describe(),
        }


def run_good(
    count: int, seed: int, *, tell: Tell = lambda row: None, known: Known = NOTHING
) -> pd.DataFrame:
    """Draw so many good cases and read them; ``tell`` and ``known`` as for faults.

    Returns
    -------
    pandas.DataFrame
        One row a case: ``number``, ``is_refused``, ``warnings`` (rules), ``wrong``, ``naive``,
        ``said`` and ``style``.
    """
    return _collect(_run_good(count, seed, known), tell)


def _run_good(count: int, seed: int, known: Known) -> Iterator[dict[str, Any]]:
    for number in range(count):
        if (GOOD, number) in known:
            yield known[GOOD, number]
            continue
        case = draw_usual(random.Random(f"{seed}-good-{number}"))
        with tempfile.TemporaryDirectory(prefix="doors-") as folder:
            outcome = read_case(case, Path(folder), is_enough=lambda found: True)
            naive = find_differences(read_naively(case, Path(folder)), case.truth)
        yield {
            "kind": GOOD,
            "number": number,
            "tables": ", ".join(case.tables),
            "is_refused": bool(outcome.refusals or outcome.error),
            "warnings": ", ".join(outcome.rules),
            "wrong": ", ".join(outcome.wrong),
            "naive": ", ".join(naive),
            "said": outcome.error + " // ".join(outcome.refusals or outcome.list_said("warning")),
            "style": case.style.describe(),
        }


def summarise(faults: pd.DataFrame) -> pd.DataFrame:
    """Return by kind how many faults were drawn, and how many of each verdict."""
    table = pd.crosstab(faults["kind"], faults["verdict"])
    table = table.reindex(columns=list(VERDICTS), fill_value=0)
    order = faults.drop_duplicates("kind")["kind"]
    table = table.loc[order]
    table.insert(0, "drawn", table.sum(axis=1))
    table.columns.name = None
    return table.reset_index()


def count_wrong(faults: pd.DataFrame) -> dict[str, int]:
    """Return how many faults passed wrongly: without a word, and without the right one."""
    is_wrong = faults["verdict"].isin(WRONG)
    return {
        "silent": int((faults["verdict"] == SILENT).sum()),
        "wrong": int(is_wrong.sum()),
        "core wrong": int((is_wrong & faults["is_core"]).sum()),
    }
