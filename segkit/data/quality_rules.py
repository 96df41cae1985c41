"""The named rules that accept a row, reject it, or say something about it.

Each rule is one SQL condition on a table's converted columns, with its reason in plain words.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from segkit.contract.tables import TABLES
from segkit.data.columns import text_literal
from segkit.plan.models import Plan, Policies

LINE_RULES = Path(__file__).with_name("line_rules.txt")
REJECTED = "Set aside with its reason."
WARNED = "Kept; look whether it is right."
REFERRED_TO = {"products": "product_id", "customers": "customer_id", "orders": "order_id"}
_FAULTS = {
    "date": ("not_a_date", "is not a date"),
    "datetime": ("not_a_date", "is not a date or time"),
    "boolean": ("not_true_or_false", "is neither yes nor no"),
}


class Rule(NamedTuple):
    """One rule: its name, what follows (reject, warning or note), and when it holds."""

    severity: str
    name: str
    test: str
    reason: str
    column: str
    treatment: str


class _Rules(list[Rule]):
    def add(
        self, severity: str, name: str, test: str, reason: str, column: str = "", kept: str = WARNED
    ) -> None:
        """Add a rule, with the treatment that its severity brings."""
        treatment = REJECTED if severity == "reject" else kept
        self.append(Rule(severity, name, test, reason, column, treatment))


def list_rules(name: str, columns: Collection[str], plan: Plan, as_of: datetime.date) -> list[Rule]:
    """Return a table's rules in the order in which they are named as the reason.

    ``columns`` are its converted columns, with ``faulty_<column>`` where a value could not be
    converted, and ``lacks_<table>`` where the row refers to a table that has been checked.
    """
    table, rules, is_lines = TABLES[name], _Rules(), name == "order_lines"
    here = [(c, c.name, _say(c.name)) for c in table.columns if c.name in columns]
    for c, at, words in here:
        if c.required or (is_lines and at == "ordered_at"):
            test = _is_missing(at, columns)
            rules.add("reject", f"missing_{at}", test, f"There is no {words}.", at)
    for group in table.one_of:
        prefix = "given_" if is_lines else ""  # the others are derived
        present = [at for at in group if prefix + at in columns]
        test = " AND ".join(_is_missing(at, columns, prefix) for at in present)
        reason = f"There is no {' and no '.join(map(_say, present))}."
        rules.add("reject", f"missing_{'_or_'.join(present)}", test, reason)
    for c, at, words in here:
        if f"faulty_{at}" in columns:
            rule, fault = _FAULTS.get(c.kind, ("not_a_number", "is not a number"))
            rules.add("reject", f"{rule}_{at}", f"faulty_{at}", f"The {words} {fault}.", at)
        if c.kind == "integer":
            reason = f"The {words} is not a whole number."
            rules.add("reject", f"not_whole_{at}", f"{at} <> round({at})", reason, at)
        if test := _is_outside(at, c.minimum, c.maximum):
            reason = f"The {words} is not {_say_range(c.minimum, c.maximum)}."
            rules.add("reject", f"out_of_range_{at}", test, reason, at)
        if c.allowed:
            test = f"{at} NOT IN ({', '.join(map(text_literal, c.allowed))})"
            reason = f"The {words} is none of {', '.join(c.allowed)}."
            rules.add("reject", f"not_allowed_{at}", test, reason, at)
    if table.key:
        (key,) = table.key
        reason = f"An earlier row has the same {_say(key)}."
        rules.add("reject", "duplicate_key", "is_repeat", reason, key)
        reason = f"The row with the same {_say(key)} as an earlier one says something else."
        kept = "The first row counts."
        rules.add("note", "duplicate_key_differs", "differs", reason, key, kept)
    at = next((c.name for c in table.columns if c.kind in ("date", "datetime")), "")  # of the row
    if at in columns:
        reason = f"The {_say(at)} is after the last day counted, {as_of}."
        rules.add("reject", "after_as_of", f"{at}::DATE > '{as_of}'", reason, at)
    if "currency" in columns:
        test = f"upper(currency) <> '{plan.currency}'"
        reason = f"The amount is not in {plan.currency}, the plan's currency."
        rules.add("reject", "currency_differs", test, reason, "currency")
    if is_lines:
        _apply_policies(rules, plan.policies, columns)
    elif not table.key:
        reason = "The row repeats an earlier one exactly."
        rules.add("warning", "exact_duplicate", "is_repeat", reason)
    for c, at, words in here:
        if test := _is_outside(at, c.usual_minimum, c.usual_maximum):
            usual = _say_range(c.usual_minimum, c.usual_maximum)
            reason = f"The {words} is not {usual}, as it usually is."
            rules.add("warning", f"unusual_{at}", test, reason, at)
    for other, key in REFERRED_TO.items():
        if f"lacks_{other}" in columns:
            test = f"{key} IS NOT NULL AND lacks_{other}"
            test += " AND is_product" if is_lines and other == "products" else ""
            reason = f"The {_say(key)} is not in the {other} table, or was left out of it."
            rules.add("warning", f"unknown_{other[:-1]}", test, reason, key)
    if "is_late" in columns:
        reason = "The ticket was resolved after the last day counted."
        kept = "Kept, and counted as still open."
        rules.add("note", "resolved_after_as_of", "is_late", reason, "resolved_at", kept)
    return rules


def _apply_policies(rules: _Rules, policies: Policies, columns: Collection[str]) -> None:
    """Add the order lines' own rules, from ``line_rules.txt``, as the plan decides.

    A line there is: severity, or the policy that decides and the severity where it does not drop |
    name | column | test | reason | treatment of what is kept.
    """
    unknown = {"given_line_amount", "given_unit_price", "order_status"}.difference(columns)
    for line in LINE_RULES.read_text(encoding="utf-8").splitlines():
        severity, name, column, test, reason, kept = (cell.strip() for cell in line.split("|"))
        policy, _, otherwise = severity.partition(" or ")
        if otherwise:
            severity = "reject" if getattr(policies, policy) == "drop" else otherwise
        if not any(needed in test for needed in unknown):
            rules.add(severity, name, test, reason, column, kept or WARNED)


def derive_lines(
    query: str, columns: Collection[str], orders: Collection[str], policies: Policies
) -> str:
    """Return the query that completes order lines: prices and amounts, the kind of line.

    ``orders`` are the columns of the checked orders, if there are any: customer, time and currency
    of an order count where a line has none, those of rejected orders too.
    """
    given = [f"{c} AS given_{c}" for c in ("unit_price", "line_amount") if c in columns]
    added = [f"NULL::DOUBLE AS {c}" for c in ("unit_price", "line_amount") if c not in columns]
    join, taken, own = "", [], []
    if orders:
        theirs = [c for c in ("customer_id", "ordered_at", "currency") if c in orders]
        own = [f"coalesce(o.{c}, p.{c}) AS {c}" for c in theirs if c in columns]
        taken = [f"p.{c}" for c in theirs if c not in columns]
        taken += ["p.status AS order_status"] if "status" in orders else []
        join = """LEFT JOIN (FROM checked_orders WHERE NOT rule_duplicate_key) AS p
            ON o.order_id = p.order_id"""
    replaced = f" REPLACE ({', '.join(own)})" if own else ""
    adjusting, cancelling = (
        f"starts_with(order_id, {text_literal(prefix)})" if prefix else "false"
        for prefix in (policies.adjustment_order_prefix, policies.cancelled_order_prefix)
    )
    ids = ", ".join(text_literal(one.strip().upper()) for one in policies.non_product_ids)
    is_product = f"coalesce(upper(product_id) NOT IN ({ids}), true)" if ids else "true"
    return f"""
        SELECT * EXCLUDE (amount) REPLACE (
            coalesce(unit_price, line_amount / nullif(quantity, 0)) AS unit_price)
        FROM (SELECT * REPLACE (
            CASE WHEN is_turned THEN -abs(quantity) ELSE quantity END AS quantity,
            CASE WHEN is_turned THEN -abs(amount) ELSE amount END AS line_amount)
        FROM (SELECT *, line_type IN ('cancellation', 'return')
            AND coalesce(unit_price, 0) >= 0 AND (amount > 0 OR quantity > 0) AS is_turned
        FROM (SELECT *, coalesce(line_amount, quantity * unit_price) AS amount,
            {is_product} AS is_product,
            CASE WHEN {adjusting} THEN 'adjustment'
                WHEN {cancelling} THEN 'cancellation'
                WHEN quantity < 0 THEN 'return' ELSE 'sale' END AS line_type
        FROM (SELECT {", ".join([f"o.*{replaced}", *taken, *given, *added])}
        FROM ({query}) AS o {join}))))"""


def _say(column: str) -> str:
    """Return a column's name in words: ordered_at is the ordered time."""
    return re.sub("_on$", " date", re.sub("_at$", " time", column)).replace("_", " ")


def _say_range(low: float | None, high: float | None) -> str:
    lowest, highest = (f"{x:.0f}" if abs(x) < 1e4 else f"{x:,.0f}" for x in (low or 0, high or 0))
    if low is None:
        return f"{highest} or less"
    return f"{lowest} or more" if high is None else f"within {lowest} to {highest}"


def _is_outside(column: str, low: float | None, high: float | None) -> str:
    sides = ((low, "<"), (high, ">"))
    return " OR ".join(f"{column} {sign} {limit}" for limit, sign in sides if limit is not None)


def _is_missing(column: str, columns: Collection[str], prefix: str = "") -> str:
    faulty = f" AND NOT faulty_{column}" if f"faulty_{column}" in columns else ""
    return f"{prefix}{column} IS NULL{faulty}"
