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
from pydantic import Field

from segkit.errors import SegkitError
from segkit.features.bases import RFM_COLUMNS
from segkit.segments.preparation import Document, add_up, read_known, take_number

QUINTILES = (0.2, 0.4, 0.6, 0.8)
SIXTHS = (*QUINTILES, 0.95)
# Names of the tiers, and the shares of customers below each cut: with three tiers, the top fifth,
# the next three tenths, and the lower half.
TIERS = {
    2: ("Top value, Other value", (0.8,)),
    3: ("Top value, Middle value, Low value", (0.5, 0.8)),
    4: ("Top value, High value, Middle value, Low value", (0.5, 0.8, 0.95)),
    5: ("Top value, High value, Middle value, Low value, Lowest value", (0.2, 0.5, 0.8, 0.95)),
    6: ("Top value, High value, Upper middle, Lower middle, Low value, Lowest value", SIXTHS),
}
# Cells, first match wins: least points of recency, least of frequency and money together, whether
# one order is the most, and the segment where there are 6, 5, 4, 3 and 2 of them.
RFM_CELLS = (
    (4, 8, False, ("Champions", "Champions", "Loyal", "Loyal", "Active")),
    (4, 2, True, ("New", "Promising", "Promising", "Promising", "Active")),
    (3, 6, False, ("Loyal", "Loyal", "Loyal", "Loyal", "Active")),
    (3, 2, False, ("Promising", "Promising", "Promising", "Promising", "Active")),
    (1, 6, False, ("At risk", "At risk", "At risk", "Lapsed", "Lapsed")),
    (1, 2, False, ("Lost", "Lost", "Lost", "Lapsed", "Lapsed")),
)
BEST_FIRST = ("Champions", "Loyal", "Promising", "New", "Active", "At risk", "Lost", "Lapsed")


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


class Rule(Document):
    """A customer who meets every limit belongs to the segment; a rule without limits takes all.

    A limit is on a score, on a sum of scores such as ``frequency + money``, or on a column.
    """

    segment: int
    at_least: dict[str, float] = Field(default_factory=dict)
    at_most: dict[str, float] = Field(default_factory=dict)


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

    def place(self, table: ir.Table, cuts: Mapping[str, Sequence[str]] | None = None) -> ir.Table:
        """Add ``segment``, ``distance`` (null) and ``confidence`` (share of values known).

        The points are added as well, as ``<score>_points_``. ``cuts`` names, for each score, the
        columns of ``table`` that stand in for its cut points.
        """
        raw = {column: f"x{i}_" for i, column in enumerate(self.columns)}
        table = table.mutate(**{name: take_number(table, column) for column, name in raw.items()})
        points = {}
        for score in self.scores:
            given = [table[c] for c in cuts[score.name]] if cuts else None
            points[f"{score.name}_points_"] = score.apply(table[raw[score.column]], given)
        table = table.mutate(**points)
        terms = raw | {score.name: f"{score.name}_points_" for score in self.scores}

        def total(names: str) -> ir.NumericValue:
            return add_up([table[terms[name]] for name in names.split(" + ")])

        cases = []
        for rule in self.rules[:-1]:
            limits = [total(names) >= least for names, least in rule.at_least.items()]
            limits += [total(names) <= most for names, most in rule.at_most.items()]
            met = functools.reduce(operator.and_, limits, ibis.literal(True))
            cases.append((met.fill_null(False), rule.segment))
        known = [table[name].notnull().cast("float64") for name in raw.values()]
        return table.mutate(
            segment=ibis.cases(*cases, else_=self.rules[-1].segment).cast("int64"),
            distance=ibis.null("float64"),
            confidence=add_up(known) / len(known),
        )


def fit_tiers(
    customers: pd.DataFrame, columns: tuple[str, ...], n_segments: int
) -> tuple[Rules, list[str]]:
    """Cut customers by one column, by default ``total_spend``, at the shares of ``TIERS``.

    Returns the rules and the names of their segments, the top one first.
    """
    if n_segments not in TIERS:
        raise SegkitError(f"tiers come in 2 to 6, not {n_segments}", fix="Change segments.")
    names, shares = TIERS[n_segments]
    score = _learn_score("value", customers, columns[0] if columns else "total_spend", shares)
    rules = [
        Rule(segment=number, at_least={"value": n_segments - number + 1})
        for number in range(1, n_segments + 1)
    ]
    return Rules(scores=[score], rules=rules), names.split(", ")


def fit_rfm(
    customers: pd.DataFrame, columns: tuple[str, ...], n_segments: int
) -> tuple[Rules, list[str]]:
    """Score recency, frequency and money from 1 to 5 at quintiles, and name the combinations.

    Frequency and money are added (2 to 10), recency stays apart. Never more than ``n_segments``
    segments, and never more than six: with fewer, neighbours are merged. Returns the rules and the
    names of their segments, the best first.

    References
    ----------
    Hughes (1994), *Strategic Database Marketing*: quintiles of recency, frequency and money.
    """
    columns = columns or RFM_COLUMNS
    if len(columns) != 3:
        raise SegkitError("rfm takes 3 columns: days, orders, money", found=", ".join(columns))
    kinds = zip(("recency", "frequency", "money"), columns, strict=True)
    scores = [_learn_score(kind, customers, column, QUINTILES) for kind, column in kinds]
    scores[0] = scores[0].model_copy(update={"higher_is_better": False})
    place = 6 - max(2, min(n_segments, 6))
    found = {merged[place] for *_, merged in RFM_CELLS}
    names = [name for name in BEST_FIRST if name in found]
    rules = [
        Rule(
            segment=names.index(merged[place]) + 1,
            at_least={"recency": recency, "frequency + money": others},
            at_most={columns[1]: 1} if once else {},
        )
        for recency, others, once, merged in RFM_CELLS
    ]
    return Rules(scores=scores, rules=rules), names


def _learn_score(
    name: str, customers: pd.DataFrame, column: str, shares: tuple[float, ...]
) -> Score:
    cuts = np.quantile(read_known(customers, column), shares)
    return Score(name=name, column=column, cuts=cuts.tolist())
