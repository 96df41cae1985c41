"""The named rules that accept a row, reject it, or say something about it.

Each rule is one SQL condition on a table's converted columns, with its reason in plain words.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import NamedTuple

from segkit.contract.definitions import Column, Table
from segkit.contract.tables import TABLES
from segkit.data.columns import quote, text_literal
from segkit.data.line_rules import LARGEST_AMOUNT, LINE_RULES, WARNED
from segkit.data.notices import say_column
from segkit.data.placeholder_dates import is_needed
from segkit.data.texts import NUMBERS
from segkit.data.unread import HEADER_ROW
from segkit.plan.models import Plan, Policies

REJECTED = "Set aside with its reason."
COUNTED = "Read as yes where it is above zero."
UNKNOWN = "The row is kept; the value counts as unknown."
REFERRED_TO = {"products": "product_id", "customers": "customer_id", "orders": "order_id"}


class Rule(NamedTuple):
    """One rule: its name, what follows (reject, warning or note), and when it holds."""

    severity: str
    name: str
    test: str
    reason: str
    column: str
    treatment: str


def list_quality_rules(
    name: str, columns: Collection[str], plan: Plan, *, as_of: datetime.date
) -> list[Rule]:
    """Return a table's rules in the order in which they are named as the reason.

    ``columns`` are its converted columns, with ``faulty_<column>`` where a value could not be
    converted, and ``lacks_<table>`` where the row refers to a table that has been checked.
    """
    table = TABLES[name]
    there = [column for column in table.columns if column.name in columns]
    is_lines = name == "order_lines"
    rules = [
        *_list_repeated_headers(columns),
        *_list_missing(table, columns),
        *(rule for column in there for rule in _list_value_rules(table, column, columns)),
        *_list_repeated_keys(table),
        *_list_late(table, columns, as_of),
        *_list_currency(columns, plan.currency),
    ]
    if is_lines:
        rules += _list_line_rules(plan.policies, columns)
    elif not table.key:
        reason = "The row repeats an earlier one exactly."
        rules.append(_warn("exact_duplicate", test="is_repeat", reason=reason))
    if "consent_differs" in columns:
        reason = "The customer's rows disagree on consent, or one of them does not tell."
        rules.append(
            _note(
                "consent_differs",
                test="consent_differs",
                reason=reason,
                column=plan.privacy.consent_column or "",
                treatment="It counts as no.",
            )
        )
    rules += _list_unusual(there)
    if {"opened_at", "resolved_at"} <= set(columns):
        reason = "The resolved time is before the opened time."
        test = "resolved_at < opened_at"
        rules.append(
            _warn("resolved_before_opened", test=test, reason=reason, column="resolved_at")
        )
    rules += _list_unknown(columns, is_lines=is_lines)
    if "is_late" in columns:
        rules.append(
            _note(
                "resolved_after_as_of",
                test="is_late",
                reason="The ticket was resolved after the last day counted.",
                column="resolved_at",
                treatment="Kept, and counted as still open.",
            )
        )
    return rules


def _reject(name: str, *, test: str, reason: str, column: str = "") -> Rule:
    return Rule("reject", name, test, reason, column, REJECTED)


def _warn(name: str, *, test: str, reason: str, column: str = "") -> Rule:
    return Rule("warning", name, test, reason, column, WARNED)


def _note(name: str, *, test: str, reason: str, column: str, treatment: str) -> Rule:
    return Rule("note", name, test, reason, column, treatment)


def _list_repeated_headers(columns: Collection[str]) -> list[Rule]:
    """Reject rows that hold the columns' names, where there are any."""
    if HEADER_ROW not in columns:
        return []
    reason = "The row repeats the names of the columns."
    return [_reject("repeated_header", test=HEADER_ROW, reason=reason)]


def _list_missing(table: Table, columns: Collection[str]) -> list[Rule]:
    """Reject rows without a needed value, or without any of a group of which one is needed."""
    is_lines = table.name == "order_lines"
    rules = []
    for column in table.columns:
        name = column.name
        is_needed = column.required or (is_lines and name == "ordered_at")
        if is_needed and name in columns:
            reason = f"There is no {say_column(name)}."
            test = _is_missing(name, columns)
            rules.append(_reject(f"missing_{name}", test=test, reason=reason, column=name))
    prefix = "given_" if is_lines else ""  # the others are derived
    for group in table.one_of:
        present = [name for name in group if prefix + name in columns]
        tests = [_is_missing(name, columns, prefix) for name in present]
        reason = f"There is no {' and no '.join(map(say_column, present))}."
        name = f"missing_{'_or_'.join(present)}"
        rules.append(_reject(name, test=" AND ".join(tests), reason=reason))
    return rules


def _list_value_rules(table: Table, column: Column, columns: Collection[str]) -> list[Rule]:
    """Return the rules of values that cannot be read, or that cannot be.

    Such a value is unknown and its row stays, unless the table needs it.
    """
    name = column.name
    words = say_column(name)
    rules = []
    tests = []
    if f"faulty_{name}" in columns:
        rule, fault = _name_fault(column.kind)
        tests.append((rule, f"faulty_{name}", fault))
    if f"placeholder_{name}" in columns and is_needed(table, column):
        reason = f"The {words} is a day that stands for nothing."
        test = f"placeholder_{name} AND {name} IS NULL"
        rules.append(_reject(f"placeholder_date_{name}", test=test, reason=reason, column=name))
    if column.kind == "integer":
        tests.append(("not_whole", f"{name} <> round({name})", "is not a whole number"))
    outside = _is_outside(name, column.minimum, column.maximum)
    if outside:
        limits = _say_range(column.minimum, column.maximum)
        tests.append(("out_of_range", outside, f"is not {limits}"))
    if column.kind in NUMBERS and column.maximum is None:
        # Whatever is worked out of it must be a number still.
        test = f"NOT abs({quote(name)}) <= {LARGEST_AMOUNT:.0f}"
        tests.append(("too_large", test, "is larger than any such number"))
    if column.allowed:
        test = f"{name} NOT IN ({', '.join(map(text_literal, column.allowed))})"
        tests.append(("not_allowed", test, f"is none of {', '.join(column.allowed)}"))
    if f"counted_{name}" in columns:
        rules.append(_count_yes(name))
    is_decisive = name in table.decisive_names
    severity = "reject" if is_decisive else "warning"
    treatment = REJECTED if is_decisive else UNKNOWN
    rules += [
        Rule(severity, f"{rule}_{name}", test, f"The {words} {fault}.", name, treatment)
        for rule, test, fault in tests
    ]
    return rules


def _count_yes(name: str) -> Rule:
    """Return the rule of counts where yes or no is wanted; `judge_counts` says what they are."""
    return Rule("note", f"counts_{name}", f"counted_{name}", "", name, COUNTED)


def _name_fault(kind: str) -> tuple[str, str]:
    """Return the name of the rule that a value of this kind broke, and what it is not, in words."""
    if kind == "date":
        return "not_a_date", "is not a date"
    if kind == "datetime":
        return "not_a_date", "is not a date or time"
    if kind == "boolean":
        return "not_true_or_false", "is neither yes nor no"
    return "not_a_number", "is not a number"


def _list_repeated_keys(table: Table) -> list[Rule]:
    """Reject rows of the same key but the first, and note those that say something else."""
    if not table.key:
        return []
    (key,) = table.key
    return [
        _reject(
            "duplicate_key",
            test="is_repeat",
            reason=f"An earlier row has the same {say_column(key)}.",
            column=key,
        ),
        _note(
            "duplicate_key_differs",
            test="differs",
            reason=f"The row with the same {say_column(key)} as an earlier one says something "
            "else.",
            column=key,
            treatment="The first row counts.",
        ),
    ]


def _list_late(table: Table, columns: Collection[str], as_of: datetime.date) -> list[Rule]:
    """Reject rows whose time, the table's first, is after the last day counted."""
    times = [column.name for column in table.columns if column.kind in ("date", "datetime")]
    if not times or times[0] not in columns:
        return []
    name = times[0]
    reason = f"The {say_column(name)} is after the last day counted, {as_of}."
    return [_reject("after_as_of", test=f"{name}::DATE > '{as_of}'", reason=reason, column=name)]


def _list_currency(columns: Collection[str], currency: str) -> list[Rule]:
    if "currency" not in columns:
        return []
    reason = f"The amount is not in {currency}, the plan's currency."
    test = f"upper(currency) <> '{currency}'"
    return [_reject("currency_differs", test=test, reason=reason, column="currency")]


def _list_line_rules(policies: Policies, columns: Collection[str]) -> list[Rule]:
    """Return the order lines' own rules, as the plan decides."""
    rules = []
    for rule in LINE_RULES:
        if not set(rule.needs) <= set(columns):
            continue
        is_dropped = rule.policy != "" and getattr(policies, rule.policy) == "drop"
        severity = "reject" if is_dropped else rule.severity
        treatment = REJECTED if is_dropped else rule.treatment
        rules.append(Rule(severity, rule.name, rule.test, rule.reason, rule.column, treatment))
    return rules


def _list_unusual(columns: Collection[Column]) -> list[Rule]:
    """Warn of values that may be, but hardly ever are."""
    rules = []
    for column in columns:
        name = column.name
        low = column.usual_minimum
        high = column.usual_maximum
        test = _is_outside(name, low, high)
        if test:
            reason = f"The {say_column(name)} is not {_say_range(low, high)}, as it usually is."
            rules.append(_warn(f"unusual_{name}", test=test, reason=reason, column=name))
    return rules


def _list_unknown(columns: Collection[str], *, is_lines: bool) -> list[Rule]:
    """Warn of rows that refer to a row of another table that is not there."""
    rules = []
    for other, key in REFERRED_TO.items():
        if f"lacks_{other}" not in columns:
            continue
        test = f"{key} IS NOT NULL AND lacks_{other}"
        if is_lines and other == "products":
            test += " AND is_product AND line_type <> 'discount'"
        reason = f"The {say_column(key)} is not in the {other} table, or was left out of it."
        rules.append(_warn(f"unknown_{other[:-1]}", test=test, reason=reason, column=key))
    return rules


def _say_range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"{_say_limit(high)} or less"
    if high is None:
        return f"{_say_limit(low)} or more"
    return f"within {_say_limit(low)} to {_say_limit(high)}"


def _say_limit(limit: float) -> str:
    """Write a limit; years have no comma."""
    return f"{limit:.0f}" if abs(limit) < 10_000 else f"{limit:,.0f}"


def _is_outside(column: str, low: float | None, high: float | None) -> str:
    """Return the test for values outside a range; empty where there is no limit."""
    tests = []
    if low is not None:
        tests.append(f"{column} < {low}")
    if high is not None:
        tests.append(f"{column} > {high}")
    return " OR ".join(tests)


def _is_missing(column: str, columns: Collection[str], prefix: str = "") -> str:
    known = [f"{kind}_{column}" for kind in ("faulty", "placeholder")]
    others = "".join(f" AND NOT {fault}" for fault in known if fault in columns)
    return f"{prefix}{column} IS NULL{others}"
