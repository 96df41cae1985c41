"""What the tables of customers, orders, messages and events tell of readiness."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
from ibis import _

from segkit.contract.bases import SAID
from segkit.contract.tables import TABLES
from segkit.core.absence import is_missing
from segkit.evidence.inventory import measure_consent
from segkit.evidence.readiness.given import KEY, Found, Given, count_people, tell_count, tell_part
from segkit.features.expressions import is_control, keep_until
from segkit.features.own_features import list_own
from segkit.features.sales import is_sale
from segkit.features.wording import name_feature
from segkit.plan.models import LEARNING_METHODS, Plan, Scheme

OUTCOMES = ("opened", "clicked", "converted", "unsubscribed", "bounced")
# What tells a person, each with its noun.
IDENTITIES = {"email": "an e-mail address", "loyalty_card_id": "a loyalty card"}


def find_accepted(given: Given) -> Found:
    """Return the share of the rows read that passed the checks."""
    read = int(given.counts["read"].sum())
    accepted = int(given.counts["accepted"].sum())
    return tell_part(accepted, read, "rows were accepted")


def find_bases(given: Given) -> Found:
    """Count the bases that can be used."""
    count = len(given.list_ready())
    found = tell_part(count, len(given.gaps), "bases can be used")
    return Found(float(count), found.evidence, float(count))


def list_learning(schemes: tuple[Scheme, ...]) -> list[Scheme]:
    """Return the schemes that find segments in columns."""
    return [scheme for scheme in schemes if scheme.method in LEARNING_METHODS]


def measure_fill(plan: Plan, tables: Mapping[str, ibis.Table]) -> dict[str, float]:
    """Return the share of customers of whom each column is known that a scheme reads.

    Columns that the customers' table has; what is worked out from orders is known of whoever
    ordered. One aggregate runs in the engine.
    """
    table = tables.get("customers")
    if table is None:
        return {}
    known = {*TABLES["customers"].column_names, *list_own(table.columns)} & set(table.columns)
    read = {column for scheme in plan.schemes for column in scheme.columns}
    wanted = sorted(read & known)
    if not wanted:
        return {}
    shares = table.aggregate(**{name: table[name].notnull().mean() for name in wanted})
    shares = shares.to_pandas().iloc[0].dropna()
    return {str(name): float(share) for name, share in shares.items()}


def find_filled_columns(given: Given) -> Found | None:
    """Return how far the emptiest column of the customers that a scheme reads is filled."""
    fill = measure_fill(given.plan, given.tables)
    if not fill:
        return None
    emptiest = min(sorted(fill), key=fill.__getitem__)
    total = int(given.tables["customers"].count().execute())
    name = name_feature(emptiest, given.plan.list_labels())
    hits = round(fill[emptiest] * total)
    found = given.tell_share(hits, total, "")
    text = f"“{name}”, least known of what schemes read, is known of {found.evidence.strip()}"
    return Found(found.value, text, found.told)


def find_enough_customers(given: Given) -> Found | None:
    """Return how many customers there are for each column of the scheme with most columns."""
    learning = list_learning(given.plan.schemes)
    if not learning:
        return None
    people = count_people(given.tables, as_of=given.at.as_of)
    ratios = {scheme.name: people[scheme.who] / len(scheme.columns) for scheme in learning}
    hardest = min(sorted(ratios), key=ratios.__getitem__)
    what = f"customers for each column of the scheme “{hardest.replace('_', ' ')}”"
    return tell_count(int(ratios[hardest]), smallest=given.at.smallest_cell, what=what)


def find_repeat_buyers(given: Given) -> Found:
    """Count the customers with two orders or more until the last day counted."""
    lines = keep_until(given.tables["order_lines"], "ordered_at", given.at.as_of)
    orders = lines.filter(is_sale(lines)).group_by(KEY).aggregate(n=_.order_id.nunique())
    count = int(orders.filter((_.n >= 2) & _[KEY].notnull()).count().execute())
    return tell_count(
        count, smallest=given.at.smallest_cell, what="customers ordered twice or more"
    )


def find_named_orders(given: Given) -> Found:
    """Return the share of the order lines read that name a customer."""
    orphaned = given.quality.query("table == 'order_lines' and rule == 'missing_customer'")
    orphans = int(orphaned["row_count"].sum())
    lines = int(given.counts.set_index("table").loc["order_lines", "read"])
    value = 1 - orphans / max(lines, 1)
    return Found(value, f"{value:.0%} of order lines read name a customer", round(value, 2))


def find_freshness(given: Given) -> Found:
    """Return how many days before the last day counted the last order is."""
    days = float(given.inventory.loc["order_lines", "days_since_last"])
    return Found(days, f"the last order is {days:,.0f} days before the last day counted", days)


def find_history(given: Given) -> Found:
    """Return how many days of orders there are, the first and the last included."""
    orders = given.inventory.loc["order_lines"]
    days = float((orders["last_on"] - orders["first_on"]).days + 1)
    return Found(days, f"{days:,.0f} days of orders", days)


def find_costs(given: Given) -> Found:
    """Return the share of products, else of order lines, of which the cost is known."""
    for name, noun in (("products", "products"), ("order_lines", "order lines")):
        if given.has(name, "unit_cost"):
            table = given.tables[name]
            known = table.aggregate(known=table.unit_cost.count(), every=table.count())
            count, every = (int(number) for number in known.to_pandas().iloc[0])
            return tell_part(count, every, f"{noun} have a cost")
    return Found(0.0, "no costs are given", 0.0)


def find_identities(given: Given) -> Found | None:
    """Return the share of customers whose address or card is nobody else's, of those with one."""
    table = given.tables.get("customers")
    column = next((name for name in IDENTITIES if not is_missing(table, name)), None)
    if column is None or not given.has_rows("customers"):
        return None
    key = table[column].cast("string").strip().lower()
    known = table.mutate(key=key).filter(_.key.notnull() & (_.key != ""))
    shared = known.group_by("key").aggregate(n=_.count())
    total, alone = (
        int(number)
        for number in shared.aggregate(total=_.n.sum(), alone=(_.n == 1).sum())
        .to_pandas()
        .fillna(0)
        .iloc[0]
    )
    if not total:
        return None
    return given.tell_share(alone, total, f"with {IDENTITIES[column]} have it to themselves")


def find_consent(given: Given) -> Found:
    """Return the share of customers who said whether they may be contacted."""
    consent = measure_consent(dict(given.tables), given.plan.privacy.consent_column)
    people = int(consent["customer_count"].sum())
    if not people:
        return Found(0.0, "no consent is recorded", 0.0)
    answered = int(consent.loc[consent["answer"] != "unknown", "customer_count"].sum())
    return given.tell_share(answered, people, "said yes or no")


def find_named_events(given: Given) -> Found:
    """Return the share of events that name a customer."""
    events = given.tables["events"]
    if KEY not in events.columns:
        return Found(0.0, "no event names a customer", 0.0)
    counted = events.aggregate(named=events[KEY].count(), every=events.count())
    named, every = (int(number) for number in counted.to_pandas().iloc[0])
    return tell_part(named, every, "events name a customer")


def find_voices(given: Given) -> Found:
    """Count the ways in which customers are heard: what they answer, and what they ask for.

    Who sells nothing has no support to export tickets from.
    """
    answers = given.has_rows("responses") or bool(given.list_ready() & set(SAID))
    heard = {"survey answers": answers, "support tickets": given.has_rows("tickets")}
    if not heard["support tickets"] and not given.has_rows("order_lines"):
        del heard["support tickets"]
    missing = [name for name, is_there in heard.items() if not is_there]
    advice = {"survey answers": "run a short survey", "support tickets": "export support tickets"}
    improve = "; ".join(advice[name] for name in missing)
    count = len(heard) - len(missing)
    there = " and ".join(name for name, is_there in heard.items() if is_there) or "none"
    found = tell_part(count, len(heard), f"ways to hear customers: {there}")
    return Found(found.value, found.evidence, found.told, improve[:1].upper() + improve[1:])


def find_answered(given: Given) -> Found | None:
    """Return the share of customers who answered a question of a survey."""
    if not given.has("responses", KEY, "answer"):
        return None
    answers = given.tables["responses"].filter(_.answer.notnull() & _[KEY].notnull())
    hits = int(answers[KEY].nunique().execute())
    total = max(count_people(given.tables, as_of=given.at.as_of)["everybody"], hits)
    return given.tell_share(hits, total, "answered a survey")


def find_control(given: Given) -> Found:
    """Return the share of messages that were held back, for their campaign's control group."""
    messages = given.tables["messages"]
    if "arm" not in messages.columns:  # the checks gave every arm its name in the plan
        return Found(0.0, "no message carries the arm of its campaign", 0.0)
    counted = messages.aggregate(control=is_control(messages).sum(), every=messages.count())
    control, every = (int(number) for number in counted.to_pandas().iloc[0])
    value = control / max(every, 1)
    text = f"{value:.0%} of messages were held back for a control group"
    return Found(value, text, round(value, 2))


def find_outcomes(given: Given) -> Found:
    """Count what is recorded of messages: opened, clicked, converted, unsubscribed, bounced."""
    messages = given.tables["messages"]
    named = [name for name in OUTCOMES if name in messages.columns]
    filled = messages.aggregate(**{name: messages[name].count() for name in named or [KEY]})
    counts = filled.to_pandas().iloc[0]
    there = [name for name in named if counts[name] > 0]
    text = f"{len(there)} of {len(OUTCOMES)} outcomes are recorded"
    return Found(float(len(there)), f"{text}: {', '.join(there)}" if there else text, len(there))


def find_watch(given: Given) -> Found | None:
    """Return how many days before this run the last one was; nothing where there is none."""
    if not given.earlier_days:
        return None
    days = float((given.at.as_of - max(given.earlier_days)).days)
    return Found(days, f"the run before this one was of {days:,.0f} days earlier", days)
