"""Good tables of a drawn shop: values as they are, before anybody writes them to a file."""

from __future__ import annotations

import datetime
import random

import pandas as pd

from tests.doors.styles import Style, cut_time

CATEGORIES = ("Garden", "Kitchen", "Lighting", "Toys", "Textiles")
ITEMS = (
    "Lamp, small", 'Pipe 3"', "Crème brûlée set", "Rug", "Teapot; blue", "Birdhouse", "Mug",
    "Apron", "Lantern", "Watering can", "Cushion", "Puzzle", "Café tray", "Candle", "Toolbox",
)  # fmt: skip
COUNTRIES = ("Finland", "Sweden", "Norway", "Estonia")
CITIES = ("Helsinki", "Malmö", "Tromsø", "Tartu", "Jyväskylä", "Umeå")
QUESTIONS = ("I like to own few things", "A low price matters to me", "I need fast delivery")
TOPICS = ("delivery", "invoice", "return", "product")
ID_FORMS = {
    "letter": lambda n: f"C{n:04}",
    "number": lambda n: str(17000 + n),
    "zeros": lambda n: f"{n:06}",
    "address": lambda n: f"buyer{n}@example.org",
    "capitals": lambda n: f"KD-{n:03}-X",
    "long": lambda n: str(2817720000000000000 + 7919 * n),
}
ORDER_FORMS = {
    "number": lambda n: str(500100 + n),
    "letter": lambda n: f"SO{n:05}",
    "hyphen": lambda n: f"2024-{n:04}",
}


def draw_shop(
    rng: random.Random,
    style: Style,
    *,
    tables: tuple[str, ...] = ("order_lines",),
    rows: int | None = None,
    ids: str | None = None,
    orders: str | None = None,
) -> dict[str, pd.DataFrame]:
    """Draw good tables in the contract's names: a year of orders up to some days before 2025."""
    rows = rows or rng.randint(90, 300)
    make_id = ID_FORMS[ids or rng.choice(list(ID_FORMS))]
    customers = [make_id(n) for n in rng.sample(range(1, 900), max(25, rows // 6))]
    products = draw_products(rng)
    lines = _draw_lines(
        rng, rows, customers, products, ORDER_FORMS[orders or rng.choice(list(ORDER_FORMS))]
    )
    lines["ordered_at"] = [cut_time(time, style) for time in lines["ordered_at"]]
    makers = {
        "order_lines": lambda: lines,
        "orders": lambda: _draw_orders(rng, lines),
        "customers": lambda: _draw_customers(rng, customers, style),
        "products": lambda: products,
        "messages": lambda: _draw_messages(rng, customers, style),
        "tickets": lambda: _draw_tickets(rng, customers, style),
        "responses": lambda: _draw_responses(rng, customers, style),
    }
    drawn = {name: makers[name]() for name in tables}
    if "orders" in drawn and rng.random() < 0.5:
        drawn["order_lines"] = lines.drop(columns=["customer_id", "ordered_at"])
        drawn["orders"] = _tell_in_orders(lines, drawn["orders"])
    return drawn


def draw_time(rng: random.Random, first: str = "2024-01-02", days: int = 360) -> pd.Timestamp:
    """Draw a time within so many days; a tenth lies within the two hours after midnight."""
    hour = rng.choice([0, 1]) if rng.random() < 0.1 else rng.randint(7, 23)
    clock = datetime.timedelta(days=rng.randrange(days), hours=hour, minutes=rng.randrange(60))
    return pd.Timestamp(first) + clock + datetime.timedelta(seconds=rng.randrange(60))


def draw_products(rng: random.Random) -> pd.DataFrame:
    """Draw products, prices from 1 to 1,900."""
    rows = []
    for number, name in enumerate(ITEMS):
        price = round(rng.choice([rng.uniform(1, 20), rng.uniform(20, 300)]), 2)
        if number in (4, 11):
            price = round(rng.uniform(1000, 1900), 2)
        rows.append((f"P{100 + number}", name, CATEGORIES[number % 5], price))
    return pd.DataFrame(rows, columns=["product_id", "name", "category", "list_price"])


def _draw_lines(rng, rows, customers, products, name_order) -> pd.DataFrame:
    """Draw order lines; one in thirty is a return of a part of an earlier line."""
    catalogue = list(products.itertuples(index=False, name=None))
    last = pd.Timestamp("2024-12-31") - datetime.timedelta(days=rng.randint(1, 6), hours=9)
    drawn: list[tuple] = []
    number = 0
    while len(drawn) < rows:
        number += 1
        buyer = customers[number - 1] if number <= len(customers) else rng.choice(customers)
        time = draw_time(rng, days=350)
        if number == 1:
            time = last.floor("min")
        for item in rng.sample(catalogue, rng.choice([1, 1, 2, 3])):
            amount = round(item[3] * rng.choice([1, 1, 1, 0.9, 0.85]), 2)
            drawn.append((number, item[0], buyer, time, rng.randint(1, 9), amount, item[1]))
    singles = {(line[1], line[2], line[5]) for line in drawn if line[4] == 1}
    for line in rng.sample(drawn, len(drawn) // 30):
        if (line[1], line[2], line[5]) in singles:
            continue  # it could as well take that one back whole
        if line[4] > 1 and line[3] < last - datetime.timedelta(days=20):
            number += 1
            later = line[3] + datetime.timedelta(days=rng.randint(3, 15))
            drawn.append((number, line[1], line[2], later, -1, line[5], line[6]))
    drawn.sort(key=lambda line: (line[3], line[0]))
    names = {n: name_order(place + 1) for place, n in enumerate(dict.fromkeys(d[0] for d in drawn))}
    columns = ["order_id", "product_id", "customer_id", "ordered_at", "quantity", "unit_price"]
    table = pd.DataFrame(drawn, columns=[*columns, "description"])
    table["order_id"] = table["order_id"].map(names)
    return table


def _draw_orders(rng: random.Random, lines: pd.DataFrame) -> pd.DataFrame:
    ids = lines["order_id"].drop_duplicates().tolist()
    shipping = [round(rng.choice([0.0, 4.9, 7.5]), 2) for _ in ids]
    status = [rng.choice(["complete", "complete", "shipped"]) for _ in ids]
    return pd.DataFrame({"order_id": ids, "status": status, "shipping_amount": shipping})


def _tell_in_orders(lines: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Give orders the customer and the time, which the lines then lack."""
    told = lines.drop_duplicates("order_id")[["order_id", "customer_id", "ordered_at"]]
    return orders.merge(told, on="order_id", how="left")


def _draw_customers(rng: random.Random, ids: list[str], style: Style) -> pd.DataFrame:
    rows = []
    for number, one in enumerate(ids):
        income = None if rng.random() < 0.05 else round(rng.uniform(14_000, 95_000), 2)
        signed = cut_time(draw_time(rng, "2021-01-01", 1000), style).floor("D")
        rows.append(
            {
                "customer_id": one,
                "birth_year": rng.randint(1940, 2004),
                "child_count": rng.choice([0, 0, 1, 2, 3]),
                "income": income,
                "country": COUNTRIES[number % len(COUNTRIES)],
                "city": rng.choice(CITIES),
                "signed_up_on": signed,
                "consent": rng.random() < 0.6,
            }
        )
    return pd.DataFrame(rows)


def _draw_messages(rng: random.Random, ids: list[str], style: Style) -> pd.DataFrame:
    rows = []
    for number in range(rng.randint(80, 200)):
        opened = rng.random() < 0.4
        clicked = opened and rng.random() < 0.3
        time = cut_time(draw_time(rng), style) + datetime.timedelta(days=0)
        rows.append((ids[number % len(ids)], time, opened, clicked))
    names = ["customer_id", "sent_at", "opened", "clicked"]
    return pd.DataFrame(rows, columns=names).drop_duplicates(ignore_index=True)


def _draw_tickets(rng: random.Random, ids: list[str], style: Style) -> pd.DataFrame:
    rows = []
    for number in range(rng.randint(40, 90)):
        opened = draw_time(rng, days=340)
        solved = cut_time(opened + datetime.timedelta(hours=rng.randint(1, 200)), style)
        rating = None if rng.random() < 0.2 else rng.randint(1, 5)
        topic = rng.choice(TOPICS)
        row = (f"T{number:03}", rng.choice(ids), cut_time(opened, style), solved, topic, rating)
        rows.append(row)
    names = ["ticket_id", "customer_id", "opened_at", "resolved_at", "topic", "satisfaction"]
    return pd.DataFrame(rows, columns=names).astype({"satisfaction": object})


def _draw_responses(rng: random.Random, ids: list[str], style: Style) -> pd.DataFrame:
    rows = []
    for one in ids:
        time = cut_time(draw_time(rng), style)
        rows += [(one, question, rng.randint(1, 5), time) for question in QUESTIONS]
    return pd.DataFrame(rows, columns=["customer_id", "question", "answer", "answered_at"])
