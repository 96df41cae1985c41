"""Faults of what a sale is: statuses, orders taken back, prefixes, sums among the rows."""

from __future__ import annotations

import datetime
import random

import pandas as pd

from tests.doors.case import Case
from tests.doors.facts import find_facts
from tests.doors.kinds.amounts import sum_lines
from tests.doors.kinds.registry import draw_lines, kind, map_known, set_truth

STATUS = ("status", "cancel", "refund")
GONE = (
    "cancelled",
    "refunded",
    "failed",
    "Canceled",
    "voided",
    "Cancelled",
    "pending",
    "Returned",
    "on hold",
    "storniert",
    "Annulé",
)
# What stands otherwise where an order that is taken back is left out.
MANY_WAYS = ("lines.rows", "lines.returned", "lines.sold", "lines.units")


def draw_sales(rng: random.Random) -> Case:
    """Draw lines without returns: one of an order that never was would be told in many ways."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    case.tables["order_lines"] = lines[lines["quantity"] > 0].reset_index(drop=True)
    return case


def draw_statuses(rng: random.Random, lines: pd.DataFrame) -> dict[str, str]:
    """Draw a status for each order; a fifth did not come to be sales."""
    ids = sorted(set(lines["order_id"]))
    gone = set(rng.sample(ids, max(3, len(ids) // rng.randint(5, 12))))
    one, other = rng.sample(GONE, 2)
    return {i: rng.choice([one, other]) if i in gone else "complete" for i in ids}


def leave_out(case: Case, statuses: dict[str, str]) -> None:
    """Let the truth be that of the orders that are complete."""
    lines = case.tables["order_lines"]
    set_truth(case, {"order_lines": lines[[statuses[i] == "complete" for i in lines["order_id"]]]})


@kind("status of orders ignored", STATUS, ("status",), core=True)
def status_of_orders(rng: random.Random) -> Case:
    """A table of orders says which were cancelled, refunded or never paid."""
    case = draw_sales(rng)
    lines = case.tables["order_lines"]
    statuses = draw_statuses(rng, lines)
    leave_out(case, statuses)
    table = pd.DataFrame({"order_id": list(statuses), "status": list(statuses.values())})
    case.tables["orders"] = table
    return case


@kind("status on the lines ignored", STATUS, ("status",), core=True)
def status_of_lines(rng: random.Random) -> Case:
    """The lines carry their order's status, as every export of orders does."""
    case = draw_sales(rng)
    lines = case.tables["order_lines"]
    statuses = draw_statuses(rng, lines)
    leave_out(case, statuses)
    lines["status"] = lines["order_id"].map(statuses)
    return case


def take_back(rng: random.Random, case: Case, *, minutes: int, prefix: str) -> None:
    """Add a large order, and later one that takes it back whole; the truth is without both."""
    lines = case.tables["order_lines"]
    true = find_facts({"order_lines": lines}, as_of=case.as_of)
    case.truth = {key: value for key, value in true.items() if key not in MANY_WAYS}
    template = lines.iloc[rng.randrange(len(lines))].to_dict()
    day = pd.Timestamp(2024, 11, rng.randint(1, 20), rng.randint(9, 20), 5)
    if case.style.date.endswith("day") or "time" not in case.style.date:
        day = day.floor("D")
    number = str(900_000 + rng.randrange(9_000))
    if prefix:
        case.policies["cancelled_order_prefix"] = prefix
    order = template | {"order_id": number, "ordered_at": day, "unit_price": 7.5}
    order["quantity"] = rng.choice([900, 2400])
    later = day + datetime.timedelta(minutes=minutes)
    back = order | {"order_id": f"{prefix}{number if prefix else int(number) + 1}"}
    back |= {"ordered_at": later, "quantity": -order["quantity"]}
    both = pd.concat([lines, pd.DataFrame([order, back])], ignore_index=True)
    case.tables["order_lines"] = both.astype({"quantity": "int64"})


@kind(
    "cancelled minutes later",
    ("cancel", "taken back", "takes back", "take back"),
    ("order_id", "quantity"),
    core=True,
)
def cancelled(rng: random.Random) -> Case:
    """A large order is cancelled within the hour, by an order number that begins with C."""
    case = draw_lines(rng, {"date": rng.choice(["iso time", "iso T", "iso day"])}, orders="number")
    take_back(rng, case, minutes=rng.randint(3, 50), prefix="C")
    return case


@kind(
    "given back weeks later",
    ("cancel", "taken back", "return", "takes back", "take back"),
    ("order_id", "quantity"),
    core=True,
)
def given_back(rng: random.Random) -> Case:
    """A large order is given back whole, and no number says which."""
    case = draw_lines(rng, {"date": rng.choice(["iso time", "iso T", "iso day"])}, orders="number")
    take_back(rng, case, minutes=1440 * rng.randint(3, 30), prefix="")
    return case


@kind(
    "an order of nothing",
    ("zero", "nothing", "no order"),
    ("unit_price", "order_id", "line_amount"),
    core=True,
)
def order_of_nothing(rng: random.Random) -> Case:
    """Orders whose lines are all free of charge."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    orders = set(rng.sample(sorted(set(lines["order_id"])), 4))
    is_free = lines["order_id"].isin(orders)
    case.tables["order_lines"] = lines.assign(unit_price=lines["unit_price"].mask(is_free, 0.0))
    set_truth(
        case,
        {"order_lines": lines[~is_free]},
        without=("lines.rows", "lines.units", "lines.products"),
    )
    return case


def name_orders(rng: random.Random, case: Case, prefix: str, share: float) -> None:
    """Let the numbers of a share of the orders begin with a prefix."""
    lines = case.tables["order_lines"]
    ids = sorted(set(lines["order_id"]))
    chosen = set(rng.sample(ids, max(4, round(share * len(ids)))))
    lines["order_id"] = [f"{prefix}{i}" if i in chosen else f"U{i}" for i in lines["order_id"]]


@kind(
    "a prefix that turns sales round",
    ("prefix",),
    ("cancelled_order_prefix", "order_id"),
    core=True,
)
def prefix_turns(rng: random.Random) -> Case:
    """Numbers like CA-2024-1 are cancellations to a plan that began as the template."""
    case = draw_lines(rng)
    name_orders(rng, case, rng.choice(["CA-", "CUST-", "C"]), rng.choice([0.1, 0.3, 0.8]))
    case.policies["cancelled_order_prefix"] = "C"
    return case


@kind(
    "a prefix that leaves sales out",
    ("prefix", "adjustment", "book"),
    ("adjustment_order_prefix", "order_id", "policy"),
    core=True,
)
def prefix_drops(rng: random.Random) -> Case:
    """Numbers like A1001 are book-keeping to a plan that began as the template."""
    case = draw_lines(rng)
    name_orders(rng, case, rng.choice(["A", "AMZ-", "ACME"]), rng.choice([0.1, 0.3, 0.8]))
    case.policies["adjustment_order_prefix"] = "A"
    return case


@kind(
    "products that the template leaves out",
    ("product",),
    ("non_product",),
    ("no product",),
    core=True,
)
def products_left_out(rng: random.Random) -> Case:
    """A poster is called POST, which to the template is postage."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    lines["product_id"] = lines["product_id"].replace(rng.choice(["P100", "P103"]), "POST")
    case.policies["non_product_ids"] = ["POST", "FEE"]
    lines.loc[lines["product_id"] == "POST", "quantity"] += 1
    set_truth(case, case.tables)
    case.naive_left_out = ("POST",)
    return case


@kind("a row Total", ("total", "sum of"), ("total",), ("total", "sum of"), core=True)
def total_row(rng: random.Random) -> Case:
    """The last row is the sum of the others."""
    case = draw_lines(rng)
    lines = sum_lines(case)
    total = dict.fromkeys(lines)
    total |= {"order_id": "Total", "product_id": "Total", "line_amount": case.truth["lines.amount"]}
    total |= {"quantity": int(lines["quantity"].sum()), "ordered_at": lines["ordered_at"].max()}
    total["customer_id"] = rng.choice(["Total", "All customers", "Grand total"])
    label = rng.choice(["Total", "TOTAL", "Grand total", "Summe"])
    total |= {"order_id": label, "product_id": label}
    both = pd.concat([lines, pd.DataFrame([total])], ignore_index=True)
    case.tables["order_lines"] = both
    return case


@kind("sums between the rows", ("total", "sum of"), ("total",), ("total", "sum of"), core=True)
def sums_between(rng: random.Random) -> Case:
    """After each month's rows stands their sum."""
    case = draw_lines(rng)
    lines = sum_lines(case)
    parts = []
    for month, part in lines.groupby(pd.to_datetime(lines["ordered_at"]).dt.month, sort=True):
        row = part.iloc[-1].to_dict() | {"line_amount": round(part["line_amount"].sum(), 2)}
        row |= {"quantity": int(part["quantity"].sum()), "description": ""}
        row |= dict.fromkeys(["order_id", "customer_id", "product_id"], f"Total {month:02}")
        parts += [part, pd.DataFrame([row])]
    case.tables["order_lines"] = pd.concat(parts, ignore_index=True)
    return case


@kind("cancellations that only a column tells", STATUS, ("status", "cancelled at"), core=True)
def cancelled_at(rng: random.Random) -> Case:
    """A column has the time at which an order was cancelled; the plan maps nothing to it."""
    case = draw_sales(rng)
    lines = case.tables["order_lines"]
    statuses = draw_statuses(rng, lines)
    leave_out(case, statuses)
    times = ["2024-12-01 10:00" if statuses[i] != "complete" else "" for i in lines["order_id"]]
    lines["Cancelled at"] = times
    map_known(rng, case, "order_lines", "cancelled_at", "Cancelled at")
    return case
