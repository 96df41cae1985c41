"""Faults of amounts: marks, signs, currencies, taxes."""

from __future__ import annotations

import random

import pandas as pd

from tests.doors.case import Case
from tests.doors.kinds.registry import draw_lines, kind, map_known, pick, put, set_truth, texts_of
from tests.doors.styles import write_number

MARK = ("decimal", "thousand", r"\bmark\b", "digits after")
PRICE = ("unit_price",)
TAX = (r"\btax", r"\bvat\b", r"incl", "gross", "not quantity times", "shipping")


def sum_lines(case: Case) -> pd.DataFrame:
    """Let lines tell their amounts in place of prices; return them."""
    lines = case.tables["order_lines"].copy()
    lines["unit_price"] = (lines["quantity"] * lines["unit_price"]).round(2)
    case.tables["order_lines"] = lines.rename(columns={"unit_price": "line_amount"})
    return case.tables["order_lines"]


def set_prices(case: Case, prices: list[float]) -> pd.DataFrame:
    """Give lines other prices, which are true; return them."""
    lines = case.tables["order_lines"]
    lines["unit_price"] = prices
    set_truth(case, case.tables)
    return lines


@kind("other mark in some rows", MARK, PRICE, ("not a number",), core=True)
def mark_in_some_rows(rng: random.Random) -> Case:
    """Two tills wrote the same file: some rows have the other decimal mark."""
    case = draw_lines(rng, {"thousands": ""})
    lines = case.tables["order_lines"]
    other = "," if case.style.mark == "." else "."
    rows = pick(rng, lines, 0.03, 0.5)
    texts = [f"{price:.2f}".replace(".", other) for price in texts_of(lines, "unit_price", rows)]
    put(lines, "unit_price", rows, texts)
    return case


@kind("the plan names the other mark", MARK, PRICE, core=True)
def mark_declared_wrongly(rng: random.Random) -> Case:
    """All rows have the mark that the plan does not declare."""
    case = draw_lines(rng, {"thousands": "", "declared": ()})
    other = "," if case.style.mark == "." else "."
    case.spec["order_lines"] = [f'decimal = "{other}"']
    case.naive_mark = other
    return case


@kind("three digits after the mark everywhere", MARK, PRICE, core=True)
def three_digits_everywhere(rng: random.Random) -> Case:
    """Prices of fuel or of screws: 1,899 may be one or two thousand."""
    case = draw_lines(rng, {"declared": (), "thousands": ""})
    prices = [rng.randint(301, 99_999) / 1000 for _ in range(len(case.tables["order_lines"]))]
    lines = set_prices(case, prices)
    texts = [write_number(price, case.style, decimals=3) for price in prices]
    put(lines, "unit_price", list(range(len(lines))), texts)
    case.naive_mark = "," if case.style.mark == "." else "."
    return case


@kind("three digits after the mark in some rows", MARK, PRICE, core=True)
def three_digits_in_part(rng: random.Random) -> Case:
    """Most prices can only have a decimal mark; some have three digits after it."""
    case = draw_lines(rng, {"declared": (), "thousands": ""})
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.05, 0.7)
    prices = lines["unit_price"].tolist()
    for row in rows:
        prices[row] = rng.randint(301, 99_999) / 1000
    lines = set_prices(case, prices)
    texts = [write_number(prices[row], case.style, decimals=3) for row in rows]
    put(lines, "unit_price", rows, texts)
    case.naive_mark = "," if case.style.mark == "." else "."
    return case


@kind("thousands that look like decimals", MARK, PRICE, core=True)
def thousands_alone(rng: random.Random) -> Case:
    """Whole amounts: 250 and 1.500, of which the latter looks like one and a half."""
    case = draw_lines(rng, {"declared": ()})
    count = len(case.tables["order_lines"])
    prices = [
        float(rng.choice([rng.randint(20, 900), rng.randint(1000, 9000)])) for _ in range(count)
    ]
    lines = set_prices(case, prices)
    sign = rng.choice(".,")
    texts = [f"{price:,.0f}".replace(",", sign) for price in prices]
    put(lines, "unit_price", list(range(count)), texts)
    case.naive_mark = sign
    return case


@kind("typed numbers beside a decimal comma", MARK, PRICE, core=True)
def typed_numbers(rng: random.Random) -> Case:
    """A workbook's cells are numbers, and the plan says decimal = ","."""
    container = rng.choice(["xlsx", "parquet"])
    case = draw_lines(rng, {"container": container, "typed": True, "declared": ()})
    count = len(case.tables["order_lines"])
    set_prices(case, [rng.choice([1, 0.5]) * rng.randint(301, 9_999) / 1000 for _ in range(count)])
    case.spec["order_lines"] = ['decimal = ","']
    case.naive_mark = ","
    case.naive_through_text = True
    return case


@kind("amounts with a currency sign", ("currency", "sign", "not a number"), PRICE)
def signs(rng: random.Random) -> Case:
    """A sheet formatted as currency, in the plan's own."""
    case = draw_lines(rng, {"thousands": "", "encoding": "utf-8"})
    lines = case.tables["order_lines"]
    form = rng.choice(["€{}", "€ {}", "{} €", "EUR {}", "{} EUR", "{}\xa0€"])
    share = rng.choice([(0.05, 0.3), (1.0, 1.0)])
    rows = pick(rng, lines, *share)
    numbers = texts_of(lines, "unit_price", rows)
    put(lines, "unit_price", rows, [form.format(write_number(n, case.style)) for n in numbers])
    return case


@kind(
    "two currencies inside the amounts",
    ("currenc", "sign", "usd"),
    PRICE,
    ("not a number",),
    core=True,
)
def two_signs(rng: random.Random) -> Case:
    """Some amounts are in dollars, and say so in the cell."""
    case = draw_lines(rng, {"thousands": "", "encoding": "utf-8"})
    lines = case.tables["order_lines"]
    dollars = pick(rng, lines, 0.05, 0.4)
    own, foreign = rng.choice([("{} EUR", "{} USD"), ("€{}", "${}"), ("{}", "USD {}")])
    numbers = [write_number(n, case.style) for n in lines["unit_price"]]
    texts = [(foreign if row in dollars else own).format(n) for row, n in enumerate(numbers)]
    set_truth(case, {"order_lines": lines.drop(index=dollars)})
    put(lines, "unit_price", list(range(len(lines))), texts)
    return case


@kind("several currencies", ("currenc",), ("currency",), ("not in eur",), core=True)
def currencies(rng: random.Random) -> Case:
    """A column says that some orders are in another currency."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    foreign = set(rng.sample(sorted(set(lines["order_id"])), lines["order_id"].nunique() // 5))
    lines["currency"] = ["SEK" if order in foreign else "EUR" for order in lines["order_id"]]
    set_truth(case, {"order_lines": lines[lines["currency"] == "EUR"]})
    return case


@kind("currency on the order's first line only", ("currenc",), ("currency",), core=True)
def currency_on_first_line(rng: random.Random) -> Case:
    """Further lines of an order do not repeat that it is in another currency."""
    case = draw_lines(rng, rows=240)
    lines = case.tables["order_lines"]
    lines.sort_values(["ordered_at", "order_id"], inplace=True, ignore_index=True)
    sizes = lines.groupby("order_id")["product_id"].size()
    several = sorted(sizes[sizes > 1].index)
    foreign = set(rng.sample(several, max(2, len(several) // 3)))
    is_first = ~lines["order_id"].duplicated()
    names = ["USD" if order in foreign else "EUR" for order in lines["order_id"]]
    lines["currency"] = [n if first else None for n, first in zip(names, is_first, strict=True)]
    set_truth(case, {"order_lines": lines[[order not in foreign for order in lines["order_id"]]]})
    return case


@kind(
    "accountants' negatives",
    ("negative", "bracket", "parenthes", "minus", "not a number"),
    ("line_amount",),
    ("not a number",),
)
def negatives(rng: random.Random) -> Case:
    """Money given back is written as (12.50) or 12.50-."""
    while True:
        case = draw_lines(rng, {"thousands": ""}, rows=240)
        if (case.tables["order_lines"]["quantity"] < 0).sum() >= 3:
            break
    lines = sum_lines(case)
    rows = [row for row, amount in enumerate(lines["line_amount"]) if amount < 0]
    form = rng.choice(["({})", "{}-", "−{}"])
    if case.style.encoding == "cp1252":
        form = "({})"
    numbers = [write_number(-n, case.style) for n in texts_of(lines, "line_amount", rows)]
    put(lines, "line_amount", rows, [form.format(number) for number in numbers])
    return case


@kind("words among amounts", ("not a number", "word"), PRICE, ("not a number",))
def words(rng: random.Random) -> Case:
    """Some amounts are words."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    rows = pick(rng, lines, 0.02, 0.1)
    put(lines, "unit_price", rows, [rng.choice(["free", "tbd", "see note", "#REF!"]) for _ in rows])
    return case


@kind("totals with tax, in the amounts", TAX, ("line_amount", "total incl. vat"), core=True)
def tax_in_amounts(rng: random.Random) -> Case:
    """Price and quantity make another amount than the total with tax that is mapped."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    rate = rng.choice([1.24, 1.19, 1.2, 1.0825])
    lines.insert(6, "line_amount", (lines["quantity"] * lines["unit_price"] * rate).round(2))
    return case


@kind(
    "totals with tax, in the names",
    (r"\btax", r"\bvat\b", "gross"),
    ("line_amount", "total incl. vat", "total excl. vat"),
    core=True,
)
def tax_in_names(rng: random.Random) -> Case:
    """Of the totals with and without tax the plan maps the former."""
    case = draw_lines(rng, {"spelling": rng.choice(["words", "joined"])})
    lines = sum_lines(case)
    low, high = rng.choice(
        [
            ("Total excl. VAT", "Total incl. VAT"),
            ("Net total", "Total with tax"),
            ("total_ex_tax", "total_inc_tax"),
        ]
    )
    lines[high] = (lines["line_amount"] * 1.24).round(2)
    lines.rename(columns={"line_amount": low}, inplace=True)
    case.mapped["order_lines"] = {"line_amount": high}
    case.tables["order_lines"] = lines
    return case


@kind(
    "some amounts in cents",
    ("not quantity times", "hundred", "cents"),
    ("line_amount", "unit_price"),
)
def cents(rng: random.Random) -> Case:
    """After a change of the till some prices are in cents; the amounts are not."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    lines.insert(6, "line_amount", (lines["quantity"] * lines["unit_price"]).round(2))
    rows = pick(rng, lines, 0.05, 0.3)
    amounts = [100 * amount for amount in texts_of(lines, "line_amount", rows)]
    put(lines, "line_amount", rows, amounts)
    return case


@kind(
    "discount lines",
    ("discount",),
    ("product_id", "quantity", "unit_price", "line_amount"),
    core=True,
)
def discounts(rng: random.Random) -> Case:
    """An order has a line of its own for the discount, with a negative quantity."""
    case = draw_lines(rng, rows=240)
    lines = case.tables["order_lines"]
    sales = lines[lines["quantity"] > 0].drop_duplicates("order_id")
    rows = pick(rng, sales, 0.05, 0.3)
    given = sales.iloc[rows].copy()
    given["product_id"] = rng.choice(["DISCOUNT", "VOUCHER10", "RABATT"])
    given["quantity"] = -1
    given["unit_price"] = (0.1 * given["unit_price"]).round(2)
    given["description"] = "Discount"
    returned = case.truth["lines.returned"]
    both = pd.concat([lines, given]).sort_values(["ordered_at", "order_id"], kind="stable")
    case.tables["order_lines"] = both.reset_index(drop=True)
    set_truth(
        case, case.tables, without=("lines.rows", "lines.units", "lines.sold", "lines.products")
    )
    case.truth["lines.returned"] = returned
    return case


@kind(
    "refunds and discounts of orders in columns of their own",
    ("refund", "discount"),
    ("refunded amount", "refunded_amount", "order discount", "discount_amount"),
    core=True,
)
def refunds(rng: random.Random) -> Case:
    """What was paid back, or taken off the order, stands beside each order's first line."""
    case = draw_lines(rng, rows=240)
    lines = case.tables["order_lines"]
    amounts = lines["quantity"] * lines["unit_price"]
    is_first = ~lines["order_id"].duplicated() & (lines["quantity"] > 0)
    is_off = [first and rng.random() < 0.15 for first in is_first]
    off = [round(a / 2, 2) if given else 0.0 for a, given in zip(amounts, is_off, strict=True)]
    column, theirs = rng.choice(
        [
            ("order_refunded_amount", "Refunded Amount"),
            ("order_discount_amount", "Order Discount Amount"),
        ]
    )
    lines[theirs] = off
    map_known(rng, case, "order_lines", column, theirs)
    case.truth = find_truth_of_money(case, lines.assign(line_amount=amounts - off))
    return case


@kind(
    "customer and day on the order's first line only",
    ("first line", "carried", "further lines"),
    ("customer_id", "ordered_at"),
    core=True,
)
def first_line(rng: random.Random) -> Case:
    """An export of orders repeats neither the customer nor the day on further lines."""
    case = draw_lines(rng, rows=240)
    lines = case.tables["order_lines"]
    is_further = lines["order_id"].duplicated()
    rows = [row for row, further in enumerate(is_further) if further]
    for column in ("customer_id", "ordered_at"):
        put(lines, column, rows, [None] * len(rows))
    case.naive_drops = True
    return case


def find_truth_of_money(case: Case, lines: pd.DataFrame) -> dict:
    """Return the truth of other amounts: what each customer spent, and the sum."""
    set_truth(case, {"order_lines": lines})
    return {key: case.truth[key] for key in ("lines.amount", "lines.spend_by_customer")}
