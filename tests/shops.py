"""A shop of six customers, small enough to work out on paper. as_of is 30 June 2026.

ann    orders A1 on 1 January (2 tents at 50 = 100, 1 lamp at 20 = 20), A2 on 1 May (1 tent, 50)
       and returns a tent on 2 May (-50)
bob    orders B1 on 31 March (1 lamp, 20) and B2 on the same day (1 mug, 5)
cat    order C1 on 30 June 23:59 (4 mugs at 5 = 20), the last minute that counts
dan    only a return: a mug on 1 June (-5)
eve    order E1 on 1 October 2025 (1 tent, 50); order E2 on 1 July 2026 is after as_of
fay    order F1 on 1 June 2025 (1 lamp, 20), more than a year ago
one line has no customer; gus is in the customers table but never bought
"""

from __future__ import annotations

import datetime

import ibis
import pandas as pd

AS_OF = datetime.date(2026, 6, 30)
LINES = [
    ("A1", "tent", "ann", "2026-01-01 10:00", 2, 50.0, "sale", "FI"),
    ("A1", "lamp", "ann", "2026-01-01 10:00", 1, 20.0, "sale", "FI"),
    ("A2", "tent", "ann", "2026-05-01 10:00", 1, 50.0, "sale", "SE"),
    ("A3", "tent", "ann", "2026-05-02 10:00", -1, 50.0, "return", "SE"),
    ("B1", "lamp", "bob", "2026-03-31 09:00", 1, 20.0, "sale", "SE"),
    ("B2", "mug", "bob", "2026-03-31 17:00", 1, 5.0, "sale", "SE"),
    ("C1", "mug", "cat", "2026-06-30 23:59", 4, 5.0, "sale", "FI"),
    ("D1", "mug", "dan", "2026-06-01 12:00", -1, 5.0, "return", "FI"),
    ("E1", "tent", "eve", "2025-10-01 12:00", 1, 50.0, "sale", "EE"),
    ("E2", "tent", "eve", "2026-07-01 00:00", 1, 50.0, "sale", "EE"),
    ("F1", "lamp", "fay", "2025-06-01 12:00", 1, 20.0, "sale", "EE"),
    ("X1", "mug", None, "2026-06-02 12:00", 1, 5.0, "sale", "FI"),
]


def make_lines(extra: list[tuple] = ()) -> pd.DataFrame:
    """Return the shop's accepted order lines, with further rows if given."""
    columns = ["order_id", "product_id", "customer_id", "ordered_at", "quantity", "unit_price"]
    lines = pd.DataFrame([*LINES, *extra], columns=[*columns, "line_type", "country"])
    lines["ordered_at"] = pd.to_datetime(lines["ordered_at"], format="%Y-%m-%d %H:%M")
    lines["quantity"] = lines["quantity"].astype(float)
    return lines.assign(line_amount=lines["quantity"] * lines["unit_price"], is_product=True)


def make_tables(extra_lines: list[tuple] = ()) -> dict[str, ibis.Table]:
    """Return all of the shop's tables, opened in the default engine."""

    def at(*texts: str) -> pd.DatetimeIndex:
        return pd.to_datetime(list(texts), format="%Y-%m-%d %H:%M")

    frames = {
        "order_lines": make_lines(extra_lines),
        "products": pd.DataFrame(
            {
                "product_id": ["tent", "lamp", "mug"],
                "category": ["camp", "home", "home"],
                "unit_cost": [30.0, 8.0, None],
            }
        ),
        "customers": pd.DataFrame(
            {
                "customer_id": ["ann", "bob", "eve", "gus"],
                "name": ["Ann", "Bob", "Eve", "Gus"],
                "birth_year": [1980, 1890, 1997, 2000],
                "country": [None, "LV", "EE", "FI"],
                "loyalty_card_id": ["1", None, None, "2"],
                "consent": [True, False, True, True],
            }
        ),
        "events": pd.DataFrame(
            {
                "customer_id": ["ann", "ann", "ann", "bob", None, "bob"],
                "occurred_at": at(
                    "2026-06-20 10:00", "2026-06-20 10:05", "2026-06-25 08:00",
                    "2026-01-01 08:00", "2026-06-29 08:00", "2026-07-02 08:00",
                ),
                "event_type": ["view", "cart", "view", "wish", "view", "cart"],
                "session_id": ["s1", "s1", "s2", "s3", "s4", "s5"],
                "device": ["mobile", "mobile", "desktop", "desktop", "mobile", "mobile"],
            }
        ),
        "messages": pd.DataFrame(
            {
                "customer_id": ["ann", "ann", "ann", "bob", "eve"],
                "sent_at": at(
                    "2026-06-01 08:00", "2026-06-10 08:00", "2026-06-12 08:00",
                    "2026-06-01 08:00", "2026-06-01 08:00",
                ),
                "arm": ["segmented", "segmented", "segmented", "control", "unsegmented"],
                "opened": [True, False, None, None, False],
                "bounced": [False, False, False, False, True],
            }
        ),
    }  # fmt: skip
    return {name: ibis.memtable(frame) for name, frame in frames.items()}
