"""Good cases with what good files also have: columns nobody maps, other sheets, features, returns.

Nothing in them is wrong, and much looks as if it could be.
"""

from __future__ import annotations

import random

import pandas as pd

from tests.doors.case import AS_OF, Case, draw_good
from tests.doors.facts import find_facts

REMARKS = ("", "ring twice", "gift; no invoice", 'the "blue" one', "two, please", "12,50", "C3")


def draw_usual(rng: random.Random) -> Case:
    """Draw a good case as people have them."""
    case = draw_good(rng)
    for add in (_add_remarks, _add_taxed, _add_features, _add_cancellations, _add_sheet):
        if rng.random() < 0.3:
            add(rng, case)
    case.truth = find_facts(_hide_unread(case), as_of=AS_OF)
    return case


def _hide_unread(case: Case) -> dict[str, pd.DataFrame]:
    """Return the tables without the columns that nobody maps."""
    unread = ["Remarks", "Total incl. VAT"]
    return {
        name: table.drop(columns=unread, errors="ignore") for name, table in case.tables.items()
    }


def _add_remarks(rng: random.Random, case: Case) -> None:
    """Add a column of texts that the plan does not read, with delimiters and quotes in them."""
    table = case.tables[rng.choice(list(case.tables))]
    table["Remarks"] = [rng.choice(REMARKS) for _ in table.index]


def _add_taxed(rng: random.Random, case: Case) -> None:
    """Add the total with tax, which is not mapped: the price is."""
    lines = case.tables.get("order_lines")
    if lines is not None:
        lines["Total incl. VAT"] = (1.24 * lines["quantity"] * lines["unit_price"]).round(2)


def _add_features(rng: random.Random, case: Case) -> None:
    """Give customers features of one's own: a number, a category, yes and no."""
    customers = case.tables.get("customers")
    if customers is None:
        return
    count = len(customers)
    customers["visits"] = [rng.randint(0, 40) for _ in range(count)]
    customers["plan"] = [rng.choice(["basic", "plus", "family"]) for _ in range(count)]
    customers["has_app"] = [rng.random() < 0.5 for _ in range(count)]
    case.features = {name: name for name in ("visits", "plan", "has_app")}


def _add_cancellations(rng: random.Random, case: Case) -> None:
    """Let returns have numbers of their own that begin with C, as the plan says."""
    lines = case.tables.get("order_lines")
    if lines is None or "orders" in case.tables:
        return
    is_back = lines["quantity"] < 0
    lines["order_id"] = [
        f"{'C' if b else ''}{o}" for b, o in zip(is_back, lines["order_id"], strict=True)
    ]
    case.policies["cancelled_order_prefix"] = "C"


def _add_sheet(rng: random.Random, case: Case) -> None:
    """Let workbooks have a sheet of notes."""
    case.sheets["Notes"] = [["Exported by", "Ann"], ["On", "2025-01-02"]]
