"""Faults of identifiers and of rows that are there twice."""

from __future__ import annotations

import random

import pandas as pd

from tests.doors.case import Case
from tests.doors.kinds.registry import draw_lines, draw_people, kind, pick, put, set_truth, texts_of

ID = ("customer_id",)
BLANKS = ("blank", "space", "invisible", "not see")
REPEATS = ("repeat", "twice", "duplicate")
ZERO_WIDTH = ("\u200b", "\ufeff", "\u200d", "\u2060")


def pick_orders(rng: random.Random, lines: pd.DataFrame, low: float, high: float) -> list[int]:
    """Return the rows of a drawn share of the orders, whole ones."""
    ids = sorted(set(lines["order_id"]))
    chosen = set(rng.sample(ids, max(3, round(len(ids) * rng.uniform(low, high)))))
    return [row for row, order in enumerate(lines["order_id"]) if order in chosen]


def respell(rng: random.Random, case: Case, change, low: float = 0.1, high: float = 0.6) -> Case:
    """Write the customer of a share of the orders in another way."""
    lines = case.tables["order_lines"]
    rows = pick_orders(rng, lines, low, high)
    put(lines, "customer_id", rows, [change(one) for one in texts_of(lines, "customer_id", rows)])
    return case


@kind("identifiers with a no-break blank", BLANKS, ID, core=True)
def no_break(rng: random.Random) -> Case:
    """A customer's id ends with a blank that trimming leaves."""
    case = draw_lines(rng, {"encoding": rng.choice(["utf-8", "cp1252", "utf-16"])})
    form = rng.choice(["{}\xa0", "\xa0{}", " \xa0{}"])
    return respell(rng, case, form.format)


@kind("identifiers with a blank of no width", BLANKS, ID, core=True)
def zero_width(rng: random.Random) -> Case:
    """A customer's id has a sign that nobody sees."""
    case = draw_lines(rng, {"encoding": rng.choice(["utf-8", "utf-16"])})
    sign = rng.choice(ZERO_WIDTH)
    form = rng.choice(["{0}{1}", "{1}{0}"])
    return respell(rng, case, lambda one: form.format(one, sign))


@kind("products with blanks that nobody sees", BLANKS, ("product_id",), core=True)
def blank_products(rng: random.Random) -> Case:
    """Lines and products spell some products apart, so that they do not join."""
    case = draw_lines(rng, {"encoding": "utf-8"}, tables=("order_lines", "products"))
    table = case.tables[rng.choice(["order_lines", "products"])]
    rows = pick(rng, table, 0.2, 0.6)
    sign = rng.choice(["\xa0", "\u200b", "\u2009"])
    put(table, "product_id", rows, [one + sign for one in texts_of(table, "product_id", rows)])
    return case


@kind("capitals in identifiers", ("capital", "upper", "letters"), ID, core=True)
def capitals(rng: random.Random) -> Case:
    """Some tills write the address or the code in capitals."""
    ids = rng.choice(["address", "address", "capitals", "letter"])
    changes = [str.title, str.upper] if ids == "address" else [str.lower, str.swapcase]
    return respell(rng, draw_lines(rng, ids=ids), rng.choice(changes))


@kind(
    "capitals between two tables",
    ("capital", "upper", "letters", "not in the customers"),
    ID,
    core=True,
)
def capitals_between(rng: random.Random) -> Case:
    """Lines have the customers' addresses in small letters only, customers as they were typed."""
    case = draw_lines(rng, tables=("order_lines", "customers"), ids="address")
    customers = case.tables["customers"]
    rows = pick(rng, customers, 0.3, 1.0)
    typed = [one.title() for one in texts_of(customers, "customer_id", rows)]
    put(customers, "customer_id", rows, typed)
    return case


@kind("leading zeros lost", ("zero",), ID, core=True)
def lost_zeros(rng: random.Random) -> Case:
    """A spreadsheet took the zeros off the ids of some rows."""
    return respell(rng, draw_lines(rng, ids="zeros"), lambda one: one.lstrip("0"))


@kind("identifiers in scientific notation", ("scientific", "digits", r"e\+"), ID, core=True)
def scientific(rng: random.Random) -> Case:
    """A spreadsheet made 2.81772E+18 of long numbers: several customers are one."""
    case = draw_lines(rng, ids="long")
    share = rng.choice([(0.2, 0.5), (1.0, 1.0)])
    form = rng.choice(["{:.5E}", "{:.5e}", "{:.3E}"])
    mark = rng.choice([".", case.style.mark])
    return respell(rng, case, lambda one: form.format(float(one)).replace(".", mark), *share)


@kind("orders in scientific notation", ("scientific", "digits", r"e\+"), ("order_id",), core=True)
def scientific_orders(rng: random.Random) -> Case:
    """Long numbers of orders have lost their digits."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    numbers = {
        order: 5_012_730_000_000 + 37 * n for n, order in enumerate(lines["order_id"].unique())
    }
    lines["order_id"] = [f"{float(numbers[order]):.5E}" for order in lines["order_id"]]
    return case


@kind("some identifiers end in .0", (r"\.0", "ends in", "whole number"), ID)
def point_zero(rng: random.Random) -> Case:
    """A program turned some whole numbers into 17850.0."""
    return respell(rng, draw_lines(rng, ids="number"), "{}.0".format)


@kind(
    "one order with two customers",
    ("two customers", "several customers", "more than one customer", "another customer"),
    ("order_id", "customer_id", "orders", "customers"),
    core=True,
)
def two_customers(rng: random.Random) -> Case:
    """Orders' lines disagree on who bought."""
    case = draw_lines(rng, rows=240)
    lines = case.tables["order_lines"]
    others = sorted(set(lines["customer_id"]))
    is_later = lines["order_id"].duplicated()
    rows = [row for row, later in enumerate(is_later) if later and rng.random() < 0.3]
    rows = rows or [list(is_later).index(True)]
    ids = []
    for own in texts_of(lines, "customer_id", rows):
        ids.append(rng.choice([one for one in others if one != own]))
    put(lines, "customer_id", rows, ids)
    return case


@kind(
    "a customer id new with each order", ("one order", "new with each", "only once"), ID, core=True
)
def new_each_order(rng: random.Random) -> Case:
    """The column is a running number of the order, not of the customer."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    numbers = {order: n for n, order in enumerate(lines["order_id"].unique())}
    lines["customer_id"] = [f"K{numbers[order]:05}" for order in lines["order_id"]]
    return case


@kind(
    "a label for customers who are not known",
    ("guest", "one customer", "not known", "largest", "unknown"),
    ID,
)
def guests(rng: random.Random) -> Case:
    """Orders of guests share one label, which looks like a very good customer."""
    case = draw_lines(rng)
    label = rng.choice(["GUEST", "Guest", "unknown", "Walk-in", "anonymous", "0"])
    lines = case.tables["order_lines"]
    rows = set(pick_orders(rng, lines, 0.15, 0.4))
    set_truth(case, {"order_lines": lines[[row not in rows for row in range(len(lines))]]})
    chosen = sorted(rows)
    put(lines, "customer_id", chosen, [label] * len(chosen))
    return case


def repeat_rows(rng: random.Random, case: Case) -> list[int]:
    """Repeat some rows, each at another place; the plan drops repeats, and the truth has none."""
    case.policies["exact_duplicates"] = "drop"
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.05, 0.3)
    both = pd.concat([lines, lines.iloc[rows]], ignore_index=True)
    case.tables["order_lines"] = both
    return rows


@kind(
    "a running index that hides repeats",
    ("index", "number", "running", *REPEATS),
    ("", "first column"),
    core=True,
)
def running_index(rng: random.Random) -> Case:
    """The file's first column numbers the rows, and has no name."""
    case = draw_lines(rng)
    repeat_rows(rng, case)
    lines = case.tables["order_lines"]
    name = rng.choice(["", "", "Unnamed: 0", "index", "Row"])
    lines.insert(0, name, range(len(lines)))
    return case


@kind("a block of rows twice", REPEATS, set_aside=REPEATS, core=True)
def block_twice(rng: random.Random) -> Case:
    """An export overlaps the one before, and both are in the file."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    first = rng.randrange(len(lines) // 2)
    block = lines.iloc[first : first + rng.randint(10, len(lines) // 2)]
    case.tables["order_lines"] = pd.concat([lines, block], ignore_index=True)
    return case


@kind(
    "the same customer twice",
    (*REPEATS, "same customer id"),
    ID,
    (*REPEATS, "same customer id"),
    core=True,
)
def same_id_twice(rng: random.Random) -> Case:
    """Some customers stand in two rows that say different things."""
    case = draw_people(rng)
    customers = case.tables["customers"]
    again = customers.iloc[pick(rng, customers, 0.03, 0.2)].copy()
    again["child_count"] = 9
    case.tables["customers"] = pd.concat([customers, again], ignore_index=True)
    return case


@kind(
    "lines that join nothing",
    ("not in the", "joins?", "two shops", "no customer", "no product"),
    ("customer_id", "product_id"),
    core=True,
)
def join_nothing(rng: random.Random) -> Case:
    """A table beside the lines is another shop's, or spells its key in another way."""
    other, key = rng.choice([("customers", "customer_id"), ("products", "product_id")])
    case = draw_lines(rng, tables=("order_lines", other))
    table = case.tables[other]
    form = rng.choice(["WEB-{}", "{}/1", "9{}"])
    put(table, key, list(range(len(table))), [form.format(one) for one in table[key]])
    return case


@kind("messages that join nothing", ("not in the", "joins?", "no customer"), ID, core=True)
def messages_join_nothing(rng: random.Random) -> Case:
    """The mail tool knows customers by another number."""
    name = rng.choice(["messages", "tickets", "responses"])
    case = draw_people(rng, tables=("customers", name))
    table = case.tables[name]
    put(table, "customer_id", list(range(len(table))), [f"m{one}" for one in table["customer_id"]])
    case.truth[f"{name}.in_customers"] = len(table)
    return case
