"""Work a claim on a segment out again from what a run kept of its customers.

A share is that of a value among the customers of the segment of whom the column is known; a mean is
theirs. Nothing of segkit is asked: what is read are the tables alone, one row a customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

UNKNOWN = ("", "unknown", "not known", "missing", "nan")


@dataclass(frozen=True)
class Claim:
    """What a claim should say: in the segment, and of all who have a segment."""

    figure: float
    base_figure: float
    customer_count: int
    known_count: int
    base_count: int

    @property
    def index(self) -> float:
        """The figure beside that of all, 100 being the same."""
        return 100 * self.figure / self.base_figure


def open_people(run_folder: Path, *kept: str) -> pd.DataFrame:
    """Return one row a customer: the customer table, the segment, and what step 5 kept besides.

    ``kept`` names tables of the last step with ``customer_id``, such as ``persona_traits``.
    """
    people = pd.read_parquet(run_folder / "03_base_analysis" / "tables" / "customers.parquet")
    step = run_folder / "05_analysis" / "tables"
    placed = pd.read_parquet(step / "placements.parquet")[["customer_id", "segment"]]
    people = people.drop(columns="segment", errors="ignore").merge(placed, on="customer_id")
    for name in kept:
        people = people.merge(pd.read_parquet(step / f"{name}.parquet"), on="customer_id")
    return people


def recompute_share(
    people: pd.DataFrame, segment: str, column: str, *, value: str, is_of_known: bool = True
) -> Claim:
    """Work out the share of a value in a segment and among all."""
    texts = people[column].astype(object).where(people[column].notna(), "").astype(str)
    if is_of_known:
        is_known = ~texts.str.strip().str.casefold().isin(UNKNOWN)
    else:
        is_known = pd.Series(True, people.index)
    own = people["segment"] == segment
    hits = texts == value
    known, everybody = int((own & is_known).sum()), int(is_known.sum())
    count = int((own & hits).sum())
    return Claim(count / known, hits.sum() / everybody, count, known, everybody)


def recompute_mean(people: pd.DataFrame, segment: str, column: str) -> Claim:
    """Work out the mean of a column in a segment and among all."""
    values = people[column].astype(float)
    own = values[people["segment"] == segment].dropna()
    known = values.dropna()
    return Claim(own.mean(), known.mean(), len(own), len(own), len(known))
