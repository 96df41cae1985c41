"""Segments by ordered rules, first match wins: the plan's own, ready-made sets, RFM, value tiers.

A rule is a condition, see `segkit.segments.predicates`; who meets none belongs to the last rule. A
condition that is neither true nor false, because a value is missing, is not met. Cut points of
scores are learned once and kept as fixed numbers: a score counts the cut points that a value beats,
strictly, so equal values always fall on the same side; a missing value gets the lowest score.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Literal

import ibis
import numpy as np
import pandas as pd
from ibis import ir
from pydantic import model_validator

from segkit.errors import SegkitError
from segkit.features.bases import RFM_COLUMNS
from segkit.features.dictionary import FEATURES
from segkit.plan import Scheme
from segkit.segments.predicates import Predicate, quote_name, read_predicate
from segkit.segments.preparation import (
    Document,
    add_up,
    read_known,
    require_column,
    take_number,
    tidy_columns,
)
from segkit.segments.rulesets import (
    GROUPS,
    RFM_BEST_FIRST,
    RFM_SCORES,
    SCORES,
    TIERS,
    Rows,
    build_rfm,
    check_cuts,
    list_rules,
    write_number,
)

Kind = Literal["number", "text", "boolean", "date"]


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
            predicates = self.read_predicates()
        except SegkitError as error:
            raise ValueError(error.describe()) from None
        read = {column for predicate in predicates for column in predicate.columns}
        read = read - {f"{score.name}_score" for score in self.scores}
        if read | {score.column for score in self.scores} != set(self.kinds):
            raise ValueError("the rules and the kinds of columns do not fit together")
        numbers = {rule.segment for rule in self.rules}
        if numbers != set(range(1, len(numbers) + 1)) or self.rules[-1].when != "true":
            raise ValueError("segments are numbered from 1, and the last rule takes everyone else")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(self.kinds)

    @property
    def segment_count(self) -> int:
        """How many segments the rules name."""
        return len({rule.segment for rule in self.rules})

    def read_predicates(self) -> list[Predicate]:
        """Return the conditions of all rules but the last."""
        kinds = {**self.kinds, **{f"{score.name}_score": "number" for score in self.scores}}
        return [read_predicate(rule.when, kinds) for rule in self.rules[:-1]]

    def place(self, table: ir.Table, cuts: Mapping[str, Sequence[str]] | None = None) -> ir.Table:
        """Add ``segment``, ``distance`` (null) and ``confidence`` (share of columns known).

        The points are added as well, as ``<score>_points_``. ``cuts`` names, for each score, the
        columns of ``table`` that stand in for its cut points.
        """
        table, values = self.take(table, cuts)
        cases = [
            (predicate.apply(values).fill_null(False), rule.segment)
            for predicate, rule in zip(self.read_predicates(), self.rules, strict=False)
        ]
        known = [values[column].notnull().cast("float64") for column in self.columns]
        return table.mutate(
            segment=ibis.cases(*cases, else_=self.rules[-1].segment).cast("int64"),
            distance=ibis.null("float64"),
            confidence=add_up(known) / len(known),
        )

    def take(
        self, table: ir.Table, cuts: Mapping[str, Sequence[str]] | None = None
    ) -> tuple[ir.Table, dict[str, ir.Value]]:
        """Add what the conditions read, and return it by the names that they use."""
        names = {column: f"x{i}_" for i, column in enumerate(self.columns)}
        taken = {names[c]: take_column(table, c, kind) for c, kind in self.kinds.items()}
        table = table.mutate(**taken)
        points = {}
        for score in self.scores:
            given = [table[column] for column in cuts[score.name]] if cuts else None
            points[f"{score.name}_points_"] = score.apply(table[names[score.column]], given)
        table = table.mutate(**points)
        values = {column: table[name] for column, name in names.items()}
        for score in self.scores:
            values[f"{score.name}_score"] = table[f"{score.name}_points_"].cast("float64")
        return table, values


def take_column(table: ir.Table, column: str, kind: Kind) -> ir.Value:
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
        return ibis.cases((text.lower() == "true", True), (text.lower() == "false", False))
    return text.left(10) if kind == "date" else text


def fit_rules(
    customers: pd.DataFrame, scheme: Scheme, n_segments: int | None = None
) -> tuple[Rules, list[str]]:
    """Take a scheme's own rules or its ready-made set; rules of one name are one segment.

    The scores that the conditions name are learned: five groups of equal size, or the scheme's
    ``cuts``. The number of segments is the rules' own. Returns the rules and the names of their
    segments, in the order of the rules.
    """
    check_cuts(scheme)
    rows = list_rules(scheme)
    known = [f"{name}_score" for name, (column, _) in SCORES.items() if column in customers]
    read = _read_columns(customers, scheme, rows, known)
    scores = [
        _learn_score(customers, scheme, name)
        for name in SCORES
        if f"{name}_score" in read and f"{name}_score" not in customers
    ]
    return _build_rules(customers, scheme, rows, scores)


def fit_rfm(customers: pd.DataFrame, scheme: Scheme, n_segments: int) -> tuple[Rules, list[str]]:
    """Score recency, frequency and money, at quintiles or the scheme's ``cuts``, and name cells.

    Frequency and money are added, recency stays apart. Never more than ``n_segments`` segments,
    and never more than six: with fewer, neighbours are merged. Returns the rules and the names of
    their segments, the best first.

    References
    ----------
    Hughes (1994), *Strategic Database Marketing*: quintiles of recency, frequency and money.
    """
    check_cuts(scheme)
    columns = scheme.columns or RFM_COLUMNS
    if len(columns) != 3:
        raise SegkitError("rfm takes 3 columns: days, orders, money", found=", ".join(columns))
    pairs = zip(RFM_SCORES, columns, strict=True)
    scores = [_learn_score(customers, scheme, name, column) for name, column in pairs]
    groups = {score.name: len(score.cuts) + 1 for score in scores}
    return _build_rules(
        customers, scheme, build_rfm(n_segments, groups, columns[1]), scores, RFM_BEST_FIRST
    )


def fit_tiers(customers: pd.DataFrame, scheme: Scheme, n_segments: int) -> tuple[Rules, list[str]]:
    """Cut customers by one column, by default ``total_spend``, at the shares of ``TIERS``.

    The scheme's cut ``value`` takes their place, and says how many tiers there are. Returns the
    rules and the names of their segments, the top one first.
    """
    check_cuts(scheme)
    cut = scheme.cuts.get("value", n_segments)
    count = cut if isinstance(cut, int) else len(cut) + 1
    if count not in TIERS:
        raise SegkitError(f"tiers come in 2 to 6, not {count}", fix="Change segments or cuts.")
    names, shares = TIERS[count]
    column = scheme.columns[0] if scheme.columns else "total_spend"
    score = _learn_score(customers, scheme, "value", column, shares)
    rows = [(name, f"value_score >= {count - i}") for i, name in enumerate(names.split(", "))]
    return _build_rules(customers, scheme, [*rows[:-1], (rows[-1][0], "true")], [score])


def _learn_score(
    customers: pd.DataFrame,
    scheme: Scheme,
    name: str,
    column: str = "",
    shares: Sequence[float] = (),
) -> Score:
    """Take the scheme's cut points, or learn them: groups of equal size, or ``shares`` below."""
    own, higher_is_better = SCORES[name]
    column, cut = column or own, scheme.cuts.get(name)
    known = read_known(customers, column)
    if not isinstance(cut, tuple):
        groups = cut or GROUPS
        equal = np.arange(1, groups) / groups
        cut = np.quantile(known, equal if cut or not shares else shares).tolist()
    return Score(name=name, column=column, cuts=cut, higher_is_better=higher_is_better)


def _read_columns(
    customers: pd.DataFrame, scheme: Scheme, rows: Rows, scores: Sequence[str]
) -> dict[str, None]:
    """Return what conditions read, in order; an identifier is no column for them."""
    kinds = {column: "any" for column in customers.columns if column != "customer_id"}
    kinds |= dict.fromkeys(scores, "number")
    read = [read_predicate(when, kinds, where=_name(scheme, name)) for name, when in rows[:-1]]
    return dict.fromkeys(column for predicate in read for column in predicate.columns)


def _build_rules(
    customers: pd.DataFrame,
    scheme: Scheme,
    rows: Rows,
    scores: Sequence[Score],
    order: Sequence[str] = (),
) -> tuple[Rules, list[str]]:
    """Return the document, and the names of its segments in the rules' order or the one given."""
    scored = {f"{score.name}_score": "number" for score in scores}
    read = _read_columns(customers, scheme, rows, list(scored))
    kinds = {score.column: "number" for score in scores}
    kinds |= {c: _find_kind(customers, c) for c in read if c not in scored and c not in kinds}
    for name, when in rows[:-1]:
        read_predicate(when, kinds | scored, where=_name(scheme, name))
    names = list(dict.fromkeys(name for name, _ in rows))
    names = sorted(names, key=order.index) if order else names
    rules = [Rule(segment=names.index(name) + 1, when=when) for name, when in rows]
    return Rules(kinds=kinds, scores=scores, rules=rules), names


def _name(scheme: Scheme, rule: str) -> str:
    return f"scheme '{scheme.name}', rule '{rule}'"


def _find_kind(customers: pd.DataFrame, column: str) -> Kind:
    """Return what a column holds; the dictionary's word where it has no value."""
    require_column(customers, column)
    values = customers[column]
    kind = FEATURES[column].kind if column in FEATURES else "number"
    if values.notna().any():
        tidy = tidy_columns(customers, [column])[column]
        kind = "number" if pd.api.types.is_float_dtype(tidy) else "text"
        kind = "boolean" if pd.api.types.is_bool_dtype(tidy) else kind
        if pd.api.types.infer_dtype(values, skipna=True) in ("date", "datetime", "datetime64"):
            kind = "date"
    return "text" if kind == "category" else kind


def check_rules(customers: pd.DataFrame, rules: Rules, names: Sequence[str]) -> pd.DataFrame:
    """Say, from the data, whether rules are exclusive and exhaustive, and what never matches.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer.
    rules : Rules
    names : sequence of str
        Names of the segments.

    Returns
    -------
    pandas.DataFrame
        One row a rule, in order: ``segment_name``, ``when``, ``matched_count`` (the condition is
        true), ``customer_count`` (assigned by this rule), ``customer_share``, ``unknown_count``
        (the condition is null), ``overlap_count`` (true, but an earlier rule was met),
        ``shadowed_by`` (the earlier segments that took all of them), ``note`` in words.
    """
    table, values = rules.take(ibis.memtable(tidy_columns(customers, rules.columns)))
    predicates, last = rules.read_predicates(), len(rules.rules) - 1
    table = table.mutate(**{f"met{i}_": p.apply(values) for i, p in enumerate(predicates)})
    met = [table[f"met{i}_"] for i in range(last)]
    table = table.mutate(
        rule_=ibis.cases(*[(m.fill_null(False), i) for i, m in enumerate(met)], else_=last)
    )
    # By the rule that takes them: how many there are, meet each condition, or leave it open.
    sums = {f"m{i}": table[f"met{i}_"].fill_null(False).sum() for i in range(last)}
    sums |= {f"u{i}": table[f"met{i}_"].isnull().sum() for i in range(last)}
    counts = table.group_by("rule_").aggregate(size=table.count(), **sums).to_pandas()
    counts = counts.set_index("rule_").reindex(range(last + 1), fill_value=0).astype(int)
    rows = []
    for i, rule in enumerate(rules.rules):
        taken = counts["size"][i]
        matched = counts[f"m{i}"].sum() if i < last else taken
        before = counts[f"m{i}"][:i] if i < last else counts["size"][:0]
        takers = [names[rules.rules[j].segment - 1] for j in before.index[before > 0]]
        shadows = ", ".join(dict.fromkeys(takers)) if matched and not taken else ""
        unknown = counts[f"u{i}"] if i < last else before
        row = {
            "segment_name": names[rule.segment - 1],
            "when": rule.when,
            "matched_count": matched,
            "customer_count": taken,
            "customer_share": taken / len(customers) if len(customers) else 0.0,
            "unknown_count": unknown.sum(),
            "overlap_count": before.sum(),
            "shadowed_by": shadows,
        }
        reads = ", ".join(predicates[i].columns) if i < last else ""
        rows.append(row | {"note": _describe(row, unknown[i + 1 :].sum(), reads)})
    return pd.DataFrame(rows)


def _describe(row: Mapping[str, object], passed_on: int, reads: str) -> str:
    """Say in words what is remarkable about a rule."""
    if not reads:
        return "" if row["customer_count"] else "nobody is left for it"
    notes = []
    if not row["matched_count"]:
        notes.append("never matches")
    elif row["shadowed_by"]:
        notes.append(f"shadowed by {row['shadowed_by']}, which took everyone it matches")
    elif row["overlap_count"]:
        notes.append(f"{row['overlap_count']} of {row['matched_count']} were taken before")
    if passed_on:
        who = "1 customer has" if passed_on == 1 else f"{passed_on} customers have"
        goes = "goes" if passed_on == 1 else "go"
        notes.append(f"{who} no value for {reads}, and {goes} on to the next rule")
    return "; ".join(notes)


def upgrade_rules_v1(model: dict) -> dict:
    """Bring rules of a document of schema version 1, limits by name, up to conditions.

    What is damaged stays as it is, and is refused afterwards.
    """
    try:
        scored = {score["name"] for score in model["scores"]}

        def write(names: str, sign: str, limit: float) -> str:
            terms = [f"{n}_score" if n in scored else quote_name(n) for n in names.split(" + ")]
            return f"{' + '.join(terms)} {sign} {write_number(limit)}"

        rules = []
        for rule in model["rules"]:
            limits = [write(n, ">=", limit) for n, limit in rule.get("at_least", {}).items()]
            limits += [write(n, "<=", limit) for n, limit in rule.get("at_most", {}).items()]
            rules.append({"segment": rule["segment"], "when": " and ".join(limits)})
        rules[-1]["when"] = "true"
        kinds = {score["column"]: "number" for score in model["scores"]}
        return {**model, "kinds": kinds, "rules": rules}
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):
        return model
