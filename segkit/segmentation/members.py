"""The customers of a table together with the segments that they were placed in."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from segkit.core.errors import SegkitError
from segkit.runs.segments import PLACED_COLUMNS
from segkit.segmentation.documents import Segmentation

KEYS = ["segment", "segment_name"]


def join_segments(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Add ``segment`` and ``segment_name`` to the customers who have one."""
    missing = [c for c in ("customer_id", *KEYS) if c not in segments.columns]
    if missing:
        fix = "Give what assign returned."
        raise SegkitError(f"the table of segments lacks {', '.join(missing)}", fix=fix)
    own = customers.drop(columns=KEYS, errors="ignore")
    placed = segments[["customer_id", *KEYS]].dropna(subset=["segment"])
    return own.merge(placed, on="customer_id", validate="one_to_one")


def name_numbers(joined: pd.DataFrame) -> pd.Series:
    """Return the segments' names by number, ascending."""
    return joined.drop_duplicates("segment").set_index("segment")["segment_name"].sort_index()


def assign_schemes(
    people: Mapping[str, pd.DataFrame], segmentations: Mapping[str, Segmentation]
) -> pd.DataFrame:
    """Place the customers of each scheme, ``people`` by its name, in its segments.

    Returns
    -------
    DataFrame
        ``customer_id``, ``scheme``, ``segment`` (its name); the schemes in the order given, in each
        the customers in theirs. Who has no segment in a scheme has no row.
    """
    parts = []
    for scheme, segmentation in segmentations.items():
        placed = segmentation.assign(people[scheme])
        parts.append(list_placements(placed, scheme)[PLACED_COLUMNS])
    return pd.concat(parts or [pd.DataFrame(columns=PLACED_COLUMNS)], ignore_index=True)


def place_customers(segmentation: Segmentation, customers: pd.DataFrame) -> pd.DataFrame:
    """Return each customer's segment, its name, and how sure the placement is.

    The columns are ``customer_id``, ``segment``, ``segment_name`` and ``confidence``.
    """
    placed = segmentation.assign(customers)
    return placed[["customer_id", *KEYS, "confidence"]]


def list_placements(placed: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Return what a run keeps of the customers placed by one scheme.

    Parameters
    ----------
    placed : DataFrame
        What a segmentation's ``assign`` returned.
    scheme : str

    Returns
    -------
    DataFrame
        ``customer_id``, ``scheme``, ``segment`` (its name), ``segment_number``, ``confidence``.
    """
    named = placed.assign(
        scheme=scheme, segment=placed["segment_name"], segment_number=placed["segment"]
    )
    kept = named[[*PLACED_COLUMNS, "segment_number", "confidence"]]
    return kept.dropna(subset=["segment"]).reset_index(drop=True)
