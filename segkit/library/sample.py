"""A small shop's order lines, to try the library with."""

from __future__ import annotations

import numpy as np
import pandas as pd

FIRST_DAY = "2024-01-01"
DAYS = 540
CUSTOMERS = 240
PRODUCTS = 40
# Of the process that the models of lifetime value suppose (Fader, Hardie and Lee 2005).
RATE_SHAPE = 1.0
MEAN_RATE = 1 / 30  # orders a day
LEAVING = (1.0, 6.0)
# Of prices: the mean of a customer's logarithms, and how they spread within and between customers.
LOG_PRICE = 2.7
SPREADS = (0.3, 0.5)


def load_sample_lines(*, random_state: int = 0) -> pd.DataFrame:
    """Return the order lines of a small shop as its till would export them, faults included.

    240 customers in 540 days, some of whom order often and some of whom leave; made anew in each
    call, from ``random_state``.

    Parameters
    ----------
    random_state : int, default 0
        The seed.

    Returns
    -------
    pandas.DataFrame
        One row a line: ``order_id``, ``product_id``, ``customer_id``, ``ordered_at`` (a text,
        YYYY-MM-DD), ``quantity`` (units), ``unit_price`` (in the shop's currency). A few lines
        cannot be used: a day that does not exist, no quantity, no customer.

    Examples
    --------
    >>> from segkit import load_sample_lines
    >>> lines = load_sample_lines()
    >>> lines.columns.tolist()
    ['order_id', 'product_id', 'customer_id', 'ordered_at', 'quantity', 'unit_price']
    >>> lines["customer_id"].nunique()
    240
    """
    from segkit.library.inputs import read_seed

    rng = np.random.default_rng(read_seed(random_state))
    first = pd.Timestamp(FIRST_DAY)
    rows: list[tuple[object, ...]] = []
    for customer in range(CUSTOMERS):
        rate = rng.gamma(RATE_SHAPE, MEAN_RATE / RATE_SHAPE)
        leaving = rng.beta(*LEAVING)
        price = np.exp(LOG_PRICE + rng.normal(0, SPREADS[1]))
        day = rng.uniform(0, DAYS / 2)
        while day < DAYS:
            ordered_at = (first + pd.Timedelta(days=int(day))).strftime("%Y-%m-%d")
            order_id = f"A{len(rows):05d}"
            for product in rng.choice(PRODUCTS, size=rng.integers(1, 4), replace=False):
                unit_price = round(price * rng.lognormal(0, SPREADS[0]), 2)
                line = (order_id, f"P{product:02d}", f"C{customer:03d}", ordered_at)
                rows.append((*line, int(rng.integers(1, 4)), unit_price))
            if rng.random() < leaving:
                break
            day += 1 + rng.exponential(1 / rate)
    names = ["order_id", "product_id", "customer_id", "ordered_at", "quantity", "unit_price"]
    lines = pd.DataFrame(rows, columns=names).astype({"quantity": "Int64"})
    faulty = np.linspace(10, len(lines) - 10, 5).astype(int)
    lines.loc[faulty[:2], "ordered_at"] = "2025-02-30"
    lines.loc[faulty[2], "quantity"] = pd.NA
    nobody = lines["order_id"].isin(lines.loc[faulty[3:], "order_id"])
    lines.loc[nobody, "customer_id"] = pd.NA
    return lines
