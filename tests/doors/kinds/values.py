"""Faults of values: words among numbers, counts for yes, levels spelt twice, one's own features."""

from __future__ import annotations

import random

import pandas as pd

from tests.doors.case import Case
from tests.doors.facts import find_facts
from tests.doors.kinds.registry import draw_lines, draw_people, kind, pick, put, texts_of
from tests.doors.shop import QUESTIONS
from tests.doors.styles import write_number

UNREAD = ("not a number", "cannot be read", "unknown", "unread")
SPELT = ("capital", "spelling", "spelt", "letters", "differ")
UNIQUE = ("every value", "every customer", "nearly every", "almost every", "identifier", "differs")


@kind("a word among optional numbers", UNREAD, ("income", "child_count"), core=True)
def optional_word(rng: random.Random) -> Case:
    """Some prefer not to say what they earn, or have "4+" children."""
    case = draw_people(rng)
    customers = case.tables["customers"]
    column, texts = rng.choice(
        [
            ("income", ["Prefer not to say"]),
            ("income", ["> 90k", "unknown"]),
            ("child_count", ["4+", "several"]),
        ]
    )
    rows = pick(rng, customers, 0.05, 0.4)
    put(customers, column, rows, [rng.choice(texts) for _ in rows])
    case.naive_drops = True
    true = customers.assign(**{column: pd.to_numeric(customers[column], errors="coerce")})
    case.truth = find_facts({"customers": true}, as_of=case.as_of)
    return case


@kind("an amount of an optional column out of reach", UNREAD, ("birth_year",), core=True)
def optional_year(rng: random.Random) -> Case:
    """Some birth years are words or dates."""
    case = draw_people(rng)
    customers = case.tables["customers"]
    rows = pick(rng, customers, 0.05, 0.3)
    text = rng.choice(["n.a.", "secret", "1970s", "1965 or 66"])
    put(customers, "birth_year", rows, [text] * len(rows))
    case.naive_drops = True
    true = customers.assign(birth_year=pd.to_numeric(customers["birth_year"], errors="coerce"))
    case.truth = find_facts({"customers": true}, as_of=case.as_of)
    return case


@kind("words that are neither yes nor no", ("neither yes nor no", "yes"), ("consent",), core=True)
def other_yes(rng: random.Random) -> Case:
    """A column of yes and no has words of its own."""
    case = draw_people(rng)
    customers = case.tables["customers"]
    words = rng.choice([("ja", "nein"), ("Subscribed", "Unsubscribed"), ("opted in", "opted out")])
    rows = pick(rng, customers, 0.05, 0.5)
    true = list(texts_of(customers, "consent", rows))
    put(customers, "consent", rows, [words[0] if one else words[1] for one in true])
    return case


@kind(
    "counts where yes or no is wanted",
    ("count", "above zero", "neither yes nor no"),
    ("opened", "clicked"),
    core=True,
)
def counts(rng: random.Random) -> Case:
    """A mail tool counts opens."""
    case = draw_people(rng, {"truths": ("1", "0")}, tables=("customers", "messages"))
    messages = case.tables["messages"]
    column = rng.choice(["opened", "clicked"])
    counted = [rng.randint(1, 5) if one else 0 for one in messages[column]]
    put(messages, column, list(range(len(messages))), counted)
    return case


def respell_levels(rng: random.Random, case: Case, table: str, column: str, forms: dict) -> Case:
    """Write a level in several ways; the truth is how many there are of each size."""
    frame = case.tables[table]
    rows = [row for row, one in enumerate(frame[column]) if one in forms]
    true = frame[column].value_counts().to_dict()
    values = [rng.choice([one, *forms[one]]) for one in texts_of(frame, column, rows)]
    put(frame, column, rows, values)
    case.truth = {f"{table}.levels_{column}": tuple(sorted(true.values()))}
    return case


@kind("levels that differ in capitals", SPELT, ("country", "city"), core=True)
def level_capitals(rng: random.Random) -> Case:
    """Finland, finland and FINLAND are three countries."""
    case = draw_people(rng)
    column = rng.choice(["country", "city"])
    levels = sorted(set(case.tables["customers"][column]))
    forms = {one: (one.upper(), one.lower(), f"{one} ") for one in levels[:2]}
    return respell_levels(rng, case, "customers", column, forms)


@kind("levels in several spellings", (*SPELT, "joined"), ("country",), core=True)
def level_spellings(rng: random.Random) -> Case:
    """Some customers live in the UK, some in the United Kingdom."""
    case = draw_people(rng)
    customers = case.tables["customers"]
    name, short = rng.choice(
        [("United Kingdom", "UK"), ("Germany", "DE"), ("Finland", "FI"), ("United States", "USA")]
    )
    customers["country"] = customers["country"].replace("Finland", name)
    return respell_levels(rng, case, "customers", "country", {name: (short, short.lower())})


@kind("product groups that differ in capitals", SPELT, ("category",), core=True)
def product_capitals(rng: random.Random) -> Case:
    """Garden, garden and GARDEN are three groups of products."""
    case = draw_lines(rng, tables=("order_lines", "products"))
    forms = {"Garden": ("garden", "GARDEN "), "Toys": ("TOYS", "toys")}
    return respell_levels(rng, case, "products", "category", forms)


def add_own(case: Case, name: str, values: list[object], truth: object) -> Case:
    """Give customers a feature of one's own, which the plan's scheme uses."""
    customers = case.tables["customers"]
    customers[name] = pd.Series(values, dtype=object)
    case.features = {name: name}
    case.own = (name,)
    case.truth = {**case.truth, f"customers.{name}": truth}
    return case


@kind("an address as a category", UNIQUE, ("contact", "hash", "member_no"), core=True)
def address_category(rng: random.Random) -> Case:
    """A column in which every customer has another value is taken for a category."""
    case = draw_people(rng)
    count = len(case.tables["customers"])
    name, form = rng.choice(
        [("contact", "person{}@mail.example"), ("hash", "a{}f9"), ("member_no", "M-{}-K")]
    )
    values: list[object] = [form.format(1000 + n) for n in range(count)]
    if rng.random() < 0.4:
        values[:2] = [values[2], values[2]]
    return add_own(case, name, values, None)


def draw_own(rng: random.Random) -> tuple[Case, list[float]]:
    """Draw customers, and a number for each."""
    case = draw_people(rng, {"thousands": ""})
    return case, [rng.randint(1, 99) + rng.choice([0, 0.5]) for _ in case.tables["customers"].index]


@kind("percentages of one's own", ("percent", "%"), ("share_online",), core=True)
def percent(rng: random.Random) -> Case:
    """A share is written 12% and becomes a category of ninety levels."""
    case, numbers = draw_own(rng)
    form = rng.choice(["{}%", "{} %"])
    texts: list[object] = [form.format(write_number(n, case.style, decimals=1)) for n in numbers]
    return add_own(case, "share_online", texts, (sum(numbers), len(numbers)))


@kind(
    "amounts of one's own with a sign",
    ("money", "amount", "currency"),
    ("basket_value",),
    core=True,
)
def money(rng: random.Random) -> Case:
    """A mean basket is written EUR 12.50 and becomes a category."""
    case, numbers = draw_own(rng)
    form = rng.choice(["EUR {}", "{} EUR", "$ {}", "${}"])
    texts: list[object] = [form.format(write_number(n, case.style)) for n in numbers]
    return add_own(case, "basket_value", texts, (sum(numbers), len(numbers)))


@kind("postcodes of one's own", ("zero", "code"), ("postcode",), core=True)
def postcodes(rng: random.Random) -> Case:
    """Codes with leading zeros become numbers."""
    case = draw_people(rng)
    codes = [
        f"{rng.choice([100, 210, 1510, 33100, 90120]):05}" for _ in case.tables["customers"].index
    ]
    return add_own(case, "postcode", list(codes), pd.Series(codes).value_counts().to_dict())


@kind("dates of one's own", ("date",), ("last_login",))
def own_dates(rng: random.Random) -> Case:
    """The day of the last visit becomes a category of two hundred levels."""
    case = draw_people(rng)
    days = [
        f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/2024"
        for _ in case.tables["customers"].index
    ]
    return add_own(case, "last_login", list(days), None)


@kind(
    "words among numbers of one's own",
    ("most values", "numbers", "error"),
    ("visit_score",),
    core=True,
)
def own_words(rng: random.Random) -> Case:
    """Two cells with #DIV/0! turn a column of numbers into categories."""
    case, numbers = draw_own(rng)
    texts: list[object] = list(numbers)
    rows = rng.sample(range(len(numbers)), rng.randint(2, max(3, len(numbers) // 15)))
    for row in rows:
        texts[row] = rng.choice(["#DIV/0!", "#N/A!", "none of these", "few"])
    known = [n for row, n in enumerate(numbers) if row not in rows]
    return add_own(case, "visit_score", texts, (sum(known), len(known)))


@kind(
    "numbers that stand for unknown",
    ("unknown", "stand for", "unusual", "as it usually is"),
    ("child_count", "income", "birth_year"),
)
def codes_for_unknown(rng: random.Random) -> Case:
    """Whoever did not answer has 99 children, or was born in 1900."""
    case = draw_people(rng)
    customers = case.tables["customers"]
    column, code = rng.choice([("child_count", 99), ("income", 999_999.0), ("birth_year", 1900)])
    rows = pick(rng, customers, 0.05, 0.2)
    true = customers.drop(columns=column).assign(**{column: customers[column].astype(object)})
    put(true, column, rows, [None] * len(rows))
    case.truth = find_facts({"customers": true}, as_of=case.as_of)
    put(customers, column, rows, [code] * len(rows))
    return case


SCALE = [
    "[[scales]]", 'name = "wishes"', 'base = "psychographic"',
    "questions = [" + ", ".join(f'"{one}"' for one in QUESTIONS) + "]", "",
]  # fmt: skip


@kind(
    "answers that cannot be read",
    (*UNREAD, "words", "scale"),
    ("answer", "wishes", "question"),
    core=True,
)
def answers(rng: random.Random) -> Case:
    """Some answers to a scale question are words, or numbers with a sign."""
    case = draw_people(rng, tables=("customers", "responses"))
    case.further = SCALE
    responses = case.tables["responses"]
    rows = pick(rng, responses, 0.05, 0.4)
    texts = rng.choice([["agree", "disagree"], ["5 - agree", "1 - disagree"], ["4/5", "2/5"]])
    put(responses, "answer", rows, [rng.choice(texts) for _ in rows])
    return case


@kind(
    "answers outside of the scale",
    ("scale", "outside", "not within", "range"),
    ("answer", "wishes", "question"),
)
def answers_outside(rng: random.Random) -> Case:
    """Some answers from 1 to 5 are 55, or 99 for unknown."""
    case = draw_people(rng, tables=("customers", "responses"))
    case.further = SCALE
    responses = case.tables["responses"]
    rows = pick(rng, responses, 0.03, 0.15)
    put(responses, "answer", rows, [rng.choice([55, 99])] * len(rows))
    return case


@kind("words for satisfaction", (*UNREAD, "word"), ("satisfaction",), core=True)
def satisfaction(rng: random.Random) -> Case:
    """Some ratings are Good and Bad among the numbers."""
    case = draw_people(rng, tables=("customers", "tickets"))
    tickets = case.tables["tickets"]
    rows = pick(rng, tickets, 0.1, 0.4)
    put(tickets, "satisfaction", rows, [rng.choice(["Good", "Bad", "Not Offered"]) for _ in rows])
    case.naive_drops = True
    known = tickets.drop(columns="satisfaction")
    known["satisfaction"] = pd.to_numeric(tickets["satisfaction"], errors="coerce")
    true = find_facts({"customers": case.tables["customers"], "tickets": known})
    case.truth = true
    return case
