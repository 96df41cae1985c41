"""The register of kinds, and what most of them need."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tests.doors.case import Case, draw_good, known_columns
from tests.doors.facts import Facts, find_facts, list_items

NUMBER_STYLE: dict[str, Any] = {"typed": False}


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    ``words`` are patterns of which one must stand in the warning or refusal, beside one of the
    ``columns``; ``set_aside`` are those of a rule that rejects the rows, which is an answer where
    the rows that stay are all true. ``is_core`` marks kinds that must never be silent; of those
    with ``is_unseen`` no single file can show anything.
    """

    name: str
    draw: Callable[[random.Random], Case]
    words: tuple[str, ...]
    columns: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    is_core: bool = False
    is_unseen: bool = False


KINDS: dict[str, Kind] = {}


def kind(
    name: str,
    words: tuple[str, ...],
    columns: tuple[str, ...] = (),
    set_aside: tuple[str, ...] = (),
    *,
    core: bool = False,
    unseen: bool = False,
) -> Callable:
    """Register a function that draws a case of a kind of fault."""

    def register(draw: Callable[[random.Random], Case]) -> Callable:
        KINDS[name] = Kind(name, draw, words, columns, set_aside, core, unseen)
        return draw

    return register


def draw_lines(rng: random.Random, fixed: dict[str, Any] | None = None, **shop: Any) -> Case:
    """Draw a good case with order lines that tell customer and time themselves, as text."""
    shop.setdefault("tables", ("order_lines",))
    while True:
        case = draw_good(rng, fixed=NUMBER_STYLE | (fixed or {}), **shop)
        if {"customer_id", "ordered_at"} <= set(case.tables["order_lines"]):
            return case


def draw_people(rng: random.Random, fixed: dict[str, Any] | None = None, **shop: Any) -> Case:
    """Draw a good case of customers, as text, without purchases."""
    shop.setdefault("tables", ("customers",))
    return draw_good(rng, fixed=NUMBER_STYLE | (fixed or {}), **shop)


def pick(rng: random.Random, table: pd.DataFrame, low: float, high: float) -> list[int]:
    """Return the numbers of a drawn share of rows, in order; three at least."""
    count = max(3, round(len(table) * rng.uniform(low, high)))
    return sorted(rng.sample(range(len(table)), min(count, len(table))))


def put(table: pd.DataFrame, column: str, rows: list[int], values: list[object]) -> None:
    """Put values into some rows of a column, of whatever kind they are."""
    cells = table[column].astype(object).tolist()
    for row, value in zip(rows, values, strict=True):
        cells[row] = value
    table[column] = pd.Series(cells, index=table.index, dtype=object)


def texts_of(table: pd.DataFrame, column: str, rows: list[int]) -> Iterator[Any]:
    """Yield the values of some rows of a column."""
    return iter(table[column].iloc[rows].tolist())


def set_truth(
    case: Case, tables: dict[str, pd.DataFrame], *, without: tuple[str, ...] = ()
) -> None:
    """Let the truth be that of other tables, but for facts that can be told in several ways."""
    truth: Facts = find_facts(tables, as_of=case.as_of)
    case.truth = {key: value for key, value in truth.items() if key not in without}
    case.true_items = list_items(tables)


def map_known(rng: random.Random, case: Case, table: str, column: str, theirs: str) -> None:
    """Let the plan map a column, if the contract has it; an analyst may have left that out."""
    is_seen = rng.random() < 0.6
    if is_seen and column in known_columns(table):
        case.mapped.setdefault(table, {})[column] = theirs
