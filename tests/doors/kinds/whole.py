"""Faults that only the whole table shows: too many rows set aside, a total far off."""

from __future__ import annotations

import random

from tests.doors.case import Case
from tests.doors.kinds.registry import draw_lines, kind, pick, put, set_truth, texts_of


@kind(
    "half of the rows set aside",
    ("there is no", "share of", "set aside", "rejected"),
    set_aside=("there is no",),
    core=True,
)
def half_rejected(rng: random.Random) -> Case:
    """A needed column is empty in many rows."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    column = rng.choice(["quantity", "ordered_at", "unit_price"])
    rows = pick(rng, lines, 0.3, 0.7)
    put(lines, column, rows, [None] * len(rows))
    return case


@kind(
    "most lines without a customer",
    ("customer", "whose line"),
    ("customer_id", "whose"),
    ("whose line", "no customer"),
    core=True,
)
def no_customer(rng: random.Random) -> Case:
    """Only the members' orders tell who bought."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.3, 0.6)
    put(lines, "customer_id", rows, [None] * len(rows))
    return case


@kind(
    "one order of most of the money",
    ("largest", "unusual", "as it usually is", "of the sum"),
    ("quantity", "unit_price", "order", "line_amount"),
    core=True,
)
def one_order(rng: random.Random) -> Case:
    """A mistyped quantity makes one order larger than all others together."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    row = rng.choice([r for r, n in enumerate(lines["quantity"]) if n > 0])
    lines["quantity"] = lines["quantity"].astype("int64")
    true = case.truth
    put(
        lines, "quantity", [row], [int(lines["quantity"].iloc[row]) * rng.choice([10_000, 100_000])]
    )
    case.truth = true
    return case


@kind(
    "a total that turns negative",
    ("negative", "below zero", "do not sum to more than zero"),
    core=True,
)
def negative_total(rng: random.Random) -> Case:
    """The ledger's signs are the other way round: sales are negative."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    put(lines, "quantity", list(range(len(lines))), [-int(n) for n in lines["quantity"]])
    return case


@kind(
    "prices below zero for sales",
    ("price is below zero", "negative"),
    ("unit_price", "price"),
    ("price is below zero",),
)
def negative_prices(rng: random.Random) -> Case:
    """The ledger writes some sales as credits: the price is negative."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.1, 0.4)
    put(lines, "unit_price", rows, [-price for price in texts_of(lines, "unit_price", rows)])
    return case


@kind("quantities that are no pieces", ("quantit",), ("quantity",), ("not a number",))
def quantity_words(rng: random.Random) -> Case:
    """Quantities are written with their unit: 3 pcs, 2 kg."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.05, 0.5)
    unit = rng.choice(["pcs", "kg", "x", "Stk"])
    put(lines, "quantity", rows, [f"{n} {unit}" for n in texts_of(lines, "quantity", rows)])
    return case


@kind("quantities of zero", ("zero",), ("quantity",), core=True)
def no_quantity(rng: random.Random) -> Case:
    """Some quantities were not exported, and stand as 0."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.05, 0.4)
    put(lines, "quantity", rows, [0] * len(rows))
    return case


@kind(
    "a running number taken for the quantity",
    ("running", "quantity", "number of the line"),
    ("quantity",),
)
def running_quantity(rng: random.Random) -> Case:
    """The plan maps the number of the item within its order to the quantity."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    lines["quantity"] = 1
    set_truth(case, case.tables)
    lines["quantity"] = lines.groupby("order_id").cumcount() + 1
    return case
