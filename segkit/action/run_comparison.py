"""What changed since the last run: who moved, which segments grew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from segkit.core.errors import SegkitError
from segkit.runs.history import read_assignment

SMALLEST_SHARE = 1e-4


@dataclass(frozen=True)
class Comparison:
    """Two assignments of the same scheme, side by side.

    ``shares`` has one row a segment: ``segment_name``, ``share_before``, ``share_after``,
    ``change_points`` (hundredths; NaN where the segment is in one run only). ``migration`` has
    one row a pair of segments: ``segment_before``, ``segment_after``, ``customer_count``,
    ``share_of_before``. ``summary`` holds the counts, ``notes`` what to know in sentences.
    """

    shares: pd.DataFrame
    migration: pd.DataFrame
    summary: dict[str, float | int | bool]
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; what is not a number is None."""
        summary = {name: None if pd.isna(value) else value for name, value in self.summary.items()}
        shares = json.loads(self.shares.to_json(orient="records"))
        migration = json.loads(self.migration.to_json(orient="records"))
        return {**summary, "shares": shares, "migration": migration, "notes": self.notes}

    def list_moves(self) -> pd.DataFrame:
        """Return the rows of ``migration`` of customers who moved."""
        return self.migration.query("segment_before != segment_after and customer_count > 0")

    def describe(self) -> list[str]:
        """Return the notes, and how many moved, as sentences."""
        moved = self.summary["moved_count"]
        common = self.summary["common_count"]
        text = f"{moved:,} of {common:,} customers of both runs moved"
        return [*self.notes, f"{text}; drift {self.summary['drift']:.3f}"]


def compare_runs(before: Path, after: Path) -> Comparison:
    """Compare two runs, each a run folder, a folder of a history, or a table of segments.

    Raises
    ------
    SegkitError
        If one of them holds no segments; see `segkit.runs.history.read_assignment`.
    """
    assignments = []
    for path in (before, after):
        segments = read_assignment(path)
        assignments.append(segments.rename(columns={"segment": "segment_name"}))
    return compare_assignments(*assignments)


def compare_assignments(before: pd.DataFrame, after: pd.DataFrame) -> Comparison:
    """Compare who was in which segment: ``customer_id`` and ``segment_name``, one row a customer.

    Returns
    -------
    Comparison
        ``summary``: ``before_count``, ``after_count``, ``common_count``, ``new_count``,
        ``lost_count``, ``moved_count``, ``moved_share`` (of the common), ``drift`` (population
        stability index of the shares: from 0.10 look, from 0.25 act) and ``renamed``. Where the
        two runs name their segments differently, each old name is matched with the new one that
        shares most customers with it, and ``notes`` says so; ``shares`` keeps the names as they
        are, ``moved_count`` uses the match, and ``drift`` too.

    References
    ----------
    Siddiqi (2006), *Credit Risk Scorecards*: the population stability index and its limits.
    """
    before = _check(before, "before")
    after = _check(after, "after")
    both = before.merge(after, on="customer_id", suffixes=("_before", "_after"))
    pairs = both.rename(columns=lambda name: name.replace("segment_name", "segment"))
    counts = pd.crosstab(pairs["segment_before"], pairs["segment_after"])
    old, new = (side["segment_name"].value_counts(normalize=True) for side in (before, after))
    shares = pd.concat([old, new], axis=1, keys=["share_before", "share_after"]).sort_index()
    shares["change_points"] = 100 * (shares["share_after"] - shares["share_before"])
    match, notes = match_names(counts, set(old.index), set(new.index))
    moved = int((pairs["segment_before"].map(match) != pairs["segment_after"]).sum())
    summary = {
        "before_count": len(before),
        "after_count": len(after),
        "common_count": len(both),
        "new_count": len(after) - len(both),
        "lost_count": len(before) - len(both),
        "moved_count": moved,
        "moved_share": moved / len(both) if len(both) else float("nan"),
        "drift": _measure_drift(old.rename(index=match), new),
        "renamed": bool(notes),
    }
    if both.empty:
        notes.append("No customer is in both runs; the migration table is empty.")
    moves = counts.stack().rename("customer_count").reset_index()
    totals = moves.groupby("segment_before")["customer_count"].transform("sum")
    migration = moves.assign(share_of_before=moves["customer_count"] / totals)
    return Comparison(shares.rename_axis("segment_name").reset_index(), migration, summary, notes)


def match_names(
    counts: pd.DataFrame, old: set[str], new: set[str]
) -> tuple[dict[str, str], list[str]]:
    """Match old names of segments with new ones; same names match themselves.

    Parameters
    ----------
    counts : DataFrame
        Customers of both runs by the old name (rows) and the new one (columns).
    old, new : set of str
        All names of each run.

    Returns
    -------
    tuple
        The new name by the old one, and what was matched though it is named otherwise, in
        sentences. A name that shares no customer with a free one is in neither.
    """
    match = {name: name for name in old & new}
    notes = []
    gone = sorted(old - new)
    come = sorted(new - old)
    overlap = counts.reindex(index=gone, columns=come, fill_value=0).to_numpy()
    for i, j in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[i, j] > 0:
            match[gone[i]] = come[j]
            notes.append(
                f"'{gone[i]}' of the earlier run is read as '{come[j]}': "
                f"they share {overlap[i, j]} customers."
            )
    return match, notes


def _measure_drift(before: pd.Series, after: pd.Series) -> float:
    """Population stability index over segments; a share of 0 counts as one in ten thousand."""
    both = pd.concat([before, after], axis=1, keys=["old", "new"])
    old, new = both.fillna(0).clip(lower=SMALLEST_SHARE).to_numpy().T
    return float(((new - old) * np.log(new / old)).sum())


def _check(table: pd.DataFrame, which: str) -> pd.DataFrame:
    columns = ["customer_id", "segment_name"]
    missing = [column for column in columns if column not in table.columns]
    if missing:
        fix = "Give the table that a run or 'segkit score' wrote."
        raise SegkitError(f"the assignment {which} lacks {', '.join(missing)}", fix=fix)
    # Identifiers are compared as text: 00123 and '00123' read from two kinds of file.
    found = table[columns].dropna().astype({"customer_id": str})
    if repeated := int(found["customer_id"].duplicated().sum()):
        message = f"the assignment {which} names customers more than once"
        there = "repeated rows"
        raise SegkitError(message, found=f"{repeated} {there}", fix="Give one row a customer.")
    return found
