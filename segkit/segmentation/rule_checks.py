"""What ordered rules do to the customers: exclusive, exhaustive, and which of them never match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from segkit.segmentation.placing import bring_columns
from segkit.segmentation.rules import Rules


def check_rules(
    customers: pd.DataFrame, rules: Rules, names: Sequence[str], *, smallest_cell: int = 1
) -> pd.DataFrame:
    """Say, from the data, whether rules are exclusive and exhaustive, and what never matches.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer.
    rules : Rules
    names : sequence of str
        Names of the segments.
    smallest_cell : int
        Counts from 1 to below it are missing, and told as such.

    Returns
    -------
    pandas.DataFrame
        One row a rule, in order: ``segment_name``, ``when``, ``matched_count`` (the condition is
        true), ``customer_count`` (assigned by this rule), ``customer_share``, ``unknown_count``
        (the condition is null), ``overlap_count`` (true, but an earlier rule was met), ``note`` in
        words, such as which earlier segments took all of them.
    """
    counts = _count_customers(customers, rules)
    last = len(rules.rules) - 1
    rows = []
    for i, rule in enumerate(rules.rules):
        matched = counts[f"matched{i}"]
        before = matched[:i][matched[:i] > 0]
        own = {
            "segment_name": names[rule.segment - 1],
            "when": rule.when,
            "matched_count": matched.sum(),
            "customer_count": counts["size"][i],
            "unknown_count": counts[f"unknown{i}"].sum(),
            "overlap_count": before.sum(),
        }
        takers = dict.fromkeys(names[rules.rules[j].segment - 1] for j in before.index)
        notes = [_note_overlap(own, takers, is_last=i == last, smallest_cell=smallest_cell)]
        if i < last:
            passed = counts[f"unknown{i}"][i + 1 :].sum()
            columns = ", ".join(rules.predicates[i].columns)
            notes.append(_note_unknown(passed, columns, smallest_cell))
        rows.append({**own, "note": "; ".join(note for note in notes if note)})
    table = pd.DataFrame(rows)
    share = table["customer_count"] / max(len(customers), 1)
    table.insert(4, "customer_share", share)
    return _hide_small(table, smallest_cell)


def _count_customers(customers: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Count, by the rule that takes them, who meets each condition, and who leaves it open.

    One row a rule: ``size``, and for each rule ``matched<i>`` and ``unknown<i>``.
    """
    decided = rules.decide(bring_columns(customers, rules.columns))
    table = decided.table.select(decided.first, *decided.conditions)
    last = len(rules.rules) - 1
    sums = {"size": table.count()}
    for i, condition in enumerate(decided.conditions):
        sums[f"matched{i}"] = table[condition].fill_null(False).sum()
        sums[f"unknown{i}"] = table[condition].isnull().sum()
    counts = table.group_by(decided.first).aggregate(**sums).to_pandas()
    counts = counts.set_index(decided.first)
    counts = counts.reindex(range(last + 1), fill_value=0).astype(int)
    counts[f"matched{last}"] = counts["size"].where(counts.index == last, 0)
    counts[f"unknown{last}"] = 0
    return counts


def _note_overlap(
    own: dict[str, object], takers: Iterable[str], *, is_last: bool, smallest_cell: int
) -> str:
    """Say that a rule matches nobody, or who had been taken before."""
    if not own["matched_count"]:
        return "nobody is left for it" if is_last else "never matches"
    if not own["overlap_count"]:
        return ""
    shadowed = "" if own["customer_count"] else f"shadowed by {', '.join(takers)}: "
    early = _write_count(own["overlap_count"], smallest_cell)
    total = _write_count(own["matched_count"], smallest_cell)
    return f"{shadowed}{early} of {total} were taken before"


def _note_unknown(passed: int, columns: str, smallest_cell: int) -> str:
    """Say how many went on to the next rule for want of a value."""
    if not passed:
        return ""
    count = _write_count(passed, smallest_cell)
    return f"{count} without a value of {columns} went on to the next rule"


def _write_count(count: int, smallest_cell: int) -> str:
    return f"fewer than {smallest_cell}" if 0 < count < smallest_cell else str(count)


def _hide_small(table: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Return the table without counts below the smallest cell, and what would give one away."""
    table = table.copy()
    counts = table.filter(like="_count").columns
    table[counts] = table[counts].mask((table[counts] > 0) & (table[counts] < smallest_cell))
    if table["customer_count"].isna().sum() == 1:  # or it would follow from the sum
        shown = table["customer_count"].where(table["customer_count"] > 0)
        table.loc[shown.idxmin(), "customer_count"] = np.nan
    table.loc[table["customer_count"].isna(), "customer_share"] = np.nan
    return table
