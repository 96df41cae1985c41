"""What changed since the last run: who moved, which segments grew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from segkit.errors import SegkitError

LOOK, ACT = 0.10, 0.25
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


def compare_assignments(before: pd.DataFrame, after: pd.DataFrame) -> Comparison:
    """Compare who was in which segment before and after.

    Parameters
    ----------
    before, after : pandas.DataFrame
        ``customer_id`` and ``segment_name``, one row a customer.

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
    before, after = _check(before, "before"), _check(after, "after")
    both = before.merge(after, on="customer_id", suffixes=("_before", "_after"))
    counts = pd.crosstab(both["segment_name_before"], both["segment_name_after"])
    share_before = before["segment_name"].value_counts(normalize=True)
    share_after = after["segment_name"].value_counts(normalize=True)
    names = sorted({*share_before.index, *share_after.index})
    shares = pd.DataFrame({"segment_name": names})
    shares["share_before"] = shares["segment_name"].map(share_before)
    shares["share_after"] = shares["segment_name"].map(share_after)
    shares["change_points"] = 100 * (shares["share_after"] - shares["share_before"])
    match, notes = _match_names(counts, set(share_before.index), set(share_after.index))
    expected = both["segment_name_before"].map(match)
    moved = int((expected != both["segment_name_after"]).sum())
    summary = {
        "before_count": len(before),
        "after_count": len(after),
        "common_count": len(both),
        "new_count": len(after) - len(both),
        "lost_count": len(before) - len(both),
        "moved_count": moved,
        "moved_share": moved / len(both) if len(both) else float("nan"),
        "drift": _measure_drift(share_before.rename(index=match), share_after),
        "renamed": bool(notes),
    }
    if not len(both):
        notes.append("No customer is in both runs; the migration table is empty.")
    return Comparison(shares, _list_moves(counts), summary, notes)


def _match_names(
    counts: pd.DataFrame, old: set[str], new: set[str]
) -> tuple[dict[str, str], list[str]]:
    """Match old names with new ones; same names match themselves."""
    match = {name: name for name in old & new}
    gone, come = sorted(old - new), sorted(new - old)
    if not gone and not come:
        return match, []
    notes = []
    overlap = counts.reindex(index=gone, columns=come, fill_value=0).to_numpy()
    for i, j in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[i, j] > 0:
            match[gone[i]] = come[j]
            notes.append(
                f"'{gone[i]}' of the earlier run is read as '{come[j]}': "
                f"they share {overlap[i, j]} customers."
            )
    alone_before = [name for name in gone if name not in match]
    alone_after = [name for name in come if name not in match.values()]
    if alone_before:
        notes.append(f"Only in the earlier run: {', '.join(alone_before)}.")
    if alone_after:
        notes.append(f"Only in the later run: {', '.join(alone_after)}.")
    return match, notes


def _list_moves(counts: pd.DataFrame) -> pd.DataFrame:
    if counts.empty:
        columns = ["segment_before", "segment_after", "customer_count", "share_of_before"]
        return pd.DataFrame(columns=columns)
    moves = counts.rename_axis(index="segment_before", columns="segment_after")
    moves = moves.stack().rename("customer_count").reset_index()
    totals = moves.groupby("segment_before")["customer_count"].transform("sum")
    return moves.assign(share_of_before=moves["customer_count"] / totals)


def _measure_drift(before: pd.Series, after: pd.Series) -> float:
    """Population stability index over segments; a share of 0 counts as one in ten thousand."""
    names = before.index.union(after.index)
    old = before.groupby(level=0).sum().reindex(names, fill_value=0).clip(lower=SMALLEST_SHARE)
    new = after.reindex(names, fill_value=0).clip(lower=SMALLEST_SHARE)
    return float(((new - old) * np.log(new / old)).sum())


def _check(table: pd.DataFrame, which: str) -> pd.DataFrame:
    missing = [c for c in ("customer_id", "segment_name") if c not in table.columns]
    if missing:
        raise SegkitError(
            f"the assignment {which} lacks {', '.join(missing)}",
            fix="Give the table that a run or 'segkit score' wrote.",
        )
    found = table[["customer_id", "segment_name"]].dropna()
    # Identifiers are compared as text: 00123 and '00123' read from two kinds of file.
    found = found.assign(customer_id=found["customer_id"].astype(str))
    repeated = int(found["customer_id"].duplicated().sum())
    if repeated:
        raise SegkitError(
            f"the assignment {which} names customers more than once",
            found=f"{repeated} repeated rows",
            fix="Give one row a customer.",
        )
    return found
