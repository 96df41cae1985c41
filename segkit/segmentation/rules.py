"""Segments by ordered rules, first match wins: the plan's own, ready-made sets, RFM, value tiers.

A rule is a condition, see `segkit.models.rule_language`; who meets none belongs to the last rule. A
condition that is neither true nor false, because a value is missing, is not met. Cut points of
scores are learned once and kept as fixed numbers: a score counts the cut points that a value beats,
strictly, so equal values always fall on the same side; a missing value gets the lowest score.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import model_validator

from segkit.core.errors import SegkitError
from segkit.features.customer_table import RFM_COLUMNS
from segkit.models.columns import Document, read_known, read_numbers, take_number
from segkit.models.expressions import AnyTable, AnyValue, add_up, match_cases, repeat_constant
from segkit.models.kinds import find_kind
from segkit.models.own_columns import choose_prefix
from segkit.models.rule_language import Predicate, read_predicate
from segkit.plan.models import Scheme
from segkit.segmentation.placing import select_placed
from segkit.segmentation.rulesets import (
    BEST_FIRST,
    GROUPS,
    SCORES,
    TIERS,
    SegmentRule,
    build_rfm,
    find_rule_faults,
    list_rules,
)

Kind = Literal["number", "text", "boolean", "date"]


class Score(Document):
    """Points from 1 up: one more for each cut point that the value beats."""

    name: str
    column: str
    cuts: tuple[float, ...]
    higher_is_better: bool = True

    def apply(self, value: AnyValue, cuts: Sequence | None = None) -> AnyValue:
        """Return the points of ``value``; 1 where it is missing.

        ``cuts`` stands in for the score's own: columns with a cut point for each row.
        """
        better = operator.gt if self.higher_is_better else operator.lt
        cuts = self.cuts if cuts is None else cuts
        beaten = [better(value, cut).fill_null(False) for cut in cuts]
        one = repeat_constant(1, "int32", like=value)
        return add_up([one, *(truth.cast("int32") for truth in beaten)]).cast("int64")


class Rule(Document):
    """A customer who meets the condition belongs to the segment."""

    segment: int
    when: str


class Rules(Document):
    """Ordered rules; the last takes everyone else. ``kinds`` are those of the columns it reads.

    A condition names a score as ``<score>_score``.
    """

    kind: Literal["rules"] = "rules"
    kinds: dict[str, Kind]
    scores: tuple[Score, ...] = ()
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _check_rules(self) -> Rules:
        try:
            read = {column for predicate in self.predicates for column in predicate.columns}
        except SegkitError as error:
            raise ValueError(error.describe()) from None
        read |= {score.column for score in self.scores}
        if len(self.rules) < 2 or self.rules[-1].when != "true":
            raise ValueError("there is no rule, or the last does not take everyone else")
        if read - {f"{score.name}_score" for score in self.scores} != set(self.kinds):
            raise ValueError("the rules and the kinds of columns do not fit together")
        if {rule.segment for rule in self.rules} != set(range(1, self.segment_count + 1)):
            raise ValueError("segments are not numbered from 1")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(self.kinds)

    @property
    def segment_count(self) -> int:
        """How many segments the rules name."""
        return len({rule.segment for rule in self.rules})

    @property
    def predicates(self) -> list[Predicate]:
        """The conditions of all rules but the last."""
        kinds = {**self.kinds, **{f"{score.name}_score": "number" for score in self.scores}}
        return [read_predicate(rule.when, kinds) for rule in self.rules[:-1]]

    def place(
        self,
        table: AnyTable,
        *,
        keep: Iterable[str] | None = None,
        cuts: Mapping[str, Sequence[str]] | None = None,
    ) -> AnyTable:
        """Add ``segment``, ``distance`` (null) and ``confidence`` to the columns to ``keep``.

        All columns are kept if none are named. ``confidence`` is the share of columns whose value
        is known. ``cuts`` is as in `decide`.
        """
        keep = table.columns if keep is None else keep
        decided = self.decide(table, cuts=cuts)
        first = decided.table[decided.first]
        segment = match_cases(*[(first == i, rule.segment) for i, rule in enumerate(self.rules)])
        return select_placed(
            decided.table,
            keep,
            segment=segment.cast("int64"),
            distance=repeat_constant(None, "float64", like=first),
            confidence=decided.table[decided.known_share],
        )

    def decide(
        self, table: AnyTable, *, cuts: Mapping[str, Sequence[str]] | None = None
    ) -> Decided:
        """Add what each condition says and which rule takes each row, under names of its own.

        ``cuts`` names, for each score, the columns of ``table`` that stand in for its cut points.
        """
        own = choose_prefix(table.columns)
        names = {column: f"{own}value{i}" for i, column in enumerate(self.columns)}
        table = table.mutate(
            **{
                names[column]: take_column(table, column, kind)
                for column, kind in self.kinds.items()
            }
        )
        points = {}
        for i, score in enumerate(self.scores):
            given = [table[column] for column in cuts[score.name]] if cuts else None
            points[f"{own}points{i}"] = score.apply(table[names[score.column]], given)
        table = table.mutate(**points)
        values = {column: table[name] for column, name in names.items()}
        for score, name in zip(self.scores, points, strict=True):
            values[f"{score.name}_score"] = table[name].cast("float64")
        met = {f"{own}met{i}": part.apply(values) for i, part in enumerate(self.predicates)}
        # Postgres makes an int32 of a truth, and no other number.
        known = add_up([values[column].notnull().cast("int32") for column in self.columns])
        known_share = known.cast("float64") / len(self.columns)
        table = table.mutate(**{f"{own}known": known_share, **met})
        cases = [(table[name].fill_null(False), i) for i, name in enumerate(met)]
        first = match_cases(*cases, otherwise=len(met)).cast("int64")
        return Decided(
            table=table.mutate(**{f"{own}first": first}),
            first=f"{own}first",
            conditions=tuple(met),
            points={score.name: name for score, name in zip(self.scores, points, strict=True)},
            known_share=f"{own}known",
        )


class Decided(NamedTuple):
    """A table with what rules say of each row, and the names of the columns that say it.

    ``first`` is the place, from 0, of the rule that takes the row; ``conditions`` are booleans, one
    for each rule but the last, null where the condition is neither true nor false; ``points`` are
    those of each score; ``known_share`` is the share of columns whose value is known.
    """

    table: AnyTable
    first: str
    conditions: tuple[str, ...]
    points: dict[str, str]
    known_share: str


def take_column(table: AnyTable, column: str, kind: Kind) -> AnyValue:
    """Return a column as a condition takes it: a number as double, a date as text, never NaN.

    Raises
    ------
    SegkitError
        If it is to be a number, but is none.
    """
    value = table[column]
    given = value.type()
    if kind == "number" and not (given.is_numeric() or given.is_boolean() or given.is_null()):
        raise SegkitError(f"column '{column}' is not a number", found=str(given))
    if given.is_numeric() or kind == "number":
        value = take_number(table, column)
    if kind == "number" or (kind == "boolean" and given.is_boolean()):
        return value
    if kind == "boolean" and given.is_numeric():
        return value != 0.0
    text = value.cast("string")
    if kind == "boolean":
        return match_cases((text.lower() == "true", True), (text.lower() == "false", False))
    return text.left(10) if kind == "date" else text


def fit_rules(
    customers: pd.DataFrame, scheme: Scheme, n_segments: int | None = None
) -> tuple[Rules, list[str]]:
    """Take a scheme's own rules or its ready-made set; rules of one name are one segment.

    The scores that conditions name are learned: five groups of equal size, or the scheme's
    ``cuts``. The number of segments is the rules' own. Returns the rules and the names of their
    segments, in the order of the rules.
    """
    kinds = _check_scheme(customers, scheme)
    rows = list_rules(scheme, kinds)
    own = {
        name: score.column for name, score in SCORES.items() if kinds.get(score.column) == "number"
    }
    known = kinds | {f"{name}_score": "number" for name in own}
    read = {column for _, when in rows[:-1] for column in read_predicate(when, known).columns}
    used = [name for name in own if f"{name}_score" in read]
    scores = [_learn_score(customers, scheme, name, own[name]) for name in used]
    return _build_rules(kinds, rows, scores)


def fit_rfm(customers: pd.DataFrame, scheme: Scheme, n_segments: int) -> tuple[Rules, list[str]]:
    """Score recency, frequency and money, at quintiles or the scheme's ``cuts``, and name cells.

    Frequency and money are added, recency stays apart. Never more than ``n_segments`` segments,
    and never more than six: with fewer, neighbours are merged. Champions and loyal customers have
    two orders or more; customers without an order, if there are any, are a segment of their own (of
    at least three) and no part of the quintiles. Returns the rules and the names of their segments,
    the best first.

    References
    ----------
    Hughes (1994), *Strategic Database Marketing*: quintiles of recency, frequency and money.
    """
    kinds = _check_scheme(customers, scheme)
    columns = scheme.columns or RFM_COLUMNS
    if len(columns) != 3:
        raise SegkitError("rfm takes 3 columns: days, orders, money", found=", ".join(columns))
    has_no_order = read_numbers(customers, columns[1]) < 1
    buyers = customers if has_no_order.all() else customers[~has_no_order]
    pairs = zip(("recency", "frequency", "money"), columns, strict=True)
    scores = [_learn_score(buyers, scheme, name, column) for name, column in pairs]
    groups = {score.name: len(score.cuts) + 1 for score in scores}
    rows = build_rfm(n_segments, groups, columns[1], has_no_order=bool(has_no_order.any()))
    return _build_rules(kinds, rows, scores, BEST_FIRST)


def fit_tiers(customers: pd.DataFrame, scheme: Scheme, n_segments: int) -> tuple[Rules, list[str]]:
    """Cut customers by one column, by default ``total_spend``, at the shares of ``TIERS``.

    The scheme's cut ``value`` takes their place, and says how many tiers there are. Returns the
    rules and the names of their segments, the top one first.
    """
    kinds = _check_scheme(customers, scheme)
    cut = scheme.cuts.get("value", n_segments)
    count = cut if isinstance(cut, int) else len(cut) + 1
    if count not in TIERS:
        raise SegkitError(f"tiers come in 2 to 6, not {count}", fix="Change segments or cuts.")
    tiers = TIERS[count]
    column = scheme.columns[0] if scheme.columns else "total_spend"
    score = _learn_score(customers, scheme, "value", column, tiers.shares_below)
    rows = [
        SegmentRule(name, f"value_score >= {count - place}")
        for place, name in enumerate(tiers.names[:-1])
    ]
    rows.append(SegmentRule(tiers.names[-1], "true"))
    return _build_rules(kinds, rows, [score])


def _check_scheme(customers: pd.DataFrame, scheme: Scheme) -> dict[str, Kind]:
    """Return the kinds of the columns that a condition may name, once the scheme is sound."""
    kinds = {}
    for column in customers.columns.drop("customer_id", errors="ignore"):
        kind = find_kind(customers[column])
        kinds[column] = "text" if kind == "category" else kind
    if faults := find_rule_faults(scheme, kinds):
        raise faults[0]
    return kinds


def _learn_score(
    customers: pd.DataFrame, scheme: Scheme, name: str, column: str, shares: Sequence[float] = ()
) -> Score:
    """Take the scheme's cut points, or learn them: groups of equal size, or ``shares`` below."""
    cuts = scheme.cuts.get(name)
    known = read_known(customers, column)
    if not isinstance(cuts, tuple):
        groups = cuts or GROUPS
        shares = np.arange(1, groups) / groups if cuts or not shares else shares
        cuts = np.quantile(known, shares).tolist()
    return Score(
        name=name, column=column, cuts=cuts, higher_is_better=SCORES[name].higher_is_better
    )


def _build_rules(
    kinds: Mapping[str, Kind],
    rows: Sequence[SegmentRule],
    scores: Sequence[Score],
    order: Sequence[str] = (),
) -> tuple[Rules, list[str]]:
    """Return the document, and the names of its segments in the rules' order or the one given."""
    scored = {f"{score.name}_score": "number" for score in scores}
    kinds = {**kinds, **{score.column: "number" for score in scores}}
    wanted = [score.column for score in scores]
    for _, when in rows[:-1]:
        wanted += read_predicate(when, kinds | scored).columns
    names = list(dict.fromkeys(name for name, _ in rows))
    if order:
        names.sort(key=order.index)
    rules = [Rule(segment=names.index(name) + 1, when=when) for name, when in rows]
    read = {column: kinds[column] for column in wanted if column not in scored}
    return Rules(kinds=read, scores=scores, rules=rules), names
