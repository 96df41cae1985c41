"""Which customers stand for all, where a step would take too long with each of them."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

# Bootstrap solutions are asked of so many customers at most.
MOST_RESAMPLED = 20_000


def sample_customers(customers: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most ``most`` customers: those whose identifier's MD5 is smallest.

    So it is the same customers from run to run, on every machine and in every engine, and most of
    them next month too.
    """
    if len(customers) <= most:
        return customers
    digests = [hashlib.md5(text.encode()).digest() for text in customers["customer_id"].map(str)]
    order = np.array(digests, dtype="S16").argsort(kind="stable")
    return customers.iloc[np.sort(order[:most])]


def sample_rows(row_count: int, random_state: int) -> np.ndarray:
    """Return at most 20,000 row numbers, in order, drawn without replacement."""
    if row_count <= MOST_RESAMPLED:
        return np.arange(row_count)
    rng = np.random.default_rng(random_state)
    return np.sort(rng.choice(row_count, MOST_RESAMPLED, replace=False))
