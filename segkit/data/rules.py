"""The named rules that accept a row, reject it, or say something about it.

Each rule is one Ibis expression over a table's converted columns, with its reason in plain words.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from segkit.data.contract import TABLES, Column
from segkit.plan import Plan

REJECTED = "Left out, and kept with its reason among the rejected rows."
WARNED = "Kept; look whether it is right."
DATED_BY = {
    "order_lines": "ordered_at",
    "orders": "ordered_at",
    "customers": "signed_up_on",
    "events": "occurred_at",
    "messages": "sent_at",
    "tickets": "opened_at",
    "responses": "answered_at",
}
_FAULTS = {
    "integer": ("not_whole", "is not a whole number"),
    "number": ("not_a_number", "is not a number"),
    "money": ("not_a_number", "is not a number"),
    "date": ("not_a_date", "is not a date"),
    "datetime": ("not_a_date", "is not a date or time"),
    "boolean": ("not_true_or_false", "is neither yes nor no"),
}
_CANCELLED = ("cancelled", "canceled", "void", "voided")


@dataclass(frozen=True)
class Rule:
    """One rule: its name, what follows (reject, warning or note), and when it holds."""

    name: str
    severity: str
    test: ir.BooleanValue
    reason: str
    treatment: str
    column: str = ""


def _reject(name: str, test: ir.BooleanValue, reason: str, column: str = "") -> Rule:
    return Rule(name, "reject", test, reason, REJECTED, column)


def _warn(name: str, test: ir.BooleanValue, reason: str, column: str = "") -> Rule:
    return Rule(name, "warning", test, reason, WARNED, column)


def list_rules(
    name: str,
    rows: ir.Table,
    *,
    plan: Plan,
    as_of: datetime.date,
    known: dict[str, ir.Table],
    repeats: ir.Table | None,
) -> list[Rule]:
    """Return a table's rules in the order in which they are named as the reason.

    Parameters
    ----------
    name : str
        The table's name in the contract.
    rows : ibis.Table
        Its converted columns; ``faulty_<column>`` where a value could not be converted.
    plan : Plan
        Its policies and currency.
    as_of : datetime.date
        The last day counted.
    known : dict of str to ibis.Table
        Accepted rows of customers, products and orders, where they are given.
    repeats : ibis.Table, optional
        ``source_row`` and ``differs`` of each row that repeats an earlier one.
    """
    table = TABLES[name]
    here = [column for column in table.columns if column.name in rows.columns]
    rules = [_reject_missing(rows, column.name) for column in here if column.required]
    if name == "order_lines":
        rules.append(_reject_missing(rows, "ordered_at"))
    for group in table.one_of:
        given = [c for c in (*(f"given_{c}" for c in group), *group) if c in rows.columns]
        given = [c for c in given if c.startswith("given_")] or given
        present = [c.removeprefix("given_") for c in given]
        test = ibis.and_(*(rows[column].isnull() for column in given))
        test &= ~ibis.or_(*(rows[f"faulty_{c}"] for c in present if f"faulty_{c}" in rows.columns))
        words = " and no ".join(map(_say, present))
        rules.append(_reject("missing_" + "_or_".join(present), test, f"There is no {words}."))
    for column in here:
        rules += _check_fault(rows, column)
    for column in here:
        rules += _check_range(rows, column)
    if table.key and repeats is not None:
        is_repeat = rows.source_row.isin(repeats.source_row)
        differs = rows.source_row.isin(repeats.filter(repeats.differs).source_row)
        key = _say(table.key[0])
        rules.append(
            _reject("duplicate_key", is_repeat, f"An earlier row has the same {key}.", table.key[0])
        )
        rules.append(
            Rule(
                "duplicate_key_differs",
                "note",
                differs,
                f"The row with the same {key} as an earlier one says something else.",
                "The first row counts.",
            )
        )
    rules += _check_time_and_currency(name, rows, plan, as_of)
    if name == "order_lines":
        rules += _apply_policies(rows, plan, repeats)
    elif not table.key and repeats is not None:
        is_repeat = rows.source_row.isin(repeats.source_row)
        rules.append(_warn("exact_duplicate", is_repeat, "The row repeats an earlier one exactly."))
    for column in here:
        rules += _check_usual(rows, column)
    for other, key in (
        ("products", "product_id"),
        ("customers", "customer_id"),
        ("orders", "order_id"),
    ):
        if other in known and other != name and key in rows.columns:
            unknown = ~rows[key].isin(known[other][key])
            if other == "products" and name == "order_lines":
                unknown &= rows.is_product
            reason = f"The {_say(key)} is not in the {other} table, or was left out of it."
            rules.append(_warn(f"unknown_{other[:-1]}", unknown, reason, key))
    if "is_late_resolution" in rows.columns:
        rules.append(
            Rule(
                "resolved_after_as_of",
                "note",
                rows.is_late_resolution,
                "The ticket was resolved after the last day counted.",
                "Kept, and counted as still open.",
            )
        )
    return rules


def _say(column: str) -> str:
    """Return a column's name in words: ordered_at is the ordered time."""
    for ending, word in (("_at", " time"), ("_on", " date")):
        if column.endswith(ending):
            column = column.removesuffix(ending) + word
    return column.replace("_", " ")


def _reject_missing(rows: ir.Table, column: str) -> Rule:
    test = rows[column].isnull()
    if f"faulty_{column}" in rows.columns:
        test &= ~rows[f"faulty_{column}"]
    return _reject(f"missing_{column}", test, f"There is no {_say(column)}.", column)


def _check_fault(rows: ir.Table, column: Column) -> list[Rule]:
    if f"faulty_{column.name}" not in rows.columns:
        return []
    name, words = _FAULTS[column.kind]
    rules = []
    faulty, value = rows[f"faulty_{column.name}"], rows[column.name]
    if column.kind == "integer":
        parts = [("not_a_number", "is not a number", faulty)]
        parts.append((name, words, value != value.round()))
    else:
        parts = [(name, words, faulty)]
    for name, words, test in parts:
        reason = f"The {_say(column.name)} {words}."
        rules.append(_reject(f"{name}_{column.name}", test, reason, column.name))
    return rules


def _check_range(rows: ir.Table, column: Column) -> list[Rule]:
    value, rules = rows[column.name], []
    if column.minimum is not None or column.maximum is not None:
        test = _is_outside(value, column.minimum, column.maximum)
        words = _say_range(column.minimum, column.maximum)
        reason = f"The {_say(column.name)} is not {words}."
        rules.append(_reject(f"out_of_range_{column.name}", test, reason, column.name))
    if column.allowed:
        reason = f"The {_say(column.name)} is none of {', '.join(column.allowed)}."
        test = ~value.isin(column.allowed)
        rules.append(_reject(f"not_allowed_{column.name}", test, reason, column.name))
    return rules


def _check_usual(rows: ir.Table, column: Column) -> list[Rule]:
    low, high = column.usual_minimum, column.usual_maximum
    if low is None and high is None:
        return []
    reason = f"The {_say(column.name)} is not {_say_range(low, high)}, as it usually is."
    test = _is_outside(rows[column.name], low, high)
    return [_warn(f"unusual_{column.name}", test, reason, column.name)]


def _is_outside(value: ir.Value, low: float | None, high: float | None) -> ir.BooleanValue:
    return ibis.or_(
        *([] if low is None else [value < low]), *([] if high is None else [value > high])
    )


def _say_range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"{high:,.0f} or less"
    return f"{low:,.0f} or more" if high is None else f"within {low:,.0f} to {high:,.0f}"


def _check_time_and_currency(
    name: str, rows: ir.Table, plan: Plan, as_of: datetime.date
) -> list[Rule]:
    rules = []
    dated = DATED_BY.get(name)
    if dated in rows.columns:
        test = rows[dated].cast("date") > ibis.date(as_of.isoformat())
        reason = f"The {_say(dated)} is after the last day counted, {as_of}."
        rules.append(_reject("after_as_of", test, reason, dated))
    if "currency" in rows.columns:
        test = rows.currency.upper() != plan.currency
        reason = f"The amount is not in {plan.currency}, the plan's currency."
        rules.append(_reject("currency_differs", test, reason, "currency"))
    return rules


def _apply_policies(rows: ir.Table, plan: Plan, repeats: ir.Table | None) -> list[Rule]:
    policies = plan.policies
    is_repeat: ir.BooleanValue = ibis.literal(False)
    if repeats is not None:
        is_repeat = rows.source_row.isin(repeats.source_row)
    no_price = rows.unit_price.isnull() & (rows.line_amount == 0)
    decided = (
        (
            *("exact_duplicate", policies.exact_duplicates, is_repeat, "order_id"),
            *("The line repeats an earlier one exactly.", WARNED),
        ),
        (
            *("adjustment", policies.adjustments, rows.line_type == "adjustment", "order_id"),
            *("The line is book-keeping, not a sale.", "Kept as an adjustment."),
        ),
        (
            *("cancellation", policies.cancellations, rows.line_type == "cancellation", "order_id"),
            *("The line takes back an order.", "Taken off the spend."),
        ),
        (
            *("return", policies.returns, rows.line_type == "return", "quantity"),
            *("The quantity is negative: a return.", "Taken off the spend."),
        ),
        (
            *("missing_customer", policies.lines_without_customer),
            *(rows.customer_id.isnull(), "customer_id"),
            *("Nobody knows whose line it is.", "Kept without a customer."),
        ),
        (
            *("negative_price", policies.negative_prices, rows.unit_price < 0, "unit_price"),
            *("The price is below zero.", "Kept with its price."),
        ),
        (
            *("zero_price", policies.zero_prices, (rows.unit_price == 0) | no_price, "unit_price"),
            *("The price is zero.", "Kept; adds nothing to the spend."),
        ),
        (
            *("non_product", policies.non_products, ~rows.is_product, "product_id"),
            *("The line is no product, such as postage.", "Kept, but not as a product."),
        ),
    )
    rules = []
    for name, policy, test, column, reason, kept in decided:
        if policy == "drop":
            rules.append(_reject(name, test, reason, column))
        else:
            severity = "warning" if name == "exact_duplicate" else "note"
            rules.append(Rule(name, severity, test, reason, kept, column))
    rules.append(
        Rule(
            "sign_turned",
            "note",
            rows.is_turned,
            "A return or cancellation had a positive quantity or amount.",
            "Its sign was turned, so that it is taken off the spend.",
        )
    )
    rules.append(_warn("zero_quantity", rows.quantity == 0, "The quantity is zero.", "quantity"))
    if "given_line_amount" in rows.columns and "given_unit_price" in rows.columns:
        product = rows.quantity * rows.given_unit_price
        gap = (product.abs() - rows.given_line_amount.abs()).abs()
        test = gap > 0.01 + 0.01 * product.abs()
        reason = "The line amount is not quantity times unit price."
        rules.append(_warn("amount_differs", test, reason, "line_amount"))
    if "order_status" in rows.columns:
        test = rows.order_status.lower().isin(_CANCELLED) & (rows.line_type == "sale")
        reason = "The order's status says cancelled, yet the line counts as a sale."
        rules.append(_warn("cancelled_status", test, reason, "order_id"))
    return rules
