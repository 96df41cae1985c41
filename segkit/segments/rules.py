"""Segments by ordered rules, first match wins: RFM and value tiers.

Cut points are learned once and kept as fixed numbers. A score counts the cut points that a value
beats, strictly, so equal values always fall on the same side, whatever their order; a missing
value gets the lowest score.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Literal

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.errors import SegkitError
from segkit.features.bases import RFM_COLUMNS
from segkit.segments.preparation import Document, add_up, read_numbers, take_number

QUINTILES = (0.2, 0.4, 0.6, 0.8)
# Shares of customers below each cut, by number of tiers: with three, the top fifth, the next
# three tenths, and the lower half.
TIER_SHARES = {
    2: (0.8,),
    3: (0.5, 0.8),
    4: (0.5, 0.8, 0.95),
    5: (0.2, 0.5, 0.8, 0.95),
    6: (0.2, 0.4, 0.6, 0.8, 0.95),
}
TIER_NAMES = {
    2: ("Top value", "Other value"),
    3: ("Top value", "Middle value", "Low value"),
    4: ("Top value", "High value", "Middle value", "Low value"),
    5: ("Top value", "High value", "Middle value", "Low value", "Lowest value"),
    6: ("Top value", "High value", "Upper middle", "Lower middle", "Low value", "Lowest value"),
}


class Score(Document):
    """Points from 1 up: one more for each cut point that the value beats."""

    name: str
    column: str
    cuts: tuple[float, ...]
    higher_is_better: bool = True

    def apply(self, value: ir.FloatingValue, cuts: Sequence | None = None) -> ir.IntegerValue:
        """Return the points of ``value``; 1 where it is missing.

        ``cuts`` stands in for the score's own: columns with a cut point for each row.
        """
        better = operator.gt if self.higher_is_better else operator.lt
        cuts = self.cuts if cuts is None else cuts
        beaten = [better(value, cut).fill_null(False).cast("int64") for cut in cuts]
        return add_up([ibis.literal(1, "int64"), *beaten])


class Condition(Document):
    """The sum of some scores, or one column's value, compared with a number."""

    of: tuple[str, ...]
    compare: Literal[">=", "<="]
    value: float


class Rule(Document):
    """A customer who meets every condition belongs to the segment; no condition takes all."""

    segment: int
    conditions: tuple[Condition, ...] = ()


class Rules(Document):
    """Scores and ordered rules; the last rule takes everyone else."""

    kind: Literal["rules"] = "rules"
    scores: tuple[Score, ...]
    rules: tuple[Rule, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(dict.fromkeys(score.column for score in self.scores))

    @property
    def segment_count(self) -> int:
        """How many segments the rules name."""
        return len({rule.segment for rule in self.rules})

    def add_segment(
        self, table: ir.Table, cuts: Mapping[str, Sequence[str]] | None = None
    ) -> ir.Table:
        """Add ``segment``, the first rule's whose conditions a row meets.

        Parameters
        ----------
        table : ibis.Table
            With the columns of `columns`.
        cuts : mapping of str to sequence of str, optional
            For each score the columns of ``table`` that stand in for its cut points.
        """
        used = [name for rule in self.rules for c in rule.conditions for name in c.of]
        own = {score.name for score in self.scores}
        raw = dict.fromkeys([*self.columns, *(name for name in used if name not in own)])
        table = table.mutate(**{f"x_{c}_": take_number(table, c) for c in raw})
        points = {}
        for score in self.scores:
            given = [table[c] for c in cuts[score.name]] if cuts else None
            points[f"p_{score.name}_"] = score.apply(table[f"x_{score.column}_"], given)
        table = table.mutate(**points)

        def holds(condition: Condition) -> ir.BooleanValue:
            total = add_up([table[f"p_{n}_" if n in own else f"x_{n}_"] for n in condition.of])
            compare = operator.ge if condition.compare == ">=" else operator.le
            return compare(total, condition.value).fill_null(False)

        cases = [
            (functools.reduce(operator.and_, map(holds, rule.conditions)), rule.segment)
            for rule in self.rules[:-1]
        ]
        found = ibis.cases(*cases, else_=self.rules[-1].segment).cast("int64")
        return table.mutate(segment=found)

    def place(self, table: ir.Table) -> ir.Table:
        """Add ``segment``, ``distance`` (null) and ``confidence`` (share of values known)."""
        table = self.add_segment(table)
        known = [table[f"x_{c}_"].notnull().cast("float64") for c in self.columns]
        return table.mutate(distance=ibis.null("float64"), confidence=add_up(known) / len(known))


def fit_tiers(
    customers: pd.DataFrame, columns: tuple[str, ...], n_segments: int
) -> tuple[Rules, list[str]]:
    """Cut customers by one column, by default ``total_spend``, at fixed shares of customers.

    Two tiers: the top fifth and the others. Three: the top fifth, the next three tenths, the
    lower half. Four and more split these further; see ``TIER_SHARES``.

    Returns
    -------
    Rules and the names of its segments, the top one first.
    """
    column = columns[0] if columns else "total_spend"
    if n_segments not in TIER_SHARES:
        raise SegkitError(f"tiers come in 2 to 6, not {n_segments}", fix="Change segments.")
    cuts = _find_cuts(customers, column, TIER_SHARES[n_segments])
    score = Score(name="value", column=column, cuts=cuts)
    rules = [
        Rule(
            segment=n_segments - points + 1,
            conditions=(Condition(of=("value",), compare=">=", value=points),),
        )
        for points in range(n_segments, 1, -1)
    ]
    rules.append(Rule(segment=n_segments))
    return Rules(scores=(score,), rules=tuple(rules)), list(TIER_NAMES[n_segments])


def fit_rfm(
    customers: pd.DataFrame, columns: tuple[str, ...], n_segments: int
) -> tuple[Rules, list[str]]:
    """Score recency, frequency and money from 1 to 5 at quintiles, and name the combinations.

    Frequency and money are added (2 to 10), recency stays apart. Never more than ``n_segments``
    segments, and never more than six: with fewer, neighbours are merged.

    Returns
    -------
    Rules and the names of its segments, the best first.

    References
    ----------
    Hughes (1994), *Strategic Database Marketing*: quintiles of recency, frequency and money.
    """
    recency, frequency, money = columns or RFM_COLUMNS
    scores = (
        Score(
            name="recency",
            column=recency,
            cuts=_find_cuts(customers, recency, QUINTILES),
            higher_is_better=False,
        ),
        Score(name="frequency", column=frequency, cuts=_find_cuts(customers, frequency, QUINTILES)),
        Score(name="money", column=money, cuts=_find_cuts(customers, money, QUINTILES)),
    )

    def at_least(recency_points: int, other_points: int = 0) -> tuple[Condition, ...]:
        found = [Condition(of=("recency",), compare=">=", value=recency_points)]
        if other_points:
            both = ("frequency", "money")
            found.append(Condition(of=both, compare=">=", value=other_points))
        return tuple(found)

    once = Condition(of=(frequency,), compare="<=", value=1)
    cells = [
        ("Champions", at_least(4, 8)),
        ("New", (*at_least(4), once)),
        ("Loyal", at_least(3, 6)),
        ("Promising", at_least(3)),
        ("At risk", at_least(1, 6)),
        ("Lost", ()),
    ]
    size = max(2, min(n_segments, 6))
    names = RFM_NAMES[size]
    rules = tuple(
        Rule(segment=names.index(RFM_MERGED[size].get(cell, cell)) + 1, conditions=conditions)
        for cell, conditions in cells
    )
    return Rules(scores=scores, rules=rules), list(names)


RFM_NAMES = {
    6: ("Champions", "Loyal", "Promising", "New", "At risk", "Lost"),
    5: ("Champions", "Loyal", "Promising", "At risk", "Lost"),
    4: ("Loyal", "Promising", "At risk", "Lost"),
    3: ("Loyal", "Promising", "Lapsed"),
    2: ("Active", "Lapsed"),
}
RFM_MERGED = {
    6: {},
    5: {"New": "Promising"},
    4: {"New": "Promising", "Champions": "Loyal"},
    3: {"New": "Promising", "Champions": "Loyal", "At risk": "Lapsed", "Lost": "Lapsed"},
    2: {
        "New": "Active",
        "Champions": "Active",
        "Loyal": "Active",
        "Promising": "Active",
        "At risk": "Lapsed",
        "Lost": "Lapsed",
    },
}


def _find_cuts(
    customers: pd.DataFrame, column: str, shares: tuple[float, ...]
) -> tuple[float, ...]:
    values = read_numbers(customers, column)
    values = values[np.isfinite(values)]
    if not len(values):
        raise SegkitError(f"column '{column}' has no values", fix="Leave it out of the scheme.")
    return tuple(float(cut) for cut in np.quantile(values, shares))
